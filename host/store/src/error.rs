//! The store's errors: one enum per operation.
//!
//! Messages are lower case without a full stop; the data is in the fields; [`kind`](OpenError::kind) is stable and
//! meant for scripts.

use std::io;

use crate::store::{CommitNumber, StateId, WriterEpoch};

/// Why stored bytes could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The operating system refused the read.
    #[error("cannot read {path}: {source}")]
    Io {
        /// The file, relative to the data directory.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The bytes do not have the hash that they must have.
    #[error("{path} is damaged at byte {offset}: {what}")]
    Damaged {
        /// The file, relative to the data directory.
        path: String,
        /// Where the damaged piece starts.
        offset: u64,
        /// What is wrong with it.
        what: String,
    },
    /// Nothing in the data directory has this hash.
    #[error("nothing stored has the hash {hash}")]
    Missing {
        /// The hash, in hexadecimal.
        hash: String,
    },
}

impl ReadError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            ReadError::Io { .. } => "io",
            ReadError::Damaged { .. } => "damaged",
            ReadError::Missing { .. } => "missing",
        }
    }
}

/// Why a commit was refused. A refused commit was never accepted: nothing of it will ever be seen.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The writer's epoch is not the state's: another writer took over.
    #[error("{state} is fenced: the writer has epoch {given}, the state has {current}")]
    Fenced {
        /// The state.
        state: StateId,
        /// The epoch that the commit named.
        given: WriterEpoch,
        /// The epoch that the state has.
        current: WriterEpoch,
    },
    /// No state has this id.
    #[error("there is no {state}")]
    UnknownState {
        /// The id.
        state: StateId,
    },
    /// A state with this id exists already.
    #[error("{state} exists already")]
    StateExists {
        /// The id.
        state: StateId,
    },
    /// The state is a snapshot, and snapshots never change.
    #[error("{state} is a snapshot and cannot be changed: fork it and change the fork")]
    Frozen {
        /// The snapshot.
        state: StateId,
    },
    /// The state has a snapshot of this name already.
    #[error("{state} has a snapshot named {name:?} already")]
    SnapshotExists {
        /// The state that the snapshot is of.
        state: StateId,
        /// The name.
        name: String,
    },
    /// A snapshot cannot have this name.
    #[error("{name:?} is no name for a snapshot: {what}")]
    SnapshotName {
        /// The name, or its beginning.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The state has as many snapshots as a state may have.
    #[error("{state} has {snapshots_max} snapshots, which is all that one state may have: remove some")]
    TooManySnapshots {
        /// The state.
        state: StateId,
        /// The limit.
        snapshots_max: usize,
    },
    /// The commit names a key that belongs to the store, or would remove the catalog.
    #[error("{state} belongs to the store: {what}")]
    Reserved {
        /// The state.
        state: StateId,
        /// What was tried.
        what: &'static str,
    },
    /// The commit, or a key in it, is larger than the store takes.
    #[error("{what} has {bytes} bytes, at most {bytes_max} are allowed")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: u64,
        /// The limit.
        bytes_max: u64,
    },
    /// The disk has no room for this commit. The store stays usable: free space and try again.
    #[error("no space left for the commit: {source}")]
    NoSpace {
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The last checkpoint failed, and no more changes are kept in memory without one. The store stays usable: the refused
    /// commit has called for another checkpoint; remove what made the last one fail and try again.
    #[error("{dirty_bytes} bytes of changes wait for a checkpoint, and the last one failed: {reason}")]
    CheckpointFailed {
        /// Bytes of changes since the last checkpoint that succeeded.
        dirty_bytes: u64,
        /// Why the last one failed.
        reason: String,
    },
    /// A file that the commit needs first could not be written.
    #[error("cannot write {path}: {source}")]
    Io {
        /// The file, relative to the data directory.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// An earlier write or sync of the journal failed; the store must be reopened.
    #[error("the store is poisoned and must be reopened: {reason}")]
    Poisoned {
        /// The first failure.
        reason: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// This process is a child of the one that opened the store, which goes on owning it.
    #[error("the store belongs to process {owner}, of which this one is a copy: use a store only where it was opened")]
    Forked {
        /// The process that opened the store.
        owner: u32,
    },
}

impl CommitError {
    /// An operating system's refusal, sorted by what the operator can do about it.
    pub(crate) fn from_io(path: &str, source: io::Error) -> CommitError {
        let path = path.to_owned();
        if is_full(source.kind()) { CommitError::NoSpace { source } } else { CommitError::Io { path, source } }
    }

    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            CommitError::Fenced { .. } => "fenced",
            CommitError::UnknownState { .. } => "unknown-state",
            CommitError::StateExists { .. } => "state-exists",
            CommitError::Frozen { .. } => "frozen",
            CommitError::SnapshotExists { .. } => "snapshot-exists",
            CommitError::SnapshotName { .. } => "snapshot-name",
            CommitError::TooManySnapshots { .. } => "too-many-snapshots",
            CommitError::Reserved { .. } => "reserved",
            CommitError::TooLarge { .. } => "too-large",
            CommitError::NoSpace { .. } => "no-space",
            CommitError::CheckpointFailed { .. } => "checkpoint-failed",
            CommitError::Io { .. } => "io",
            CommitError::Poisoned { .. } => "poisoned",
            CommitError::Closed => "closed",
            CommitError::Forked { .. } => "forked",
        }
    }
}

