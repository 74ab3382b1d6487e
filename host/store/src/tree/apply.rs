//! Applies a batch of changes.
use bytes::Bytes;

use super::{NodeSink, Nodes, Tree};
use crate::error::ReadError;

impl Tree {
    /// The tree after some changes: a value under a key, or none. Keys ascend strictly. New nodes go to the sink.
    pub(crate) fn apply(
        &self,
        nodes: &dyn Nodes,
        changes: impl Iterator<Item = (Bytes, Option<Bytes>)>,
        sink: &mut dyn NodeSink,
    ) -> Result<Tree, ReadError> {
        let _ = (nodes, changes.count(), sink);
        todo!()
    }
}
