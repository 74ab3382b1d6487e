//! What the receiver of an incremental file has already: the tree that the file builds on.

use std::sync::Arc;

use bytes::Bytes;

use super::walk::Place;
use crate::error::ReadError;
use crate::store::View;
use crate::tree::{Cursor, NodeHash, Nodes, Overlay, Tree, Value, ValueHash, Weight, load};

/// A state's tree with where its nodes are.
#[derive(Clone)]
pub(crate) struct Frozen {
    pub(crate) tree: Tree,
    pub(crate) nodes: Arc<dyn Nodes>,
}

impl Frozen {
    /// The tree of a view with all its changes: what no checkpoint wrote yet is in memory.
    pub(super) fn of(view: &View) -> Result<Frozen, ReadError> {
        let mut overlay = Overlay::new(view.packs().clone());
        let tree = view.whole_tree(&mut overlay)?;
        Ok(Frozen { tree, nodes: Arc::new(overlay) })
    }
}

/// The base, asked in the order of the walk: on each level keys ascend. Only nodes on the way to what is asked are read.
pub(super) struct Base<'a> {
    tree: Tree,
    nodes: &'a dyn Nodes,
    cursors: Vec<Option<Cursor<'a>>>,
}

/// Where the base has a node.
pub(super) struct Held {
    /// No node of its level follows in the base.
    is_last: bool,
    /// The last key before it in the base, if its parent names one.
    after: Option<Bytes>,
    weight: Weight,
}

impl<'a> Base<'a> {
    pub(super) fn new(frozen: &'a Frozen) -> Base<'a> {
        let Frozen { tree, nodes } = frozen;
        let levels = if tree.node.is_some() { tree.height + 1 } else { 0 };
        let cursors = (0..levels).map(|level| Cursor::new(tree, level, &**nodes)).collect();
        Base { tree: *tree, nodes: &**nodes, cursors }
    }

    /// Where the base has this very node: on its level, under its last key; the root node as its root node.
    pub(super) fn find(&mut self, place: &Place) -> Result<Option<Held>, ReadError> {
        if place.level >= self.tree.height || place.key.is_none() {
            return self.find_root(place);
        }
        let (Some(key), Some(Some(parents))) = (&place.key, self.cursors.get_mut(usize::from(place.level) + 1)) else {
            return Ok(None);
        };
        let (_, parent) = parents.seek(Some(key))?;
        let found = parent.search(key).ok().filter(|index| parent.child_hash(*index) == place.hash);
        Ok(found.map(|index| Held {
            is_last: parents.is_last() && index + 1 == parent.len(),
            after: index.checked_sub(1).map(|before| parent.key_bytes(before)),
            weight: parent.weight(index),
        }))
    }

    fn find_root(&self, place: &Place) -> Result<Option<Held>, ReadError> {
        if self.tree.node != Some(place.hash) || self.tree.height != place.level {
            return Ok(None);
        }
        let root = load(self.nodes, &place.hash, place.level)?;
        let is_same = place.key.as_ref().is_none_or(|key| *key == root.last_key());
        let weight = place.weight_of(&root);
        Ok(is_same.then_some(Held { is_last: true, after: None, weight }))
    }

    /// Whether the base has this value under this key.
    pub(super) fn has_value(&mut self, key: &Bytes, hash: &ValueHash) -> Result<bool, ReadError> {
        let Some(Some(leaves)) = self.cursors.get_mut(0) else { return Ok(false) };
        let (_, leaf) = leaves.seek(Some(key))?;
        let Ok(index) = leaf.search(key) else { return Ok(false) };
        Ok(matches!(leaf.value(index), Value::Outside { hash: held, .. } if held == *hash))
    }

    /// Checks that what the base has may stand where the new tree names it. Inside it is right, for it is part of a tree;
    /// only its two ends have other neighbours here, and they are read only if that can matter.
    pub(super) fn check(&self, place: &Place, held: &Held) -> Result<Result<(), &'static str>, ReadError> {
        if held.weight != place.weight {
            return Ok(Err("a node has not the entries and bytes that its parent names"));
        }
        let is_behind = match (&place.after, &held.after) {
            (None, _) => true,
            (Some(after), Some(before)) if after <= before => true,
            (Some(after), _) => self.first_key(place)? > *after,
        };
        if !is_behind {
            return Ok(Err("keys do not ascend from one node to the next"));
        }
        if held.is_last && !place.is_last && !self.ends_at_boundaries(place)? {
            return Ok(Err("a node ends where this store would not have ended it"));
        }
        Ok(Ok(()))
    }

    fn first_key(&self, place: &Place) -> Result<Bytes, ReadError> {
        let mut hash = place.hash;
        for level in (1..=place.level).rev() {
            hash = load(self.nodes, &hash, level)?.child_hash(0);
        }
        Ok(load(self.nodes, &hash, 0)?.key_bytes(0))
    }

    fn ends_at_boundaries(&self, place: &Place) -> Result<bool, ReadError> {
        let mut hash: NodeHash = place.hash;
        for level in (0..=place.level).rev() {
            let node = load(self.nodes, &hash, level)?;
            if !node.is_canonical(false) {
                return Ok(false);
            }
            if level > 0 {
                hash = node.child_hash(node.len() - 1);
            }
        }
        Ok(true)
    }
}
