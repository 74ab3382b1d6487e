//! Opening a data directory: recognise it, own it, read it, and only then write.
//!
//! ```text
//! FORMAT there?  no ──▶ empty, or a creation that did not finish: make a new store (FORMAT is written last)
//!    │ yes
//! LOCK taken ──▶ journal read, chain checked ──▶ packs and catalog read ──▶ commits replayed     refusals change nothing
//!    │
//! owner epoch raised in LOCK ──▶ journal's tail copied ──▶ Own record synced ──▶ leftovers removed ──▶ threads
//! ```

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::{OpenError, ReadError};
use crate::journal::record::{Anchor, Header, Kind, Own, Record, encode};
use crate::journal::{
    Found, JOURNAL_DIR, JournalWriter, QUARANTINE_DIR, RecordQueue, Spares, batch_bytes_max, create, each_frame, find,
    repair_tail, segment_numbers,
};
use crate::limits::SEGMENT_BYTES_MIN;
use crate::pack::{PACK_DIR, PackId, Packs};
use crate::planted::{Bug, planted};
use crate::store::collect::PackUse;
use crate::store::components::COMPONENT_DIR;
use crate::store::core::{Core, Front};
use crate::store::export::{IMPORT_DIR, Imports};
use crate::store::format_file::{FORMAT_FILE, FORMAT_NEW, Format};
use crate::store::lock::{LOCK_FILE, OwnerLock, OwnerRecord};
use crate::store::replay::replay;
use crate::store::state::States;
use crate::store::{CommitNumber, Options, Recovery, TornTail, WriterEpoch};
use crate::tree::Tree;

/// Opens the directory, or makes a new store in an empty one.
pub(crate) fn open(disk: Arc<dyn Disk>, mut options: Options) -> Result<(Core, Recovery), OpenError> {
    options.segment_bytes = options.segment_bytes.max(SEGMENT_BYTES_MIN).next_multiple_of(4096);
    let format = Format::read(&*disk)?;
    if format.is_none() {
        check_is_empty(&*disk)?;
    }
    let (lock, record) = OwnerLock::take(&*disk)?;
    // Who held the lock before may have made the store meanwhile.
    match Format::read(&*disk)? {
        Some(format) => open_existing(disk, options, format, lock, record),
        None => open_new(disk, options, lock),
    }
}

/// Names that a store, or who runs it, puts into its directory.
const KNOWN_FILES: [&str; 4] = [LOCK_FILE, FORMAT_FILE, FORMAT_NEW, "control.sock"];

fn check_is_empty(disk: &dyn Disk) -> Result<(), OpenError> {
    let names = disk.list("").map_err(|source| OpenError::from_io("", source))?;
    if let Some(name) = names.iter().find(|name| !KNOWN_FILES.contains(&name.as_str()) && !name.starts_with('.')) {
        return Err(OpenError::NotAStore { what: format!("it has no FORMAT, but a file named {name}") });
    }
    Ok(())
}

fn open_new(disk: Arc<dyn Disk>, options: Options, mut lock: OwnerLock) -> Result<(Core, Recovery), OpenError> {
    let io = |path: &'static str| move |source| OpenError::from_io(path, source);
    check_is_unfinished(&*disk)?;
    for dir in [JOURNAL_DIR, PACK_DIR, COMPONENT_DIR, QUARANTINE_DIR] {
        disk.create_dir(dir).map_err(io(dir))?;
    }
    disk.sync_dir("").map_err(io(""))?;
    let owner = OwnerRecord { epoch: 1, pid: pid(), closed: None };
    lock.write(owner).map_err(io(LOCK_FILE))?;
    let mut store_id = [0; 16];
    disk.random(&mut store_id);
    let format = Format { store_id };
    if planted(Bug::FormatBeforeJournal) {
        format.create(&*disk).map_err(io(FORMAT_FILE))?;
    }
    let end = create(&disk, store_id, options.segment_bytes, first_anchor(owner.epoch)).map_err(io(JOURNAL_DIR))?;
    format.create(&*disk).map_err(io(FORMAT_FILE))?;
    let packs = Packs::new(disk.clone(), options.cache_bytes);
    let front = Front::new(States::new(), CommitNumber(0), Vec::new());
    let start = Start { front, packs, lock, owner, end, applied: CommitNumber(0) };
    let core = start.go(disk, options, format)?;
    Ok((core, Recovery { created: true, clean: true, owner_epoch: owner.epoch, ..Recovery::default() }))
}

