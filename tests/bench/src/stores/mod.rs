//! The stores that are measured, each with every commit synced before it returns.

mod fjall;
mod redb;
mod sqlite;
mod stead;

pub use self::fjall::Fjall;
pub use self::redb::Redb;
pub use self::sqlite::Sqlite;
pub use self::stead::{Stead, open};

use crate::load::{Key, Value};

/// A durable ordered map.
pub trait Peer: Send + Sync {
    /// Writes the entries in one transaction and returns once they would survive power loss.
    fn commit(&self, entries: &[(Key, Value)]);

    /// Looks up each key, and counts those that are there.
    fn find(&self, keys: &mut dyn Iterator<Item = Key>) -> u64;
}
