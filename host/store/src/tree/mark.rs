//! Names everything that a tree needs, for collection.

use super::node::Value;
use super::{Hash, NodeHash, Nodes, Tree, load};
use crate::error::ReadError;

impl Tree {
    /// Calls `visit` with the hash of each node and outside value of the tree. If it answers false, what lies below is
    /// left out: it was marked before. Leaves are read only where they name outside values.
    pub(crate) fn mark(&self, nodes: &dyn Nodes, visit: &mut dyn FnMut(&Hash) -> bool) -> Result<(), ReadError> {
        match &self.node {
            Some(hash) => mark_node(nodes, hash, self.height, true, visit),
            None => Ok(()),
        }
    }
}

fn mark_node(
    nodes: &dyn Nodes,
    hash: &NodeHash,
    level: u8,
    outside: bool,
    visit: &mut dyn FnMut(&Hash) -> bool,
) -> Result<(), ReadError> {
    if !visit(&hash.0) || (level == 0 && !outside) {
        return Ok(());
    }
    let node = load(nodes, hash, level)?;
    for index in 0..node.len() {
        if level > 0 {
            let child = node.child(index);
            mark_node(nodes, &child.hash, level - 1, child.weight.outside, visit)?;
        } else if let Value::Outside { hash, .. } = node.value(index) {
            visit(&hash.0);
        }
    }
    Ok(())
}
