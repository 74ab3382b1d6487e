//! Proofs: they show what is there to whoever knows the root alone, and nothing else passes for one.

use proptest::prelude::*;

use super::*;
use crate::limits::PROOF_BYTES_MAX;
use crate::tree::{NodesToward, Proof, ProofError, Proven, Root};

/// States of every height up to five levels and more, some values outside their leaves.
fn models() -> Vec<Model> {
    let model = |count: u64, key_length_max: u64| {
        let length = |number| if number % 9 == 4 { 1025 + number as usize } else { 30 };
        (0..count).map(|number| (key(2 * number + 1, key_length_max), value(number, length(number)))).collect()
    };
    vec![Model::new(), model(1, 0), model(9, 20), model(3000, 60), model(200, 4000)]
}

/// Keys that a model holds and keys that it does not: before, between, beside and beyond.
fn some_keys(model: &Model) -> Vec<Bytes> {
    let stands = model.keys().step_by(model.len() / 40 + 1).chain(model.keys().last());
    let beside = |held: &Bytes| [held.clone(), [held, &b"\0"[..]].concat().into(), held.slice(..7)];
    let mut keys: Vec<Bytes> = stands.flat_map(beside).collect();
    keys.extend([Bytes::new(), key(0, 0), key(u64::MAX, 40)]);
    keys
}

fn check(proven: Result<Proven, ProofError>, expected: Option<&Bytes>) {
    match (proven.unwrap(), expected) {
        (Proven::Absent, None) => {}
        (Proven::Present(value), Some(expected)) => assert_eq!(value, *expected),
        (Proven::PresentOutside(value), Some(expected)) => {
            assert_eq!(value.bytes(), expected.len() as u64);
            assert!(expected.len() > 1024 && value.is(expected));
            let mut other = expected.to_vec();
            other[700] ^= 1;
            assert!(!value.is(&other) && !value.is(&expected[1..]));
        }
        (proven, expected) => panic!("{proven:?} is proven of {expected:?}"),
    }
}

#[test]
fn g04_proofs_show_what_is_there_and_what_is_not() {
    let mut roots: Vec<Root> = vec![];
    for model in models() {
        let shelf = Shelf::new();
        let tree = shelf.build(&model);
        for key in some_keys(&model) {
            let proof = tree.prove(&*shelf, &key).unwrap();
            check(proof.verify(&tree.root(), &key), model.get(&key));
            let encoded = proof.encode();
            assert!(encoded.len() <= PROOF_BYTES_MAX);
            let decoded = Proof::decode(&encoded).unwrap();
            check(decoded.verify(&tree.root(), &key), model.get(&key));
            assert_eq!(decoded.encode(), encoded);
            for other in &roots {
                assert_eq!(decoded.verify(other, &key), Err(ProofError::OtherRoot { proves: tree.root() }));
            }
        }
        roots.push(tree.root());
    }
}

#[test]
fn g04_a_proof_says_nothing_untrue_of_another_key() {
    for model in models() {
        let shelf = Shelf::new();
        let tree = shelf.build(&model);
        let keys = some_keys(&model);
        let mut refused = 0;
        for key in &keys {
            let proof = tree.prove(&*shelf, key).unwrap();
            for other in &keys {
                match proof.verify(&tree.root(), other) {
                    Err(ProofError::OtherKey) => refused += 1,
                    proven => check(proven, model.get(other)),
                }
            }
        }
        assert!(tree.height == 0 || refused > keys.len());
        // Not even the truth, if another proof would be the one to show it.
        if tree.height > 0 {
            let proof = tree.prove(&*shelf, model.keys().last().unwrap()).unwrap();
            assert_eq!(proof.verify(&tree.root(), &[0xFF; 40]), Err(ProofError::OtherKey));
        }
    }
}

