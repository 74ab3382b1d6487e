//! Chooses what to restore from.
//!
//! ```text
//! every anchor that can be read, and the empty store before the first commit
//!   ─▶ those from which the journal reaches furthest      without a hole: done, nothing is lost
//!   ─▶ else the newest of them; each hole filled from an older checkpoint, brought forward by the journal: nothing is lost
//!   ─▶ else filled with what an older checkpoint has, as of then
//!   ─▶ what is still missing is weighed against the commits that a whole, older checkpoint would cost
//! ```

use std::collections::{BTreeMap, HashSet};

use bytes::Bytes;

use super::restore::{Hole, Restored, Source, bounds};
use crate::error::ReadError;
use crate::journal::record::{Anchor, Header, Record, What, ops_from_blob};
use crate::store::{CommitNumber, LostChange, StateId, View, WriterEpoch, headers};
use crate::tree::{Hash, Lost, Tree};

/// Keys of commits that could not be kept that are listed; bounds the report.
const LOST_KEYS_MAX: usize = 100_000;
/// Checkpoints that are tried: the older one is, the less likely it still helps, and each is read whole.
const TRIED_MAX: usize = 64;
/// What a lost header counts for, against commits: a whole state of unknown size.
const HEADER_WEIGHT: u64 = 1 << 32;

/// What will be written.
pub(crate) struct Plan {
    /// The states as of the last commit that is kept.
    pub(crate) restored: Restored,
    /// The checkpoint that they come from.
    pub(crate) checkpoint: CommitNumber,
    /// Entries found elsewhere for what cannot be read of a state's tree. States named here have their tree built anew.
    pub(crate) rebuilt: BTreeMap<StateId, BTreeMap<Bytes, Bytes>>,
    /// Holes that stay.
    pub(crate) lost: Vec<Hole>,
    /// Holes that were filled with what was there at an earlier commit.
    pub(crate) stale: Vec<(Hole, CommitNumber)>,
    /// States that were completed from an older checkpoint.
    pub(crate) older: Vec<(StateId, CommitNumber)>,
    pub(crate) kept: CommitNumber,
    /// What can be read of the commits after that.
    pub(crate) lost_changes: Vec<LostChange>,
    pub(crate) lost_changes_more: u64,
}

/// A checkpoint, and how far the journal leads from it.
struct Candidate {
    anchor: Anchor,
    reach: CommitNumber,
}

