//! The normalised digest: one hash of what a state holds, whatever way led there.
//!
//! A root tells two states apart that differ only in how their entries came about: under which schema each was written, which
//! numbers the collections have, which node counted. The digest takes every entry under the newest schema of its collection
//! instead, so that two hosts, or a state and the import of its export, can be compared by typed contents (G5).
//!
//! ```text
//! digest      derive-key "stead 2026-11 normalised digest of a state"
//!             for each collection that is not dropped, ascending by the bytes of its identity:
//!               u64 length | identity | kind u8 | fingerprint of the newest schema, 32 B | u64 entries | hash of the entries, 32 B
//! entries     derive-key "stead 2026-11 normalised entries of a collection", for each entry, ascending by key:
//!               u64 length | key | u64 length | value
//!
//! cell, map   key: what follows the collection's number in the state's key     value: under the newest schema, without its number
//! log         as a map, after one entry with an empty key: u64 first index | u64 next index, zero if nothing was appended
//! counter     one entry with an empty key: the sum of all nodes, i128
//! ```
//!
//! Numbers are little-endian; kinds are numbered as in the ledger.

use std::collections::BTreeMap;
use std::fmt::{self, Debug, Display};

use crate::codec::{self, CodecError};
use crate::conversion::{Conversion, Unconvertible};
use crate::identity::Identity;
use crate::layout;
use crate::ledger::{Collection, Ledger};
use crate::shape::Kind;
use crate::types::Type;
use crate::value::Owned;

/// The hash of a state's typed contents; `Display` prints it in hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// Why a state has no digest: its bytes are not what its ledger says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// An entry that does not come after the one before.
    #[error("the entries are not in the order of their keys")]
    Order,
    /// An entry of no collection that the ledger knows, or of one that was dropped.
    #[error("an entry belongs to collection {number}, which the ledger does not have")]
    Stray {
        /// The number in the entry's key.
        number: u32,
    },
    /// A key that no entry has.
    #[error("a key that starts with {first:?} belongs to no entry of a state")]
    Key {
        /// Its first byte.
        first: Option<u8>,
    },
    /// Bounds of a log or part of a counter that are none.
    #[error("`{identity}`: a key or record that a {kind} does not have")]
    Record {
        /// The collection.
        identity: Identity,
        /// Its kind.
        kind: Kind,
    },
    /// A value that cannot be read.
    #[error("`{identity}`: {source}")]
    Value {
        /// The collection.
        identity: Identity,
        /// What is wrong.
        source: CodecError,
    },
    /// A value under a schema that the ledger does not have.
    #[error("`{identity}`: a value was written under schema {schema}, which the ledger does not have")]
    Schema {
        /// The collection.
        identity: Identity,
        /// The number of the schema.
        schema: u32,
    },
    /// A value that has no place in the newest schema.
    #[error("`{identity}`: {source}")]
    Unconvertible {
        /// The collection.
        identity: Identity,
        /// What has no place.
        source: Unconvertible,
    },
}

/// Computes the [`Digest`] of a state from its entries, one after another; holds no more than one of them.
#[derive(Debug)]
pub struct Digester<'a> {
    by_number: BTreeMap<u32, (&'a Identity, &'a Collection)>,
    last: Vec<u8>,
    current: Option<Entries<'a>>,
    finished: BTreeMap<String, Entries<'a>>,
}

/// The entries of one collection so far.
#[derive(Clone, Debug)]
struct Entries<'a> {
    identity: &'a Identity,
    collection: &'a Collection,
    conversions: Vec<Option<Conversion>>,
    hasher: blake3::Hasher,
    count: u64,
    sum: i128,
}