/// An accepted commit whose fate only the next open will show: the journal failed under it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("outcome unknown: {reason}")]
pub struct OutcomeUnknown {
    /// The failure that poisoned the store.
    pub reason: String,
}

/// Why a past state cannot be viewed.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// The commit is older than what is kept.
    #[error("commit {commit} is not kept any more: the oldest that can be viewed is {oldest}")]
    TooOld {
        /// The commit that was asked for.
        commit: CommitNumber,
        /// The oldest that can be viewed.
        oldest: CommitNumber,
    },
    /// There is no such commit yet.
    #[error("there is no commit {commit} yet: the newest is {newest}")]
    NotYet {
        /// The commit that was asked for.
        commit: CommitNumber,
        /// The newest that was accepted.
        newest: CommitNumber,
    },
    /// Stored bytes could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The commit was accepted, and the journal failed under it.
    #[error(transparent)]
    OutcomeUnknown(#[from] OutcomeUnknown),
}

impl HistoryError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            HistoryError::TooOld { .. } => "too-old",
            HistoryError::NotYet { .. } => "not-yet",
            HistoryError::Read(error) => error.kind(),
            HistoryError::OutcomeUnknown(_) => "outcome-unknown",
        }
    }
}

/// What to do about damage: the store's own words; a program that offers a repair names it.
pub(crate) const REPAIR_HINT: &str = "repair the store, or restore the file from a copy; nothing was changed";

/// Why a data directory did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the directory.
    #[error("the data directory is in use by {owner}")]
    Locked {
        /// What the owner wrote about itself.
        owner: String,
    },
    /// The directory cannot be written.
    #[error("the data directory is read-only: {source}")]
    ReadOnly {
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A newer release wrote the directory.
    #[error("{file} has format {found}, this release reads up to {supported}: use a newer release")]
    NewerFormat {
        /// The file.
        file: String,
        /// The format it has.
        found: u32,
        /// The newest format that this release reads.
        supported: u32,
    },
    /// The directory is not empty and holds no store.
    #[error("not a data directory: {what}")]
    NotAStore {
        /// What was found or missed.
        what: String,
    },
    /// Stored bytes are damaged. Nothing was changed.
    #[error("{file} is damaged at byte {offset}: {what}; affected: {affects}; {hint}")]
    Damaged {
        /// The file, relative to the data directory.
        file: String,
        /// Where the damaged piece starts.
        offset: u64,
        /// What is wrong with it.
        what: String,
        /// What is lost with it.
        affects: String,
        /// What the operator can do.
        hint: String,
    },
    /// The disk has no room for what opening has to write.
    #[error("no space left to open the data directory: {source}")]
    NoSpace {
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The operating system refused an operation.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file, relative to the data directory.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    /// An operating system's refusal, sorted by what the operator can do about it.
    pub(crate) fn from_io(path: &str, source: io::Error) -> OpenError {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        match source.kind() {
            kind if is_full(kind) => OpenError::NoSpace { source },
            PermissionDenied | ReadOnlyFilesystem => OpenError::ReadOnly { source },
            _ => OpenError::Io { path: path.to_owned(), source },
        }
    }

    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            OpenError::Locked { .. } => "locked",
            OpenError::ReadOnly { .. } => "read-only",
            OpenError::NewerFormat { .. } => "newer-format",
            OpenError::NotAStore { .. } => "not-a-store",
            OpenError::Damaged { .. } => "damaged",
            OpenError::NoSpace { .. } => "no-space",
            OpenError::Io { .. } => "io",
        }
    }
}

/// Why an operation on an open store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Stored bytes could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The commit that the operation needs was refused.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The journal failed under the operation.
    #[error(transparent)]
    OutcomeUnknown(#[from] OutcomeUnknown),
    /// The disk has no room. The store stays usable: free space and try again.
    #[error("no space left for {path}: {source}")]
    NoSpace {
        /// The file, relative to the data directory.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The operating system refused an operation.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file, relative to the data directory.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

impl StoreError {
    /// An operating system's refusal, sorted by what the operator can do about it.
    pub(crate) fn from_io(path: &str, source: io::Error) -> StoreError {
        let path = path.to_owned();
        if is_full(source.kind()) { StoreError::NoSpace { path, source } } else { StoreError::Io { path, source } }
    }

    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            StoreError::Read(error) => error.kind(),
            StoreError::Commit(error) => error.kind(),
            StoreError::OutcomeUnknown(_) => "outcome-unknown",
            StoreError::NoSpace { .. } => "no-space",
            StoreError::Io { .. } => "io",
        }
    }
}

/// There is no room, whichever limit says so.
fn is_full(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(kind, StorageFull | QuotaExceeded | FileTooLarge)
}
