//! Cuts a sequence of entries into nodes by their contents.
//!
//! After each entry the chunker asks whether the node ends here. The answer depends on the hash of the entry's key
//! (salted by level) and on the bytes of the node before (`s`) and after (`e`) the entry, nothing else:
//!
//! ```text
//! boundary  iff  hash32 · L⁴ < (e⁴ − s⁴) · 2³²          L = 4 KiB, in integers
//! ```
//!
//! That gives sizes around L with little spread (a Weibull distribution of shape 4), and the same cuts wherever the same
//! entries follow a boundary. Two more rules, just as canonical: a node ends when the largest possible next entry might
//! not fit into 16 KiB, so keys chosen to avoid boundaries do not build huge nodes; and an inner node does not end with
//! one child, so every level is at most half as long as the one below.

use bytes::Bytes;

use super::node::{self, Child, ENTRY_BYTES_MAX, LEVEL_MAX, NODE_HEAD_BYTES, Node, Weight};
use super::root::NodeHash;

/// The size that nodes are cut around.
pub(crate) const NODE_BYTES_TARGET: usize = 4 * 1024;
/// No node is larger.
pub(crate) const NODE_BYTES_MAX: usize = 16 * 1024;

/// Builds the nodes of one level, from one boundary to the next.
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Chunker {
    level: u8,
    /// Keys the hash that decides about boundaries.
    salt: [u8; 32],
    bytes: Vec<u8>,
    count: u32,
    weight: Weight,
    /// Where the last entry starts.
    last: usize,
}

/// A node that the chunker completed.
pub(crate) struct Built {
    /// Its greatest key.
    pub(crate) last_key: Bytes,
    /// What its parent says of it.
    pub(crate) child: Child,
    /// The only child of an inner node that has just one. Only the last node of a level can be such.
    pub(crate) only: Option<Child>,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Chunker {
    /// A chunker at a boundary.
    pub(crate) fn new(level: u8) -> Chunker {
        assert!(level <= LEVEL_MAX, "a tree of more than {LEVEL_MAX} levels");
        let mut salt = *b"stead state tree: boundary, v1\0\0";
        salt[31] = level;
        Chunker { level, salt, bytes: Vec::new(), count: 0, weight: Weight::default(), last: 0 }
    }

    /// Whether the last entry ended a node.
    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds one encoded entry. If it ends the node, [`take`](Chunker::take) must follow.
    #[must_use]
    pub(crate) fn push(&mut self, raw: &[u8]) -> bool {
        self.start();
        let start = self.bytes.len();
        self.bytes.extend_from_slice(raw);
        self.last = start;
        self.count += 1;
        self.weight.add(node::weight_at(raw, 0, self.level));
        self.is_boundary(start)
    }

    /// Adds entries of an old node that are known to end nothing: they follow the same entries as they did there.
    pub(crate) fn push_prefix(&mut self, node: &Node, end: usize) {
        debug_assert!(self.is_empty());
        if end == 0 {
            return;
        }
        self.start();
        self.bytes.extend_from_slice(node.raw(0, end));
        self.last = self.bytes.len() - node.raw(end - 1, end).len();
        self.count = end as u32;
        self.weight = node.weight_of(0..end);
    }

    /// Completes the node and starts the next.
    pub(crate) fn take(&mut self) -> Built {
        let mut bytes = std::mem::take(&mut self.bytes);
        let (count, weight) = (std::mem::take(&mut self.count), std::mem::take(&mut self.weight));
        assert!(count > 0 && bytes.len() <= NODE_BYTES_MAX, "a node of {count} entries and {} bytes", bytes.len());
        node::finish_node(count, &mut bytes);
        let last_key = Bytes::copy_from_slice(node::key_at(&bytes, self.last));
        let only = (self.level > 0 && count == 1).then(|| node::child_at(&bytes, self.last));
        let child = Child { hash: NodeHash::of(self.level, &bytes), weight };
        Built { last_key, child, only, bytes }
    }

    /// The size of the node so far.
    #[cfg(test)]
    pub(crate) fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    fn start(&mut self) {
        if self.count == 0 {
            self.bytes.reserve(NODE_BYTES_TARGET + NODE_BYTES_TARGET / 2);
            node::start_node(self.level, &mut self.bytes);
        }
    }

    fn is_boundary(&self, start: usize) -> bool {
        let end = self.bytes.len();
        if self.level > 0 && self.count < 2 {
            return false;
        }
        if end + ENTRY_BYTES_MAX > NODE_BYTES_MAX {
            return true;
        }
        let digest = blake3::keyed_hash(&self.salt, node::key_at(&self.bytes, start));
        let [a, b, c, d, ..] = *digest.as_bytes();
        let hash32 = u128::from(u32::from_le_bytes([a, b, c, d]));
        let fourth = |size: usize| (size as u128).pow(4);
        hash32 * fourth(NODE_BYTES_TARGET) < (fourth(end) - fourth(start)) << 32
    }
}

// An inner node of one child, then a second entry, stays within the bound; so does any node before its last entry.
const _: () = assert!(NODE_HEAD_BYTES + 2 * ENTRY_BYTES_MAX <= NODE_BYTES_MAX);
