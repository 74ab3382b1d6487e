//! What of a tree cannot be read. The walk goes on past nodes and values that are lost: what stands beside them is there,
//! and the parent of a lost node knows which keys, and how many entries, lay under it.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::node::{Child, Value, Weight};
use super::{Hash, NodeHash, Nodes, Order, Tree, TreeScan, load};
use crate::error::ReadError;

/// Entries that cannot be read: those with a key greater than `after` and at most `to`.
#[derive(Debug)]
pub(crate) struct Lost {
    /// The last key before them; none if they begin the tree.
    pub(crate) after: Option<Bytes>,
    /// The last of their keys; none if they end the tree and nothing says with which.
    pub(crate) to: Option<Bytes>,
    /// How many there are.
    pub(crate) entries: u64,
    /// The bytes of their keys and values.
    pub(crate) bytes: u64,
    /// Why.
    pub(crate) error: ReadError,
}

impl Lost {
    /// Whether a key is one of those that are lost, if it was there.
    pub(crate) fn covers(&self, key: &[u8]) -> bool {
        self.after.as_ref().is_none_or(|after| **after < *key) && self.to.as_ref().is_none_or(|to| *key <= **to)
    }
}

/// Says whether something is stored whole, without reading it here.
pub(crate) type Check<'a> = &'a dyn Fn(&Hash) -> Result<(), ReadError>;

impl Tree {
    /// Everything that cannot be read of the tree, ascending by key. Leaves without outside values, and values, are only
    /// asked for through `check`. `sound` remembers subtrees with nothing lost, so that trees that share most of their nodes
    /// are walked once.
    pub(crate) fn lost(&self, nodes: &dyn Nodes, check: Check<'_>, sound: &mut HashSet<Hash>) -> Vec<Lost> {
        let mut walk = Walk { nodes, check, sound, lost: Vec::new() };
        if let Some(hash) = self.node {
            let weight = Weight { entries: self.entries, bytes: self.bytes, outside: true };
            walk.node(Child { hash, weight }, self.height, None, None);
        }
        walk.lost
    }

    /// The entries that can be read, given all that cannot.
    pub(crate) fn readable(&self, nodes: Arc<dyn Nodes>, lost: &[Lost]) -> Readable {
        let mut spans = Vec::with_capacity(lost.len() + 1);
        let mut start = Some(Bound::Unbounded);
        for lost in lost {
            if let (Some(from), Some(until)) = (start.take(), &lost.after) {
                spans.push((from, Some(until.clone())));
            }
            start = lost.to.clone().map(Bound::Excluded);
        }
        spans.extend(start.map(|from| (from, None)));
        spans.reverse();
        Readable { tree: *self, nodes, spans, scan: None }
    }
}

struct Walk<'a> {
    nodes: &'a dyn Nodes,
    check: Check<'a>,
    sound: &'a mut HashSet<Hash>,
    lost: Vec<Lost>,
}

impl Walk<'_> {
    /// Walks a subtree with the keys after `after` up to `to`; true if nothing of it is lost.
    fn node(&mut self, child: Child, level: u8, after: Option<Bytes>, to: Option<Bytes>) -> bool {
        let NodeHash(hash) = child.hash;
        if self.sound.contains(&hash) {
            return true;
        }
        let found = match level == 0 && !child.weight.outside {
            true => (self.check)(&hash).map(|()| None),
            false => load(self.nodes, &child.hash, level).map(Some),
        };
        let node = match found {
            Ok(Some(node)) => node,
            Ok(None) => return true,
            Err(error) => {
                let Weight { entries, bytes, .. } = child.weight;
                self.lost.push(Lost { after, to, entries, bytes, error });
                return false;
            }
        };
        let mut is_sound = true;
        let mut after = after;
        for index in 0..node.len() {
            let key = node.key_bytes(index);
            is_sound &= match level {
                0 => self.value(&node.value(index), node.weight(index), after, &key),
                _ => self.node(node.child(index), level - 1, after, Some(key.clone())),
            };
            after = Some(key);
        }
        if is_sound {
            self.sound.insert(hash);
        }
        is_sound
    }

    fn value(&mut self, value: &Value, weight: Weight, after: Option<Bytes>, key: &Bytes) -> bool {
        let Value::Outside { hash, .. } = value else { return true };
        let Err(error) = (self.check)(&hash.0) else { return true };
        let Weight { entries, bytes, .. } = weight;
        self.lost.push(Lost { after, to: Some(key.clone()), entries, bytes, error });
        false
    }
}

/// The entries of a tree that can be read, ascending.
pub(crate) struct Readable {
    tree: Tree,
    nodes: Arc<dyn Nodes>,
    /// Spans without a loss, the first one last: from a bound up to a key that is there, or to the end.
    spans: Vec<(Bound<Bytes>, Option<Bytes>)>,
    scan: Option<(TreeScan, Option<Bytes>)>,
}

impl Iterator for Readable {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((scan, last)) = &mut self.scan {
                let entry = scan.next();
                // Past the last key of the span a scan would step onto what is lost.
                if !matches!((&entry, &last), (Some(Ok((key, _))), Some(last)) if key < last) && last.is_some() {
                    self.scan = None;
                }
                match entry {
                    Some(entry) => return Some(entry),
                    None => self.scan = None,
                }
            }
            let (from, last) = self.spans.pop()?;
            // Two losses side by side leave nothing between them.
            if matches!((&from, &last), (Bound::Excluded(from), Some(last)) if from >= last) {
                continue;
            }
            let to = last.clone().map_or(Bound::Unbounded, Bound::Included);
            self.scan = Some((self.tree.scan(self.nodes.clone(), from, to, Order::Ascending), last));
        }
    }
}
