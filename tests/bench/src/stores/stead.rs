//! Stead's own store: one state, one commit for each call, group commit inside.

use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::DirDisk;
use stead_store::{Change, Durability, Options, Order, StateId, Store, View, WriterEpoch};

use super::Peer;
use crate::load::{Key, Value};

/// A store with one state.
pub struct Stead {
    store: Store,
    state: StateId,
}

impl Stead {
    /// Opens a store, or creates it.
    pub fn create(path: &Path, options: Options) -> Stead {
        let (store, _) = open(path, options);
        let there = store.states().into_iter().find(|state| *state != StateId::CATALOG);
        let state = there.unwrap_or_else(|| {
            let state = store.new_state();
            let created = store.commit(vec![Change::Create { state }]).expect("the store takes a commit");
            created.wait().expect("the store commits");
            state
        });
        Stead { store, state }
    }

    /// The state as it is now.
    pub fn view(&self) -> View {
        self.store.view(self.state).expect("the state is there")
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

impl Stead {
    fn go(&self, entries: &[(Key, Value)], durability: Durability) {
        let writes = entries
            .iter()
            .map(|(key, value)| (Bytes::copy_from_slice(key), Some(Bytes::copy_from_slice(value))))
            .collect();
        let change = Change::Write { state: self.state, epoch: WriterEpoch::FIRST, writes };
        let ticket = self.store.commit_with(vec![change], durability).expect("the store takes a commit");
        ticket.wait().expect("the store commits");
    }
}

impl Peer for Stead {
    fn commit(&self, entries: &[(Key, Value)]) {
        self.go(entries, Durability::Synced);
    }

    fn commit_buffered(&self, entries: &[(Key, Value)]) {
        self.go(entries, Durability::Buffered);
    }

    fn scan(&self, down: bool) -> u64 {
        let view = self.view();
        let order = if down { Order::Descending } else { Order::Ascending };
        let entries = view.scan(Bound::Unbounded, Bound::Unbounded, order);
        entries.fold(0, |count, entry| entry.map(|_| count + 1).expect("the store reads"))
    }

    fn settle(&self) {
        self.checkpoint();
        self.store.collect().expect("the store collects");
    }

    fn checkpoint(&self) {
        self.store.checkpoint().expect("the store checkpoints");
    }

    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64 {
        let view = self.store.view(self.state).expect("the state is there");
        keys.filter(|key| view.get(key).expect("the store reads").is_some()).count() as u64
    }
}
