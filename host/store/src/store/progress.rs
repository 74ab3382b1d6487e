//! How far the journal has come, and who waits for it.

use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::error::OutcomeUnknown;
use crate::store::{CommitNumber, Durability};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::thread::{self, Thread};

/// How far a commit has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// It has its place in the order, and views show it.
    Accepted,
    /// The operating system has it: it survives the end of the process, not a power loss.
    Written,
    /// It survives power loss.
    Durable,
    /// A durable checkpoint holds it: replay does not need it any more.
    Applied,
}

/// What somebody waits for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// A record's place in the journal; it counts records that are no commits, too.
    Record(Durability, u64),
    Commit(Stage, CommitNumber),
}

impl Goal {
    pub(crate) fn stage(self) -> Stage {
        match self {
            Goal::Record(Durability::Buffered, _) => Stage::Written,
            Goal::Record(Durability::Synced, _) => Stage::Durable,
            Goal::Commit(stage, _) => stage,
        }
    }
}

/// What is written, durable and applied, by place in the journal and by commit.
#[derive(Default)]
pub(crate) struct Progress {
    written: AtomicU64,
    durable: AtomicU64,
    /// The last commit at each stage.
    commits: [AtomicU64; 4],
    batches: AtomicU64,
    syncs: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    list: Vec<(Goal, Waiter)>,
    failed: Option<Arc<str>>,
}

enum Waiter {
    Task(Waker),
    Thread(Arc<Parked>),
}

/// A thread that waits. The first of many that are woken together wakes the others: who moved the numbers has the next write to
/// do, and waking many takes as long as a sync.
struct Parked {
    thread: Thread,
    woken: Mutex<Option<Vec<Arc<Parked>>>>,
}

impl Parked {
    fn new() -> Arc<Parked> {
        Arc::new(Parked { thread: thread::current(), woken: Mutex::new(None) })
    }

    /// Blocks until it is woken, which happens once to everyone who was registered. Nobody leaves before that: others may
    /// have been left to this one.
    fn park(&self) {
        loop {
            let others = self.woken.lock().take();
            match others {
                Some(others) => return others.iter().for_each(|other| other.wake(Vec::new())),
                None => thread::park(),
            }
        }
    }

    fn wake(&self, others: Vec<Arc<Parked>>) {
        *self.woken.lock() = Some(others);
        self.thread.unpark();
    }
}

fn wake_all(waiters: impl Iterator<Item = Waiter>) {
    let mut threads = Vec::new();
    for waiter in waiters {
        match waiter {
            Waiter::Task(waker) => waker.wake(),
            Waiter::Thread(parked) => threads.push(parked),
        }
    }
    if let Some(first) = threads.pop() {
        first.wake(threads);
    }
}

impl Progress {
    /// Everything up to a commit was durable before the store was opened, and a checkpoint holds everything up to another.
    pub(crate) fn starting_at(commit: CommitNumber, applied: CommitNumber) -> Progress {
        let commits = [commit, commit, commit, applied].map(|commit| AtomicU64::new(commit.0));
        Progress { commits, ..Progress::default() }
    }

