//! Reads whatever is left of a journal: past damaged headers, lost batches and missing segments.
//!
//! A batch is known by its own hash, so it can be read wherever it lies. What holds the rest together are numbers: commits
//! are replayed by their number from any anchor, as far as no number is missing. A batch that is lost, and held no commit,
//! loses nothing.
//!
//! ```text
//! segment whose header says that it belongs to another store   left out
//! batches of another salt than the segment's                   left out: what a recycled file held before
//! Manifest whose replay starts in its own segment              a new beginning (creation, repair): commits after its
//!                                                              anchor in earlier segments were given up then
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::ops::RangeInclusive;

use super::format::{Batch, Hash, HeaderError, JOURNAL_VERSION, SEGMENT_HEADER_BYTES, SegmentHeader, array_at};
use super::record::{Anchor, Frame, Kind, Record, RecordError, What};
use super::segment::segment_path;
use super::window::Window;
use crate::disk::Disk;
use crate::error::{OpenError, ReadError};
use crate::limits::BLOCK_BYTES;
use crate::pack::{self, Wanted};
use crate::store::CommitNumber;

/// What is left of a journal.
pub(crate) struct Survey {
    /// The store that the journal belongs to.
    pub(crate) store_id: [u8; 16],
    /// All segments, ascending.
    pub(crate) segments: Vec<Surveyed>,
    /// Where replay could start, the oldest first.
    pub(crate) anchors: Vec<Anchor>,
    /// Where there should be batches, and are none, or not the right ones.
    pub(crate) gaps: Vec<Gap>,
    /// The highest owner epoch on record.
    pub(crate) owner_epoch: u64,
    /// The highest number of a batch.
    pub(crate) last_batch: u64,
    /// The hash of that batch.
    pub(crate) last_chain: Hash,
    /// Batches with commits, by the first of them: the last one, and where the batch lies.
    commits: BTreeMap<u64, (u64, Place)>,
}

/// One segment.
pub(crate) struct Surveyed {
    /// The number in the file's name.
    pub(crate) file: u64,
    /// The number that the segment has: its header's, or else the file's.
    pub(crate) number: u64,
    /// The header, or what is wrong with it.
    pub(crate) header: Result<SegmentHeader, String>,
    /// The segment belongs to another store.
    pub(crate) is_foreign: bool,
    /// Where the last batch ends.
    pub(crate) end: u64,
    /// Something was written after it.
    pub(crate) has_tail: bool,
    batches: Vec<Intact>,
}

/// A hole in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    pub(crate) what: &'static str,
    /// The last commit known before it; none if nothing before it can be read.
    pub(crate) before: Option<CommitNumber>,
    /// The last commit that may lie in it; none if nothing after it can be read.
    pub(crate) until: Option<CommitNumber>,
}

impl Gap {
    /// Segments were removed that are needed no more, but not one before them: its removal failed, or was lost with the power.
    pub(crate) fn is_removal(&self, newest: Option<&Anchor>) -> bool {
        self.what == MISSING && newest.is_some_and(|anchor| self.segment < anchor.replay_segment)
    }
}

#[derive(Debug, Clone, Copy)]
struct Place {
    segment: u64,
    offset: u64,
}

/// A batch that has its hash.
#[derive(Clone)]
struct Intact {
    offset: u64,
    bytes: u64,
    salt: u64,
    number: u64,
    previous: Hash,
    hash: Hash,
    synced: u64,
    facts: Facts,
}

/// What the records of a batch say.
#[derive(Clone, Default)]
struct Facts {
    commits: Option<(u64, u64)>,
    /// The last commit before the batch, and the last one in it.
    before: CommitNumber,
    last: CommitNumber,
    anchors: Vec<(Anchor, bool)>,
    owner_epoch: u64,
}

impl Survey {
    /// Reads all segments. `store_id` is what FORMAT says, if it can be read; `open` is the segment that is written just now
    /// and how far it reaches. `progress` is told each file and its bytes.
    pub(crate) fn read(
        disk: &dyn Disk,
        store_id: Option<[u8; 16]>,
        numbers: &[u64],
        open: Option<(u64, u64)>,
        progress: &mut dyn FnMut(&str, u64),
    ) -> Result<Survey, OpenError> {
        let mut raw_ids = Vec::new();
        let mut segments = Vec::new();
        for number in numbers {
            let end = open.filter(|(open, _)| open == number).map(|(_, end)| end);
            let (segment, raw_id) = read_segment(disk, *number, end, progress)?;
            raw_ids.extend(raw_id);
            segments.push(segment);
        }
        if let Some(last) = segments.last_mut().filter(|_| open.is_none()) {
            last.cut_torn_tail();
        }
        let store_id = store_id.unwrap_or_else(|| likely_id(&segments, &raw_ids));
        for segment in &mut segments {
            segment.is_foreign = match &segment.header {
                Ok(header) => header.store_id != store_id,
                Err(_) => false,
            };
        }
        segments.sort_by_key(|segment| (segment.number, segment.file != segment.number));
        let mut survey = Survey {
            store_id,
            segments,
            anchors: Vec::new(),
            gaps: Vec::new(),
            owner_epoch: 0,
            last_batch: 0,
            last_chain: [0; 32],
            commits: BTreeMap::new(),
        };
        survey.collect();
        survey.find_gaps();
        Ok(survey)
    }

