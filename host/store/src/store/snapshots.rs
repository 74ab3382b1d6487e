//! Named snapshots: states that nobody can write, found by what they are of and by their name.
//!
//! A snapshot is a fork with a description in its header, so it costs what a fork costs and outlives what a state outlives:
//! a crash, a checkpoint, a collection, and the state it was taken of.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::error::CommitError;
use crate::limits::{SNAPSHOT_NAME_BYTES_MAX, SNAPSHOTS_MAX};
use crate::store::headers::INLINE_BYTES_MAX;
use crate::store::state::States;
use crate::store::view::Discard;
use crate::store::{CommitNumber, StateId, Store, View};
use crate::tree::{Root, Tree};

/// A snapshot as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// Its name among the snapshots of its state.
    pub name: String,
    /// Its own id: to view it, fork it or remove it.
    pub id: StateId,
    /// The state that it was taken of, which may be gone.
    pub of: StateId,
    /// The commit that took it.
    pub commit: CommitNumber,
    /// What it holds; none until the next checkpoint, if that would have to be computed.
    pub holds: Option<Holds>,
}

/// What a state holds, as far as its tree tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holds {
    /// The root.
    pub root: Root,
    /// How many entries there are.
    pub entries: u64,
    /// Bytes of all keys and values.
    pub bytes: u64,
}

impl Store {
    /// The snapshots of a state, by name; also those of a state that was removed.
    pub fn snapshots(&self, state: StateId) -> Vec<SnapshotInfo> {
        self.list_snapshots(|snapshots| snapshots.of(state).map(|(name, id)| (state, name.clone(), id)).collect())
    }

    /// The snapshots of all states, by state and name.
    pub fn all_snapshots(&self) -> Vec<SnapshotInfo> {
        let mut all = self.list_snapshots(|snapshots| {
            let names = snapshots.0.iter().flat_map(|(of, names)| names.iter().map(move |(name, id)| (of, name, id)));
            names.map(|(of, name, id)| (*of, name.clone(), *id)).collect()
        });
        all.sort_by(|one, other| (one.of, &one.name).cmp(&(other.of, &other.name)));
        all
    }

    /// A snapshot of a state, by name.
    pub fn snapshot(&self, state: StateId, name: &str) -> Option<View> {
        let front = self.core().front();
        let id = front.states.snapshots.get(state, name)?;
        Some(View::new(id, front.states.get(id)?, &self.core().packs))
    }

    fn list_snapshots(&self, find: impl FnOnce(&Snapshots) -> Vec<(StateId, String, StateId)>) -> Vec<SnapshotInfo> {
        let front = self.core().front();
        let view = |id| Some(View::new(id, front.states.get(id)?, &self.core().packs));
        let found = find(&front.states.snapshots).into_iter();
        let found: Vec<_> = found.filter_map(|(of, name, id)| Some((of, name, view(id)?))).collect();
        drop(front);
        let info = |(of, name, view): (StateId, String, View)| SnapshotInfo {
            name,
            id: view.state(),
            of,
            commit: view.commit(),
            holds: view.holds(),
        };
        found.into_iter().map(info).collect()
    }
}

/// What a snapshot is of; lies in its header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotOf {
    pub(crate) state: StateId,
    pub(crate) name: String,
}

/// Which snapshots there are, by state and name.
#[derive(Default)]
pub(crate) struct Snapshots(HashMap<StateId, BTreeMap<String, StateId>>);

impl Snapshots {
    pub(crate) fn get(&self, state: StateId, name: &str) -> Option<StateId> {
        self.0.get(&state)?.get(name).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.values().map(BTreeMap::len).sum()
    }

    /// There are snapshots of this state, though it may be gone.
    pub(crate) fn has(&self, state: StateId) -> bool {
        self.0.contains_key(&state)
    }

    fn of(&self, state: StateId) -> impl Iterator<Item = (&String, StateId)> {
        self.0.get(&state).into_iter().flatten().map(|(name, id)| (name, *id))
    }

    pub(crate) fn insert(&mut self, of: &SnapshotOf, id: StateId) {
        self.0.entry(of.state).or_default().insert(of.name.clone(), id);
    }

    pub(crate) fn remove(&mut self, of: &SnapshotOf) {
        if let Some(names) = self.0.get_mut(&of.state) {
            names.remove(&of.name);
            if names.is_empty() {
                self.0.remove(&of.state);
            }
        }
    }
}

/// Change by change, what a commit has done so far to snapshots.
#[derive(Default)]
pub(crate) struct SnapshotTrial<'a> {
    made: Vec<(StateId, StateId, &'a str)>,
    /// States that were removed, snapshots among them.
    pub(crate) removed: Vec<StateId>,
}

impl<'a> SnapshotTrial<'a> {
    /// A state that exists can be changed.
    pub(crate) fn check_is_none(&self, states: &States, state: StateId) -> Result<(), CommitError> {
        let is_new = self.made.iter().any(|(_, id, _)| *id == state);
        let is_old = states.get(state).is_some_and(|found| found.snapshot.is_some());
        if is_new || is_old { Err(CommitError::Frozen { state }) } else { Ok(()) }
    }

    /// A state that exists can have a snapshot of this name.
    pub(crate) fn take(
        &mut self,
        states: &States,
        state: StateId,
        to: StateId,
        name: &'a str,
    ) -> Result<(), CommitError> {
        if state == StateId::CATALOG {
            return Err(CommitError::Reserved { state, what: "it has no snapshots" });
        }
        self.check_is_none(states, state)?;
        let is_there = |id: &StateId| !self.removed.contains(id);
        let made = || self.made.iter().filter(|(of, id, _)| *of == state && is_there(id));
        let is_taken = states.snapshots.get(state, name).is_some_and(|id| is_there(&id))
            || made().any(|(_, _, made)| *made == name);
        if is_taken {
            return Err(CommitError::SnapshotExists { state, name: name.to_owned() });
        }
        let is_of = |id: &&StateId| {
            let snapshot = states.get(**id).and_then(|found| found.snapshot.as_ref());
            snapshot.is_some_and(|of| of.state == state)
        };
        let removed = self.removed.iter().filter(is_of).count();
        let kept = states.snapshots.0.get(&state).map_or(0, BTreeMap::len) - removed + made().count();
        if kept >= SNAPSHOTS_MAX {
            return Err(CommitError::TooManySnapshots { state, snapshots_max: SNAPSHOTS_MAX });
        }
        self.made.push((state, to, name));
        Ok(())
    }
}

/// A name can be listed in a line, and told from another by looking at it.
pub(crate) fn check_name(name: &str) -> Result<(), CommitError> {
    let what = match name {
        "" => "it is empty",
        _ if name.len() > SNAPSHOT_NAME_BYTES_MAX => "it is longer than 255 bytes",
        _ if name.chars().any(char::is_control) => "it has a control character",
        _ => return Ok(()),
    };
    let shown = name.chars().take(40).collect();
    Err(CommitError::SnapshotName { name: shown, what })
}

impl View {
    /// What the state holds, if no more than a small state has to be looked at.
    fn holds(&self) -> Option<Holds> {
        let is_inline = *self.tree() == Tree::EMPTY && self.dirty_bytes() <= INLINE_BYTES_MAX;
        let tree =
            if is_inline || self.dirty_bytes() == 0 { self.whole_tree(&mut Discard).ok()? } else { return None };
        Some(Holds { root: tree.root(), entries: tree.entries, bytes: tree.bytes })
    }
}
