//! Reads everything and names what is damaged, and what is lost with it.
//!
//! ```text
//! files     FORMAT, segments, packs, components: every byte against a hash; LOCK and quarantine/ have none and are only read
//! journal   the chain from the oldest segment to the newest: which commits a hole takes along            journal.rs
//! trees     every state's tree, past what is lost: which entries lay under a node that cannot be read    trees.rs
//! ```
//!
//! `cache/` may be deleted at any time and is left out. Nothing is written, and no file is created: a full disk or a read-only
//! file system will do.

mod journal;
mod trees;

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

use crate::disk::{Disk, Mode};
use crate::error::{OpenError, ReadError, StoreError};
use crate::journal::{Found, JOURNAL_DIR, QUARANTINE_DIR, Survey, find, segment_numbers};
use crate::limits::COMPONENT_BYTES_MAX;
use crate::pack::{PACK_DIR, PackId, Packs, Salvaged, salvage, verify_pack};
use crate::store::components::{COMPONENT_DIR, ComponentHash, component_path, get};
use crate::store::core::Core;
use crate::store::format_file::{FORMAT_FILE, Format};
use crate::store::lock::{LOCK_FILE, OwnerLock, OwnerRecord};
use crate::store::open::check_close;
use crate::store::replay::replay;
use crate::store::{Damage, LostCommits, Progress, Verified};

/// Memory for tree nodes while a directory is verified that nobody has open.
const CACHE_BYTES: u64 = 64 << 20;

/// Verifies a store that is open. Checkpoints wait for it; commits do not.
pub(crate) fn verify_open(core: &Arc<Core>, progress: &mut dyn FnMut(&Progress)) -> Result<Verified, StoreError> {
    let _one = core.checkpointing.lock();
    let mut run = Run::new(&*core.disk, progress).map_err(|source| StoreError::from_io("", source))?;
    run.format();
    run.open_journal(core);
    run.packs();
    run.components();
    run.others();
    let (trees, blobs) = {
        let front = core.front();
        (trees::Walked::all(&front.states), front.blobs.clone())
    };
    run.trees(&trees, &core.packs);
    run.blobs(&blobs, &core.packs);
    Ok(run.end())
}

/// Verifies a directory that nobody has open, also one that does not open.
pub(crate) fn verify_idle(disk: &Arc<dyn Disk>, progress: &mut dyn FnMut(&Progress)) -> Result<Verified, OpenError> {
    check_is_store(&**disk)?;
    let (lock, record) = OwnerLock::take_to_read(&**disk)?;
    let examined = examine(disk, &record, progress)?;
    drop(lock);
    Ok(examined.verified)
}

/// What an idle directory holds, damage and all.
pub(crate) struct Examined {
    pub(crate) verified: Verified,
    pub(crate) survey: Survey,
    /// All packs, each as far as it can be read.
    pub(crate) packs: Arc<Packs>,
    /// What opening the store would start from, if it can be told and nothing that is needed is lost.
    pub(crate) found: Option<Found>,
}

