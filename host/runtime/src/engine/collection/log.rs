//! A log: values by index. Indices are never used again: what is truncated leaves the first index raised.

use std::ops::Bound;

use bytes::Bytes;
use stead_schema::layout;
use stead_store::Order;

use super::Entries;
use crate::engine::fault::Fault;

/// First index and next index.
pub(in crate::engine) fn bounds(log: &mut Entries<'_>) -> Result<(u64, u64), Fault> {
    let name = &log.collection.name;
    let meta =
        log.transaction.get(&layout::log_meta(log.collection.number)).map_err(|error| Fault::store(name, error))?;
    match meta {
        None => Ok((0, 0)),
        Some(meta) => layout::decode_log_meta(&meta).ok_or_else(|| Fault::value(name, "these are no bounds of a log")),
    }
}

/// Returns the entry's index.
pub(in crate::engine) fn append(log: &mut Entries<'_>, stored: Vec<u8>) -> Result<u64, Fault> {
    let (first, index) = bounds(log)?;
    let end =
        index.checked_add(1).ok_or_else(|| Fault::Limit(format!("log {} has no index left", log.collection.name)))?;
    log.put(layout::log_entry(log.collection.number, index), stored)?;
    set_bounds(log, first, end);
    Ok(index)
}

pub(in crate::engine) fn at(log: &mut Entries<'_>, index: u64) -> Result<Option<Bytes>, Fault> {
    log.get(&layout::log_entry(log.collection.number, index))
}

/// Entries from an index on, with their keys.
pub(in crate::engine) fn read(log: &mut Entries<'_>, start: u64, limit: u32) -> Result<Vec<(u64, Bytes)>, Fault> {
    let number = log.collection.number;
    let start = layout::log_entry(number, start);
    let (_, end) = layout::range(number);
    let page = log.page(Bound::Included(start.into()), Bound::Excluded(end.into()), Order::Ascending, limit)?;
    let name = &log.collection.name;
    page.into_iter()
        .map(|(key, stored)| match layout::log_index(&key) {
            Some(index) => Ok((index, stored)),
            None => Err(Fault::value(name, "a key of a log holds no index")),
        })
        .collect()
}

/// Deletes the entries below an index; one past the end empties the log and leaves its end where it is.
pub(in crate::engine) fn truncate_before(log: &mut Entries<'_>, index: u64) -> Result<(), Fault> {
    let (first, end) = bounds(log)?;
    let index = index.min(end);
    if index <= first {
        return Ok(());
    }
    let number = log.collection.number;
    log.clear(layout::log_entry(number, first), layout::log_entry(number, index), index - first)?;
    set_bounds(log, index, end);
    Ok(())
}

/// The bounds belong to the log, not to an entry: they count in no quota and no report.
fn set_bounds(log: &mut Entries<'_>, first: u64, end: u64) {
    let meta = Bytes::copy_from_slice(&layout::encode_log_meta(first, end));
    log.transaction.put(layout::log_meta(log.collection.number).into(), meta);
}
