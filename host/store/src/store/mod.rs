//! The store's face: states, commits, views and checkpoints over the journal and the state trees.

mod change;
mod options;
mod report;
mod ticket;
mod transaction;
mod view;

mod checkpoint;
mod chores;
mod commit;
mod components;
mod core;
mod counts;
mod format_file;
mod headers;
mod lock;
mod merge;
mod open;
mod progress;
mod replay;
mod state;
mod verify;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;

pub use change::{Change, CommitNumber, StateId, WriterEpoch, Writes};
pub use components::{ComponentHash, NotAComponentHash};
pub use options::{Options, Writer};
pub use report::{Checkpointed, Collected, Damage, Frontier, Info, Progress, Recovery, TornTail, Verified};
pub use ticket::Ticket;
pub use transaction::{Savepoint, Transaction, TransactionScan};
pub use view::{Scan, View};

use crate::disk::Disk;
use crate::error::{CommitError, OpenError, ReadError, StoreError};
use crate::journal::record::encode_close;
use crate::store::chores::Threads;
use crate::store::core::Core;
use crate::store::lock::{LOCK_FILE, OwnerRecord};

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
        let durable = self.core().progress.durable_commit();
        let found = self.core().front().states.at(state, durable)?;
        Some(View::new(state, &found, &self.core().packs))
    }

    /// Orders a commit and makes it visible in views. It is durable once the ticket resolves.
    pub fn commit(&self, changes: Vec<Change>) -> Result<Ticket, CommitError> {
        self.core().commit(changes)
    }

    /// Resolves when everything that was accepted so far is durable.
    pub fn barrier(&self) -> Ticket {
        let front = self.core().front();
        Ticket::new(self.core().clone(), front.sequence(), front.accepted)
    }

    /// How far commits have come.
    pub fn frontier(&self) -> Frontier {
        let progress = &self.core().progress;
        let (batches, syncs) = progress.counts();
        // In this order no number is ever larger than the one before it.
        let durable = progress.durable_commit();
        let written = progress.written_commit();
        Frontier { accepted: self.core().front().accepted, written, durable, batches, syncs }
    }

    /// Enough has changed since the last checkpoint to make the next one.
    pub fn needs_checkpoint(&self) -> bool {
        self.core().front().dirty_bytes >= self.core().options.checkpoint_bytes
    }

    /// Applies every state's changes to its tree, so that the journal before is no longer needed.
    pub fn checkpoint(&self) -> Result<Checkpointed, StoreError> {
        self.core().checkpoint()
    }

    /// Removes packs that no state and no view needs any more.
    pub fn collect(&self) -> Result<Collected, StoreError> {
        self.core().collect()
    }

    /// Reads every byte of every file and checks it.
    pub fn verify(&self, progress: &mut dyn FnMut(&Progress)) -> Result<Verified, StoreError> {
        verify::verify_open(self.core(), progress)
    }

    /// Reads every byte of every file of a data directory that nobody has open, even one that does not open.
    pub fn verify_idle(disk: Arc<dyn Disk>, progress: &mut dyn FnMut(&Progress)) -> Result<Verified, OpenError> {
        verify::verify_idle(&disk, progress)
    }

    /// The writer epoch of a state.
    pub fn epoch(&self, state: StateId) -> Option<WriterEpoch> {
        self.core().front().states.get(state).map(|state| state.epoch)
    }

    /// All states, the catalog first.
    pub fn states(&self) -> Vec<StateId> {
        self.core().front().states.ids()
    }

    /// Figures of the store.
    pub fn info(&self) -> Info {
        let core = self.core();
        let (segments, segment_bytes) = {
            let journal = core.journal();
            (journal.writer.segment() + 1 - journal.writer.oldest(), journal.writer.bytes())
        };
        let full_bytes = (segments - 1) * core.options.segment_bytes + core.spares.bytes();
        let packs = core.packs.list();
        let front = core.front();
        Info {
            store_id: core.format.store_id,
            owner_epoch: core.owner_epoch,
            segments,
            journal_bytes: segment_bytes + full_bytes,
            packs: packs.len() as u64,
            pack_bytes: packs.iter().map(|pack| pack.bytes).sum(),
            states: front.states.len() as u64,
            dirty_bytes: front.dirty_bytes,
            checkpoints: front.checkpoints,
            checkpoint_failure: front.checkpoint_failure.clone(),
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
        let core = self.core();
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
}

impl Core {
    /// Notes in LOCK how far the closed journal reaches.
    fn mark_closed(&self) -> Result<(), StoreError> {
        let mut journal = self.journal();
        let closed = Some(journal.writer.link().number);
        let record = OwnerRecord { epoch: self.owner_epoch, pid: u64::from(std::process::id()), closed };
        match &mut journal.lock {
            Some(lock) => lock.write(record).map_err(|source| StoreError::from_io(LOCK_FILE, source)),
            None => Ok(()),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
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
