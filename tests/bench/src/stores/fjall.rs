//! fjall: `SyncAll` in each commit.

use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::Peer;
use crate::load::{Key, Value};

/// A fjall database with one keyspace.
pub struct Fjall {
    database: Database,
    keyspace: Keyspace,
}

impl Fjall {
    /// Creates a database.
    pub fn create(path: &Path) -> Fjall {
        let database = Database::builder(path).open().expect("fjall opens");
        let keyspace = database.keyspace("entries", KeyspaceCreateOptions::default).expect("fjall makes a keyspace");
        Fjall { database, keyspace }
    }
}

impl Fjall {
    fn go(&self, entries: &[(Key, Value)], mode: PersistMode) {
        let mut batch = self.database.batch().durability(Some(mode));
        for (key, value) in entries {
            batch.insert(&self.keyspace, *key, *value);
        }
        batch.commit().expect("fjall commits");
    }
}

impl Peer for Fjall {
    fn commit(&self, entries: &[(Key, Value)]) {
        self.go(entries, PersistMode::SyncAll);
    }

    fn commit_buffered(&self, entries: &[(Key, Value)]) {
        self.go(entries, PersistMode::Buffer);
    }

    fn scan(&self, down: bool) -> u64 {
        let read = |entry: fjall::Guard| drop(entry.into_inner().expect("fjall reads"));
        match down {
            false => self.keyspace.iter().map(read).count() as u64,
            true => self.keyspace.iter().rev().map(read).count() as u64,
        }
    }

    fn settle(&self) {
        self.keyspace.rotate_memtable_and_wait().expect("fjall flushes");
        self.keyspace.major_compact().expect("fjall compacts");
    }

    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64 {
        keys.filter(|key| self.keyspace.get(key).expect("fjall reads").is_some()).count() as u64
    }
}
