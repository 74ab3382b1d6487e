//! Sizes of nodes, fixed roots, and what is visited.

use super::*;
use crate::tree::chunker::Chunker;
use crate::tree::node::{self, Value};
use crate::tree::{NODE_BYTES_MAX, Overlay, Read};

/// The nodes that building some entries gives, by level.
fn built(entries: impl Iterator<Item = (Bytes, Bytes)>) -> (Tree, Vec<(u8, usize, usize)>) {
    let mut recorded = Recorded::default();
    let entries = entries.map(|(key, value)| (key, Some(value)));
    let tree = Tree::EMPTY.apply(&Shelf::default(), &Ranges::new(), entries, &mut recorded).unwrap();
    let nodes = recorded.nodes.into_iter().map(|(hash, bytes)| {
        let length = bytes.len();
        let node = Node::decode(bytes.into()).unwrap();
        assert_eq!(hash, NodeHash::of(node.level(), node.encoded()));
        (node.level(), length, node.len())
    });
    (tree, nodes.collect())
}

#[test]
fn nodes_are_cut_around_their_target() {
    let (tree, nodes) = built((0..100_000).map(|number| (key(number, 0), value(number, 100))));
    assert_eq!((tree.height, tree.entries), (2, 100_000));
    let leaves: Vec<usize> = nodes.iter().filter(|node| node.0 == 0).map(|node| node.1).collect();
    let mean = leaves.iter().sum::<usize>() / leaves.len();
    assert!((3300..4300).contains(&mean), "mean leaf of {mean} bytes");
    assert!(leaves.iter().all(|&bytes| bytes < 9000), "largest leaf has {:?} bytes", leaves.iter().max());
    // Only the last node of a level may have one child.
    for level in 1..=tree.height {
        let children: Vec<usize> = nodes.iter().filter(|node| node.0 == level).map(|node| node.2).collect();
        let (_, closed) = children.split_last().unwrap();
        assert!(closed.iter().all(|&count| count >= 2));
    }
}

#[test]
fn keys_chosen_against_the_rule_respect_the_bound() {
    // Keep only keys that end no leaf as it grows, as an attacker would, who can compute the same hashes.
    let mut chunker = Chunker::new(0);
    let mut chosen = vec![];
    for number in 0..60_000u64 {
        let key = Bytes::copy_from_slice(&number.to_be_bytes());
        let mut entry = vec![];
        node::encode_value(&key, &Value::Inline(Bytes::new()), &mut entry);
        let mut after = chunker.clone();
        if !after.push(&entry) {
            chosen.push(key);
            chunker = after;
        } else if chunker.encoded_len() > 11_000 {
            // The bound ends the node whatever the key; go on after it.
            chosen.push(key);
            chunker = Chunker::new(0);
        }
    }
    let (_, nodes) = built(chosen.into_iter().map(|key| (key, Bytes::new())));
    let largest = nodes.iter().map(|node| node.1).max().unwrap();
    assert!(largest > 10_000, "the keys were not hostile enough: {largest}");
    assert!(largest <= NODE_BYTES_MAX);
}

#[test]
fn the_largest_entries_fit() {
    let long_keys = (0..200u64).map(|number| {
        let mut key = number.to_be_bytes().to_vec();
        key.resize(crate::limits::KEY_BYTES_MAX, 0xFF);
        (Bytes::from(key), value(number, 1024))
    });
    let (tree, nodes) = built(long_keys);
    assert_eq!(tree.entries, 200);
    assert!(nodes.iter().all(|node| node.1 <= NODE_BYTES_MAX));
}

#[test]
fn golden_roots() {
    let shelf = Shelf::new();
    let tree_of = |count: u64, length: usize| {
        shelf.build(&(0..count).map(|number| (key(number, 30), value(number, length))).collect())
    };
    let check = |tree: Tree, root: &str| assert_eq!(tree.root().to_string(), root);
    check(Tree::EMPTY, "725d9f8fe0e6c0c9ff3a5d9e71a3373e7ef6eed1f34892507966d0f21d6f8692");
    check(tree_of(1, 0), "7ba052fddda93a08b287f9e3a5e9ca73f981d9b18d8d4f38c7b075701371d3dc");
    check(tree_of(100, 20), "706d71ab1015d7c0a0e6659ded3b8b201e338c78b48aad9a80f78f8fd5c02d3b");
    check(tree_of(20_000, 100), "ba1312a4b89c89774818a42a08d1ad107d173a481237816b1cdb1f1fcb73df1d");
    check(tree_of(50, 3000), "f9a7a3cdf2e5fa1aee42bf524c35b5fa6be881daa73791aaa98c3e503f004acc");
}

#[test]
fn roots_tell_entries_apart_from_their_concatenation() {
    let shelf = Shelf::new();
    let one = |key: &'static [u8], value: &'static [u8]| {
        shelf.build(&Model::from([(Bytes::from_static(key), Bytes::from_static(value))])).root()
    };
    assert_ne!(one(b"ab", b"c"), one(b"a", b"bc"));
    assert_ne!(one(b"", b""), Tree::EMPTY.root());
    assert_eq!(one(b"a", b"b").to_string().parse(), Ok(one(b"a", b"b")));
}

