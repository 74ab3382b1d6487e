//! The oracle: plain maps, one frozen copy after every accepted commit, and what a store really holds.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{
    Change, CommitNumber, Options, Order, Root, SnapshotInfo, StateId, Store, View, Writer, WriterEpoch, Writes,
};

/// A key of the catalog below this one belongs to the store.
const CATALOG_KEYS_FROM: &[u8] = &[1];

/// Roots that are remembered; a long run would fill the memory with them.
const ROOTS_MAX: usize = 2000;

pub(crate) type Entries = BTreeMap<Bytes, Bytes>;

/// Everything a store answers, at one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// The last commit.
    pub(crate) accepted: CommitNumber,
    pub(crate) states: BTreeMap<StateId, State>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) entries: Arc<Entries>,
    pub(crate) epoch: WriterEpoch,
    pub(crate) commits: u64,
    /// If the state is a snapshot: what it is of, and its name.
    pub(crate) snapshot: Option<(StateId, String)>,
}

impl Snapshot {
    /// What the store answers now, or why it does not.
    pub(crate) fn of(store: &Store) -> Result<Snapshot, String> {
        let mut snapshot = Snapshot { accepted: store.frontier().accepted, ..Snapshot::default() };
        let snapshots = store.all_snapshots();
        let states = store.states().into_iter().map(|id| (id, None));
        let kept = snapshots.iter().map(|kept| (kept.id, Some((kept.of, kept.name.clone()))));
        for (id, kept) in states.chain(kept) {
            let view = store.view(id).ok_or_else(|| format!("{id} is listed but has no view"))?;
            snapshot.states.insert(id, State::of(&view, kept)?);
        }
        snapshots.iter().try_for_each(|info| snapshot.check_info(store, info))?;
        Ok(snapshot)
    }

    /// The durable views of a store show this one.
    pub(crate) fn check_durable(&self, store: &Store) -> Result<(), String> {
        for (id, state) in &self.states {
            let view = store.durable_view(*id).ok_or_else(|| format!("{id} has no durable view"))?;
            let scan = view.scan(first_key(*id), Bound::Unbounded, Order::Ascending);
            let entries: Entries = scan.collect::<Result<_, _>>().map_err(|e| format!("scan of {id}: {e}"))?;
            if entries != *state.entries || view.epoch() != state.epoch {
                return Err(format!("WRONG: the durable view of {id} is not that of commit {}", self.accepted));
            }
        }
        let not_yet =
            store.states().into_iter().find(|id| !self.states.contains_key(id) && store.durable_view(*id).is_some());
        not_yet.map_or(Ok(()), |id| Err(format!("WRONG: {id} has a durable view, it was made after {}", self.accepted)))
    }

    /// A snapshot is found by its name, and what is said about it is true.
    fn check_info(&self, store: &Store, info: &SnapshotInfo) -> Result<(), String> {
        let (name, entries) = (&info.name, &self.states[&info.id].entries);
        let found = store.snapshot(info.of, name).map(|view| (view.state(), view.commit()));
        if found != Some((info.id, info.commit)) || !store.snapshots(info.of).contains(info) {
            return Err(format!("{} is listed as {name:?} of {}, but {found:?} is found there", info.id, info.of));
        }
        let Some(holds) = info.holds else { return Ok(()) };
        let bytes: usize = entries.iter().map(|(key, value)| key.len() + value.len()).sum();
        if (holds.entries, holds.bytes) == (entries.len() as u64, bytes as u64) {
            return Ok(());
        }
        Err(format!("{} is listed with {holds:?}, it has {} entries of {bytes} bytes", info.id, entries.len()))
    }

    /// Applies an accepted commit, as its definition says.
    pub(crate) fn apply(&mut self, changes: &[Change], store: &Store) {
        self.accepted.0 += 1;
        for change in changes {
            match change {
                Change::Create { state } => {
                    let new = State { entries: Arc::default(), epoch: WriterEpoch::FIRST, commits: 0, snapshot: None };
                    self.states.insert(*state, new);
                }
                Change::Write { state, writes, .. } => {
                    let entries = Arc::make_mut(&mut self.states.get_mut(state).expect("written state").entries);
                    for (key, value) in writes {
                        match value {
                            Some(value) => entries.insert(key.clone(), value.clone()),
                            None => entries.remove(key),
                        };
                    }
                }
                Change::Clear { state, from, to, .. } => {
                    let entries = Arc::make_mut(&mut self.states.get_mut(state).expect("cleared state").entries);
                    entries.retain(|key, _| key < from || to.as_ref().is_some_and(|to| key >= to));
                }
                Change::Fork { from, to } => {
                    let mut fork = self.states[from].clone();
                    (fork.epoch, fork.snapshot) = (WriterEpoch::FIRST, None);
                    self.states.insert(*to, fork);
                }
                Change::Snapshot { state, to, name } => {
                    let mut kept = self.states[state].clone();
                    (kept.epoch, kept.snapshot) = (WriterEpoch::FIRST, Some((*state, name.clone())));
                    self.states.insert(*to, kept);
                }
                Change::Fence { state, epoch } => {
                    self.states.get_mut(state).expect("fenced state").epoch = *epoch;
                }
                Change::Remove { state } => {
                    self.states.remove(state);
                }
                Change::Adopt { .. } => unreachable!("only the store makes it"),
            }
        }
        for (id, state) in &mut self.states {
            if *id != StateId::CATALOG {
                state.commits = store.view(*id).map_or(0, |view| view.commits());
            }
        }
    }

