//! Checkpoints: the states' changes go into their trees, so that the journal before is no longer needed.
//!
//! ```text
//! freeze all dirty states at commit N (O(1) each) ─▶ N durable ─▶ trees applied, one pack synced
//!   ─▶ Checkpoint record durable ─▶ tables shrink to what came after N ─▶ segments before it can be recycled
//! ```
//!
//! Commits go on all the while: only freezing and shrinking hold the front's lock, each for a moment. The catalog's tree
//! holds the headers of all other states; the Checkpoint record names that tree, so it makes all of them true at once.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::StoreError;
use crate::journal::record::{Anchor, Header, Kind, PackDrop, encode};
use crate::pack::{PACK_DIR, PackId, PackWriter};
use crate::store::core::Core;
use crate::store::headers::{self, INLINE_BYTES_MAX};
use crate::store::state::{State, Table};
use crate::store::{Checkpointed, Collected, CommitNumber, StateId, Ticket};
use crate::tree::{Hash, Tree};

/// Packs that make a collection in the background worth its walk through all trees.
const PACKS_MANY: usize = 8;

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
        let made = self.write_checkpoint(frozen);
        if made.is_err() {
            // The changes are still only in the journal.
            self.front().dirty_bytes += bytes;
        }
        let held = made?;
        let states = held.len() as u64;
        for held in held {
            self.install(held, commit);
        }
        let mut front = self.front();
        front.blobs.retain(|(number, _)| *number > commit);
        front.checkpoints += 1;
        Ok(Checkpointed { commit, states, bytes })
    }

    /// Takes every dirty state as it is now; none if nothing is dirty.
    fn freeze(self: &Arc<Core>) -> Option<Frozen> {
        // Commits from here on land in this segment or a later one.
        let replay_segment = self.journal().writer.segment();
        let mut front = self.front();
        let dirty = front.states.dirty();
        let removed: Vec<StateId> = front.states.removed.iter().map(|(_, id, _)| *id).collect();
        if dirty.is_empty() && removed.is_empty() {
            return None;
        }
        let state = |id: &StateId| Some((*id, front.states.get(*id)?.clone()));
        let states = dirty.iter().filter(|id| **id != StateId::CATALOG).filter_map(state).collect();
        let catalog = front.states.get(StateId::CATALOG).expect("the catalog always exists").clone();
        Some(Frozen {
            commit: front.accepted,
            durable: Ticket::new(self.clone(), front.sequence(), front.accepted),
            catalog,
            states,
            removed,
            next_state: front.states.next,
            packs: front.packs.clone(),
            bytes: std::mem::take(&mut front.dirty_bytes),
            replay_segment,
        })
    }

    /// Writes the trees and the record; both are durable on return.
    fn write_checkpoint(self: &Arc<Core>, frozen: Frozen) -> Result<Vec<Held>, StoreError> {
        let commit = frozen.commit;
        frozen.durable.wait()?;
        let mut pack = PackWriter::new(&self.packs);
        let mut held = Vec::with_capacity(frozen.states.len() + 1);
        let mut headers: Vec<(Bytes, Option<Bytes>)> =
            frozen.removed.iter().map(|id| (headers::key(*id), None)).collect();
        for (id, state) in frozen.states {
            let is_inline = state.base.tree == Tree::EMPTY && state.table_bytes <= INLINE_BYTES_MAX;
            let (tree, entries) = match is_inline {
                true => (Tree::EMPTY, state.table.clone()),
                false => (self.apply(&state, None, &mut pack)?, Table::new()),
            };
            let header = state.header(tree, commit);
            headers.push((headers::key(id), Some(headers::encode(header.clone(), &entries))));
            held.push(Held { id, frozen: state, header, is_inline });
        }
        headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        let tree = self.apply(&frozen.catalog, Some(headers), &mut pack)?;
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
        };
        self.push(&encode(Kind::Checkpoint, commit, &anchor))?.wait()?;
        self.front().states.removed.retain(|(number, _, _)| *number > commit);
        held.push(Held { id: StateId::CATALOG, frozen: frozen.catalog, header, is_inline: false });
        Ok(held)
    }

    /// The state's tree with its table applied. Headers come before every key of the catalog's users.
    fn apply(
        &self,
        state: &State,
        headers: Option<Vec<(Bytes, Option<Bytes>)>>,
        pack: &mut PackWriter,
    ) -> Result<Tree, StoreError> {
        let table = state.table.iter().map(|(key, value)| (key.clone(), value.clone()));
        let changes = headers.into_iter().flatten().chain(table);
        Ok(state.base.tree.apply(&*self.packs, changes, pack)?)
    }

    /// Puts a state onto its new tree: only what changed since it was frozen stays in the table. The long comparison
    /// runs without the front's lock, a second one under it covers what came meanwhile.
    fn install(&self, held: Held, commit: CommitNumber) -> Option<(State, Table)> {
        let Held { id, frozen, header, is_inline } = held;
        let seen = self.front().states.get(id)?.clone();
        let mut table = Table::new();
        if is_inline {
            table = seen.table.clone();
        } else {
            add_changes(&mut table, &frozen.table, &seen.table);
        }
        let mut front = self.front();
        let base = front.states.base(header.tree);
        let state = front.states.get_mut(id)?;
        add_changes(&mut table, &seen.table, &state.table);
        let old = std::mem::replace(&mut state.table, Table::new());
        state.rebase(base, commit, table);
        front.states.settle(id);
        drop(front);
        // Large tables are freed outside the lock.
        Some((frozen, old))
    }

    /// One checkpoint and, when packs have become many, a collection. What fails is tried again when more has changed.
    pub(crate) fn checkpoint_in_background(self: &Arc<Core>) {
        let made = self.checkpoint();
        let many = self.front().packs.len() >= PACKS_MANY;
        let collected = if made.is_ok() && many { self.collect().map(drop) } else { Ok(()) };
        let failure = made.map(drop).and(collected).err().map(|error| error.to_string());
        let mut front = self.front();
        // On a full disk the next try waits until more has changed: each try writes before it fails.
        let wait = if failure.is_some() { front.dirty_bytes } else { 0 };
        front.checkpoint_at = (wait + self.options.checkpoint_bytes / 4).max(self.options.checkpoint_bytes);
        front.checkpoint_failure = failure;
    }

    /// Removes packs that nothing needs, and rewrites those that are mostly dead.
    pub(crate) fn collect(self: &Arc<Core>) -> Result<Collected, StoreError> {
        let _one = self.checkpointing.lock();
        let Some(collection) = self.packs.begin_collection(self.front().packs.clone()) else {
            return Ok(Collected::default());
        };
        let (trees, blobs) = {
            let mut front = self.front();
            (front.states.live_trees(), front.blobs.clone())
        };
        let mut live: HashSet<Hash> = blobs.into_iter().map(|(_, hash)| hash).collect();
        for tree in trees {
            tree.mark(&*self.packs, &mut |hash| live.insert(*hash))?;
        }
        let done = collection.finish(&|hash| live.contains(hash))?;
        if done.added.is_none() && done.dropped.is_empty() {
            return Ok(Collected::default());
        }
        {
            let mut front = self.front();
            front.packs.extend(done.added);
            front.packs.retain(|pack| !done.dropped.contains(pack));
        }
        let record = PackDrop { added: done.added, dropped: done.dropped.clone() };
        let accepted = self.front().accepted;
        self.push(&encode(Kind::PackDrop, accepted, &record))?.wait()?;
        for pack in &done.dropped {
            self.packs.remove(*pack).map_err(|source| StoreError::from_io(&pack.path(), source))?;
        }
        self.disk.sync_dir(PACK_DIR).map_err(|source| StoreError::from_io(PACK_DIR, source))?;
        Ok(Collected { packs_removed: done.dropped.len() as u64, packs_added: u64::from(done.added.is_some()) })
    }
}

/// Adds what differs between an earlier and a later form of a table. A key never leaves a table between checkpoints.
fn add_changes(table: &mut Table, earlier: &Table, later: &Table) {
    use imbl::ordmap::DiffItem;
    for change in earlier.diff(later) {
        match change {
            DiffItem::Add(key, value) | DiffItem::Update { new: (key, value), .. } => {
                table.insert(key.clone(), value.clone());
            }
            DiffItem::Remove(..) => {}
        }
    }
}
