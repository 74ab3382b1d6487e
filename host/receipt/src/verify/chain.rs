//! Whether receipts are all there, in order, and each follows from the one before.

use std::collections::BTreeMap;

use super::Finding;
use crate::file::Header;
use crate::statement::Hash;

/// Where the receipts of a file stand, and how they are chained.
#[derive(Default)]
pub(super) struct Chain {
    pub(super) places: Vec<Place>,
    /// Lines that may have been receipts, ascending.
    pub(super) unreadable: Vec<u64>,
}

/// One receipt.
pub(super) struct Place {
    pub(super) line: u64,
    pub(super) number: u64,
    pub(super) hash: Hash,
    pub(super) previous: Option<Hash>,
}

impl Chain {
    /// Holds everything against the header. `cut_off` is the line within which the file ends.
    pub(super) fn whole(&self, header: &Header, cut_off: Option<u64>, mut found: impl FnMut(Finding)) {
        let first = self.linked(&mut found);
        let receipts = header.receipts;
        for place in self.places.iter().filter(|place| place.number > receipts) {
            found(Finding::Surplus { line: place.line, number: place.number, receipts });
        }
        let (mut next, mut line) = (1, 1);
        for place in first.range(..=receipts).map(|(_, place)| place) {
            if self.are_gone(place.number - next, line, place.line) {
                found(Finding::Missing { from: next, to: place.number - 1 });
            }
            (next, line) = (place.number + 1, place.line);
        }
        match cut_off {
            Some(line) if next > receipts => found(Finding::Malformed { line, what: "the file ends within it".into() }),
            Some(_) => found(Finding::Truncated { from: next, receipts }),
            None if self.are_gone((receipts + 1).saturating_sub(next), line, u64::MAX) => {
                found(Finding::Truncated { from: next, receipts });
            }
            None => {}
        }
        match first.get(&receipts) {
            Some(last) if header.head != Some(last.hash) => found(Finding::Changed { number: receipts }),
            _ => {}
        }
    }

    /// Whether some of so many receipts between two lines are gone: those that cannot be read have been named.
    fn are_gone(&self, receipts: u64, after: u64, before: u64) -> bool {
        let between = self.unreadable.iter().filter(|line| (after..before).contains(line)).count();
        receipts > between as u64
    }

    /// Whether receipts stand in their order, and each that follows one that is there names it. The first of each number.
    pub(super) fn linked(&self, mut found: impl FnMut(Finding)) -> BTreeMap<u64, &Place> {
        let mut first: BTreeMap<u64, &Place> = BTreeMap::new();
        let mut behind = 0;
        for place in &self.places {
            let (line, number) = (place.line, place.number);
            if first.contains_key(&number) {
                found(Finding::Repeated { line, number });
                continue;
            }
            if number < behind {
                found(Finding::Reordered { line, number, behind });
            }
            behind = behind.max(number);
            first.insert(number, place);
        }
        for (number, place) in &first {
            let before = number.checked_sub(1).and_then(|before| first.get(&before));
            if before.is_some_and(|before| place.previous != Some(before.hash)) {
                found(Finding::Broken { number: *number });
            }
        }
        first
    }
}
