//! States as they were at an earlier commit.
//!
//! ```text
//! anchor (a checkpoint's catalog tree) ──▶ headers of the states that are needed ──▶ replay of the journal up to the commit
//! ```
//!
//! Any commit after an anchor can be viewed, as long as the journal from there on exists: see
//! `journal/sealed.rs`. Reading pins the anchor, so that neither its segments nor its trees go meanwhile;
//! commits go on. The view then stands on its own.

use std::collections::HashSet;
use std::sync::{Arc, Weak};

use crate::error::{HistoryError, OpenError, ReadError};
use crate::journal::record::{Anchor, Frame, Kind, Part, Record, RecordError, What};
use crate::journal::{SegmentScan, check_joint, each_frame, open_segment, segment_path};
use crate::store::core::{Core, Front};
use crate::store::replay::{Replay, load_catalog, load_state};
use crate::store::state::{State, States};
use crate::store::{CommitNumber, History, Stage, StateId, Store, View, headers};
use crate::sync::Mutex;
use crate::tree::{Hash, Tree};

impl Store {
    /// Which commits can be viewed.
    pub fn history(&self) -> History {
        let newest = self.core().front().accepted;
        let mut journal = self.core().journal();
        let oldest = journal.writer.anchors().first().map_or(newest, |anchor| anchor.commit);
        History { oldest, newest, kept_bytes: journal.writer.sealed().history_bytes() }
    }

    /// A state as it was after a commit; none if it did not exist then. It costs reading the journal from the checkpoint
    /// before the commit; what a state keeps in memory is the state's own changes.
    pub fn view_at(&self, state: StateId, commit: CommitNumber) -> Result<Option<View>, HistoryError> {
        let core = self.core();
        let newest = core.front().accepted;
        if commit > newest {
            return Err(HistoryError::NotYet { commit, newest });
        }
        if commit > core.progress.commit(Stage::Durable) {
            self.barrier().wait()?;
        }
        let past = core.past(commit)?;
        // Whoever has not changed since is as it was.
        if let Some(view) = self.view(state).filter(|view| view.commit() <= commit) {
            return Ok(Some(view));
        }
        let Some(mut found) = past.state(core, state)? else { return Ok(None) };
        // From here on the view keeps the tree by itself.
        found.base = core.front().states.base(found.base.tree, found.last);
        Ok(Some(View::new(state, &found, &core.packs)))
    }
}

/// The anchors that are read from now.
#[derive(Default)]
pub(crate) struct Pins(Mutex<Vec<Weak<Anchor>>>);

impl Pins {
    pub(crate) fn anchors(&self) -> Vec<Arc<Anchor>> {
        let mut pins = self.0.lock();
        pins.retain(|pin| pin.strong_count() > 0);
        pins.iter().filter_map(Weak::upgrade).collect()
    }

    /// No reader needs a segment before this one.
    pub(crate) fn oldest_segment(&self) -> u64 {
        self.anchors().iter().map(|anchor| anchor.replay_segment).min().unwrap_or(u64::MAX)
    }

    /// Keeps what an anchor leads to as long as what is returned lives.
    fn pin(&self, anchor: &Anchor) -> Arc<Anchor> {
        let pin = Arc::new(anchor.clone());
        self.0.lock().push(Arc::downgrade(&pin));
        pin
    }
}

/// What commits name that lies in packs.
#[derive(Default)]
pub(crate) struct Named {
    pub(crate) blobs: Vec<(CommitNumber, Hash)>,
    pub(crate) adopted: Vec<(CommitNumber, Tree)>,
}

/// A stretch of the journal, from an anchor to a commit.
struct Past {
    anchor: Arc<Anchor>,
    commit: CommitNumber,
    /// Where the journal ended when this was made.
    current: u64,
    end: u64,
}

impl Core {
    /// What leads to a commit that is durable.
    fn past(&self, commit: CommitNumber) -> Result<Past, HistoryError> {
        let journal = self.journal();
        let anchors = journal.writer.anchors();
        let Some(anchor) = anchors.iter().rev().find(|anchor| anchor.commit <= commit) else {
            let oldest = anchors.first().map_or(commit, |anchor| anchor.commit);
            return Err(HistoryError::TooOld { commit, oldest });
        };
        let (current, end) = journal.writer.end();
        Ok(Past { anchor: self.pins.pin(anchor), commit, current, end })
    }

    /// The anchors that history can start from, ascending: neither their segments nor their trees go meanwhile.
    pub(crate) fn pinned_anchors(&self) -> Vec<Arc<Anchor>> {
        let journal = self.journal();
        journal.writer.anchors().iter().map(|anchor| self.pins.pin(anchor)).collect()
    }

    /// What commits after an anchor name in packs, up to a commit.
    pub(crate) fn named_between(&self, anchor: &Anchor, commit: CommitNumber) -> Result<Named, ReadError> {
        let (current, end) = self.journal().writer.end();
        let past = Past { anchor: self.pins.pin(anchor), commit, current, end };
        let mut named = Named::default();
        past.each_commit(self, &mut |number, parts| {
            for part in parts {
                match part.what {
                    What::WritePacked { blob, .. } => named.blobs.push((number, blob.hash)),
                    What::Adopt { tree, .. } => named.adopted.push((number, tree)),
                    _ => {}
                }
            }
            Ok(())
        })?;
        Ok(named)
    }
}

/// Takes a commit and its changes.
type Visit<'a> = dyn FnMut(CommitNumber, Vec<Part<'_>>) -> Result<(), RecordError> + 'a;

