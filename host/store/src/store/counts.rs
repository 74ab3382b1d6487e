//! How many entries lie between two keys, kept up to date by what changed since the last look.
//!
//! The tree counts by its inner entries, but a table of changes only says what is written, not whether the tree had the
//! key before. So each range that was asked for is counted once, and from then on by the difference of two tables, which
//! share all nodes that did not change.

use bytes::Bytes;

use crate::error::ReadError;
use crate::limits::COUNTED_RANGES_MAX;
use crate::store::table::{Table, TableChange};

/// Keys from one up to another, or to the end; never none.
pub(crate) type Range = (Bytes, Option<Bytes>);

/// Counted ranges of one state over one tree.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// The table at the last look.
    table: Table,
    ranges: Vec<(Range, u64)>,
}

impl Counts {
    /// The entries of a range as a table over the tree has it. `is_below` says whether a key is there but for what the table
    /// says of it; `afresh` counts without knowing anything.
    pub(crate) fn count(
        &mut self,
        table: &Table,
        range: Range,
        is_below: impl Fn(&[u8]) -> Result<bool, ReadError>,
        afresh: impl FnOnce(&Range) -> Result<u64, ReadError>,
    ) -> Result<u64, ReadError> {
        self.follow(table, is_below)?;
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

    /// Brings the ranges up to a table. After an error they are as they were.
    fn follow(&mut self, table: &Table, is_below: impl Fn(&[u8]) -> Result<bool, ReadError>) -> Result<(), ReadError> {
        // Where ranges were cleared since then, or before it, everything is counted again.
        let (one, other) = (self.table.cleared(), table.cleared());
        let (gone, come) = (one.added(other), other.added(one));
        self.ranges.retain(|((from, to), _)| !gone.touches(from, to.as_ref()) && !come.touches(from, to.as_ref()));
        let mut changes = vec![0i64; self.ranges.len()];
        if !self.ranges.is_empty() {
            for change in self.table.diff(table) {
                let TableChange { key, old, new } = change;
                let key = key.to_bytes();
                let there =
                    |value: Option<&Option<Bytes>>| value.map_or_else(|| is_below(&key), |value| Ok(value.is_some()));
                let (before, after) = (there(old)?, there(new)?);
                for ((range, _), change) in self.ranges.iter().zip(&mut changes) {
                    if key >= range.0 && range.1.as_ref().is_none_or(|to| key < *to) {
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
