//! Compares two trees.
use std::sync::Arc;

use bytes::Bytes;

use super::{Nodes, Tree};
use crate::error::ReadError;

/// A key under which two trees hold different values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The key.
    pub(crate) key: Bytes,
    /// The value in the first tree.
    pub(crate) old: Option<Bytes>,
    /// The value in the second tree.
    pub(crate) new: Option<Bytes>,
}

/// The differences of two trees, in the order of keys.
pub(crate) struct TreeDiff {}

impl Tree {
    /// What differs from this tree to another, visiting only nodes that are not in both.
    pub(crate) fn diff(&self, other: &Tree, nodes: Arc<dyn Nodes>) -> TreeDiff {
        let _ = (other, nodes);
        todo!()
    }
}

impl Iterator for TreeDiff {
    type Item = Result<Difference, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
