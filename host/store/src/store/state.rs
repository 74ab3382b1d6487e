//! States in memory: what changed since the last checkpoint, over an immutable tree.
//!
//! The same code applies a commit when it is accepted and when it is replayed.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Weak};

use bytes::Bytes;
use imbl::OrdMap;
use parking_lot::Mutex;

use crate::error::CommitError;
use crate::journal::record::Header;
use crate::store::counts::Counts;
use crate::store::{Change, CommitNumber, StateId, WriterEpoch};
use crate::tree::Tree;

/// What changed since the checkpoint: a value, or none for a removed key.
pub(crate) type Table = OrdMap<Bytes, Option<Bytes>>;

/// A tree that a state or a view stands on. While one of them lives, its packs are kept.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) tree: Tree,
}

/// One state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) base: Arc<Base>,
    pub(crate) table: Table,
    /// Bytes of the table's keys and values.
    pub(crate) table_bytes: u64,
    pub(crate) epoch: WriterEpoch,
    /// Shared with the views over the same tree.
    pub(crate) counts: Arc<Mutex<Counts>>,
    /// How many commits changed the state.
    pub(crate) commits: u64,
    /// The last of them.
    pub(crate) last: CommitNumber,
    /// The checkpoint holds everything up to this commit.
    pub(crate) held: CommitNumber,
    /// How to take back commits that are not durable yet, oldest first.
    undo: VecDeque<Undo>,
    created: CommitNumber,
}

#[derive(Debug, Clone)]
struct Undo {
    number: CommitNumber,
    epoch: WriterEpoch,
    commits: u64,
    last: CommitNumber,
    writes: Vec<(Bytes, Option<Option<Bytes>>)>,
}

impl State {
    fn empty(base: Arc<Base>, number: CommitNumber) -> State {
        State {
            base,
            table: Table::new(),
            table_bytes: 0,
            counts: Arc::default(),
            epoch: WriterEpoch::FIRST,
            commits: 1,
            last: number,
            held: CommitNumber(0),
            undo: VecDeque::new(),
            created: number,
        }
    }

    /// A state as a checkpoint holds it.
    pub(crate) fn from_header(header: &Header, base: Arc<Base>, inline: Table) -> State {
        State {
            base,
            table_bytes: inline.iter().map(|(key, value)| entry_bytes(key, value.as_ref())).sum(),
            table: inline,
            counts: Arc::default(),
            epoch: header.epoch,
            commits: header.commits,
            last: header.last,
            held: header.held,
            undo: VecDeque::new(),
            created: CommitNumber(0),
        }
    }

    /// What a checkpoint at this point keeps about the state, on top of its tree.
    pub(crate) fn header(&self, tree: Tree, held: CommitNumber) -> Header {
        Header { tree, epoch: self.epoch, commits: self.commits, last: self.last, held }
    }

    /// The checkpoint does not hold everything.
    pub(crate) fn is_dirty(&self) -> bool {
        self.last > self.held
    }

    fn remember(&mut self, number: CommitNumber, durable: CommitNumber) -> &mut Undo {
        while self.undo.front().is_some_and(|undo| undo.number <= durable) {
            self.undo.pop_front();
        }
        if self.undo.back().is_none_or(|undo| undo.number != number) {
            let undo = Undo { number, epoch: self.epoch, commits: self.commits, last: self.last, writes: Vec::new() };
            self.undo.push_back(undo);
        }
        self.undo.back_mut().expect("just pushed")
    }

    /// Counts a commit, once however many of its changes are to this state.
    fn advance(&mut self, number: CommitNumber) {
        if self.last != number {
            self.last = number;
            self.commits += 1;
        }
    }

    /// Writes one key and returns what the table held before.
    fn write(&mut self, key: Bytes, value: Option<Bytes>) -> Option<Option<Bytes>> {
        let key_bytes = key.len() as u64;
        self.table_bytes += entry_bytes(&key, value.as_ref());
        let before = self.table.insert(key, value);
        if let Some(before) = &before {
            self.table_bytes -= key_bytes + before.as_ref().map_or(0, Bytes::len) as u64;
        }
        before
    }

    /// Takes a key out of the table: the tree has the word again.
    fn erase(&mut self, key: &Bytes) {
        if let Some(value) = self.table.remove(key) {
            self.table_bytes -= entry_bytes(key, value.as_ref());
        }
    }

