//! The oracle: plain maps, one frozen copy after every accepted commit, and what a store really holds.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Options, Order, Root, StateId, Store, Writer, WriterEpoch, Writes};

/// A key of the catalog below this one belongs to the store.
const CATALOG_KEYS_FROM: &[u8] = &[1];

pub(crate) type Entries = BTreeMap<Bytes, Bytes>;

/// Everything a store answers, at one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) states: BTreeMap<StateId, State>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) entries: Arc<Entries>,
    pub(crate) epoch: WriterEpoch,
    pub(crate) commits: u64,
}

impl Snapshot {
    /// What the store answers now, or why it does not.
    pub(crate) fn of(store: &Store) -> Result<Snapshot, String> {
        let mut snapshot = Snapshot::default();
        for id in store.states() {
            let view = store.view(id).ok_or_else(|| format!("{id} is listed but has no view"))?;
            let lower = match id {
                StateId::CATALOG => Bound::Included(Bytes::from_static(CATALOG_KEYS_FROM)),
                _ => Bound::Unbounded,
            };
            let scan = view.scan(lower.clone(), Bound::Unbounded, Order::Ascending);
            let list: Vec<(Bytes, Bytes)> = scan.collect::<Result<_, _>>().map_err(|e| format!("scan of {id}: {e}"))?;
            if list.windows(2).any(|pair| pair[0].0 >= pair[1].0) {
                return Err(format!("scan of {id} is not ascending"));
            }
            let back = view.scan(lower.clone(), Bound::Unbounded, Order::Descending);
            let mut back: Vec<(Bytes, Bytes)> =
                back.collect::<Result<_, _>>().map_err(|e| format!("scan of {id}: {e}"))?;
            back.reverse();
            if back != list {
                return Err(format!("the two orders of a scan of {id} differ"));
            }
            let count = view.count(lower, Bound::Unbounded).map_err(|e| format!("count of {id}: {e}"))?;
            if count != list.len() as u64 {
                return Err(format!("count of {id} is {count}, a scan gives {}", list.len()));
            }
            let commits = if id == StateId::CATALOG { 0 } else { view.commits() };
            let state = State { entries: Arc::new(list.into_iter().collect()), epoch: view.epoch(), commits };
            snapshot.states.insert(id, state);
        }
        Ok(snapshot)
    }

    /// Applies an accepted commit, as its definition says.
    pub(crate) fn apply(&mut self, changes: &[Change], store: &Store) {
        for change in changes {
            match change {
                Change::Create { state } => {
                    let new = State { entries: Arc::default(), epoch: WriterEpoch::FIRST, commits: 0 };
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
                Change::Fork { from, to } => {
                    let mut fork = self.states[from].clone();
                    fork.epoch = WriterEpoch::FIRST;
                    self.states.insert(*to, fork);
                }
                Change::Fence { state, epoch } => {
                    self.states.get_mut(state).expect("fenced state").epoch = *epoch;
                }
                Change::Remove { state } => {
                    self.states.remove(state);
                }
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
    Options { segment_bytes: stead_store::limits::SEGMENT_BYTES_MIN, writer: Writer::Inline, ..Options::default() }
}
