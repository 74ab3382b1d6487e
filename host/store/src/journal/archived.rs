//! A segment that is about to go, as the archive sees it.

use std::io;

use super::format::{Batch, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::record::Frame;
use super::segment::segment_path;
use crate::disk::{Disk, File, Mode};
use crate::limits::BATCH_BYTES_MAX;
use crate::store::CommitNumber;

/// Bytes read at once.
const PART_BYTES: usize = 1 << 20;

/// A segment of the journal that the store is about to give up. Its bytes are as they lie on the disk: every batch in it has
/// its hash, which whoever reads them checks.
pub struct SealedSegment<'a> {
    number: u64,
    before: CommitNumber,
    last: CommitNumber,
    file: &'a (dyn File + 'static),
    bytes: u64,
}

impl SealedSegment<'_> {
    /// The segment's number. Segments come in order, none is left out.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The last commit before the segment.
    pub fn commit_before(&self) -> CommitNumber {
        self.before
    }

    /// The last commit up to the segment's end; the same as the one before it if the segment holds none.
    pub fn last_commit(&self) -> CommitNumber {
        self.last
    }

    /// The size of the segment.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Hands over the whole segment, piece by piece, until `take` fails.
    pub fn read(&self, take: &mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut part = vec![0; PART_BYTES];
        let mut offset = 0;
        while offset < self.bytes {
            let length = (self.bytes - offset).min(PART_BYTES as u64) as usize;
            self.file.read_exact_at(offset, &mut part[..length])?;
            take(&part[..length])?;
            offset += length as u64;
        }
        Ok(())
    }

    /// Whether two files start as the same segment: the same number, use and place in the chain.
    pub(crate) fn is_same(&self, other: &(dyn File + 'static)) -> io::Result<bool> {
        let mut heads = [[0; SEGMENT_HEADER_BYTES]; 2];
        self.file.read_exact_at(0, &mut heads[0])?;
        other.read_exact_at(0, &mut heads[1])?;
        Ok(heads[0] == heads[1])
    }
}

/// Calls `visit` with a segment after which there is another one.
pub(crate) fn with_sealed(
    disk: &dyn Disk,
    number: u64,
    visit: &mut dyn FnMut(SealedSegment<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let before = commit_before(disk, number)?;
    let last = commit_before(disk, number + 1)?;
    let file = disk.open(&segment_path(number), Mode::Read)?;
    let bytes = file.len()?;
    visit(SealedSegment { number, before, last, file: &*file, bytes })
}

/// The last commit before a segment, as its Manifest has it.
fn commit_before(disk: &dyn Disk, number: u64) -> io::Result<CommitNumber> {
    let path = segment_path(number);
    let file = disk.open(&path, Mode::Read)?;
    let bytes = file.len()?.min((SEGMENT_HEADER_BYTES + BATCH_BYTES_MAX) as u64) as usize;
    let mut head = vec![0; bytes];
    file.read_exact_at(0, &mut head)?;
    let read = || {
        let header = SegmentHeader::decode(&head).map_err(|error| error.to_string())?;
        let manifest = Batch::decode(&head[SEGMENT_HEADER_BYTES..], header.version)?;
        let frame = Frame::take(&mut &manifest.records[..]).map_err(|error| error.to_string())?;
        Ok(frame.number)
    };
    read().map_err(|what: String| io::Error::new(io::ErrorKind::InvalidData, format!("{path}: {what}")))
}
