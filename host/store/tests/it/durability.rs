//! Durability by commit, and stages that can be waited for, with the threads of a real store.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bytes::Bytes;
use stead_store::disk::DirDisk;
use stead_store::disk::sim::{EIO, SimDisk};
use stead_store::{Change, CommitNumber, Durability, Options, Stage, StateId, Store, Ticket, WriterEpoch, Writes};

/// Longer than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn open() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().expect("directory");
    let disk = Arc::new(DirDisk::open(dir.path()).expect("directory"));
    (dir, Store::open(disk, Options::default()).expect("open").0)
}

fn change(key: u64) -> Vec<Change> {
    let key = Bytes::from([&[1], &key.to_be_bytes()[..]].concat());
    let writes = Writes::from([(key.clone(), Some(key))]);
    vec![Change::Write { state: StateId::CATALOG, epoch: WriterEpoch::FIRST, writes }]
}

fn buffered(store: &Store, key: u64) -> Ticket {
    store.commit_with(change(key), Durability::Buffered).expect("accepted")
}

fn until(what: &str, reached: impl Fn() -> bool) {
    let began = Instant::now();
    while !reached() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Drives a future on this thread.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    let began = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        thread::park_timeout(PATIENCE);
        assert!(began.elapsed() < PATIENCE, "nobody woke the task");
    }
}

#[test]
fn g02_what_nobody_waits_for_becomes_durable_by_itself() {
    let (_dir, store) = open();
    for durability in [Durability::Synced, Durability::Buffered] {
        for key in 0..20 {
            drop(store.commit_with(change(key), durability).expect("accepted"));
            let accepted = store.frontier().accepted;
            until("a dropped ticket's commit becomes durable", || store.frontier().durable >= accepted);
        }
    }
    // The writer syncs whenever it runs out of work.
    for key in 0..20 {
        let number = buffered(&store, key).wait().expect("written");
        assert!(store.frontier().written >= number);
        until("a buffered commit becomes durable", || store.frontier().durable >= number);
    }
}

#[test]
fn g02_buffered_commits_share_syncs() {
    let (_dir, store) = open();
    let before = store.frontier();
    for key in 0..3000 {
        buffered(&store, key).wait().expect("written");
    }
    let frontier = store.frontier();
    assert_eq!(frontier.written, frontier.accepted);
    let syncs = frontier.syncs - before.syncs;
    assert!(syncs < 1500, "3000 buffered commits took {syncs} syncs");
    store.barrier().wait().expect("durable");
    assert_eq!(store.frontier().durable, frontier.accepted);
}

#[test]
fn tickets_and_stages_can_be_awaited() {
    let (_dir, store) = open();
    for key in 0..50 {
        let durability = if key % 2 == 0 { Durability::Synced } else { Durability::Buffered };
        let ticket = store.commit_with(change(key), durability).expect("accepted");
        let number = ticket.number();
        assert_eq!(block_on(ticket).expect("resolved"), number);
        for stage in [Stage::Accepted, Stage::Written, Stage::Durable] {
            assert_eq!(block_on(store.reached(stage, number)).expect("reached"), number);
        }
    }
}

#[test]
fn a_stage_is_reached_by_a_commit_that_comes_later_and_whose_ticket_nobody_touches() {
    let (_dir, store) = open();
    let next = CommitNumber(store.frontier().accepted.0 + 1);
    thread::scope(|scope| {
        let waiters = [Stage::Accepted, Stage::Written, Stage::Durable].map(|stage| {
            let (one, other) = (store.reached(stage, next), store.reached(stage, next));
            (scope.spawn(move || one.wait()), scope.spawn(move || block_on(other)))
        });
        thread::sleep(Duration::from_millis(20));
        assert!(waiters.iter().all(|(one, other)| !one.is_finished() && !other.is_finished()));
        let held = store.commit(change(1)).expect("accepted");
        for (one, other) in waiters {
            assert_eq!(one.join().expect("no panic").expect("reached"), next);
            assert_eq!(other.join().expect("no panic").expect("reached"), next);
        }
        assert!(held.is_durable());
    });
}

#[test]
fn applied_is_what_a_durable_checkpoint_holds() {
    let (_dir, store) = open();
    let number = store.commit(change(1)).expect("accepted").wait().expect("durable");
    let frontier = store.frontier();
    assert_eq!((frontier.durable, frontier.applied), (number, CommitNumber(0)));
    thread::scope(|scope| {
        let applied = store.reached(Stage::Applied, number);
        let waiter = scope.spawn(move || applied.wait());
        store.checkpoint().expect("checkpoint");
        assert_eq!(waiter.join().expect("no panic").expect("reached"), number);
    });
    assert_eq!(store.frontier().applied, number);
}

#[test]
fn what_will_never_be_reached_fails() {
    let (_dir, store) = open();
    let next = CommitNumber(store.frontier().accepted.0 + 1);
    let reached = store.reached(Stage::Durable, next);
    let waiter = thread::spawn(move || reached.wait());
    drop(store);
    let error = waiter.join().expect("no panic").expect_err("the store is gone");
    assert!(error.reason.contains("dropped"), "{error}");

    let disk = SimDisk::new(1);
    let (store, _) = Store::open(Arc::new(disk.clone()), Options::default()).expect("open");
    let applied = store.reached(Stage::Applied, next);
    disk.fail_sync(disk.operations());
    let written = buffered(&store, 1);
    // The writer may be faster, and have failed before this one comes.
    if let Ok(synced) = store.commit(change(2)) {
        let error = synced.wait().expect_err("the sync failed");
        assert!(error.reason.contains(&format!("{EIO}")) || error.reason.contains("error"), "{error}");
    }
    // It had reached the operating system before the sync failed; one that comes later is refused.
    written.wait().expect("written");
    applied.wait().expect_err("poisoned");
    assert_eq!(store.commit(change(3)).expect_err("poisoned").kind(), "poisoned");
}

#[test]
fn g02_what_waits_in_the_queue_when_the_journal_fails_is_unknown() {
    let disk = SimDisk::new(1);
    let options = Options { writer: stead_store::Writer::Inline, ..Options::default() };
    let (store, _) = Store::open(Arc::new(disk.clone()), options).expect("open");
    let first = store.commit(change(1)).expect("accepted");
    disk.fail_sync(disk.operations());
    first.wait().expect_err("the sync failed");
    let (store, _) = {
        drop(store);
        Store::open(Arc::new(disk.kill()), Options::default()).expect("open")
    };
    store.commit(change(1)).expect("accepted").wait().expect("durable");

    let disk = SimDisk::new(2);
    let options = Options { writer: stead_store::Writer::Inline, ..Options::default() };
    let (store, _) = Store::open(Arc::new(disk.clone()), options).expect("open");
    let queued = buffered(&store, 1);
    disk.fail(disk.operations(), EIO);
    queued.wait().expect_err("the write failed");
    assert!(store.commit(change(2)).is_err());
}
