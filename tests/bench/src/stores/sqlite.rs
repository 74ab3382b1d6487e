//! SQLite: write-ahead log, `synchronous = FULL`, one connection. More connections are no faster: it has one writer.

use std::path::Path;

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension as _};

use super::Peer;
use crate::load::{Key, Value};

/// A SQLite database with one table.
pub struct Sqlite {
    connection: Mutex<Connection>,
    synchronous: Mutex<&'static str>,
}

impl Sqlite {
    /// Creates a database.
    pub fn create(path: &Path) -> Sqlite {
        let connection = Connection::open(path.join("sqlite")).expect("SQLite opens");
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;",
            )
            .expect("SQLite makes the table");
        Sqlite { connection: Mutex::new(connection), synchronous: Mutex::new("FULL") }
    }
}

impl Sqlite {
    fn go(&self, entries: &[(Key, Value)], synchronous: &'static str) {
        if std::mem::replace(&mut *self.synchronous.lock(), synchronous) != synchronous {
            let connection = self.connection.lock();
            connection.pragma_update(None, "synchronous", synchronous).expect("SQLite takes a pragma");
        }
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
}

impl Peer for Sqlite {
    fn commit(&self, entries: &[(Key, Value)]) {
        self.go(entries, "FULL");
    }

    fn commit_buffered(&self, entries: &[(Key, Value)]) {
        self.go(entries, "NORMAL");
    }

    fn scan(&self, down: bool) -> u64 {
        let order = if down { "DESC" } else { "ASC" };
        let connection = self.connection.lock();
        let mut select = connection
            .prepare(&format!("SELECT key, value FROM entries ORDER BY key {order}"))
            .expect("SQLite prepares");
        let touch = |row: &rusqlite::Row<'_>| {
            std::hint::black_box((row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?));
            Ok(())
        };
        select
            .query_map([], touch)
            .expect("SQLite reads")
            .fold(0, |count, row| row.map(|()| count + 1).expect("SQLite reads"))
    }

    fn settle(&self) {
        let compact = "PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);";
        self.connection.lock().execute_batch(compact).expect("SQLite compacts");
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
