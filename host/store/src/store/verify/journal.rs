//! The journal: which commits a hole in the chain takes along.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Run, join};
use crate::error::OpenError;
use crate::journal::record::Record;
use crate::journal::{Gap, JOURNAL_DIR, Survey, segment_number, segment_path};
use crate::pack::Packs;
use crate::store::core::Core;
use crate::store::{CommitNumber, LostCommits, Stage};

impl Run<'_> {
    /// Reads the journal of an open store. Sealed segments do not change; of the one that is written, what was written before
    /// this began is read. Commits go on meanwhile, only recycling waits.
    pub(super) fn open_journal(&mut self, core: &Arc<Core>) {
        let _segments = core.segments.lock();
        let (open, link) = {
            let journal = core.journal();
            ((journal.writer.segment(), journal.writer.offset()), journal.writer.link())
        };
        let mut numbers = self.segment_numbers();
        numbers.retain(|number| *number <= open.0);
        match self.survey(Some(core.format.store_id), &numbers, Some(open)) {
            Ok(survey) if survey.last_batch + 1 != link.number => {
                let what = format!("batch {} is lost", link.number - 1);
                let to = core.progress.commit(Stage::Durable);
                let damage = self.damage_at(&segment_path(open.0), survey.end_of(open.0), what);
                damage.commits = Some(lost_after(survey.last_commit(), Some(to)));
            }
            Ok(_) => {}
            Err(error) => self.refused(error, None),
        }
    }

    /// Reads the journal of a directory that nobody has open.
    pub(super) fn journal(&mut self, store_id: Option<[u8; 16]>) -> Result<Survey, OpenError> {
        let numbers = self.segment_numbers();
        self.survey(store_id, &numbers, None)
    }

    fn survey(
        &mut self,
        store_id: Option<[u8; 16]>,
        numbers: &[u64],
        open: Option<(u64, u64)>,
    ) -> Result<Survey, OpenError> {
        for name in self.names(JOURNAL_DIR) {
            let path = join(JOURNAL_DIR, &name);
            if segment_number(&name).is_none() {
                // A spare holds nothing yet.
                self.begin(&path);
                self.read(super::file_bytes(self.disk, &path));
            }
        }
        let disk = self.disk;
        let survey = Survey::read(disk, store_id, numbers, open, &mut |path, bytes| {
            self.begin(path);
            self.read(bytes);
        })?;
        if survey.segments.is_empty() {
            self.damage(JOURNAL_DIR, 0, "there is no segment", "every commit");
        }
        for segment in &survey.segments {
            let path = segment_path(segment.file);
            match &segment.header {
                Err(what) => self.damage(&path, 0, what.clone(), HEADER_ONLY),
                Ok(header) if header.number != segment.file => {
                    let what = format!("the segment says that its number is {}", header.number);
                    self.damage(&path, 0, what, "every commit that this segment should hold");
                }
                Ok(_) if segment.is_foreign => {
                    let what = "the segment belongs to another store";
                    self.damage(&path, 0, what, "every commit that this segment should hold");
                }
                Ok(_) => {}
            }
        }
        for gap in survey.gaps.iter().filter(|gap| !gap.is_removal(survey.anchors.last())) {
            let commits = survey.lost_in(disk, gap);
            let damage = self.damage_at(&segment_path(gap.segment), gap.offset, gap.what);
            damage.commits = commits;
            if damage.commits.is_none() {
                damage.affects = COVERED.to_owned();
            }
        }
        Ok(survey)
    }

    /// Commits after the checkpoint whose writes lie in packs: without those, they and all later ones cannot be replayed.
    pub(super) fn packed_commits(&mut self, survey: &Survey, packs: &Packs) {
        let Some(newest) = survey.anchors.last() else { return };
        for (commit, wanted) in survey.packed(self.disk) {
            if commit > newest.commit && packs.place(&wanted.hash).is_none() {
                self.lost_blob(commit, Some(survey.last_commit()), wanted.hash, packs);
            }
        }
    }
}

impl Survey {
    /// The commits that a hole takes along; none if a later checkpoint holds what was in it.
    pub(crate) fn lost_in(&self, disk: &dyn crate::disk::Disk, gap: &Gap) -> Option<LostCommits> {
        let held = self.anchors.last().map(|anchor| anchor.commit).unwrap_or_default();
        if gap.until.is_some_and(|until| until <= held || gap.before.is_some_and(|before| before >= until)) {
            return None;
        }
        let before = gap.before.unwrap_or_default().max(held);
        let to = gap.until.map(|until| until.max(self.last_commit()));
        let mut lost = lost_after(before, to);
        let mut states = BTreeSet::new();
        let readable = before.0 + 1..=lost.to.unwrap_or_default().0;
        // What cannot be read here is lost itself.
        let _ = self.each_commit(disk, readable, &mut |frame| {
            if let Ok(Record::Commit(parts)) = frame.record() {
                states.extend(parts.iter().flat_map(|part| part.what.states()));
            }
            Ok(true)
        });
        lost.states = states.into_iter().collect();
        Some(lost)
    }

    /// Where the last batch of a segment ends.
    fn end_of(&self, number: u64) -> u64 {
        self.segments.iter().find(|segment| segment.number == number).map_or(0, |segment| segment.end)
    }
}

/// The commits after one.
pub(super) fn lost_after(last: CommitNumber, to: Option<CommitNumber>) -> LostCommits {
    let from = CommitNumber(last.0 + 1);
    LostCommits { from, to: to.filter(|to| *to >= from), states: Vec::new() }
}

const HEADER_ONLY: &str = "the store does not open; the commits in this segment can still be read";
const COVERED: &str = "no commit: a later checkpoint holds them, or the batch held none";
