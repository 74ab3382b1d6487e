//! How many entries lie between two keys, kept up to date by what changed since the last look.
//!
//! The tree counts by its inner entries, but a table of changes only says what is written, not whether the tree had the
//! key before. So each range that was asked for is counted once, and from then on by the difference of two tables, which
//! share all nodes that did not change.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;
use imbl::ordmap::DiffItem;

use crate::error::ReadError;
use crate::limits::COUNTED_RANGES_MAX;
use crate::store::state::Table;

/// Two bounds.
type Range = (Bound<Bytes>, Bound<Bytes>);

/// Counted ranges of one state over one tree.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// The table at the last look.
    table: Table,
    ranges: Vec<(Range, u64)>,
}

impl Counts {
    /// The entries of a range as a table over the tree has it. `in_tree` says whether the tree has a key; `afresh` counts
    /// without knowing anything.
    pub(crate) fn count(
        &mut self,
        table: &Table,
        range: Range,
        in_tree: impl Fn(&Bytes) -> Result<bool, ReadError>,
        afresh: impl FnOnce(&Range) -> Result<u64, ReadError>,
    ) -> Result<u64, ReadError> {
        self.follow(table, in_tree)?;
        if let Some((_, count)) = self.ranges.iter().find(|(known, _)| *known == range) {
            return Ok(*count);
        }
        let count = afresh(&range)?;
        if self.ranges.len() >= COUNTED_RANGES_MAX {
            self.ranges.clear();
        }
        self.ranges.push((range, count));
        Ok(count)
    }

    /// Brings all ranges up to a table. After an error they are as they were.
    fn follow(&mut self, table: &Table, in_tree: impl Fn(&Bytes) -> Result<bool, ReadError>) -> Result<(), ReadError> {
        let mut changes = vec![0i64; self.ranges.len()];
        if !self.ranges.is_empty() {
            for change in self.table.diff(table) {
                let (key, before, after) = match change {
                    DiffItem::Add(key, after) => (key, in_tree(key)?, after.is_some()),
                    DiffItem::Update { old: (_, before), new: (key, after) } => {
                        (key, before.is_some(), after.is_some())
                    }
                    DiffItem::Remove(key, before) => (key, before.is_some(), in_tree(key)?),
                };
                for ((range, _), change) in self.ranges.iter().zip(&mut changes) {
                    if range.contains(key) {
                        *change += i64::from(after) - i64::from(before);
                    }
                }
            }
        }
        for ((_, count), change) in self.ranges.iter_mut().zip(changes) {
            *count = count.checked_add_signed(change).expect("no range has fewer entries than none");
        }
        self.table = table.clone();
        Ok(())
    }
}
