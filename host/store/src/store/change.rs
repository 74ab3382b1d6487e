//! What a commit consists of.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::store::Adopted;

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
    /// Removes all keys from one up to another, however many there are, at the cost of one write.
    Clear {
        /// The state.
        state: StateId,
        /// The writer's epoch; refused if it is not the state's.
        epoch: WriterEpoch,
        /// The first key. In the catalog it starts with a byte above zero.
        from: Bytes,
        /// The first key that stays; none if nothing does. If it does not lie above `from`, nothing is removed.
        to: Option<Bytes>,
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
    /// Removes a state, or a snapshot. The snapshots of a state that is removed stay.
    Remove {
        /// The state.
        state: StateId,
    },
    /// Keeps a state as it is at this point, under a name. The snapshot is a state of its own that nobody can write: it is
    /// read by its id or name, [forked](Change::Fork) to go on from it, and [removed](Change::Remove).
    Snapshot {
        /// The state to keep.
        state: StateId,
        /// The snapshot's id, from [`Store::new_state`](crate::Store::new_state).
        to: StateId,
        /// Its name: no other snapshot of the state has it. At most
        /// [`SNAPSHOT_NAME_BYTES_MAX`](crate::limits::SNAPSHOT_NAME_BYTES_MAX) bytes, no control characters.
        name: String,
    },
    /// Makes a state of a tree that is there already, with writer epoch 1.
    /// [`Store::import`](crate::Store::import) and [`Store::adopt`](crate::Store::adopt) make this change.
    Adopt {
        /// The new state, from [`Store::new_state`](crate::Store::new_state).
        state: StateId,
        /// Its tree.
        adopted: Adopted,
    },
}
