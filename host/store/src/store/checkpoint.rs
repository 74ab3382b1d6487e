//! Checkpoints: the states' changes go into their trees, so that the journal before is no longer needed.
//!
//! ```text
//! freeze all dirty states at commit N (O(1) each, a few at a time: who changes one first keeps it back) ─▶ N durable ─▶ trees applied, one pack synced
//!   ─▶ Checkpoint record durable ─▶ tables shrink to what came after N ─▶ segments before it can be recycled
//! ```
//!
//! Commits go on all the while: only freezing and shrinking hold the front's lock, each for a moment. The catalog's tree
//! holds the headers of all other states; the Checkpoint record names that tree, so it makes all of them true at once.

use std::sync::Arc;

use bytes::Bytes;

use crate::error::{ReadError, StoreError};
use crate::journal::record::{Anchor, Header, Kind, encode};
use crate::pack::{PACK_DIR, PackId, PackWriter, Packs};
use crate::planted::{Bug, planted};
use crate::store::core::Core;
use crate::store::headers::{self, INLINE_BYTES_MAX};
use crate::store::state::State;
use crate::store::table::Table;
use crate::store::{Checkpointed, CommitNumber, Durability, StateId, Ticket};
use crate::sync::MutexGuard;
use crate::tree::Tree;

/// States that a checkpoint takes before it lets commits pass.
const FROZEN_AT_ONCE: usize = 256;

/// Dirty states at one commit.
struct Frozen {
    commit: CommitNumber,
    durable: Ticket,
    catalog: State,
    states: Vec<(StateId, State)>,
    removed: Vec<StateId>,
    next_state: u64,
    packs: Vec<PackId>,
    bytes: u64,
    replay_segment: u64,
    kept_from: CommitNumber,
}

/// A frozen state as the checkpoint holds it.
struct Held {
    id: StateId,
    frozen: State,
    header: Header,
    /// The state lies in its header and keeps its table.
    is_inline: bool,
}

impl Core {
    /// Makes a checkpoint of everything that was accepted so far.
    pub(crate) fn checkpoint(self: &Arc<Core>) -> Result<Checkpointed, StoreError> {
        let _one = self.checkpointing.lock();
        self.checkpoint_locked()
    }

    /// The same, for who holds the checkpointing lock.
    pub(crate) fn checkpoint_locked(self: &Arc<Core>) -> Result<Checkpointed, StoreError> {
        let Some(frozen) = self.freeze() else {
            return Ok(Checkpointed { commit: self.front().accepted, ..Checkpointed::default() });
        };
        let (commit, bytes) = (frozen.commit, frozen.bytes);
        let ids: Vec<StateId> = frozen.states.iter().map(|(id, _)| *id).chain([StateId::CATALOG]).collect();
        let made = self.write_checkpoint(frozen);
        if made.is_err() {
            // The changes are still only in the journal.
            let mut front = self.front();
            front.dirty_bytes += bytes;
            front.frozen_bytes = 0;
            ids.into_iter().for_each(|id| front.states.thaw(id));
        }
        let held = made?;
        let states = held.len() as u64;
        for held in held {
            self.install(held, commit);
        }
        let mut front = self.front();
        front.frozen_bytes = 0;
        front.checkpoint_failure = None;
        front.checkpoints += 1;
        Ok(Checkpointed { commit, states, bytes })
    }

    /// Takes every dirty state as it is now; none if nothing is dirty.
    fn freeze(self: &Arc<Core>) -> Option<Frozen> {
        // Commits from here on land in this segment or a later one.
        let (replay_segment, kept_from) = {
            let journal = self.journal();
            (journal.writer.segment(), journal.writer.kept_from())
        };
        let mut front = self.front();
        if !front.states.begin_freeze() {
            front.dirty_bytes = 0;
            return None;
        }
        let removed: Vec<StateId> = front.states.removed.iter().map(|(_, id, _)| *id).collect();
        let catalog = front.states.get(StateId::CATALOG).expect("the catalog always exists").frozen();
        let bytes = std::mem::take(&mut front.dirty_bytes);
        front.frozen_bytes = bytes;
        let mut frozen = Frozen {
            commit: front.accepted,
            durable: Ticket::new(self.clone(), Durability::Synced, front.sequence(), front.accepted),
            catalog,
            states: Vec::new(),
            removed,
            next_state: front.states.next,
            packs: front.packs.clone(),
            bytes,
            replay_segment,
            kept_from,
        };
        // Commits that come between get their turn.
        loop {
            let taken = front.states.take_frozen(FROZEN_AT_ONCE);
            if taken.is_empty() {
                break;
            }
            MutexGuard::unlocked(&mut front, || {
                frozen.states.extend(taken.into_iter().filter(|(id, _)| *id != StateId::CATALOG));
            });
        }
        Some(frozen)
    }

