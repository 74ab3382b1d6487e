//! What was written to a state since another was forked from it.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use stead_store::{Order, ReadError, View};

use crate::error::HostError;

/// The keys of all collections begin with this byte; those of the ledger do not.
const COLLECTIONS: u8 = 1;

/// An entry that differs.
pub(super) struct Later {
    pub(super) key: Bytes,
    /// What is there now; none if it was removed.
    pub(super) after: Option<Bytes>,
}

impl Later {
    /// The number of its collection.
    pub(super) fn collection(&self) -> Option<u32> {
        Some(u32::from_be_bytes(self.key.get(1..5)?.try_into().ok()?))
    }
}

/// Every entry of a collection that differs between a state and an earlier fork of it, in the order of the keys.
pub(super) fn for_each_later(
    before: &View,
    after: &View,
    mut each: impl FnMut(Later) -> Result<(), HostError>,
) -> Result<(), HostError> {
    if after.commit() <= before.commit() {
        // The last change came no later than the fork.
        return Ok(());
    }
    let (mut old, mut new) = (entries(before), entries(after));
    let (mut was, mut is) = (next(&mut old)?, next(&mut new)?);
    loop {
        let order = match (&was, &is) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((a, _)), Some((b, _))) => a.cmp(b),
        };
        match order {
            Ordering::Less => {
                if let Some((key, _)) = was.take() {
                    each(Later { key, after: None })?;
                }
                was = next(&mut old)?;
            }
            Ordering::Greater => {
                if let Some((key, value)) = is.take() {
                    each(Later { key, after: Some(value) })?;
                }
                is = next(&mut new)?;
            }
            Ordering::Equal => {
                if let (Some((_, value_was)), Some((key, value))) = (was.take(), is.take())
                    && value_was != value
                {
                    each(Later { key, after: Some(value) })?;
                }
                (was, is) = (next(&mut old)?, next(&mut new)?);
            }
        }
    }
}

/// By collection, how many entries differ.
pub(super) fn count_later(before: &View, after: &View) -> Result<BTreeMap<u32, u64>, HostError> {
    let mut counts = BTreeMap::new();
    for_each_later(before, after, |later| {
        if let Some(number) = later.collection() {
            *counts.entry(number).or_default() += 1;
        }
        Ok(())
    })?;
    Ok(counts)
}

type Entry = Result<(Bytes, Bytes), ReadError>;

fn entries(view: &View) -> impl Iterator<Item = Entry> + '_ {
    let lower = Bound::Included(Bytes::from_static(&[COLLECTIONS]));
    let upper = Bound::Excluded(Bytes::from_static(&[COLLECTIONS + 1]));
    view.scan(lower, upper, Order::Ascending)
}

fn next(entries: &mut impl Iterator<Item = Entry>) -> Result<Option<(Bytes, Bytes)>, HostError> {
    Ok(entries.next().transpose()?)
}
