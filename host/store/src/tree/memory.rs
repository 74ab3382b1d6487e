//! Nodes in memory: of states so small that they live inside the catalog, and of tests.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use super::{Node, NodeHash, NodeSink, Nodes, ValueHash};
use crate::error::ReadError;

/// Nodes and values in memory, over a place where all others are found.
pub(crate) struct MemoryNodes {
    nodes: HashMap<NodeHash, Arc<Node>>,
    values: HashMap<ValueHash, Bytes>,
    below: Option<Arc<dyn Nodes>>,
}

impl MemoryNodes {
    /// Nothing, over nothing.
    pub(crate) fn new() -> MemoryNodes {
        MemoryNodes { nodes: HashMap::new(), values: HashMap::new(), below: None }
    }

    /// Nothing yet, over other nodes.
    pub(crate) fn over(below: Arc<dyn Nodes>) -> MemoryNodes {
        MemoryNodes { below: Some(below), ..MemoryNodes::new() }
    }
}

impl Nodes for MemoryNodes {
    fn node(&self, hash: &NodeHash) -> Result<Arc<Node>, ReadError> {
        match (self.nodes.get(hash), &self.below) {
            (Some(node), _) => Ok(node.clone()),
            (None, Some(below)) => below.node(hash),
            (None, None) => Err(ReadError::Missing { hash: hash.to_string() }),
        }
    }

    fn value(&self, hash: &ValueHash, len: u32) -> Result<Bytes, ReadError> {
        match (self.values.get(hash), &self.below) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(below)) => below.value(hash, len),
            (None, None) => Err(ReadError::Missing { hash: hash.to_string() }),
        }
    }
}

impl NodeSink for MemoryNodes {
    /// # Panics
    /// If the bytes are no node: the encoder wrote them a moment ago.
    fn node(&mut self, hash: NodeHash, bytes: Vec<u8>) {
        let node = Node::decode(bytes.into()).expect("a node that was just encoded");
        self.nodes.insert(hash, Arc::new(node));
    }

    fn value(&mut self, hash: ValueHash, bytes: Bytes) {
        self.values.insert(hash, bytes);
    }
}
