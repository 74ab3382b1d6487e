//! The store's face: states, commits, views and checkpoints over the journal and the state trees.

mod change;
mod components;
mod options;
mod report;
mod ticket;
mod transaction;
mod view;

use std::sync::Arc;

use bytes::Bytes;

pub use change::{Change, CommitNumber, StateId, WriterEpoch, Writes};
pub use components::{ComponentHash, NotAComponentHash};
pub use options::{Options, Writer};
pub use report::{
    Checkpointed, Collected, Damage, Frontier, Info, Progress, Recovery, TornTail, Verified,
};
pub use ticket::Ticket;
pub use transaction::{Savepoint, Transaction, TransactionScan};
pub use view::{Scan, View};

use crate::disk::Disk;
use crate::error::{CommitError, OpenError, ReadError, StoreError};

/// An open data directory. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {}

impl Store {
    /// Opens a data directory, or makes a new store if the directory is empty.
    pub fn open(_disk: Arc<dyn Disk>, _options: Options) -> Result<(Store, Recovery), OpenError> {
        todo!()
    }

    /// An id that no state of this store ever had.
    pub fn new_state(&self) -> StateId {
        todo!()
    }

    /// A state with everything that was accepted so far.
    pub fn view(&self, _state: StateId) -> Option<View> {
        todo!()
    }

    /// A state with everything that survives power loss. It may lag behind [`view`](Store::view).
    pub fn durable_view(&self, _state: StateId) -> Option<View> {
        todo!()
    }

    /// Orders a commit and makes it visible in views. It is durable once the ticket resolves.
    pub fn commit(&self, _changes: Vec<Change>) -> Result<Ticket, CommitError> {
        todo!()
    }

    /// Resolves when everything that was accepted so far is durable.
    pub fn barrier(&self) -> Ticket {
        todo!()
    }

    /// How far commits have come.
    pub fn frontier(&self) -> Frontier {
        todo!()
    }

    /// Enough has changed since the last checkpoint to make the next one.
    pub fn needs_checkpoint(&self) -> bool {
        todo!()
    }

    /// Applies every state's changes to its tree, so that the journal before is no longer needed.
    pub fn checkpoint(&self) -> Result<Checkpointed, StoreError> {
        todo!()
    }

    /// Removes packs that no state and no view needs any more.
    pub fn collect(&self) -> Result<Collected, StoreError> {
        todo!()
    }

    /// Reads every byte of every file and checks it.
    pub fn verify(&self, _progress: &mut dyn FnMut(&Progress)) -> Result<Verified, StoreError> {
        todo!()
    }

    /// Reads every byte of every file of a data directory that nobody has open, even one that does not open.
    pub fn verify_idle(_disk: Arc<dyn Disk>, _progress: &mut dyn FnMut(&Progress)) -> Result<Verified, OpenError> {
        todo!()
    }

    /// The writer epoch of a state.
    pub fn epoch(&self, _state: StateId) -> Option<WriterEpoch> {
        todo!()
    }

    /// All states, the catalog first.
    pub fn states(&self) -> Vec<StateId> {
        todo!()
    }

    /// Figures of the store.
    pub fn info(&self) -> Info {
        todo!()
    }

    /// Keeps a component; durable on return.
    pub fn put_component(&self, _bytes: &[u8]) -> Result<ComponentHash, StoreError> {
        todo!()
    }

    /// The bytes of a component, checked against its name.
    pub fn component(&self, _hash: &ComponentHash) -> Result<Bytes, ReadError> {
        todo!()
    }

    /// Waits for what was accepted, checkpoints and marks the journal as closed. Later commits are refused.
    pub fn close(self) -> Result<(), StoreError> {
        todo!()
    }
}
