//! How far a state has been converted entry by entry.

use serde::{Deserialize, Serialize};
use stead_store::{ComponentHash, StateId};

use super::{PluginId, Record};

/// A state in the making, to which a plugin's entries are converted while the incumbent serves. It is changed together
/// with that state, so after a crash the work goes on where it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UpgradeRecord {
    pub(crate) plugin: PluginId,
    /// The successor, whose functions convert.
    pub(crate) component: ComponentHash,
    /// The state in the making.
    pub(crate) staging: StateId,
    /// The live state as it was when the round began: once the round is over, the state in the making is what this one
    /// becomes.
    pub(crate) base: StateId,
    /// The same of the round before; none in the first, which goes over every entry.
    pub(crate) prior: Option<StateId>,
    /// From 1.
    pub(crate) round: u32,
    /// The last key of `base` that is done in this round.
    pub(crate) cursor: Option<Vec<u8>>,
    /// All keys of this round are done.
    pub(crate) over: bool,
    /// Entries done in this round, and as many as were counted.
    pub(crate) done: u64,
    pub(crate) total: u64,
    pub(crate) collections: Vec<UpgradedRecord>,
    /// How long all rounds may take, in milliseconds; counted anew after a restart.
    pub(crate) patience_ms: u64,
    /// For how long calls may be held after them, in milliseconds.
    pub(crate) hold_ms: u64,
}

/// What was done for one collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UpgradedRecord {
    /// The number of the collection that leaves.
    pub(crate) from: u32,
    /// The number of the one that comes.
    pub(crate) to: u32,
    /// Entries converted, each time counted.
    pub(crate) read: u64,
    /// Entries that were made of them.
    pub(crate) written: u64,
}

impl Record for UpgradeRecord {}
