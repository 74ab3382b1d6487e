//! What the functions of a collection do to a transaction, on encoded keys and values.
//!
//! The bindings around it ([`super::bind`]) turn WIT values into bytes and back, by typed functions or by reflection;
//! both end here, so that rights, limits and counts are checked in one place.

pub(super) mod cell;
pub(super) mod counter;
pub(super) mod log;
pub(super) mod map;
mod seen;

use std::ops::Bound;

use bytes::Bytes;
use stead_schema::codec::CodecError;
use stead_schema::{Access, Binding, Conversion, Kind, Owned, ReadError, Repr, Type, codec, layout};
use stead_store::{Order, Transaction};

use super::Mode;
use super::fault::Fault;
use super::native::Native;
use crate::limits::Limits;

pub(super) use seen::Seen;

/// Room made for a stored value: most fit, and the others grow.
const STORED_BYTES: usize = 128;

/// What a write takes in memory beside its key and its value.
const WRITE_BYTES: u64 = 64;

/// Entries of one collection that a call read and wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Touched {
    /// The collection's number in the ledger.
    pub(crate) number: u32,
    /// Entries read, each time counted.
    pub(crate) read: u64,
    /// Entries read, each counted once. Noted of old collections only, while migrating.
    pub(crate) distinct: u64,
    /// Entries written or deleted, each time counted.
    pub(crate) written: u64,
}

/// One collection of a plugin, as its bindings see it.
#[derive(Debug)]
pub(super) struct Collection {
    /// Its place among the plugin's bindings, and in the counts.
    pub(super) slot: usize,
    /// Its identity, for messages.
    pub(super) name: String,
    pub(super) number: u32,
    /// What the keys of all its entries start with.
    pub(super) prefix: Vec<u8>,
    pub(super) key: Option<Type>,
    pub(super) value: Option<Type>,
    pub(super) signed: bool,
    kind: Kind,
    access: Access,
    /// The schema number that starts every value written, encoded.
    schema: Vec<u8>,
    conversions: Vec<Option<Conversion>>,
}

impl Collection {
    pub(super) fn new(slot: usize, binding: &Binding) -> Collection {
        let mut schema = Vec::new();
        codec::encode_schema(binding.schema, &mut schema);
        Collection {
            slot,
            name: binding.identity.to_string(),
            number: binding.number,
            prefix: layout::prefix(binding.number),
            key: binding.key.clone(),
            value: binding.value.clone(),
            signed: binding.signed.unwrap_or(true),
            kind: binding.kind,
            access: binding.access,
            schema,
            conversions: binding.conversions.clone(),
        }
    }

    /// Whether `clear` means a cell.
    pub(super) fn is_cell(&self) -> bool {
        self.kind == Kind::Cell
    }

    /// A map's own key in a key of the state.
    pub(super) fn own_key<'a>(&self, key: &'a [u8]) -> Result<&'a [u8], Fault> {
        key.strip_prefix(&*self.prefix).ok_or_else(|| Fault::value(&self.name, "a key of another collection"))
    }

    /// A value's bytes as stored: schema number, then what `encode` appends.
    pub(super) fn stored<E>(&self, encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<Vec<u8>, E> {
        let mut stored = Vec::with_capacity(STORED_BYTES);
        stored.extend_from_slice(&self.schema);
        encode(&mut stored)?;
        Ok(stored)
    }

    /// The value that stored bytes hold, under whatever schema they were written.
    pub(super) fn loaded<N: Native>(&self, stored: &[u8]) -> Result<N::Out, Fault> {
        let mut body = stored;
        match self.conversion(&mut body)? {
            None => N::decode(body).map_err(|error| Fault::value(&self.name, error)),
            Some(conversion) => {
                let value = conversion.read::<Owned>(body, &mut { usize::MAX });
                let value = value.map_err(|error| Fault::value(&self.name, error))?;
                N::from_value(value).ok_or_else(|| Fault::value(&self.name, "a conversion made another type"))
            }
        }
    }

    /// The same for a type known only at run time. What the value takes in memory is taken off `room`.
    pub(super) fn loaded_reflected<R: Repr>(
        &self,
        ty: &Type,
        stored: &[u8],
        room: &mut Room,
    ) -> Result<R::Value, Fault> {
        let mut body = stored;
        let value = match self.conversion(&mut body)? {
            None => codec::decode_within::<R>(ty, &mut body, &mut room.left)
                .and_then(|value| codec::finish(body).map(|()| value))
                .map_err(ReadError::Codec),
            Some(conversion) => conversion.read::<R>(body, &mut room.left),
        };
        value.map_err(|error| match error {
            ReadError::Codec(CodecError::NoRoom) => room.exhausted(self),
            error => Fault::value(&self.name, error),
        })
    }

    /// Takes the schema number off the front.
    fn conversion(&self, stored: &mut &[u8]) -> Result<Option<&Conversion>, Fault> {
        let schema = codec::decode_schema(stored).map_err(|error| Fault::value(&self.name, error))?;
        match self.conversions.get(schema as usize) {
            Some(conversion) => Ok(conversion.as_ref()),
            None => Err(Fault::value(&self.name, format!("no schema has the number {schema}"))),
        }
    }
}

