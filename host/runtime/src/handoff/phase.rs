//! The phases, and which follows which. The driver, the resumption after a crash and the model of the protocol all ask
//! here; the model (`tests/model`) compiles this very file, so that it needs nothing but serde.

use serde::{Deserialize, Serialize};

/// The phases of a hand-off; see the head of the driver's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The successor is compiled, linked and compared; a migration runs ahead on a copy.
    Negotiating,
    /// New calls are held; the running one ends.
    Draining,
    /// The incumbent is fenced and its last state recorded.
    Sealing,
    /// What changed since is migrated; the successor is asked whether it is ready.
    AwaitingReady,
    /// The successor is the active version.
    Committed,
    /// The incumbent goes on; the reason is kept.
    ResumingAfterAbort,
}

/// What a phase came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Came {
    /// Its work is done.
    Through,
    /// It could not be done, and the hand-off is given up.
    Undone,
}

impl Phase {
    /// The phase after this one; none where the hand-off has ended.
    pub(super) fn next(self, came: Came) -> Option<Phase> {
        match (self, came) {
            (Phase::Negotiating, Came::Through) => Some(Phase::Draining),
            (Phase::Draining, Came::Through) => Some(Phase::Sealing),
            (Phase::Sealing, Came::Through) => Some(Phase::AwaitingReady),
            (Phase::AwaitingReady, Came::Through) => Some(Phase::Committed),
            (Phase::Committed | Phase::ResumingAfterAbort, Came::Through) => None,
            // A commit that was refused has changed nothing.
            (
                Phase::Negotiating | Phase::Draining | Phase::Sealing | Phase::AwaitingReady | Phase::Committed,
                Came::Undone,
            ) => Some(Phase::ResumingAfterAbort),
            // Whatever became of the record: the incumbent serves.
            (Phase::ResumingAfterAbort, Came::Undone) => None,
        }
    }

    /// Where a restarted host takes up a hand-off that was journaled in this phase. What was sealed can be finished
    /// without the calls that were held, since those ended with the process. A state that was `converting` entry by entry
    /// keeps what is converted, and calls are served while that goes on.
    pub(super) fn after_crash(self, converting: bool) -> Phase {
        match self {
            Phase::Negotiating | Phase::Draining if converting => Phase::Negotiating,
            Phase::Negotiating | Phase::Draining | Phase::ResumingAfterAbort => Phase::ResumingAfterAbort,
            Phase::Sealing | Phase::AwaitingReady | Phase::Committed => Phase::AwaitingReady,
        }
    }
}
