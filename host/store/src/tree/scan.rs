//! Reads entries in order.
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::{Nodes, Tree};
use crate::error::ReadError;

/// The order of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the least key up.
    Ascending,
    /// From the greatest key down.
    Descending,
}

/// The entries between two bounds, read as they are asked for.
pub(crate) struct TreeScan {}

impl Tree {
    /// The entries between two bounds, in either order.
    pub(crate) fn scan(
        &self,
        nodes: Arc<dyn Nodes>,
        lower: Bound<Bytes>,
        upper: Bound<Bytes>,
        order: Order,
    ) -> TreeScan {
        let _ = (nodes, lower, upper, order);
        todo!()
    }
}

impl Iterator for TreeScan {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        todo!()
    }
}
