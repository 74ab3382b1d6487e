//! How far the journal has come, and who waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

use parking_lot::Mutex;

use crate::store::CommitNumber;

/// What is durable, by place in the journal and by commit.
#[derive(Default)]
pub(crate) struct Progress {
    durable: AtomicU64,
    written_commit: AtomicU64,
    durable_commit: AtomicU64,
    batches: AtomicU64,
    syncs: AtomicU64,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    wakers: Vec<(u64, Waker)>,
    failed: Option<Arc<str>>,
}

impl Progress {
    /// Everything up to a commit was durable before the store was opened.
    pub(crate) fn starting_at(commit: CommitNumber) -> Progress {
        Progress {
            written_commit: AtomicU64::new(commit.0),
            durable_commit: AtomicU64::new(commit.0),
            ..Progress::default()
        }
    }

    pub(crate) fn is_durable(&self, sequence: u64) -> bool {
        self.durable.load(Ordering::Acquire) >= sequence
    }

    pub(crate) fn durable_commit(&self) -> CommitNumber {
        CommitNumber(self.durable_commit.load(Ordering::Acquire))
    }

    pub(crate) fn written_commit(&self) -> CommitNumber {
        CommitNumber(self.written_commit.load(Ordering::Acquire))
    }

    /// Batches and syncs so far.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.batches.load(Ordering::Relaxed), self.syncs.load(Ordering::Relaxed))
    }

    /// Says whether a place is durable, or registers who wants to know.
    pub(crate) fn poll(&self, sequence: u64, waker: Option<&Waker>) -> Poll<Result<(), Arc<str>>> {
        if self.is_durable(sequence) {
            return Poll::Ready(Ok(()));
        }
        let mut waiting = self.waiting.lock();
        if self.is_durable(sequence) {
            return Poll::Ready(Ok(()));
        }
        if let Some(reason) = &waiting.failed {
            return Poll::Ready(Err(reason.clone()));
        }
        if let Some(waker) = waker {
            waiting.wakers.push((sequence, waker.clone()));
        }
        Poll::Pending
    }

    pub(crate) fn set_written(&self, commit: CommitNumber) {
        self.written_commit.store(commit.0, Ordering::Release);
    }

    /// Everything up to a place is durable: wakes those who wait for it.
    pub(crate) fn set_durable(&self, sequence: u64, commit: CommitNumber, counts: (u64, u64)) {
        self.batches.store(counts.0, Ordering::Relaxed);
        self.syncs.store(counts.1, Ordering::Relaxed);
        self.durable_commit.store(commit.0, Ordering::Release);
        self.durable.store(sequence, Ordering::Release);
        let woken: Vec<(u64, Waker)> =
            self.waiting.lock().wakers.extract_if(.., |(wanted, _)| *wanted <= sequence).collect();
        for (_, waker) in woken {
            waker.wake();
        }
    }

    /// Nothing more will become durable.
    pub(crate) fn fail(&self, reason: &Arc<str>) {
        let woken = {
            let mut waiting = self.waiting.lock();
            waiting.failed.get_or_insert_with(|| reason.clone());
            std::mem::take(&mut waiting.wakers)
        };
        for (_, waker) in woken {
            waker.wake();
        }
    }
}
