//! Replacing the active version of a plugin, phase by phase.
//!
//! ```text
//!                          swap / rollback
//!                                 │ refused: nothing was begun
//!                                 ▼
//!   Negotiating    compile, link, compare, plan; the migration runs ahead while the incumbent serves
//!        │                                                            journaled: the plan
//!        ▼
//!   Draining       the gate holds new calls; the running one ends     journaled
//!        │
//!        ▼
//!   Sealing        the incumbent is fenced, its last state pinned     journaled: the sealed point
//!        │
//!        ▼
//!   AwaitingReady  what moved since is migrated again; `ready` is asked   journaled before each attempt
//!        │
//!        ▼
//!   Committed      ONE commit: version, ledger, state, epoch, receipt; the gate opens to the successor
//!
//!   from any phase before the commit ──▶ ResumingAfterAbort: the incumbent gets a new writer epoch, the gate opens
//!                                        to it, the reason is kept
//! ```
//!
//! A crash in Negotiating or Draining ends in the incumbent; in Sealing and AwaitingReady the hand-off goes on, once, and
//! then ends in the incumbent. No phase runs the incumbent's code.

mod carry;
mod check;
mod commit;
mod convert;
mod export;
mod hearing;
mod later;
mod options;
mod phases;
mod plan;
mod receipt;
mod start;

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stead_store::{CommitError, OutcomeUnknown, ReadError, StateId};

pub use check::{Check, CheckError, Checked, Fate, FunctionChange};
pub use options::{CheckOptions, RollbackOptions, SwapOptions};
pub use receipt::{
    Activated, CollectionVerdict, Migrated, MigratedCollection, Phase, PhaseTime, Receipt, ReceiptKind, Refusal,
    SealedPoint,
};

pub(crate) use check::check;
pub(crate) use commit::SEALED_STATES_MAX;
pub(crate) use later::for_each_later;
pub(crate) use plan::identities;
pub(crate) use start::{resume, rollback, swap};

use crate::catalog::HandOffRecord;
use crate::engine::Program;
use crate::error::HostError;
use crate::host::Shared;
use crate::plugin::{Mark, Plugin, Seat, Turn};
use carry::Carried;
use plan::Plan;

/// One hand-off, from its plan to its end.
pub(crate) struct HandOff {
    host: Shared,
    plugin: Arc<Plugin>,
    mark: Mark,
    /// As it stands in the catalog, or will with the next commit.
    journal: HandOffRecord,
    /// None only if it is given up at open.
    successor: Option<Successor>,
    /// What the successor's state needs; none until it was prepared.
    carried: Option<Carried>,
    /// Where later writes go that are given up.
    sink: Option<Mutex<Box<dyn Write + Send>>>,
    gate: Option<Gate>,
    /// Commits of the live state when the gate had closed; none after a crash.
    sealed_at: Option<u64>,
    /// Later writes that were exported.
    discarded: u64,
    /// For how long the gate may be closed.
    patience: Duration,
    phases: Vec<PhaseTime>,
}

/// The successor's code, and what is going to be done for it.
struct Successor {
    program: Program,
    plan: Plan,
}

/// A closed gate: calls are held for as long as it lives.
struct Gate {
    turn: Turn<Seat>,
    since: Instant,
}

/// Why a phase did not lead to the next.
enum Stop {
    /// The hand-off is given up; the incumbent goes on.
    Abort(String),
    /// The store can no longer say who is active; the next open will.
    Broken(HostError),
}

/// How a hand-off ended that did not become the successor's.
pub(crate) enum Ended {
    /// It was given up, and that is recorded.
    Aborted(Box<Receipt>),
    /// The store failed under it.
    Broken(HostError),
}

impl HandOff {
    /// Goes through the phases; the only place that leads from one to the next.
    async fn drive(mut self) -> Result<Receipt, Ended> {
        loop {
            let (phase, began) = (self.journal.phase, Instant::now());
            self.mark.show(phase);
            let next = match phase {
                Phase::Negotiating => self.negotiate().await.map(|()| Phase::Draining),
                Phase::Draining => self.drain().await.map(|()| Phase::Sealing),
                Phase::Sealing => self.seal().await.map(|()| Phase::AwaitingReady),
                Phase::AwaitingReady => self.await_ready().await.map(|()| Phase::Committed),
                Phase::Committed => match self.commit().await {
                    Ok(receipt) => return Ok(receipt),
                    Err(stop) => Err(stop),
                },
                Phase::ResumingAfterAbort => return Err(self.resume_incumbent().await),
            };
            self.phases.push(PhaseTime { phase, took_us: micros(began.elapsed()) });
            self.journal.phase = match next {
                Ok(next) => next,
                Err(Stop::Broken(error)) => return Err(Ended::Broken(error)),
                Err(Stop::Abort(reason)) => {
                    self.journal.reason = Some((phase, reason));
                    Phase::ResumingAfterAbort
                }
            };
        }
    }

    fn successor(&self) -> Result<&Successor, Stop> {
        self.successor.as_ref().ok_or_else(|| Stop::abort("the successor was not planned"))
    }

    /// The incumbent's live state.
    fn live(&self) -> StateId {
        self.plugin.serving().plugin.state
    }
}

impl Stop {
    fn abort(reason: impl ToString) -> Stop {
        Stop::Abort(reason.to_string())
    }
}

impl From<HostError> for Stop {
    fn from(error: HostError) -> Stop {
        match error {
            HostError::Commit(CommitError::Poisoned { .. } | CommitError::Closed) | HostError::OutcomeUnknown(_) => {
                Stop::Broken(error)
            }
            refused => Stop::Abort(refused.to_string()),
        }
    }
}

impl From<CommitError> for Stop {
    fn from(error: CommitError) -> Stop {
        HostError::from(error).into()
    }
}

impl From<OutcomeUnknown> for Stop {
    fn from(error: OutcomeUnknown) -> Stop {
        HostError::from(error).into()
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Stop {
        HostError::from(error).into()
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
