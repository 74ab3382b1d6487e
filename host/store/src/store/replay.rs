//! Brings the states back: what the checkpoint holds, then every commit after it.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::OpenError;
use crate::journal::record::{Anchor, Kind, Ops, Part, Record, RecordError, What, ops_from_blob};
use crate::journal::{Found, each_frame};
use crate::limits::GATHERED_BYTES_MAX;
use crate::pack::{PackId, Packs};
use crate::store::commit::clear_bytes;
use crate::store::core::Front;
use crate::store::headers::{self, Stored};
use crate::store::open::read_error;
use crate::store::state::{State, States};
use crate::store::table::{Key, Table, entry_bytes};
use crate::store::{CommitNumber, StateId, WriterEpoch};

/// The states as they were last.
pub(crate) struct Replayed {
    pub(crate) front: Front,
    pub(crate) commits: u64,
}

/// Loads the checkpoint and replays what follows it.
pub(crate) fn replay(found: &Found, packs: &Arc<Packs>, needed: Vec<PackId>) -> Result<Replayed, OpenError> {
    let front = Front::new(load(found, packs)?, found.anchor.commit, needed);
    let mut replay = Replay::new(front, packs);
    let mut commits = 0;
    for segment in &found.segments {
        each_frame(segment, &mut |_, frame| {
            if frame.kind != Kind::Commit || frame.number <= found.anchor.commit {
                return Ok(());
            }
            let accepted = &mut replay.front.accepted;
            if frame.number.0 != accepted.0 + 1 {
                return Err(RecordError(format!("commit {} follows commit {accepted}", frame.number)));
            }
            let Record::Commit(parts) = frame.record()? else { unreachable!("the frame says its kind") };
            *accepted = frame.number;
            commits += 1;
            parts.into_iter().try_for_each(|part| replay.apply(part, frame.number))
        })?;
    }
    let mut front = replay.finish();
    if front.accepted < found.last {
        let what = format!("the journal names commit {}, the last one there is {}", found.last, front.accepted);
        return Err(read_error(
            crate::ReadError::Damaged { path: crate::journal::JOURNAL_DIR.to_owned(), offset: 0, what },
            crate::journal::JOURNAL_DIR,
        ));
    }
    front.states.forget_undo();
    Ok(Replayed { front, commits })
}

/// The states as the checkpoint has them.
fn load(found: &Found, packs: &Arc<Packs>) -> Result<States, OpenError> {
    let anchor = &found.anchor;
    let mut states = States::new();
    let read = |error| read_error(error, crate::pack::PACK_DIR);
    for header in headers::read_all(&anchor.catalog.tree, packs) {
        load_state(&mut states, header.map_err(read)?);
    }
    load_catalog(&mut states, anchor);
    states.next = states.next.max(anchor.next_state);
    Ok(states)
}

/// Brings a state to where its checkpoint has it.
pub(crate) fn load_state(states: &mut States, stored: Stored) {
    let base = states.base(stored.header.tree, stored.header.last);
    let mut state = State::from_header(&stored.header, base, stored.entries);
    state.snapshot = stored.snapshot;
    states.load(stored.id, state);
}

/// The same for the catalog, whose header is the anchor's.
pub(crate) fn load_catalog(states: &mut States, anchor: &Anchor) {
    let base = states.base(anchor.catalog.tree, anchor.catalog.last);
    states.load(StateId::CATALOG, State::from_header(&anchor.catalog, base, Table::default()));
}

/// States while commits are replayed. Everything that is replayed is durable: nothing has to be taken back.
pub(crate) struct Replay<'a> {
    pub(crate) front: Front,
    packs: &'a Packs,
    /// Writes that are not in their state's table yet, in their order: many at once are quicker, and of those to one key
    /// only the last one counts.
    gathered: HashMap<StateId, Vec<(Key, Option<Bytes>)>>,
    gathered_bytes: u64,
}

