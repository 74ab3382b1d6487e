//! Stored entries as typed values, by the state's own ledger: no component is needed.

use std::ops::Bound;

use bytes::Bytes;
use stead_schema::{
    Collection, Conversion, Identity, Kind, Ledger, Owned, Parts, Schema, Type, Value, codec, key, layout, text,
};
use stead_store::{Order, View};

use super::{CollectionDetails, ScanOptions, StateEntry, StatePage};
use crate::error::{HostError, StateError};

/// Entries of a page when nobody says how many.
const PAGE_ENTRIES: u32 = 100;

/// Most entries of a page: it is held in memory.
const PAGE_ENTRIES_MAX: u32 = 10_000;

/// Stored bytes that fill a page: an entry may have 16 MiB, and its text takes several times as much.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// One collection of a state, read by its ledger.
pub(crate) struct Typed<'a> {
    identity: &'a Identity,
    collection: &'a Collection,
    newest: &'a Schema,
    /// By schema number: how an entry becomes one of the newest schema.
    conversions: Vec<Option<Conversion>>,
}

impl<'a> Typed<'a> {
    pub(crate) fn new(identity: &'a Identity, collection: &'a Collection) -> Result<Typed<'a>, HostError> {
        let Some(newest) = collection.schemas.last() else {
            return Err(HostError::Catalog { what: format!("{identity} has no schema") });
        };
        let conversions = Conversion::chain(&collection.schemas);
        Ok(Typed { identity, collection, newest, conversions })
    }

    /// The collection that holds a key of the state.
    pub(crate) fn of(ledger: &'a Ledger, state_key: &[u8]) -> Result<Option<Typed<'a>>, HostError> {
        let number = match state_key.get(1..5).and_then(|bytes| bytes.try_into().ok()) {
            Some(bytes) => u32::from_be_bytes(bytes),
            None => return Ok(None),
        };
        let found = ledger.collections.iter().find(|(_, collection)| collection.number == number);
        found.map(|(identity, collection)| Typed::new(identity, collection)).transpose()
    }

    /// The same, if the key is not one of the ledger's own.
    pub(crate) fn of_entry(ledger: &'a Ledger, state_key: &[u8]) -> Result<Option<Typed<'a>>, HostError> {
        match layout::ledger_number(state_key) {
            Some(_) => Ok(None),
            None => Typed::of(ledger, state_key),
        }
    }

    pub(crate) fn identity(&self) -> &Identity {
        self.identity
    }

    pub(crate) fn number(&self) -> u32 {
        self.collection.number
    }

    pub(crate) fn kind(&self) -> Kind {
        self.collection.kind
    }

    /// The key of the state holds a log's bounds, not an entry.
    pub(crate) fn is_meta(&self, state_key: &[u8]) -> bool {
        self.collection.kind == Kind::Log && layout::log_index(state_key).is_none()
    }

    pub(crate) fn key_type(&self) -> Option<Type> {
        match self.collection.kind {
            Kind::Map => self.newest.key.clone(),
            Kind::Log => Some(Type::U64),
            Kind::Cell | Kind::Counter => None,
        }
    }

    pub(crate) fn value_type(&self) -> Option<Type> {
        match (self.collection.kind, self.newest.signed) {
            (Kind::Counter, Some(false)) => Some(Type::U64),
            (Kind::Counter, _) => Some(Type::S64),
            _ => self.newest.value.clone(),
        }
    }

    /// The key of a map's entry or the index of a log's; none for anything else.
    pub(crate) fn key(&self, state_key: &[u8]) -> Result<Option<Value>, HostError> {
        match (self.collection.kind, &self.newest.key) {
            (Kind::Map, Some(ty)) => {
                let mut bytes = state_key.get(5..).unwrap_or_default();
                key::decode::<Owned>(ty, &mut bytes).map(Some).map_err(|error| self.damaged(error))
            }
            (Kind::Log, _) => Ok(layout::log_index(state_key).map(|index| Value(Parts::U64(index)))),
            _ => Ok(None),
        }
    }

    /// The value of an entry, under the newest schema. An entry that has no place there is shown under its own, as its
    /// type says.
    pub(crate) fn value(&self, bytes: &[u8]) -> Result<Value, HostError> {
        if self.collection.kind == Kind::Counter {
            let (added, subtracted) = layout::decode_counter(bytes).ok_or_else(|| self.damaged("a counter"))?;
            return Ok(self.counter(i128::from(added) - i128::from(subtracted)));
        }
        Ok(self.stored(bytes)?.0)
    }

    /// The same of anything but a counter, and its type where that is not the newest schema's.
    pub(crate) fn stored(&self, mut bytes: &[u8]) -> Result<(Value, Option<&Type>), HostError> {
        let number = codec::decode_schema(&mut bytes).map_err(|error| self.damaged(error))?;
        let unknown = || self.damaged(format!("an entry under the unknown schema {number}"));
        let conversion = self.conversions.get(number as usize).ok_or_else(unknown)?;
        let ty = conversion.as_ref().map(Conversion::old).or(self.newest.value.as_ref()).ok_or_else(unknown)?;
        let value = codec::decode_whole::<Owned>(ty, bytes).map_err(|error| self.damaged(error))?;
        Ok(match conversion.as_ref().map(|conversion| conversion.apply(value.clone())) {
            None => (value, None),
            Some(Ok(converted)) => (converted, None),
            Some(Err(_)) => (value, Some(ty)),
        })
    }

    fn counter(&self, sum: i128) -> Value {
        Value(match self.newest.signed {
            Some(false) => Parts::U64(u64::try_from(sum).unwrap_or(if sum < 0 { 0 } else { u64::MAX })),
            _ => Parts::S64(i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })),
        })
    }

    pub(crate) fn damaged(&self, what: impl std::fmt::Display) -> HostError {
        HostError::Catalog { what: format!("{}: {what}", self.identity) }
    }

    /// What there is to say about the collection.
    pub(crate) fn details(&self, view: &View, dormant: bool) -> Result<CollectionDetails, HostError> {
        Ok(CollectionDetails {
            identity: self.identity.to_string(),
            kind: self.collection.kind,
            key: self.key_type(),
            value: self.value_type(),
            schemas: self.collection.schemas.len() as u32,
            entries: self.entries(view)?,
            dormant,
            dropped: self.collection.dropped,
        })
    }

    /// How many entries there are.
    pub(crate) fn entries(&self, view: &View) -> Result<u64, HostError> {
        if self.collection.kind == Kind::Log {
            let (first, end) = self.log_bounds(view)?;
            return Ok(end - first);
        }
        let (lower, upper) = layout::range(self.collection.number);
        Ok(view.count(Bound::Included(lower.into()), Bound::Excluded(upper.into()))?)
    }

    /// A log's first and next index.
    pub(crate) fn log_bounds(&self, view: &View) -> Result<(u64, u64), HostError> {
        match view.get(&layout::log_meta(self.collection.number))? {
            Some(bytes) => layout::decode_log_meta(&bytes).ok_or_else(|| self.damaged("a log's bounds")),
            None => Ok((0, 0)),
        }
    }

    /// One page of the collection.
    pub(crate) fn page(&self, view: &View, scan: &ScanOptions, dormant: bool) -> Result<StatePage, StateError> {
        let limit = scan.limit.unwrap_or(PAGE_ENTRIES).clamp(1, PAGE_ENTRIES_MAX) as usize;
        let mut page = StatePage { collection: self.details(view, dormant)?, entries: Vec::new(), next: None };
        if self.collection.kind == Kind::Counter {
            page.entries.extend(self.sum(view)?);
            return Ok(page);
        }
        let (lower, upper) = self.bounds(scan)?;
        let order = if scan.back { Order::Descending } else { Order::Ascending };
        let mut page_bytes = 0;
        for entry in view.scan(lower, upper, order) {
            let (state_key, bytes) = entry.map_err(HostError::from)?;
            let key = self.key(&state_key)?;
            page_bytes += bytes.len();
            if page.entries.len() == limit || (page_bytes > PAGE_BYTES_MAX && !page.entries.is_empty()) {
                // Going back, `from` is excluded: the page that follows starts below the last entry of this one.
                let last = page.entries.last().and_then(|entry| entry.key.as_ref());
                let next = if scan.back { last } else { key.as_ref() };
                page.next = next.zip(self.key_type()).map(|(key, ty)| text::wave::print(key, &ty));
                break;
            }
            page.entries.push(StateEntry { key, value: self.value(&bytes)? });
        }
        Ok(page)
    }

    /// A counter's sum; none if nothing was ever added.
    pub(crate) fn sum(&self, view: &View) -> Result<Option<StateEntry>, HostError> {
        let (lower, upper) = layout::range(self.collection.number);
        let mut sum = None;
        for entry in view.scan(Bound::Included(lower.into()), Bound::Excluded(upper.into()), Order::Ascending) {
            let (added, subtracted) = layout::decode_counter(&entry?.1).ok_or_else(|| self.damaged("a counter"))?;
            sum = Some(sum.unwrap_or(0) + i128::from(added) - i128::from(subtracted));
        }
        Ok(sum.map(|sum| StateEntry { key: None, value: self.counter(sum) }))
    }

    /// The state's keys that a scan covers.
    fn bounds(&self, scan: &ScanOptions) -> Result<(Bound<Bytes>, Bound<Bytes>), StateError> {
        let number = self.collection.number;
        let (mut lower, mut upper) = layout::range(number);
        if self.collection.kind == Kind::Log {
            lower = layout::log_entry(number, 0);
        }
        if let Some(from) = &scan.from {
            let start = self.start(from)?;
            *(if scan.back { &mut upper } else { &mut lower }) = start;
        }
        Ok((Bound::Included(lower.into()), Bound::Excluded(upper.into())))
    }

    /// The state's key that the text of an entry's key names.
    fn start(&self, from: &str) -> Result<Vec<u8>, StateError> {
        let refused = |reason: String| StateError::From { from: from.into(), reason };
        let ty = self.key_type().ok_or_else(|| refused(format!("{} has no keys", self.identity)))?;
        let value = text::wave::parse(&ty, from).map_err(|error| refused(error.to_string()))?;
        match (self.collection.kind, value.0) {
            (Kind::Log, Parts::U64(index)) => Ok(layout::log_entry(self.collection.number, index)),
            (_, parts) => {
                let mut encoded = Vec::new();
                key::encode::<Owned>(&ty, &Value(parts), &mut encoded).map_err(|error| refused(error.to_string()))?;
                Ok(layout::map_key(self.collection.number, &encoded))
            }
        }
    }
}

/// The collection that a name means: an identity, an interface with its version, or the interface's own name.
pub(crate) fn find<'a>(ledger: &'a Ledger, name: &str) -> Option<(&'a Identity, &'a Collection)> {
    let exact = Identity::parse(name).ok();
    let mut all = ledger.collections.iter();
    if let Some(found) = all.clone().find(|(identity, _)| exact.as_ref() == Some(identity)) {
        return Some(found);
    }
    let short = |identity: &Identity| identity.name() == name || identity.name().rsplit('/').next() == Some(name);
    let found = all.find(|(identity, collection)| short(identity) && !collection.dropped);
    let others = all.any(|(identity, collection)| short(identity) && !collection.dropped);
    found.filter(|_| !others)
}
