//! Appends batches to the journal: assembles what was queued, writes it in one call, syncs.

use std::io;
use std::sync::Arc;

use super::format::{Link, SEGMENT_HEADER_BYTES, SegmentHeader, batch_bytes, encode_batch, record_bytes_max, u64_at};
use super::record::{self, Anchor, Frame, Kind, PackDrop, Record};
use super::segment::Spares;
use crate::disk::{Disk, File};
use crate::limits::{BATCH_BYTES_MAX, BLOCK_BYTES};
use crate::store::CommitNumber;

/// Framed records in their order.
#[derive(Debug, Default)]
pub(crate) struct RecordQueue {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl RecordQueue {
    pub(crate) fn push(&mut self, record: &[u8]) {
        self.bytes.extend_from_slice(record);
        self.ends.push(self.bytes.len());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Bytes of all records.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The last commit before a record.
    fn last_before(&self, index: usize) -> CommitNumber {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let number = u64_at(&self.bytes, start + 8);
        let is_commit = self.bytes[start + 4] == Kind::Commit as u8;
        CommitNumber(number - u64::from(is_commit))
    }

    /// The records from `first` on that fit one batch: their bytes, and the first that does not fit.
    fn batch(&self, first: usize, record_bytes_max: usize) -> (&[u8], usize) {
        let start = if first == 0 { 0 } else { self.ends[first - 1] };
        let mut last = first + 1;
        while last < self.ends.len() && self.ends[last] - start <= record_bytes_max {
            last += 1;
        }
        (&self.bytes[start..self.ends[last - 1]], last)
    }
}

/// The largest batch in segments of this size: several fit, so that little is lost at a segment's end.
pub(crate) fn batch_bytes_max(segment_bytes: u64) -> usize {
    let quarter = (segment_bytes / 4) as usize / BLOCK_BYTES * BLOCK_BYTES;
    quarter.clamp(2 * BLOCK_BYTES, BATCH_BYTES_MAX)
}

/// The open end of the journal.
pub(crate) struct JournalWriter {
    disk: Arc<dyn Disk>,
    spares: Arc<Spares>,
    store_id: [u8; 16],
    file: Box<dyn File>,
    /// The segment's number, its size, and where its next batch starts.
    number: u64,
    bytes: u64,
    offset: u64,
    link: Link,
    /// What the next segment's Manifest says, and what the current one's said.
    anchor: Anchor,
    manifest: Anchor,
    oldest: u64,
    batch_bytes_max: usize,
    out: Vec<u8>,
    batches: u64,
    syncs: u64,
}

/// Where a writer starts: the end of the last segment.
pub(crate) struct End {
    pub(crate) file: Box<dyn File>,
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    pub(crate) offset: u64,
    pub(crate) link: Link,
    pub(crate) anchor: Anchor,
    pub(crate) manifest: Anchor,
    /// The oldest segment that there is.
    pub(crate) oldest: u64,
}

impl JournalWriter {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        spares: Arc<Spares>,
        store_id: [u8; 16],
        end: End,
        owner_epoch: u64,
    ) -> JournalWriter {
        let batch_bytes_max = batch_bytes_max(spares.segment_bytes());
        JournalWriter {
            disk,
            spares,
            store_id,
            file: end.file,
            number: end.number,
            bytes: end.bytes,
            offset: end.offset,
            link: end.link,
            anchor: Anchor { owner_epoch, ..end.anchor },
            manifest: end.manifest,
            oldest: end.oldest,
            batch_bytes_max,
            out: Vec::new(),
            batches: 0,
            syncs: 0,
        }
    }

    /// Makes records durable. Each batch is synced before the next one is written: else a later one could be on the disk
    /// without it, which is what damage looks like. `written` runs when all records are with the operating system. After
    /// an error nobody knows how many are durable: the journal must not be written again.
    pub(crate) fn append(&mut self, queue: &RecordQueue, written: impl FnOnce()) -> io::Result<()> {
        let mut written = Some(written);
        let mut first = 0;
        while first < queue.ends.len() {
            let (records, end) = queue.batch(first, record_bytes_max(self.batch_bytes_max));
            if self.offset + batch_bytes(records.len()) as u64 > self.bytes {
                self.next_segment(queue.last_before(first))?;
            }
            self.write_batch(records, (end - first) as u32)?;
            if end == queue.ends.len() {
                written.take().into_iter().for_each(|written| written());
            }
            self.file.sync_data()?;
            self.syncs += 1;
            first = end;
        }
        Ok(())
    }

