//! The tree against a `BTreeMap`, and its nodes against hostile bytes.

mod clear;
mod codec;
mod costs;
mod hostile;
mod model;
mod proof;
mod shape;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::Bytes;
use parking_lot::Mutex;

use super::{Node, NodeHash, NodeSink, Nodes, Ranges, Tree, ValueHash};
use crate::error::ReadError;

type Model = BTreeMap<Bytes, Bytes>;
type Batch = BTreeMap<Bytes, Option<Bytes>>;

/// Nodes in memory that several trees of a test share.
#[derive(Default)]
struct Shelf {
    nodes: Mutex<HashMap<NodeHash, Arc<Node>>>,
    values: Mutex<HashMap<ValueHash, Bytes>>,
}

impl Shelf {
    fn new() -> Arc<Shelf> {
        Arc::default()
    }

    /// Applies a batch and keeps the new nodes.
    fn apply(&self, tree: &Tree, batch: impl IntoIterator<Item = (Bytes, Option<Bytes>)>) -> Tree {
        self.clear(tree, &Ranges::new(), batch)
    }

    /// Clears ranges, then applies a batch, and keeps the new nodes.
    fn clear(&self, tree: &Tree, cleared: &Ranges, batch: impl IntoIterator<Item = (Bytes, Option<Bytes>)>) -> Tree {
        let mut new = Recorded::default();
        let tree = tree.apply(self, cleared, batch.into_iter(), &mut new).unwrap();
        for (hash, bytes) in new.nodes {
            self.nodes.lock().insert(hash, Arc::new(Node::decode(bytes.into()).unwrap()));
        }
        self.values.lock().extend(new.values);
        tree
    }

    /// The tree of some contents, built at once.
    fn build(&self, model: &Model) -> Tree {
        self.apply(&Tree::EMPTY, model.iter().map(|(key, value)| (key.clone(), Some(value.clone()))))
    }
}

impl Nodes for Shelf {
    fn node(&self, hash: &NodeHash) -> Result<Arc<Node>, ReadError> {
        self.nodes.lock().get(hash).cloned().ok_or_else(|| ReadError::Missing { hash: hash.to_string() })
    }

    fn value(&self, hash: &ValueHash, len: u32) -> Result<Bytes, ReadError> {
        let value = self.values.lock().get(hash).filter(|value| value.len() == len as usize).cloned();
        value.ok_or_else(|| ReadError::Missing { hash: hash.to_string() })
    }
}

/// Counts the nodes that are read.
struct Counted(Arc<Shelf>, AtomicUsize);

impl Counted {
    fn new(shelf: &Arc<Shelf>) -> Arc<Counted> {
        Arc::new(Counted(shelf.clone(), AtomicUsize::new(0)))
    }

    /// The nodes read since the last time.
    fn reads(&self) -> usize {
        self.1.swap(0, Relaxed)
    }
}

impl Nodes for Counted {
    fn node(&self, hash: &NodeHash) -> Result<Arc<Node>, ReadError> {
        self.1.fetch_add(1, Relaxed);
        self.0.node(hash)
    }

    fn value(&self, hash: &ValueHash, len: u32) -> Result<Bytes, ReadError> {
        self.0.value(hash, len)
    }
}

/// What a sink was given.
#[derive(Default)]
struct Recorded {
    nodes: Vec<(NodeHash, Vec<u8>)>,
    values: Vec<(ValueHash, Bytes)>,
}

impl NodeSink for Recorded {
    fn node(&mut self, hash: NodeHash, bytes: Vec<u8>) {
        self.nodes.push((hash, bytes));
    }

    fn value(&mut self, hash: ValueHash, bytes: Bytes) {
        self.values.push((hash, bytes));
    }
}

/// Small numbers that look random (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// The key of a number: eight bytes, then filler whose length the number decides. Few keys make a deep tree if they
/// are long.
fn key(number: u64, length_max: u64) -> Bytes {
    let length = Random(number).below(length_max + 1) as usize;
    let mut key = number.to_be_bytes().to_vec();
    key.resize(8 + length, b'k');
    key.into()
}

/// A value; some are stored outside their leaf.
fn value(seed: u64, length: usize) -> Bytes {
    let mut value = seed.to_le_bytes().repeat(length / 8 + 1);
    value.truncate(length);
    value.into()
}
