//! The order of a file's items, and what each node must be to stand where it does.
//!
//! Who writes a file, reads one or looks how much of it is there already walks the same way: [`next`](Walk::next) says
//! what comes next; a node that is then [opened](Walk::open) is followed by what it names, and one that is not is
//! passed over with all that is below it.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::tree::{Node, NodeHash, Tree, Value, ValueHash, Weight};

/// A position in the pre-order of a tree.
pub(super) struct Walk {
    /// The root node, before it was asked for.
    root: Option<Place>,
    /// The nodes on the way down, each with the index of its next entry.
    path: Vec<(Arc<Node>, usize, Place)>,
    /// Values that came already. Each took more than a kilobyte of the file, so that this stays far smaller than it.
    settled: HashSet<ValueHash>,
}

/// What comes next.
pub(super) enum Next {
    Node(Place),
    /// A value outside its leaf.
    Value {
        key: Bytes,
        hash: ValueHash,
        len: u32,
    },
}

/// Where a node stands in a tree, and what its parent says of it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) hash: NodeHash,
    pub(super) level: u8,
    /// The last key below it; none for the root node.
    pub(super) key: Option<Bytes>,
    /// The last key before it, if there is one.
    pub(super) after: Option<Bytes>,
    /// No node of its level follows.
    pub(super) is_last: bool,
    pub(super) weight: Weight,
}

impl Walk {
    /// A position before the root node.
    pub(super) fn new(tree: &Tree) -> Walk {
        let root = tree.node.map(|hash| Place {
            hash,
            level: tree.height,
            key: None,
            after: None,
            is_last: true,
            weight: Weight { entries: tree.entries, bytes: tree.bytes, outside: false },
        });
        Walk { root, path: Vec::new(), settled: HashSet::new() }
    }

    /// What comes next; none at the end.
    pub(super) fn next(&mut self) -> Option<Next> {
        if let Some(root) = self.root.take() {
            return Some(Next::Node(root));
        }
        while let Some((node, index, place)) = self.path.last_mut() {
            if *index == node.len() {
                self.path.pop();
                continue;
            }
            let at = *index;
            *index += 1;
            if node.level() > 0 {
                return Some(Next::Node(place.child(node, at)));
            }
            if let Value::Outside { hash, len } = node.value(at)
                && self.settled.insert(hash)
            {
                return Some(Next::Value { key: node.key_bytes(at), hash, len });
            }
        }
        None
    }

    /// Goes on with what a node names: the one that came last.
    pub(super) fn open(&mut self, place: Place, node: Arc<Node>) {
        self.path.push((node, 0, place));
    }
}

impl Place {
    fn child(&self, node: &Node, index: usize) -> Place {
        let child = node.child(index);
        Place {
            hash: child.hash,
            level: self.level - 1,
            key: Some(node.key_bytes(index)),
            after: if index == 0 { self.after.clone() } else { Some(node.key_bytes(index - 1)) },
            is_last: self.is_last && index + 1 == node.len(),
            weight: child.weight,
        }
    }

    /// Checks that a node with the right hash may stand here: if every node of a tree may, the tree is the one that this
    /// store builds from its entries.
    ///
    /// Where a node ends depends on its own entries alone; so a level is cut right if each of its nodes is, and the level
    /// above names each with its last key, its weight and its hash. That the keys of a level ascend needs the first
    /// key of each node to lie behind the last key before it. The root is on the lowest level with one node if it has
    /// two children or is a leaf.
    pub(super) fn check(&self, node: &Node) -> Result<(), &'static str> {
        let is_root = self.key.is_none();
        if node.level() != self.level {
            Err("a node has not the level on which its parent names it")
        } else if self.key.as_ref().is_some_and(|key| *key != node.last_key()) {
            Err("a node has not the last key that its parent names")
        } else if self.after.as_ref().is_some_and(|after| *after >= node.key(0)) {
            Err("keys do not ascend from one node to the next")
        } else if self.weight_of(node) != self.weight {
            Err("a node has not the entries and bytes that its parent names")
        } else if is_root && self.level > 0 && node.len() < 2 {
            Err("the root node has a single child")
        } else if !node.is_canonical(self.is_last) {
            Err("a node ends where this store would not have ended it")
        } else {
            Ok(())
        }
    }

    /// What a node holds, as far as is known of it here: the header does not say whether there are values outside leaves.
    pub(super) fn weight_of(&self, node: &Node) -> Weight {
        let weight = node.weight_of(0..node.len());
        if self.key.is_none() { Weight { outside: false, ..weight } } else { weight }
    }
}