/// Reads everything in a directory whose lock the caller holds.
pub(crate) fn examine(
    disk: &Arc<dyn Disk>,
    record: &OwnerRecord,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Examined, OpenError> {
    let mut run = Run::new(&**disk, progress).map_err(|source| OpenError::from_io("", source))?;
    let store_id = run.format().map(|format| format.store_id);
    let survey = run.journal(store_id)?;
    let packs = run.packs_leniently(disk, &survey);
    run.components();
    run.others();
    let numbers = run.segment_numbers();
    let found = find(&**disk, &survey.store_id, &numbers);
    let found = match found.and_then(|found| check_close(&found, record).map(|()| found)) {
        Ok(found) => run.opens(&found, &packs).then_some(found),
        Err(error) => {
            let cut_off = record.closed.is_some_and(|closed| closed > survey.last_batch + 1);
            run.refused(error, cut_off.then(|| journal::lost_after(survey.last_commit(), None)));
            if let Some(newest) = survey.anchors.last() {
                run.missing_packs(newest);
                run.anchor(newest, &packs);
            }
            None
        }
    };
    if !run.verified.is_clean() {
        run.packed_commits(&survey, &packs);
    }
    Ok(Examined { verified: run.end(), survey, packs, found })
}

/// A newer release's directory, and one that is no store, are not judged.
pub(crate) fn check_is_store(disk: &dyn Disk) -> Result<(), OpenError> {
    match Format::read(disk) {
        Err(error @ (OpenError::NewerFormat { .. } | OpenError::NotAStore { .. })) => Err(error),
        Ok(None) => {
            let names = list(disk, JOURNAL_DIR).map_err(|source| OpenError::from_io(JOURNAL_DIR, source))?;
            let what = "it has neither FORMAT nor a journal".to_owned();
            if names.is_empty() { Err(OpenError::NotAStore { what }) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

/// One verification.
struct Run<'a> {
    disk: &'a dyn Disk,
    report: &'a mut dyn FnMut(&Progress),
    at: Progress,
    verified: Verified,
    /// Where in the list of damage the piece at a place stands.
    places: HashMap<(String, u64), usize>,
    /// Packs that cannot be opened: what nothing holds lay in them.
    unopened: Vec<String>,
}

impl<'a> Run<'a> {
    fn new(disk: &'a dyn Disk, report: &'a mut dyn FnMut(&Progress)) -> io::Result<Run<'a>> {
        let mut bytes_total = 0;
        for dir in ["", JOURNAL_DIR, PACK_DIR, COMPONENT_DIR, QUARANTINE_DIR] {
            for name in list(disk, dir)? {
                bytes_total += file_bytes(disk, &join(dir, &name));
            }
        }
        let at = Progress { file: String::new(), bytes: 0, bytes_total, state: None };
        Ok(Run { disk, report, at, verified: Verified::default(), places: HashMap::new(), unopened: Vec::new() })
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

    /// The damage at a place: what is known of it already, or a new piece.
    fn damage_at(&mut self, file: &str, offset: u64, what: impl Into<String>) -> &mut Damage {
        let at = *self.places.entry((file.to_owned(), offset)).or_insert_with(|| {
            self.verified.damage.push(Damage::of_file(file, offset, what, ""));
            self.verified.damage.len() - 1
        });
        &mut self.verified.damage[at]
    }

    fn damage(&mut self, file: &str, offset: u64, what: impl Into<String>, affects: &str) {
        let damage = self.damage_at(file, offset, what);
        if damage.affects.is_empty() {
            affects.clone_into(&mut damage.affects);
        }
    }

    fn unreadable(&mut self, error: ReadError, file: &str) -> &mut Damage {
        match error {
            ReadError::Damaged { path, offset, what } => self.damage_at(&path, offset, what),
            ReadError::Io { path, source } if source.kind() == io::ErrorKind::NotFound => {
                self.damage_at(&path, 0, "the file is missing")
            }
            ReadError::Io { path, source } => self.damage_at(&path, 0, format!("cannot be read: {source}")),
            missing @ ReadError::Missing { .. } => self.damage_at(file, 0, missing.to_string()),
        }
    }

    /// Opening the store is refused, perhaps because of these commits.
    fn refused(&mut self, error: OpenError, commits: Option<LostCommits>) {
        let (file, offset, what, affects) = match error {
            OpenError::Damaged { file, offset, what, affects, .. } => (file, offset, what, affects),
            other => (JOURNAL_DIR.to_owned(), 0, other.to_string(), "every commit from here on".to_owned()),
        };
        self.damage(&file, offset, what, &affects);
        if commits.is_some() {
            self.damage_at(&file, offset, "").commits = commits;
        }
    }

    /// Whether everything is there that opening the store and reading its states needs.
    fn opens(&mut self, found: &Found, packs: &Arc<Packs>) -> bool {
        self.missing_packs(&found.anchor);
        match replay(found, packs, Vec::new()) {
            Ok(replayed) => self.trees(&trees::Walked::all(&replayed.front.states), packs),
            Err(error) => {
                self.anchor(&found.anchor, packs);
                if self.losses() == 0 {
                    self.refused(error, None);
                }
            }
        }
        self.losses() == 0
    }

    /// Says of each piece in words what is lost with it.
    fn end(mut self) -> Verified {
        let loses = |damage: &&Damage| !damage.affected.is_empty() || damage.commits.is_some();
        let losing: HashSet<String> = self.verified.damage.iter().filter(loses).map(|d| d.file.clone()).collect();
        for damage in &mut self.verified.damage {
            damage.describe();
            if damage.affects.is_empty() {
                let text = match (self.unopened.contains(&damage.file), losing.contains(&damage.file)) {
                    (true, true) => "the store does not open",
                    (true, false) => STILL_READABLE,
                    (false, _) => UNUSED,
                };
                text.clone_into(&mut damage.affects);
            }
        }
        self.verified
    }

    fn names(&mut self, dir: &str) -> Vec<String> {
        list(self.disk, dir).unwrap_or_else(|error| {
            self.damage(dir, 0, format!("cannot be listed: {error}"), "everything in it");
            Vec::new()
        })
    }

    fn segment_numbers(&mut self) -> Vec<u64> {
        match segment_numbers(self.disk) {
            Ok(numbers) => numbers,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                self.damage(JOURNAL_DIR, 0, format!("cannot be listed: {error}"), "everything in it");
                Vec::new()
            }
        }
    }

    fn format(&mut self) -> Option<Format> {
        const AFFECTS: &str = "which store this is; all data is untouched";
        self.begin(FORMAT_FILE);
        self.read(file_bytes(self.disk, FORMAT_FILE));
        match Format::read(self.disk) {
            Ok(Some(format)) => return Some(format),
            Ok(None) => self.damage(FORMAT_FILE, 0, "the file is missing", AFFECTS),
            Err(OpenError::Damaged { file, offset, what, affects, .. }) => self.damage(&file, offset, what, &affects),
            Err(other) => self.damage(FORMAT_FILE, 0, other.to_string(), AFFECTS),
        }
        None
    }

    /// Reads all packs of an open store.
    fn packs(&mut self) {
        for (name, id) in self.pack_names() {
            let path = join(PACK_DIR, &name);
            let bytes = file_bytes(self.disk, &path);
            let mut read = 0;
            let damage = id.map(|id| verify_pack(self.disk, id, &mut |bytes| read += bytes)).unwrap_or_default();
            self.read(bytes.max(read));
            for error in damage {
                self.unreadable(error, &path);
            }
        }
    }

    /// Reads all packs and opens each as far as it can be read.
    fn packs_leniently(&mut self, disk: &Arc<dyn Disk>, survey: &Survey) -> Arc<Packs> {
        let packs = Packs::new(disk.clone(), CACHE_BYTES);
        for (name, id) in self.pack_names() {
            let path = join(PACK_DIR, &name);
            let bytes = file_bytes(self.disk, &path);
            self.read(bytes);
            let Some(id) = id else { continue };
            let wanted = || survey.packed(self.disk).into_iter().map(|(_, wanted)| wanted).collect();
            match salvage(self.disk, id, &wanted) {
                Ok(Salvaged { pack, damage, bad, opens }) => {
                    if !opens {
                        self.unopened.push(path.clone());
                    }
                    packs.add_salvaged(pack, bad, damage.is_empty());
                    for error in damage {
                        self.unreadable(error, &path);
                    }
                }
                Err(error) => {
                    self.unopened.push(path.clone());
                    self.unreadable(error, &path);
                }
            }
        }
        packs
    }

    /// The files in the pack directory; one without an id is what an unfinished write left behind.
    fn pack_names(&mut self) -> Vec<(String, Option<PackId>)> {
        let names = self.names(PACK_DIR);
        for name in &names {
            self.begin(&join(PACK_DIR, name));
        }
        names.into_iter().map(|name| (name.clone(), PackId::from_file_name(&name))).collect()
    }

    fn components(&mut self) {
        for name in self.names(COMPONENT_DIR) {
            let path = join(COMPONENT_DIR, &name);
            self.begin(&path);
            let bytes = file_bytes(self.disk, &path);
            self.read(bytes);
            if let Some(error) = check_component(self.disk, &name, bytes) {
                self.unreadable(error, &path).affects = "every version of a plugin that runs this component".to_owned();
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
            if let Err(error) = read_through(self.disk, &path, bytes) {
                self.damage(&path, 0, format!("cannot be read: {error}"), "nothing");
            }
            self.read(bytes);
        }
    }
}

const STILL_READABLE: &str = "the store does not open; everything in the file that is in use can still be read";
const UNUSED: &str = "nothing that is in use";

/// What is wrong with a component's file, if it is one.
pub(crate) fn check_component(disk: &dyn Disk, name: &str, bytes: u64) -> Option<ReadError> {
    let path = join(COMPONENT_DIR, name);
    let hash: ComponentHash = name.strip_suffix(".wasm")?.parse().ok()?;
    if component_path(&hash) != path {
        return None;
    }
    if bytes > COMPONENT_BYTES_MAX {
        return Some(ReadError::Damaged { path, offset: 0, what: "it is too large".to_owned() });
    }
    get(disk, &hash).err()
}

/// Reads a file that has no hash, to see whether it can be read.
fn read_through(disk: &dyn Disk, path: &str, bytes: u64) -> io::Result<()> {
    let file = disk.open(path, Mode::Read)?;
    let mut part = vec![0; 1 << 20];
    let mut offset = 0;
    while offset < bytes {
        let want = (bytes - offset).min(part.len() as u64) as usize;
        file.read_exact_at(offset, &mut part[..want])?;
        offset += want as u64;
    }
    Ok(())
}

/// The files of a directory; none if there is no such directory.
pub(crate) fn list(disk: &dyn Disk, dir: &str) -> io::Result<Vec<String>> {
    match disk.list(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !dir.is_empty() => Ok(Vec::new()),
        other => other,
    }
}

pub(crate) fn join(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

pub(crate) fn file_bytes(disk: &dyn Disk, path: &str) -> u64 {
    disk.open(path, Mode::Read).and_then(|file| file.len()).unwrap_or(0)
}
