//! A map: values by encoded key, in its order. Keys here are whole keys of the state, the collection's prefix included.

use std::ops::Bound;

use bytes::Bytes;
use stead_schema::layout;
use stead_store::Order;

use super::Entries;
use crate::engine::fault::Fault;

pub(in crate::engine) fn get(map: &mut Entries<'_>, key: &[u8]) -> Result<Option<Bytes>, Fault> {
    map.get(key)
}

pub(in crate::engine) fn contains(map: &mut Entries<'_>, key: &[u8]) -> Result<bool, Fault> {
    map.has(key)
}

pub(in crate::engine) fn set(map: &mut Entries<'_>, key: Vec<u8>, stored: Vec<u8>) -> Result<(), Fault> {
    map.put(key, stored)
}

/// Returns what was there. Removing what is not there writes nothing.
pub(in crate::engine) fn remove(map: &mut Entries<'_>, key: Vec<u8>) -> Result<Option<Bytes>, Fault> {
    let previous = map.get(&key)?;
    if previous.is_some() {
        map.delete(key.into())?;
    }
    Ok(previous)
}

pub(in crate::engine) fn len(map: &mut Entries<'_>) -> Result<u64, Fault> {
    let (start, end) = layout::range(map.collection.number);
    map.transaction
        .count(Bound::Included(start.into()), Bound::Excluded(end.into()))
        .map_err(|error| Fault::store(&map.collection.name, error))
}

pub(in crate::engine) fn clear(map: &mut Entries<'_>) -> Result<(), Fault> {
    let (start, end) = layout::range(map.collection.number);
    let count = len(map)?;
    map.clear(start, end, count)
}

/// Ascending, from a key or from the first.
pub(in crate::engine) fn scan(
    map: &mut Entries<'_>,
    start: Option<Vec<u8>>,
    limit: u32,
) -> Result<Vec<(Bytes, Bytes)>, Fault> {
    let (first, end) = layout::range(map.collection.number);
    let start = start.unwrap_or(first);
    map.page(Bound::Included(start.into()), Bound::Excluded(end.into()), Order::Ascending, limit)
}

/// Ascending, after a key.
pub(in crate::engine) fn scan_after(
    map: &mut Entries<'_>,
    key: Vec<u8>,
    limit: u32,
) -> Result<Vec<(Bytes, Bytes)>, Fault> {
    let (_, end) = layout::range(map.collection.number);
    map.page(Bound::Excluded(key.into()), Bound::Excluded(end.into()), Order::Ascending, limit)
}

/// Descending, from before a key or from the last.
pub(in crate::engine) fn scan_back(
    map: &mut Entries<'_>,
    end: Option<Vec<u8>>,
    limit: u32,
) -> Result<Vec<(Bytes, Bytes)>, Fault> {
    let (start, last) = layout::range(map.collection.number);
    let end = end.unwrap_or(last);
    map.page(Bound::Included(start.into()), Bound::Excluded(end.into()), Order::Descending, limit)
}

/// Ascending, from one key to before another.
pub(in crate::engine) fn range(
    map: &mut Entries<'_>,
    start: Vec<u8>,
    end: Vec<u8>,
    limit: u32,
) -> Result<Vec<(Bytes, Bytes)>, Fault> {
    map.page(Bound::Included(start.into()), Bound::Excluded(end.into()), Order::Ascending, limit)
}