impl Source<'_> {
    /// Chooses, and brings the states back. None if there is nothing to choose from.
    pub(crate) fn plan(&self) -> Result<Option<Plan>, ReadError> {
        let candidates = self.candidates();
        let Some(furthest) = candidates.iter().map(|candidate| candidate.reach).max() else { return Ok(None) };
        let mut sound = HashSet::new();
        let mut best: Option<(u64, Plan)> = None;
        for candidate in candidates.iter().take(TRIED_MAX) {
            let cost = self.cost_of(candidate.reach, furthest)?;
            if best.as_ref().is_some_and(|(weight, _)| *weight <= cost) {
                continue;
            }
            let plan = self.try_from(candidate, &candidates, &mut sound)?;
            let weight = cost.saturating_add(plan.weight());
            if best.as_ref().is_none_or(|(best, _)| weight < *best) {
                best = Some((weight, plan));
            }
        }
        let Some((_, mut plan)) = best else { return Ok(None) };
        let trees = plan.trees();
        let kept = plan.kept;
        self.replay(&mut plan.restored, kept)?;
        self.follow(&mut plan, &trees, &mut sound);
        self.list_lost(&mut plan)?;
        Ok(Some(plan))
    }

    /// Where replay can start, those that lead furthest first, the newest of them first.
    fn candidates(&self) -> Vec<Candidate> {
        let packed = self.survey.packed(self.disk);
        let broken = packed.into_iter().filter(|(_, wanted)| self.packs.place(&wanted.hash).is_none());
        let broken: Vec<CommitNumber> = broken.map(|(commit, _)| commit).collect();
        let reach = |from: CommitNumber| {
            let stop = broken.iter().filter(|commit| **commit > from).min();
            let reach = self.survey.reach(from);
            stop.map_or(reach, |stop| reach.min(CommitNumber(stop.0 - 1)))
        };
        let mut anchors: Vec<Anchor> = self.survey.anchors.clone();
        if self.survey.reach(CommitNumber(0)) > CommitNumber(0) {
            anchors.push(before_all());
        }
        anchors.sort_by_key(|anchor| std::cmp::Reverse(anchor.commit));
        anchors.dedup_by(|one, other| (one.commit, &one.catalog) == (other.commit, &other.catalog));
        let candidate = |anchor: Anchor| Candidate { reach: reach(anchor.commit), anchor };
        let mut candidates: Vec<Candidate> = anchors.into_iter().map(candidate).collect();
        candidates.sort_by_key(|candidate| std::cmp::Reverse((candidate.reach, candidate.anchor.commit)));
        candidates
    }

    /// How many keys are lost by not going further than a commit; each commit that cannot be read counts for one.
    fn cost_of(&self, reach: CommitNumber, furthest: CommitNumber) -> Result<u64, ReadError> {
        let mut keys = furthest.0 - reach.0;
        self.survey.each_commit(self.disk, reach.0 + 1..=furthest.0, &mut |frame| {
            if let Ok(Record::Commit(parts)) = frame.record() {
                for part in parts {
                    keys += keys_of(self, &part.what).len() as u64;
                }
            }
            Ok(true)
        })?;
        Ok(keys)
    }

    fn try_from(
        &self,
        candidate: &Candidate,
        candidates: &[Candidate],
        sound: &mut HashSet<Hash>,
    ) -> Result<Plan, ReadError> {
        let restored = self.load(&candidate.anchor, sound);
        let mut plan = Plan {
            restored,
            checkpoint: candidate.anchor.commit,
            rebuilt: BTreeMap::new(),
            lost: Vec::new(),
            stale: Vec::new(),
            older: Vec::new(),
            kept: candidate.reach,
            lost_changes: Vec::new(),
            lost_changes_more: 0,
        };
        for hole in &plan.restored.holes {
            plan.rebuilt.entry(hole.state).or_default();
        }
        plan.lost = std::mem::take(&mut plan.restored.holes);
        for older in candidates.iter().take(TRIED_MAX) {
            let at = candidate.anchor.commit;
            if plan.lost.is_empty() || older.anchor.commit >= at || older.reach < at {
                continue;
            }
            let mut source = self.load(&older.anchor, sound);
            if self.replay(&mut source, at).is_err() {
                continue;
            }
            self.fill(&mut plan, &source, older.anchor.commit, sound);
        }
        self.fill_stale(&mut plan, candidates, sound);
        Ok(plan)
    }

    /// Fills what is left with entries as of an earlier commit, the latest that can be had.
    fn fill_stale(&self, plan: &mut Plan, candidates: &[Candidate], sound: &mut HashSet<Hash>) {
        let mut older: Vec<&Candidate> = candidates.iter().filter(|older| older.reach < plan.checkpoint).collect();
        older.sort_by_key(|older| std::cmp::Reverse((older.reach, older.anchor.commit)));
        for older in older.into_iter().take(TRIED_MAX) {
            // Headers of an earlier commit do not fit the commits that follow.
            let (left, holes) =
                std::mem::take(&mut plan.lost).into_iter().partition(|hole| hole.state == StateId::CATALOG);
            plan.lost = left;
            if holes.is_empty() {
                return;
            }
            let mut source = self.load(&older.anchor, sound);
            let is_whole = self.replay(&mut source, older.reach).is_ok();
            for hole in holes {
                // A snapshot that did not exist then was the state that it is of.
                let snapshot = plan.restored.front.states.get(hole.state).and_then(|state| state.snapshot.clone());
                let origin = snapshot.filter(|_| source.front.states.get(hole.state).is_none());
                let id = origin.map_or(hole.state, |origin| origin.state);
                match self.entries(&source, id, &hole.lost).filter(|_| is_whole) {
                    Some(entries) => {
                        plan.rebuilt.entry(hole.state).or_default().extend(entries);
                        plan.stale.push((hole, older.reach));
                    }
                    None => plan.lost.push(hole),
                }
            }
        }
    }

    /// Fills holes from states that were brought to the same commit from an older checkpoint.
    fn fill(&self, plan: &mut Plan, source: &Restored, commit: CommitNumber, sound: &mut HashSet<Hash>) {
        for hole in std::mem::take(&mut plan.lost) {
            let state = hole.state;
            let filled = match self.entries(source, state, &hole.lost) {
                Some(entries) => {
                    plan.rebuilt.entry(state).or_default().extend(entries);
                    if state == StateId::CATALOG {
                        self.fill_headers(plan, source, &hole, sound);
                    }
                    true
                }
                None => false,
            };
            if !filled {
                plan.lost.push(hole);
            } else if !plan.older.contains(&(state, commit)) {
                plan.older.push((state, commit));
            }
        }
    }

    /// The entries of a range of a state, if all of them can be read.
    fn entries(&self, source: &Restored, id: StateId, lost: &Lost) -> Option<BTreeMap<Bytes, Bytes>> {
        let state = source.front.states.get(id)?;
        let overlaps = |other: &Hole| other.state == id && overlap(&other.lost, lost);
        if source.holes.iter().any(overlaps) {
            return None;
        }
        let (lower, upper) = bounds(lost);
        let view = View::new(id, state, self.packs);
        let entries = view.scan(lower, upper, crate::tree::Order::Ascending);
        let entries = entries.filter(|entry| {
            // Headers are not written as entries.
            !matches!(entry, Ok((key, _)) if id == StateId::CATALOG && is_header(key))
        });
        entries.collect::<Result<_, _>>().ok()
    }

    /// States whose headers lay in a hole come whole from the older checkpoint.
    fn fill_headers(&self, plan: &mut Plan, source: &Restored, hole: &Hole, sound: &mut HashSet<Hash>) {
        let within = |id: StateId| hole.lost.covers(&headers::key(id));
        let states: Vec<_> = source.front.states.iter().filter(|(id, _)| within(*id)).collect();
        for (id, state) in states {
            if id == StateId::CATALOG || plan.restored.front.states.get(id).is_some() {
                continue;
            }
            let holes = self.holes(id, state, sound);
            if !holes.is_empty() {
                plan.rebuilt.entry(id).or_default();
            }
            plan.lost.extend(holes);
            plan.restored.front.states.load(id, state.clone());
        }
    }

    /// States that came to be after the checkpoint: one that was forked shares what happened to its origin's tree; one that was
    /// imported brought a tree of its own.
    fn follow(&self, plan: &mut Plan, trees: &[(Tree, StateId)], sound: &mut HashSet<Hash>) {
        let states: Vec<_> = plan.restored.front.states.iter().map(|(id, state)| (id, state.clone())).collect();
        for (id, state) in states.into_iter().filter(|(id, _)| !plan.rebuilt.contains_key(id)).collect::<Vec<_>>() {
            let holes = self.holes(id, &state, sound);
            if holes.is_empty() {
                continue;
            }
            let origin = trees.iter().find(|(tree, _)| *tree == state.base.tree).map(|(_, origin)| *origin);
            let found = origin.and_then(|origin| plan.rebuilt.get(&origin).cloned()).unwrap_or_default();
            plan.rebuilt.insert(id, found);
            for hole in holes {
                let same = |other: &Hole| Some(other.state) == origin && other.lost.to == hole.lost.to;
                let stale = plan.stale.iter().find(|(other, _)| same(other)).map(|(_, commit)| *commit);
                match stale {
                    Some(commit) => plan.stale.push((hole, commit)),
                    None if origin.is_none() || plan.lost.iter().any(same) => plan.lost.push(hole),
                    None => {}
                }
            }
        }
    }

    /// Lists what can be read of the commits that are not kept.
    fn list_lost(&self, plan: &mut Plan) -> Result<(), ReadError> {
        let mut keys_left = LOST_KEYS_MAX;
        let (lost, more) = (&mut plan.lost_changes, &mut plan.lost_changes_more);
        self.survey.each_commit(self.disk, plan.kept.0 + 1..=u64::MAX, &mut |frame| {
            let Ok(Record::Commit(parts)) = frame.record() else { return Ok(true) };
            for part in parts {
                let keys = keys_of(self, &part.what);
                if keys.len() > keys_left {
                    *more += 1;
                    continue;
                }
                keys_left -= keys.len();
                for state in part.what.states() {
                    lost.push(LostChange { commit: frame.number, state, keys: keys.clone() });
                }
            }
            Ok(true)
        })
    }
}

