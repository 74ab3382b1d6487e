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

impl Peer for Fjall {
    fn commit(&self, entries: &[(Key, Value)]) {
        let mut batch = self.database.batch().durability(Some(PersistMode::SyncAll));
        for (key, value) in entries {
            batch.insert(&self.keyspace, *key, *value);
        }
        batch.commit().expect("fjall commits");
    }

    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64 {
        keys.filter(|key| self.keyspace.get(key).expect("fjall reads").is_some()).count() as u64
    }
}
