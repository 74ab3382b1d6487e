//! Every hash is right, and still it is no state.

use super::*;

/// Three leaves as the store cuts them, the last one with what is left.
fn leaves() -> (Vec<Made>, u32) {
    let (one, at) = next_leaf(0);
    let (two, at) = next_leaf(at);
    (vec![one, two, leaf(numbered(at..at + 5))], at + 5)
}

#[test]
fn what_the_tests_build_by_hand_is_what_the_store_builds() {
    let (leaves, count) = leaves();
    let root = inner(1, &leaves);
    let mut exported = Vec::new();
    view(numbered(0..count)).export(&mut exported).expect("exported");
    assert_eq!(file_of(&root, &leaves), exported);
    verify_export(&mut &exported[..], None).expect("valid");
}

#[test]
fn g04_keys_that_do_not_ascend_are_refused() {
    let (mut leaves, count) = leaves();
    // The third leaf starts before the second one ends.
    leaves[2] = leaf([(key(1), value(1)), (key(count), value(1))]);
    check(
        &file_of(&inner(1, &leaves), &leaves),
        None,
        "invalid-export",
        "keys do not ascend from one node to the next",
    );
    let mut same = self::leaves().0;
    same[2] = leaf([(same[1].key.clone(), value(1)), (key(count), value(1))]);
    check(&file_of(&inner(1, &same), &same), None, "invalid-export", "keys do not ascend from one node to the next");
}

#[test]
fn g05_nodes_that_end_elsewhere_are_refused() {
    let what = "a node ends where this store would not have ended it";
    let (leaves, count) = leaves();
    let too_long = leaf(numbered(0..count));
    check(&file_of(&too_long, &[]), None, "invalid-export", what);
    let too_short = [leaf(numbered(0..3)), leaf(numbered(3..count))];
    check(&file_of(&inner(1, &too_short), &too_short), None, "invalid-export", what);
    // Only the last node of a level may end anywhere.
    let early = [leaves[2].clone(), leaf([(key(count + 1), value(0))])];
    check(&file_of(&inner(1, &early), &early), None, "invalid-export", what);
}

#[test]
fn g05_a_root_that_is_too_high_is_refused() {
    let leaf = leaf(numbered(0..3));
    let root = inner(1, std::slice::from_ref(&leaf));
    check(&file_of(&root, std::slice::from_ref(&leaf)), None, "invalid-export", "the root node has a single child");
    let higher = inner(2, std::slice::from_ref(&root));
    check(&file_of(&higher, &[root, leaf]), None, "invalid-export", "the root node has a single child");
}

#[test]
fn g04_what_a_parent_says_of_a_child_is_checked() {
    let (leaves, _) = leaves();
    let with = |change: &dyn Fn(&mut Made)| {
        let mut named = leaves.clone();
        change(&mut named[1]);
        let mut file = file_of(&inner(1, &named), &leaves);
        // The header follows what the root says.
        let root = inner(1, &named);
        file.splice(..256, header(&root).encode());
        file
    };
    let what = "a node has not the entries and bytes that its parent names";
    check(&with(&|leaf| leaf.weight.entries += 1), None, "invalid-export", what);
    check(&with(&|leaf| leaf.weight.bytes -= 1), None, "invalid-export", what);
    check(&with(&|leaf| leaf.weight.outside = true), None, "invalid-export", what);
    check(&with(&|leaf| leaf.weight.entries = 0), None, "invalid-export", "impossible counts");
    let last = "a node has not the last key that its parent names";
    check(&with(&|leaf| leaf.key = [&leaf.key[..], b"0"].concat().into()), None, "invalid-export", last);
}

#[test]
fn g04_counts_without_bound_are_refused() {
    let (leaves, _) = leaves();
    for count in [u64::MAX, (1 << 48) + 1] {
        let mut root = inner(1, &leaves);
        let at = root.bytes.len() - 16;
        root.bytes[at..at + 8].copy_from_slice(&count.to_le_bytes());
        check(&file_of(&root, &leaves), None, "invalid-export", "impossible counts");
    }
    let mut root = inner(1, &leaves);
    root.bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    check(&file_of(&root, &leaves), None, "invalid-export", "it names more entries than it has room for");
    let root = inner(1, &leaves);
    for change in [|tree: &mut Tree| tree.entries = u64::MAX, |tree: &mut Tree| tree.bytes += 1] {
        let mut header = header(&root);
        change(&mut header.tree);
        let mut file = file_of(&root, &leaves);
        file.splice(..256, header.encode());
        check(&file, None, "invalid-export", "a node has not the entries and bytes that its parent names");
    }
}

#[test]
fn g04_levels_are_checked() {
    let (leaves, count) = leaves();
    let root = inner(1, &leaves);
    // A leaf where an inner node has to be, and the other way round: its hash is that of another kind.
    let high = inner(2, &leaves);
    check(&file_of(&high, &leaves), None, "damaged-export", "a node does not have its hash");
    let under = inner(1, &[root.clone(), leaf([(key(count), value(0))])]);
    check(&file_of(&under, std::slice::from_ref(&root)), None, "damaged-export", "a node does not have its hash");
    let low = inner(3, &[root.clone(), inner(1, &leaves)]);
    check(&file_of(&low, std::slice::from_ref(&root)), None, "invalid-export", "keys do not ascend");
    for (height, kind, what) in [
        (255, "invalid-export", "the header describes no tree"),
        (65, "invalid-export", "the header describes no tree"),
        (64, "invalid-export", "a node has not the level on which its parent names it"),
        (2, "invalid-export", "a node has not the level on which its parent names it"),
        (0, "damaged-export", "a node does not have its hash"),
    ] {
        let mut header = header(&root);
        header.tree.height = height;
        let mut file = file_of(&root, &leaves);
        file.splice(..256, header.encode());
        check(&file, None, kind, what);
    }
}