impl Past {
    /// A state at the end of the stretch.
    fn state(&self, core: &Core, id: StateId) -> Result<Option<State>, ReadError> {
        let needed = self.origins(core, id)?;
        let mut states = States::new();
        load_catalog(&mut states, &self.anchor);
        for id in &needed {
            if let Some(stored) = headers::read(&self.anchor.catalog.tree, &core.packs, *id)? {
                load_state(&mut states, stored);
            }
        }
        let mut replay = Replay::new(Front::new(states, self.anchor.commit, Vec::new()), &core.packs);
        self.each_commit(core, &mut |number, parts| {
            let mut parts = parts.into_iter().filter(|part| needed.contains(&part.what.state()));
            parts.try_for_each(|part| replay.apply(part, number))
        })?;
        Ok(replay.finish().states.get(id).cloned())
    }

    /// The state, and those that it came from since the anchor.
    fn origins(&self, core: &Core, id: StateId) -> Result<HashSet<StateId>, ReadError> {
        let mut origins = HashSet::from([id]);
        if id == StateId::CATALOG || headers::read(&self.anchor.catalog.tree, &core.packs, id)?.is_some() {
            return Ok(origins);
        }
        let mut forks = Vec::new();
        self.each_commit(core, &mut |_, parts| {
            forks.extend(parts.iter().filter_map(|part| Some((part.what.origin()?, part.what.state()))));
            Ok(())
        })?;
        for (from, to) in forks.into_iter().rev() {
            if origins.contains(&to) {
                origins.insert(from);
            }
        }
        Ok(origins)
    }

    /// Reads every commit of the stretch, in order.
    fn each_commit(&self, core: &Core, visit: &mut Visit<'_>) -> Result<(), ReadError> {
        let mut last = self.anchor.commit;
        let mut before: Option<SegmentScan> = None;
        for number in self.anchor.replay_segment..=self.current {
            if last == self.commit {
                break;
            }
            let end = if number == self.current { self.end } else { u64::MAX };
            let segment = open_segment(&*core.disk, &core.format.store_id, number, end).map_err(unreadable)?;
            if let Some(before) = &before {
                check_joint(before, &segment).map_err(unreadable)?;
            }
            let mut each = |_, frame: Frame<'_>| {
                if frame.kind != Kind::Commit || frame.number <= last || last == self.commit {
                    return Ok(());
                }
                if frame.number.0 != last.0 + 1 {
                    return Err(RecordError(format!("commit {} follows commit {last}", frame.number)));
                }
                let Record::Commit(parts) = frame.record()? else { unreachable!("the frame says its kind") };
                last = frame.number;
                visit(frame.number, parts)
            };
            each_frame(&segment, &mut each).map_err(unreadable)?;
            before = Some(segment);
        }
        if last == self.commit {
            return Ok(());
        }
        let what = format!("the journal ends at commit {last}, commit {} was durable", self.commit);
        Err(ReadError::Damaged { path: segment_path(self.current), offset: self.end, what })
    }
}

/// The journal refused to be read.
fn unreadable(error: OpenError) -> ReadError {
    match error {
        OpenError::Damaged { file, offset, what, .. } => ReadError::Damaged { path: file, offset, what },
        OpenError::Io { path, source } => ReadError::Io { path, source },
        other => {
            ReadError::Damaged { path: crate::journal::JOURNAL_DIR.to_owned(), offset: 0, what: other.to_string() }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::disk::sim::SimDisk;
    use crate::limits::SEGMENT_BYTES_MIN;
    use crate::store::{Change, Options, Writer, WriterEpoch, Writes};

    const STATE: StateId = StateId(1);

    fn commit(store: &Store, number: u64) {
        let filler = Bytes::from(vec![number as u8; 3000]);
        let writes = Writes::from([
            (Bytes::from_static(b"number"), Some(Bytes::from(number.to_le_bytes().to_vec()))),
            (Bytes::from(format!("filler {}", number % 9)), Some(filler)),
        ]);
        let write = Change::Write { state: STATE, epoch: WriterEpoch::FIRST, writes };
        let changes = if number == 1 { vec![Change::Create { state: STATE }, write] } else { vec![write] };
        store.commit(changes).expect("accepted").wait().expect("durable");
        if number.is_multiple_of(5) {
            store.checkpoint().expect("checkpoint");
            store.collect().expect("collect");
        }
    }

    #[test]
    fn g02_what_a_reader_of_the_past_still_reads_does_not_go() {
        let options = Options { segment_bytes: SEGMENT_BYTES_MIN, writer: Writer::Inline, ..Options::default() };
        let (store, _) = Store::open(Arc::new(SimDisk::new(1)), options).expect("open");
        (1..=33).for_each(|number| commit(&store, number));
        let past = store.core().past(CommitNumber(32)).expect("kept");
        (34..=300).for_each(|number| commit(&store, number));
        assert!(store.view_at(STATE, CommitNumber(32)).is_err(), "it is kept for nobody else");

        let state = past.state(store.core(), STATE).expect("readable").expect("there");
        let view = View::new(STATE, &state, &store.core().packs);
        assert_eq!(view.get(b"number").expect("readable").as_deref(), Some(&32u64.to_le_bytes()[..]));
        assert_eq!(view.get(b"filler 0").expect("readable").map(|value| value[0]), Some(27));
        drop(past);
        (301..=330).for_each(|number| commit(&store, number));
        assert!(store.info().journal_bytes <= 6 * SEGMENT_BYTES_MIN, "then it goes: {:?}", store.info());
    }
}
