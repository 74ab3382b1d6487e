//! Decoded nodes and large values in memory, up to a bound in bytes.

use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::{Cache, DefaultLifecycle};

use crate::tree::{Hash, Node};

/// What the cache itself needs for an entry, about.
const ENTRY_OVERHEAD_BYTES: usize = 128;
/// Sizes the table; nodes are cut around this size.
const ENTRY_BYTES_EXPECTED: u64 = 4096;

/// Something that was read and verified.
#[derive(Clone)]
pub(crate) enum Cached {
    Node(Arc<Node>),
    Value(Bytes),
}

/// The cache. What is asked for often stays.
pub(crate) struct NodeCache(Cache<Hash, Cached, ByBytes, BuildHasherDefault<HashOfHash>>);

impl NodeCache {
    /// An empty cache of about `bytes_max`.
    pub(crate) fn new(bytes_max: u64) -> NodeCache {
        let items = (bytes_max / ENTRY_BYTES_EXPECTED).max(16) as usize;
        NodeCache(Cache::with(items, bytes_max, ByBytes, Default::default(), DefaultLifecycle::default()))
    }

    /// What was kept under a hash.
    pub(crate) fn get(&self, hash: &Hash) -> Option<Cached> {
        self.0.get(hash)
    }

    /// Keeps something, in place of what is asked for less. What is larger than the cache is not kept.
    pub(crate) fn insert(&self, hash: Hash, cached: Cached) {
        self.0.insert(hash, cached);
    }

    /// Bytes in use.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> u64 {
        self.0.weight()
    }
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<Hash, Cached> for ByBytes {
    fn weight(&self, _: &Hash, cached: &Cached) -> u64 {
        let bytes = match cached {
            Cached::Node(node) => node.memory_bytes(),
            Cached::Value(bytes) => bytes.len(),
        };
        (bytes + ENTRY_OVERHEAD_BYTES) as u64
    }
}

/// BLAKE3 hashes are as good as random already: the first eight bytes will do.
#[derive(Default)]
pub(crate) struct HashOfHash(u64);

impl Hasher for HashOfHash {
    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