/// The proofs of some keys of a tree of four levels: present, outside, absent, and beyond the end.
fn samples() -> (Root, Vec<(Bytes, Vec<u8>)>) {
    let model = models().swap_remove(3);
    let shelf = Shelf::new();
    let tree = shelf.build(&model);
    assert!(tree.height >= 2);
    let keys = [key(2001, 60), key(9 * 200 + 9, 60), key(2002, 60), key(9999, 0)];
    (tree.root(), keys.into_iter().map(|key| (key.clone(), tree.prove(&*shelf, &key).unwrap().encode())).collect())
}

#[test]
fn g04_every_flipped_bit_of_a_proof_is_noticed() {
    let (root, samples) = samples();
    for (index, (key, bytes)) in samples.into_iter().enumerate() {
        assert!(Proof::decode(&bytes).unwrap().verify(&root, &key).is_ok());
        // Every bit of the first, one or more of each byte of the others.
        for bit in (0..bytes.len() * 8).step_by(if index == 0 { 1 } else { 7 }) {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let verified = Proof::decode(&flipped).and_then(|proof| proof.verify(&root, &key));
            assert!(verified.is_err(), "bit {bit} of {} bytes", bytes.len());
        }
    }
}

#[test]
fn g04_proofs_cut_off_or_continued_are_refused() {
    let (_, samples) = samples();
    for (_, bytes) in samples {
        for end in (0..bytes.len()).step_by(7).chain([bytes.len() - 1]) {
            let mut cut = bytes[..end].to_vec();
            assert!(Proof::decode(&cut).is_err());
            if end >= 16 {
                // Even if it says that it is that long.
                cut[12..16].copy_from_slice(&(end as u32).to_le_bytes());
                assert!(Proof::decode(&cut).is_err());
            }
        }
        let mut longer = [&bytes[..], &[0]].concat();
        longer[12..16].copy_from_slice(&(bytes.len() as u32 + 1).to_le_bytes());
        let malformed = ProofError::Malformed { offset: bytes.len(), what: "bytes follow its last node" };
        assert_eq!(Proof::decode(&longer).unwrap_err(), malformed);
    }
    assert_eq!(Proof::decode(&vec![0; PROOF_BYTES_MAX + 1]).unwrap_err().kind(), "malformed");
}

#[test]
fn g04_nodes_left_out_or_exchanged_prove_nothing() {
    let model = models().swap_remove(4);
    let shelf = Shelf::new();
    let tree = shelf.build(&model);
    let (one, other) = (key(101, 4000), key(301, 4000));
    let proof = tree.prove(&*shelf, &one).unwrap();
    let foreign = tree.prove(&*shelf, &other).unwrap();
    let levels = proof.path.len();
    assert!(levels >= 5);
    let refused = |path: Vec<Arc<Node>>| {
        let forged = Proof { path, ..proof.clone() };
        let error = forged.verify(&tree.root(), &one).unwrap_err();
        assert!(matches!(error, ProofError::OtherKey | ProofError::OtherRoot { .. }), "{error}");
    };
    for level in 0..levels {
        // What ends early says nothing; what leaves out a level is refused, if not for its levels then for its hashes.
        refused(proof.path[..level].to_vec());
        let mut without = proof.path.clone();
        without.remove(level);
        refused(without.clone());
        assert!(
            level == 0
                || level + 1 == levels
                || Proof::decode(&Proof { path: without, ..proof.clone() }.encode()).is_err()
        );
        let mut exchanged = proof.path.clone();
        exchanged[level] = foreign.path[level].clone();
        if exchanged[level].hash() != proof.path[level].hash() {
            refused(exchanged);
        }
    }
    let counts = Proof { entries: proof.entries + 1, ..proof.clone() };
    assert!(matches!(counts.verify(&tree.root(), &one), Err(ProofError::OtherRoot { .. })));
}

#[test]
fn g04_a_root_over_false_counts_is_a_contradiction() {
    let shelf = Shelf::new();
    let tree = shelf.build(&models().swap_remove(3));
    // Whoever makes up a root can make it match; a reader still notices.
    let false_tree = Tree { entries: tree.entries + 1, ..tree };
    let proof = false_tree.prove(&*shelf, &key(5, 60)).unwrap();
    assert_eq!(proof.verify(&false_tree.root(), &key(5, 60)).unwrap_err().kind(), "contradiction");
}