impl Plan {
    /// The damaged trees, and whose they are.
    fn trees(&self) -> Vec<(Tree, StateId)> {
        let states = &self.restored.front.states;
        self.rebuilt.keys().filter_map(|id| Some((states.get(*id)?.base.tree, *id))).collect()
    }

    /// How many entries are lost, if a lost header counts for many.
    fn weight(&self) -> u64 {
        let weight = |hole: &Hole| {
            let headers = hole.state == StateId::CATALOG && hole.lost.after.as_deref().is_none_or(is_header);
            hole.lost.entries.saturating_mul(if headers { HEADER_WEIGHT } else { 1 })
        };
        self.lost.iter().map(weight).fold(0, u64::saturating_add)
    }
}

/// Where a store starts: nothing was ever committed.
fn before_all() -> Anchor {
    let zero = CommitNumber(0);
    let catalog = Header { tree: Tree::EMPTY, epoch: WriterEpoch::FIRST, commits: 0, last: zero, held: zero };
    Anchor {
        commit: zero,
        replay_segment: 1,
        catalog,
        owner_epoch: 0,
        next_state: 1,
        packs: Vec::new(),
        kept_from: zero,
    }
}

/// A key of the catalog under which a header stands.
pub(crate) fn is_header(key: &[u8]) -> bool {
    key.first() == Some(&0)
}

/// The keys that a change writes or removes.
fn keys_of(source: &Source<'_>, what: &What<'_>) -> Vec<Bytes> {
    match what {
        What::Write { ops, .. } => ops.0.iter().map(|(key, _)| Bytes::copy_from_slice(key)).collect(),
        What::WritePacked { blob, .. } => {
            let Ok(bytes) = source.packs.blob(&blob.hash) else { return Vec::new() };
            let ops =
                ops_from_blob(&bytes).map(|ops| ops.0.iter().map(|(key, _)| Bytes::copy_from_slice(key)).collect());
            ops.unwrap_or_default()
        }
        _ => Vec::new(),
    }
}

/// Some key may lie in both.
fn overlap(one: &Lost, other: &Lost) -> bool {
    let is_before = |to: &Option<Bytes>, after: &Option<Bytes>| match (to, after) {
        (Some(to), Some(after)) => to <= after,
        _ => false,
    };
    !is_before(&one.to, &other.after) && !is_before(&other.to, &one.after)
}
