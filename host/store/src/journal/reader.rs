//! Reads one segment and tells an unfinished last write from damage.

use std::ops::Range;

use super::format::{Batch, HeaderError, Link, SEGMENT_HEADER_BYTES, SegmentHeader, resembles, u64_at};
use super::record::{Anchor, Frame, Record};
use super::segment::segment_path;
use crate::disk::{Disk, Mode};
use crate::error::ReadError;
use crate::limits::{BATCH_BYTES_MAX, BLOCK_BYTES};

/// A segment that was read: its valid batches, and what comes after them.
pub(crate) struct SegmentScan {
    pub(crate) number: u64,
    pub(crate) header: SegmentHeader,
    /// The whole file.
    pub(crate) bytes: Vec<u8>,
    /// Each valid batch: where it starts, how many records it holds, and where they lie.
    batches: Vec<(usize, u32, Range<usize>)>,
    /// Where the valid batches end.
    pub(crate) end: usize,
    /// What a next batch would continue.
    pub(crate) link: Link,
    pub(crate) tail: Tail,
}

/// What follows the last valid batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Nothing was written there.
    Clean,
    /// A batch was begun there, and nothing shows that it was ever durable.
    Torn(&'static str),
    /// There was a batch: a later one in the same segment says that it was durable.
    Damaged(&'static str),
}

/// Why a segment has no batches that can be trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SegmentError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("{error}")]
    Header { path: String, error: HeaderError },
    #[error("{what}")]
    Foreign { path: String, what: String },
}

fn check_store(segment: SegmentScan, store_id: &[u8; 16], number: u64) -> Result<SegmentScan, SegmentError> {
    let foreign = |what| Err(SegmentError::Foreign { path: segment.path(), what });
    if segment.header.store_id != *store_id {
        return foreign("the segment belongs to another store".to_owned());
    }
    if segment.header.number != number {
        return foreign(format!("the segment says that its number is {}", segment.header.number));
    }
    Ok(segment)
}

/// Reads a segment of a store up to an offset: what is written after it meanwhile is not looked at.
pub(crate) fn read_segment_to(
    disk: &dyn Disk,
    store_id: &[u8; 16],
    number: u64,
    end: u64,
) -> Result<SegmentScan, SegmentError> {
    check_store(read_segment_of_any(disk, number, end)?, store_id, number)
}

/// The anchor that a segment's Manifest names; none if its first batch cannot be read.
pub(crate) fn read_manifest(disk: &dyn Disk, store_id: &[u8; 16], number: u64) -> Option<Anchor> {
    // Few Manifests are longer than a block.
    [BLOCK_BYTES, BATCH_BYTES_MAX].into_iter().find_map(|bytes| {
        let segment = read_segment_to(disk, store_id, number, (SEGMENT_HEADER_BYTES + bytes) as u64).ok()?;
        let (_, _, mut records) = segment.batches().next()?;
        match Frame::take(&mut records).ok()?.record().ok()? {
            Record::Manifest(anchor) => Some(anchor),
            _ => None,
        }
    })
}

/// Reads the start of a segment, whatever store it belongs to.
pub(crate) fn read_segment_of_any(disk: &dyn Disk, number: u64, end: u64) -> Result<SegmentScan, SegmentError> {
    let path = segment_path(number);
    let bytes = read_start(disk, &path, end).map_err(|source| ReadError::Io { path: path.clone(), source })?;
    match SegmentHeader::decode(&bytes) {
        Ok(header) => Ok(scan(number, header, bytes)),
        Err(error) => Err(SegmentError::Header { path, error }),
    }
}

fn read_start(disk: &dyn Disk, path: &str, end: u64) -> std::io::Result<Vec<u8>> {
    let file = disk.open(path, Mode::Read)?;
    let len = usize::try_from(file.len()?.min(end)).map_err(std::io::Error::other)?;
    let mut bytes = vec![0; len];
    file.read_exact_at(0, &mut bytes)?;
    Ok(bytes)
}

fn scan(number: u64, header: SegmentHeader, bytes: Vec<u8>) -> SegmentScan {
    let mut link = Link { salt: header.salt, number: header.first_batch, chain: header.chain };
    let mut end = SEGMENT_HEADER_BYTES;
    let mut batches = Vec::new();
    let tail = loop {
        match next_batch(&bytes[end..], header.version, &link) {
            Ok(Some(batch)) => {
                let records = end + batch.header_bytes;
                batches.push((end, batch.count, records..records + batch.records.len()));
                end += batch.bytes;
                link = link.next(batch.hash);
            }
            Ok(None) => break tail(&bytes[end..], header.version, &link, "the batch is lost"),
            Err(what) => break tail(&bytes[end..], header.version, &link, what),
        }
    };
    SegmentScan { number, header, bytes, batches, end, link, tail }
}

/// The next batch; none if nothing shows that one was ever written here.
fn next_batch<'a>(bytes: &'a [u8], version: u32, link: &Link) -> Result<Option<Batch<'a>>, &'static str> {
    match Batch::decode(bytes, version) {
        Ok(batch) if batch.continues(link) => Ok(Some(batch)),
        Ok(_) if resembles(bytes, link) => Err("the batch does not continue the one before"),
        // A recycled segment goes on with what it held before.
        Ok(_) => Ok(None),
        Err(what) if resembles(bytes, link) => Err(what),
        Err(_) => Ok(None),
    }
}

/// Batches that were not synced may reach the disk in any selection, so a later batch alone proves nothing: only one that was
/// written when the missing one was already durable does.
fn tail(rest: &[u8], version: u32, link: &Link, what: &'static str) -> Tail {
    let later = || (BLOCK_BYTES..rest.len()).step_by(BLOCK_BYTES).map(|at| &rest[at..]).filter(|at| has_salt(at, link));
    let was_durable = later().any(|at| Batch::decode(at, version).is_ok_and(|batch| batch.synced >= link.number));
    if was_durable {
        return Tail::Damaged(what);
    }
    if resembles(rest, link) {
        return Tail::Torn(what);
    }
    // A block may be lost while later blocks of the same unfinished write are there.
    if later().next().is_some() { Tail::Torn("the first block of the batch is lost") } else { Tail::Clean }
}

/// A batch of this use of the segment starts here.
fn has_salt(bytes: &[u8], link: &Link) -> bool {
    bytes.len() >= BLOCK_BYTES && u64_at(bytes, 8) == link.salt
}

impl SegmentScan {
    /// The segment's valid batches: where each starts, how many records it holds, and the records.
    pub(crate) fn batches(&self) -> impl Iterator<Item = (usize, u32, &[u8])> {
        self.batches.iter().map(|(at, count, records)| (*at, *count, &self.bytes[records.clone()]))
    }

    /// How many valid batches the segment holds.
    pub(crate) fn batch_count(&self) -> usize {
        self.batches.len()
    }

    /// The segment's file.
    pub(crate) fn path(&self) -> String {
        segment_path(self.number)
    }
}
