//! A store whose committers note what was accepted and what they were told, and the oracle over both.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::ops::Bound;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};

use bytes::Bytes;
use shuttle::future::block_on;
use shuttle::thread::{self, JoinHandle};
use stead_store::disk::sim::SimDisk;
use stead_store::limits::SEGMENT_BYTES_MIN;
use stead_store::{
    Change, CommitError, Durability, Options, Order, OutcomeUnknown, Stage, StateId, Store, Ticket, Writer,
    WriterEpoch, Writes,
};

/// How a committer waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Blocks for each commit.
    Blocking,
    /// As a future.
    Polled,
    /// Polls once for somebody else, then blocks: the second waker must be heard.
    PolledThenBlocking,
    /// Commits everything first, then waits, last first.
    Backwards,
    /// Drops its tickets.
    Never,
    /// Blocks for each commit until it is written, or waits for it as a future.
    Buffered,
    BufferedPolled,
    /// Waits for the stage, by number, and holds the ticket.
    ByNumber,
}

/// The smallest segments, so that few commits fill one, and checkpoints only when they are asked for.
pub(crate) fn options() -> Options {
    Options { segment_bytes: SEGMENT_BYTES_MIN, ..Options::default() }
}

/// One store and what is known about it. Its notes are no points where the scheduler may switch.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) disk: SimDisk,
    pub(crate) state: StateId,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
struct Notes {
    /// The key of each accepted commit.
    accepted: BTreeMap<u64, Bytes>,
    /// The last commit that somebody was told is durable, and is written.
    told: u64,
    told_written: u64,
}

impl History {
    /// Opens a store with one state; nothing is noted yet.
    pub(crate) fn begin(seed: u64, options: Options) -> (History, Store) {
        let disk = SimDisk::new(seed);
        let (store, _) = Store::open(Arc::new(disk.clone()), options).expect("open");
        let state = store.new_state();
        store.commit(vec![Change::Create { state }]).expect("accepted").wait().expect("durable");
        (History { disk, state, notes: Arc::default() }, store)
    }

    /// Starts a thread that commits `count` keys of its own; it ends early at the first error.
    pub(crate) fn committer(
        &self,
        store: &Store,
        name: char,
        wait: Wait,
        count: usize,
        value_bytes: usize,
    ) -> JoinHandle<Result<(), Refused>> {
        let (history, store) = (self.clone(), store.clone());
        thread::spawn(move || {
            let mut later = Vec::new();
            for index in 0..count {
                let durability = match wait {
                    Wait::Buffered | Wait::BufferedPolled => Durability::Buffered,
                    _ => Durability::Synced,
                };
                let ticket = history.commit_with(&store, format!("{name}{index}").into(), value_bytes, durability)?;
                match wait {
                    Wait::Backwards => later.push(ticket),
                    Wait::Never => {}
                    _ => history.wait(&store, ticket, wait)?,
                }
            }
            later.into_iter().rev().try_for_each(|ticket| history.wait(&store, ticket, Wait::Blocking))
        })
    }

    /// Commits one key and notes it.
    pub(crate) fn commit(&self, store: &Store, key: Bytes, value_bytes: usize) -> Result<Ticket, Refused> {
        self.commit_with(store, key, value_bytes, Durability::Synced)
    }

    fn commit_with(
        &self,
        store: &Store,
        key: Bytes,
        value_bytes: usize,
        durability: Durability,
    ) -> Result<Ticket, Refused> {
        let writes = Writes::from([(key.clone(), Some(Bytes::from(vec![7; value_bytes])))]);
        let change = Change::Write { state: self.state, epoch: WriterEpoch::FIRST, writes };
        let ticket = store.commit_with(vec![change], durability).map_err(Refused::Commit)?;
        let other = self.notes().accepted.insert(ticket.number().0, key);
        assert!(other.is_none(), "two commits have the number {:?}", ticket.number());
        Ok(ticket)
    }

    /// Waits for a commit, and checks that what it was told is true.
    pub(crate) fn wait(&self, store: &Store, mut ticket: Ticket, wait: Wait) -> Result<(), Refused> {
        let number = ticket.number();
        if wait == Wait::PolledThenBlocking {
            let _ = Pin::new(&mut ticket).poll(&mut Context::from_waker(Waker::noop()));
        }
        let told = match wait {
            Wait::Polled | Wait::BufferedPolled => block_on(ticket),
            Wait::ByNumber => {
                let told = store.reached(Stage::Durable, number).wait();
                drop(ticket);
                told
            }
            _ => ticket.wait(),
        };
        assert_eq!(told.map_err(|why| Refused::Unknown { _why: why })?, number);
        assert!(store.frontier().written >= number, "{number:?} is behind the frontier");
        {
            let mut notes = self.notes();
            notes.told_written = notes.told_written.max(number.0);
        }
        if matches!(wait, Wait::Buffered | Wait::BufferedPolled) {
            return Ok(());
        }
        assert!(store.frontier().durable >= number, "{number:?} is behind the frontier");
        let key = self.notes().accepted[&number.0].clone();
        {
            let mut notes = self.notes();
            notes.told = notes.told.max(number.0);
        }
        let view = store.durable_view(self.state).expect("the state is durable");
        match view.get(&key) {
            Ok(value) => assert!(value.is_some(), "{key:?} was told to be durable, and its view lacks it"),
            Err(error) => assert!(self.disk.crashed(), "{error}"),
        }
        Ok(())
    }

    /// What a disk holds is a prefix of what was accepted, and all of what somebody was told.
    pub(crate) fn check(&self, disk: SimDisk) {
        let told = self.notes().told;
        self.check_from(disk, told);
    }

    /// The same after only the process ended.
    pub(crate) fn check_killed(&self, disk: SimDisk) {
        let told = self.notes().told_written;
        self.check_from(disk, told);
    }

    fn check_from(&self, disk: SimDisk, told: u64) {
        let (store, _) = Store::open(Arc::new(disk), Options { writer: Writer::Inline, ..options() }).expect("reopen");
        let last = store.frontier().accepted.0;
        let view = store.view(self.state).expect("the state was durable");
        let scan = view.scan(Bound::Unbounded, Bound::Unbounded, Order::Ascending);
        let found: BTreeSet<Bytes> = scan.map(|entry| entry.expect("readable").0).collect();
        let notes = self.notes();
        let expected: BTreeSet<Bytes> = notes.accepted.range(..=last).map(|(_, key)| key.clone()).collect();
        assert_eq!(found, expected, "the store goes as far as commit {last}");
        assert!(last >= told, "commit {told} was told to last, the store ends with {last}");
    }

    /// The numbers of all commits that were accepted.
    pub(crate) fn accepted(&self) -> usize {
        self.notes().accepted.len()
    }

    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().expect("nobody panics under it")
    }
}

/// Reads the frontier again and again: it never goes back, and no part of it runs ahead of the one before it.
pub(crate) fn observer(store: &Store, times: usize) -> JoinHandle<()> {
    let store = store.clone();
    thread::spawn(move || {
        let mut last = store.frontier();
        for _ in 0..times {
            let now = store.frontier();
            assert!(now.durable <= now.written && now.written <= now.accepted, "{now:?}");
            assert!(last.durable <= now.durable && last.written <= now.written && last.accepted <= now.accepted);
            assert!(last.batches <= now.batches && last.syncs <= now.syncs, "{last:?}, then {now:?}");
            last = now;
        }
    })
}

/// Why a committer ended early.
#[derive(Debug)]
pub(crate) enum Refused {
    Commit(CommitError),
    Unknown { _why: OutcomeUnknown },
}
