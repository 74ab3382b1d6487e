//! What a state records about each of its collections.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::identity::Identity;
use crate::shape::Kind;
use crate::types::Type;

/// Every collection of a state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The collections.
    pub collections: BTreeMap<Identity, Collection>,
}

/// What the ledger records about one collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collection {
    /// Its number in the state's layout.
    pub number: u32,
    /// Its kind.
    pub kind: Kind,
    /// Every schema it was written under; the index is the schema number, which is never used again.
    pub schemas: Vec<Schema>,
    /// Label of the version that wrote this record.
    pub writer: String,
    /// Dropped by name or migrated away: the entries are gone and the identity is not taken again silently.
    pub dropped: bool,
}

/// The types of a collection; `None` is a hole, to be filled by the first version that shows it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Schema {
    /// The kind.
    pub kind: Kind,
    /// Key type of a map.
    pub key: Option<Type>,
    /// Value type of a cell, map or log.
    pub value: Option<Type>,
    /// Of a counter: `s64` (true) or `u64` (false).
    pub signed: Option<bool>,
}

/// Why bytes are no ledger entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ledger entry: {what}")]
pub struct LedgerError {
    /// What is wrong.
    pub what: String,
}

impl Ledger {
    /// The encoded entries, one a collection, by collection number: what is stored under
    /// [`layout::ledger_key`](crate::layout::ledger_key).
    pub fn encode(&self) -> BTreeMap<u32, Vec<u8>> {
        todo!()
    }

    /// Reads the entries that [`Ledger::encode`] made.
    pub fn decode<'a>(
        entries: impl IntoIterator<Item = (u32, &'a [u8])>,
    ) -> Result<Ledger, LedgerError> {
        let _ = entries.into_iter();
        todo!()
    }
}