    /// The state as it was at a commit: later ones are taken back. None if it did not exist then.
    fn at(&self, durable: CommitNumber) -> Option<State> {
        if self.created > durable {
            return None;
        }
        let mut state = State { undo: VecDeque::new(), ..self.clone() };
        for undo in self.undo.iter().rev().take_while(|undo| undo.number > durable) {
            for (key, before) in undo.writes.iter().rev() {
                match before {
                    Some(value) => drop(state.write(key.clone(), value.clone())),
                    None => state.erase(key),
                }
            }
            (state.epoch, state.commits, state.last) = (undo.epoch, undo.commits, undo.last);
        }
        Some(state)
    }

    /// After a checkpoint: what the new tree holds leaves the table.
    pub(crate) fn rebase(&mut self, base: Arc<Base>, held: CommitNumber, table: Table) {
        self.table_bytes = table.iter().map(|(key, value)| entry_bytes(key, value.as_ref())).sum();
        self.base = base;
        self.held = held;
        self.table = table;
        self.counts = Arc::default();
    }
}

/// What an entry counts for.
pub(crate) fn entry_bytes(key: &Bytes, value: Option<&Bytes>) -> u64 {
    (key.len() + value.map_or(0, Bytes::len)) as u64
}

/// All states.
pub(crate) struct States {
    states: HashMap<StateId, State>,
    /// The least id that was never used.
    pub(crate) next: u64,
    /// Those that the checkpoint does not hold.
    dirty: BTreeSet<StateId>,
    /// Removed, with the commit that did it; kept until a checkpoint forgets their headers.
    pub(crate) removed: Vec<(CommitNumber, StateId, State)>,
    bases: Vec<Weak<Base>>,
    empty: Arc<Base>,
}

/// Change by change, what a commit has done so far to the states that it names.
#[derive(Default)]
struct Trial(Vec<(StateId, Option<WriterEpoch>)>);

impl States {
    pub(crate) fn new() -> States {
        let empty = Arc::new(Base { tree: Tree::EMPTY });
        let mut states = States {
            states: HashMap::new(),
            next: 1,
            dirty: BTreeSet::new(),
            removed: Vec::new(),
            bases: Vec::new(),
            empty: empty.clone(),
        };
        let catalog = State { commits: 0, ..State::empty(empty, CommitNumber(0)) };
        states.states.insert(StateId::CATALOG, catalog);
        states
    }

    /// A base for a tree, which keeps the tree's packs.
    pub(crate) fn base(&mut self, tree: Tree) -> Arc<Base> {
        if tree == Tree::EMPTY {
            return self.empty.clone();
        }
        let base = Arc::new(Base { tree });
        self.bases.push(Arc::downgrade(&base));
        base
    }

    /// The trees that a state or a view still stands on.
    pub(crate) fn live_trees(&mut self) -> Vec<Tree> {
        self.bases.retain(|base| base.strong_count() > 0);
        self.bases.iter().filter_map(Weak::upgrade).map(|base| base.tree).collect()
    }

    /// Puts a state in place as its checkpoint has it.
    pub(crate) fn load(&mut self, id: StateId, state: State) {
        self.next = self.next.max(id.0 + 1);
        self.states.insert(id, state);
    }

    pub(crate) fn get(&self, id: StateId) -> Option<&State> {
        self.states.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: StateId) -> Option<&mut State> {
        self.states.get_mut(&id)
    }

    /// The state as it was at a durable commit.
    pub(crate) fn at(&self, id: StateId, durable: CommitNumber) -> Option<State> {
        if let Some(state) = self.states.get(&id) {
            return state.at(durable);
        }
        let (_, _, state) = self.removed.iter().find(|(number, removed, _)| *removed == id && *number > durable)?;
        state.at(durable)
    }

