//! Entries of a state in typed values, one after another: read from a view, or from a file ([`super::file`]).

use std::ops::Bound;

use stead_schema::{Kind, Ledger, Type, Value, layout};
use stead_store::{Order, Scan, View};

use super::error::FileError;
use super::format::Head;
use crate::error::HostError;
use crate::host::Typed;

/// One entry.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its collection: the place among the heads.
    pub(super) slot: usize,
    pub(super) key: EntryKey,
    pub(super) content: EntryContent,
    /// The line of the file that it came from; 0 from a view.
    pub(super) line: u64,
}

/// Where an entry stands in its collection.
#[derive(Clone, Debug)]
pub(super) enum EntryKey {
    /// The one value of a cell.
    Cell,
    /// A map's key, and its encoding.
    Map(Value, Vec<u8>),
    /// A log's index.
    Log(u64),
    /// The node whose part of a counter it is.
    Node(u64),
}

/// What an entry holds.
#[derive(Clone, Debug)]
pub(super) enum EntryContent {
    /// A value, and its type where that is not the collection's newest.
    Value(Value, Option<Type>),
    /// What was added to a counter, and what was subtracted.
    Sums(u64, u64),
    /// Nothing any more; in changes only.
    Removed,
}

impl EntryKey {
    /// Bytes in the order of the keys of one collection, as the state's keys have behind the collection's number.
    pub(super) fn order(&self) -> Vec<u8> {
        match self {
            EntryKey::Cell => Vec::new(),
            EntryKey::Map(_, encoded) => encoded.clone(),
            EntryKey::Log(number) | EntryKey::Node(number) => number.to_be_bytes().to_vec(),
        }
    }

    /// The key of the state in a collection with this number.
    pub(super) fn state_key(&self, number: u32) -> Vec<u8> {
        match self {
            EntryKey::Cell => layout::cell_key(number),
            EntryKey::Map(_, encoded) => layout::map_key(number, encoded),
            EntryKey::Log(index) => layout::log_entry(number, *index),
            EntryKey::Node(node) => layout::counter_key(number, *node),
        }
    }

    /// The typed key that people see.
    pub(super) fn value(&self) -> Option<Value> {
        match self {
            EntryKey::Cell | EntryKey::Node(_) => None,
            EntryKey::Map(value, _) => Some(value.clone()),
            EntryKey::Log(index) => Some(Value(stead_schema::Parts::U64(*index))),
        }
    }
}

/// Entries by collection in the order of the heads, by key within.
pub(super) trait Entries {
    /// The collections.
    fn heads(&self) -> &[Head];

    /// The next entry; none after the last.
    fn next(&mut self) -> Result<Option<Entry>, FileError>;
}

/// A view's collections, read by its ledger.
pub(super) struct ViewEntries<'a> {
    view: &'a View,
    heads: &'a [Head],
    typed: Vec<Typed<'a>>,
    slot: usize,
    scan: Option<Scan<'a>>,
}

impl<'a> ViewEntries<'a> {
    pub(super) fn new(view: &'a View, ledger: &'a Ledger, heads: &'a [Head]) -> Result<ViewEntries<'a>, HostError> {
        let typed = heads.iter().map(|head| {
            let (identity, collection) = ledger
                .collections
                .get_key_value(&head.identity)
                .ok_or_else(|| HostError::Catalog { what: format!("{} left the ledger", head.identity) })?;
            Typed::new(identity, collection)
        });
        let typed = typed.collect::<Result<Vec<_>, _>>()?;
        Ok(ViewEntries { view, heads, typed, slot: 0, scan: None })
    }
}

impl Entries for ViewEntries<'_> {
    fn heads(&self) -> &[Head] {
        self.heads
    }

    fn next(&mut self) -> Result<Option<Entry>, FileError> {
        while let Some(typed) = self.typed.get(self.slot) {
            let view = self.view;
            let scan = self.scan.get_or_insert_with(|| {
                let (lower, upper) = layout::range(typed.number());
                view.scan(Bound::Included(lower.into()), Bound::Excluded(upper.into()), Order::Ascending)
            });
            match scan.next() {
                None => {
                    self.scan = None;
                    self.slot += 1;
                }
                Some(entry) => {
                    let (key, bytes) = entry.map_err(HostError::from)?;
                    if !typed.is_meta(&key) {
                        return Ok(Some(entry_of(typed, self.slot, &key, &bytes)?));
                    }
                }
            }
        }
        Ok(None)
    }
}

/// An entry as it is stored, in typed values.
pub(super) fn entry_of(typed: &Typed<'_>, slot: usize, key: &[u8], bytes: &[u8]) -> Result<Entry, HostError> {
    let place = key_of(typed, key)?;
    let content = match place {
        EntryKey::Node(_) => {
            let (added, subtracted) = layout::decode_counter(bytes).ok_or_else(|| typed.damaged("a counter"))?;
            EntryContent::Sums(added, subtracted)
        }
        _ => {
            let (value, ty) = typed.stored(bytes)?;
            EntryContent::Value(value, ty.cloned())
        }
    };
    Ok(Entry { slot, key: place, content, line: 0 })
}

/// A key of the state, in typed values.
pub(super) fn key_of(typed: &Typed<'_>, key: &[u8]) -> Result<EntryKey, HostError> {
    let rest = key.get(5..).unwrap_or_default();
    Ok(match typed.kind() {
        Kind::Cell => EntryKey::Cell,
        Kind::Map => {
            let value = typed.key(key)?.ok_or_else(|| typed.damaged("a map whose key type nothing shows"))?;
            EntryKey::Map(value, rest.to_vec())
        }
        Kind::Log => EntryKey::Log(layout::log_index(key).ok_or_else(|| typed.damaged("a log's key"))?),
        Kind::Counter => {
            EntryKey::Node(u64::from_be_bytes(rest.try_into().map_err(|_| typed.damaged("a counter's key"))?))
        }
    })
}
