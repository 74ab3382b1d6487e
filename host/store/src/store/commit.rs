//! Accepting a commit.
//!
//! Everything that can refuse a commit comes first: sizes, epochs, room in the journal. Once it is accepted only a
//! failure of the journal itself can lose it.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::CommitError;
use crate::journal::batch_bytes_max;
use crate::journal::format::record_bytes_max;
use crate::journal::record::{Blob, EncodedCommit, Ops, What, ops_to_blob};
use crate::limits::{CHANGES_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX};
use crate::pack::{PackId, PackWriter};
use crate::store::core::{Asker, Core, Front};
use crate::store::snapshots::check_name;
use crate::store::table::entry_bytes;
use crate::store::{Change, CommitNumber, Durability, Stage, StateId, Ticket, Writes};

/// What a commit counts for in the journal beside its keys and values.
const COMMIT_OVERHEAD_BYTES: u64 = 64;

impl Core {
    /// Orders a commit, applies it in memory and queues it.
    pub(crate) fn commit(
        self: &Arc<Core>,
        changes: Vec<Change>,
        durability: Durability,
    ) -> Result<Ticket, CommitError> {
        if let Some(forked) = self.forked() {
            return Err(forked);
        }
        check_sizes(&changes)?;
        let (mut record, packed) = self.encode(&changes)?;
        let accepted = self.accept(changes, durability, &mut record, packed.as_ref());
        if let (Err(_), Some(packed)) = (&accepted, &packed) {
            // Nothing names this pack; should it survive this, the next open removes it.
            let _ = self.packs.remove(packed.pack);
        }
        accepted
    }

    fn accept(
        self: &Arc<Core>,
        changes: Vec<Change>,
        durability: Durability,
        record: &mut EncodedCommit,
        packed: Option<&Packed>,
    ) -> Result<Ticket, CommitError> {
        let mut front = self.admit(record.len(), Asker::User)?;
        front.states.check(&changes)?;
        let number = CommitNumber(front.accepted.0 + 1);
        front.accepted = number;
        record.set_number(number);
        let durable = self.progress.commit(Stage::Durable);
        let removes = changes.iter().any(|change| matches!(change, Change::Remove { .. }));
        for (part, change) in changes.into_iter().enumerate() {
            if let Change::Adopt { adopted, .. } = &change {
                front.packs.extend(&adopted.packs);
                front.adopted.push((number, adopted.base.tree));
                self.packs.named(&adopted.packs);
            }
            let version = apply(&mut front, change, number, durable);
            record.set_version(part, version);
        }
        if let Some(packed) = packed {
            front.packs.push(packed.pack);
            front.blobs.extend(packed.blobs.iter().map(|hash| (number, *hash)));
        }
        let sequence = front.push(record.bytes(), durability);
        let is_heavy =
            front.dirty_bytes >= front.checkpoint_at || removes && front.pack_use.has_freed_much(&self.options);
        self.submit(front);
        if is_heavy {
            self.checkpoint_bell.ring();
        }
        Ok(Ticket::new(self.clone(), durability, sequence, number))
    }

    /// The commit's record; what does not fit a batch is in a durable pack when this returns.
    fn encode(&self, changes: &[Change]) -> Result<(EncodedCommit, Option<Packed>), CommitError> {
        let bytes_max = record_bytes_max(batch_bytes_max(self.options.segment_bytes));
        if written_bytes(changes) <= bytes_max as u64 {
            let record = EncodedCommit::new(&changes.iter().map(inline).collect::<Vec<_>>());
            if record.len() <= bytes_max {
                return Ok((record, None));
            }
        }
        let too_large = |bytes| too_large("a commit without its writes", bytes, bytes_max);
        if !changes.iter().any(|change| matches!(change, Change::Write { .. })) {
            // Nothing of it can be put into a pack.
            too_large(EncodedCommit::new(&changes.iter().map(inline).collect::<Vec<_>>()).len())?;
        }
        let (whats, packed) = self.pack(changes)?;
        let record = EncodedCommit::new(&whats);
        if record.len() > bytes_max {
            let _ = self.packs.remove(packed.pack);
            too_large(record.len())?;
        }
        Ok((record, Some(packed)))
    }

    /// Writes the ops of an oversized commit to a pack.
    fn pack<'a>(&self, changes: &'a [Change]) -> Result<(Vec<What<'a>>, Packed), CommitError> {
        let io = |source| CommitError::from_io("packs", source);
        let mut writer = PackWriter::new(&self.packs);
        let mut blobs = Vec::new();
        for change in changes {
            if let Change::Write { writes, .. } = change {
                let blob = Bytes::from(ops_to_blob(writes));
                let bytes = blob.len() as u64;
                blobs.push((writer.put_blob(blob), bytes));
            }
        }
        let pack = writer.finish().map_err(io)?;
        let pack = pack.ok_or_else(|| io(std::io::Error::other("an oversized commit has no writes")))?;
        self.packs.add(pack).map_err(|error| io(std::io::Error::other(error)))?;
        let packed = Packed { pack, blobs: blobs.iter().map(|(hash, _)| *hash).collect() };
        let mut blobs = blobs.into_iter();
        let whats = changes.iter().map(|change| match change {
            Change::Write { state, epoch, .. } => {
                let (hash, bytes) = blobs.next().expect("one blob for each write");
                What::WritePacked { state: *state, epoch: *epoch, blob: Blob { pack, hash, bytes } }
            }
            other => inline(other),
        });
        Ok((whats.collect(), packed))
    }
}

