//! The store's face: states, commits, views and checkpoints over the journal and the state trees.

mod archive;
mod change;
mod damage;
mod options;
mod report;
mod ticket;
mod transaction;
mod trial;
mod view;

mod base;
mod checkpoint;
mod chores;
mod collect;
mod commit;
mod components;
mod core;
mod counts;
mod diff;
mod drive;
mod export;
pub(crate) mod format_file;
pub(crate) mod headers;
mod history;
pub(crate) mod lock;
mod mask;
mod merge;
mod open;
mod progress;
mod repair;
mod replay;
mod snapshots;
mod state;
mod table;
mod verify;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

pub use crate::journal::SealedSegment;
pub use archive::{Archive, DiskArchive};
pub use change::{Change, CommitNumber, StateId, WriterEpoch, Writes};
pub use components::{ComponentHash, NotAComponentHash};
pub use damage::{Affected, Damage, LostCommits};
pub use diff::Diff;
pub use export::{
    Adopted, ExportError, ExportHeader, Exported, ImportError, ImportId, Imported, UnfinishedImport, verify_export,
};
pub use options::{Options, Writer};
pub use progress::Stage;
pub use repair::{LostChange, Remains, RepairError, Repaired, SetAside};
pub use report::{Checkpointed, Collected, Frontier, History, Info, Progress, Recovery, TornTail, Verified};
pub use snapshots::{Holds, SnapshotInfo};
pub use ticket::{Durability, Reached, Ticket};
pub use transaction::{Effects, Savepoint, Transaction, TransactionScan};
pub use view::{Scan, View};

use crate::disk::Disk;
use crate::error::{CommitError, OpenError, ReadError, StoreError};
use crate::journal::record::encode_close;
use crate::store::chores::Threads;
use crate::store::core::Core;
use crate::store::lock::{LOCK_FILE, OwnerRecord};
use crate::sync::atomic::{AtomicU64, Ordering};

/// An open data directory. Cheap to clone; all clones are one store. When the last one is dropped, what was accepted is
/// made durable (with [`Writer::Thread`]) and the lock is freed; [`close`](Store::close) also marks the journal as closed.
#[derive(Clone)]
pub struct Store {
    handle: Arc<Handle>,
}

/// Owned by the user's clones alone: its end is the store's end, whatever tickets and threads still live.
struct Handle {
    core: Arc<Core>,
    next_state: AtomicU64,
    threads: Threads,
}

impl Store {
    /// Opens a data directory, or makes a new store if the directory is empty.
    pub fn open(disk: Arc<dyn Disk>, options: Options) -> Result<(Store, Recovery), OpenError> {
        let (core, recovery) = open::open(disk, options)?;
        let core = Arc::new(core);
        let next_state = AtomicU64::new(core.front().states.next);
        let mut handle = Handle { core, next_state, threads: Threads::default() };
        if !handle.core.is_inline() {
            handle.threads = chores::start(&handle.core).map_err(|source| OpenError::from_io("a thread", source))?;
            // Earlier owners may have left garbage behind, each too little to collect it.
            if handle.core.needs_collection() {
                handle.core.checkpoint_bell.ring();
            }
        }
        Ok((Store { handle: Arc::new(handle) }, recovery))
    }

    /// An id that no state of this store ever had.
    pub fn new_state(&self) -> StateId {
        let used = self.core().front().states.next;
        self.handle.next_state.fetch_max(used, Ordering::Relaxed);
        StateId(self.handle.next_state.fetch_add(1, Ordering::Relaxed))
    }

    /// A state with everything that was accepted so far.
    pub fn view(&self, state: StateId) -> Option<View> {
        let front = self.core().front();
        Some(View::new(state, front.states.get(state)?, &self.core().packs))
    }

    /// A state with everything that survives power loss. It may lag behind [`view`](Store::view).
    pub fn durable_view(&self, state: StateId) -> Option<View> {
        let durable = self.core().progress.commit(Stage::Durable);
        let found = self.core().front().states.at(state, durable)?;
        Some(View::new(state, &found, &self.core().packs))
    }

