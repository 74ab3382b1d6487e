//! Compares two trees, visiting only what differs.
//!
//! Both trees are walked in the order of keys. Where both stand before the same node, it is skipped whole. Otherwise the
//! higher of the two nodes is opened, but never for the sake of keys that the other tree has passed already.

use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;

use super::node::Node;
use super::root::NodeHash;
use super::{Nodes, Tree, load, read_value};
use crate::error::ReadError;

/// A key under which two states hold different values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: Bytes,
    /// The value in the first one, if it has the key.
    pub old: Option<Bytes>,
    /// The value in the second one, if it has the key.
    pub new: Option<Bytes>,
}

/// The differences of two trees, in the order of keys. After an error nothing follows.
pub(crate) struct TreeDiff {
    nodes: Arc<dyn Nodes>,
    old: Side,
    new: Side,
    failed: bool,
}

impl Tree {
    /// What differs from this tree to another.
    pub(crate) fn diff(&self, other: &Tree, nodes: Arc<dyn Nodes>) -> TreeDiff {
        TreeDiff { nodes, old: Side::new(self), new: Side::new(other), failed: false }
    }
}

impl Iterator for TreeDiff {
    type Item = Result<Difference, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let difference = self.step();
        self.failed = difference.is_err();
        difference.transpose()
    }
}

impl TreeDiff {
    fn step(&mut self) -> Result<Option<Difference>, ReadError> {
        loop {
            let (old, new) = (self.old.front(), self.new.front());
            match (&old, &new) {
                (Front::End, Front::End) => return Ok(None),
                (Front::Subtree { hash: old, .. }, Front::Subtree { hash: new, .. }) if old == new => {
                    self.old.skip();
                    self.new.skip();
                    continue;
                }
                _ => {}
            }
            let order = self.compare(&old, &new);
            if order != Ordering::Greater
                && let Front::Subtree { hash, level } = old
            {
                self.old.open(load(&*self.nodes, &hash, level)?);
            } else if order != Ordering::Less
                && let Front::Subtree { hash, level } = new
            {
                self.new.open(load(&*self.nodes, &hash, level)?);
            } else if let Some(difference) = self.pass(order, old, new)? {
                return Ok(Some(difference));
            }
        }
    }

    /// Which side goes on: `Less` the old one, `Greater` the new one, `Equal` both.
    fn compare(&self, old: &Front, new: &Front) -> Ordering {
        if self.new.has_passed(&self.old, old) {
            return Ordering::Less;
        }
        if self.old.has_passed(&self.new, new) {
            return Ordering::Greater;
        }
        match (old, new) {
            (Front::Entry { leaf: a, index: i }, Front::Entry { leaf: b, index: j }) => a.key(*i).cmp(b.key(*j)),
            // The higher node is opened first.
            _ => new.level().cmp(&old.level()),
        }
    }

    /// Goes past one entry, or past one on each side that have the same key.
    fn pass(&mut self, order: Ordering, old: Front, new: Front) -> Result<Option<Difference>, ReadError> {
        let old = if order == Ordering::Greater { None } else { self.old.take(old) };
        let new = if order == Ordering::Less { None } else { self.new.take(new) };
        let Some((leaf, index)) = old.as_ref().or(new.as_ref()) else { return Ok(None) };
        let key = leaf.key_bytes(*index);
        let value = |entry: Option<(Arc<Node>, usize)>| entry.map(|(leaf, index)| leaf.value(index));
        let (old, new) = (value(old), value(new));
        if old == new {
            return Ok(None);
        }
        let read = |value: Option<_>| value.map(|value| read_value(&*self.nodes, value)).transpose();
        Ok(Some(Difference { key, old: read(old)?, new: read(new)? }))
    }
}

/// One of the two trees and a position in it.
struct Side {
    /// The root, until it is opened or skipped.
    root: Option<(NodeHash, u8)>,
    /// The opened nodes on the way down, each with the index of its next entry.
    path: Vec<(Arc<Node>, usize)>,
    /// The greatest key that was passed.
    passed: Option<Bytes>,
}

/// What stands at a position.
enum Front {
    End,
    Subtree { hash: NodeHash, level: u8 },
    Entry { leaf: Arc<Node>, index: usize },
}

impl Front {
    /// The level of the node; below all nodes for an entry.
    fn level(&self) -> Option<u8> {
        match self {
            Front::Subtree { level, .. } => Some(*level),
            Front::End | Front::Entry { .. } => None,
        }
    }
}

impl Side {
    fn new(tree: &Tree) -> Side {
        Side { root: tree.node.map(|hash| (hash, tree.height)), path: vec![], passed: None }
    }

    fn front(&mut self) -> Front {
        if let Some((hash, level)) = self.root {
            return Front::Subtree { hash, level };
        }
        while self.path.last().is_some_and(|(node, index)| *index == node.len()) {
            self.path.pop();
        }
        match self.path.last() {
            None => Front::End,
            Some((leaf, index)) if leaf.level() == 0 => Front::Entry { leaf: leaf.clone(), index: *index },
            Some((node, index)) => Front::Subtree { hash: node.child_hash(*index), level: node.level() - 1 },
        }
    }

    /// Whether all that stands at the front of `other` lies before what is left of this side.
    fn has_passed(&self, other: &Side, front: &Front) -> bool {
        let is_at_end = self.root.is_none() && self.path.is_empty();
        match (front, &self.passed, other.path.last()) {
            (Front::End, _, _) => false,
            _ if is_at_end => true,
            (_, Some(passed), Some((node, index))) => node.key(*index) <= &**passed,
            _ => false,
        }
    }

    /// Goes past the node or entry at the front.
    fn skip(&mut self) {
        if self.root.take().is_none()
            && let Some((node, index)) = self.path.last_mut()
        {
            self.passed = Some(node.key_bytes(*index));
            *index += 1;
        }
    }

    /// Replaces the node at the front by its entries.
    fn open(&mut self, node: Arc<Node>) {
        if self.root.take().is_none()
            && let Some((_, index)) = self.path.last_mut()
        {
            *index += 1;
        }
        self.path.push((node, 0));
    }

    /// Goes past the entry at the front.
    fn take(&mut self, front: Front) -> Option<(Arc<Node>, usize)> {
        let Front::Entry { leaf, index } = front else { return None };
        self.skip();
        Some((leaf, index))
    }
}
