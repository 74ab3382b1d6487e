//! redb: durability `Immediate`, its default.

use std::path::Path;

use redb::{Database, ReadableDatabase, TableDefinition};

use super::Peer;
use crate::load::{Key, Value};

const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");

/// A redb database with one table.
pub struct Redb {
    database: Database,
}

impl Redb {
    /// Creates a database.
    pub fn create(path: &Path) -> Redb {
        Redb { database: Database::create(path.join("redb")).expect("redb opens") }
    }
}

impl Peer for Redb {
    fn commit(&self, entries: &[(Key, Value)]) {
        let transaction = self.database.begin_write().expect("redb begins");
        let mut table = transaction.open_table(ENTRIES).expect("redb opens the table");
        for (key, value) in entries {
            table.insert(key.as_slice(), value.as_slice()).expect("redb inserts");
        }
        drop(table);
        transaction.commit().expect("redb commits");
    }

    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64 {
        let transaction = self.database.begin_read().expect("redb begins");
        let table = transaction.open_table(ENTRIES).expect("redb opens the table");
        keys.filter(|key| table.get(key.as_slice()).expect("redb reads").is_some()).count() as u64
    }
}