#[test]
fn g05_a_proof_of_changes_in_memory_is_the_proof_of_the_stored_tree() {
    for model in models() {
        let shelf = Shelf::new();
        let tree = shelf.build(&model);
        let changes: Batch = (0..40u64)
            .map(|number| (key(number * 37 + 1, 60), (number % 3 > 0).then(|| value(number, 40 * number as usize))))
            .collect();
        let cleared: Ranges = [(key(200, 0), Some(key(1000, 0)))].into_iter().collect();
        let stored = Shelf::new();
        let changed = stored.clear(&stored.build(&model), &cleared, changes.clone());
        for key in some_keys(&model).iter().chain(changes.keys()) {
            let mut toward = NodesToward::new(key, &*shelf);
            let in_memory = tree.apply(&*shelf, &cleared, changes.clone().into_iter(), &mut toward).unwrap();
            assert_eq!(in_memory, changed);
            assert!(toward.levels.len() <= usize::from(changed.height).max(usize::from(tree.height)) + 1);
            let proof = in_memory.prove(&toward, key).unwrap();
            assert_eq!(proof.encode(), changed.prove(&*stored, key).unwrap().encode());
        }
    }
}

#[test]
fn golden_proofs() {
    let shelf = Shelf::new();
    let nothing = Tree::EMPTY.prove(&*shelf, b"key").unwrap().encode();
    let head = |length: u8, entries: u8, bytes: u8, nodes: u8| {
        let mut head = b"STEADPRF\x01\0\0\0".to_vec();
        head.extend([length, 0, 0, 0, 0, 16, 0, 0, 0, 64, 0, 0, 0, 4, 0, 0]);
        head.extend([entries, 0, 0, 0, 0, 0, 0, 0, bytes, 0, 0, 0, 0, 0, 0, 0, nodes, 0, 0, 0]);
        head
    };
    assert_eq!(nothing, head(48, 0, 0, 0));
    let tree = shelf.build(&Model::from([(Bytes::from_static(b"key"), Bytes::from_static(b"value"))]));
    let node = b"SN\x01\0\x01\0\0\0\x03\0\x05\0keyvalue";
    let expected = [&head(72, 1, 8, 1)[..], &[20, 0, 0, 0], node].concat();
    assert_eq!(tree.prove(&*shelf, b"other").unwrap().encode(), expected);

    let tree = shelf.build(&(0..20_000).map(|number| (key(number, 30), value(number, 100))).collect());
    let proof = tree.prove(&*shelf, &key(7777, 30)).unwrap().encode();
    assert_eq!(
        (proof.len(), blake3::hash(&proof).to_hex().as_str()),
        (11084, "64adc9fd2040c494c957cd80fe3549e9ece0c26f9de92bdeefd14c84d68dcc8a")
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_no_proof(bytes in prop::collection::vec(any::<u8>(), 0..300), count in any::<u32>()) {
        prop_assert!(Proof::decode(&bytes).is_err());
        // Past the head, too.
        let mut framed = Tree::EMPTY.prove(&Shelf::default(), b"").unwrap().encode();
        framed[44..48].copy_from_slice(&count.to_le_bytes());
        framed.extend(&bytes);
        let length = framed.len() as u32;
        framed[12..16].copy_from_slice(&length.to_le_bytes());
        if let Ok(proof) = Proof::decode(&framed) {
            prop_assert_eq!(proof.encode(), framed);
        }
    }

    #[test]
    fn changed_bytes_are_no_proof(at in any::<prop::sample::Index>(), with in prop::collection::vec(any::<u8>(), 1..40), which in 0..4usize) {
        let (root, mut samples) = samples();
        let (key, bytes) = samples.swap_remove(which);
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + with.len());
        let mut changed = bytes.clone();
        changed.splice(at..end, with);
        let verified = Proof::decode(&changed).and_then(|proof| proof.verify(&root, &key));
        prop_assert_eq!(verified.is_ok(), changed == bytes);
    }
}
