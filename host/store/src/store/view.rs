//! A frozen state.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::ReadError;
use crate::pack::{Packs, ValueReader};
use crate::store::base::Base;
use crate::store::counts::{Counts, Range};
use crate::store::mask::{Gaps, Masked, Stored, half_open};
use crate::store::merge::Merge;
use crate::store::state::State;
use crate::store::table::{Key, Table, TableRange};
use crate::store::{CommitNumber, Effects, StateId, WriterEpoch};
use crate::sync::Mutex;
use crate::tree::{NodeHash, NodeSink, NodesToward, Order, Proof, Read, Root, Tree, Value, ValueHash};

/// One state as it was at one commit. Taking one costs the same whatever the state's size; it never changes.
#[derive(Clone)]
pub struct View {
    id: StateId,
    packs: Arc<Packs>,
    base: Arc<Base>,
    table: Table,
    counts: Arc<Mutex<Counts>>,
    epoch: WriterEpoch,
    commits: u64,
    last: CommitNumber,
    /// What the store has is another: this is it with changes that nobody committed.
    is_ahead: bool,
}

impl View {
    pub(crate) fn new(id: StateId, state: &State, packs: &Arc<Packs>) -> View {
        View {
            id,
            packs: packs.clone(),
            base: state.base.clone(),
            table: state.table.clone(),
            counts: state.counts.clone(),
            epoch: state.epoch,
            commits: state.commits,
            last: state.last,
            is_ahead: false,
        }
    }

    /// The state as a commit that does this would leave it, and one more commit. Nothing is committed: what changes is in
    /// memory, and gone with the last view that has it.
    pub fn ahead(&self, effects: Effects) -> View {
        let mut table = self.table.clone();
        for (from, to) in effects.cleared {
            table.clear(from, to);
        }
        for (key, value) in effects.writes {
            table.insert(Key::new(&key), value);
        }
        // The memory of counts follows one line of tables; the store's own is not to be led astray.
        let counts = match self.is_ahead {
            true => self.counts.clone(),
            false => Arc::new(Mutex::new(self.counts.lock().clone())),
        };
        View { table, counts, commits: self.commits + 1, is_ahead: true, ..self.clone() }
    }

    /// The state.
    pub fn state(&self) -> StateId {
        self.id
    }

    /// The writer epoch at this point.
    pub fn epoch(&self) -> WriterEpoch {
        self.epoch
    }

    /// The last commit that changed the state.
    pub fn commit(&self) -> CommitNumber {
        self.last
    }

    /// How many commits changed the state since it was created; a fork goes on from its origin.
    pub fn commits(&self) -> u64 {
        self.commits
    }

    /// Bytes of changes that no checkpoint has put into the state's tree.
    pub fn dirty_bytes(&self) -> u64 {
        self.table.bytes()
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        match self.table.get(key) {
            Some(value) => Ok(value),
            None => self.tree().get(&*self.packs, key),
        }
    }

    /// The value of a key, to be read piece by piece. Opening a large one reads it once, to check it.
    pub fn open_value(&self, key: &[u8]) -> Result<Option<ValueReader>, ReadError> {
        let found = match self.table.get(key) {
            Some(value) => value.map(Value::Inline),
            None => self.tree().find(&*self.packs, key)?,
        };
        Ok(match found {
            None => None,
            Some(Value::Inline(value)) => Some(ValueReader::whole(value)),
            Some(Value::Outside { hash, len }) => Some(self.packs.open_value(&hash, len)?),
        })
    }

    /// The entries between two bounds.
    pub fn scan(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order) -> Scan<'_> {
        self.read(lower, upper, order, Read::Entries)
    }

    pub(crate) fn read(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order, read: Read) -> Scan<'_> {
        let table = self.table.range(&lower, &upper, order);
        let stored = Stored(*self.tree(), self.packs.clone(), read);
        let stored = Masked::new(stored, self.table.cleared(), lower, upper, order);
        Scan { merge: Merge::new(table, stored, order) }
    }

    /// How many entries lie between two bounds. The first time it reads once for each key that changed there since the
    /// last checkpoint; asked again for the same bounds, only what changed since is looked at.
    pub fn count(&self, lower: Bound<Bytes>, upper: Bound<Bytes>) -> Result<u64, ReadError> {
        let Some(range) = half_open(&lower, &upper) else { return Ok(0) };
        self.counts.lock().count(&self.table, range, |key| self.is_below(key), |range| self.count_afresh(range))
    }

    /// The same without a memory.
    pub(crate) fn count_afresh(&self, range: &Range) -> Result<u64, ReadError> {
        let mut count = 0;
        for (from, to) in Gaps::new(self.table.cleared(), range.clone()) {
            let to = to.as_ref().map_or(Bound::Unbounded, |to| Bound::Excluded(&**to));
            count += self.tree().count(&*self.packs, Bound::Included(&from), to)?;
        }
        let has_none_below = count == 0;
        for (key, value) in self.table.slice(&range.0, range.1.as_ref()) {
            let was_there = !has_none_below && self.is_below(&key.to_bytes())?;
            match (was_there, value.is_some()) {
                (false, true) => count += 1,
                (true, false) => count -= 1,
                _ => {}
            }
        }
        Ok(count)
    }

    /// The key is there but for what the table says of it.
    fn is_below(&self, key: &[u8]) -> Result<bool, ReadError> {
        Ok(!self.table.cleared().contains(key) && self.tree().get(&*self.packs, key)?.is_some())
    }

    /// The state's root: equal exactly when the entries are equal.
    pub fn root(&self) -> Result<Root, ReadError> {
        Ok(self.whole_tree(&mut Discard)?.root())
    }

    /// Shows to whoever knows the [root](View::root) what the state holds under a key: see [`Proof::verify`]. Where a value
    /// has more than 1024 bytes, the proof has its hash only.
    pub fn prove(&self, key: &[u8]) -> Result<Proof, ReadError> {
        let mut nodes = NodesToward::new(key, &*self.packs);
        let tree = self.whole_tree(&mut nodes)?;
        tree.prove(&nodes, key)
    }

    /// Where the nodes are that a checkpoint wrote.
    pub(crate) fn packs(&self) -> &Arc<Packs> {
        &self.packs
    }

    /// The tree of all entries. Its nodes that no checkpoint has written yet go to the sink.
    pub(crate) fn whole_tree(&self, sink: &mut dyn NodeSink) -> Result<Tree, ReadError> {
        self.tree().apply(&*self.packs, self.table.cleared(), self.table.iter(), sink)
    }

    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.base.tree
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("state", &self.id).field("commit", &self.last).finish_non_exhaustive()
    }
}

/// Takes the nodes of a tree of which only the root is wanted.
pub(crate) struct Discard;

impl NodeSink for Discard {
    fn node(&mut self, _: NodeHash, _: Vec<u8>) {}
    fn value(&mut self, _: ValueHash, _: Bytes) {}
}

/// Entries of a view, in the asked order.
pub struct Scan<'a> {
    merge: Merge<TableRange<'a>, Masked<Stored>>,
}

impl Iterator for Scan<'_> {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.merge.next()
    }
}
