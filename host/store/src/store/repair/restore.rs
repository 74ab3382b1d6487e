//! Brings states back from one checkpoint, past what cannot be read of it.

use std::collections::{BTreeSet, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::ReadError;
use crate::journal::record::{Anchor, Record, RecordError, What};
use crate::journal::{JOURNAL_DIR, Survey};
use crate::pack::Packs;
use crate::store::core::Front;
use crate::store::headers;
use crate::store::replay::{Replay, load_catalog, load_state};
use crate::store::state::{State, States};
use crate::store::{CommitNumber, StateId};
use crate::tree::{Hash, Lost};

/// States as of one commit.
pub(crate) struct Restored {
    pub(crate) front: Front,
    /// What cannot be read of the trees that the states stand on.
    pub(crate) holes: Vec<Hole>,
    /// States that commits name and whose headers are lost.
    pub(crate) unknown: BTreeSet<StateId>,
}

/// A part of a state's tree that cannot be read.
pub(crate) struct Hole {
    pub(crate) state: StateId,
    pub(crate) lost: Lost,
}

/// What a restoration reads.
pub(crate) struct Source<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) survey: &'a Survey,
    pub(crate) packs: &'a Arc<Packs>,
}

impl Source<'_> {
    /// The states as a checkpoint has them.
    pub(crate) fn load(&self, anchor: &Anchor, sound: &mut HashSet<Hash>) -> Restored {
        let mut states = States::new();
        let catalog = &anchor.catalog;
        let lost = catalog.tree.lost(&**self.packs, &|hash| self.check(hash), sound);
        for stored in headers::read_lost(&catalog.tree, self.packs, &lost) {
            load_state(&mut states, stored);
        }
        load_catalog(&mut states, anchor);
        states.next = states.next.max(anchor.next_state);
        let mut holes: Vec<Hole> = lost.into_iter().map(|lost| Hole { state: StateId::CATALOG, lost }).collect();
        for (id, state) in states.iter().filter(|(id, _)| *id != StateId::CATALOG) {
            holes.extend(self.holes(id, state, sound));
        }
        holes.sort_by(|one, other| (one.state, &one.lost.to).cmp(&(other.state, &other.lost.to)));
        Restored { front: Front::new(states, anchor.commit, Vec::new()), holes, unknown: BTreeSet::new() }
    }

    /// What cannot be read of the tree that a state stands on.
    pub(crate) fn holes(&self, id: StateId, state: &State, sound: &mut HashSet<Hash>) -> Vec<Hole> {
        let lost = state.base.tree.lost(&**self.packs, &|hash| self.check(hash), sound);
        lost.into_iter().map(|lost| Hole { state: id, lost }).collect()
    }

    fn check(&self, hash: &Hash) -> Result<(), ReadError> {
        self.packs.place(hash).map(drop).ok_or_else(|| self.packs.missing(hash))
    }

    /// Replays the commits up to one.
    pub(crate) fn replay(&self, restored: &mut Restored, to: CommitNumber) -> Result<(), ReadError> {
        let Restored { front, unknown, .. } = restored;
        let nothing = Front::new(States::new(), CommitNumber(0), Vec::new());
        let mut replay = Replay::new(std::mem::replace(front, nothing), self.packs);
        let first = replay.front.accepted.0 + 1;
        let done = self.survey.each_commit(self.disk, first..=to.0, &mut |frame| {
            let damaged = |RecordError(what)| ReadError::Damaged {
                path: JOURNAL_DIR.to_owned(),
                offset: 0,
                what: format!("commit {}: {what}", frame.number),
            };
            let Record::Commit(parts) = frame.record().map_err(damaged)? else { return Ok(true) };
            replay.front.accepted = frame.number;
            for part in parts {
                if names_unknown(&replay.front, unknown, &part.what) {
                    unknown.extend(part.what.states());
                } else {
                    replay.apply(part, frame.number).map_err(damaged)?;
                }
            }
            Ok(true)
        });
        *front = replay.finish();
        done
    }
}

/// The change is of a state whose header is lost, or starts from one.
fn names_unknown(front: &Front, unknown: &BTreeSet<StateId>, what: &What<'_>) -> bool {
    let made = match what {
        What::Create { state } | What::Adopt { state, .. } => Some(*state),
        What::Fork { to, .. } | What::Snapshot { to, .. } => Some(*to),
        _ => None,
    };
    let mut states = what.states();
    states.any(|id| unknown.contains(&id) || (Some(id) != made && front.states.get(id).is_none()))
}

/// The bounds of the keys that are lost.
pub(crate) fn bounds(lost: &Lost) -> (Bound<bytes::Bytes>, Bound<bytes::Bytes>) {
    let lower = lost.after.clone().map_or(Bound::Unbounded, Bound::Excluded);
    let upper = lost.to.clone().map_or(Bound::Unbounded, Bound::Included);
    (lower, upper)
}
