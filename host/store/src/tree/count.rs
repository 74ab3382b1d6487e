//! Counts entries without reading them: inner nodes carry the counts of their subtrees.

use std::ops::Bound;

use super::{Nodes, Tree, load};
use crate::error::ReadError;

impl Tree {
    /// The number of entries between two bounds.
    pub(crate) fn count(&self, nodes: &dyn Nodes, lower: Bound<&[u8]>, upper: Bound<&[u8]>) -> Result<u64, ReadError> {
        let before = match lower {
            Bound::Unbounded => 0,
            Bound::Included(key) => self.rank(nodes, key, false)?,
            Bound::Excluded(key) => self.rank(nodes, key, true)?,
        };
        let up_to = match upper {
            Bound::Unbounded => self.entries,
            Bound::Included(key) => self.rank(nodes, key, true)?,
            Bound::Excluded(key) => self.rank(nodes, key, false)?,
        };
        Ok(up_to.saturating_sub(before))
    }

    /// How many entries have a key below `key`, the key itself included if asked for.
    fn rank(&self, nodes: &dyn Nodes, key: &[u8], inclusive: bool) -> Result<u64, ReadError> {
        let Some(mut hash) = self.node else { return Ok(0) };
        let mut rank = 0;
        for level in (1..=self.height).rev() {
            let node = load(nodes, &hash, level)?;
            let index = node.lower_bound(key);
            if index == node.len() {
                return Ok(rank + node.weight_of(0..index).entries);
            }
            rank += node.weight_of(0..index).entries;
            hash = node.child_hash(index);
        }
        let below = match load(nodes, &hash, 0)?.search(key) {
            Ok(index) => index + usize::from(inclusive),
            Err(index) => index,
        };
        Ok(rank + below as u64)
    }
}