    /// Several states with everything that survives power loss, all as of one commit: what a commit wrote to several of
    /// them is in all of these views or in none. None if one of them did not exist then.
    pub fn durable_views(&self, states: &[StateId]) -> Option<Vec<View>> {
        let front = self.core().front();
        // Asked under the lock: what is durable now can still be told apart from what came after, in every state.
        let durable = self.core().progress.commit(Stage::Durable);
        let view = |state: &StateId| Some(View::new(*state, &front.states.at(*state, durable)?, &self.core().packs));
        states.iter().map(view).collect()
    }

    /// Orders a commit and makes it visible in views. It is durable once the ticket resolves.
    pub fn commit(&self, changes: Vec<Change>) -> Result<Ticket, CommitError> {
        self.commit_with(changes, Durability::Synced)
    }

    /// The same; the ticket resolves once the commit survives what `durability` says.
    pub fn commit_with(&self, changes: Vec<Change>, durability: Durability) -> Result<Ticket, CommitError> {
        self.core().commit(changes, durability)
    }

    /// Resolves when everything that was accepted so far is durable.
    pub fn barrier(&self) -> Ticket {
        let front = self.core().front();
        Ticket::new(self.core().clone(), Durability::Synced, front.sequence(), front.accepted)
    }

    /// Resolves when a commit, which may still have to come, has reached a stage. Nothing is hurried by waiting for
    /// [`Stage::Applied`]: that takes a checkpoint.
    pub fn reached(&self, stage: Stage, commit: CommitNumber) -> Reached {
        Reached::new(self.core().clone(), stage, commit)
    }

    /// How far commits have come.
    pub fn frontier(&self) -> Frontier {
        let progress = &self.core().progress;
        let (batches, syncs) = progress.counts();
        // In this order no number is ever larger than the one after it.
        let applied = progress.commit(Stage::Applied);
        let durable = progress.commit(Stage::Durable);
        let written = progress.commit(Stage::Written);
        Frontier { accepted: self.core().front().accepted, written, durable, applied, batches, syncs }
    }

    /// Enough has changed since the last checkpoint to make the next one.
    pub fn needs_checkpoint(&self) -> bool {
        self.core().front().dirty_bytes >= self.core().options.checkpoint_bytes
    }

    /// Enough of the packs may be garbage that a checkpoint, which forgets removed states, and then a
    /// [collection](Store::collect) are worth while. With [`Writer::Thread`] the store sees to that by itself.
    pub fn needs_collection(&self) -> bool {
        self.core().needs_collection()
    }

    /// Applies every state's changes to its tree, so that the journal before is no longer needed.
    pub fn checkpoint(&self) -> Result<Checkpointed, StoreError> {
        self.owned()?.checkpoint()
    }

    /// Removes packs that no state and no view needs any more.
    pub fn collect(&self) -> Result<Collected, StoreError> {
        self.owned()?.collect()
    }

    /// Reads every byte of every file and checks it.
    pub fn verify(&self, progress: &mut dyn FnMut(&Progress)) -> Result<Verified, StoreError> {
        verify::verify_open(self.owned()?, progress)
    }

    /// Reads every byte of every file of a data directory that nobody has open, even one that does not open.
    pub fn verify_idle(disk: Arc<dyn Disk>, progress: &mut dyn FnMut(&Progress)) -> Result<Verified, OpenError> {
        verify::verify_idle(&disk, progress)
    }

    /// Makes a damaged data directory that nobody has open one that opens: what is damaged is set aside, what is left is
    /// brought together, and the answer says exactly what could not be kept. A dry run changes nothing.
    pub fn repair(
        disk: Arc<dyn Disk>,
        dry_run: bool,
        progress: &mut dyn FnMut(&Progress),
    ) -> Result<Repaired, RepairError> {
        repair::repair(&disk, dry_run, progress)
    }

    /// The states of a data directory that nobody has open, as far as they can be read, also if it does not open. Changes
    /// nothing; whoever reports damage reads here which words its users have for a state.
    pub fn remains(disk: Arc<dyn Disk>) -> Result<Remains, RepairError> {
        repair::remains(&disk)
    }

    /// The writer epoch of a state.
    pub fn epoch(&self, state: StateId) -> Option<WriterEpoch> {
        self.core().front().states.get(state).map(|state| state.epoch)
    }