    pub(crate) fn ids(&self) -> Vec<StateId> {
        let mut ids: Vec<StateId> = self.states.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// The tree of each state.
    pub(crate) fn trees(&self) -> Vec<(StateId, Tree)> {
        self.states.iter().map(|(id, state)| (*id, state.base.tree)).collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// The states that a checkpoint has to take, in order.
    pub(crate) fn dirty(&self) -> Vec<StateId> {
        self.dirty.iter().copied().collect()
    }

    /// A checkpoint holds the state up to its `held`.
    pub(crate) fn settle(&mut self, id: StateId) {
        if self.states.get(&id).is_none_or(|state| !state.is_dirty()) {
            self.dirty.remove(&id);
        }
    }

    /// Checks that every change of a commit can be applied, in order. Applying it afterwards cannot fail.
    pub(crate) fn check(&self, changes: &[Change]) -> Result<(), CommitError> {
        let mut trial = Trial::default();
        for change in changes {
            match change {
                Change::Create { state } => trial.make(self, *state)?,
                Change::Fork { from, to } => {
                    trial.epoch(self, *from)?;
                    trial.make(self, *to)?;
                }
                Change::Write { state, epoch, .. } => {
                    let current = trial.epoch(self, *state)?;
                    if current != *epoch {
                        return Err(CommitError::Fenced { state: *state, given: *epoch, current });
                    }
                }
                Change::Fence { state, epoch } => {
                    let current = trial.epoch(self, *state)?;
                    if *epoch <= current {
                        return Err(CommitError::Fenced { state: *state, given: *epoch, current });
                    }
                    trial.0.push((*state, Some(*epoch)));
                }
                Change::Remove { state } => {
                    trial.epoch(self, *state)?;
                    trial.0.push((*state, None));
                }
            }
        }
        Ok(())
    }

    /// The version that the state of a change will have after the commit `number`.
    fn touch(&mut self, id: StateId, number: CommitNumber, durable: CommitNumber) -> &mut State {
        self.dirty.insert(id);
        let state = self.states.get_mut(&id).expect("checked before it is applied");
        state.remember(number, durable);
        state.advance(number);
        state
    }

    pub(crate) fn create(&mut self, id: StateId, number: CommitNumber) -> u64 {
        self.next = self.next.max(id.0 + 1);
        self.dirty.insert(id);
        self.states.insert(id, State::empty(self.empty.clone(), number));
        1
    }

    pub(crate) fn fork(&mut self, from: StateId, to: StateId, number: CommitNumber) -> u64 {
        self.next = self.next.max(to.0 + 1);
        let origin = self.states.get(&from).expect("checked before it is applied");
        let state = State {
            epoch: WriterEpoch::FIRST,
            commits: origin.commits + 1,
            last: number,
            held: CommitNumber(0),
            counts: Arc::default(),
            undo: VecDeque::new(),
            created: number,
            ..origin.clone()
        };
        let version = state.commits;
        self.states.insert(to, state);
        self.dirty.insert(to);
        version
    }

    pub(crate) fn fence(
        &mut self,
        id: StateId,
        epoch: WriterEpoch,
        number: CommitNumber,
        durable: CommitNumber,
    ) -> u64 {
        let state = self.touch(id, number, durable);
        state.epoch = epoch;
        state.commits
    }

    pub(crate) fn remove(&mut self, id: StateId, number: CommitNumber) -> u64 {
        self.dirty.remove(&id);
        let state = self.states.remove(&id).expect("checked before it is applied");
        let version = state.commits + 1;
        self.removed.push((number, id, state));
        version
    }

    pub(crate) fn write(
        &mut self,
        id: StateId,
        writes: impl Iterator<Item = (Bytes, Option<Bytes>)>,
        number: CommitNumber,
        durable: CommitNumber,
    ) -> u64 {
        let state = self.touch(id, number, durable);
        let mut before = Vec::with_capacity(writes.size_hint().0);
        for (key, value) in writes {
            let old = state.write(key.clone(), value);
            before.push((key, old));
        }
        state.undo.back_mut().expect("remembered above").writes.append(&mut before);
        state.commits
    }

    /// Forgets how to take back commits: everything is durable.
    pub(crate) fn forget_undo(&mut self) {
        for state in self.states.values_mut() {
            state.undo.clear();
            state.created = CommitNumber(0);
        }
    }
}

impl Trial {
    fn epoch(&self, states: &States, id: StateId) -> Result<WriterEpoch, CommitError> {
        let epoch = match self.0.iter().rev().find(|(state, _)| *state == id) {
            Some((_, epoch)) => *epoch,
            None => states.get(id).map(|state| state.epoch),
        };
        epoch.ok_or(CommitError::UnknownState { state: id })
    }

    fn make(&mut self, states: &States, id: StateId) -> Result<(), CommitError> {
        let named = self.0.iter().any(|(state, _)| *state == id);
        let removed = states.removed.iter().any(|(_, state, _)| *state == id);
        if named || removed || states.get(id).is_some() {
            return Err(CommitError::StateExists { state: id });
        }
        self.0.push((id, Some(WriterEpoch::FIRST)));
        Ok(())
    }
}
