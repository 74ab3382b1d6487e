//! SQLite: write-ahead log, `synchronous = FULL`, one connection. More connections are no faster: it has one writer.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _};

use super::Peer;
use crate::load::{Key, Value};

/// A SQLite database with one table.
pub struct Sqlite {
    connection: Mutex<Connection>,
}

impl Sqlite {
    /// Creates a database.
    pub fn create(path: &Path) -> Sqlite {
        let connection = Connection::open(path.join("sqlite")).expect("SQLite opens");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
            )
            .expect("SQLite makes the table");
        Sqlite { connection: Mutex::new(connection) }
    }
}

impl Peer for Sqlite {
    fn commit(&self, entries: &[(Key, Value)]) {
        let mut connection = self.connection.lock();
        let transaction = connection.transaction().expect("SQLite begins");
        let mut insert =
            transaction.prepare_cached("INSERT OR REPLACE INTO entries VALUES (?1, ?2)").expect("SQLite prepares");
        for (key, value) in entries {
            insert.execute((key, value)).expect("SQLite inserts");
        }
        drop(insert);
        transaction.commit().expect("SQLite commits");
    }

    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64 {
        let connection = self.connection.lock();
        let mut select = connection.prepare("SELECT value FROM entries WHERE key = ?1").expect("SQLite prepares");
        keys.filter(|key| {
            let value: Option<Vec<u8>> = select.query_row([key], |row| row.get(0)).optional().expect("SQLite reads");
            value.is_some()
        })
        .count() as u64
    }
}
