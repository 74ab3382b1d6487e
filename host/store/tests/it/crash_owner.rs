//! One process holds a data directory.

use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::disk::{Disk, Mode};
use stead_store::{Change, OpenError, StateId, Store, WriterEpoch, Writes};

use crate::model::options;

fn open(disk: &SimDisk) -> Result<(Store, stead_store::Recovery), OpenError> {
    Store::open(Arc::new(disk.clone()), options())
}

fn write(state: StateId, key: &'static str) -> Change {
    let writes = Writes::from([(Bytes::from(key), Some(Bytes::from(key)))]);
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

#[test]
fn g06_a_second_owner_is_refused_and_told_who_holds_the_directory() {
    let disk = SimDisk::new(1);
    let (store, first) = open(&disk).expect("open");
    let error = open(&disk).expect_err("locked");
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    drop(store);
    let (_store, second) = open(&disk).expect("the lock is free");
    assert!(second.owner_epoch > first.owner_epoch);
}

#[test]
fn g06_an_owner_whose_lock_was_taken_acknowledges_nothing() {
    take_the_lock();
}

pub(crate) fn take_the_lock() {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk).expect("open");
    let state = store.new_state();
    store.commit(vec![Change::Create { state }]).expect("accepted").wait().expect("durable");

    // Somebody removed the lock file and another owner wrote its epoch: this one must notice.
    let lock = disk.open("LOCK", Mode::ReadWrite).expect("the lock file");
    lock.write_at(0, b"999999 1\n").expect("write");
    let outcome = store.commit(vec![write(state, "late")]).map(|ticket| ticket.wait());
    assert!(!matches!(outcome, Ok(Ok(_))), "a commit was acknowledged: {outcome:?}");
}

#[test]
fn g06_the_epoch_rises_at_every_open_also_after_a_power_loss() {
    let mut disk = SimDisk::new(1);
    let mut last = 0;
    for seed in 0..20 {
        let (store, recovery) = open(&disk).expect("open");
        assert!(recovery.owner_epoch > last, "{} after {last}", recovery.owner_epoch);
        last = recovery.owner_epoch;
        if seed % 3 == 0 {
            store.close().expect("close");
        }
        disk = disk.restart(seed);
    }
}