#[test]
fn reads_visit_only_what_they_need() {
    let shelf = Shelf::new();
    let tree = shelf.build(&(0..50_000).map(|number| (key(number, 0), value(number, 100))).collect());
    let changed = shelf.apply(&tree, [(key(31_415, 0), Some(value(1, 50)))]);
    let counted = Counted::new(&shelf);
    let reads = || counted.reads();

    assert_eq!(tree.diff(&changed, counted.clone()).count(), 1);
    assert!(reads() <= 2 * 6, "a difference of one key reads a path in each tree");

    let bounds = (std::ops::Bound::Excluded(&*key(100, 0)), std::ops::Bound::Unbounded);
    assert_eq!(tree.count(&*counted, bounds.0, bounds.1).unwrap(), 49_899);
    assert!(reads() <= 4);

    let scan =
        tree.scan(counted.clone(), std::ops::Bound::Unbounded, std::ops::Bound::Unbounded, crate::Order::Descending);
    assert_eq!(scan.take(3).count(), 3);
    assert!(reads() <= 5, "a scan reads leaves as it goes");

    let mut marked = 0;
    tree.mark(&*counted, &mut |_| {
        marked += 1;
        true
    })
    .unwrap();
    assert!(marked > 1000);
    assert!(reads() < marked / 20, "leaves without outside values are marked unread");
}

#[test]
fn a_scan_of_keys_reads_no_values() {
    let shelf = Shelf::new();
    let model: Model = (0..500).map(|number| (key(number, 0), value(number, 2000))).collect();
    let tree = shelf.build(&model);
    shelf.values.lock().clear();
    let all = std::ops::Bound::Unbounded;
    let scan = || tree.scan(shelf.clone(), all.clone(), all.clone(), crate::Order::Ascending);
    assert!(scan().next().unwrap().is_err(), "the values are gone");
    assert!(scan().reading(Read::Keys).map(|entry| entry.unwrap().0).eq(model.into_keys()));
}

#[test]
fn marks_every_node_and_value_once_asked_below() {
    let shelf = Shelf::new();
    let entries =
        (0..3000u64).map(|number| (key(number, 0), Some(value(number, if number % 100 == 0 { 2000 } else { 50 }))));
    let mut recorded = Recorded::default();
    let tree = Tree::EMPTY.apply(&*shelf, &Ranges::new(), entries.clone(), &mut recorded).unwrap();
    assert_eq!(shelf.apply(&Tree::EMPTY, entries), tree);
    let mut marked = std::collections::BTreeSet::new();
    tree.mark(&*shelf, &mut |hash| marked.insert(*hash)).unwrap();
    let expected = recorded.nodes.iter().map(|(hash, _)| hash.0).chain(recorded.values.iter().map(|(hash, _)| hash.0));
    assert_eq!(marked, expected.collect());
    let mut visited = 0;
    tree.mark(&*shelf, &mut |_| {
        visited += 1;
        false
    })
    .unwrap();
    assert_eq!(visited, 1, "what was marked before is not opened");
}

#[test]
fn an_overlay_reads_new_and_old() {
    let shelf = Shelf::new();
    let mut model: Model = (0..3000).map(|number| (key(number, 0), value(number, 50))).collect();
    let tree = shelf.build(&model);
    let stored = shelf.nodes.lock().len();
    let changes: Batch = [(key(7, 0), None), (key(1500, 0), Some(value(1, 2000)))].into();
    let mut overlay = Overlay::new(shelf.clone());
    let changed = tree.apply(&*shelf, &Ranges::new(), changes.into_iter(), &mut overlay).unwrap();
    assert_eq!(shelf.nodes.lock().len(), stored, "what lies below stays as it is");
    model.remove(&key(7, 0));
    model.insert(key(1500, 0), value(1, 2000));
    let all = std::ops::Bound::Unbounded;
    let scan = changed.scan(Arc::new(overlay), all.clone(), all, crate::Order::Ascending);
    assert!(scan.map(Result::unwrap).eq(model));
}

#[test]
fn what_is_missing_is_an_error_everywhere() {
    let shelf = Shelf::new();
    let tree = shelf.build(&(0..5000).map(|number| (key(number, 0), value(number, 100))).collect());
    let empty = Shelf::new();
    let all = std::ops::Bound::Unbounded;
    assert!(matches!(tree.get(&*empty, b"x"), Err(ReadError::Missing { .. })));
    assert!(tree.count(&*empty, std::ops::Bound::Included(b"x"), all).is_err());
    assert!(tree.apply(&*empty, &Ranges::new(), [(key(1, 0), None)].into_iter(), &mut Recorded::default()).is_err());
    assert!(tree.mark(&*empty, &mut |_| true).is_err());
    let mut scan =
        tree.scan(empty.clone(), std::ops::Bound::Unbounded, std::ops::Bound::Unbounded, crate::Order::Ascending);
    assert!(scan.next().unwrap().is_err() && scan.next().is_none());
    let mut diff = tree.diff(&Tree::EMPTY, empty);
    assert!(diff.next().unwrap().is_err() && diff.next().is_none());
    let wrong_level = Tree { height: tree.height + 1, ..tree };
    assert!(matches!(wrong_level.get(&*shelf, b"x"), Err(ReadError::Damaged { .. })));
}
