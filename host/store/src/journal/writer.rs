//! Appends batches to the journal: assembles what was queued and hands it to the operating system.
//!
//! ```text
//! batch    11      12      13      14        12 and 13 were written while the sync of 11 ran
//! synced   10      10      10      13        so a missing 12 is a torn tail, unless 14 is there
//! ```
//!
//! Batches may be written that are not durable yet; each names the last one that was when it was written. A segment is durable to its
//! end before the next one exists.

use std::io;
use std::sync::Arc;

use super::durable::{Durable, Unsynced};
use super::format::{
    JOURNAL_VERSION, Link, SEGMENT_HEADER_BYTES, SegmentHeader, batch_bytes, encode_batch, record_bytes_max, u64_at,
};
use super::record::{self, Anchor, Frame, Kind, PackDrop, Record};
use super::sealed::{Sealed, SealedSegments};
use super::segment::Spares;
use crate::disk::{Disk, File};
use crate::limits::{BATCH_BYTES_MAX, BLOCK_BYTES, UNSYNCED_BYTES_MAX};
use crate::planted::{Bug, planted};
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
    file: Arc<dyn File>,
    /// The segment's number, its size, and where its next batch starts.
    number: u64,
    bytes: u64,
    offset: u64,
    link: Link,
    /// What the next segment's Manifest says, and what the current one's said.
    anchor: Anchor,
    manifest: Arc<Anchor>,
    sealed: SealedSegments,
    batch_bytes_max: usize,
    out: Vec<u8>,
    /// Batches written, and their bytes, since the journal was opened.
    batches: u64,
    written: u64,
    durable: Arc<Durable>,
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
    /// The segments before this one.
    pub(crate) sealed: Vec<Sealed>,
}

impl JournalWriter {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        spares: Arc<Spares>,
        store_id: [u8; 16],
        end: End,
        owner_epoch: u64,
        history_bytes_max: u64,
    ) -> JournalWriter {
        let sealed = SealedSegments::new(end.sealed, end.manifest.replay_segment, history_bytes_max);
        let batch_bytes_max = batch_bytes_max(spares.segment_bytes());
        JournalWriter {
            disk,
            spares,
            store_id,
            file: end.file.into(),
            number: end.number,
            bytes: end.bytes,
            offset: end.offset,
            link: end.link,
            anchor: Anchor { owner_epoch, ..end.anchor },
            manifest: Arc::new(end.manifest),
            sealed,
            batch_bytes_max,
            out: Vec::new(),
            batches: 0,
            written: 0,
            durable: Arc::new(Durable::starting_at(end.link.number - 1)),
        }
    }

    /// Hands records to the operating system. After an error nobody knows how many it has: the journal must not be
    /// written again.
    pub(crate) fn write(&mut self, queue: &RecordQueue) -> io::Result<()> {
        let mut first = 0;
        while first < queue.ends.len() {
            let (records, end) = queue.batch(first, record_bytes_max(self.batch_bytes_max));
            let bytes = batch_bytes(records.len()) as u64;
            if self.offset + bytes > self.bytes {
                self.next_segment(queue.last_before(first))?;
            } else if self.written - self.durable.bytes() + bytes > UNSYNCED_BYTES_MAX {
                self.unsynced().sync()?;
            }
            if planted(Bug::SyncBeforeWrite) {
                self.file.sync_data()?;
            }
            self.write_batch(records, (end - first) as u32)?;
            first = end;
        }
        Ok(())
    }

    /// Everything that was written so far, to be synced.
    pub(crate) fn unsynced(&self) -> Unsynced {
        Unsynced {
            file: self.file.clone(),
            batch: self.link.number - 1,
            bytes: self.written,
            durable: self.durable.clone(),
        }
    }

    fn write_batch(&mut self, records: &[u8], count: u32) -> io::Result<()> {
        self.out.clear();
        let chain = encode_batch(&mut self.out, &self.link, self.durable.batch(), count, records);
        self.file.write_at(self.offset, &self.out)?;
        self.link = self.link.next(chain);
        self.offset += self.out.len() as u64;
        self.written += self.out.len() as u64;
        self.batches += 1;
        // The next Manifest repeats what these records say; they are durable before it is written.
        note_anchor(&mut self.anchor, records);
        Ok(())
    }

    /// Starts the next segment, once this one is durable: header and Manifest are durable before it has its name.
    fn next_segment(&mut self, last: CommitNumber) -> io::Result<()> {
        self.unsynced().sync()?;
        let number = self.number + 1;
        let (start, link) = segment_start(&*self.disk, self.store_id, number, &self.link, last, &self.anchor);
        let spare = self.spares.activate(number, |file| file.write_at(0, &start))?;
        let spare = spare.ok_or_else(|| io::Error::other("no spare segment, though room for it was promised"))?;
        self.sealed.seal(Sealed { number: self.number, bytes: self.bytes, anchor: Some(self.manifest.clone()) });
        self.sealed.cover(self.anchor.replay_segment);
        self.file = spare.file.into();
        self.bytes = spare.bytes;
        self.number = number;
        self.offset = start.len() as u64;
        self.link = link;
        self.manifest = Arc::new(self.anchor.clone());
        self.batches += 1;
        self.durable.reach(link.number - 1, self.written);
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

    /// There is a spare to prepare or a segment to give up.
    pub(crate) fn has_chores(&self) -> bool {
        self.wants_spare() || self.sealed.is_over()
    }

    /// The segments before the current one.
    pub(crate) fn sealed(&mut self) -> &mut SealedSegments {
        &mut self.sealed
    }

    /// The anchors, ascending, from which the journal can be read to its end, and whose trees are kept. The last one is where
    /// replay would start.
    pub(crate) fn anchors(&self) -> Vec<Arc<Anchor>> {
        let mut anchors = self.sealed.anchors(self.number, &self.manifest);
        anchors.retain(|anchor| (self.anchor.kept_from..self.anchor.commit).contains(&anchor.commit));
        anchors.push(Arc::new(self.anchor.clone()));
        anchors
    }

    /// Of earlier checkpoints nothing is kept.
    pub(crate) fn kept_from(&self) -> CommitNumber {
        self.anchor.kept_from
    }

    /// From now on nothing is kept of checkpoints before this commit.
    pub(crate) fn keep_from(&mut self, commit: CommitNumber) {
        self.anchor.kept_from = self.anchor.kept_from.max(commit);
    }

    /// Where the journal ends: the current segment, and the end of its last batch.
    pub(crate) fn end(&self) -> (u64, u64) {
        (self.number, self.offset)
    }

    /// The current segment.
    pub(crate) fn segment(&self) -> u64 {
        self.number
    }

    /// Where its next batch goes.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// Its size.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the next batch continues.
    pub(crate) fn link(&self) -> Link {
        self.link
    }

    /// Batches since the journal was opened.
    pub(crate) fn batches(&self) -> u64 {
        self.batches
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
            Record::PackDrop(PackDrop { added, dropped, kept_from }) => {
                anchor.kept_from = anchor.kept_from.max(kept_from);
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
    if planted(Bug::SaltReused) {
        salt = [7; 8];
    }
    let link = Link { salt: u64::from_le_bytes(salt), ..*before };
    let (salt, first_batch, chain) = (link.salt, link.number, link.chain);
    let header = SegmentHeader { version: JOURNAL_VERSION, store_id, number, salt, first_batch, chain };
    let mut out = header.encode();
    let manifest = record::encode(Kind::Manifest, last, anchor);
    // Everything before a segment is durable before the segment exists.
    let chain = encode_batch(&mut out, &link, first_batch - 1, 1, &manifest);
    (out, link.next(chain))
}
