//! Promises: of a commit that was accepted, and of a stage that commits reach.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::error::OutcomeUnknown;
use crate::store::CommitNumber;
use crate::store::core::Core;
use crate::store::progress::Goal;

/// What an accepted commit has to survive before its ticket resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Durability {
    /// Power loss.
    #[default]
    Synced,
    /// The end of the process. The operating system has the commit and a sync follows soon; a power loss before it takes the
    /// last commits, always a suffix of their order and never one whose ticket was `Synced`.
    Buffered,
}

/// Resolves when the commit survives what its [`Durability`] says.
///
/// A ticket that is waited for, polled or dropped sees to that: a dropped one does not take the commit back, which becomes
/// durable without further calls. While it is merely held, its commit may wait for company.
#[must_use = "a commit is durable only once its ticket has resolved"]
pub struct Ticket {
    pending: Pending,
    number: CommitNumber,
}

impl Ticket {
    pub(crate) fn new(core: Arc<Core>, durability: Durability, sequence: u64, number: CommitNumber) -> Ticket {
        Ticket { pending: Pending { core, goal: Goal::Record(durability, sequence), registered: None }, number }
    }

    /// The commit's place in the store's order.
    pub fn number(&self) -> CommitNumber {
        self.number
    }

    /// The commit survives power loss already.
    pub fn is_durable(&self) -> bool {
        let Goal::Record(_, sequence) = self.pending.goal else { unreachable!("a ticket is for a record") };
        self.pending.core.progress.is_durable(sequence)
    }

    /// Blocks until the ticket resolves; writes and syncs on this thread if no other is at it.
    pub fn wait(self) -> Result<CommitNumber, OutcomeUnknown> {
        self.pending.wait().map(|()| self.number)
    }
}

impl Future for Ticket {
    type Output = Result<CommitNumber, OutcomeUnknown>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.pending.poll(context).map_ok(|()| self.number)
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticket").field("number", &self.number).field("is_durable", &self.is_durable()).finish()
    }
}

/// Resolves when a commit has come as far as a [`Stage`](crate::Stage); fails if the store is poisoned or dropped before.
#[must_use = "it only waits when it is awaited or waited for"]
pub struct Reached {
    pending: Pending,
    number: CommitNumber,
}

impl Reached {
    pub(crate) fn new(core: Arc<Core>, stage: crate::store::Stage, number: CommitNumber) -> Reached {
        core.await_commit(number);
        Reached { pending: Pending { core, goal: Goal::Commit(stage, number), registered: None }, number }
    }

    /// Blocks until the stage is reached.
    pub fn wait(self) -> Result<CommitNumber, OutcomeUnknown> {
        self.pending.wait().map(|()| self.number)
    }
}

impl Future for Reached {
    type Output = Result<CommitNumber, OutcomeUnknown>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.pending.poll(context).map_ok(|()| self.number)
    }
}

impl fmt::Debug for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reached").field(&self.pending.goal).finish()
    }
}

/// Something that is waited for.
struct Pending {
    core: Arc<Core>,
    goal: Goal,
    registered: Option<Waker>,
}

impl Pending {
    fn wait(&self) -> Result<(), OutcomeUnknown> {
        self.core.wait(self.goal)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<(), OutcomeUnknown>> {
        let core = &*self.core;
        if let Some(forked) = core.forked() {
            return Poll::Ready(Err(OutcomeUnknown { reason: forked.to_string() }));
        }
        // Writing is a copy to the operating system, and the writer thread may be busy with a sync. Syncing is left to it.
        if core.is_inline() || self.goal.stage() == crate::store::Stage::Written {
            core.advance(self.goal);
        }
        let waker = context.waker();
        if self.registered.as_ref().is_some_and(|registered| registered.will_wake(waker)) {
            return core.progress.poll(self.goal);
        }
        let outcome = core.progress.poll_or_register(self.goal, waker);
        if outcome.is_pending() {
            self.registered = Some(waker.clone());
            core.call_writer(core.front());
        }
        outcome
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.core.progress.is_reached(self.goal) && self.core.forked().is_none() {
            self.core.call_writer(self.core.front());
        }
    }
}
