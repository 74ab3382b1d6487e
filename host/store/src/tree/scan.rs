//! Reads entries in order, node by node, as they are asked for.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::node::Node;
use super::{Nodes, Tree, load, read_value};
use crate::error::ReadError;

/// The order of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the least key up.
    Ascending,
    /// From the greatest key down.
    Descending,
}

/// The entries between two bounds, read as they are asked for. After an error nothing follows.
pub(crate) struct TreeScan {
    nodes: Arc<dyn Nodes>,
    tree: Tree,
    order: Order,
    /// Where the scan starts, in its order.
    from: Bound<Bytes>,
    /// Where it ends, in its order.
    to: Bound<Bytes>,
    /// The nodes on the way down, each with the number of its entries that lie before the position.
    path: Vec<(Arc<Node>, usize)>,
    state: State,
    read: Read,
}

/// What a scan reads of each entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// Key and value.
    Entries,
    /// The key, with an empty value: of values that lie outside their leaf nothing is read.
    Keys,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Running,
    Done,
}

impl Tree {
    /// The entries between two bounds, in either order.
    pub(crate) fn scan(
        &self,
        nodes: Arc<dyn Nodes>,
        lower: Bound<Bytes>,
        upper: Bound<Bytes>,
        order: Order,
    ) -> TreeScan {
        let (from, to) = match order {
            Order::Ascending => (lower, upper),
            Order::Descending => (upper, lower),
        };
        TreeScan { nodes, tree: *self, order, from, to, path: vec![], state: State::Start, read: Read::Entries }
    }
}

impl Iterator for TreeScan {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Done {
            return None;
        }
        let entry = self.step();
        if !matches!(entry, Ok(Some(_))) {
            self.state = State::Done;
            self.path.clear();
        }
        entry.transpose()
    }
}

impl TreeScan {
    /// The same scan, with what it reads of each entry.
    pub(crate) fn reading(self, read: Read) -> TreeScan {
        TreeScan { read, ..self }
    }

    fn step(&mut self) -> Result<Option<(Bytes, Bytes)>, ReadError> {
        if self.state == State::Start {
            self.state = State::Running;
            self.start()?;
        }
        if !self.settle()? {
            return Ok(None);
        }
        let Some((leaf, position)) = self.path.last_mut() else { return Ok(None) };
        let index = match self.order {
            Order::Ascending => {
                *position += 1;
                *position - 1
            }
            Order::Descending => {
                *position -= 1;
                *position
            }
        };
        if !is_before_end(leaf.key(index), &self.to, self.order) {
            return Ok(None);
        }
        let value = match self.read {
            Read::Entries => read_value(&*self.nodes, leaf.value(index))?,
            Read::Keys => Bytes::new(),
        };
        Ok(Some((leaf.key_bytes(index), value)))
    }

    /// Goes down to the position where the scan starts.
    fn start(&mut self) -> Result<(), ReadError> {
        let Some(mut hash) = self.tree.node else { return Ok(()) };
        for level in (0..=self.tree.height).rev() {
            let node = load(&*self.nodes, &hash, level)?;
            // An entry of an inner node lies before the position if all of its subtree does.
            let before = match (&self.from, self.order) {
                (Bound::Unbounded, Order::Ascending) => 0,
                (Bound::Unbounded, Order::Descending) => node.len(),
                (Bound::Included(key), Order::Ascending) | (Bound::Excluded(key), Order::Descending) => {
                    node.lower_bound(key)
                }
                (Bound::Excluded(key), Order::Ascending) | (Bound::Included(key), Order::Descending) => {
                    match node.search(key) {
                        Ok(index) => index + 1,
                        Err(index) => index,
                    }
                }
            };
            // The child that the position may lie within; upwards it counts as passed, downwards it is not in front any more.
            let within = (level > 0 && before < node.len()).then(|| node.child_hash(before));
            let skip = usize::from(within.is_some() && self.order == Order::Ascending);
            self.path.push((node, before + skip));
            match within {
                Some(child) => hash = child,
                None => break,
            }
        }
        Ok(())
    }

    /// Moves on to the next leaf that has an entry in the scan's direction; false if there is none.
    fn settle(&mut self) -> Result<bool, ReadError> {
        while let Some((node, position)) = self.path.last_mut() {
            let has_more = match self.order {
                Order::Ascending => *position < node.len(),
                Order::Descending => *position > 0,
            };
            if !has_more {
                self.path.pop();
                continue;
            }
            if node.level() == 0 {
                return Ok(true);
            }
            let index = match self.order {
                Order::Ascending => *position,
                Order::Descending => *position - 1,
            };
            match self.order {
                Order::Ascending => *position += 1,
                Order::Descending => *position -= 1,
            }
            let child = load(&*self.nodes, &node.child_hash(index), node.level() - 1)?;
            let start = if self.order == Order::Ascending { 0 } else { child.len() };
            self.path.push((child, start));
        }
        Ok(false)
    }
}

/// Whether a key still lies before the end of the scan.
fn is_before_end(key: &[u8], end: &Bound<Bytes>, order: Order) -> bool {
    match (end, order) {
        (Bound::Unbounded, _) => true,
        (Bound::Included(end), Order::Ascending) => key <= &**end,
        (Bound::Excluded(end), Order::Ascending) => key < &**end,
        (Bound::Included(end), Order::Descending) => key >= &**end,
        (Bound::Excluded(end), Order::Descending) => key > &**end,
    }
}
