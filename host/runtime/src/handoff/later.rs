//! What was written to a state since another was forked from it.

use std::collections::BTreeMap;

use bytes::Bytes;
use stead_store::View;

use crate::error::HostError;

/// The keys of all collections begin with this byte; those of the ledger do not.
const COLLECTIONS: u8 = 1;

/// An entry that differs.
pub(crate) struct Later {
    pub(crate) key: Bytes,
    /// What was there.
    pub(crate) before: Option<Bytes>,
    /// What is there now; none if it was removed.
    pub(crate) after: Option<Bytes>,
}

impl Later {
    /// The number of its collection.
    pub(crate) fn collection(&self) -> Option<u32> {
        Some(u32::from_be_bytes(self.key.get(1..5)?.try_into().ok()?))
    }
}

/// Every entry of a collection that differs between a state and an earlier fork of it, in the order of the keys.
pub(crate) fn for_each_later(
    before: &View,
    after: &View,
    mut each: impl FnMut(Later) -> Result<(), HostError>,
) -> Result<(), HostError> {
    if after.commit() <= before.commit() {
        // The last change came no later than the fork.
        return Ok(());
    }
    for difference in before.diff(after) {
        let difference = difference?;
        if difference.key.first() == Some(&COLLECTIONS) {
            each(Later { key: difference.key, before: difference.old, after: difference.new })?;
        }
    }
    Ok(())
}

/// By collection, how many entries differ.
pub(crate) fn count_later(before: &View, after: &View) -> Result<BTreeMap<u32, u64>, HostError> {
    let mut counts = BTreeMap::new();
    for_each_later(before, after, |later| {
        if let Some(number) = later.collection() {
            *counts.entry(number).or_default() += 1;
        }
        Ok(())
    })?;
    Ok(counts)
}
