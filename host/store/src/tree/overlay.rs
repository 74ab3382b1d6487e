//! New nodes and values in memory, in front of those that are stored.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::node::Node;
use super::root::{NodeHash, ValueHash};
use super::{NodeSink, Nodes};
use crate::error::ReadError;

/// Takes what [`Tree::apply`](super::Tree::apply) makes, and reads it together with what lies below. It holds as much as
/// it took: about the bytes of the changes, and a leaf or so for each change that has no neighbour.
pub(crate) struct Overlay {
    below: Arc<dyn Nodes>,
    nodes: HashMap<NodeHash, Arc<Node>>,
    values: HashMap<ValueHash, Bytes>,
}

impl Overlay {
    /// Nothing new yet.
    pub(crate) fn new(below: Arc<dyn Nodes>) -> Overlay {
        Overlay { below, nodes: HashMap::new(), values: HashMap::new() }
    }
}

impl NodeSink for Overlay {
    fn node(&mut self, hash: NodeHash, bytes: Vec<u8>) {
        self.nodes.insert(hash, Arc::new(Node::decode(bytes.into()).expect("a node that was just encoded")));
    }

    fn value(&mut self, hash: ValueHash, bytes: Bytes) {
        self.values.insert(hash, bytes);
    }
}

impl Nodes for Overlay {
    fn node(&self, hash: &NodeHash) -> Result<Arc<Node>, ReadError> {
        self.nodes.get(hash).cloned().map_or_else(|| self.below.node(hash), Ok)
    }

    fn value(&self, hash: &ValueHash, len: u32) -> Result<Bytes, ReadError> {
        // A leaf that names another length is for what lies below to refuse.
        let value = self.values.get(hash).filter(|value| value.len() == len as usize);
        value.cloned().map_or_else(|| self.below.value(hash, len), Ok)
    }

    fn value_in_pieces(
        &self,
        hash: &ValueHash,
        len: u32,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), ReadError> {
        let Some(value) = self.values.get(hash).filter(|value| value.len() == len as usize) else {
            return self.below.value_in_pieces(hash, len, take);
        };
        take(value);
        Ok(())
    }
}
