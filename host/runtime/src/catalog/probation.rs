//! The record of a probation: what was agreed, and how the version has done so far.

use serde::{Deserialize, Serialize};

use super::Record;
use crate::handoff::Probation;
use crate::plugin::Stats;

/// A version on probation, or one whose calls a probation stopped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProbationRecord {
    /// The plugin, by its name.
    pub(crate) plugin: String,
    /// The version's generation.
    pub(crate) generation: u64,
    pub(crate) terms: Probation,
    /// Figures of the version before.
    pub(crate) baseline: Stats,
    /// Figures of the version, as of the last commit that wrote them.
    pub(crate) stats: Stats,
    /// For how long it was watched by then.
    pub(crate) watched_ms: u64,
    pub(crate) stage: Stage,
}

/// How far a probation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// Agreed: it begins with the commit of the hand-off that is under way.
    Agreed,
    /// The version is watched.
    Watching,
    /// It did worse than it may, for this reason; what was agreed is being done.
    Breached(String),
    /// Calls are refused, for this reason.
    Stopped(String),
}

impl Record for ProbationRecord {}
