//! Entries that were not cleared: scans that leap over what was.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::ReadError;
use crate::pack::Packs;
use crate::store::{Scan, View};
use crate::tree::{Order, Ranges, Read, Tree, TreeScan};

/// What has entries in the order of keys.
pub(crate) trait Entries {
    /// Reads them as they are asked for. After an error nothing follows.
    type Scan: Iterator<Item = Result<(Bytes, Bytes), ReadError>>;

    fn scan(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order) -> Self::Scan;
}

/// A tree, where its nodes are, and what is wanted of its entries.
pub(crate) struct Stored(pub(crate) Tree, pub(crate) Arc<Packs>, pub(crate) Read);

impl Entries for Stored {
    type Scan = TreeScan;

    fn scan(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order) -> TreeScan {
        self.0.scan(self.1.clone(), lower, upper, order).reading(self.2)
    }
}

/// A view, and what is wanted of its entries.
pub(crate) struct Viewed<'a>(pub(crate) &'a View, pub(crate) Read);

impl<'a> Entries for Viewed<'a> {
    type Scan = Scan<'a>;

    fn scan(&self, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order) -> Scan<'a> {
        self.0.read(lower, upper, order, self.1)
    }
}

/// The entries of a source between two bounds, without those in some ranges: of these nothing is read.
pub(crate) struct Masked<E: Entries> {
    entries: E,
    scan: Option<E::Scan>,
    gaps: Gaps,
}

impl<E: Entries> Masked<E> {
    pub(crate) fn new(entries: E, mask: &Ranges, lower: Bound<Bytes>, upper: Bound<Bytes>, order: Order) -> Masked<E> {
        if mask.is_empty() {
            let scan = Some(entries.scan(lower, upper, order));
            return Masked { entries, scan, gaps: Gaps { mask: Ranges::new(), rest: None, order } };
        }
        let rest = half_open(&lower, &upper);
        Masked { entries, scan: None, gaps: Gaps { mask: mask.clone(), rest, order } }
    }
}

impl<E: Entries> Iterator for Masked<E> {
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let entry = self.scan.as_mut().and_then(Iterator::next);
            if matches!(entry, Some(Err(_))) {
                self.gaps.rest = None;
            }
            if entry.is_some() {
                return entry;
            }
            let (from, to) = self.gaps.next()?;
            let upper = to.map_or(Bound::Unbounded, Bound::Excluded);
            self.scan = Some(self.entries.scan(Bound::Included(from), upper, self.gaps.order));
        }
    }
}

/// The parts of a range that some ranges leave, in either order.
pub(crate) struct Gaps {
    mask: Ranges,
    /// What was not looked at yet.
    rest: Option<(Bytes, Option<Bytes>)>,
    order: Order,
}

impl Gaps {
    pub(crate) fn new(mask: &Ranges, range: (Bytes, Option<Bytes>)) -> Gaps {
        Gaps { mask: mask.clone(), rest: Some(range), order: Order::Ascending }
    }
}

impl Iterator for Gaps {
    type Item = (Bytes, Option<Bytes>);

    fn next(&mut self) -> Option<Self::Item> {
        let (from, to) = self.rest.take()?;
        let (start, end) = match self.order {
            Order::Ascending => self.mask.gap_from(from.clone())?,
            Order::Descending => self.mask.gap_below(to.clone())?,
        };
        let (first, last) = (start.clone().max(from.clone()), least(end.clone(), to.clone()));
        if last.as_ref().is_some_and(|last| *last <= first) {
            return None;
        }
        self.rest = match self.order {
            Order::Ascending => end.map(|end| (end, to)),
            Order::Descending => Some((from, Some(start))),
        };
        Some((first, last))
    }
}

/// The lower of two ends.
fn least(one: Option<Bytes>, other: Option<Bytes>) -> Option<Bytes> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Two bounds as a key to start from and one to end before; none if no key lies between them.
pub(crate) fn half_open(lower: &Bound<Bytes>, upper: &Bound<Bytes>) -> Option<(Bytes, Option<Bytes>)> {
    let after = |key: &Bytes| Bytes::from([&**key, &[0]].concat());
    let from = match lower {
        Bound::Unbounded => Bytes::new(),
        Bound::Included(key) => key.clone(),
        Bound::Excluded(key) => after(key),
    };
    let to = match upper {
        Bound::Unbounded => None,
        Bound::Included(key) => Some(after(key)),
        Bound::Excluded(key) => Some(key.clone()),
    };
    to.as_ref().is_none_or(|to| from < *to).then_some((from, to))
}
