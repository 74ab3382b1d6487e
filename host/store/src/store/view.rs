//! A frozen state.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::error::ReadError;
use crate::pack::Packs;
use crate::store::counts::Counts;
use crate::store::merge::{Merge, bounds_are_empty};
use crate::store::state::{Base, State, Table};
use crate::store::{CommitNumber, StateId, WriterEpoch};
use crate::tree::{NodeHash, NodeSink, Order, Root, Tree, TreeScan, ValueHash};

/// One state as it was at one commit. Taking one costs the same whatever the state's size; it never changes.
#[derive(Clone)]
pub struct View {
    id: StateId,
    packs: Arc<Packs>,
    base: Arc<Base>,
    table: Table,
    table_bytes: u64,
    counts: Arc<Mutex<Counts>>,
    epoch: WriterEpoch,
    commits: u64,
    last: CommitNumber,
}

impl View {
    pub(crate) fn new(id: StateId, state: &State, packs: &Arc<Packs>) -> View {
        View {
            id,
            packs: packs.clone(),
            base: state.base.clone(),
            table: state.table.clone(),
            table_bytes: state.table_bytes,
            counts: state.counts.clone(),
            epoch: state.epoch,
            commits: state.commits,
            last: state.last,
        }
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
        self.table_bytes
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        match self.table.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.tree().get(&*self.packs, key),
        }
    }

    /// The entries between two bounds.
    pub fn scan(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order) -> Scan<'_> {
        let table = TableRange::new(&self.table, &lower, &upper, order);
        let tree = self.tree().scan(self.packs.clone(), lower, upper, order);
        Scan { merge: Merge::new(table, tree, order) }
    }

    /// How many entries lie between two bounds. The first time it reads once for each key that changed there since the
    /// last checkpoint; asked again for the same bounds, only what changed since is looked at.
    pub fn count(&self, lower: Bound<Bytes>, upper: Bound<Bytes>) -> Result<u64, ReadError> {
        if bounds_are_empty(&lower, &upper) {
            return Ok(0);
        }
        let in_tree = |key: &Bytes| Ok(self.tree().get(&*self.packs, key)?.is_some());
        self.counts.lock().count(&self.table, (lower, upper), in_tree, |(lower, upper)| {
            let (from, to) = (lower.as_ref().map(|key| &**key), upper.as_ref().map(|key| &**key));
            let mut count = self.tree().count(&*self.packs, from, to)?;
            let is_empty = count == 0;
            for (key, value) in TableRange::new(&self.table, lower, upper, Order::Ascending) {
                let was_there = !is_empty && in_tree(&key)?;
                match (was_there, value.is_some()) {
                    (false, true) => count += 1,
                    (true, false) => count -= 1,
                    _ => {}
                }
            }
            Ok(count)
        })
    }

    /// The state's root: equal exactly when the entries are equal.
    pub fn root(&self) -> Result<Root, ReadError> {
        if self.table.is_empty() {
            return Ok(self.tree().root());
        }
        let changes = self.table.iter().map(|(key, value)| (key.clone(), value.clone()));
        Ok(self.tree().apply(&*self.packs, changes, &mut Discard)?.root())
    }

    fn tree(&self) -> &Tree {
        &self.base.tree
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("state", &self.id).field("commit", &self.last).finish_non_exhaustive()
    }
}

/// Takes the nodes of a tree of which only the root is wanted.
struct Discard;

impl NodeSink for Discard {
    fn node(&mut self, _: NodeHash, _: Vec<u8>) {}
    fn value(&mut self, _: ValueHash, _: Bytes) {}
}

/// Entries of a view, in the asked order.
pub struct Scan<'a> {
    merge: Merge<TableRange<'a>, TreeScan>,
}

impl Iterator for Scan<'_> {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.merge.next()
    }
}

/// A range of a state's table, in either order.
struct TableRange<'a> {
    range: Option<imbl::ordmap::RangedIter<'a, Bytes, Option<Bytes>, imbl::shared_ptr::DefaultSharedPtr>>,
    order: Order,
}

impl<'a> TableRange<'a> {
    fn new(table: &'a Table, lower: &Bound<Bytes>, upper: &Bound<Bytes>, order: Order) -> TableRange<'a> {
        let range = (!bounds_are_empty(lower, upper)).then(|| table.range((lower.clone(), upper.clone())));
        TableRange { range, order }
    }
}

impl Iterator for TableRange<'_> {
    type Item = (Bytes, Option<Bytes>);

    fn next(&mut self) -> Option<Self::Item> {
        let range = self.range.as_mut()?;
        let entry = match self.order {
            Order::Ascending => range.next(),
            Order::Descending => range.next_back(),
        };
        entry.map(|(key, value)| (key.clone(), value.clone()))
    }
}
