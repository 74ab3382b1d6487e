//! What a repair did, or would do.

use std::fmt;

use bytes::Bytes;

use crate::error::{OpenError, ReadError};
use crate::store::{Affected, CommitNumber, Damage, LostCommits, StateId};

/// What a repair did, or would do: what is served afterwards is exactly what was committed up to `kept`, but for
/// `lost_entries` and `older_entries`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repaired {
    /// What verification found. If it found nothing, nothing was changed.
    pub damage: Vec<Damage>,
    /// Files that left their places, and what was kept of them; in a dry run those that would.
    pub set_aside: Vec<SetAside>,
    /// The checkpoint from which the states were restored.
    pub checkpoint: CommitNumber,
    /// States of which a part was restored from an older checkpoint, with that checkpoint; nothing of them is lost by that.
    pub older: Vec<(StateId, CommitNumber)>,
    /// The last commit that was kept.
    pub kept: CommitNumber,
    /// Commits that could not be kept.
    pub lost_commits: Option<LostCommits>,
    /// What those among them changed that can be read, in order.
    pub lost_changes: Vec<LostChange>,
    /// Changes beyond those listed.
    pub lost_changes_more: u64,
    /// Entries that could not be kept.
    pub lost_entries: Vec<Affected>,
    /// Entries that could be kept only as they were at an earlier commit, with that commit: what was written to these keys
    /// since then, up to the checkpoint, is lost.
    pub older_entries: Vec<(Affected, CommitNumber)>,
    /// Components that were damaged: the files are set aside, and the same components have to be deployed again.
    pub components: Vec<String>,
    /// The file in which all this stands, too.
    pub report: Option<String>,
}

/// A file that was set aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Its name before.
    pub file: String,
    /// Its name now.
    pub to: String,
}

/// What a commit that could not be kept changed in one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostChange {
    /// The commit.
    pub commit: CommitNumber,
    /// The state.
    pub state: StateId,
    /// The keys that it wrote or removed.
    pub keys: Vec<Bytes>,
}

impl Repaired {
    /// There was nothing to repair, and nothing was changed.
    pub fn is_clean(&self) -> bool {
        self.damage.is_empty()
    }

    /// Commits, entries or components could not be kept.
    pub fn loses(&self) -> bool {
        self.lost_commits.is_some()
            || !self.lost_entries.is_empty()
            || !self.older_entries.is_empty()
            || !self.components.is_empty()
    }
}

impl fmt::Display for Repaired {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for damage in &self.damage {
            writeln!(f, "damaged: {} at byte {}: {}", damage.file, damage.offset, damage.what)?;
        }
        for SetAside { file, to } in &self.set_aside {
            writeln!(f, "set aside: {file} as {to}")?;
        }
        writeln!(f, "restored from the checkpoint at commit {}", self.checkpoint)?;
        for (state, commit) in &self.older {
            writeln!(f, "restored in part from the checkpoint at commit {commit}: {state}")?;
        }
        writeln!(f, "kept: every commit up to {}", self.kept)?;
        if let Some(lost) = &self.lost_commits {
            writeln!(f, "lost: {lost}")?;
        }
        for LostChange { commit, state, keys } in &self.lost_changes {
            let keys: Vec<String> = keys.iter().map(|key| format!("\"{}\"", key.escape_ascii())).collect();
            writeln!(f, "lost: commit {commit} changed {state}: {}", keys.join(" "))?;
        }
        if self.lost_changes_more > 0 {
            writeln!(f, "lost: {} more changes of such commits", self.lost_changes_more)?;
        }
        for entries in &self.lost_entries {
            writeln!(f, "lost: {entries}")?;
        }
        for (entries, commit) in &self.older_entries {
            writeln!(f, "only as of commit {commit}: {entries}")?;
        }
        for component in &self.components {
            writeln!(f, "lost: component {component}: deploy it again")?;
        }
        Ok(())
    }
}

/// Why a data directory was not repaired.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The directory cannot be worked on: locked, read-only, full, from a newer release, or no store. Nothing was changed.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Nothing is left that says which states there were. Nothing was changed.
    #[error("nothing to restore from: {what}; nothing was changed")]
    Nothing {
        /// What was found.
        what: String,
    },
    /// What had been found readable no longer was. Nothing was changed.
    #[error("the directory changed, or reads differ from time to time: {0}; nothing was changed")]
    Unsteady(#[source] ReadError),
    /// The repaired state is in effect and complete, but something remains to be done: a file that was replaced is still in
    /// its place, or a name may not last.
    #[error("repaired, but not to the end: cannot use {path}: {source}; repair once more")]
    Unfinished {
        /// The file.
        path: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
}

impl RepairError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            RepairError::Open(error) => error.kind(),
            RepairError::Nothing { .. } => "nothing-to-restore",
            RepairError::Unsteady(_) => "unsteady",
            RepairError::Unfinished { .. } => "unfinished",
        }
    }
}
