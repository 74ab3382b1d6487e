//! The set of open packs.
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::PackId;
use crate::disk::Disk;
use crate::error::ReadError;
use crate::tree::{Hash, Node, NodeHash, Nodes, ValueHash};

/// The open packs and the cache before them.
pub(crate) struct Packs {}

/// What is known of an open pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PackInfo {
    /// Its name.
    pub(crate) id: PackId,
    /// The size of its file.
    pub(crate) bytes: u64,
    /// How many nodes, values and blobs it holds.
    pub(crate) items: u64,
}

impl Packs {
    /// No packs, and a cache of about `cache_bytes`.
    pub(crate) fn new(disk: Arc<dyn Disk>, cache_bytes: u64) -> Arc<Packs> {
        let _ = (disk, cache_bytes);
        todo!()
    }

    /// Opens a pack: reads and checks its footer and index.
    pub(crate) fn add(&self, id: PackId) -> Result<(), ReadError> {
        let _ = id;
        todo!()
    }

    /// Forgets a pack and unlinks its file; the caller syncs the directory. Only after a durable record says that the pack
    /// is dropped. Reads that run now still end well: the open file outlives its name.
    pub(crate) fn remove(&self, id: PackId) -> io::Result<()> {
        let _ = id;
        todo!()
    }

    /// The open packs, by id.
    pub(crate) fn list(&self) -> Vec<PackInfo> {
        todo!()
    }

    /// The bytes that [`PackWriter::put_blob`](super::PackWriter::put_blob) stored under this hash.
    pub(crate) fn blob(&self, hash: &Hash) -> Result<Bytes, ReadError> {
        let _ = hash;
        todo!()
    }

    /// Reads every byte of an open pack and checks it. `progress` is told how many bytes were read since the last time.
    pub(crate) fn verify(&self, id: PackId, progress: &mut dyn FnMut(u64)) -> Vec<ReadError> {
        let _ = (id, progress);
        todo!()
    }
}

impl Nodes for Packs {
    fn node(&self, hash: &NodeHash) -> Result<Arc<Node>, ReadError> {
        let _ = hash;
        todo!()
    }

    fn value(&self, hash: &ValueHash, len: u32) -> Result<Bytes, ReadError> {
        let _ = (hash, len);
        todo!()
    }
}
