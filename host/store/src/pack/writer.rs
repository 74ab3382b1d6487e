//! Writes one pack.
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::{PackId, Packs};
use crate::tree::{Hash, NodeHash, NodeSink, ValueHash};

/// A pack in the making. Dropping it leaves nothing behind but, at worst, a file that ends in `.tmp`.
pub(crate) struct PackWriter {}

impl PackWriter {
    /// An empty pack. What `packs` holds already is not written again.
    pub(crate) fn new(packs: &Arc<Packs>) -> PackWriter {
        let _ = packs;
        todo!()
    }

    /// Stores bytes that belong to no tree.
    pub(crate) fn put_blob(&mut self, bytes: Bytes) -> Hash {
        let _ = bytes;
        todo!()
    }

    /// Makes the pack last under its name: write, sync, rename, sync of the directory. None if there was nothing to
    /// write. The caller then [adds](Packs::add) it. An error leaves no pack, and may be of kind `StorageFull`.
    pub(crate) fn finish(self) -> io::Result<Option<PackId>> {
        todo!()
    }
}

impl NodeSink for PackWriter {
    fn node(&mut self, hash: NodeHash, bytes: Vec<u8>) {
        let _ = (hash, bytes);
        todo!()
    }

    fn value(&mut self, hash: ValueHash, bytes: Bytes) {
        let _ = (hash, bytes);
        todo!()
    }
}