impl<'a> Digester<'a> {
    /// For a state with this ledger.
    pub fn new(ledger: &'a Ledger) -> Digester<'a> {
        let by_number =
            ledger.live().map(|(identity, collection)| (collection.number, (identity, collection))).collect();
        Digester { by_number, last: Vec::new(), current: None, finished: BTreeMap::new() }
    }

    /// Takes the next entry of the state, in the order of the keys, each once. Entries of the ledger are passed over.
    pub fn entry(&mut self, key: &[u8], stored: &[u8]) -> Result<(), DigestError> {
        if key <= self.last.as_slice() {
            return Err(DigestError::Order);
        }
        self.last = key.to_vec();
        if layout::ledger_number(key).is_some() {
            return Ok(());
        }
        let (number, rest) = layout::entry_number(key).ok_or(DigestError::Key { first: key.first().copied() })?;
        let &(identity, collection) = self.by_number.get(&number).ok_or(DigestError::Stray { number })?;
        if self.current.as_ref().is_none_or(|current| current.collection.number != number) {
            let next = Entries::of(identity, collection);
            self.finished.extend(self.current.replace(next).map(Entries::named));
        }
        let current = self.current.as_mut().expect("was just set");
        current.add(key, rest, stored)
    }

    /// The digest of all entries that were taken.
    pub fn finish(mut self) -> Digest {
        self.finished.extend(self.current.take().map(Entries::named));
        for (identity, collection) in self.by_number.into_values() {
            self.finished.entry(identity.to_string()).or_insert_with(|| Entries::of(identity, collection));
        }
        let mut hasher = blake3::Hasher::new_derive_key("stead 2026-11 normalised digest of a state");
        for (name, entries) in self.finished {
            let Entries { collection, .. } = entries;
            let (count, hash) = entries.finish();
            put(&mut hasher, name.as_bytes());
            hasher.update(&[collection.kind as u8]);
            hasher.update(&collection.schema().fingerprint().0);
            hasher.update(&count.to_le_bytes());
            hasher.update(hash.as_bytes());
        }
        Digest(*hasher.finalize().as_bytes())
    }
}

impl<'a> Entries<'a> {
    fn of(identity: &'a Identity, collection: &'a Collection) -> Entries<'a> {
        Entries {
            identity,
            collection,
            conversions: Conversion::chain(&collection.schemas),
            hasher: blake3::Hasher::new_derive_key("stead 2026-11 normalised entries of a collection"),
            count: 0,
            sum: 0,
        }
    }

    fn named(self) -> (String, Entries<'a>) {
        (self.identity.to_string(), self)
    }

    fn add(&mut self, key: &[u8], rest: &[u8], stored: &[u8]) -> Result<(), DigestError> {
        let bad = || DigestError::Record { identity: self.identity.clone(), kind: self.collection.kind };
        match self.collection.kind {
            Kind::Counter => {
                let (added, subtracted) = layout::decode_counter(stored).filter(|_| rest.len() == 8).ok_or_else(bad)?;
                self.sum += i128::from(added) - i128::from(subtracted);
                return Ok(());
            }
            Kind::Log if rest == [0] => {
                let (first, end) = layout::decode_log_meta(stored).ok_or_else(bad)?;
                self.put(&[], &layout::encode_log_meta(first, end));
                return Ok(());
            }
            Kind::Log => {
                layout::log_index(key).ok_or_else(bad)?;
                self.put_missing_bounds();
            }
            Kind::Cell if !rest.is_empty() => return Err(bad()),
            Kind::Cell | Kind::Map => {}
        }
        let value = self.newest(stored)?;
        self.put(rest, &value);
        Ok(())
    }

    /// A stored value under the newest schema, without the schema's number.
    fn newest(&self, mut stored: &[u8]) -> Result<Vec<u8>, DigestError> {
        let malformed = |source| DigestError::Value { identity: self.identity.clone(), source };
        let schema = codec::decode_schema(&mut stored).map_err(malformed)?;
        let unknown = || DigestError::Schema { identity: self.identity.clone(), schema };
        let conversion = self.conversions.get(schema as usize).ok_or_else(unknown)?;
        let newest = self.collection.schema().value.as_ref().ok_or_else(unknown)?;
        let old: &Type = conversion.as_ref().map_or(newest, Conversion::old);
        let mut value = codec::decode_whole::<Owned>(old, stored).map_err(malformed)?;
        if let Some(conversion) = conversion {
            let unconvertible = |source| DigestError::Unconvertible { identity: self.identity.clone(), source };
            value = conversion.apply(value).map_err(unconvertible)?;
        }
        let mut bytes = Vec::with_capacity(stored.len());
        codec::encode::<Owned>(newest, &value, &mut bytes).map_err(malformed)?;
        Ok(bytes)
    }

    /// A log that nothing was appended to has no bounds stored.
    fn put_missing_bounds(&mut self) {
        if self.count == 0 {
            self.put(&[], &layout::encode_log_meta(0, 0));
        }
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        put(&mut self.hasher, key);
        put(&mut self.hasher, value);
        self.count += 1;
    }

    fn finish(mut self) -> (u64, blake3::Hash) {
        match self.collection.kind {
            Kind::Counter => self.put(&[], &self.sum.to_le_bytes()),
            Kind::Log => self.put_missing_bounds(),
            Kind::Cell | Kind::Map => {}
        }
        (self.count, self.hasher.finalize())
    }
}

fn put(hasher: &mut blake3::Hasher, bytes: &[u8]) {
    hasher.update(&(bytes.len() as u64).to_le_bytes());
    hasher.update(bytes);
}

impl Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}
