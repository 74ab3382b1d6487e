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
//!                                        to it, the reason is kept: it failed, its time was over, it was cancelled
//! ```
//!
//! A crash in Negotiating or Draining ends in the incumbent, unless the state was being converted entry by entry: that goes
//! on while the incumbent serves, and the hand-off with it (see `upgrade/mod.rs`). In Sealing and AwaitingReady the hand-off
//! goes on; where code of the successor runs, once, and then ends in the incumbent. No phase runs the incumbent's code.

mod cancel;
mod carry;
mod check;
mod commit;
mod convert;
mod export;
mod group;
mod hearing;
mod later;
mod links;
mod options;
mod party;
mod phase;
mod phases;
mod plan;
mod probation;
mod receipt;
mod rehearsal;
mod resume;
mod rollback;
mod upgrade;

use std::time::{Duration, Instant};

use stead_store::{CommitError, OutcomeUnknown, ReadError};

pub use check::{Check, CheckError, Checked, Fate, FunctionChange};
pub use options::{CheckOptions, RollbackOptions, Swap, SwapOptions};
pub use phase::Phase;
pub use probation::{
    Breach, Measure, OnBreach, Otherwise, Outlook, Probation, ProbationLength, ProbationReport, ProbationStage,
    ProbationStep, Thresholds,
};
pub use receipt::{
    Activated, CollectionVerdict, Migrated, MigratedCollection, PhaseTime, Receipt, ReceiptKind, Refusal, SealedPoint,
};

pub use rehearsal::{
    Calls, CollectionRehearsal, EntryRehearsal, Example, FunctionRehearsal, GivenUp, Rehearsal, RehearseOptions,
    Rehearsed, SideFigures, Skipped, StateRehearsal, Times,
};

pub(crate) use cancel::cancel;
pub(crate) use check::check;
pub(crate) use commit::SEALED_STATES_MAX;
pub(crate) use group::swap;
pub(crate) use later::for_each_later;
pub(crate) use plan::identities;
pub(crate) use probation::{breaches, conclude, let_in, save as save_probations, take_up};
pub(crate) use rehearsal::rehearse;
pub(crate) use resume::resume;
pub(crate) use rollback::{rollback, rollback_of};

use crate::catalog::HandOffRecord;
use crate::error::{HostError, SwapError};
use crate::host::Shared;
use crate::plugin::Mark;
use cancel::unless_cancelled;
use party::Party;
use phase::Came;

/// One hand-off, from its plan to its end. Its plugins go through every phase together.
pub(crate) struct HandOff {
    host: Shared,
    /// In the order of their ids, which is the order in which gates are closed.
    parties: Vec<Party>,
    phase: Phase,
    /// How often the work after sealing was begun.
    attempts: u32,
    /// Where and why it is given up, once it is.
    reason: Option<(Phase, String)>,
    /// For how long the gates may be closed.
    patience: Duration,
    phases: Vec<PhaseTime>,
}

/// Why a phase did not lead to the next.
enum Stop {
    /// The hand-off is given up; the incumbent goes on.
    Abort(String),
    /// The store can no longer say who is active; the next open will.
    Broken(HostError),
}

/// How a hand-off ended that did not become the successors'.
pub(crate) enum Ended {
    /// It was given up, and that is recorded.
    Aborted(Vec<Receipt>),
    /// The store failed under it.
    Broken(HostError),
}

impl HandOff {
    fn new(host: &Shared, mut parties: Vec<Party>, patience: Duration) -> HandOff {
        parties.sort_by_key(|party| party.plugin.id);
        parties.iter_mut().for_each(|party| party.patience = patience);
        HandOff {
            host: host.clone(),
            parties,
            phase: Phase::Negotiating,
            attempts: 0,
            reason: None,
            patience,
            phases: Vec::new(),
        }
    }

    /// Goes through the phases; the only place that leads from one to the next. The receipts are in the order of the
    /// parties.
    async fn drive(mut self) -> Result<Vec<Receipt>, Ended> {
        let marks = self.parties.iter().filter_map(|party| party.mark.as_ref());
        let cancelled: Vec<_> = marks.map(Mark::cancelled).collect();
        loop {
            let (phase, began) = (self.phase, Instant::now());
            for party in &self.parties {
                if let Some(mark) = &party.mark {
                    mark.show(phase);
                }
            }
            let done = match phase {
                Phase::Negotiating => unless_cancelled(&cancelled, self.negotiate()).await,
                Phase::Draining => unless_cancelled(&cancelled, self.drain()).await,
                Phase::Sealing => self.seal().await,
                Phase::AwaitingReady => unless_cancelled(&cancelled, self.await_ready()).await,
                Phase::Committed => match self.commit().await {
                    Ok(receipts) => return Ok(receipts),
                    Err(stop) => Err(stop),
                },
                Phase::ResumingAfterAbort => return Err(self.resume_incumbents().await),
            };
            self.phases.push(PhaseTime { phase, took_us: micros(began.elapsed()) });
            let came = match done {
                Ok(()) => Came::Through,
                Err(Stop::Broken(error)) => return Err(Ended::Broken(error)),
                Err(Stop::Abort(reason)) => {
                    self.reason = Some((phase, reason));
                    Came::Undone
                }
            };
            let Some(next) = phase.next(came) else { unreachable!("{phase:?} ends the hand-off itself") };
            self.phase = next;
        }
    }

    /// Drives the hand-off in a task of its own: whoever asked for it may go away, it goes on.
    async fn run(self) -> Result<Vec<Receipt>, SwapError> {
        let ended = match tokio::spawn(self.drive()).await {
            Ok(ended) => ended,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(Ended::Broken(HostError::Catalog { what: error.to_string() })),
            },
        };
        ended.map_err(|ended| match ended {
            Ended::Broken(error) => SwapError::Host(error),
            Ended::Aborted(receipts) => SwapError::aborted(receipts),
        })
    }

    /// As it stands in the catalog, or will with the next commit.
    fn journal(&self) -> HandOffRecord {
        let parties = self.parties.iter().map(|party| party.record.clone()).collect();
        HandOffRecord { phase: self.phase, attempts: self.attempts, reason: self.reason.clone(), parties }
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
