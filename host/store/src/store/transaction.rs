//! Buffered writes over a frozen view.

use std::ops::Bound;

use bytes::Bytes;

use crate::error::ReadError;
use crate::store::{View, Writes};
use crate::tree::Order;

/// Reads see the view with this transaction's own writes on top. Nothing leaves it until its writes are committed.
pub struct Transaction {
    view: View,
    writes: Writes,
}

/// A point in a transaction to return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Savepoint(usize);

impl Transaction {
    /// Starts a transaction.
    pub fn new(view: View) -> Transaction {
        Transaction { view, writes: Writes::new() }
    }

    /// What the transaction started from.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// The value of a key.
    pub fn get(&self, _key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        todo!()
    }

    /// Sets a key.
    pub fn put(&mut self, _key: Bytes, _value: Bytes) {
        todo!()
    }

    /// Removes a key; one that is not there is no error.
    pub fn delete(&mut self, _key: Bytes) {
        todo!()
    }

    /// The entries between two bounds.
    pub fn scan(&self, _lower: Bound<Bytes>, _upper: Bound<Bytes>, _order: Order) -> TransactionScan<'_> {
        todo!()
    }

    /// How many entries lie between two bounds.
    pub fn count(&self, _lower: Bound<Bytes>, _upper: Bound<Bytes>) -> Result<u64, ReadError> {
        todo!()
    }

    /// Marks a point to return to.
    pub fn savepoint(&mut self) -> Savepoint {
        todo!()
    }

    /// Takes back every write since the savepoint. Later savepoints are void.
    pub fn rollback_to(&mut self, _savepoint: Savepoint) {
        todo!()
    }

    /// Bytes of keys and values written so far.
    pub fn bytes(&self) -> u64 {
        todo!()
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

/// Entries of a transaction, in the asked order.
pub struct TransactionScan<'a> {
    marker: std::marker::PhantomData<&'a ()>,
}

impl Iterator for TransactionScan<'_> {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