/// Where a new store starts: nothing was ever committed.
fn first_anchor(owner_epoch: u64) -> Anchor {
    let catalog = Header {
        tree: Tree::EMPTY,
        epoch: WriterEpoch::FIRST,
        commits: 0,
        last: CommitNumber(0),
        held: CommitNumber(0),
    };
    let (commit, kept_from) = (CommitNumber(0), CommitNumber(0));
    Anchor { commit, replay_segment: 1, catalog, owner_epoch, next_state: 1, packs: Vec::new(), kept_from }
}

/// A directory without FORMAT is a store that was never finished, or one that lost it.
fn check_is_unfinished(disk: &dyn Disk) -> Result<(), OpenError> {
    let numbers = match segment_numbers(disk) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|source| OpenError::from_io(JOURNAL_DIR, source))?,
    };
    if numbers.is_empty() || (numbers == [1] && crate::journal::holds_only_manifest(disk)) {
        return Ok(());
    }
    Err(OpenError::Damaged {
        file: FORMAT_FILE.to_owned(),
        offset: 0,
        what: "the file is missing, but there is a journal".to_owned(),
        affects: "which store this is; all data is untouched".to_owned(),
        hint: crate::error::REPAIR_HINT.to_owned(),
    })
}

fn open_existing(
    disk: Arc<dyn Disk>,
    options: Options,
    format: Format,
    mut lock: OwnerLock,
    record: OwnerRecord,
) -> Result<(Core, Recovery), OpenError> {
    let io = |path: &'static str| move |source| OpenError::from_io(path, source);
    let numbers = match segment_numbers(&*disk) {
        // Finding no segment is an error that says what is lost.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        other => other.map_err(io(JOURNAL_DIR))?,
    };
    let mut found = find(&*disk, &format.store_id, &numbers)?;
    check_close(&found, &record)?;
    let packs = Packs::new(disk.clone(), options.cache_bytes);
    let needed = needed_packs(&mut found)?;
    for pack in &needed {
        packs.add(*pack).map_err(|error| read_error(error, &pack.path()))?;
    }
    let mut replayed = replay(&found, &packs, needed.iter().copied().collect())?;
    replayed.front.pack_use = PackUse::estimate(&mut replayed.front.states);

    // The owner that made these names may have been killed before it synced them.
    let names = ["", JOURNAL_DIR, PACK_DIR, COMPONENT_DIR];
    for dir in names.into_iter().filter(|_| !planted(Bug::NamesNotSyncedAtOpen)) {
        disk.sync_dir(dir).map_err(io(dir))?;
    }
    let owner = OwnerRecord { epoch: found.owner_epoch.max(record.epoch) + 1, pid: pid(), closed: None };
    lock.write(owner).map_err(io(LOCK_FILE))?;
    let (end, set_aside) = repair_tail(&disk, &found, options.segment_bytes, owner.epoch).map_err(io(JOURNAL_DIR))?;
    let recovery = Recovery {
        created: false,
        clean: found.closed,
        owner_epoch: owner.epoch,
        replayed_commits: replayed.commits,
        last_commit: found.last,
        torn: found.torn.as_ref().zip(set_aside).map(|(torn, set_aside)| TornTail {
            file: found.segments.last().expect("a journal that was found has a segment").path(),
            offset: torn.offset,
            what: torn.what.to_owned(),
            set_aside,
        }),
    };
    let start = Start { front: replayed.front, packs, lock, owner, end, applied: found.anchor.commit };
    let mut core = start.go(disk.clone(), options, format)?;
    core.imports = Imports::find(&*disk, &needed).map_err(io(IMPORT_DIR))?;
    remove_leftovers(&*disk, &needed, &core.imports).map_err(io(PACK_DIR))?;
    Ok((core, recovery))
}

/// After a clean close the journal has to reach as far as the close.
pub(crate) fn check_close(found: &Found, record: &OwnerRecord) -> Result<(), OpenError> {
    let Some(closed) = record.closed.filter(|closed| found.link.number < *closed) else { return Ok(()) };
    let last = found.segments.last().expect("a journal that was found has a segment");
    Err(OpenError::Damaged {
        file: last.path(),
        offset: last.end as u64,
        what: format!("the store was closed after batch {}, the journal ends before {}", closed - 1, found.link.number),
        affects: "every commit from here on".to_owned(),
        hint: crate::error::REPAIR_HINT.to_owned(),
    })
}

