//! Writes one pack: under a temporary name, then synced, renamed, and its directory synced.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::cache::HashOfHash;
use super::format::{HEADER_BYTES, Index, Item, Kind, header};
use super::{PACK_DIR, PackId, Packs};
use crate::disk::{File, Mode};
use crate::tree::{Hash, NodeHash, NodeSink, ValueHash};

/// What is collected before it is written.
const BUFFER_BYTES: usize = 1 << 20;

/// A pack in the making. Dropping it leaves nothing behind but, after a crash, a file that ends in `.tmp`.
pub(crate) struct PackWriter {
    packs: Arc<Packs>,
    id: PackId,
    /// Created once there is something to write.
    file: Option<Box<dyn File>>,
    /// Where the buffer belongs in the file.
    buffer_offset: u64,
    buffer: Vec<u8>,
    items: HashMap<Hash, Item, BuildHasherDefault<HashOfHash>>,
    /// The first failure; nothing is written after it.
    failed: Option<io::Error>,
    is_finished: bool,
}

impl PackWriter {
    /// An empty pack. What `packs` holds already is not written again.
    pub(crate) fn new(packs: &Arc<Packs>) -> PackWriter {
        packs.writer_begins();
        PackWriter {
            packs: packs.clone(),
            id: packs.new_id(),
            file: None,
            buffer_offset: 0,
            buffer: vec![],
            items: HashMap::default(),
            failed: None,
            is_finished: false,
        }
    }

    /// Stores bytes that belong to no tree; they are found by the hash. Unlike nodes, blobs do not rely on older packs: who
    /// names a blob names its pack.
    ///
    /// # Panics
    /// If there are 4 GiB of them or more.
    pub(crate) fn put_blob(&mut self, bytes: Bytes) -> Hash {
        let hash = Kind::Blob.hash(&bytes);
        self.write(Kind::Blob, hash, &bytes);
        hash
    }

    /// The name that the pack will have.
    pub(crate) fn id(&self) -> PackId {
        self.id
    }

    /// The bytes so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.buffer_offset + self.buffer.len() as u64
    }

    /// Makes the pack last under its name. None if there was nothing to write. The caller then [adds](Packs::add) it and
    /// names it in a record. An error leaves no pack; it may be of kind `StorageFull`.
    pub(crate) fn finish(mut self) -> io::Result<Option<PackId>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if self.items.is_empty() {
            return Ok(None);
        }
        let index = Index::new(self.items.drain().map(|(_, item)| item).collect());
        let footer = index.footer(self.bytes()).encode(self.id);
        self.buffer.extend_from_slice(index.bytes());
        self.buffer.extend_from_slice(&footer);
        self.flush()?;
        let disk = self.packs.disk();
        if let Some(file) = &self.file {
            file.sync_all()?;
        }
        disk.rename(&self.temporary_path(), &self.id.path())?;
        self.is_finished = true;
        disk.sync_dir(PACK_DIR)?;
        Ok(Some(self.id))
    }

    /// Stores a body unless some pack has it.
    pub(super) fn put(&mut self, kind: Kind, hash: Hash, body: &[u8]) {
        if !self.packs.holds(&hash) {
            self.write(kind, hash, body);
        }
    }

    /// Writes a body unless this pack has it.
    fn write(&mut self, kind: Kind, hash: Hash, body: &[u8]) {
        if self.failed.is_some() || self.items.contains_key(&hash) {
            return;
        }
        if self.items.is_empty() {
            self.buffer.extend_from_slice(&header(self.id));
            debug_assert_eq!(self.buffer.len(), HEADER_BYTES);
        }
        let length = u32::try_from(body.len()).expect("a body below 4 GiB");
        let offset = self.bytes();
        self.items.insert(hash, Item { hash, offset, length, kind });
        self.buffer.extend_from_slice(body);
        if self.buffer.len() >= BUFFER_BYTES {
            self.failed = self.flush().err();
        }
    }

    /// Writes the buffer out.
    fn flush(&mut self) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(self.packs.disk().open(&self.temporary_path(), Mode::CreateNew)?),
        };
        file.write_at(self.buffer_offset, &self.buffer)?;
        self.buffer_offset += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn temporary_path(&self) -> String {
        format!("{PACK_DIR}/{}.tmp", self.id)
    }
}

impl NodeSink for PackWriter {
    fn node(&mut self, hash: NodeHash, bytes: Vec<u8>) {
        let kind = if bytes[3] == 0 { Kind::Leaf } else { Kind::Inner };
        self.put(kind, hash.0, &bytes);
    }

    fn value(&mut self, hash: ValueHash, bytes: Bytes) {
        self.put(Kind::Value, hash.0, &bytes);
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        self.packs.writer_ends();
        if self.file.is_some() && !self.is_finished {
            // Nothing depends on it: what stays behind is swept when the store opens.
            let _ = self.packs.disk().remove(&self.temporary_path());
        }
    }
}
