//! Named snapshots: who may take one, what stays of it, and what is refused.

use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::limits::{SNAPSHOT_NAME_BYTES_MAX, SNAPSHOTS_MAX};
use stead_store::{Change, CommitError, Options, StateId, Store, WriterEpoch, Writes};

use crate::model::options;

fn open(disk: &SimDisk) -> Store {
    let options = Options { history_bytes: 0, ..options() };
    Store::open(Arc::new(disk.clone()), options).expect("open").0
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}

fn refused(store: &Store, changes: Vec<Change>) -> &'static str {
    let accepted = store.frontier().accepted;
    let error = store.commit(changes).expect_err("refused");
    assert_eq!(store.frontier().accepted, accepted, "a refused commit has no number");
    error.kind()
}

fn write(state: StateId, key: &str, value: &str) -> Change {
    let writes = Writes::from([(Bytes::from(key.to_owned()), Some(Bytes::from(value.to_owned())))]);
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

fn take(state: StateId, to: StateId, name: &str) -> Change {
    Change::Snapshot { state, to, name: name.to_owned() }
}

fn with_state(disk: &SimDisk) -> (Store, StateId) {
    let store = open(disk);
    let state = store.new_state();
    commit(&store, vec![Change::Create { state }, write(state, "key", "one")]);
    (store, state)
}

fn value(store: &Store, state: StateId) -> Option<Bytes> {
    store.view(state).expect("the state").get(b"key").expect("readable")
}

#[test]
fn g01_a_snapshot_is_a_point_inside_its_commit() {
    let (store, state) = with_state(&SimDisk::new(1));
    let (first, second, fork) = (store.new_state(), store.new_state(), store.new_state());
    let changes = vec![
        take(state, first, "before"),
        write(state, "key", "two"),
        take(state, second, "after"),
        Change::Fork { from: first, to: fork },
    ];
    commit(&store, changes);
    assert_eq!(value(&store, first).as_deref(), Some(&b"one"[..]));
    assert_eq!(value(&store, second).as_deref(), Some(&b"two"[..]));
    assert_eq!(value(&store, fork).as_deref(), Some(&b"one"[..]));
    commit(&store, vec![write(fork, "key", "three")]);
    assert_eq!(store.states(), [StateId::CATALOG, state, fork], "snapshots are no states that one writes to");
    let names: Vec<_> = store.snapshots(state).into_iter().map(|info| (info.name, info.id)).collect();
    assert_eq!(names, [("after".to_owned(), second), ("before".to_owned(), first)]);
    assert_eq!((store.info().states, store.info().snapshots), (3, 2));
}

#[test]
fn g02_a_snapshot_outlives_its_state_a_checkpoint_a_collection_and_a_power_loss() {
    let disk = SimDisk::new(2);
    let (store, state) = with_state(&disk);
    let kept = store.new_state();
    let large: Writes = (0..300).map(|n| (Bytes::from(format!("{n:03}")), Some(Bytes::from(vec![7; 200])))).collect();
    commit(&store, vec![Change::Write { state, epoch: WriterEpoch::FIRST, writes: large }]);
    commit(&store, vec![take(state, kept, "kept"), Change::Remove { state }]);
    assert_eq!(store.snapshots(state)[0].holds, None, "nobody has computed the root yet");
    let root = store.view(kept).expect("the snapshot").root().expect("root");

    store.checkpoint().expect("checkpoint");
    let holds = store.snapshots(state)[0].holds.expect("known after a checkpoint");
    assert_eq!((holds.root, holds.entries), (root, 301));
    store.collect().expect("collect");
    drop(store);
    let disk = disk.restart(1);
    let store = open(&disk);
    let listed = store.all_snapshots();
    assert_eq!((listed.len(), listed[0].of, listed[0].holds), (1, state, Some(holds)));
    assert!(store.view(state).is_none() && store.verify(&mut |_| {}).expect("verify").is_clean());
    assert_eq!(store.snapshot(state, "kept").expect("found by name").root().expect("root"), root);

    // Without it, nothing of it stays.
    commit(&store, vec![Change::Remove { state: kept }]);
    store.checkpoint().expect("checkpoint");
    store.collect().expect("collect");
    assert!(store.snapshot(state, "kept").is_none() && store.all_snapshots().is_empty());
    let left = store.info().pack_bytes;
    assert!(left < 20_000, "60 kB of a snapshot are gone, {left} bytes are left");
}

#[test]
fn g06_nobody_writes_to_a_snapshot() {
    let disk = SimDisk::new(3);
    let (store, state) = with_state(&disk);
    let (kept, other) = (store.new_state(), store.new_state());
    // In the commit that takes it, later, and after a reopen.
    assert_eq!(refused(&store, vec![take(state, kept, "a"), write(kept, "key", "x")]), "frozen");
    commit(&store, vec![take(state, kept, "a")]);
    for store in [store, open(&disk.restart(1))] {
        assert_eq!(refused(&store, vec![write(kept, "key", "x")]), "frozen");
        assert_eq!(refused(&store, vec![Change::Fence { state: kept, epoch: WriterEpoch(2) }]), "frozen");
        assert_eq!(refused(&store, vec![take(kept, other, "of a snapshot")]), "frozen");
        assert_eq!(refused(&store, vec![take(StateId::CATALOG, other, "catalog")]), "reserved");
    }
}

#[test]
fn g01_a_name_is_taken_once() {
    let (store, state) = with_state(&SimDisk::new(4));
    let ids: Vec<StateId> = (0..4).map(|_| store.new_state()).collect();
    assert_eq!(refused(&store, vec![take(state, ids[0], "a"), take(state, ids[1], "a")]), "snapshot-exists");
    commit(&store, vec![take(state, ids[0], "a")]);
    assert_eq!(refused(&store, vec![take(state, ids[1], "a")]), "snapshot-exists");
    assert_eq!(refused(&store, vec![take(state, ids[0], "b")]), "state-exists");
    // Another state has names of its own, and a removed one frees its name.
    commit(&store, vec![Change::Create { state: ids[1] }, take(ids[1], ids[2], "a")]);
    commit(&store, vec![Change::Remove { state: ids[0] }, take(state, ids[3], "a")]);
    assert_eq!(store.snapshot(state, "a").expect("taken again").state(), ids[3]);
    // No other state can take the id, and with it the snapshots, of one that is gone.
    commit(&store, vec![Change::Remove { state }]);
    store.checkpoint().expect("checkpoint");
    assert_eq!(refused(&store, vec![Change::Create { state }]), "state-exists");
    assert_eq!(store.snapshots(state).len(), 1);
}

#[test]
fn g14_names_and_numbers_of_snapshots_are_bounded() {
    let (store, state) = with_state(&SimDisk::new(5));
    let to = store.new_state();
    for name in ["", "line\nbreak", "nul\0", &"x".repeat(SNAPSHOT_NAME_BYTES_MAX + 1)] {
        assert_eq!(refused(&store, vec![take(state, to, name)]), "snapshot-name", "{name:?}");
    }
    commit(&store, vec![take(state, to, &"é".repeat(SNAPSHOT_NAME_BYTES_MAX / 2))]);
    let mut names = (1..SNAPSHOTS_MAX).map(|number| number.to_string());
    loop {
        let changes: Vec<Change> = names.by_ref().take(500).map(|name| take(state, store.new_state(), &name)).collect();
        if changes.is_empty() {
            break;
        }
        commit(&store, changes);
    }
    let one_more = store.new_state();
    let error = store.commit(vec![take(state, one_more, "one more")]).expect_err("full");
    assert!(matches!(error, CommitError::TooManySnapshots { snapshots_max: SNAPSHOTS_MAX, .. }), "{error}");
    commit(&store, vec![Change::Remove { state: to }, take(state, one_more, "instead")]);
    assert_eq!(store.snapshots(state).len(), SNAPSHOTS_MAX);
}
