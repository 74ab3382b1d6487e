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
use crate::planted::{Bug, planted};
use crate::tree::{Hash, NodeHash, NodeSink, ValueHash};

/// What is collected before it is written.
const BUFFER_BYTES: usize = 1 << 20;

/// What is copied of a large value at a time.
const PIECE_BYTES: usize = 64 << 10;

/// Why a value was not copied.
#[derive(Debug)]
pub(crate) enum CopyError {
    /// The source failed.
    Source(io::Error),
    /// The source gave other bytes.
    Hash,
}

/// A pack in the making. Dropping it leaves nothing behind but, after a crash, a file that ends in `.tmp`.
pub(crate) struct PackWriter {
    packs: Arc<Packs>,
    id: PackId,
    /// Created once there is something to write.
    file: Option<Box<dyn File>>,
    /// Where the buffer belongs in the file.
    buffer_offset: u64,
    buffer: Vec<u8>,
    items: HashMap<Hash, Place, BuildHasherDefault<HashOfHash>>,
    /// The first failure; nothing is written after it.
    failed: Option<io::Error>,
    is_finished: bool,
}

/// Where a body lies. A pack may have millions, so the hash is not repeated here.
struct Place {
    offset: u64,
    length: u32,
    kind: Kind,
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

    /// Stores a value that comes in pieces, unless a pack has it: `read` fills each piece in turn. If it fails, or if the
    /// pieces turn out not to be the value, nothing of them is in the pack.
    pub(crate) fn copy_value(
        &mut self,
        hash: ValueHash,
        len: u32,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<()>,
    ) -> Result<(), CopyError> {
        let start = self.bytes();
        let is_new = !self.packs.holds(&hash.0) && self.begin(Kind::Value, hash.0, len);
        let mut hasher = ValueHash::hasher();
        let mut piece = vec![0; PIECE_BYTES.min(len as usize)];
        let mut left = len as usize;
        let copied = loop {
            if left == 0 {
                break if *hasher.finalize().as_bytes() == hash.0 { Ok(()) } else { Err(CopyError::Hash) };
            }
            let length = piece.len().min(left);
            if let Err(error) = read(&mut piece[..length]) {
                break Err(CopyError::Source(error));
            }
            hasher.update(&piece[..length]);
            if is_new {
                self.push(&piece[..length]);
            }
            left -= length;
        };
        if copied.is_err() && is_new {
            self.items.remove(&hash.0);
            self.cut_back(start);
        }
        copied
    }

    /// Whether writing failed: [`finish`](PackWriter::finish) will say how.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.is_some()
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
        let items = std::mem::take(&mut self.items).into_iter();
        let index = Index::new(items.map(|(hash, Place { offset, length, kind })| Item { hash, offset, length, kind }));
        let footer = index.footer(self.bytes()).encode(self.id);
        self.append(index.bytes())?;
        self.append(&footer)?;
        self.flush()?;
        let disk = self.packs.disk();
        if let Some(file) = self.file.as_ref().filter(|_| !planted(Bug::PackNotSynced)) {
            file.sync_all()?;
        }
        disk.rename(&self.temporary_path(), &self.id.path())?;
        self.is_finished = true;
        if !planted(Bug::PackDirectoryNotSynced) {
            disk.sync_dir(PACK_DIR)?;
        }
        Ok(Some(self.id))
    }

    /// Stores a body unless some pack has it.
    pub(crate) fn put(&mut self, kind: Kind, hash: Hash, body: &[u8]) {
        if !self.packs.holds(&hash) {
            self.write(kind, hash, body);
        }
    }

    /// Writes a body unless this pack has it.
    fn write(&mut self, kind: Kind, hash: Hash, body: &[u8]) {
        let length = u32::try_from(body.len()).expect("a body below 4 GiB");
        if self.begin(kind, hash, length) {
            self.push(body);
        }
    }

    /// Makes room for a body in the index; false if there is nothing to write.
    fn begin(&mut self, kind: Kind, hash: Hash, length: u32) -> bool {
        if self.failed.is_some() || self.items.contains_key(&hash) {
            return false;
        }
        if self.items.is_empty() {
            self.buffer.extend_from_slice(&header(self.id));
            debug_assert_eq!(self.buffer.len(), HEADER_BYTES);
        }
        let offset = self.bytes();
        self.items.insert(hash, Place { offset, length, kind });
        true
    }

    /// Adds to the body that began last.
    fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.failed = self.append(bytes).err();
        }
    }

    /// Adds bytes to the file, by way of the buffer unless there are many.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER_BYTES {
            self.flush()?;
        }
        if bytes.len() < BUFFER_BYTES {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.write_out(bytes)
    }

    /// Takes back everything from an offset on.
    fn cut_back(&mut self, end: u64) {
        if let Some(kept) = end.checked_sub(self.buffer_offset) {
            self.buffer.truncate(kept as usize);
            return;
        }
        self.buffer.clear();
        self.buffer_offset = end;
        if let Some(file) = &self.file
            && let Err(error) = file.set_len(end)
        {
            self.failed.get_or_insert(error);
        }
    }

    /// Writes the buffer out.
    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let buffer = std::mem::take(&mut self.buffer);
        self.write_out(&buffer)?;
        self.buffer = buffer;
        self.buffer.clear();
        Ok(())
    }

    /// Writes bytes where the file ends.
    fn write_out(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(self.packs.disk().open(&self.temporary_path(), Mode::CreateNew)?),
        };
        file.write_at(self.buffer_offset, bytes)?;
        self.buffer_offset += bytes.len() as u64;
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
