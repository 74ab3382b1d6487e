//! One fault at a known place.

use std::sync::Arc;

use bytes::Bytes;
use std::ops::Bound;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, CommitError, StateId, Store, Transaction, WriterEpoch, Writes};

use crate::model::options;

fn filled(disk: &SimDisk) -> (Store, StateId) {
    let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
    let state = store.new_state();
    store.commit(vec![Change::Create { state }]).expect("accepted").wait().expect("durable");
    (store, state)
}

fn write(state: StateId, key: u32) -> Change {
    let writes = Writes::from([(Bytes::from(key.to_be_bytes().to_vec()), Some(Bytes::from(vec![7; 500])))]);
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

#[test]
fn g02_a_failed_sync_poisons_and_no_later_commit_is_accepted() {
    let disk = SimDisk::new(1);
    let (store, state) = filled(&disk);
    disk.fail_sync(disk.operations());
    let ticket = store.commit(vec![write(state, 1)]).expect("accepted before the sync");
    let unknown = ticket.wait().expect_err("the sync failed");
    assert!(unknown.reason.contains("journal"), "{unknown}");
    let refused = store.commit(vec![write(state, 2)]);
    assert!(matches!(refused, Err(CommitError::Poisoned { .. })), "{refused:?}");
    assert!(store.barrier().wait().is_err());
    assert!(store.close().is_err());
    let (store, _) = Store::open(Arc::new(disk), options()).expect("reopen");
    store.commit(vec![write(state, 3)]).expect("accepted").wait().expect("durable");
}

#[test]
fn g02_without_space_for_a_spare_commits_are_refused_and_nothing_is_poisoned() {
    let disk = SimDisk::new(1);
    let (store, state) = filled(&disk);
    disk.full(Some(0));
    let mut accepted = 0;
    let refused = loop {
        match store.commit(vec![write(state, accepted)]) {
            Ok(ticket) => drop(ticket.wait().expect("accepted commits have their room")),
            Err(error) => break error,
        }
        accepted += 1;
        assert!(accepted < 1000, "the disk is full");
    };
    assert!(matches!(refused, CommitError::NoSpace { .. }), "{refused}");
    assert!(accepted > 0);
    disk.full(None);
    store.commit(vec![write(state, accepted)]).expect("there is room again").wait().expect("durable");
    let count = store.view(state).expect("state").count(Bound::Unbounded, Bound::Unbounded).expect("count");
    assert_eq!(count, u64::from(accepted) + 1);
}

#[test]
fn g01_an_unacknowledged_commit_is_seen_by_views_but_not_by_durable_views() {
    let disk = SimDisk::new(1);
    let (store, state) = filled(&disk);
    let ticket = store.commit(vec![write(state, 1)]).expect("accepted");
    let forked = store.new_state();
    let fork = store.commit(vec![write(state, 2), Change::Fork { from: state, to: forked }]).expect("accepted");
    let count = |view: stead_store::View| view.count(Bound::Unbounded, Bound::Unbounded).expect("count");
    assert_eq!(count(store.view(state).expect("state")), 2);
    let durable = store.durable_view(state).expect("state");
    assert_eq!((durable.commits(), durable.dirty_bytes()), (1, 0));
    assert_eq!(count(durable), 0);
    assert!(store.durable_view(forked).is_none());
    ticket.wait().expect("durable");
    fork.wait().expect("durable");
    assert_eq!(count(store.durable_view(forked).expect("state")), 2);
}

#[test]
fn a_transaction_rolls_back_to_its_savepoints() {
    let disk = SimDisk::new(1);
    let (store, state) = filled(&disk);
    store.commit(vec![write(state, 1)]).expect("accepted").wait().expect("durable");
    let mut transaction = Transaction::new(store.view(state).expect("state"));
    let key = |number: u32| Bytes::from(number.to_be_bytes().to_vec());
    transaction.put(key(2), Bytes::from_static(b"two"));
    let bytes = transaction.bytes();
    let savepoint = transaction.savepoint();
    transaction.put(key(2), Bytes::from_static(b"other"));
    transaction.delete(key(1));
    transaction.put(key(3), Bytes::from_static(b"three"));
    assert_eq!(transaction.count(Bound::Unbounded, Bound::Unbounded).expect("count"), 2);
    transaction.rollback_to(savepoint);
    assert_eq!(transaction.bytes(), bytes);
    let scan = transaction.scan(Bound::Unbounded, Bound::Unbounded, stead_store::Order::Descending);
    let keys: Vec<Bytes> = scan.map(|entry| entry.expect("readable").0).collect();
    assert_eq!(keys, [key(2), key(1)]);
    assert_eq!(transaction.into_effects().writes.len(), 1);
}
