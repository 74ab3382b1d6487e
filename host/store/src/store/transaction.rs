//! Buffered changes over a frozen view.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::ops::Bound;

use bytes::Bytes;

use crate::error::ReadError;
use crate::store::mask::{Gaps, Masked, Viewed, half_open};
use crate::store::merge::{Merge, bounds_are_empty, next_in};
use crate::store::table::entry_bytes;
use crate::store::{Change, StateId, View, WriterEpoch, Writes};
use crate::tree::{Order, Ranges, Read};

/// Reads see the view with this transaction's own changes on top. Nothing leaves it until they are committed.
pub struct Transaction {
    view: View,
    /// What of the view is gone.
    cleared: Ranges,
    writes: Writes,
    bytes: u64,
    /// One for each savepoint that was not released, the oldest first.
    levels: Vec<Level>,
}

/// What the transaction was like at a savepoint, as far as it changed before the next one. A key stands here once however
/// often it is written, so that what a savepoint takes is bounded by what the transaction may hold.
struct Level {
    bytes: u64,
    cleared: Ranges,
    before: BTreeMap<Bytes, Option<Option<Bytes>>>,
}

/// A point in a transaction to return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Savepoint(usize);

/// What a transaction does to its state, in one form for one outcome: all that it clears, and then all that it writes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Effects {
    /// Ranges of keys, each from a key up to one that stays, or to the end. Ascending, apart from each other.
    pub cleared: Vec<(Bytes, Option<Bytes>)>,
    /// What is written after that.
    pub writes: Writes,
}

impl Effects {
    /// The same as changes of a commit.
    pub fn into_changes(self, state: StateId, epoch: WriterEpoch) -> Vec<Change> {
        let cleared = self.cleared.into_iter().map(|(from, to)| Change::Clear { state, epoch, from, to });
        let writes = (!self.writes.is_empty()).then_some(Change::Write { state, epoch, writes: self.writes });
        cleared.chain(writes).collect()
    }
}

impl Transaction {
    /// Starts a transaction.
    pub fn new(view: View) -> Transaction {
        let (cleared, writes) = (Ranges::new(), Writes::new());
        Transaction { view, cleared, writes, bytes: 0, levels: Vec::new() }
    }