/// The packs that replay and the states need. Brings the anchor up to what was dropped after it.
pub(crate) fn needed_packs(found: &mut Found) -> Result<BTreeSet<PackId>, OpenError> {
    let mut packs: BTreeSet<PackId> = found.anchor.packs.iter().copied().collect();
    let mut dropped = Vec::new();
    let mut kept_from = found.anchor.kept_from;
    for segment in &found.segments {
        each_frame(segment, &mut |_, frame| {
            match frame.kind {
                Kind::PackDrop => {
                    let Record::PackDrop(record) = frame.record()? else { unreachable!("the frame says its kind") };
                    packs.extend(record.added);
                    dropped.extend(record.dropped);
                    kept_from = kept_from.max(record.kept_from);
                }
                Kind::Commit if frame.number > found.anchor.commit => packs.extend(frame.packs()?),
                _ => {}
            }
            Ok(())
        })?;
    }
    for pack in dropped {
        packs.remove(&pack);
    }
    found.anchor.kept_from = kept_from;
    Ok(packs)
}

/// Damage that stands in the way of opening.
pub(crate) fn read_error(error: ReadError, file: &str) -> OpenError {
    let (file, offset, what) = match error {
        ReadError::Io { source, path } if source.kind() == io::ErrorKind::NotFound => {
            (path, 0, "the file is missing".to_owned())
        }
        ReadError::Io { path, source } => return OpenError::from_io(&path, source),
        ReadError::Damaged { path, offset, what } => (path, offset, what),
        ReadError::Missing { hash } => (file.to_owned(), 0, format!("nothing stored has the hash {hash}")),
    };
    OpenError::Damaged {
        file,
        offset,
        what,
        affects: "every state with entries in it".to_owned(),
        hint: crate::error::REPAIR_HINT.to_owned(),
    }
}

/// Removes packs that neither a record nor an import names (their commit was never accepted, or their drop is durable), and components that
/// were never finished.
fn remove_leftovers(disk: &dyn Disk, needed: &BTreeSet<PackId>, imports: &Imports) -> io::Result<()> {
    let is_needed =
        |name: &str| PackId::from_file_name(name).is_some_and(|pack| needed.contains(&pack) || imports.have(pack));
    keep_only(disk, PACK_DIR, is_needed)?;
    keep_only(disk, COMPONENT_DIR, |name| !name.ends_with(".new"))
}

fn keep_only(disk: &dyn Disk, dir: &str, keep: impl Fn(&str) -> bool) -> io::Result<()> {
    let mut removed = false;
    for name in disk.list(dir)?.iter().filter(|name| !keep(name)) {
        disk.remove(&format!("{dir}/{name}"))?;
        removed = true;
    }
    if removed { disk.sync_dir(dir) } else { Ok(()) }
}

fn pid() -> u64 {
    u64::from(crate::disk::process())
}

/// Everything that was read, ready to be written to.
struct Start {
    front: Front,
    packs: Arc<Packs>,
    lock: OwnerLock,
    owner: OwnerRecord,
    end: crate::journal::End,
    /// Where replay began.
    applied: CommitNumber,
}

impl Start {
    /// Makes this process the owner on record, before anything else is written.
    fn go(self, disk: Arc<dyn Disk>, options: Options, format: Format) -> Result<Core, OpenError> {
        let io = |source| OpenError::from_io(JOURNAL_DIR, source);
        assert!(batch_bytes_max(options.segment_bytes) as u64 * 4 <= options.segment_bytes.max(SEGMENT_BYTES_MIN));
        let spares = Arc::new(Spares::open(disk.clone(), options.segment_bytes).map_err(io)?);
        let owner_epoch = self.owner.epoch;
        let mut writer = JournalWriter::new(
            disk.clone(),
            spares.clone(),
            format.store_id,
            self.end,
            owner_epoch,
            options.history_bytes,
        );
        let mut queue = RecordQueue::default();
        queue.push(&encode(Kind::Own, self.front.accepted, &Own { owner_epoch }));
        writer.write(&queue).and_then(|()| writer.unsynced().sync()).map_err(io)?;
        Ok(Core::new(
            disk,
            options,
            format,
            owner_epoch,
            self.packs,
            spares,
            writer,
            self.lock,
            self.front,
            self.applied,
        ))
    }
}
