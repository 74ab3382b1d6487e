//! A state leaves as one file and comes back as the same state, in any store.

use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, ImportError, Options, StateId, Store, View, WriterEpoch, Writes, verify_export};

use crate::model::{Entries, Scratch, options};

/// Small parts, so that a small file makes several.
pub(crate) fn small_parts() -> Options {
    Options { import_part_bytes: 6 << 10, ..options() }
}

pub(crate) fn store() -> Store {
    store_on(&SimDisk::new(1))
}

pub(crate) fn store_on(disk: &SimDisk) -> Store {
    Store::open(Arc::new(disk.clone()), small_parts()).expect("open").0
}

pub(crate) fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}

pub(crate) fn state_of(store: &Store, entries: &Entries) -> StateId {
    let state = store.new_state();
    commit(store, vec![Change::Create { state }, write(state, entries)]);
    state
}

pub(crate) fn write(state: StateId, entries: &Entries) -> Change {
    let writes: Writes = entries.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

pub(crate) fn view(store: &Store, state: StateId) -> View {
    store.view(state).expect("the state is there")
}

pub(crate) fn entries_of(view: &View) -> Entries {
    let all = view.scan(std::ops::Bound::Unbounded, std::ops::Bound::Unbounded, stead_store::Order::Ascending);
    all.collect::<Result<_, _>>().expect("readable")
}

pub(crate) fn file_of(view: &View) -> Vec<u8> {
    let mut file = Vec::new();
    let exported = view.export(&mut file).expect("exported");
    assert_eq!(exported.bytes, file.len() as u64);
    file
}

pub(crate) fn numbered(range: std::ops::Range<u32>, key_bytes: usize, value_bytes: usize) -> Entries {
    let entry = |number: u32| {
        let mut key = format!("{number:06}").into_bytes();
        key.resize(key_bytes.max(6), b'.');
        let mut value = vec![0; value_bytes];
        fill(number, &mut value);
        (key.into(), value.into())
    };
    range.map(entry).collect()
}

/// Bytes that differ from value to value.
fn fill(number: u32, out: &mut [u8]) {
    let mut x = u64::from(number) + 1;
    for byte in out {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        *byte = (x >> 56) as u8;
    }
}

/// Contents of every shape that a tree can have.
pub(crate) fn shapes() -> Vec<(&'static str, Entries)> {
    let mut duplicates = numbered(0..30, 8, 1500);
    let same = duplicates.values().next().expect("an entry").clone();
    duplicates.extend((100..140).map(|number| (Bytes::from(format!("{number:06}")), same.clone())));
    let mut mixed = numbered(0..400, 10, 40);
    mixed.extend(numbered(400..420, 10, 3000));
    mixed.insert(Bytes::new(), Bytes::new());
    vec![
        ("empty", Entries::new()),
        ("one key", numbered(0..1, 8, 10)),
        ("one large value", numbered(0..1, 8, 200_000)),
        ("one leaf", numbered(0..20, 8, 20)),
        ("two levels", numbered(0..600, 8, 60)),
        ("many levels", numbered(0..200, 3000, 30)),
        ("outside values", numbered(0..60, 8, 2000)),
        ("duplicates of values", duplicates),
        ("mixed", mixed),
    ]
}

#[test]
fn g05_a_state_comes_back_with_its_root_and_entries() {
    let mut scratch = Scratch::new();
    let receiver = store();
    for (name, entries) in shapes() {
        for checkpoint in [false, true] {
            let sender = store();
            let state = state_of(&sender, &entries);
            if checkpoint {
                sender.checkpoint().expect("checkpoint");
            }
            let file = file_of(&view(&sender, state));
            let header = verify_export(&mut &file[..], None).unwrap_or_else(|e| panic!("{name}: {e}"));
            let to = receiver.new_state();
            let imported = receiver.import(to, &mut &file[..], vec![]).unwrap_or_else(|e| panic!("{name}: {e}"));
            let back = view(&receiver, to);
            let root = scratch.root(&Arc::new(entries.clone()));
            assert_eq!((imported.root, header.root(), back.root().expect("root")), (root, root, root), "{name}");
            assert_eq!(entries_of(&back), entries, "{name}");
            assert_eq!((back.epoch(), back.commits(), imported.entries), (WriterEpoch(1), 1, entries.len() as u64));
            assert_eq!(file_of(&back), file, "{name}: the file depends on the entries alone");
        }
    }
    assert!(receiver.verify(&mut |_| {}).expect("verify").is_clean());
    assert!(receiver.info().imports.is_empty());
}

#[test]
fn g05_an_incremental_file_holds_what_differs_and_applies_to_any_state_with_that_root() {
    let sender = store();
    let mut entries = numbered(0..3000, 8, 60);
    entries.extend(numbered(5000..5040, 8, 2000));
    let state = state_of(&sender, &entries);
    sender.checkpoint().expect("checkpoint");
    let before = view(&sender, state);
    let whole = file_of(&before);
    let mut changes: Entries = numbered(1500..1501, 8, 61);
    changes.extend(numbered(5020..5021, 8, 2100));
    changes.extend(numbered(9000..9001, 8, 10));
    commit(&sender, vec![write(state, &changes)]);
    let after = view(&sender, state);
    for checkpoint in [false, true] {
        if checkpoint {
            sender.checkpoint().expect("checkpoint");
        }
        let mut file = Vec::new();
        let exported = after.export_since(&before, &mut file).expect("exported");
        assert!(exported.nodes < 12 && exported.values == 1, "only what differs: {exported:?}");
        assert!(file.len() * 10 < whole.len(), "{} of {} bytes", file.len(), whole.len());
        verify_export(&mut &file[..], Some(&before)).expect("valid");

        // The receiver has the base by another history, and dirty.
        let receiver = store();
        let wrong = state_of(&receiver, &numbered(0..2999, 8, 60));
        let to = receiver.new_state();
        let refused = receiver.import(to, &mut &file[..], vec![]).expect_err("the base is not there");
        assert_eq!(refused.kind(), "unknown-base");
        assert!(refused.to_string().contains(&before.root().expect("root").to_string()), "{refused}");
        let base = state_of(&receiver, &numbered(5000..5040, 8, 2000));
        commit(&receiver, vec![write(base, &numbered(2000..3500, 8, 9))]);
        receiver.checkpoint().expect("checkpoint");
        let gone = (3000..3500).map(|number| (Bytes::from(format!("{number:06}..")), None));
        let mut writes: Writes = gone.collect();
        writes.extend(numbered(0..3000, 8, 60).into_iter().map(|(key, value)| (key, Some(value))));
        commit(&receiver, vec![Change::Write { state: base, epoch: WriterEpoch::FIRST, writes }]);
        assert_eq!(view(&receiver, base).root().expect("root"), before.root().expect("root"));
        let imported = receiver.import(to, &mut &file[..], vec![]).expect("imported");
        assert_eq!(imported.root, after.root().expect("root"));
        // What it shares with the base outlives the base.
        commit(&receiver, vec![Change::Remove { state: base }, Change::Remove { state: wrong }]);
        receiver.checkpoint().expect("checkpoint");
        receiver.collect().expect("collect");
        assert_eq!(entries_of(&view(&receiver, to)), entries_of(&after));
        assert_eq!(file_of(&view(&receiver, to)), file_of(&after));
        assert!(receiver.verify(&mut |_| {}).expect("verify").is_clean());
    }
}

#[test]
fn a_snapshot_is_base_enough() {
    let receiver = store();
    let (old, more) = (numbered(0..400, 8, 60), numbered(400..410, 8, 60));
    let state = state_of(&receiver, &old);
    let before = view(&receiver, state);
    commit(
        &receiver,
        vec![Change::Snapshot { state, to: receiver.new_state(), name: "before".into() }, write(state, &more)],
    );
    let after = view(&receiver, state);
    let mut file = Vec::new();
    after.export_since(&before, &mut file).expect("exported");
    commit(&receiver, vec![Change::Remove { state }]);
    let to = receiver.new_state();
    receiver.import(to, &mut &file[..], vec![]).expect("the snapshot has the root");
    assert_eq!(entries_of(&view(&receiver, to)), entries_of(&after));
}

#[test]
fn g04_every_flipped_bit_of_a_file_is_refused() {
    let sender = store();
    let mut entries = numbered(0..90, 8, 60);
    entries.extend(numbered(200..201, 8, 1100));
    let base = view(&sender, state_of(&sender, &numbered(0..90, 8, 60)));
    let state = view(&sender, state_of(&sender, &entries));
    let mut incremental = Vec::new();
    state.export_since(&base, &mut incremental).expect("exported");
    assert!(incremental.contains(&0) && incremental.len() < file_of(&state).len());
    for (mut file, base) in [(file_of(&state), None), (incremental, Some(&base))] {
        for bit in 0..file.len() * 8 {
            file[bit / 8] ^= 1 << (bit % 8);
            let read = verify_export(&mut &file[..], base);
            assert!(read.is_err(), "bit {} of byte {} of {}", bit % 8, bit / 8, file.len());
            file[bit / 8] ^= 1 << (bit % 8);
        }
        verify_export(&mut &file[..], base).expect("the file is whole again");
    }
}

#[test]
fn g04_every_truncation_and_every_trailing_byte_is_refused() {
    let sender = store();
    let state = view(&sender, state_of(&sender, &numbered(0..80, 8, 60)));
    let file = file_of(&state);
    let receiver = store();
    for length in 0..file.len() {
        let error = verify_export(&mut &file[..length], None).expect_err("a part of a file");
        match (length, &error) {
            (0..16, ImportError::NotAnExport) => {}
            (_, ImportError::Truncated { offset }) => assert_eq!(*offset, length as u64),
            _ => panic!("{length}: {error}"),
        }
        if length % 501 == 0 {
            let imported = receiver.import(receiver.new_state(), &mut &file[..length], vec![]);
            assert_eq!(imported.expect_err("a part of a file").kind(), error.kind());
        }
    }
    for byte in 0..=255 {
        let longer = [&file[..], &[byte]].concat();
        let error = verify_export(&mut &longer[..], None).expect_err("a byte too much");
        assert!(matches!(error, ImportError::Damaged { offset, .. } if offset == file.len() as u64), "{error}");
    }
    assert_eq!(receiver.states().len(), 1, "no state was made");
    receiver.import(receiver.new_state(), &mut &file[..], vec![]).expect("the whole file");
}

fn arbitrary_entries() -> impl Strategy<Value = Entries> {
    let key = prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..4),
        1 => (any::<u8>(), 100..3000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ];
    let value = (any::<u8>(), prop_oneof![4 => 0..80_usize, 1 => 1000..1100_usize, 1 => 0..5000_usize]);
    let entry = (key, value.prop_map(|(byte, len)| vec![byte; len]));
    proptest::collection::vec(entry, 0..150)
        .prop_map(|list| list.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn g05_roots_are_equal_through_export_and_import(
        old in arbitrary_entries(), new in arbitrary_entries(), dirty: bool,
    ) {
        let sender = store();
        let (one, two) = (state_of(&sender, &old), state_of(&sender, &new));
        if !dirty {
            sender.checkpoint().expect("checkpoint");
        }
        let (old_view, new_view) = (view(&sender, one), view(&sender, two));
        let receiver = store();
        let (base, to) = (receiver.new_state(), receiver.new_state());
        receiver.import(base, &mut &file_of(&old_view)[..], vec![]).expect("imported");
        let mut file = Vec::new();
        new_view.export_since(&old_view, &mut file).expect("exported");
        receiver.import(to, &mut &file[..], vec![]).expect("imported");
        commit(&receiver, vec![Change::Remove { state: base }]);
        receiver.checkpoint().expect("checkpoint");
        receiver.collect().expect("collect");
        prop_assert_eq!(view(&receiver, to).root().expect("root"), new_view.root().expect("root"));
        prop_assert_eq!(entries_of(&view(&receiver, to)), new);
        let verified = receiver.verify(&mut |_| {}).expect("verify");
        prop_assert!(verified.is_clean());
    }
}
