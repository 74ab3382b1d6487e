//! Reads everything and names what is damaged.
//!
//! Every byte of every file counts as read: FORMAT, segments, packs and components against their hashes; LOCK and what
//! was set aside in `quarantine/` have none and are only read. `cache/` may be deleted at any time and is left out. Then the
//! trees are walked, so that a node that no pack holds any more is found, too.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::{OpenError, ReadError, StoreError};
use crate::journal::{
    JOURNAL_DIR, QUARANTINE_DIR, SegmentScan, Tail, each_frame, find, read_segment, segment_number, segment_numbers,
};
use crate::limits::COMPONENT_BYTES_MAX;
use crate::pack::{PACK_DIR, PackId, Packs, verify_pack};
use crate::store::components::{COMPONENT_DIR, ComponentHash, component_path, get};
use crate::store::core::Core;
use crate::store::format_file::{FORMAT_FILE, Format};
use crate::store::lock::{LOCK_FILE, OwnerLock};
use crate::store::open::check_close;
use crate::store::{Damage, Progress, StateId, Verified, headers};
use crate::tree::{Hash, Tree};

const AFFECTS_COMMITS: &str = "every commit from here on";
const AFFECTS_STATES: &str = "every state with entries in it";

/// Verifies a store that is open. Checkpoints wait for it, commits only while the journal is read.
pub(crate) fn verify_open(core: &Arc<Core>, progress: &mut dyn FnMut(&Progress)) -> Result<Verified, StoreError> {
    let _one = core.checkpointing.lock();
    let mut run = Run::new(&*core.disk, progress).map_err(|source| StoreError::from_io("", source))?;
    run.format();
    // Nothing is written and no segment changes its use while these are read.
    {
        let _segments = core.segments.lock();
        let _journal = core.journal();
        run.journal(&core.format.store_id);
    }
    run.packs();
    run.components();
    run.others();
    let trees = core.front().states.trees();
    run.trees(&trees, &core.packs);
    Ok(run.verified)
}

/// Verifies a directory that nobody has open, also one that does not open.
pub(crate) fn verify_idle(disk: &Arc<dyn Disk>, progress: &mut dyn FnMut(&Progress)) -> Result<Verified, OpenError> {
    let io = |source| OpenError::from_io("", source);
    match Format::read(&**disk) {
        Err(error @ (OpenError::NewerFormat { .. } | OpenError::NotAStore { .. })) => return Err(error),
        Ok(None) if list(&**disk, JOURNAL_DIR).map_err(io)?.is_empty() => {
            return Err(OpenError::NotAStore { what: "it has neither FORMAT nor a journal".to_owned() });
        }
        _ => {}
    }
    let (lock, record) = OwnerLock::take(&**disk)?;
    let mut run = Run::new(&**disk, progress).map_err(io)?;
    let format = run.format();
    run.packs();
    run.components();
    run.others();
    if let Some(format) = format
        && run.journal(&format.store_id)
    {
        let numbers = segment_numbers(&**disk).map_err(io)?;
        match find(&**disk, &format.store_id, &numbers).and_then(|found| check_close(&found, &record).map(|()| found)) {
            Ok(found) => run.found(disk, &found.anchor.catalog.tree, &found.anchor.packs),
            Err(error) => run.refused(error),
        }
    }
    drop(lock);
    Ok(run.verified)
}

/// One verification.
struct Run<'a> {
    disk: &'a dyn Disk,
    report: &'a mut dyn FnMut(&Progress),
    at: Progress,
    verified: Verified,
}