    /// The last commit that can be replayed after this one, without one missing between.
    pub(crate) fn reach(&self, from: CommitNumber) -> CommitNumber {
        let mut reached = from.0;
        while let Some((_, last, _)) = self.batch_of(reached + 1) {
            reached = last;
        }
        CommitNumber(reached)
    }

    /// The last commit that anything names.
    pub(crate) fn last_commit(&self) -> CommitNumber {
        let ours = self.segments.iter().filter(|segment| !segment.is_foreign);
        let named = ours.flat_map(|segment| &segment.batches).map(|batch| batch.facts.last);
        self.anchors.iter().map(|anchor| anchor.commit).chain(named).max().unwrap_or_default()
    }

    /// The segments with commits after one; also the newest one, if it ends in what was never finished.
    pub(crate) fn segments_after(&self, kept: CommitNumber) -> BTreeSet<u64> {
        let after = |segment: &&Surveyed| segment.batches.iter().any(|batch| batch.facts.last > kept);
        let newest = self.segments.last().into_iter().filter(|segment| segment.has_tail);
        self.segments.iter().filter(after).chain(newest).map(|segment| segment.file).collect()
    }

    /// Calls `visit` with each commit of a range that can be read, in order, until it answers false.
    pub(crate) fn each_commit(
        &self,
        disk: &dyn Disk,
        range: RangeInclusive<u64>,
        visit: &mut dyn FnMut(Frame<'_>) -> Result<bool, ReadError>,
    ) -> Result<(), ReadError> {
        if range.is_empty() {
            return Ok(());
        }
        let first = self.batch_of(*range.start()).map_or(*range.start(), |(first, _, _)| first);
        let mut open: Option<(u64, Window)> = None;
        for (_, (_, place)) in self.commits.range(first..=*range.end()) {
            let path = segment_path(place.segment);
            let io = |source| ReadError::Io { path: path.clone(), source };
            let changed = |what: String| ReadError::Damaged { path: path.clone(), offset: place.offset, what };
            if open.as_ref().is_none_or(|(segment, _)| *segment != place.segment) {
                open = Some((place.segment, Window::open(disk, &path).map_err(io)?));
            }
            let (_, window) = open.as_mut().expect("just opened");
            let batch =
                Batch::decode_any(window.batch(place.offset).map_err(io)?).map_err(|e| changed(e.to_owned()))?;
            let mut rest = batch.records;
            while !rest.is_empty() {
                let frame = Frame::take(&mut rest).map_err(|RecordError(what)| changed(what))?;
                if frame.kind == Kind::Commit && range.contains(&frame.number.0) && !visit(frame)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Writes that lie in packs, with their commits.
    pub(crate) fn packed(&self, disk: &dyn Disk) -> Vec<(CommitNumber, Wanted)> {
        let mut packed = Vec::new();
        // A commit that cannot be read any more wants nothing.
        let _ = self.each_commit(disk, 1..=u64::MAX, &mut |frame| {
            if let Ok(Record::Commit(parts)) = frame.record() {
                packed.extend(parts.iter().filter_map(|part| Some((frame.number, wanted(&part.what)?))));
            }
            Ok(true)
        });
        packed
    }

    /// The batch with a commit: its first and last commit.
    fn batch_of(&self, commit: u64) -> Option<(u64, u64, Place)> {
        let (first, (last, place)) = self.commits.range(..=commit).next_back()?;
        (*last >= commit).then_some((*first, *last, *place))
    }

    /// Brings together what the segments' batches say, in order.
    fn collect(&mut self) {
        for segment in self.segments.iter().filter(|segment| !segment.is_foreign) {
            for batch in &segment.batches {
                let Facts { commits, anchors, owner_epoch, .. } = &batch.facts;
                for (anchor, is_manifest) in anchors {
                    if *is_manifest && anchor.replay_segment == segment.number {
                        // A new beginning: what earlier segments hold after its anchor was given up.
                        self.commits.split_off(&(anchor.commit.0 + 1));
                        self.anchors.retain(|before| before.commit <= anchor.commit);
                    }
                    self.anchors.push(anchor.clone());
                }
                if let Some((first, last)) = commits {
                    self.commits.insert(*first, (*last, Place { segment: segment.file, offset: batch.offset }));
                }
                self.owner_epoch = self.owner_epoch.max(*owner_epoch);
                if batch.number > self.last_batch {
                    (self.last_batch, self.last_chain) = (batch.number, batch.hash);
                }
            }
        }
    }

    /// Follows the chain from the oldest segment to the newest.
    fn find_gaps(&mut self) {
        let mut before: Option<&Intact> = None;
        let mut end = None;
        let mut gaps = Vec::new();
        let mut numbers = BTreeSet::new();
        for segment in self.segments.iter().filter(|segment| !segment.is_foreign) {
            if !numbers.insert(segment.number) {
                // A second file of the same segment: what it should have held is missed elsewhere.
                continue;
            }
            let begins_anew = segment
                .batches
                .iter()
                .flat_map(|batch| &batch.facts.anchors)
                .any(|(anchor, manifest)| *manifest && anchor.replay_segment == segment.number);
            if begins_anew {
                (before, end) = (None, None);
            }
            let mut at = SEGMENT_HEADER_BYTES as u64;
            if let (Ok(header), Some(last), Some(end)) = (&segment.header, before, end)
                && (header.first_batch, header.chain) != (last.number + 1, last.hash)
            {
                let (number, file, offset) = end;
                let is_missing = number + 1 != segment.number;
                let (file, offset) = if is_missing { (number + 1, 0) } else { (file, offset) };
                let what = if is_missing { MISSING } else { LOST };
                let until = segment.batches.first().map(|batch| batch.facts.before);
                gaps.push(Gap { segment: file, offset, what, before: Some(last.facts.last), until });
                before = None;
            }
            for batch in &segment.batches {
                let expected = match (before, &segment.header) {
                    (Some(last), _) => Some((last.number + 1, last.hash)),
                    (None, Ok(header)) if at == SEGMENT_HEADER_BYTES as u64 => Some((header.first_batch, header.chain)),
                    _ => None,
                };
                if expected.is_some_and(|expected| expected != (batch.number, batch.previous)) {
                    let last = before.map(|last| last.facts.last);
                    let until = Some(batch.facts.before);
                    gaps.push(Gap { segment: segment.file, offset: at, what: LOST, before: last, until });
                }
                at = batch.offset + batch.bytes;
                before = Some(batch);
            }
            end = Some((segment.number, segment.file, at));
        }
        self.gaps = gaps;
    }
}

const LOST: &str = "a batch is damaged or lost";
const MISSING: &str = "the segment is missing";

impl Surveyed {
    /// Leaves out what a power loss kept of batches that were never durable: they follow a lost one, and none of them says
    /// that it was durable.
    fn cut_torn_tail(&mut self) {
        let first = self.header.as_ref().map(|header| (header.first_batch, header.chain)).ok();
        let continues = |place: usize| {
            let before = place.checked_sub(1).map(|before| &self.batches[before]);
            let expected = before.map(|before| (before.number + 1, before.hash)).or(first);
            expected.is_none_or(|expected| expected == (self.batches[place].number, self.batches[place].previous))
        };
        let Some(place) = (0..self.batches.len()).find(|place| !continues(*place)) else { return };
        let lost = match place.checked_sub(1) {
            Some(before) => self.batches[before].number + 1,
            None => first.map_or(0, |(number, _)| number),
        };
        if self.batches[place..].iter().all(|batch| batch.synced < lost) {
            self.batches.truncate(place);
            self.has_tail = true;
            self.end = self.batches.last().map_or(SEGMENT_HEADER_BYTES as u64, |batch| batch.offset + batch.bytes);
        }
    }
}

/// Reads one segment; also the store id that a damaged header still shows.
fn read_segment(
    disk: &dyn Disk,
    number: u64,
    end: Option<u64>,
    progress: &mut dyn FnMut(&str, u64),
) -> Result<(Surveyed, Option<[u8; 16]>), OpenError> {
    let path = segment_path(number);
    let io = |source: io::Error| OpenError::Io { path: path.clone(), source };
    let mut window = Window::open(disk, &path).map_err(io)?;
    window.len = window.len.min(end.unwrap_or(u64::MAX));
    progress(&path, window.len);
    let head = window.at(0, SEGMENT_HEADER_BYTES).unwrap_or_default().to_vec();
    let raw_id = (head.len() == SEGMENT_HEADER_BYTES).then(|| array_at(&head, 16));
    let header = match SegmentHeader::decode(&head) {
        Ok(header) => Ok(header),
        Err(HeaderError::Newer(found)) => {
            return Err(OpenError::NewerFormat { file: path, found, supported: JOURNAL_VERSION });
        }
        Err(error) => Err(error.to_string()),
    };
    let (mut batches, unknown) = read_batches(&mut window).map_err(|_| newer(&path))?;
    // Without a header, the salt of the youngest batch is that of the file's last use.
    let youngest = batches.iter().max_by_key(|batch| batch.number).map(|batch| batch.salt);
    let salt = header.as_ref().map(|header| header.salt).ok().or(youngest);
    batches.retain(|batch| Some(batch.salt) == salt);
    let end = batches.last().map_or(SEGMENT_HEADER_BYTES as u64, |batch| batch.offset + batch.bytes);
    let (file, number) = (number, header.as_ref().map_or(number, |header| header.number));
    let has_tail = unknown.is_some_and(|unknown| unknown >= end);
    Ok((Surveyed { file, number, header, is_foreign: false, end, has_tail, batches }, raw_id))
}

/// A batch with the right hash holds a record that this release does not know: only a newer one can have written it.
fn newer(path: &str) -> OpenError {
    OpenError::NewerFormat { file: path.to_owned(), found: JOURNAL_VERSION + 1, supported: JOURNAL_VERSION }
}

/// Every batch in a file that has its hash, and the last block that is neither of one nor empty. An error is a record that
/// only a newer release can have written.
fn read_batches(window: &mut Window) -> Result<(Vec<Intact>, Option<u64>), RecordError> {
    let mut batches = Vec::new();
    let mut unknown = None;
    let mut offset = SEGMENT_HEADER_BYTES as u64;
    while offset + BLOCK_BYTES as u64 <= window.len {
        // A block that cannot be read is as lost as a damaged one.
        let decoded = window.batch(offset).ok().and_then(|bytes| Batch::decode_any(bytes).ok());
        let Some(batch) = decoded else {
            if !window.at(offset, BLOCK_BYTES).is_ok_and(|block| block.iter().all(|byte| *byte == 0)) {
                unknown = Some(offset);
            }
            offset += BLOCK_BYTES as u64;
            continue;
        };
        let bytes = batch.bytes as u64;
        let facts = Facts::of(&batch)?;
        let Batch { salt, number, previous, hash, synced, .. } = batch;
        batches.push(Intact { offset, bytes, salt, number, previous, hash, synced, facts });
        offset += bytes;
    }
    Ok((batches, unknown))
}

impl Facts {
    fn of(batch: &Batch<'_>) -> Result<Facts, RecordError> {
        let mut facts = Facts::default();
        let mut rest = batch.records;
        while !rest.is_empty() {
            let is_first = rest.len() == batch.records.len();
            let frame = Frame::take(&mut rest)?;
            let is_commit = frame.kind == Kind::Commit;
            if is_first {
                facts.before = CommitNumber(frame.number.0.saturating_sub(u64::from(is_commit)));
            }
            facts.last = frame.number;
            if is_commit {
                let first = facts.commits.map_or(frame.number.0, |(first, _)| first);
                facts.commits = Some((first, frame.number.0));
                continue;
            }
            match frame.record()? {
                Record::Manifest(anchor) => {
                    facts.owner_epoch = facts.owner_epoch.max(anchor.owner_epoch);
                    facts.anchors.push((anchor, true));
                }
                Record::Checkpoint(anchor) => facts.anchors.push((anchor, false)),
                Record::Own(own) => facts.owner_epoch = facts.owner_epoch.max(own.owner_epoch),
                _ => {}
            }
        }
        Ok(facts)
    }
}

fn wanted(what: &What<'_>) -> Option<Wanted> {
    let What::WritePacked { blob, .. } = what else { return None };
    let length = u32::try_from(blob.bytes).ok()?;
    Some(Wanted { hash: blob.hash, length, kind: pack::Kind::Blob })
}

/// The store that most headers name; damaged headers are asked last.
fn likely_id(segments: &[Surveyed], raw: &[[u8; 16]]) -> [u8; 16] {
    let mut votes: BTreeMap<[u8; 16], usize> = BTreeMap::new();
    for header in segments.iter().filter_map(|segment| segment.header.as_ref().ok()) {
        *votes.entry(header.store_id).or_default() += raw.len() + 1;
    }
    for id in raw {
        *votes.entry(*id).or_default() += 1;
    }
    votes.into_iter().max_by_key(|(_, votes)| *votes).map(|(id, _)| id).unwrap_or_default()
}
