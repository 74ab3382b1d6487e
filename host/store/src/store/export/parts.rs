//! What came of a file so far: packs in `packs/` that no record names yet, each with a marker in `imports/`.
//!
//! ```text
//! imports/<BLAKE3 of the file's header>-<pack id>     an empty file: packs/<pack id>.pack is a part of that import
//!
//! part full ─▶ marker made, imports/ synced ─▶ pack synced, renamed into packs/, packs/ synced
//!          ─▶ … ─▶ everything came ─▶ Adopt record durable: it names the packs ─▶ markers removed
//! ```
//!
//! So a crash at any point leaves one of: a marker without a pack, a marked pack that no record names, or a marked pack that a
//! record names. The next open removes the first kind of marker and the last, and keeps marked packs, which to
//! the states do not exist. A pack is not moved when its state is adopted, so there is no order in which it could be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use super::format::ImportId;
use crate::disk::{Disk, Mode};
use crate::error::{ReadError, StoreError};
use crate::journal::remove_if_there;
use crate::pack::{CopyError, PACK_DIR, PackId, PackWriter, Packs, verify_pack};
use crate::store::core::Core;
use crate::store::export::ImportError;
use crate::sync::Mutex;
use crate::tree::{Node, NodeHash, NodeSink, Nodes, ValueHash};

/// Where the markers are in the data directory.
pub(crate) const IMPORT_DIR: &str = "imports";

/// A part grows to this fraction of what is there already: an interruption costs no more of it, and parts stay few.
const PART_OF_ALL: u64 = 8;
/// The walk over parts goes once from left to right.
const CACHE_BYTES: u64 = 1 << 20;

/// An import that did not finish. The same file imported again goes on from what is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedImport {
    /// Names the file.
    pub id: ImportId,
    /// Packs that are there.
    pub packs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// The imports of an open store that did not finish.
#[derive(Default)]
pub(crate) struct Imports(Mutex<BTreeMap<ImportId, Parts>>);

#[derive(Default)]
struct Parts {
    is_running: bool,
    packs: BTreeMap<PackId, u64>,
}

impl Imports {
    /// What an earlier owner left, after it was opened; markers that mean nothing are removed.
    pub(crate) fn find(disk: &dyn Disk, needed: &BTreeSet<PackId>) -> io::Result<Imports> {
        let mut imports: BTreeMap<ImportId, Parts> = BTreeMap::new();
        let names = match disk.list(IMPORT_DIR) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other?,
        };
        let mut is_empty = true;
        for (id, pack) in names.iter().filter_map(|name| from_marker(name)) {
            is_empty = false;
            let bytes = if needed.contains(&pack) { None } else { file_bytes(disk, &pack.path())? };
            match bytes {
                Some(bytes) => drop(imports.entry(id).or_default().packs.insert(pack, bytes)),
                None => disk.remove(&marker(&id, pack))?,
            }
        }
        if !is_empty {
            // Its owner may have been killed before it synced them.
            disk.sync_dir(IMPORT_DIR)?;
        }
        Ok(Imports(Mutex::new(imports)))
    }

    /// Whether a pack is part of an import.
    pub(crate) fn have(&self, pack: PackId) -> bool {
        self.0.lock().values().any(|parts| parts.packs.contains_key(&pack))
    }

    /// All of them.
    pub(crate) fn list(&self) -> Vec<UnfinishedImport> {
        let imports = self.0.lock();
        let described = imports.iter().map(|(id, parts)| UnfinishedImport {
            id: *id,
            packs: parts.packs.len() as u64,
            bytes: parts.packs.values().sum(),
        });
        described.filter(|import| import.packs > 0).collect()
    }
}

/// An import that runs: what came of its file, and the part in the making. Dropping it keeps the finished parts.
pub(super) struct Incoming<'a> {
    core: &'a Core,
    id: ImportId,
    /// The finished parts. Nothing else of the store is relied on, so that no collection has to wait for the import, and
    /// damage in other packs does not matter to it.
    packs: Arc<Packs>,
    writer: PackWriter,
    has_dir: bool,
    bytes_written: u64,
}