impl<'a> Run<'a> {
    fn new(disk: &'a dyn Disk, report: &'a mut dyn FnMut(&Progress)) -> io::Result<Run<'a>> {
        let mut bytes_total = 0;
        for dir in ["", JOURNAL_DIR, PACK_DIR, COMPONENT_DIR, QUARANTINE_DIR] {
            for name in list(disk, dir)? {
                bytes_total +=
                    disk.open(&join(dir, &name), crate::disk::Mode::Read).and_then(|file| file.len()).unwrap_or(0);
            }
        }
        let at = Progress { file: String::new(), bytes: 0, bytes_total, state: None };
        Ok(Run { disk, report, at, verified: Verified::default() })
    }

    fn begin(&mut self, file: &str) {
        file.clone_into(&mut self.at.file);
        self.verified.files += 1;
        (self.report)(&self.at);
    }

    fn read(&mut self, bytes: u64) {
        self.at.bytes += bytes;
        self.verified.bytes += bytes;
        (self.report)(&self.at);
    }

    fn damage(&mut self, file: &str, offset: u64, what: impl Into<String>, affects: &str) {
        let damage = Damage { file: file.to_owned(), offset, what: what.into(), affects: affects.to_owned() };
        if !self.verified.damage.contains(&damage) {
            self.verified.damage.push(damage);
        }
    }

    fn unreadable(&mut self, error: ReadError, file: &str, affects: &str) {
        match error {
            ReadError::Damaged { path, offset, what } => self.damage(&path, offset, what, affects),
            ReadError::Io { path, source } => self.damage(&path, 0, format!("cannot be read: {source}"), affects),
            missing @ ReadError::Missing { .. } => self.damage(file, 0, missing.to_string(), affects),
        }
    }

    fn refused(&mut self, error: OpenError) {
        match error {
            OpenError::Damaged { file, offset, what, affects, .. } => self.damage(&file, offset, what, &affects),
            other => self.damage(JOURNAL_DIR, 0, other.to_string(), AFFECTS_COMMITS),
        }
    }

    fn names(&mut self, dir: &str) -> Vec<String> {
        list(self.disk, dir).unwrap_or_else(|error| {
            self.damage(dir, 0, format!("cannot be listed: {error}"), "everything in it");
            Vec::new()
        })
    }

    fn format(&mut self) -> Option<Format> {
        self.begin(FORMAT_FILE);
        self.read(file_bytes(self.disk, FORMAT_FILE));
        match Format::read(self.disk) {
            Ok(Some(format)) => Some(format),
            Ok(None) => {
                self.damage(FORMAT_FILE, 0, "the file is missing", "which store this is; all data is untouched");
                None
            }
            Err(OpenError::Damaged { file, offset, what, affects, .. }) => {
                self.damage(&file, offset, what, &affects);
                None
            }
            Err(other) => {
                self.damage(FORMAT_FILE, 0, other.to_string(), "which store this is; all data is untouched");
                None
            }
        }
    }

    /// Reads all segments; false if one is damaged.
    fn journal(&mut self, store_id: &[u8; 16]) -> bool {
        let before = self.verified.damage.len();
        let names = self.names(JOURNAL_DIR);
        let mut last: Option<SegmentScan> = None;
        for name in names {
            let path = join(JOURNAL_DIR, &name);
            self.begin(&path);
            self.read(file_bytes(self.disk, &path));
            // A spare holds nothing yet.
            let Some(number) = segment_number(&name) else { continue };
            let scan = match read_segment(self.disk, store_id, number) {
                Ok(scan) => scan,
                Err(error) => {
                    self.damage(&path, 0, error.to_string(), AFFECTS_COMMITS);
                    last = None;
                    continue;
                }
            };
            if let Some(before) = last.take() {
                self.joint(&before, &scan);
            }
            if let Tail::Damaged(what) = scan.tail {
                self.damage(&path, scan.end as u64, what, AFFECTS_COMMITS);
            }
            if let Err(error) = each_frame(&scan, &mut |_, frame| frame.record().map(drop)) {
                self.refused(error);
            }
            last = Some(scan);
        }
        if before == self.verified.damage.len() && last.is_none() {
            self.damage(JOURNAL_DIR, 0, "there is no segment", "every commit");
        }
        before == self.verified.damage.len()
    }

    fn joint(&mut self, before: &SegmentScan, after: &SegmentScan) {
        if before.number + 1 != after.number {
            let what = format!("segment {} follows segment {}", after.number, before.number);
            self.damage(&after.path(), 0, what, AFFECTS_COMMITS);
        } else if before.link.number != after.header.first_batch || before.link.chain != after.header.chain {
            let what = "the next segment does not continue this one";
            self.damage(&before.path(), before.end as u64, what, AFFECTS_COMMITS);
        }
    }

    fn packs(&mut self) {
        for name in self.names(PACK_DIR) {
            let path = join(PACK_DIR, &name);
            self.begin(&path);
            let bytes = file_bytes(self.disk, &path);
            let mut read = 0;
            let damage = match PackId::from_file_name(&name) {
                Some(id) => verify_pack(self.disk, id, &mut |bytes| read += bytes),
                // What an unfinished write left behind.
                None => Vec::new(),
            };
            self.read(bytes.max(read));
            for error in damage {
                self.unreadable(error, &path, AFFECTS_STATES);
            }
        }
    }

    fn components(&mut self) {
        for name in self.names(COMPONENT_DIR) {
            let path = join(COMPONENT_DIR, &name);
            self.begin(&path);
            let bytes = file_bytes(self.disk, &path);
            self.read(bytes);
            let hash: Option<ComponentHash> = name.strip_suffix(".wasm").and_then(|hash| hash.parse().ok());
            let Some(hash) = hash.filter(|hash| component_path(hash) == path) else { continue };
            let checked = match bytes > COMPONENT_BYTES_MAX {
                true => Err(ReadError::Damaged { path: path.clone(), offset: 0, what: "it is too large".to_owned() }),
                false => get(self.disk, &hash).map(drop),
            };
            if let Err(error) = checked {
                self.unreadable(error, &path, "every version of a plugin that runs this component");
            }
        }
    }

    /// Files without a hash: only read.
    fn others(&mut self) {
        let mut paths: Vec<String> = self.names(QUARANTINE_DIR).iter().map(|name| join(QUARANTINE_DIR, name)).collect();
        if file_bytes(self.disk, LOCK_FILE) > 0 {
            paths.push(LOCK_FILE.to_owned());
        }
        for path in paths {
            self.begin(&path);
            let bytes = file_bytes(self.disk, &path);
            if let Err(error) = self.disk.read(&path, u64::MAX) {
                self.damage(&path, 0, format!("cannot be read: {error}"), "nothing");
            }
            self.read(bytes);
        }
    }

    /// Walks the trees of a directory that is not open, as far as its packs can be read.
    fn found(&mut self, disk: &Arc<dyn Disk>, catalog: &Tree, needed: &[PackId]) {
        let packs = Packs::new(disk.clone(), 64 << 20);
        let there: BTreeSet<PackId> =
            self.names(PACK_DIR).iter().filter_map(|name| PackId::from_file_name(name)).collect();
        for pack in needed.iter().filter(|pack| !there.contains(pack)) {
            self.damage(&pack.path(), 0, "the file is missing", AFFECTS_STATES);
        }
        for pack in &there {
            // Why a pack does not open is on record already.
            let _ = packs.add(*pack);
        }
        let mut trees = vec![(StateId::CATALOG, *catalog)];
        for header in headers::read_all(catalog, &packs) {
            match header {
                Ok((state, header, _)) => trees.push((state, header.tree)),
                Err(error) => {
                    self.unreadable(error, PACK_DIR, "the list of states");
                    break;
                }
            }
        }
        self.trees(&trees, &packs);
    }

    fn trees(&mut self, trees: &[(StateId, Tree)], packs: &Arc<Packs>) {
        let mut seen: HashSet<Hash> = HashSet::new();
        for (state, tree) in trees {
            self.at.state = Some(*state);
            (self.report)(&self.at);
            if let Err(error) = tree.mark(&**packs, &mut |hash| seen.insert(*hash)) {
                self.unreadable(error, PACK_DIR, &state.to_string());
            }
        }
        let values: Vec<Hash> = seen.into_iter().filter(|hash| !packs.holds(hash)).collect();
        for hash in values {
            let what = format!("nothing stored has the hash {}", crate::tree::hex(&hash));
            self.damage(PACK_DIR, 0, what, AFFECTS_STATES);
        }
    }
}

fn list(disk: &dyn Disk, dir: &str) -> io::Result<Vec<String>> {
    match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.is_empty() => Ok(Vec::new()),
        other => other,
    }
}

fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

fn file_bytes(disk: &dyn Disk, path: &str) -> u64 {
    disk.open(path, crate::disk::Mode::Read).and_then(|file| file.len()).unwrap_or(0)
}
