//! States in memory: what changed since the last checkpoint, over an immutable tree.
//!
//! The same code applies a commit when it is accepted and when it is replayed.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Weak};

use bytes::Bytes;

use crate::journal::record::Header;
use crate::planted::{Bug, planted};
use crate::store::base::Base;
use crate::store::counts::Counts;
use crate::store::snapshots::{SnapshotOf, Snapshots};
use crate::store::table::{Key, Table};
use crate::store::{CommitNumber, StateId, WriterEpoch};
use crate::sync::Mutex;
use crate::tree::Tree;

/// One state.
#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) base: Arc<Base>,
    pub(crate) table: Table,
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
    /// The state is a snapshot: nobody writes it.
    pub(crate) snapshot: Option<Arc<SnapshotOf>>,
}

#[derive(Debug, Clone)]
struct Undo {
    number: CommitNumber,
    epoch: WriterEpoch,
    commits: u64,
    last: CommitNumber,
    writes: Vec<(Key, Option<Option<Bytes>>)>,
    /// The table before the commit first cleared a range, which came after the writes above.
    table: Option<Table>,
}

impl State {
    fn new(base: Arc<Base>, number: CommitNumber) -> State {
        State {
            base,
            table: Table::default(),
            counts: Arc::default(),
            epoch: WriterEpoch::FIRST,
            commits: 1,
            last: number,
            held: CommitNumber(0),
            undo: VecDeque::new(),
            created: number,
            snapshot: None,
        }
    }

    /// A state as a checkpoint holds it.
    pub(crate) fn from_header(header: &Header, base: Arc<Base>, inline: Table) -> State {
        State {
            base,
            table: inline,
            counts: Arc::default(),
            epoch: header.epoch,
            commits: header.commits,
            last: header.last,
            held: header.held,
            undo: VecDeque::new(),
            created: CommitNumber(0),
            snapshot: None,
        }
    }

    /// What a checkpoint at this point keeps about the state, on top of its tree.
    pub(crate) fn header(&self, tree: Tree, held: CommitNumber) -> Header {
        Header { tree, epoch: self.epoch, commits: self.commits, last: self.last, held }
    }

    /// The state as it is now, without the way back to what is durable.
    pub(crate) fn frozen(&self) -> State {
        State {
            base: self.base.clone(),
            table: self.table.clone(),
            counts: self.counts.clone(),
            undo: VecDeque::new(),
            snapshot: self.snapshot.clone(),
            ..*self
        }
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
            let undo = Undo {
                number,
                epoch: self.epoch,
                commits: self.commits,
                last: self.last,
                writes: Vec::new(),
                table: None,
            };
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

    /// The state as it was at a commit: later ones are taken back. None if it did not exist then.
    fn at(&self, durable: CommitNumber) -> Option<State> {
        if self.created > durable {
            return None;
        }
        let mut state = self.frozen();
        for undo in self.undo.iter().rev().take_while(|undo| undo.number > durable) {
            if let Some(table) = &undo.table {
                state.table = table.clone();
            }
            for (key, before) in undo.writes.iter().rev() {
                match before {
                    Some(value) => drop(state.table.insert(key.clone(), value.clone())),
                    None => state.table.remove(key),
                }
            }
            (state.epoch, state.commits, state.last) = (undo.epoch, undo.commits, undo.last);
        }
        Some(state)
    }

    /// After a checkpoint: what the new tree holds leaves the table.
    pub(crate) fn rebase(&mut self, base: Arc<Base>, held: CommitNumber, table: Table) {
        base.succeeds(&self.base);
        self.base = base;
        self.held = held;
        self.table = table;
        self.counts = Arc::default();
    }
}

/// All states.
pub(crate) struct States {
    states: HashMap<StateId, State>,
    /// The least id that was never used.
    pub(crate) next: u64,
    /// Those that the checkpoint does not hold.
    dirty: BTreeSet<StateId>,
    /// Those that a checkpoint in the making still has to take, as they were when it began.
    waiting: BTreeSet<StateId>,
    /// What it has not taken before it changed.
    kept_back: Vec<(StateId, State)>,
    /// Removed, with the commit that did it; kept until a checkpoint forgets their headers.
    pub(crate) removed: Vec<(CommitNumber, StateId, State)>,
    pub(crate) snapshots: Snapshots,
    bases: Vec<Weak<Base>>,
    empty: Arc<Base>,
}

impl States {
    pub(crate) fn new() -> States {
        let empty = Arc::new(Base::new(Tree::EMPTY, CommitNumber(0)));
        let mut states = States {
            states: HashMap::new(),
            next: 1,
            dirty: BTreeSet::new(),
            waiting: BTreeSet::new(),
            kept_back: Vec::new(),
            removed: Vec::new(),
            snapshots: Snapshots::default(),
            bases: Vec::new(),
            empty: empty.clone(),
        };
        let catalog = State { commits: 0, ..State::new(empty, CommitNumber(0)) };
        states.states.insert(StateId::CATALOG, catalog);
        states
    }

    /// A base for a tree, which keeps the tree's packs.
    pub(crate) fn base(&mut self, tree: Tree, last: CommitNumber) -> Arc<Base> {
        if tree == Tree::EMPTY {
            return self.empty.clone();
        }
        let base = Arc::new(Base::new(tree, last));
        self.bases.push(Arc::downgrade(&base));
        base
    }

    /// What a state or a view still stands on.
    pub(crate) fn live_bases(&mut self) -> Vec<Arc<Base>> {
        self.bases.retain(|base| base.strong_count() > 0);
        self.bases.iter().filter_map(Weak::upgrade).collect()
    }

    /// The bases, to be looked through without a lock, and [put back](States::put_back_bases).
    pub(crate) fn take_bases(&mut self) -> Vec<Weak<Base>> {
        std::mem::take(&mut self.bases)
    }