impl<'a> Incoming<'a> {
    /// Goes on with an import. Each part is read and checked first; damaged ones are removed and come again.
    pub(super) fn begin(core: &'a Core, id: ImportId) -> Result<Incoming<'a>, ImportError> {
        {
            let mut imports = core.imports.0.lock();
            let parts = imports.entry(id).or_default();
            if std::mem::replace(&mut parts.is_running, true) {
                return Err(ImportError::Running { id });
            }
        }
        let packs = Packs::new(core.disk.clone(), CACHE_BYTES);
        let writer = PackWriter::new(&packs);
        let this = Incoming { core, id, packs, writer, has_dir: false, bytes_written: 0 };
        for pack in this.finished() {
            match verify_pack(&*core.disk, pack, &mut |_| ()).into_iter().next() {
                None => this.packs.add(pack)?,
                Some(error @ ReadError::Io { .. }) => return Err(error.into()),
                Some(_) => this.remove(pack).map_err(|source| io_error(&pack.path(), source))?,
            }
        }
        Ok(this)
    }

    /// The parts that are durable.
    pub(super) fn finished(&self) -> Vec<PackId> {
        self.parts(|parts| parts.packs.keys().copied().collect())
    }

    /// Bytes of the parts that this run finished.
    pub(super) fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// A node that is there.
    pub(super) fn node(&self, hash: &NodeHash) -> Result<Option<Arc<Node>>, ReadError> {
        if self.packs.holds(&hash.0) { self.packs.node(hash).map(Some) } else { Ok(None) }
    }

    /// Whether a value is there.
    pub(super) fn has_value(&self, hash: &ValueHash) -> bool {
        self.packs.holds(&hash.0)
    }

    /// Keeps what a base has only in memory.
    pub(super) fn sink(&mut self) -> &mut dyn NodeSink {
        &mut self.writer
    }

    /// Keeps a node that was checked.
    pub(super) fn put(&mut self, hash: NodeHash, bytes: Vec<u8>) -> Result<(), StoreError> {
        self.writer.node(hash, bytes);
        self.finish_if_full()
    }

    /// Keeps a value that comes in pieces.
    pub(super) fn copy_value(
        &mut self,
        hash: ValueHash,
        len: u32,
        read: &mut dyn FnMut(&mut [u8]) -> io::Result<()>,
    ) -> Result<Result<(), CopyError>, StoreError> {
        let copied = self.writer.copy_value(hash, len, read);
        self.finish_if_full()?;
        Ok(copied)
    }

    fn finish_if_full(&mut self) -> Result<(), StoreError> {
        let held = self.parts(|parts| parts.packs.values().sum::<u64>());
        let bytes_max = self.core.options.import_part_bytes.max(held / PART_OF_ALL);
        if self.writer.has_failed() || self.writer.bytes() >= bytes_max { self.finish_part() } else { Ok(()) }
    }

    /// Makes what came so far durable.
    pub(super) fn finish_part(&mut self) -> Result<(), StoreError> {
        let writer = std::mem::replace(&mut self.writer, PackWriter::new(&self.packs));
        if writer.bytes() == 0 && !writer.has_failed() {
            return Ok(());
        }
        let pack = writer.id();
        self.finish(writer).inspect_err(|_| {
            // What may never last, though the directory goes on showing it, must not be relied on.
            let _ = self.remove(pack);
        })
    }

    fn finish(&mut self, writer: PackWriter) -> Result<(), StoreError> {
        let disk = &*self.core.disk;
        let pack = writer.id();
        if !writer.has_failed() {
            self.make_dir().map_err(|source| StoreError::from_io(IMPORT_DIR, source))?;
            let marker = marker(&self.id, pack);
            let made = disk.open(&marker, Mode::CreateNew).and_then(|_| disk.sync_dir(IMPORT_DIR));
            made.map_err(|source| StoreError::from_io(&marker, source))?;
        }
        writer.finish().map_err(|source| StoreError::from_io(PACK_DIR, source))?;
        self.packs.add(pack)?;
        let bytes = file_bytes(disk, &pack.path()).map_err(|source| StoreError::from_io(&pack.path(), source))?;
        self.bytes_written += bytes.unwrap_or(0);
        self.parts(|parts| parts.packs.insert(pack, bytes.unwrap_or(0)));
        Ok(())
    }

    fn make_dir(&mut self) -> io::Result<()> {
        if !self.has_dir {
            self.core.disk.create_dir(IMPORT_DIR)?;
            self.core.disk.sync_dir("")?;
            self.has_dir = true;
        }
        Ok(())
    }

    /// A durable record names all parts: they are ordinary packs from here on.
    pub(super) fn adopted(self) {
        for pack in self.finished() {
            // A marker that stays is removed by the next open.
            let _ = self.core.disk.remove(&marker(&self.id, pack));
            self.parts(|parts| parts.packs.remove(&pack));
        }
    }

    /// Removes everything that came, and says how many bytes that were.
    pub(super) fn discard(self) -> Result<u64, StoreError> {
        let mut bytes = 0;
        for pack in self.finished() {
            bytes += self.parts(|parts| parts.packs.get(&pack).copied()).unwrap_or(0);
            self.remove(pack).map_err(|source| StoreError::from_io(&pack.path(), source))?;
        }
        Ok(bytes)
    }

    /// Removes a part, and then its marker.
    fn remove(&self, pack: PackId) -> io::Result<()> {
        let disk = &*self.core.disk;
        self.packs.forget(pack);
        remove_if_there(disk, &pack.path())?;
        remove_if_there(disk, &marker(&self.id, pack))?;
        self.parts(|parts| parts.packs.remove(&pack));
        Ok(())
    }

    fn parts<T>(&self, look: impl FnOnce(&mut Parts) -> T) -> T {
        look(self.core.imports.0.lock().entry(self.id).or_default())
    }
}

impl Drop for Incoming<'_> {
    fn drop(&mut self) {
        let mut imports = self.core.imports.0.lock();
        if let Some(parts) = imports.get_mut(&self.id) {
            parts.is_running = false;
            if parts.packs.is_empty() {
                imports.remove(&self.id);
            }
        }
    }
}

fn io_error(path: &str, source: io::Error) -> ImportError {
    StoreError::from_io(path, source).into()
}

fn marker(id: &ImportId, pack: PackId) -> String {
    format!("{IMPORT_DIR}/{id}-{pack}")
}

fn from_marker(name: &str) -> Option<(ImportId, PackId)> {
    let (id, pack) = name.split_once('-')?;
    let id = ImportId(blake3::Hash::from_hex(id).ok()?.into());
    let pack = PackId::from_file_name(&format!("{pack}.pack"))?;
    (marker(&id, pack) == format!("{IMPORT_DIR}/{name}")).then_some((id, pack))
}

/// The length of a file; none if there is no such file.
fn file_bytes(disk: &dyn Disk, path: &str) -> io::Result<Option<u64>> {
    match disk.open(path, Mode::Read) {
        Ok(file) => file.len().map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