/// What the values that one host call reads may still take in memory.
///
/// wasmtime counts what comes from a guest, and not what goes to one. There, a byte of a `list<u8>` inside another value
/// takes forty, and what is small as stored may be large as a value.
pub(super) struct Room {
    pub(super) left: usize,
    bytes_max: usize,
}

impl Room {
    pub(super) fn new(limits: &Limits) -> Room {
        Room { left: limits.hostcall_bytes_max, bytes_max: limits.hostcall_bytes_max }
    }

    pub(super) fn exhausted(&self, collection: &Collection) -> Fault {
        Fault::Limit(format!(
            "what one call reads of collection {} takes more memory as values than `hostcall_bytes_max`, which is {}: ask \
             with a smaller limit, or keep long `list<u8>` as values of their own",
            collection.name, self.bytes_max
        ))
    }
}

/// The right to use a collection within one call: checked when it is made.
pub(super) struct Entries<'a> {
    pub(super) collection: &'a Collection,
    pub(super) transaction: &'a mut Transaction,
    pub(super) touched: &'a mut Touched,
    pub(super) seen: &'a mut Seen,
    pub(super) limits: &'a Limits,
    pub(super) mode: Mode,
}

/// What a function of a collection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Read,
    Write,
}

impl Collection {
    /// Whether a call in this mode may use it so.
    pub(super) fn allow(&self, mode: Mode, how: Use) -> Result<(), Fault> {
        let name = &self.name;
        match (self.access, mode, how) {
            (_, Mode::Upgrade, _) => Err(Fault::Forbidden(format!(
                "collection {name} was used while an entry is converted: what becomes of an entry depends on it alone"
            ))),
            (Access::Live, Mode::ReadWrite | Mode::Migrate, _) | (Access::Live, Mode::ReadOnly, Use::Read) => Ok(()),
            (Access::Old, Mode::Migrate, Use::Read) => Ok(()),
            (Access::Live, Mode::ReadOnly, Use::Write) => {
                Err(Fault::Forbidden(format!("collection {name} cannot be written: this call is read-only")))
            }
            (Access::Old, Mode::Migrate, Use::Write) => {
                Err(Fault::Forbidden(format!("collection {name} is old: a migration can only read it")))
            }
            (Access::Old, _, _) => {
                Err(Fault::Forbidden(format!("collection {name} is old: it can only be used within a migration")))
            }
        }
    }
}

