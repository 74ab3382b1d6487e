//! Brings the states back: what the checkpoint holds, then every commit after it.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::OpenError;
use crate::journal::record::{Kind, Part, Record, RecordError, What, ops_from_blob};
use crate::journal::{Found, each_frame};
use crate::pack::{PackId, Packs};
use crate::store::core::Front;
use crate::store::headers;
use crate::store::open::read_error;
use crate::store::state::{State, States, Table, entry_bytes};
use crate::store::{CommitNumber, StateId, WriterEpoch};

/// The states as they were last.
pub(crate) struct Replayed {
    pub(crate) front: Front,
    pub(crate) commits: u64,
}

/// Loads the checkpoint and replays what follows it.
pub(crate) fn replay(found: &Found, packs: &Arc<Packs>, needed: Vec<PackId>) -> Result<Replayed, OpenError> {
    let states = load(found, packs)?;
    let mut front = Front::new(states, found.anchor.commit, needed);
    let mut commits = 0;
    for segment in &found.segments {
        each_frame(segment, &mut |_, frame| {
            if frame.kind != Kind::Commit || frame.number <= found.anchor.commit {
                return Ok(());
            }
            if frame.number.0 != front.accepted.0 + 1 {
                return Err(RecordError(format!("commit {} follows commit {}", frame.number, front.accepted)));
            }
            let Record::Commit(parts) = frame.record()? else { unreachable!("the frame says its kind") };
            front.accepted = frame.number;
            commits += 1;
            parts.into_iter().try_for_each(|part| apply(&mut front, part, frame.number, packs))
        })?;
    }
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
        let (id, header, inline) = header.map_err(read)?;
        let base = states.base(header.tree);
        states.load(id, State::from_header(&header, base, inline));
    }
    let base = states.base(anchor.catalog.tree);
    states.load(StateId::CATALOG, State::from_header(&anchor.catalog, base, Table::new()));
    states.next = states.next.max(anchor.next_state);
    Ok(states)
}

fn apply(front: &mut Front, part: Part<'_>, number: CommitNumber, packs: &Arc<Packs>) -> Result<(), RecordError> {
    // Everything that is replayed is durable: nothing has to be taken back.
    let durable = CommitNumber(u64::MAX);
    let states = &mut front.states;
    let version = match part.what {
        What::Create { state } => {
            must(states.get(state).is_none(), state, "exists already")?;
            states.create(state, number)
        }
        What::Fork { from, to } => {
            must(states.get(from).is_some(), from, "does not exist")?;
            must(states.get(to).is_none(), to, "exists already")?;
            states.fork(from, to, number)
        }
        What::Fence { state, epoch } => {
            must(states.get(state).is_some(), state, "does not exist")?;
            states.fence(state, epoch, number, durable)
        }
        What::Remove { state } => {
            must(states.get(state).is_some(), state, "does not exist")?;
            states.remove(state, number)
        }
        What::Write { state, epoch, ops } => write(front, state, epoch, &ops.0, number)?,
        What::WritePacked { state, epoch, blob } => {
            let bytes = packs.blob(&blob.hash).map_err(|error| RecordError(format!("its writes: {error}")))?;
            front.blobs.push((number, blob.hash));
            write(front, state, epoch, &ops_from_blob(&bytes)?.0, number)?
        }
    };
    if version == part.version {
        return Ok(());
    }
    Err(RecordError(format!("commit {number} makes version {}, replay makes {version}", part.version)))
}

fn write(
    front: &mut Front,
    state: StateId,
    epoch: WriterEpoch,
    ops: &[(&[u8], Option<&[u8]>)],
    number: CommitNumber,
) -> Result<u64, RecordError> {
    must(front.states.get(state).is_some_and(|found| found.epoch == epoch), state, "has another writer epoch")?;
    let mut bytes = 0;
    let writes = ops.iter().map(|(key, value)| {
        let entry = (Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice));
        bytes += entry_bytes(&entry.0, entry.1.as_ref());
        entry
    });
    let version = front.states.write(state, writes, number, CommitNumber(u64::MAX));
    front.dirty_bytes += bytes;
    Ok(version)
}

fn must(holds: bool, state: StateId, what: &str) -> Result<(), RecordError> {
    if holds { Ok(()) } else { Err(RecordError(format!("the commit changes {state}, which {what}"))) }
}