    /// Says where two differ, in a line.
    pub(crate) fn difference(&self, other: &Snapshot) -> Option<String> {
        let ids: Vec<_> = self.states.keys().collect();
        let other_ids: Vec<_> = other.states.keys().collect();
        if ids != other_ids {
            return Some(format!("states {ids:?}, not {other_ids:?}"));
        }
        for (id, state) in &self.states {
            let other = &other.states[id];
            if state.snapshot != other.snapshot {
                return Some(format!("{id}: snapshot {:?}, not {:?}", state.snapshot, other.snapshot));
            }
            if (state.epoch, state.commits) != (other.epoch, other.commits) {
                return Some(format!(
                    "{id}: epoch {} commits {}, not {} {}",
                    state.epoch, state.commits, other.epoch, other.commits
                ));
            }
            let keys = state.entries.keys().chain(other.entries.keys());
            for key in keys {
                let (is, was) = (state.entries.get(key), other.entries.get(key));
                if is != was {
                    let shown = |value: Option<&Bytes>| value.map(|v| (v.len(), v.first().copied()));
                    return Some(format!("{id}: {key:?} is {:?}, not {:?} (bytes, first)", shown(is), shown(was)));
                }
            }
        }
        None
    }
}

impl State {
    /// What a view shows, or why it does not.
    pub(crate) fn of(view: &View, snapshot: Option<(StateId, String)>) -> Result<State, String> {
        let id = view.state();
        let lower = first_key(id);
        let scan = view.scan(lower.clone(), Bound::Unbounded, Order::Ascending);
        let list: Vec<(Bytes, Bytes)> = scan.collect::<Result<_, _>>().map_err(|e| format!("scan of {id}: {e}"))?;
        if list.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
            return Err(format!("scan of {id} is not ascending"));
        }
        let back = view.scan(lower.clone(), Bound::Unbounded, Order::Descending);
        let mut back: Vec<(Bytes, Bytes)> = back.collect::<Result<_, _>>().map_err(|e| format!("scan of {id}: {e}"))?;
        back.reverse();
        if back != list {
            return Err(format!("the two orders of a scan of {id} differ"));
        }
        let count = view.count(lower, Bound::Unbounded).map_err(|e| format!("count of {id}: {e}"))?;
        if count != list.len() as u64 {
            return Err(format!("count of {id} is {count}, a scan gives {}", list.len()));
        }
        let commits = if id == StateId::CATALOG { 0 } else { view.commits() };
        let entries = Arc::new(list.into_iter().collect());
        Ok(State { entries, epoch: view.epoch(), commits, snapshot })
    }
}

/// Where the entries of a state's user begin.
fn first_key(id: StateId) -> Bound<Bytes> {
    match id {
        StateId::CATALOG => Bound::Included(Bytes::from_static(CATALOG_KEYS_FROM)),
        _ => Bound::Unbounded,
    }
}

/// Roots of entries that were never anything else: one commit to a fresh state of a store of its own.
pub(crate) struct Scratch {
    store: Store,
    roots: HashMap<Arc<Entries>, Root>,
}

impl Scratch {
    pub(crate) fn new() -> Scratch {
        let (store, _) = Store::open(Arc::new(SimDisk::new(0)), options()).expect("an empty disk opens");
        Scratch { store, roots: HashMap::new() }
    }

    pub(crate) fn root(&mut self, entries: &Arc<Entries>) -> Root {
        if let Some(root) = self.roots.get(entries) {
            return *root;
        }
        if self.roots.len() >= ROOTS_MAX {
            *self = Scratch::new();
        }
        let state = self.store.new_state();
        let writes: Writes = entries.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        let changes = vec![Change::Create { state }, Change::Write { state, epoch: WriterEpoch::FIRST, writes }];
        self.store.commit(changes).expect("commit").wait().expect("durable");
        let root = self.store.view(state).expect("just made").root().expect("root");
        self.store.commit(vec![Change::Remove { state }]).expect("commit").wait().expect("durable");
        self.roots.insert(entries.clone(), root);
        root
    }

    /// The roots of all states are those of their entries alone.
    pub(crate) fn check(&mut self, store: &Store, snapshot: &Snapshot) -> Result<(), String> {
        for (id, state) in &snapshot.states {
            if *id == StateId::CATALOG {
                continue;
            }
            let view = store.view(*id).ok_or_else(|| format!("{id} has no view"))?;
            let root = view.root().map_err(|e| format!("root of {id}: {e}"))?;
            let listed = state.snapshot.iter().flat_map(|(of, _)| store.snapshots(*of)).find(|info| info.id == *id);
            if listed.and_then(|info| info.holds).is_some_and(|holds| holds.root != root) {
                return Err(format!("{id} is listed with another root than {root}"));
            }
            let expected = self.root(&state.entries);
            if root != expected {
                return Err(format!("the root of {id} is {root}, built from scratch it is {expected}"));
            }
        }
        Ok(())
    }
}

/// The smallest segments, so that a short run changes them often, and no thread, so that it can be repeated.
pub(crate) fn options() -> Options {
    let segment_bytes = stead_store::limits::SEGMENT_BYTES_MIN;
    Options { segment_bytes, history_bytes: segment_bytes, writer: Writer::Inline, ..Options::default() }
}
