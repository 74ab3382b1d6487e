//! The trees: which entries of which state lay under what cannot be read.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::Run;
use super::journal::lost_after;
use crate::error::ReadError;
use crate::journal::record::Anchor;
use crate::pack::{PACK_DIR, PackId, Packs};
use crate::store::headers::{self, Stored};
use crate::store::snapshots::SnapshotOf;
use crate::store::state::{State, States};
use crate::store::{Affected, CommitNumber, StateId};
use crate::tree::{Hash, Lost, Tree};

/// A state and its tree, to be walked.
pub(crate) struct Walked {
    pub(crate) id: StateId,
    pub(crate) tree: Tree,
    pub(crate) snapshot: Option<Arc<SnapshotOf>>,
}

impl Walked {
    /// All states.
    pub(crate) fn all(states: &States) -> Vec<Walked> {
        let walked =
            |(id, state): (StateId, &State)| Walked { id, tree: state.base.tree, snapshot: state.snapshot.clone() };
        let mut all: Vec<Walked> = states.iter().map(walked).collect();
        all.sort_by_key(|walked| walked.id);
        all
    }
}

impl Affected {
    pub(crate) fn of(state: StateId, snapshot: Option<&SnapshotOf>, lost: &Lost) -> Affected {
        Affected {
            state,
            snapshot: snapshot.map(|snapshot| (snapshot.state, snapshot.name.clone())),
            after: lost.after.clone(),
            to: lost.to.clone(),
            entries: Some(lost.entries),
            bytes: Some(lost.bytes),
        }
    }

    /// All of a state of which nothing is known.
    pub(crate) fn all(state: StateId) -> Affected {
        Affected { state, snapshot: None, after: None, to: None, entries: None, bytes: None }
    }
}

impl Run<'_> {
    /// Names the packs that a checkpoint needs and that are not there.
    pub(super) fn missing_packs(&mut self, anchor: &Anchor) {
        let there: BTreeSet<PackId> =
            self.names(PACK_DIR).iter().filter_map(|name| PackId::from_file_name(name)).collect();
        for pack in anchor.packs.iter().filter(|pack| !there.contains(pack)) {
            self.unopened.push(pack.path());
            self.damage_at(&pack.path(), 0, "the file is missing");
        }
    }

    /// Walks the trees of a directory that is not open, as its checkpoint has them.
    pub(super) fn anchor(&mut self, anchor: &Anchor, packs: &Arc<Packs>) {
        let catalog = anchor.catalog.tree;
        let mut trees = vec![Walked { id: StateId::CATALOG, tree: catalog, snapshot: None }];
        let check = |hash: &Hash| self.check(hash, packs);
        let lost = catalog.lost(&**packs, &check, &mut HashSet::new());
        let walked = |Stored { id, header, snapshot, .. }| Walked { id, tree: header.tree, snapshot };
        trees.extend(headers::read_lost(&catalog, packs, &lost).map(walked));
        self.trees(&trees, packs);
    }

    /// How many pieces of damage cost entries.
    pub(super) fn losses(&self) -> usize {
        self.verified.damage.iter().filter(|damage| !damage.affected.is_empty()).count()
    }

    /// Walks some trees; what several of them share is walked once.
    pub(super) fn trees(&mut self, trees: &[Walked], packs: &Arc<Packs>) {
        let mut sound: HashSet<Hash> = HashSet::new();
        for state in trees {
            self.at.state = Some(state.id);
            (self.report)(&self.at);
            let check = |hash: &Hash| self.check(hash, packs);
            for lost in state.tree.lost(&**packs, &check, &mut sound) {
                let affected = Affected::of(state.id, state.snapshot.as_deref(), &lost);
                let suspect = self.suspect();
                let damage = self.unreadable(lost.error, &suspect);
                if !damage.affected.contains(&affected) {
                    damage.affected.push(affected);
                }
            }
        }
    }

    /// Writes of commits that no checkpoint holds yet, in packs of an open store.
    pub(super) fn blobs(&mut self, blobs: &[(CommitNumber, Hash)], packs: &Packs) {
        for (commit, hash) in blobs {
            if self.check(hash, packs).is_err() {
                self.lost_blob(*commit, None, *hash, packs);
            }
        }
    }

    pub(super) fn lost_blob(&mut self, commit: CommitNumber, last: Option<CommitNumber>, hash: Hash, packs: &Packs) {
        let error = self.check(&hash, packs).err().unwrap_or_else(|| packs.missing(&hash));
        let suspect = self.suspect();
        let damage = self.unreadable(error, &suspect);
        damage.commits.get_or_insert(lost_after(CommitNumber(commit.0 - 1), last));
    }

    /// Whether something is stored, and was found whole when its pack was read.
    fn check(&self, hash: &Hash, packs: &Packs) -> Result<(), ReadError> {
        let Some(place) = packs.place(hash) else { return Err(packs.missing(hash)) };
        match self.places.get(&place) {
            Some(at) => {
                let ((path, offset), what) = (place, self.verified.damage[*at].what.clone());
                Err(ReadError::Damaged { path, offset, what })
            }
            None => Ok(()),
        }
    }

    /// Where something lay that nothing holds: in the pack that is gone, if it is only one.
    fn suspect(&self) -> String {
        match self.unopened.as_slice() {
            [path] => path.clone(),
            _ => PACK_DIR.to_owned(),
        }
    }
}
