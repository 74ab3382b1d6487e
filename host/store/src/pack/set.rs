//! The set of open packs, behind one bounded cache.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::cache::{Cached, NodeCache};
use super::format::{Item, Kind};
use super::reader::Pack;
use super::{PackId, ValueReader};
use crate::disk::Disk;
use crate::error::ReadError;
use crate::sync::RwLock;
use crate::tree::{GROUP_BYTES, Hash, Node, NodeHash, Nodes, ValueHash, hex};

/// The open packs and the cache before them.
pub(crate) struct Packs {
    disk: Arc<dyn Disk>,
    cache: NodeCache,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    /// In the order of opening: what was written last is found first.
    packs: Vec<Arc<Pack>>,
    /// Packs in the making.
    writers: usize,
    /// Packs that a collection may drop: nothing new relies on them.
    doomed: BTreeSet<PackId>,
    /// What salvaged packs named and no longer hold.
    bad: HashMap<Hash, (PackId, Item)>,
    is_collecting: bool,
}

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
    /// No packs, and a cache of about `cache_bytes`. The directory [`PACK_DIR`](super::PACK_DIR) exists.
    pub(crate) fn new(disk: Arc<dyn Disk>, cache_bytes: u64) -> Arc<Packs> {
        Arc::new(Packs { disk, cache: NodeCache::new(cache_bytes), state: RwLock::default() })
    }

    /// Opens a pack: reads and checks its footer and index.
    pub(crate) fn add(&self, id: PackId) -> Result<(), ReadError> {
        let pack = Arc::new(Pack::open(&*self.disk, id)?);
        let mut state = self.state.write();
        if state.packs.iter().all(|open| open.id() != id) {
            state.packs.push(pack);
        }
        Ok(())
    }

    /// Puts what is left of a pack among the open ones. If it is not whole it can be read, but nothing new relies on it.
    pub(crate) fn add_salvaged(&self, pack: Pack, bad: Vec<Item>, is_whole: bool) {
        let mut state = self.state.write();
        if !is_whole {
            state.doomed.insert(pack.id());
        }
        state.bad.extend(bad.into_iter().map(|item| (item.hash, (pack.id(), item))));
        state.packs.push(Arc::new(pack));
    }

    /// Nothing new relies on the pack.
    pub(crate) fn is_doomed(&self, id: PackId) -> bool {
        self.state.read().doomed.contains(&id)
    }

    /// Why nothing has a hash: it was there and is damaged, or nothing is known of it.
    pub(crate) fn missing(&self, hash: &Hash) -> ReadError {
        match self.state.read().bad.get(hash) {
            Some((id, item)) => {
                let what = format!("the {} {} does not have its hash", item.kind.name(), hex(hash));
                ReadError::Damaged { path: id.path(), offset: item.offset, what }
            }
            None => ReadError::Missing { hash: hex(hash) },
        }
    }

    /// Where a hash is stored: the file and the offset; none if no pack has it.
    pub(crate) fn place(&self, hash: &Hash) -> Option<(String, u64)> {
        let state = self.state.read();
        state.packs.iter().rev().find_map(|pack| Some((pack.id().path(), pack.index().find(hash)?.offset)))
    }

    /// The bytes stored under a hash, and what they are, if only packs hold them that nothing new relies on.
    pub(crate) fn doomed_body(&self, hash: &Hash) -> Result<Option<(Kind, Bytes)>, ReadError> {
        if self.holds(hash) {
            return Ok(None);
        }
        let (pack, item) = self.find(hash, &[Kind::Leaf, Kind::Inner, Kind::Value, Kind::Blob])?;
        Ok(Some((item.kind, pack.read(&item)?)))
    }

    /// Opens a pack that a commit in the making is going to name. Until it is [named](Packs::named), no other new pack
    /// relies on it, for the commit may still be refused.
    pub(crate) fn add_unnamed(&self, id: PackId) -> Result<(), ReadError> {
        self.state.write().doomed.insert(id);
        self.add(id).inspect_err(|_| self.named(&[id]))
    }

    /// An accepted commit names packs that were unnamed.
    pub(crate) fn named(&self, packs: &[PackId]) {
        self.spare(packs);
    }

    /// Forgets a pack that no commit names, and leaves its file.
    pub(crate) fn forget(&self, id: PackId) {
        let mut state = self.state.write();
        state.packs.retain(|pack| pack.id() != id);
        state.doomed.remove(&id);
    }

    /// Forgets a pack and unlinks its file; the caller syncs the directory. Only after a durable record says that the pack
    /// is dropped. Reads that run now still end well: the open file outlives its name.
    pub(crate) fn remove(&self, id: PackId) -> io::Result<()> {
        self.forget(id);
        self.disk.remove(&id.path())
    }

    /// The open packs, by id.
    pub(crate) fn list(&self) -> Vec<PackInfo> {
        let info =
            |pack: &Arc<Pack>| PackInfo { id: pack.id(), bytes: pack.file_bytes(), items: pack.index().len() as u64 };
        let mut packs: Vec<PackInfo> = self.state.read().packs.iter().map(info).collect();
        packs.sort_by_key(|pack| pack.id);
        packs
    }

    /// The bytes that [`PackWriter::put_blob`](super::PackWriter::put_blob) stored under this hash.
    pub(crate) fn blob(&self, hash: &Hash) -> Result<Bytes, ReadError> {
        let (pack, item) = self.find(hash, &[Kind::Blob])?;
        pack.read(&item)
    }

    /// Opens a value to be read piece by piece; one that is small is read now.
    pub(crate) fn open_value(&self, hash: &ValueHash, len: u32) -> Result<ValueReader, ReadError> {
        if len as usize <= GROUP_BYTES {
            return self.value(hash, len).map(ValueReader::whole);
        }
        let (pack, item) = self.find_value(hash, len)?;
        ValueReader::open(pack, item)
    }

    /// The nodes that a pack holds.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn nodes(&self, id: PackId) -> Vec<NodeHash> {
        let pack = self.pack(id);
        let items = pack.iter().flat_map(|pack| pack.index().iter());
        items.filter(|item| matches!(item.kind, Kind::Leaf | Kind::Inner)).map(|item| NodeHash(item.hash)).collect()
    }

    /// The bytes that are stored under a hash; none if nothing is.
    pub(crate) fn bytes_of(&self, hash: &Hash) -> u64 {
        let state = self.state.read();
        let item = state.packs.iter().find_map(|pack| pack.index().find(hash));
        item.map_or(0, |item| u64::from(item.length))
    }

    /// What the cache occupies.
    #[cfg(test)]
    pub(crate) fn cached_bytes(&self) -> u64 {
        self.cache.bytes()
    }

    pub(super) fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// An id that no open pack has.
    pub(super) fn new_id(&self) -> PackId {
        loop {
            let mut id = [0; 8];
            self.disk.random(&mut id);
            let id = PackId(u64::from_le_bytes(id));
            if self.pack(id).is_none() {
                return id;
            }
        }
    }

    /// Whether a new pack can rely on an older one for this hash.
    pub(crate) fn holds(&self, hash: &Hash) -> bool {
        let state = self.state.read();
        state.packs.iter().any(|pack| pack.index().find(hash).is_some() && !state.doomed.contains(&pack.id()))
    }

    pub(super) fn pack(&self, id: PackId) -> Option<Arc<Pack>> {
        self.state.read().packs.iter().find(|pack| pack.id() == id).cloned()
    }

    pub(super) fn writer_begins(&self) {
        self.state.write().writers += 1;
    }

    pub(super) fn writer_ends(&self) {
        self.state.write().writers -= 1;
    }

    /// Dooms packs, so that nothing new relies on them; false if a pack in the making may rely on them already.
    pub(super) fn collection_begins(&self, candidates: &[PackId]) -> bool {
        let mut state = self.state.write();
        if state.writers > 0 || state.is_collecting {
            return false;
        }
        state.is_collecting = true;
        state.doomed.extend(candidates);
        true
    }

    /// Spares what was doomed.
    pub(super) fn spare(&self, packs: &[PackId]) {
        let mut state = self.state.write();
        for id in packs {
            state.doomed.remove(id);
        }
    }

    pub(super) fn collection_ends(&self) {
        self.state.write().is_collecting = false;
    }

    /// The pack that holds a hash, and where.
    fn find(&self, hash: &Hash, kinds: &[Kind]) -> Result<(Arc<Pack>, Item), ReadError> {
        let state = self.state.read();
        let found = state.packs.iter().rev().find_map(|pack| {
            let item = pack.index().find(hash)?;
            kinds.contains(&item.kind).then(|| (pack.clone(), item))
        });
        drop(state);
        found.ok_or_else(|| self.missing(hash))
    }

    /// The pack that holds a value of this length, and where.
    fn find_value(&self, hash: &ValueHash, len: u32) -> Result<(Arc<Pack>, Item), ReadError> {
        let (pack, item) = self.find(&hash.0, &[Kind::Value])?;
        if item.length == len {
            return Ok((pack, item));
        }
        let what = format!("the value {hash} has {} bytes, its leaf says {len}", item.length);
        Err(ReadError::Damaged { path: pack.id().path(), offset: item.offset, what })
    }
}

impl Nodes for Packs {
    fn node(&self, hash: &NodeHash) -> Result<Arc<Node>, ReadError> {
        if let Some(Cached::Node(node)) = self.cache.get(&hash.0) {
            return Ok(node);
        }
        let (pack, item) = self.find(&hash.0, &[Kind::Leaf, Kind::Inner])?;
        let node = Arc::new(pack.read_node(&item)?);
        self.cache.insert(hash.0, Cached::Node(node.clone()));
        Ok(node)
    }

    fn value(&self, hash: &ValueHash, len: u32) -> Result<Bytes, ReadError> {
        if let Some(Cached::Value(value)) = self.cache.get(&hash.0)
            && value.len() == len as usize
        {
            return Ok(value);
        }
        let (pack, item) = self.find_value(hash, len)?;
        let value = pack.read(&item)?;
        self.cache.insert(hash.0, Cached::Value(value.clone()));
        Ok(value)
    }

    fn value_in_pieces(
        &self,
        hash: &ValueHash,
        len: u32,
        take: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<(), ReadError> {
        self.open_value(hash, len)?.each_piece(take)
    }
}