#[test]
fn g14_lengths_are_not_believed() {
    let (leaves, _) = leaves();
    let root = inner(1, &leaves);
    let mut file = file_of(&root, &leaves);
    for length in [u32::MAX, 16 * 1024 + 1, 0] {
        file[257..261].copy_from_slice(&length.to_le_bytes());
        let what = if length == 0 { "a node does not have its hash" } else { "a node is larger than any" };
        check(&file, None, "damaged-export", what);
    }
    let mut file = Vec::new();
    view([(key(0), vec![7; 2000].into())]).export(&mut file).expect("exported");
    let at = file.len() - 1 - 2000 - 4;
    assert_eq!(file[at..at + 4], 2000_u32.to_le_bytes());
    for length in [u32::MAX, 2001, 1999, 0] {
        file[at..at + 4].copy_from_slice(&length.to_le_bytes());
        check(&file, None, "damaged-export", "a value has not the length that its leaf names");
    }
}

#[test]
fn bodies_that_are_no_nodes_are_refused() {
    let mut root = leaf(numbered(0..3));
    root.bytes.push(0);
    check(&file_of(&root, &[]), None, "invalid-export", "bytes follow its last entry");
    root.bytes = vec![b'S', b'N', 1, 0];
    check(&file_of(&root, &[]), None, "invalid-export", "shorter than its header");
}

#[test]
fn headers_that_contradict_themselves_are_refused() {
    let full = header(&leaf(numbered(0..3)));
    let empty = ExportHeader { base: None, tree: Tree::EMPTY };
    verify_export(&mut &file(&empty, &[])[..], None).expect("an empty state");
    for (header, change) in [
        (full, (|tree| tree.entries = 0) as fn(&mut Tree)),
        (full, |tree| tree.node = None),
        (empty, |tree| tree.entries = 1),
        (empty, |tree| tree.bytes = 1),
        (empty, |tree| tree.height = 1),
    ] {
        let mut header = header;
        change(&mut header.tree);
        check(&file(&header, &[]), None, "invalid-export", "the header describes no tree");
    }
    let rehashed = |at: usize, byte: u8| {
        let mut bytes = file(&full, &[]);
        bytes[at] = byte;
        let hash = *blake3::hash(&bytes[..224]).as_bytes();
        bytes[224..256].copy_from_slice(&hash);
        bytes
    };
    for at in [8, 12, 28, 30, 32, 112, 144, 223] {
        let byte = if at == 8 { 0 } else { 77 };
        check(&rehashed(at, byte), None, "invalid-export", "the header contradicts itself");
    }
    check(&rehashed(16, 77), None, "other-tree", "parameters");
    check(&rehashed(8, 2), None, "newer-format", "has format 2, this release reads up to 1");
    let mut newer = rehashed(8, 9);
    newer[250] ^= 1;
    check(&newer[..16], None, "newer-format", "use a newer release");
    check(b"STEADPAK and so on", None, "not-an-export", "not an exported state");
    check(b"", None, "not-an-export", "not an exported state");
}

#[test]
fn g04_an_incremental_file_may_leave_out_what_the_base_has_and_nothing_else() {
    let (leaves, count) = leaves();
    let base = view(numbered(0..count));
    let incremental = |children: &[Made], items: &[Vec<u8>]| {
        let root = inner(1, children);
        let mut header = header(&root);
        header.base = Some(base.root().expect("root"));
        file(&header, &[&[item(&root.bytes)], items].concat())
    };
    // Another last leaf.
    let last = leaf(numbered(count - 5..count + 1));
    let new = [leaves[0].clone(), leaves[1].clone(), last.clone()];
    let good = incremental(&new, &[vec![0], vec![0], item(&last.bytes)]);
    verify_export(&mut &good[..], Some(&base)).expect("valid");
    check(&good, None, "unknown-base", &base.root().expect("root").to_string());
    check(&good, Some(&view(numbered(0..3))), "unknown-base", "which no state here has");
    let claims = incremental(&new, &[vec![0], vec![0], vec![0]]);
    check(&claims, Some(&base), "damaged-export", "no body, where one is needed");
    let repeats = incremental(&new, &[vec![0], item(&leaves[1].bytes), item(&last.bytes)]);
    check(&repeats, Some(&base), "damaged-export", "no mark of what the receiver has");

    let mut lies = new.clone();
    lies[0].weight.entries += 1;
    let lie = incremental(&lies, &[vec![0], vec![0], item(&last.bytes)]);
    check(&lie, Some(&base), "invalid-export", "a node has not the entries and bytes that its parent names");

    // What ends the base ends nowhere else.
    let longer = [new[0].clone(), new[1].clone(), leaves[2].clone(), leaf([(key(count), value(0))])];
    let file = incremental(&longer, &[vec![0], vec![0], vec![0], item(&longer[3].bytes)]);
    check(&file, Some(&base), "invalid-export", "a node ends where this store would not have ended it");

    // What the base has starts before the new leaf in front of it ends.
    let within = leaves[1].weight.entries as u32 + leaves[0].weight.entries as u32 - 2;
    let reaches = (0..)
        .map(|salt| leaf(numbered(0..20).chain([(format!("{within:08}{salt}").into(), value(1))])))
        .find(ends)
        .expect("a boundary");
    let overlap = [reaches.clone(), leaves[1].clone(), leaves[2].clone()];
    let file = incremental(&overlap, &[item(&reaches.bytes), vec![0], vec![0]]);
    check(&file, Some(&base), "invalid-export", "keys do not ascend from one node to the next");
}
