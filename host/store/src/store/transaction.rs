//! Buffered writes over a frozen view.

use std::collections::btree_map;
use std::fmt;
use std::ops::Bound;

use bytes::Bytes;

use crate::error::ReadError;
use crate::store::merge::{Merge, bounds_are_empty};
use crate::store::state::entry_bytes;
use crate::store::view::Scan;
use crate::store::{View, Writes};
use crate::tree::Order;

/// Reads see the view with this transaction's own writes on top. Nothing leaves it until its writes are committed.
pub struct Transaction {
    view: View,
    writes: Writes,
    bytes: u64,
    /// What was there before each write, once there is a savepoint to return to.
    undo: Vec<(Bytes, Option<Option<Bytes>>)>,
    has_savepoint: bool,
}

/// A point in a transaction to return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Savepoint(usize);

impl Transaction {
    /// Starts a transaction.
    pub fn new(view: View) -> Transaction {
        Transaction { view, writes: Writes::new(), bytes: 0, undo: Vec::new(), has_savepoint: false }
    }

    /// What the transaction started from.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The value of a key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        match self.writes.get(key) {
            Some(value) => Ok(value.clone()),
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
        self.bytes += entry_bytes(&key, value.as_ref());
        let before = self.writes.insert(key.clone(), value);
        if let Some(before) = &before {
            self.bytes -= entry_bytes(&key, before.as_ref());
        }
        if self.has_savepoint {
            self.undo.push((key, before));
        }
    }

    /// The entries between two bounds.
    pub fn scan(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order) -> TransactionScan<'_> {
        let writes = WritesRange::new(&self.writes, &lower, &upper, order);
        TransactionScan { merge: Merge::new(writes, self.view.scan(lower, upper, order), order) }
    }

    /// How many entries lie between two bounds.
    pub fn count(&self, lower: Bound<Bytes>, upper: Bound<Bytes>) -> Result<u64, ReadError> {
        let writes = WritesRange::new(&self.writes, &lower, &upper, Order::Ascending);
        let mut count = self.view.count(lower.clone(), upper.clone())?;
        for (key, value) in writes {
            match (self.view.get(&key)?.is_some(), value.is_some()) {
                (false, true) => count += 1,
                (true, false) => count -= 1,
                _ => {}
            }
        }
        Ok(count)
    }

    /// Marks a point to return to.
    pub fn savepoint(&mut self) -> Savepoint {
        self.has_savepoint = true;
        Savepoint(self.undo.len())
    }

    /// Takes back every write since the savepoint. Later savepoints are void.
    pub fn rollback_to(&mut self, savepoint: Savepoint) {
        for (key, before) in self.undo.drain(savepoint.0.min(self.undo.len())..).rev() {
            let key_bytes = key.len() as u64;
            let after = match before {
                Some(value) => {
                    self.bytes += key_bytes + value.as_ref().map_or(0, Bytes::len) as u64;
                    self.writes.insert(key, value)
                }
                None => self.writes.remove(&key),
            };
            self.bytes -= key_bytes + after.flatten().map_or(0, |value| value.len()) as u64;
        }
    }

    /// Bytes of keys and values written so far.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Nothing was written.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// What was written so far.
    pub fn writes(&self) -> &Writes {
        &self.writes
    }

    /// Ends the transaction and hands out its writes.
    pub fn into_writes(self) -> Writes {
        self.writes
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("view", &self.view).field("writes", &self.writes.len()).finish()
    }
}

/// Entries of a transaction, in the asked order.
pub struct TransactionScan<'a> {
    merge: Merge<WritesRange<'a>, Scan<'a>>,
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
        let range = self.range.as_mut()?;
        let entry = match self.order {
            Order::Ascending => range.next(),
            Order::Descending => range.next_back(),
        };
        entry.map(|(key, value)| (key.clone(), value.clone()))
    }
}
