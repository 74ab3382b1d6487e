//! What a hand-off did.

use serde::{Deserialize, Serialize};
use stead_schema::Verdict;

use super::Phase;
use crate::host::VersionSummary;

/// Which direction a hand-off went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReceiptKind {
    /// To a new version.
    Swap,
    /// To the version before, with all writes since.
    Rollback,
    /// To the version before and the state that was sealed then; later writes were exported.
    RollbackDiscarding,
}

/// What a hand-off did, as recorded in the plugin's history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Receipt {
    /// The plugin.
    pub plugin: String,
    /// Swap or rollback.
    pub kind: ReceiptKind,
    /// The incumbent.
    pub from: VersionSummary,
    /// The successor.
    pub to: VersionSummary,
    /// How it ended.
    pub activated: Activated,
    /// What was found for each collection.
    pub verdicts: Vec<CollectionVerdict>,
    /// What the migration did, if there was one.
    pub migrated: Option<Migrated>,
    /// The last state of the incumbent, if it got that far.
    pub sealed: Option<SealedPoint>,
    /// The BLAKE3 root of the state that the winner started from, in hexadecimal; computed after the gate was opened.
    pub root: Option<String>,
    /// For how long calls were held, in microseconds.
    pub pause_us: u64,
    /// Calls that waited when the gate was opened.
    pub held_calls: u64,
    /// How long each phase took.
    pub phases: Vec<PhaseTime>,
    /// Later writes that were exported and given up.
    pub discarded: u64,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
}

impl Receipt {
    /// Where and why the hand-off was given up, if it was.
    pub fn given_up(&self) -> Option<(Phase, &str)> {
        match &self.activated {
            Activated::Successor => None,
            Activated::Incumbent { phase, reason } => Some((*phase, reason)),
        }
    }
}

/// Which version serves after a hand-off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activated {
    /// The successor.
    Successor,
    /// The incumbent: the hand-off was aborted.
    Incumbent {
        /// Where.
        phase: Phase,
        /// Why.
        reason: String,
    },
}

/// How a collection's schema in the successor relates to the one in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectionVerdict {
    /// `acme:tally/ballots@1`.
    pub identity: String,
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence for each difference: path, what it was, what it is.
    pub differences: Vec<String>,
}

/// What a migration read and wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrated {
    /// For each collection.
    pub collections: Vec<MigratedCollection>,
    /// How often it ran: once ahead, once more if the state moved meanwhile.
    pub runs: u32,
    /// Time of the run whose writes were committed, in microseconds.
    pub took_us: u64,
}

/// What a migration did with one collection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MigratedCollection {
    /// `acme:tally/ballots@1`.
    pub identity: String,
    /// Entries read.
    pub read: u64,
    /// Entries written.
    pub written: u64,
    /// Old entries that were never read.
    pub unread: u64,
}

/// The last state of the incumbent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedPoint {
    /// The state that keeps it.
    pub state: u64,
    /// The last commit of the plugin's state.
    pub commit: u64,
    /// Its BLAKE3 root in hexadecimal, computed after the gate was opened.
    pub root: Option<String>,
}

/// Why the host refused, one entry a collection or function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What it is about: an identity, an interface or a function.
    pub subject: String,
    /// What is wrong and what would help.
    pub reason: String,
}

/// The time one phase took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseTime {
    /// The phase.
    pub phase: Phase,
    /// In microseconds.
    pub took_us: u64,
}
