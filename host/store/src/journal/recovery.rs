//! Finds the journal's end, and makes it a place where writing can go on.
//!
//! ```text
//! segments     7 ──▶ 8 ──▶ 9          chain: each header and batch holds the hash of the batch before
//! anchor       9's last Checkpoint, or else 9's Manifest; it names the first segment that replay needs
//! tail of 9    nothing       go on after the last batch
//!              torn          begun, and nothing says that it was durable: cut off with all that follows, set aside, reported
//!              damaged       a later batch says that it was durable: the open is refused
//! ```
//!
//! [`find`] only reads. [`repair_tail`] copies the valid part of the last segment into a new file and retires the old
//! one: after a failed sync the page cache may show bytes that the disk lacks. The copy keeps the salt, and goes on with zeros: no
//! batch that was cut off is in it, so none can be taken for one that is written there later. A last segment of an older
//! format is copied and gets no more batches: a next one of this release's format follows.

use std::io;
use std::sync::Arc;

use super::format::{HeaderError, JOURNAL_VERSION, Link};
use super::reader::{SegmentError, SegmentScan, Tail, read_manifest, read_segment_to};
use super::record::{Anchor, Frame, Record, RecordError};
use super::sealed::Sealed;
use super::segment::{filled, segment_number, segment_path};
use super::writer::End;
use super::{JOURNAL_DIR, QUARANTINE_DIR};
use crate::disk::{Disk, File, Mode};
use crate::error::{OpenError, ReadError};
use crate::planted::{Bug, planted};
use crate::store::CommitNumber;
use crate::sync::atomic::AtomicBool;

/// Zeros after the copied tail: room until the spare takes over, little enough to be laid down at every open.
const TAIL_ROOM_BYTES: u64 = 4 << 20;
/// What is set aside of an unfinished write at most.
const TORN_BYTES_MAX: usize = 16 << 20;

/// A journal that can be replayed.
pub(crate) struct Found {
    /// From the first segment that replay needs to the last.
    pub(crate) segments: Vec<SegmentScan>,
    /// All segments before the last one, with those that replay does not need.
    pub(crate) sealed: Vec<Sealed>,
    /// Where replay starts.
    pub(crate) anchor: Anchor,
    /// What the last segment's Manifest says.
    pub(crate) manifest: Anchor,
    /// What the next batch continues.
    pub(crate) link: Link,
    /// The highest owner epoch on record.
    pub(crate) owner_epoch: u64,
    /// The last record is a Close.
    pub(crate) closed: bool,
    /// The last commit.
    pub(crate) last: CommitNumber,
    /// An unfinished write after the last batch.
    pub(crate) torn: Option<Torn>,
}

/// An unfinished write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Torn {
    pub(crate) offset: u64,
    pub(crate) what: &'static str,
}

