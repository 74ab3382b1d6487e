//! A frozen state.

use std::ops::Bound;

use bytes::Bytes;

use crate::error::ReadError;
use crate::store::{CommitNumber, StateId, WriterEpoch};
use crate::tree::{Order, Root};

/// One state as it was at one commit. Taking one costs the same whatever the state's size; it never changes.
#[derive(Clone)]
pub struct View {
    state: StateId,
}

impl View {
    /// The state.
    pub fn state(&self) -> StateId {
        self.state
    }

    /// The writer epoch at this point.
    pub fn epoch(&self) -> WriterEpoch {
        todo!()
    }

    /// The last commit that changed the state.
    pub fn commit(&self) -> CommitNumber {
        todo!()
    }

    /// How many commits changed the state since it was created; a fork goes on from its origin.
    pub fn commits(&self) -> u64 {
        todo!()
    }

    /// Bytes of changes since the last checkpoint.
    pub fn dirty_bytes(&self) -> u64 {
        todo!()
    }

    /// The value of a key.
    pub fn get(&self, _key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        todo!()
    }

    /// The entries between two bounds.
    pub fn scan(&self, _lower: Bound<Bytes>, _upper: Bound<Bytes>, _order: Order) -> Scan<'_> {
        todo!()
    }

    /// How many entries lie between two bounds.
    pub fn count(&self, _lower: Bound<Bytes>, _upper: Bound<Bytes>) -> Result<u64, ReadError> {
        todo!()
    }

    /// The state's root: equal exactly when the entries are equal.
    pub fn root(&self) -> Result<Root, ReadError> {
        todo!()
    }
}

/// Entries of a view, in the asked order.
pub struct Scan<'a> {
    marker: std::marker::PhantomData<&'a ()>,
}

impl Iterator for Scan<'_> {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
