//! Changes in memory stay bounded when checkpoints fail or cannot keep up.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::limits::DIRTY_CHECKPOINTS_MAX;
use stead_store::{Change, CommitError, Options, StateId, Store, Writer, WriterEpoch, Writes};

const CHECKPOINT_BYTES: u64 = 64 << 10;
/// More than all commits of a test, so that the journal needs no new segment on a full disk.
const SEGMENT_BYTES: u64 = 4 << 20;
const KEYS: u32 = 40;
/// What a commit counts for at most.
const COMMIT_BYTES: u64 = KEYS as u64 * 504 + 100;

fn options(writer: Writer) -> Options {
    Options { segment_bytes: SEGMENT_BYTES, checkpoint_bytes: CHECKPOINT_BYTES, writer, ..Options::default() }
}

/// Writes new keys.
fn commit(store: &Store, state: StateId, number: u32) -> Result<(), CommitError> {
    let key = |index: u32| Bytes::from((number * KEYS + index).to_be_bytes().to_vec());
    let writes: Writes = (0..KEYS).map(|index| (key(index), Some(Bytes::from(vec![7; 500])))).collect();
    let ticket = store.commit(vec![Change::Write { state, epoch: WriterEpoch::FIRST, writes }])?;
    ticket.wait().expect("durable");
    let dirty_bytes = store.info().dirty_bytes;
    assert!(dirty_bytes < DIRTY_CHECKPOINTS_MAX * CHECKPOINT_BYTES + COMMIT_BYTES, "{dirty_bytes} bytes in memory");
    Ok(())
}

fn open(disk: &SimDisk, writer: Writer) -> (Store, StateId) {
    let (store, _) = Store::open(Arc::new(disk.clone()), options(writer)).expect("open");
    let state = store.new_state();
    store.commit(vec![Change::Create { state }]).expect("accepted").wait().expect("durable");
    (store, state)
}

fn check_count(store: &Store, state: StateId, commits: u32) {
    let count = store.view(state).expect("state").count(Bound::Unbounded, Bound::Unbounded).expect("count");
    assert_eq!(count, u64::from(commits * KEYS));
}

fn serves_on_when_there_is_space_again(writer: Writer) {
    let disk = SimDisk::new(1);
    let (store, state) = open(&disk, writer);
    disk.full(Some(0));
    let mut commits = 0;
    let refused = loop {
        match commit(&store, state, commits) {
            Ok(()) => commits += 1,
            Err(error) => break error,
        }
        assert!(commits < 100, "no checkpoint can be written");
    };
    assert_eq!(refused.kind(), "checkpoint-failed", "{refused}");
    assert!(u64::from(commits) * COMMIT_BYTES >= DIRTY_CHECKPOINTS_MAX * CHECKPOINT_BYTES, "only {commits} commits");
    assert!(refused.to_string().contains("space"), "{refused}");
    check_count(&store, state, commits);
    for _ in 0..20 {
        assert!(commit(&store, state, commits).is_err(), "there is still no space");
    }
    disk.full(None);
    // Whoever is refused calls for the next try.
    let mut tries = 0;
    while let Err(error) = commit(&store, state, commits) {
        assert_eq!(error.kind(), "checkpoint-failed", "{error}");
        tries += 1;
        assert!(tries < 1000, "nobody tries again");
        std::thread::sleep(Duration::from_millis(5));
    }
    check_count(&store, state, commits + 1);
    store.close().expect("close");
    let (store, _) = Store::open(Arc::new(disk), options(writer)).expect("reopen");
    check_count(&store, state, commits + 1);
}

#[test]
fn g14_while_checkpoints_fail_commits_are_refused_and_space_is_all_they_need() {
    serves_on_when_there_is_space_again(Writer::Thread);
}

#[test]
fn g14_without_threads_too_commits_are_refused_while_checkpoints_fail() {
    serves_on_when_there_is_space_again(Writer::Inline);
}

#[test]
fn g14_commits_that_outrun_checkpoints_wait_for_them() {
    for writer in [Writer::Thread, Writer::Inline] {
        let (store, state) = open(&SimDisk::new(1), writer);
        for number in 0..60 {
            commit(&store, state, number).expect("it waits and is accepted");
        }
        check_count(&store, state, 60);
        assert!(store.info().checkpoints > 1, "checkpoints were made");
    }
}
