//! The state tree: an ordered map from bytes to bytes whose shape, and so whose root, depends on its contents alone.
//!
//! Where a node ends is decided by the hash of the key and by what the node holds already ([`chunker`]); a batch of
//! changes is applied level by level and rewrites only what it touches ([`apply`]). Nodes are immutable and named by
//! their hash. Where they are kept is not the tree's business: it reads through [`Nodes`] and writes through [`NodeSink`].

mod apply;
mod canonical;
mod chunker;
mod count;
mod cursor;
mod damage;
mod diff;
mod groups;
mod mark;
pub(crate) mod node;
mod overlay;
mod proof;
mod ranges;
mod root;
mod scan;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use diff::Difference;
pub use proof::{OutsideValue, Proof, ProofError, Proven};
pub use root::{NotARoot, Root};
pub use scan::Order;

pub(crate) use chunker::{NODE_BYTES_MAX, NODE_BYTES_TARGET};
pub(crate) use cursor::Cursor;
pub(crate) use damage::Lost;
pub(crate) use diff::TreeDiff;
pub(crate) use groups::{GROUP_BYTES, Groups};
pub(crate) use node::{INLINE_VALUE_BYTES_MAX, LEVEL_MAX, Node, NodeError, Value, Weight};
pub(crate) use overlay::Overlay;
pub(crate) use proof::NodesToward;
pub(crate) use ranges::Ranges;
pub(crate) use root::{Hash, NodeHash, ValueHash, hex};
pub(crate) use scan::{Read, TreeScan};

use crate::error::ReadError;

/// A state tree by its root node: 50 bytes that stand for all entries. Copying it is a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tree {
    /// The root node; none if the tree is empty.
    pub(crate) node: Option<NodeHash>,
    /// The root node's level; 0 is a leaf.
    pub(crate) height: u8,
    /// How many entries the tree holds.
    pub(crate) entries: u64,
    /// The bytes of all keys and values.
    pub(crate) bytes: u64,
}

/// Where nodes and values are read from. What is returned was verified against the hash.
pub(crate) trait Nodes: Send + Sync {
    /// The node with this hash.
    fn node(&self, hash: &NodeHash) -> Result<Arc<Node>, ReadError>;
    /// The value with this hash, `len` bytes long.
    fn value(&self, hash: &ValueHash, len: u32) -> Result<Bytes, ReadError>;
    /// The same piece by piece, so that a large value is never held whole, until `take` answers false.
    fn value_in_pieces(
        &self,
        hash: &ValueHash,
        len: u32,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), ReadError> {
        take(&self.value(hash, len)?);
        Ok(())
    }
}

/// Where new nodes and values go.
pub(crate) trait NodeSink {
    /// Takes an encoded node.
    fn node(&mut self, hash: NodeHash, bytes: Vec<u8>);
    /// Takes a value that is stored outside its leaf.
    fn value(&mut self, hash: ValueHash, bytes: Bytes);
}

impl Tree {
    /// The tree without entries.
    pub(crate) const EMPTY: Tree = Tree { node: None, height: 0, entries: 0, bytes: 0 };

    /// The value under a key.
    pub(crate) fn get(&self, nodes: &dyn Nodes, key: &[u8]) -> Result<Option<Bytes>, ReadError> {
        self.find(nodes, key)?.map(|value| read_value(nodes, value)).transpose()
    }

    /// What a leaf says of the value under a key.
    pub(crate) fn find(&self, nodes: &dyn Nodes, key: &[u8]) -> Result<Option<Value>, ReadError> {
        let Some(mut hash) = self.node else { return Ok(None) };
        for level in (1..=self.height).rev() {
            let node = load(nodes, &hash, level)?;
            let index = node.lower_bound(key);
            if index == node.len() {
                return Ok(None);
            }
            hash = node.child_hash(index);
        }
        let leaf = load(nodes, &hash, 0)?;
        Ok(leaf.search(key).ok().map(|index| leaf.value(index)))
    }
}

/// Reads a node and checks that it stands on the level where its parent claims it.
pub(crate) fn load(nodes: &dyn Nodes, hash: &NodeHash, level: u8) -> Result<Arc<Node>, ReadError> {
    let node = nodes.node(hash)?;
    if node.level() == level {
        return Ok(node);
    }
    Err(ReadError::Damaged {
        path: format!("node {hash}"),
        offset: 0,
        what: format!("it has level {}, its parent names it on level {level}", node.level()),
    })
}

/// The bytes of a value, wherever they are stored.
fn read_value(nodes: &dyn Nodes, value: Value) -> Result<Bytes, ReadError> {
    match value {
        Value::Inline(bytes) => Ok(bytes),
        Value::Outside { hash, len } => nodes.value(&hash, len),
    }
}
