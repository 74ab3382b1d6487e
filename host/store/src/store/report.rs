//! What the store tells about itself.

use crate::store::{CommitNumber, Damage, StateId, UnfinishedImport};

/// How far commits have come, and how many syncs that took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Frontier {
    /// The last commit that was ordered and is visible in views.
    pub accepted: CommitNumber,
    /// The last commit that was handed to the operating system.
    pub written: CommitNumber,
    /// The last commit that survives power loss.
    pub durable: CommitNumber,
    /// The last commit that a durable checkpoint holds.
    pub applied: CommitNumber,
    /// Batches written since the store was opened.
    pub batches: u64,
    /// Syncs of the journal since the store was opened.
    pub syncs: u64,
}

/// Which commits can be viewed, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// The first commit that can be viewed.
    pub oldest: CommitNumber,
    /// The last one: everything that was accepted.
    pub newest: CommitNumber,
    /// Bytes of journal segments that are kept for history alone.
    pub kept_bytes: u64,
}

/// What opening a store found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The directory was empty: a new store was made.
    pub created: bool,
    /// The last owner closed the store.
    pub clean: bool,
    /// The epoch of this owner.
    pub owner_epoch: u64,
    /// Commits replayed from the journal.
    pub replayed_commits: u64,
    /// The last commit.
    pub last_commit: CommitNumber,
    /// An unfinished write at the journal's end that was cut off.
    pub torn: Option<TornTail>,
}

/// Bytes at the journal's end that were never acknowledged: the last write had not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The journal segment.
    pub file: String,
    /// Where the unfinished batch starts.
    pub offset: u64,
    /// What is wrong with it.
    pub what: String,
    /// Where the segment was set aside.
    pub set_aside: String,
}

/// Figures of an open store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Info {
    /// Names the store for ever.
    pub store_id: [u8; 16],
    /// The epoch of this owner.
    pub owner_epoch: u64,
    /// Journal segments in use.
    pub segments: u64,
    /// Bytes of journal segments, spares included.
    pub journal_bytes: u64,
    /// Packs in use.
    pub packs: u64,
    /// Bytes of all packs. Between collections they stay below 2 ¼ times `live_bytes`, or twice that and
    /// [`checkpoint_bytes`](crate::Options::checkpoint_bytes), and what one checkpoint writes.
    pub pack_bytes: u64,
    /// Bytes that the last collection found to be needed of the packs; before the first one, about what the states hold.
    pub live_bytes: u64,
    /// States, the catalog included.
    pub states: u64,
    /// Snapshots of all states.
    pub snapshots: u64,
    /// Bytes of changes since the last checkpoint.
    pub dirty_bytes: u64,
    /// Checkpoints made since the store was opened.
    pub checkpoints: u64,
    /// Why the last checkpoint in the background failed, if it did.
    pub checkpoint_failure: Option<String>,
    /// Imports that did not finish, with what they left.
    pub imports: Vec<UnfinishedImport>,
    /// Why the archive did not take the oldest segment that the store could give up, if it did not.
    pub archive_failure: Option<String>,
}

/// What a checkpoint did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checkpointed {
    /// Every commit up to this one is in the trees.
    pub commit: CommitNumber,
    /// States whose changes were applied.
    pub states: u64,
    /// Bytes of changes that were applied.
    pub bytes: u64,
}

/// What a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// Packs removed.
    pub packs_removed: u64,
    /// Packs written, with what packs that were mostly dead still held.
    pub packs_added: u64,
}

/// What reading every byte found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// Files read.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Everything that is not as it must be.
    pub damage: Vec<Damage>,
}

impl Verified {
    /// Nothing is damaged.
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }
}

/// How far a verification has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The file that is read now.
    pub file: String,
    /// Bytes read so far, of all files.
    pub bytes: u64,
    /// Bytes there are.
    pub bytes_total: u64,
    /// The state that is walked now, after all files were read.
    pub state: Option<StateId>,
}
