//! Who writes and syncs the journal.
//!
//! ```text
//! write   hands what is queued to the operating system   whoever needs it, one at a time: under the journal's lock
//! sync    makes what was written durable                 one at a time: who has the role; writes go on meanwhile
//! ```
//!
//! A thread that blocks for a commit does itself what the commit needs: it writes, and takes the role to sync if nobody has
//! it. Who gives the role back looks once more at what is left, and calls the writer thread if there is something. So does
//! who wrote without syncing, who polls a ticket, and who drops one. A commit by itself calls nobody: its ticket does.

use std::sync::Arc;
use std::task::Poll;

use crate::error::OutcomeUnknown;
use crate::store::core::{Core, Front, Journal};
use crate::store::lock::OwnerLock;
use crate::store::progress::{Goal, Stage};
use crate::sync::MutexGuard;

/// The right and the duty to sync.
struct Role<'a>(&'a Core);

impl Core {
    /// Blocks until a goal is reached, and does on this thread what it needs and nobody else is doing.
    pub(crate) fn wait(&self, goal: Goal) -> Result<(), OutcomeUnknown> {
        loop {
            if let Some(forked) = self.forked() {
                return Err(OutcomeUnknown { reason: forked.to_string() });
            }
            if let Poll::Ready(outcome) = self.progress.poll(goal) {
                return outcome;
            }
            if !self.advance(goal) {
                return self.progress.park(goal);
            }
        }
    }

    /// Does what a goal needs; false if that is another's to do.
    pub(crate) fn advance(&self, goal: Goal) -> bool {
        match goal.stage() {
            Stage::Accepted | Stage::Applied => return false,
            _ if !self.is_queued(goal) => return false,
            Stage::Written => self.write(),
            Stage::Durable if self.is_inline() => {
                self.write_queue();
                self.sync();
            }
            Stage::Durable => return self.lead(),
        }
        if self.is_inline() {
            self.tidy_segments();
        }
        true
    }

    /// What a goal waits for was accepted.
    fn is_queued(&self, goal: Goal) -> bool {
        match goal {
            Goal::Record(..) => true,
            Goal::Commit(_, number) => self.front().accepted >= number,
        }
    }

    /// Hands everything that is queued to the operating system. The writer thread syncs it.
    pub(crate) fn write(&self) {
        self.write_queue();
        self.call_writer(self.front());
    }

    fn write_queue(&self) {
        let _poisons = PoisonsOnPanic(self);
        let mut journal = self.journal();
        let Journal { writer, taken } = &mut *journal;
        let (sequence, commit, is_buffered) = {
            let mut front = self.front();
            if front.queue.is_empty() || front.poison.is_some() {
                return;
            }
            std::mem::swap(&mut front.queue, taken);
            front.writing = std::mem::take(&mut front.queued);
            (front.sequence(), front.accepted, std::mem::take(&mut front.has_buffered))
        };
        let mut done = writer.write(taken);
        taken.clear();
        if is_buffered {
            // To some this is the acknowledgement.
            done = done.and_then(|()| self.check_owner());
        }
        if let Err(error) = done {
            self.poison(&format!("the journal failed: {error}"));
            return;
        }
        {
            let mut front = self.front();
            front.writing = 0;
            front.room = writer.room();
        }
        self.progress.set_written(sequence, commit, writer.batches());
        if writer.has_chores() {
            self.spare_bell.ring();
        }
    }

    /// Makes durable what was written so far. Not the queue: a commit that arrives later takes the next sync.
    fn sync(&self) {
        let _poisons = PoisonsOnPanic(self);
        let (unsynced, sequence, commit) = {
            let journal = self.journal();
            if self.front().poison.is_some() {
                return;
            }
            let (sequence, commit) = self.progress.written();
            (journal.writer.unsynced(), sequence, commit)
        };
        match unsynced.sync().and_then(|()| self.check_owner()) {
            Ok(()) => self.progress.set_durable(sequence, commit, unsynced.durable.syncs()),
            Err(error) => self.poison(&format!("the journal failed: {error}")),
        }
    }

    /// Nothing is acknowledged by who does not own the directory any more.
    fn check_owner(&self) -> std::io::Result<()> {
        match &*self.owner.lock() {
            Some(lock) => OwnerLock::check(lock),
            None => Err(std::io::Error::other("the store was dropped")),
        }
    }

    /// Makes everything durable on this thread; false if another has the role, who then sees to what is left.
    fn lead(&self) -> bool {
        if std::mem::replace(&mut self.front().syncing, true) {
            return false;
        }
        let _role = Role(self);
        self.write_queue();
        self.sync();
        true
    }

    /// Calls the writer thread if something is queued or unsynced and nobody is at it.
    pub(crate) fn call_writer(&self, mut front: MutexGuard<'_, Front>) {
        if !self.is_inline() && !front.syncing && !front.called && self.is_behind(&front) {
            front.called = true;
            drop(front);
            self.work.notify_one();
        }
    }

    fn is_behind(&self, front: &Front) -> bool {
        front.poison.is_none() && (!front.queue.is_empty() || self.progress.is_behind())
    }

    /// The writer thread: does what was left to it, and syncs whenever it runs out of work.
    pub(crate) fn write_until_stopped(&self) {
        let mut front = self.front();
        loop {
            let is_behind = self.is_behind(&front);
            if front.syncing {
                // Who has the role calls again.
                front.called = false;
            } else if is_behind && (front.called || front.stopping) {
                front.called = false;
                MutexGuard::unlocked(&mut front, || self.lead());
                continue;
            } else if front.stopping {
                return;
            }
            front.called = false;
            self.work.wait(&mut front);
        }
    }

    /// Ends the writer thread once everything is durable.
    pub(crate) fn stop_writer(&self) {
        self.front().stopping = true;
        self.work.notify_one();
    }

    /// The journal failed: nobody knows what of the last write is durable, so nothing is accepted any more.
    pub(crate) fn poison(&self, reason: &str) {
        let reason: Arc<str> = reason.into();
        {
            let mut front = self.front();
            front.poison.get_or_insert_with(|| reason.clone());
            front.queue.clear();
            (front.queued, front.writing) = (0, 0);
        }
        self.progress.fail(&reason);
    }

    /// Nothing is written any more, and the lock is free: tickets that live on resolve to what is known.
    pub(crate) fn end(&self) {
        let _journal = self.journal();
        self.front().closed = true;
        self.poison("the store was dropped");
        *self.owner.lock() = None;
    }
}

/// What a panic left half done is not gone on with.
struct PoisonsOnPanic<'a>(&'a Core);

impl Drop for PoisonsOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poison("a thread panicked while it wrote the journal");
        }
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        let mut front = self.0.front();
        front.syncing = false;
        if front.stopping {
            self.0.work.notify_one();
        }
        self.0.call_writer(front);
    }
}