    pub(crate) fn put_back_bases(&mut self, bases: Vec<Weak<Base>>) {
        let newer = std::mem::replace(&mut self.bases, bases);
        self.bases.extend(newer);
    }

    /// Puts a state in place as its checkpoint has it.
    pub(crate) fn load(&mut self, id: StateId, state: State) {
        self.next = self.next.max(id.0 + 1);
        if let Some(of) = &state.snapshot {
            self.snapshots.insert(of, id);
        }
        state.base.join();
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

    /// All states that are no snapshots.
    pub(crate) fn ids(&self) -> Vec<StateId> {
        let states = self.states.iter().filter(|(_, state)| state.snapshot.is_none());
        let mut ids: Vec<StateId> = states.map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// Each state, snapshots included.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (StateId, &State)> {
        self.states.iter().map(|(id, state)| (*id, state))
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// Begins a checkpoint: from now on each dirty state is kept for it as it is now, until it [takes](States::take_frozen)
    /// it. False if none is dirty and none was removed.
    pub(crate) fn begin_freeze(&mut self) -> bool {
        assert!(self.waiting.is_empty() && self.kept_back.is_empty(), "one checkpoint at a time");
        self.waiting = std::mem::take(&mut self.dirty);
        !self.waiting.is_empty() || !self.removed.is_empty()
    }

    /// Some of the states that the checkpoint has to take; none are left when there are none.
    pub(crate) fn take_frozen(&mut self, states_max: usize) -> Vec<(StateId, State)> {
        let mut taken = std::mem::take(&mut self.kept_back);
        while taken.len() < states_max
            && let Some(id) = self.waiting.pop_first()
        {
            let state = self.states.get(&id).expect("what waits is there: a state that goes is kept back");
            taken.push((id, state.frozen()));
        }
        taken
    }

    /// A checkpoint failed: what it took is as dirty as before.
    pub(crate) fn thaw(&mut self, id: StateId) {
        if self.states.contains_key(&id) {
            self.dirty.insert(id);
        }
    }

    /// Keeps a state that is about to change for the checkpoint that has not taken it yet.
    fn keep_back(&mut self, id: StateId) {
        if self.waiting.remove(&id) {
            let state = self.states.get(&id).expect("what waits is there");
            self.kept_back.push((id, state.frozen()));
        }
    }

    /// A checkpoint holds the state up to its `held`.
    pub(crate) fn settle(&mut self, id: StateId) {
        if self.states.get(&id).is_none_or(|state| !state.is_dirty()) {
            self.dirty.remove(&id);
        }
    }

    /// The version that the state of a change will have after the commit `number`.
    fn touch(&mut self, id: StateId, number: CommitNumber, durable: CommitNumber) -> &mut State {
        self.keep_back(id);
        self.dirty.insert(id);
        let state = self.states.get_mut(&id).expect("checked before it is applied");
        state.remember(number, durable);
        state.advance(number);
        state
    }

    pub(crate) fn create(&mut self, id: StateId, number: CommitNumber) -> u64 {
        self.adopt(id, self.empty.clone(), number)
    }

    /// Makes a state of a tree.
    pub(crate) fn adopt(&mut self, id: StateId, base: Arc<Base>, number: CommitNumber) -> u64 {
        self.next = self.next.max(id.0 + 1);
        self.dirty.insert(id);
        base.join();
        self.states.insert(id, State::new(base, number));
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
            snapshot: None,
            ..origin.clone()
        };
        let version = state.commits;
        state.base.join();
        self.states.insert(to, state);
        self.dirty.insert(to);
        version
    }

    /// A fork that stays as it is.
    pub(crate) fn snapshot(&mut self, of: StateId, to: StateId, name: &str, number: CommitNumber) -> u64 {
        let version = self.fork(of, to, number);
        let of = Arc::new(SnapshotOf { state: of, name: name.to_owned() });
        self.snapshots.insert(&of, to);
        self.states.get_mut(&to).expect("just forked").snapshot = Some(of);
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
        self.keep_back(id);
        self.dirty.remove(&id);
        let state = self.states.remove(&id).expect("checked before it is applied");
        let version = state.commits + 1;
        if let Some(of) = &state.snapshot {
            self.snapshots.remove(of);
        }
        state.base.leave();
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
            let key = Key::new(&key);
            let old = state.table.insert(key.clone(), value);
            before.push((key, old));
        }
        let undo = state.undo.back_mut().expect("remembered above");
        if undo.table.is_none() && !planted(Bug::UndoForgotten) {
            undo.writes.append(&mut before);
        }
        let version = state.commits;
        if planted(Bug::ForkSharesLaterWrites) {
            let State { base, table, .. } = state.clone();
            let of_one_tree = |fork: &&mut State| base.tree != Tree::EMPTY && Arc::ptr_eq(&fork.base, &base);
            self.states.values_mut().filter(of_one_tree).for_each(|fork| fork.table = table.clone());
        }
        version
    }

    pub(crate) fn clear(
        &mut self,
        id: StateId,
        range: (Bytes, Option<Bytes>),
        number: CommitNumber,
        durable: CommitNumber,
    ) -> u64 {
        let state = self.touch(id, number, durable);
        let undo = state.undo.back_mut().expect("remembered above");
        undo.table.get_or_insert_with(|| state.table.clone());
        state.table.clear(range.0, range.1);
        state.commits
    }

    /// Counts a replayed commit whose writes come later, and returns the version that it makes.
    pub(crate) fn replayed(&mut self, id: StateId, number: CommitNumber) -> u64 {
        self.dirty.insert(id);
        let state = self.states.get_mut(&id).expect("checked before it is applied");
        state.advance(number);
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