/// The numbers of all segments, ascending.
pub(crate) fn segment_numbers(disk: &dyn Disk) -> io::Result<Vec<u64>> {
    let mut numbers: Vec<u64> = disk.list(JOURNAL_DIR)?.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads the journal from where replay starts. Changes nothing.
pub(crate) fn find(disk: &dyn Disk, store_id: &[u8; 16], numbers: &[u64]) -> Result<Found, OpenError> {
    let Some((&newest, sealed)) = numbers.split_last() else {
        return Err(damage(JOURNAL_DIR, 0, "there is no segment", "every commit"));
    };
    let last = open_segment(disk, store_id, newest, u64::MAX)?;
    let facts = Facts::of(&last)?;
    let Some(manifest) = facts.manifest else {
        return Err(damage(&last.path(), last.end as u64, "the segment's Manifest is missing", AFFECTS_TAIL));
    };
    let anchor = facts.anchor.unwrap_or_else(|| manifest.clone());
    if anchor.replay_segment.max(manifest.replay_segment) > newest {
        return Err(damage(&last.path(), last.end as u64, "replay starts after the last segment", AFFECTS_TAIL));
    }
    let mut found = Found {
        sealed: sealed.iter().map(|number| read_sealed(disk, store_id, *number)).collect(),
        manifest,
        link: last.link,
        owner_epoch: facts.owner_epoch,
        closed: facts.closed,
        last: facts.last,
        torn: torn(&last)?,
        segments: Vec::new(),
        anchor,
    };
    for number in found.anchor.replay_segment..newest {
        if !numbers.contains(&number) {
            return Err(damage(&segment_path(number), 0, "the segment is missing", "every commit from here on"));
        }
        found.segments.push(open_segment(disk, store_id, number, u64::MAX)?);
    }
    found.segments.push(last);
    for pair in found.segments.windows(2) {
        check_joint(&pair[0], &pair[1])?;
    }
    Ok(found)
}

const AFFECTS_TAIL: &str = "every commit from here on";

fn damage(file: &str, offset: u64, what: impl Into<String>, affects: &str) -> OpenError {
    OpenError::Damaged {
        file: file.to_owned(),
        offset,
        what: what.into(),
        affects: affects.to_owned(),
        hint: crate::error::REPAIR_HINT.to_owned(),
    }
}

/// Reads a segment up to an offset; damage in it is an error, an unfinished end is not.
pub(crate) fn open_segment(
    disk: &dyn Disk,
    store_id: &[u8; 16],
    number: u64,
    end: u64,
) -> Result<SegmentScan, OpenError> {
    let segment = read_segment_to(disk, store_id, number, end).map_err(open_error)?;
    match segment.tail {
        Tail::Damaged(what) => Err(damage(&segment.path(), segment.end as u64, what, AFFECTS_TAIL)),
        _ => Ok(segment),
    }
}

fn open_error(error: SegmentError) -> OpenError {
    match error {
        SegmentError::Read(ReadError::Io { path, source }) => OpenError::Io { path, source },
        SegmentError::Read(other) => damage(JOURNAL_DIR, 0, other.to_string(), AFFECTS_TAIL),
        SegmentError::Header { path, error: HeaderError::Newer(found) } => {
            OpenError::NewerFormat { file: path, found, supported: super::format::JOURNAL_VERSION }
        }
        SegmentError::Header { path, error } => damage(&path, 0, error.to_string(), AFFECTS_TAIL),
        SegmentError::Foreign { path, what } => damage(&path, 0, what, AFFECTS_TAIL),
    }
}

fn torn(last: &SegmentScan) -> Result<Option<Torn>, OpenError> {
    match last.tail {
        Tail::Torn(what) => Ok(Some(Torn { offset: last.end as u64, what })),
        _ => Ok(None),
    }
}

/// A segment ends where the next one begins.
pub(crate) fn check_joint(before: &SegmentScan, after: &SegmentScan) -> Result<(), OpenError> {
    if before.link.number == after.header.first_batch && before.link.chain == after.header.chain {
        return Ok(());
    }
    let what = match before.tail {
        Tail::Torn(what) => what,
        _ => "the next segment does not continue this one",
    };
    Err(damage(&before.path(), before.end as u64, what, AFFECTS_TAIL))
}

/// A segment before the last one. Damage in it matters to who reads it: replay, or history.
fn read_sealed(disk: &dyn Disk, store_id: &[u8; 16], number: u64) -> Sealed {
    let file = disk.open(&segment_path(number), Mode::Read);
    let bytes = file.and_then(|file| file.len()).unwrap_or(0);
    Sealed { number, bytes, anchor: read_manifest(disk, store_id, number).map(Arc::new) }
}

/// What a segment's records say, taken together.
#[derive(Default)]
struct Facts {
    manifest: Option<Anchor>,
    anchor: Option<Anchor>,
    owner_epoch: u64,
    closed: bool,
    last: CommitNumber,
}

impl Facts {
    fn of(segment: &SegmentScan) -> Result<Facts, OpenError> {
        let mut facts = Facts::default();
        each_frame(segment, &mut |_, frame| {
            facts.last = frame.number;
            facts.closed = false;
            if frame.kind == super::record::Kind::Commit {
                return Ok(());
            }
            match frame.record()? {
                Record::Manifest(anchor) => {
                    facts.owner_epoch = facts.owner_epoch.max(anchor.owner_epoch);
                    facts.manifest = Some(anchor);
                }
                Record::Checkpoint(anchor) => facts.anchor = Some(anchor),
                Record::Own(own) => facts.owner_epoch = facts.owner_epoch.max(own.owner_epoch),
                Record::Close => facts.closed = true,
                Record::Commit(_) | Record::PackDrop(_) => {}
            }
            Ok(())
        })?;
        Ok(facts)
    }
}

/// Calls `visit` with each record of a segment and the offset of its batch.
pub(crate) fn each_frame(
    segment: &SegmentScan,
    visit: &mut dyn FnMut(usize, Frame<'_>) -> Result<(), RecordError>,
) -> Result<(), OpenError> {
    for (offset, count, records) in segment.batches() {
        let at = |RecordError(what)| damage(&segment.path(), offset as u64, what, AFFECTS_TAIL);
        let mut rest = records;
        let mut found = 0;
        while !rest.is_empty() {
            let frame = Frame::take(&mut rest).map_err(at)?;
            visit(offset, frame).map_err(at)?;
            found += 1;
        }
        if found != count {
            return Err(at(RecordError(format!("the batch names {count} records and holds {found}"))));
        }
    }
    Ok(())
}

/// Makes the journal's end a file that is certainly on the disk, and returns it ready for writing, with the name under
/// which an unfinished write was set aside.
pub(crate) fn repair_tail(
    disk: &Arc<dyn Disk>,
    found: &Found,
    segment_bytes: u64,
    owner_epoch: u64,
) -> io::Result<(End, Option<String>)> {
    let last = found.segments.last().expect("a journal that was found has a segment");
    let set_aside = match &found.torn {
        Some(torn) => Some(set_aside(&**disk, last, torn, owner_epoch)?),
        None => None,
    };
    let is_current = last.header.version == JOURNAL_VERSION;
    let room = if is_current { TAIL_ROOM_BYTES.min(segment_bytes) } else { 0 };
    let (file, bytes) = place(&**disk, last.number, &last.bytes[..last.end], room)?;
    if !is_current {
        let anchor = Anchor { owner_epoch, ..found.anchor.clone() };
        let number = last.number + 1;
        let end = begin(&**disk, last.header.store_id, number, &found.link, found.last, segment_bytes, anchor)?;
        let mut sealed = found.sealed.clone();
        sealed.push(Sealed { number: last.number, bytes, anchor: Some(Arc::new(found.manifest.clone())) });
        return Ok((End { sealed, ..end }, set_aside));
    }
    let end = End {
        file,
        number: last.number,
        bytes,
        offset: last.end as u64,
        link: found.link,
        anchor: found.anchor.clone(),
        manifest: found.manifest.clone(),
        sealed: found.sealed.clone(),
    };
    Ok((end, set_aside))
}

/// Puts a segment's file in its place, whole and durable, with room after what it starts with.
fn place(disk: &dyn Disk, number: u64, head: &[u8], room: u64) -> io::Result<(Box<dyn File>, u64)> {
    let path = segment_path(number);
    let new = format!("{path}.new");
    let bytes = head.len() as u64 + room;
    let mut file = filled(disk, &new, head, bytes, &AtomicBool::new(false))?;
    if planted(Bug::TailNotCopied) && disk.open(&path, Mode::Read).is_ok() {
        file = disk.open(&path, Mode::ReadWrite)?;
        file.set_len(bytes)?;
    } else {
        if !planted(Bug::TailRenamedBeforeSync) {
            file.sync_all()?;
        }
        disk.rename(&new, &path)?;
    }
    disk.sync_dir(JOURNAL_DIR)?;
    Ok((file, bytes))
}

fn set_aside(disk: &dyn Disk, last: &SegmentScan, torn: &Torn, owner_epoch: u64) -> io::Result<String> {
    let rest = &last.bytes[torn.offset as usize..];
    let used = rest.iter().rposition(|&byte| byte != 0).map_or(0, |at| at + 1).min(TORN_BYTES_MAX);
    let path = format!("{QUARANTINE_DIR}/{:010}-{}-{owner_epoch}.torn", last.number, torn.offset);
    super::segment::remove_if_there(disk, &path)?;
    let file = disk.open(&path, Mode::CreateNew)?;
    file.write_at(0, &rest[..used])?;
    file.sync_all()?;
    disk.sync_dir(QUARANTINE_DIR)?;
    Ok(path)
}

/// Makes the first segment of a new store.
pub(crate) fn create(disk: &Arc<dyn Disk>, store_id: [u8; 16], segment_bytes: u64, anchor: Anchor) -> io::Result<End> {
    let before = Link { salt: 0, number: 1, chain: super::format::genesis(&store_id) };
    begin(&**disk, store_id, 1, &before, CommitNumber(0), segment_bytes, anchor)
}

/// Makes a segment without a spare, with nothing in it but its Manifest. The rename makes all of it true at once.
pub(crate) fn begin(
    disk: &dyn Disk,
    store_id: [u8; 16],
    number: u64,
    before: &Link,
    last: CommitNumber,
    segment_bytes: u64,
    anchor: Anchor,
) -> io::Result<End> {
    let (start, link) = super::writer::segment_start(disk, store_id, number, before, last, &anchor);
    let (file, bytes) = place(disk, number, &start, TAIL_ROOM_BYTES.min(segment_bytes))?;
    let offset = start.len() as u64;
    Ok(End { file, number, bytes, offset, link, manifest: anchor.clone(), anchor, sealed: Vec::new() })
}

/// The first segment is as a creation that did not finish leaves it.
pub(crate) fn holds_only_manifest(disk: &dyn Disk) -> bool {
    super::reader::read_segment_of_any(disk, 1, u64::MAX).is_ok_and(|segment| segment.batch_count() <= 1)
}
