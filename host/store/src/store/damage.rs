//! Damage, and what is lost with it, in the store's own words: files, offsets, states, keys, commits.

use std::fmt;

use bytes::Bytes;

use crate::store::{CommitNumber, StateId};

/// What a text lists at most; the fields hold all.
const LISTED_MAX: usize = 6;
/// Bytes of a key that a text shows.
const KEY_BYTES_SHOWN: usize = 40;

/// One damaged piece of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Damage {
    /// The file, relative to the data directory.
    pub file: String,
    /// Where the damaged piece starts.
    pub offset: u64,
    /// What is wrong with it.
    pub what: String,
    /// What is lost with it, in words.
    pub affects: String,
    /// Entries of states that cannot be read because of it.
    pub affected: Vec<Affected>,
    /// Commits that cannot be read or replayed because of it.
    pub commits: Option<LostCommits>,
}

/// Entries that cannot be read: those of one state with a key greater than `after` and at most `to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    /// The state.
    pub state: StateId,
    /// If the state is a snapshot: the state that it is of, and its name.
    pub snapshot: Option<(StateId, String)>,
    /// The last key before them; none if they begin the state.
    pub after: Option<Bytes>,
    /// The last of their keys; none if they end the state.
    pub to: Option<Bytes>,
    /// How many there are; none if what knew it is lost too.
    pub entries: Option<u64>,
    /// The bytes of their keys and values.
    pub bytes: Option<u64>,
}

/// Commits that cannot be replayed, in one run: the first of them cannot be read, and later ones may depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostCommits {
    /// The first of them.
    pub from: CommitNumber,
    /// The last of them; none if nothing says which it is.
    pub to: Option<CommitNumber>,
    /// The states that those among them change that can be read. The others may have changed any.
    pub states: Vec<StateId>,
}

impl Damage {
    /// Damage of a file that has nothing to do with entries or commits.
    pub fn of_file(
        file: impl Into<String>,
        offset: u64,
        what: impl Into<String>,
        affects: impl Into<String>,
    ) -> Damage {
        let (file, what, affects) = (file.into(), what.into(), affects.into());
        Damage { file, offset, what, affects, affected: Vec::new(), commits: None }
    }

    /// Says in words what is lost, given what is lost otherwise.
    pub(crate) fn describe(&mut self) {
        let mut texts: Vec<String> = self.affected.iter().take(LISTED_MAX).map(ToString::to_string).collect();
        if self.affected.len() > LISTED_MAX {
            texts.push(format!("and {} more ranges of keys", self.affected.len() - LISTED_MAX));
        }
        texts.extend(self.commits.as_ref().map(ToString::to_string));
        if !texts.is_empty() {
            self.affects = texts.join("; ");
        }
    }
}

impl Affected {
    /// Whether a key is one of those that are affected, if the state held it.
    pub fn covers(&self, key: &[u8]) -> bool {
        self.after.as_ref().is_none_or(|after| **after < *key) && self.to.as_ref().is_none_or(|to| *key <= **to)
    }
}

impl fmt::Display for Affected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.snapshot {
            None => write!(f, "{}: ", self.state)?,
            Some((of, name)) => write!(f, "snapshot {name} of {of}: ")?,
        }
        match self.entries {
            Some(1) => write!(f, "1 entry")?,
            Some(entries) => write!(f, "{entries} entries")?,
            None => write!(f, "the entries")?,
        }
        match (&self.after, &self.to) {
            (None, None) if self.entries.is_none() => write!(f, ", all of them"),
            (None, None) => Ok(()),
            (Some(after), None) => write!(f, " after key {}", shown(after)),
            (None, Some(to)) => write!(f, " up to key {}", shown(to)),
            (Some(_), Some(to)) if self.entries == Some(1) => write!(f, " with key {}", shown(to)),
            (Some(after), Some(to)) => write!(f, " after key {} up to key {}", shown(after), shown(to)),
        }
    }
}

impl fmt::Display for LostCommits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) if to == self.from => write!(f, "commit {to}")?,
            Some(to) => write!(f, "commits {} to {to}", self.from)?,
            None => write!(f, "every commit from {} on", self.from)?,
        }
        if !self.states.is_empty() {
            let listed: Vec<String> = self.states.iter().take(LISTED_MAX).map(|state| state.0.to_string()).collect();
            let more = if self.states.len() > LISTED_MAX { ", …" } else { "" };
            write!(f, " (as far as they can be read, they change state {}{more})", listed.join(", "))?;
        }
        Ok(())
    }
}

fn shown(key: &[u8]) -> String {
    let cut = if key.len() > KEY_BYTES_SHOWN { "…" } else { "" };
    format!("\"{}{cut}\"", key[..key.len().min(KEY_BYTES_SHOWN)].escape_ascii())
}