    pub(crate) fn is_reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Record(Durability::Buffered, sequence) => self.written.load(Ordering::Acquire) >= sequence,
            Goal::Record(Durability::Synced, sequence) => self.durable.load(Ordering::Acquire) >= sequence,
            Goal::Commit(stage, number) => self.commit(stage) >= number,
        }
    }

    /// A record is durable.
    pub(crate) fn is_durable(&self, sequence: u64) -> bool {
        self.is_reached(Goal::Record(Durability::Synced, sequence))
    }

    /// Something was written that no sync has made durable.
    pub(crate) fn is_behind(&self) -> bool {
        self.durable.load(Ordering::Acquire) < self.written.load(Ordering::Acquire)
    }

    /// The last commit at a stage.
    pub(crate) fn commit(&self, stage: Stage) -> CommitNumber {
        CommitNumber(self.commits[stage as usize].load(Ordering::Acquire))
    }

    /// The last record that was written, and the last commit. For who holds the journal's lock: then they belong together.
    pub(crate) fn written(&self) -> (u64, CommitNumber) {
        (self.written.load(Ordering::Acquire), self.commit(Stage::Written))
    }

    /// Batches and syncs so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.batches.load(Ordering::Relaxed), self.syncs.load(Ordering::Relaxed))
    }

    /// Whether a goal is reached, or never will be.
    pub(crate) fn poll(&self, goal: Goal) -> Poll<Result<(), OutcomeUnknown>> {
        match self.is_reached(goal) {
            true => Poll::Ready(Ok(())),
            false => self.look(&self.waiting.lock(), goal),
        }
    }

    /// The same; a task that has to wait is woken then.
    pub(crate) fn poll_or_register(&self, goal: Goal, waker: &Waker) -> Poll<Result<(), OutcomeUnknown>> {
        self.look_or_register(goal, || Waiter::Task(waker.clone()))
    }

    /// Blocks until a goal is reached, or never will be.
    pub(crate) fn park(&self, goal: Goal) -> Result<(), OutcomeUnknown> {
        let parked = Parked::new();
        match self.look_or_register(goal, || Waiter::Thread(parked.clone())) {
            Poll::Ready(outcome) => return outcome,
            Poll::Pending => parked.park(),
        }
        match self.poll(goal) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => unreachable!("a waiter is woken when its goal is reached, or never will be"),
        }
    }

    fn look_or_register(&self, goal: Goal, waiter: impl FnOnce() -> Waiter) -> Poll<Result<(), OutcomeUnknown>> {
        let mut waiting = self.waiting.lock();
        let outcome = self.look(&waiting, goal);
        if outcome.is_pending() {
            waiting.list.push((goal, waiter()));
        }
        outcome
    }

    fn look(&self, waiting: &Waiting, goal: Goal) -> Poll<Result<(), OutcomeUnknown>> {
        // Under the lock: who moves on takes it after the numbers moved, and before it wakes anybody.
        match &waiting.failed {
            _ if self.is_reached(goal) => Poll::Ready(Ok(())),
            Some(reason) => Poll::Ready(Err(OutcomeUnknown { reason: reason.to_string() })),
            None => Poll::Pending,
        }
    }

    /// A commit was accepted. Who waits for it is woken by [`wake`](Progress::wake).
    pub(crate) fn set_accepted(&self, commit: CommitNumber) {
        self.reach(Stage::Accepted, commit);
    }

    /// Everything up to a place is with the operating system.
    pub(crate) fn set_written(&self, sequence: u64, commit: CommitNumber, batches: u64) {
        self.batches.store(batches, Ordering::Relaxed);
        self.reach(Stage::Written, commit);
        self.written.fetch_max(sequence, Ordering::AcqRel);
        self.wake();
    }

    /// Everything up to a place is durable.
    pub(crate) fn set_durable(&self, sequence: u64, commit: CommitNumber, syncs: u64) {
        self.syncs.fetch_max(syncs, Ordering::Relaxed);
        self.reach(Stage::Durable, commit);
        self.durable.fetch_max(sequence, Ordering::AcqRel);
        self.wake();
    }

    /// A durable checkpoint holds everything up to a commit.
    pub(crate) fn set_applied(&self, commit: CommitNumber) {
        self.reach(Stage::Applied, commit);
        self.wake();
    }

    fn reach(&self, stage: Stage, commit: CommitNumber) {
        self.commits[stage as usize].fetch_max(commit.0, Ordering::AcqRel);
    }

    /// Wakes those whose goal is reached.
    pub(crate) fn wake(&self) {
        let woken: Vec<(Goal, Waiter)> =
            self.waiting.lock().list.extract_if(.., |(goal, _)| self.is_reached(*goal)).collect();
        wake_all(woken.into_iter().map(|(_, waiter)| waiter));
    }

    /// What is not reached now never will be.
    pub(crate) fn fail(&self, reason: &Arc<str>) {
        let woken = {
            let mut waiting = self.waiting.lock();
            waiting.failed.get_or_insert_with(|| reason.clone());
            std::mem::take(&mut waiting.list)
        };
        wake_all(woken.into_iter().map(|(_, waiter)| waiter));
    }
}
