//! What a state records about each of its collections.
//!
//! ```text
//! entry   version u8 = 1 | identity | kind u8 | dropped u8 | writer | varint count | schemas
//! schema  kind u8 | key payload | value payload | signed u8 (0 unknown, 1 u64, 2 s64)
//! ```
//!
//! Identity and writer are length-prefixed texts, payloads are those of the types' own format (`types/wire.rs`). The
//! number of a collection is in the key of its entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::codec::{CodecError, Scalar, decode_str, encode_str, finish, malformed};
use crate::identity::Identity;
use crate::layout::NOWHERE;
use crate::limits::SCHEMAS_MAX;
use crate::shape::{Kind, Shape};
use crate::types::Type;
use crate::types::wire::{decode_payload, encode_payload};

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
    /// Dropped by name or migrated away: the entries are gone, and only a migration that fills it anew takes the identity
    /// again.
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

/// Why bytes are no ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// An entry that cannot be read.
    #[error("ledger entry {number}: {source}")]
    Malformed {
        /// The collection's number.
        number: u32,
        /// What is wrong.
        source: CodecError,
    },
    /// An entry of a format that is newer than this host.
    #[error("ledger entry {number} has format {version}, this host knows {VERSION}")]
    Newer {
        /// The collection's number.
        number: u32,
        /// Its format.
        version: u8,
    },
    /// Two entries with one identity.
    #[error("`{identity}` stands twice in the ledger")]
    Twice {
        /// The identity.
        identity: Identity,
    },
}

const VERSION: u8 = 1;

impl Ledger {
    /// The encoded entries, one a collection, by collection number: what is stored under
    /// [`layout::ledger_key`](crate::layout::ledger_key).
    pub fn encode(&self) -> BTreeMap<u32, Vec<u8>> {
        let entry = |(identity, collection): (&Identity, &Collection)| (collection.number, collection.encode(identity));
        self.collections.iter().map(entry).collect()
    }

    /// Reads the entries that [`Ledger::encode`] made.
    pub fn decode<B: AsRef<[u8]>>(entries: impl IntoIterator<Item = (u32, B)>) -> Result<Ledger, LedgerError> {
        let mut ledger = Ledger::default();
        for (number, bytes) in entries {
            let bytes = bytes.as_ref();
            if let Some(&version) = bytes.first().filter(|version| **version > VERSION) {
                return Err(LedgerError::Newer { number, version });
            }
            let (identity, collection) =
                Collection::decode(number, bytes).map_err(|source| LedgerError::Malformed { number, source })?;
            if ledger.collections.insert(identity.clone(), collection).is_some() {
                return Err(LedgerError::Twice { identity });
            }
        }
        Ok(ledger)
    }

    /// The collections that hold data: all but those dropped.
    pub fn live(&self) -> impl Iterator<Item = (&Identity, &Collection)> {
        self.collections.iter().filter(|(_, collection)| !collection.dropped)
    }

    /// The collection with this number.
    pub fn by_number(&self, number: u32) -> Option<(&Identity, &Collection)> {
        self.collections.iter().find(|(_, collection)| collection.number == number)
    }

    /// A number that no collection of this ledger ever had.
    pub(crate) fn next_number(&self) -> u32 {
        self.collections.values().map(|collection| collection.number + 1).max().unwrap_or(0)
    }
}

impl Collection {
    /// The newest schema.
    pub fn schema(&self) -> &Schema {
        self.schemas.last().expect("a collection has at least one schema")
    }

    /// The number of the newest schema.
    pub fn schema_number(&self) -> u32 {
        self.schemas.len() as u32 - 1
    }

    fn encode(&self, identity: &Identity) -> Vec<u8> {
        let mut out = vec![VERSION];
        encode_str(&identity.to_string(), &mut out);
        out.extend([self.kind as u8, self.dropped.into()]);
        encode_str(&self.writer, &mut out);
        (self.schemas.len() as u32).encode(&mut out);
        self.schemas.iter().for_each(|schema| schema.encode(&mut out));
        out
    }

    fn decode(number: u32, mut bytes: &[u8]) -> Result<(Identity, Collection), CodecError> {
        if u8::decode(&mut bytes)? != VERSION {
            return Err(malformed("no such format"));
        }
        if number == NOWHERE {
            return Err(malformed("a number that no collection has"));
        }
        let name = decode_str(&mut bytes)?;
        // A whole version is no track: `a:b/c@1.2.0` is written as `a:b/c@1`.
        let identity = Identity::parse(name)
            .ok()
            .filter(|identity| identity.to_string() == name)
            .ok_or(malformed("no identity"))?;
        let kind = Kind::decode(&mut bytes)?;
        let dropped = bool::decode(&mut bytes)?;
        let writer = decode_str(&mut bytes)?.to_owned();
        let count = u32::decode(&mut bytes)? as usize;
        if !(1..=SCHEMAS_MAX).contains(&count) {
            return Err(malformed("no schema or too many"));
        }
        let schemas = (0..count).map(|_| Schema::decode(&mut bytes)).collect::<Result<Vec<_>, _>>()?;
        finish(bytes)?;
        if schemas.iter().any(|schema| schema.kind != kind) {
            return Err(malformed("a schema of another kind"));
        }
        Ok((identity, Collection { number, kind, schemas, writer, dropped }))
    }
}

impl Schema {
    /// The schema that a shape shows, once its kind is known.
    pub fn of(shape: &Shape, kind: Kind) -> Schema {
        let Shape { key, value, signed, .. } = shape.clone();
        Schema { kind, key, value, signed }
    }

    /// This schema with its holes filled from another.
    pub fn filled_from(&self, other: &Schema) -> Schema {
        Schema {
            kind: self.kind,
            key: self.key.clone().or_else(|| other.key.clone()),
            value: self.value.clone().or_else(|| other.value.clone()),
            signed: self.signed.or(other.signed),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.kind as u8);
        encode_payload(self.key.as_ref(), out);
        encode_payload(self.value.as_ref(), out);
        out.push(match self.signed {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        });
    }

    fn decode(bytes: &mut &[u8]) -> Result<Schema, CodecError> {
        let kind = Kind::decode(bytes)?;
        let (key, value) = (decode_payload(bytes)?, decode_payload(bytes)?);
        let signed = match u8::decode(bytes)? {
            0 => None,
            1 => Some(false),
            2 => Some(true),
            _ => return Err(malformed("neither u64 nor s64")),
        };
        let schema = Schema { kind, key, value, signed };
        match schema.is_possible() {
            true => Ok(schema),
            false => Err(malformed("types that the kind does not have")),
        }
    }

    fn is_possible(&self) -> bool {
        let Schema { kind, key, value, signed } = self;
        let types = key.iter().chain(value);
        types.clone().all(|ty| ty.check().is_ok())
            && key.as_ref().is_none_or(|key| crate::key::check(key).is_ok())
            && (key.is_none() || *kind == Kind::Map)
            && (value.is_none() || *kind != Kind::Counter)
            && (signed.is_none() || *kind == Kind::Counter)
    }
}

impl Kind {
    fn decode(bytes: &mut &[u8]) -> Result<Kind, CodecError> {
        match u8::decode(bytes)? {
            0 => Ok(Kind::Cell),
            1 => Ok(Kind::Map),
            2 => Ok(Kind::Log),
            3 => Ok(Kind::Counter),
            _ => Err(malformed("no such kind")),
        }
    }
}
