//! The stores that are measured.

mod fjall;
mod redb;
mod sqlite;
mod stead;

use std::path::Path;
use std::sync::Arc;

pub use self::fjall::Fjall;
pub use self::redb::Redb;
pub use self::sqlite::Sqlite;
pub use self::stead::{Stead, open};

use crate::load::{Key, Value};

/// A durable ordered map.
pub trait Peer: Send + Sync {
    /// Writes the entries in one transaction and returns once they would survive power loss.
    fn commit(&self, entries: &[(Key, Value)]);

    /// Writes the entries in one transaction and returns once they would survive the end of the process, or where a store has
    /// no such level, at the least one that it has.
    fn commit_buffered(&self, entries: &[(Key, Value)]);

    /// Looks up each key, and counts those that are there.
    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64;

    /// Reads all entries in order, or backwards, and counts them.
    fn scan(&self, down: bool) -> u64;

    /// Brings the files to the least size that the store offers.
    fn settle(&self);

    /// Does the upkeep that the store otherwise does by itself; nothing where that cannot be asked for.
    fn checkpoint(&self) {}
}

/// A store to measure.
#[derive(Clone, Copy)]
pub struct Contender {
    /// Its name in tables.
    pub name: &'static str,
    /// Opens it in a directory, or creates it there.
    pub open: fn(&Path) -> Arc<dyn Peer>,
}

/// Stead, then its peers.
pub const CONTENDERS: [Contender; 4] = [
    Contender { name: "Stead", open: |path| Arc::new(Stead::create(path, in_memory())) },
    Contender { name: "fjall", open: |path| Arc::new(Fjall::create(path)) },
    Contender { name: "redb", open: |path| Arc::new(Redb::create(path)) },
    Contender { name: "SQLite", open: |path| Arc::new(Sqlite::create(path)) },
];

/// A cache that holds the state, as redb's does by itself.
fn in_memory() -> stead_store::Options {
    stead_store::Options { cache_bytes: 512 << 20, ..stead_store::Options::default() }
}
