//! What a commit consists of.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Names a state within its store. Ids are never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StateId(pub u64);

impl StateId {
    /// The state that describes all others. Its keys from `0x01` up belong to the store's user.
    pub const CATALOG: StateId = StateId(0);
}

impl fmt::Display for StateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state {}", self.0)
    }
}

/// Says who may write to a state. It starts at 1 and only rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WriterEpoch(pub u64);

impl WriterEpoch {
    /// The epoch of a state that was just created or forked.
    pub const FIRST: WriterEpoch = WriterEpoch(1);
}

impl fmt::Display for WriterEpoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place of a commit in the store's one order. The first commit has number 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct CommitNumber(pub u64);

impl fmt::Display for CommitNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is written to one state: a value, or `None` for a removed key.
pub type Writes = BTreeMap<Bytes, Option<Bytes>>;

/// One change. The changes of a commit take effect in order and become durable together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Makes an empty state with writer epoch 1.
    Create {
        /// The new state, from [`Store::new_state`](crate::Store::new_state).
        state: StateId,
    },
    /// Writes keys of a state.
    Write {
        /// The state.
        state: StateId,
        /// The writer's epoch; refused if it is not the state's.
        epoch: WriterEpoch,
        /// What is written.
        writes: Writes,
    },
    /// Makes a state that starts as another one is at this point, with writer epoch 1.
    Fork {
        /// The state to start from.
        from: StateId,
        /// The new state, from [`Store::new_state`](crate::Store::new_state).
        to: StateId,
    },
    /// Gives a state a new writer epoch: from here on every earlier writer is refused.
    Fence {
        /// The state.
        state: StateId,
        /// The new epoch, larger than the one before.
        epoch: WriterEpoch,
    },
    /// Removes a state.
    Remove {
        /// The state.
        state: StateId,
    },
}