impl Entries<'_> {
    pub(super) fn get(&mut self, key: &[u8]) -> Result<Option<Bytes>, Fault> {
        let found = self.transaction.get(key).map_err(|error| Fault::store(&self.collection.name, error))?;
        if found.is_some() {
            self.touched.read += 1;
            if self.notes_reads() {
                self.note(&[&Bytes::copy_from_slice(key)])?;
            }
        }
        Ok(found)
    }

    /// Whether a key is there. Its value was not read by that.
    pub(super) fn has(&mut self, key: &[u8]) -> Result<bool, Fault> {
        let found = self.transaction.get(key).map_err(|error| Fault::store(&self.collection.name, error))?;
        Ok(found.is_some())
    }

    pub(super) fn put(&mut self, key: Vec<u8>, stored: Vec<u8>) -> Result<(), Fault> {
        let name = &self.collection.name;
        if stored.len() > self.limits.value_bytes_max {
            return Err(value_too_large(name, stored.len(), self.limits));
        }
        self.transaction.put(key.into(), stored.into());
        self.wrote()
    }

    pub(super) fn delete(&mut self, key: Bytes) -> Result<(), Fault> {
        self.transaction.delete(key);
        self.wrote()
    }

    /// Deletes all entries between two keys, of which there are `count`. However many there are, it is one change.
    pub(super) fn clear(&mut self, from: Vec<u8>, to: Vec<u8>, count: u64) -> Result<(), Fault> {
        if count == 0 {
            return Ok(());
        }
        let (name, count_max) = (&self.collection.name, self.limits.clear_entries_max);
        if count > count_max {
            return Err(Fault::Limit(format!(
                "{count} entries of collection {name} cannot be deleted in one call; `clear_entries_max` is {count_max}"
            )));
        }
        self.transaction.clear(from.into(), Some(to.into()));
        self.touched.written += count;
        self.check_size()
    }

    fn wrote(&mut self) -> Result<(), Fault> {
        self.touched.written += 1;
        self.check_size()
    }

    fn check_size(&self) -> Result<(), Fault> {
        let bytes = self.written_bytes();
        let (limit, bytes_max) = match self.mode {
            Mode::Migrate => ("migration_bytes_max", self.limits.migration_bytes_max),
            _ => ("transaction_bytes_max", self.limits.transaction_bytes_max),
        };
        if bytes > bytes_max as u64 {
            let name = &self.collection.name;
            return Err(Fault::Limit(format!(
                "the call has written {bytes} bytes when it wrote to collection {name}; `{limit}` is {bytes_max}"
            )));
        }
        Ok(())
    }

    /// Entries between two bounds, at most `limit`. A page is never cut short in silence: a guest would take the gap for
    /// the end of the collection.
    pub(super) fn page(
        &mut self,
        lower: Bound<Bytes>,
        upper: Bound<Bytes>,
        order: Order,
        limit: u32,
    ) -> Result<Vec<(Bytes, Bytes)>, Fault> {
        let name = &self.collection.name;
        let mut page = Vec::new();
        let mut bytes = 0;
        if limit == 0 || is_empty(&lower, &upper) {
            return Ok(page);
        }
        for entry in self.transaction.scan(lower, upper, order).take(limit as usize) {
            let (key, stored) = entry.map_err(|error| Fault::store(name, error))?;
            bytes += key.len() + stored.len();
            if page.len() == self.limits.scan_entries_max as usize {
                return Err(Fault::Limit(format!(
                    "a page of collection {name} has more than {} entries (`scan_entries_max`): ask with a smaller limit",
                    self.limits.scan_entries_max
                )));
            }
            if bytes > self.limits.scan_bytes_max && !page.is_empty() {
                return Err(Fault::Limit(format!(
                    "a page of collection {name} has more than {} bytes (`scan_bytes_max`): ask with a smaller limit",
                    self.limits.scan_bytes_max
                )));
            }
            page.push((key, stored));
        }
        self.touched.read += page.len() as u64;
        if self.notes_reads() {
            let mut keys: Vec<&Bytes> = page.iter().map(|(key, _)| key).collect();
            if order == Order::Descending {
                keys.reverse();
            }
            self.note(&keys)?;
        }
        Ok(page)
    }

    /// What a migration never read of an old collection would be left behind.
    fn notes_reads(&self) -> bool {
        self.mode == Mode::Migrate && self.collection.access == Access::Old
    }

    /// Notes entries that were read and follow each other.
    fn note(&mut self, keys: &[&Bytes]) -> Result<(), Fault> {
        let name = &self.collection.name;
        self.touched.distinct += self.seen.note(keys, self.transaction).map_err(|error| Fault::store(name, error))?;
        let (bytes, bytes_max) = (self.seen.bytes() as u64 + self.written_bytes(), self.limits.migration_bytes_max);
        if bytes > bytes_max as u64 {
            return Err(Fault::Limit(format!(
                "to know which entries were read, of collection {name} last, takes {bytes} bytes with what was written; \
                 `migration_bytes_max` is {bytes_max}: entries read in the order of their keys take none"
            )));
        }
        Ok(())
    }

    fn written_bytes(&self) -> u64 {
        written_bytes(self.transaction)
    }
}

/// What a transaction's changes take in memory.
pub(super) fn written_bytes(transaction: &Transaction) -> u64 {
    transaction.bytes() + transaction.changes() as u64 * WRITE_BYTES
}

/// The message for a value over its limit; the typed bindings ask for it before they copy the value.
pub(super) fn value_too_large(collection: &str, bytes: usize, limits: &Limits) -> Fault {
    Fault::Limit(format!(
        "a value of {bytes} bytes for collection {collection}; `value_bytes_max` is {}",
        limits.value_bytes_max
    ))
}

fn is_empty(lower: &Bound<Bytes>, upper: &Bound<Bytes>) -> bool {
    match (lower, upper) {
        (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
        (Bound::Included(lower) | Bound::Excluded(lower), Bound::Included(upper) | Bound::Excluded(upper)) => {
            lower >= upper
        }
        _ => false,
    }
}