/// A pack with the ops of one commit.
struct Packed {
    pack: PackId,
    blobs: Vec<[u8; 32]>,
}

fn inline(change: &Change) -> What<'_> {
    match change {
        Change::Create { state } => What::Create { state: *state },
        Change::Write { state, epoch, writes } => What::Write { state: *state, epoch: *epoch, ops: Ops::of(writes) },
        Change::Fork { from, to } => What::Fork { from: *from, to: *to },
        Change::Fence { state, epoch } => What::Fence { state: *state, epoch: *epoch },
        Change::Remove { state } => What::Remove { state: *state },
        Change::Clear { state, epoch, from, to } => {
            What::Clear { state: *state, epoch: *epoch, from, to: to.as_deref() }
        }
        Change::Snapshot { state, to, name } => What::Snapshot { state: *state, to: *to, name },
        Change::Adopt { state, adopted } => {
            What::Adopt { state: *state, tree: adopted.base.tree, packs: adopted.packs.clone() }
        }
    }
}

/// Applies a checked change and returns the version that its state has then.
fn apply(front: &mut Front, change: Change, number: CommitNumber, durable: CommitNumber) -> u64 {
    front.dirty_bytes += COMMIT_OVERHEAD_BYTES;
    let states = &mut front.states;
    match change {
        Change::Create { state } => states.create(state, number),
        Change::Fork { from, to } => states.fork(from, to, number),
        Change::Fence { state, epoch } => states.fence(state, epoch, number, durable),
        Change::Remove { state } => {
            front.pack_use.freed_bytes += states.get(state).map_or(0, |state| state.base.freed_bytes());
            states.remove(state, number)
        }
        Change::Snapshot { state, to, name } => states.snapshot(state, to, &name, number),
        Change::Adopt { state, adopted } => states.adopt(state, adopted.base, number),
        Change::Write { state, writes, .. } => {
            front.dirty_bytes += writes_bytes(&writes);
            states.write(state, writes.into_iter(), number, durable)
        }
        Change::Clear { state, from, to, .. } => {
            front.dirty_bytes += clear_bytes(&from, to.as_ref());
            states.clear(state, (from, to), number, durable)
        }
    }
}

fn writes_bytes(writes: &Writes) -> u64 {
    writes.iter().map(|(key, value)| entry_bytes(key.len(), value.as_ref())).sum()
}

/// A clear counts for its ends, however many entries go.
pub(crate) fn clear_bytes(from: &[u8], to: Option<&Bytes>) -> u64 {
    (from.len() + to.map_or(0, Bytes::len)) as u64
}

fn written_bytes(changes: &[Change]) -> u64 {
    let bytes = changes.iter().map(|change| match change {
        Change::Write { writes, .. } => writes_bytes(writes),
        _ => 0,
    });
    bytes.sum()
}

fn check_sizes(changes: &[Change]) -> Result<(), CommitError> {
    if changes.len() > CHANGES_MAX {
        return too_large("the list of changes", changes.len(), CHANGES_MAX);
    }
    for change in changes {
        let (state, writes) = match change {
            Change::Write { state, writes, .. } => (*state, writes),
            Change::Clear { state, from, to, .. } => {
                check_key(*state, from)?;
                to.as_ref().map_or(Ok(()), |to| check_key_size(to))?;
                continue;
            }
            Change::Remove { state: StateId::CATALOG } => {
                return Err(CommitError::Reserved { state: StateId::CATALOG, what: "it cannot be removed" });
            }
            Change::Snapshot { name, .. } => {
                check_name(name)?;
                continue;
            }
            _ => continue,
        };
        for (key, value) in writes {
            check_key(state, key)?;
            if let Some(value) = value.as_ref().filter(|value| value.len() > VALUE_BYTES_MAX) {
                return too_large("a value", value.len(), VALUE_BYTES_MAX);
            }
        }
    }
    Ok(())
}

fn check_key(state: StateId, key: &[u8]) -> Result<(), CommitError> {
    if state == StateId::CATALOG && key.first().is_none_or(|first| *first == 0) {
        return Err(CommitError::Reserved { state, what: "its keys start with a byte above zero" });
    }
    check_key_size(key)
}

fn check_key_size(key: &[u8]) -> Result<(), CommitError> {
    if key.len() > KEY_BYTES_MAX { too_large("a key", key.len(), KEY_BYTES_MAX) } else { Ok(()) }
}

fn too_large(what: &'static str, bytes: usize, bytes_max: usize) -> Result<(), CommitError> {
    Err(CommitError::TooLarge { what, bytes: bytes as u64, bytes_max: bytes_max as u64 })
}
