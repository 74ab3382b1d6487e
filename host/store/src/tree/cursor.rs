//! Walks the nodes of one level from left to right, skipping what is not asked for.

use std::sync::Arc;

use super::node::Node;
use super::root::NodeHash;
use super::{Nodes, Tree, load};
use crate::error::ReadError;

/// A position among the nodes of one level.
pub(crate) struct Cursor<'a> {
    nodes: &'a dyn Nodes,
    root: NodeHash,
    height: u8,
    level: u8,
    /// The inner nodes on the way down, each with the index of the child taken.
    path: Vec<(Arc<Node>, usize)>,
    /// The node at the position and its hash.
    here: Option<(NodeHash, Arc<Node>)>,
}

impl<'a> Cursor<'a> {
    /// A cursor before the first node of a level; none if the tree has no such level.
    pub(crate) fn new(tree: &Tree, level: u8, nodes: &'a dyn Nodes) -> Option<Cursor<'a>> {
        let root = tree.node.filter(|_| level <= tree.height)?;
        Some(Cursor { nodes, root, height: tree.height, level, path: Vec::new(), here: None })
    }

    /// Goes to the node that holds a key or would hold it: the last one if all keys are below, or if none is given. Keys
    /// asked for ascend.
    pub(crate) fn seek(&mut self, key: Option<&[u8]>) -> Result<(NodeHash, Arc<Node>), ReadError> {
        // Stay below the lowest node on the path that still covers the key.
        while self.path.len() > 1
            && self.path.last().is_some_and(|(node, _)| key.is_none_or(|key| node.last_key() < key))
        {
            self.path.pop();
        }
        let choose = |node: &Node| key.map_or(node.len(), |key| node.lower_bound(key)).min(node.len() - 1);
        if let Some((node, index)) = self.path.last_mut() {
            *index = choose(node);
        }
        self.descend(choose)
    }

    /// Goes to the next node; none after the last.
    pub(crate) fn next(&mut self) -> Result<Option<(NodeHash, Arc<Node>)>, ReadError> {
        while let Some((node, index)) = self.path.last_mut() {
            if *index + 1 < node.len() {
                *index += 1;
                return self.descend(|_| 0).map(Some);
            }
            self.path.pop();
        }
        Ok(None)
    }

    /// Whether no node of the level follows.
    pub(crate) fn is_last(&self) -> bool {
        self.path.iter().all(|(node, index)| index + 1 == node.len())
    }

    /// Goes down to the level from where the path ends, choosing a child in each node.
    fn descend(&mut self, choose: impl Fn(&Node) -> usize) -> Result<(NodeHash, Arc<Node>), ReadError> {
        let mut hash = match self.path.last() {
            Some((node, index)) => node.child_hash(*index),
            None => self.root,
        };
        loop {
            let level = self.height - self.path.len() as u8;
            if level == self.level {
                break;
            }
            let node = load(self.nodes, &hash, level)?;
            let index = choose(&node);
            hash = node.child_hash(index);
            self.path.push((node, index));
        }
        match &self.here {
            Some((at, node)) if *at == hash => Ok((hash, node.clone())),
            _ => {
                let node = load(self.nodes, &hash, self.level)?;
                self.here = Some((hash, node.clone()));
                Ok((hash, node))
            }
        }
    }
}
