//! Which entries of old collections a migration has read, each counted once.
//!
//! Old collections stand still while a migration runs, so what was read of them is a set of spans of keys: of each span,
//! every entry was read. Spans with no entry between them are joined, so reading in the order of the keys, by pages or
//! one by one, keeps a handful of them however large the collection is. Reads in no order keep one span for each run of
//! neighbours; that memory counts against `migration_bytes_max`.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use stead_store::{Order, ReadError, Transaction};

/// What a span takes in memory beside its keys.
const SPAN_BYTES: usize = 96;

/// Spans that are kept without a look at what lies between them.
const APART_MIN: usize = 64;

/// Entries of old collections that were read within one call.
#[derive(Debug, Default)]
pub(in crate::engine) struct Seen {
    /// From the first key of a span to its last.
    spans: BTreeMap<Bytes, Bytes>,
    bytes: usize,
    /// Spans that had entries between them at the last look.
    apart: usize,
}

impl Seen {
    /// Notes entries that follow each other, in the order of their keys. Returns how many of them are new.
    pub(super) fn note(&mut self, page: &[&Bytes], transaction: &Transaction) -> Result<u64, ReadError> {
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(0) };
        let new = page.iter().filter(|key| !self.covers(key)).count() as u64;
        if new > 0 {
            // Copied: a key of a page is a piece of a whole node, and would keep all of it.
            self.insert(Bytes::copy_from_slice(first), Bytes::copy_from_slice(last));
            if self.spans.len() > APART_MIN.max(2 * self.apart) {
                self.join(transaction)?;
            }
        }
        Ok(new)
    }

    /// Memory that it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn covers(&self, key: &Bytes) -> bool {
        self.spans.range::<Bytes, _>(..=key).next_back().is_some_and(|(_, last)| key <= last)
    }

    /// Adds a span, in place of all that it overlaps.
    fn insert(&mut self, mut first: Bytes, mut last: Bytes) {
        while let Some((start, end)) = self.spans.range::<Bytes, _>(..=&last).next_back()
            && *end >= first
        {
            let start = start.clone();
            let Some(end) = self.remove(&start) else { break };
            first = first.min(start);
            last = last.max(end);
        }
        self.bytes += first.len() + last.len() + SPAN_BYTES;
        self.spans.insert(first, last);
    }

    fn remove(&mut self, first: &Bytes) -> Option<Bytes> {
        let last = self.spans.remove(first)?;
        self.bytes -= first.len() + last.len() + SPAN_BYTES;
        Some(last)
    }

    /// Makes one of neighbouring spans that have no entry between them. Each span was added since the last look or is
    /// apart from its neighbour, so a read costs one more look at most.
    fn join(&mut self, transaction: &Transaction) -> Result<(), ReadError> {
        let spans = std::mem::take(&mut self.spans);
        self.bytes = 0;
        let mut open: Option<(Bytes, Bytes)> = None;
        for (first, last) in spans {
            open = match open.take() {
                Some((start, end)) if nothing_between(transaction, &end, &first)? => Some((start, last)),
                Some((start, end)) => {
                    self.insert(start, end);
                    Some((first, last))
                }
                None => Some((first, last)),
            };
        }
        if let Some((first, last)) = open {
            self.insert(first, last);
        }
        self.apart = self.spans.len();
        Ok(())
    }
}

fn nothing_between(transaction: &Transaction, last: &Bytes, first: &Bytes) -> Result<bool, ReadError> {
    let (lower, upper) = (Bound::Excluded(last.clone()), Bound::Excluded(first.clone()));
    Ok(transaction.scan(lower, upper, Order::Ascending).next().transpose()?.is_none())
}

#[cfg(test)]
mod tests;