    /// Writes the trees and the record; both are durable on return.
    fn write_checkpoint(self: &Arc<Core>, frozen: Frozen) -> Result<Vec<Held>, StoreError> {
        let commit = frozen.commit;
        frozen.durable.wait()?;
        let mut pack = PackWriter::new(&self.packs);
        let mut held = Vec::with_capacity(frozen.states.len() + 1);
        let mut headers: Vec<(Bytes, Option<Bytes>)> = frozen
            .removed
            .iter()
            .filter(|_| !planted(Bug::RemovalForgotten))
            .map(|id| (headers::key(*id), None))
            .collect();
        for (id, state) in frozen.states {
            let is_inline = is_inline(&state);
            let (tree, entries) = match is_inline {
                true => (Tree::EMPTY, state.table.clone()),
                false => (apply(&self.packs, &state, None, &mut pack)?, Table::default()),
            };
            let header = state.header(tree, commit);
            headers
                .push((headers::key(id), Some(headers::encode(header.clone(), &entries, state.snapshot.as_deref()))));
            held.push(Held { id, frozen: state, header, is_inline });
        }
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        let tree = apply(&self.packs, &frozen.catalog, Some(headers), &mut pack)?;
        let header = frozen.catalog.header(tree, commit);
        let mut packs = frozen.packs;
        if let Some(id) = pack.finish().map_err(|source| StoreError::from_io(PACK_DIR, source))? {
            self.packs.add(id)?;
            packs.push(id);
            self.front().packs.push(id);
        }
        let anchor = Anchor {
            commit,
            replay_segment: frozen.replay_segment,
            catalog: header.clone(),
            owner_epoch: self.owner_epoch,
            next_state: frozen.next_state,
            packs,
            kept_from: frozen.kept_from,
        };
        self.push(&encode(Kind::Checkpoint, commit, &anchor))?.wait()?;
        self.progress.set_applied(commit);
        self.front().states.removed.retain(|(number, _, _)| *number > commit);
        held.push(Held { id: StateId::CATALOG, frozen: frozen.catalog, header, is_inline: false });
        Ok(held)
    }

    /// Puts a state onto its new tree: only what changed since it was frozen stays in the table. The long comparison
    /// runs without the front's lock, a second one under it covers what came meanwhile.
    fn install(&self, held: Held, commit: CommitNumber) -> Option<(State, Table)> {
        let Held { id, frozen, header, is_inline } = held;
        let seen = self.front().states.get(id)?.clone();
        let mut table = Table::default();
        if is_inline {
            table = seen.table.clone();
        } else {
            table.follow(&frozen.table, &seen.table);
        }
        let mut front = self.front();
        let base = front.states.base(header.tree, header.last);
        front.pack_use.freed_bytes += frozen.base.tree.bytes.saturating_sub(header.tree.bytes);
        let state = front.states.get_mut(id)?;
        table.follow(&seen.table, &state.table);
        if is_inline {
            table.forget_cleared();
        }
        let old = std::mem::take(&mut state.table);
        state.rebase(base, commit, table);
        front.states.settle(id);
        drop(front);
        // Large tables are freed outside the lock.
        Some((frozen, old))
    }

    /// One checkpoint and, when much of the packs may be garbage, a collection. What fails is tried again when more has changed.
    pub(crate) fn checkpoint_in_background(self: &Arc<Core>) {
        let made = self.checkpoint();
        let collected = if made.is_ok() && self.needs_collection() { self.collect().map(drop) } else { Ok(()) };
        let failure = made.map(drop).and(collected).err().map(|error| error.to_string());
        let mut front = self.front();
        // On a full disk the next try waits until more has changed: each try writes before it fails.
        let wait = if failure.is_some() { front.dirty_bytes } else { 0 };
        front.checkpoint_at = (wait + self.options.checkpoint_bytes / 4).max(self.options.checkpoint_bytes);
        front.checkpoint_failure = failure;
        front.checkpoints_tried += 1;
        drop(front);
        self.checkpointed.notify_all();
    }
}

/// The state lies in its header and has no tree.
pub(crate) fn is_inline(state: &State) -> bool {
    state.base.tree == Tree::EMPTY && state.table.bytes() <= INLINE_BYTES_MAX
}

/// The state's tree with its table applied. Headers come before every key of the catalog's users.
pub(crate) fn apply(
    packs: &Packs,
    state: &State,
    headers: Option<Vec<(Bytes, Option<Bytes>)>>,
    pack: &mut PackWriter,
) -> Result<Tree, ReadError> {
    let changes = headers.into_iter().flatten().chain(state.table.iter());
    state.base.tree.apply(packs, state.table.cleared(), changes, pack)
}