impl<'a> Replay<'a> {
    pub(crate) fn new(front: Front, packs: &'a Packs) -> Replay<'a> {
        Replay { front, packs, gathered: HashMap::new(), gathered_bytes: 0 }
    }

    /// The states after everything that was applied.
    pub(crate) fn finish(mut self) -> Front {
        self.settle_all();
        self.front
    }

    /// Applies one change of a commit as it was applied when it was accepted.
    pub(crate) fn apply(&mut self, part: Part<'_>, number: CommitNumber) -> Result<(), RecordError> {
        let durable = CommitNumber(u64::MAX);
        let exists = |states: &States, state| must(states.get(state).is_some(), state, "does not exist");
        let is_new = |states: &States, state| must(states.get(state).is_none(), state, "exists already");
        let states = &mut self.front.states;
        let version = match part.what {
            What::Create { state } => {
                is_new(states, state)?;
                states.create(state, number)
            }
            What::Fork { from, to } => {
                exists(states, from)?;
                is_new(states, to)?;
                self.settle(from);
                self.front.states.fork(from, to, number)
            }
            What::Snapshot { state, to, name } => {
                exists(states, state)?;
                is_new(states, to)?;
                must(states.snapshots.get(state, name).is_none(), state, "has a snapshot of this name already")?;
                self.settle(state);
                self.front.states.snapshot(state, to, name, number)
            }
            What::Fence { state, epoch } => {
                exists(states, state)?;
                states.fence(state, epoch, number, durable)
            }
            What::Remove { state } => {
                exists(states, state)?;
                self.gathered.remove(&state);
                states.remove(state, number)
            }
            What::Adopt { state, tree, packs: _ } => {
                is_new(states, state)?;
                self.front.adopted.push((number, tree));
                let base = states.base(tree, number);
                states.adopt(state, base, number)
            }
            What::Write { state, epoch, ops } => self.write(state, epoch, &ops, number)?,
            What::Clear { state, epoch, from, to } => {
                must(states.get(state).is_some_and(|found| found.epoch == epoch), state, "has another writer epoch")?;
                self.settle(state);
                let (from, to) = (Bytes::copy_from_slice(from), to.map(Bytes::copy_from_slice));
                self.front.dirty_bytes += clear_bytes(&from, to.as_ref());
                self.front.states.get_mut(state).expect("it is there").table.clear(from, to);
                self.front.states.replayed(state, number)
            }
            What::WritePacked { state, epoch, blob } => {
                let bytes = self.packs.blob(&blob.hash).map_err(|error| RecordError(format!("its writes: {error}")))?;
                self.front.blobs.push((number, blob.hash));
                self.write(state, epoch, &ops_from_blob(&bytes)?, number)?
            }
        };
        if version == part.version {
            return Ok(());
        }
        Err(RecordError(format!("commit {number} makes version {}, replay makes {version}", part.version)))
    }

    fn write(
        &mut self,
        state: StateId,
        epoch: WriterEpoch,
        ops: &Ops<'_>,
        number: CommitNumber,
    ) -> Result<u64, RecordError> {
        let states = &mut self.front.states;
        must(states.get(state).is_some_and(|found| found.epoch == epoch), state, "has another writer epoch")?;
        let gathered = self.gathered.entry(state).or_default();
        let mut bytes = 0;
        for (key, value) in &ops.0 {
            let value = value.map(Bytes::copy_from_slice);
            bytes += entry_bytes(key.len(), value.as_ref());
            gathered.push((Key::new(key), value));
        }
        self.front.dirty_bytes += bytes;
        self.gathered_bytes += bytes + (ops.0.len() * size_of::<(Key, Option<Bytes>)>()) as u64;
        let version = states.replayed(state, number);
        if self.gathered_bytes > GATHERED_BYTES_MAX {
            self.settle_all();
        }
        Ok(version)
    }

    /// Puts what was gathered for a state into its table.
    fn settle(&mut self, id: StateId) {
        let state = self.front.states.get_mut(id).expect("writes are gathered for states that exist");
        state.table.extend(self.gathered.remove(&id).unwrap_or_default());
    }

    fn settle_all(&mut self) {
        let states: Vec<StateId> = self.gathered.keys().copied().collect();
        states.into_iter().for_each(|state| self.settle(state));
        self.gathered_bytes = 0;
    }
}

fn must(holds: bool, state: StateId, what: &str) -> Result<(), RecordError> {
    if holds { Ok(()) } else { Err(RecordError(format!("the commit changes {state}, which {what}"))) }
}
