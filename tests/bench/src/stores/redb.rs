//! redb: durability `Immediate`, its default; buffered is `None`, which loses commits with the process.

use std::path::Path;

use parking_lot::RwLock;
use redb::{AccessGuard, Database, Durability, ReadableDatabase, ReadableTable as _, StorageError, TableDefinition};

use super::Peer;
use crate::load::{Key, Value};

const ENTRIES: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("entries");

/// A redb database with one table.
pub struct Redb {
    /// Written only to be compacted.
    database: RwLock<Database>,
}

impl Redb {
    /// Creates a database.
    pub fn create(path: &Path) -> Redb {
        Redb { database: RwLock::new(Database::create(path.join("redb")).expect("redb opens")) }
    }
}

impl Redb {
    fn go(&self, entries: &[(Key, Value)], durability: Durability) {
        let database = self.database.read();
        let mut transaction = database.begin_write().expect("redb begins");
        transaction.set_durability(durability).expect("redb takes a durability");
        let mut table = transaction.open_table(ENTRIES).expect("redb opens the table");
        for (key, value) in entries {
            table.insert(key.as_slice(), value.as_slice()).expect("redb inserts");
        }
        drop(table);
        transaction.commit().expect("redb commits");
    }
}

/// A key or a value as redb hands it out.
type Bytes<'a> = AccessGuard<'a, &'static [u8]>;

impl Peer for Redb {
    fn commit(&self, entries: &[(Key, Value)]) {
        self.go(entries, Durability::Immediate);
    }

    fn commit_buffered(&self, entries: &[(Key, Value)]) {
        self.go(entries, Durability::None);
    }

    fn scan(&self, down: bool) -> u64 {
        let transaction = self.database.read().begin_read().expect("redb begins");
        let table = transaction.open_table(ENTRIES).expect("redb opens the table");
        let entries = table.iter().expect("redb reads");
        let touched = |count: u64, entry: Result<(Bytes<'_>, Bytes<'_>), StorageError>| {
            let (key, value) = entry.expect("redb reads");
            std::hint::black_box((key.value(), value.value()));
            count + 1
        };
        if down { entries.rev().fold(0, touched) } else { entries.fold(0, touched) }
    }

    fn settle(&self) {
        self.database.write().compact().expect("redb compacts");
    }

    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64 {
        let transaction = self.database.read().begin_read().expect("redb begins");
        let table = transaction.open_table(ENTRIES).expect("redb opens the table");
        keys.filter(|key| table.get(key.as_slice()).expect("redb reads").is_some()).count() as u64
    }
}