    /// All states, the catalog first. Snapshots are no part of the list: see [`snapshots`](Store::snapshots).
    pub fn states(&self) -> Vec<StateId> {
        self.core().front().states.ids()
    }

    /// Figures of the store.
    pub fn info(&self) -> Info {
        let core = self.core();
        let (segments, segment_bytes) = {
            let mut journal = core.journal();
            let bytes = journal.writer.bytes();
            let sealed = journal.writer.sealed();
            (sealed.len() + 1, sealed.bytes() + bytes)
        };
        let packs = core.packs.list();
        let front = core.front();
        Info {
            store_id: core.format.store_id,
            owner_epoch: core.owner_epoch,
            segments,
            journal_bytes: segment_bytes + core.spares.bytes(),
            packs: packs.len() as u64,
            live_bytes: front.pack_use.live_bytes,
            pack_bytes: packs.iter().map(|pack| pack.bytes).sum(),
            states: front.states.len() as u64 - front.states.snapshots.len() as u64,
            snapshots: front.states.snapshots.len() as u64,
            dirty_bytes: front.dirty_bytes,
            checkpoints: front.checkpoints,
            checkpoint_failure: front.checkpoint_failure.clone(),
            imports: core.imports.list(),
            archive_failure: front.archive_failure.clone(),
        }
    }

    /// Keeps a component; durable on return.
    pub fn put_component(&self, bytes: &[u8]) -> Result<ComponentHash, StoreError> {
        components::put(&*self.core().disk, bytes)
    }

    /// The bytes of a component, checked against its name.
    pub fn component(&self, hash: &ComponentHash) -> Result<Bytes, ReadError> {
        components::get(&*self.core().disk, hash)
    }

    /// Waits for what was accepted, checkpoints if much has changed, and marks the journal as closed. Later commits are
    /// refused.
    pub fn close(self) -> Result<(), StoreError> {
        let core = self.owned()?;
        if std::mem::replace(&mut core.front().closed, true) {
            return Err(CommitError::Closed.into());
        }
        let _one = core.checkpointing.lock();
        if core.front().dirty_bytes > core.options.checkpoint_bytes / 8 {
            // The journal holds everything: without room for a pack the store still closes cleanly.
            match core.checkpoint_locked() {
                Err(StoreError::NoSpace { .. } | StoreError::Commit(CommitError::NoSpace { .. })) => {}
                other => drop(other?),
            }
        }
        let accepted = core.front().accepted;
        core.push(&encode_close(accepted))?.wait()?;
        core.mark_closed()
    }

    fn core(&self) -> &Arc<Core> {
        &self.handle.core
    }

    /// The same, for what a copy of the owner's process must not do.
    fn owned(&self) -> Result<&Arc<Core>, CommitError> {
        self.core().forked().map_or(Ok(self.core()), Err)
    }
}

impl Core {
    /// Notes in LOCK how far the closed journal reaches.
    fn mark_closed(&self) -> Result<(), StoreError> {
        let closed = Some(self.journal().writer.link().number);
        let record = OwnerRecord { epoch: self.owner_epoch, pid: u64::from(crate::disk::process()), closed };
        match &mut *self.owner.lock() {
            Some(lock) => lock.write(record).map_err(|source| StoreError::from_io(LOCK_FILE, source)),
            None => Ok(()),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.core.forked().is_some() {
            // The threads and the lock are another process's, and so is every lock that was held when this one began.
            std::mem::forget((self.core.clone(), std::mem::take(&mut self.threads)));
            return;
        }
        self.core.spares.stop();
        self.core.checkpoint_bell.stop();
        self.core.spare_bell.stop();
        let Threads { writer, others } = std::mem::take(&mut self.threads);
        // A checkpoint that runs needs the writer for its record, so the writer stops last. A thread that panicked has
        // poisoned nothing that is read after this.
        others.into_iter().for_each(|thread| drop(thread.join()));
        self.core.stop_writer();
        writer.into_iter().for_each(|thread| drop(thread.join()));
        self.core.end();
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("owner_epoch", &self.core().owner_epoch).finish_non_exhaustive()
    }
}