    /// What the transaction started from.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        match self.writes.get(key) {
            Some(value) => Ok(value.clone()),
            None if self.cleared.contains(key) => Ok(None),
            None => self.view.get(key),
        }
    }

    /// Sets a key.
    pub fn put(&mut self, key: Bytes, value: Bytes) {
        self.write(key, Some(value));
    }

    /// Removes a key; one that is not there is no error.
    pub fn delete(&mut self, key: Bytes) {
        self.write(key, None);
    }

    fn write(&mut self, key: Bytes, value: Option<Bytes>) {
        self.bytes += entry_bytes(key.len(), value.as_ref());
        let before = self.writes.insert(key.clone(), value);
        if let Some(before) = &before {
            self.bytes -= entry_bytes(key.len(), before.as_ref());
        }
        if let Some(level) = self.levels.last_mut() {
            level.before.entry(key).or_insert(before);
        }
    }

    /// Removes all keys from `from` up to `to`, or to the end. What it costs depends on what this transaction wrote there,
    /// not on how much the view holds.
    pub fn clear(&mut self, from: Bytes, to: Option<Bytes>) {
        if to.as_ref().is_some_and(|to| *to <= from) {
            return;
        }
        let upper = to.clone().map_or(Bound::Unbounded, Bound::Excluded);
        let written: Vec<_> = self.writes.extract_if((Bound::Included(from.clone()), upper), |_, _| true).collect();
        self.bytes -= written.iter().map(|(key, value)| entry_bytes(key.len(), value.as_ref())).sum::<u64>();
        if !self.cleared.covers(&from, to.as_ref()) {
            self.bytes += entry_bytes(from.len(), to.as_ref());
            self.cleared.insert(from, to);
        }
        if let Some(level) = self.levels.last_mut() {
            for (key, value) in written {
                level.before.entry(key).or_insert(Some(value));
            }
        }
    }

    /// The entries between two bounds.
    pub fn scan(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order) -> TransactionScan<'_> {
        self.read(lower, upper, order, Read::Entries)
    }

    /// The keys between two bounds. Large values are not read for it.
    pub fn keys(
        &self,
        lower: Bound<Bytes>,
        upper: Bound<Bytes>,
        order: Order,
    ) -> impl Iterator<Item = Result<Bytes, ReadError>> + '_ {
        self.read(lower, upper, order, Read::Keys).map(|entry| entry.map(|(key, _)| key))
    }

    fn read(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order, read: Read) -> TransactionScan<'_> {
        let writes = WritesRange::new(&self.writes, &lower, &upper, order);
        let below = Masked::new(Viewed(&self.view, read), &self.cleared, lower, upper, order);
        TransactionScan { merge: Merge::new(writes, below, order) }
    }

    /// How many entries lie between two bounds.
    pub fn count(&self, lower: Bound<Bytes>, upper: Bound<Bytes>) -> Result<u64, ReadError> {
        let Some(range) = half_open(&lower, &upper) else { return Ok(0) };
        let mut count = 0;
        if self.cleared.touches(&range.0, range.1.as_ref()) {
            for gap in Gaps::new(&self.cleared, range) {
                count += self.view.count_afresh(&gap)?;
            }
        } else {
            count = self.view.count(lower.clone(), upper.clone())?;
        }
        for (key, value) in WritesRange::new(&self.writes, &lower, &upper, Order::Ascending) {
            let was_there = !self.cleared.contains(&key) && self.view.get(&key)?.is_some();
            match (was_there, value.is_some()) {
                (false, true) => count += 1,
                (true, false) => count -= 1,
                _ => {}
            }
        }
        Ok(count)
    }

    /// Marks a point to return to.
    pub fn savepoint(&mut self) -> Savepoint {
        self.levels.push(Level { bytes: self.bytes, cleared: self.cleared.clone(), before: BTreeMap::new() });
        Savepoint(self.levels.len() - 1)
    }

    /// Takes back every change since the savepoint, which stays. Later savepoints are void.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        if savepoint.0 >= self.levels.len() {
            return;
        }
        for level in self.levels.drain(savepoint.0..).rev() {
            (self.bytes, self.cleared) = (level.bytes, level.cleared);
            for (key, before) in level.before {
                match before {
                    Some(value) => drop(self.writes.insert(key, value)),
                    None => drop(self.writes.remove(&key)),
                }
            }
        }
        self.savepoint();
    }

    /// Keeps every change since the savepoint: it and later ones are void, and nothing is remembered for them any more.
    pub fn release(&mut self, savepoint: Savepoint) {
        let released: Vec<Level> = self.levels.drain(savepoint.0.min(self.levels.len())..).collect();
        let Some(outer) = self.levels.last_mut() else { return };
        for level in released {
            for (key, before) in level.before {
                outer.before.entry(key).or_insert(before);
            }
        }
    }

    /// Bytes of the keys and values written so far, and of the ends of what was cleared.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// How many changes there are: keys that were written, and ranges that were cleared.
    pub fn changes(&self) -> usize {
        self.writes.len() + self.cleared.len()
    }

    /// Nothing was changed.
    pub fn is_empty(&self) -> bool {
        self.changes() == 0
    }

    /// Ends the transaction and hands out what it does.
    pub fn into_effects(self) -> Effects {
        let Transaction { cleared, mut writes, .. } = self;
        writes.retain(|key, value| value.is_some() || !cleared.contains(key));
        Effects { cleared: cleared.iter().map(|(from, to)| (from.clone(), to.cloned())).collect(), writes }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("view", &self.view).field("changes", &self.changes()).finish()
    }
}

/// Entries of a transaction, in the asked order.
pub struct TransactionScan<'a> {
    merge: Merge<WritesRange<'a>, Masked<Viewed<'a>>>,
}

impl Iterator for TransactionScan<'_> {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.merge.next()
    }
}

/// A range of a transaction's writes, in either order.
struct WritesRange<'a> {
    range: Option<btree_map::Range<'a, Bytes, Option<Bytes>>>,
    order: Order,
}

impl<'a> WritesRange<'a> {
    fn new(writes: &'a Writes, lower: &Bound<Bytes>, upper: &Bound<Bytes>, order: Order) -> WritesRange<'a> {
        let range =
            (!bounds_are_empty(lower, upper)).then(|| writes.range::<Bytes, _>((lower.as_ref(), upper.as_ref())));
        WritesRange { range, order }
    }
}

impl Iterator for WritesRange<'_> {
    type Item = (Bytes, Option<Bytes>);

    fn next(&mut self) -> Option<Self::Item> {
        next_in(&mut self.range, self.order).map(|(key, value)| (key.clone(), value.clone()))
    }
}
