//! Stead's own store: one state, one commit for each call, group commit inside.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::DirDisk;
use stead_store::{Change, Options, StateId, Store, WriterEpoch};

use super::Peer;
use crate::load::{Key, Value};

/// A store with one state.
pub struct Stead {
    store: Store,
    state: StateId,
}

impl Stead {
    /// Creates a store.
    pub fn create(path: &Path, options: Options) -> Stead {
        let (store, _) = open(path, options);
        let state = store.new_state();
        let created = store.commit(vec![Change::Create { state }]).expect("the store takes a commit");
        created.wait().expect("the store commits");
        Stead { store, state }
    }

    /// The store itself.
    pub fn store(&self) -> &Store {
        &self.store
    }
}

/// Opens a store in a directory.
pub fn open(path: &Path, options: Options) -> (Store, stead_store::Recovery) {
    let disk = DirDisk::create(path).expect("the directory opens");
    Store::open(Arc::new(disk), options).expect("the store opens")
}

impl Peer for Stead {
    fn commit(&self, entries: &[(Key, Value)]) {
        let writes = entries
            .iter()
            .map(|(key, value)| (Bytes::copy_from_slice(key), Some(Bytes::copy_from_slice(value))))
            .collect();
        let change = Change::Write { state: self.state, epoch: WriterEpoch::FIRST, writes };
        let ticket = self.store.commit(vec![change]).expect("the store takes a commit");
        ticket.wait().expect("the store commits");
    }

    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64 {
        let view = self.store.view(self.state).expect("the state is there");
        keys.filter(|key| view.get(key).expect("the store reads").is_some()).count() as u64
    }
}