    fn write_batch(&mut self, records: &[u8], count: u32) -> io::Result<()> {
        self.out.clear();
        let chain = encode_batch(&mut self.out, &self.link, count, records);
        self.file.write_at(self.offset, &self.out)?;
        self.link = self.link.next(chain);
        self.offset += self.out.len() as u64;
        self.batches += 1;
        // The next Manifest repeats what these records say; they are durable before it is written.
        note_anchor(&mut self.anchor, records);
        Ok(())
    }

    /// Starts the next segment: header and Manifest are durable before it has its name.
    fn next_segment(&mut self, last: CommitNumber) -> io::Result<()> {
        let number = self.number + 1;
        let (start, link) = segment_start(&*self.disk, self.store_id, number, &self.link, last, &self.anchor);
        let spare = self.spares.activate(number, |file| file.write_at(0, &start))?;
        let spare = spare.ok_or_else(|| io::Error::other("no spare segment, though room for it was promised"))?;
        self.file = spare.file;
        self.bytes = spare.bytes;
        self.number = number;
        self.offset = start.len() as u64;
        self.link = link;
        self.manifest = self.anchor.clone();
        self.batches += 1;
        self.syncs += 1;
        Ok(())
    }

    /// Bytes of batches that surely fit what is left of this segment.
    pub(crate) fn room(&self) -> u64 {
        (self.bytes - self.offset).saturating_sub(self.batch_bytes_max as u64)
    }

    /// Bytes of batches that surely fit a spare segment of this size.
    pub(crate) fn spare_room(spare_bytes: u64, segment_bytes: u64) -> u64 {
        // A Manifest is a batch like any other.
        spare_bytes.saturating_sub((SEGMENT_HEADER_BYTES + 2 * batch_bytes_max(segment_bytes)) as u64)
    }

    /// More than a quarter of the segment is used: time to have a spare.
    pub(crate) fn wants_spare(&self) -> bool {
        self.offset > self.bytes / 4 && self.spares.bytes() == 0
    }

    /// There is a spare to prepare or a segment to recycle.
    pub(crate) fn has_chores(&self) -> bool {
        self.wants_spare() || self.oldest < self.manifest.replay_segment
    }

    /// The segments that the current segment's Manifest covers. They are the caller's to recycle.
    pub(crate) fn take_covered(&mut self) -> std::ops::Range<u64> {
        let covered = self.oldest..self.manifest.replay_segment.max(self.oldest);
        self.oldest = covered.end;
        covered
    }

    /// The current segment.
    pub(crate) fn segment(&self) -> u64 {
        self.number
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The oldest segment that is kept.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// What the next batch continues.
    pub(crate) fn link(&self) -> Link {
        self.link
    }

    /// Batches and syncs since the journal was opened.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.batches, self.syncs)
    }
}

/// Brings an anchor up to what checkpoints and collections among some records say.
fn note_anchor(anchor: &mut Anchor, mut records: &[u8]) {
    while !records.is_empty() {
        let frame = Frame::take(&mut records).expect("a record that was framed here");
        if !matches!(frame.kind, Kind::Checkpoint | Kind::PackDrop) {
            continue;
        }
        match frame.record().expect("a record that was encoded here") {
            Record::Checkpoint(checkpoint) => *anchor = checkpoint,
            Record::PackDrop(PackDrop { added, dropped }) => {
                anchor.packs.extend(added);
                anchor.packs.retain(|pack| !dropped.contains(pack));
            }
            _ => {}
        }
    }
}

/// The start of a segment, header and Manifest, and the link after it.
pub(crate) fn segment_start(
    disk: &dyn Disk,
    store_id: [u8; 16],
    number: u64,
    before: &Link,
    last: CommitNumber,
    anchor: &Anchor,
) -> (Vec<u8>, Link) {
    let mut salt = [0; 8];
    disk.random(&mut salt);
    let link = Link { salt: u64::from_le_bytes(salt), ..*before };
    let header = SegmentHeader { store_id, number, salt: link.salt, first_batch: link.number, chain: link.chain };
    let mut out = header.encode();
    let chain = encode_batch(&mut out, &link, 1, &record::encode(Kind::Manifest, last, anchor));
    (out, link.next(chain))
}
