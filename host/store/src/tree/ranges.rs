//! Sets of keys that are given by their ends.

use std::ops::Bound;

use bytes::Bytes;
use imbl::OrdMap;
use imbl::ordmap::DiffItem;

/// Ranges of keys in ascending order, each from a key up to a key that is no part of it, or to the end if there is none.
/// No two of them overlap or touch, so there is one form of one set. A copy costs the same however many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges(OrdMap<Bytes, Option<Bytes>>);

impl Ranges {
    /// No keys.
    pub(crate) fn new() -> Ranges {
        Ranges::default()
    }

    /// Adds the keys from `from` up to `to`; none if `to` does not lie above.
    pub(crate) fn insert(&mut self, mut from: Bytes, mut to: Option<Bytes>) {
        if !is_below(&from, to.as_ref()) {
            return;
        }
        if let Some((before, end)) = self.0.get_prev(&from)
            && end.as_ref().is_none_or(|end| *end >= from)
        {
            from = before.clone();
        }
        // What lies within or touches becomes part of it.
        while let Some((start, end)) = self.0.get_next(&from)
            && to.as_ref().is_none_or(|to| start <= to)
        {
            let start = start.clone();
            if to.as_ref().is_some_and(|to| is_below(to, end.as_ref())) {
                to = end.clone();
            }
            self.0.remove(&start);
        }
        self.0.insert(from, to);
    }

    /// Whether a key is in the set.
    pub(crate) fn contains(&self, key: &[u8]) -> bool {
        self.containing(key).is_some()
    }

    /// The range that a key lies in.
    pub(crate) fn containing(&self, key: &[u8]) -> Option<(&Bytes, Option<&Bytes>)> {
        let (from, to) = self.0.get_prev(key)?;
        is_below(key, to.as_ref()).then_some((from, to.as_ref()))
    }

    /// Whether all keys from `from` up to `to` are in the set.
    pub(crate) fn covers(&self, from: &[u8], to: Option<&Bytes>) -> bool {
        !is_below(from, to)
            || self.containing(from).is_some_and(|(_, end)| end.is_none_or(|end| to.is_some_and(|to| to <= end)))
    }

    /// Whether any key from `from` up to `to` is in the set.
    pub(crate) fn touches(&self, from: &[u8], to: Option<&Bytes>) -> bool {
        is_below(from, to)
            && (self.contains(from) || self.after(from).next().is_some_and(|(start, _)| is_below(start, to)))
    }

    /// The first keys from `from` on that are not in the set: where they start, and where the set goes on.
    pub(crate) fn gap_from(&self, from: Bytes) -> Option<(Bytes, Option<Bytes>)> {
        let start = match self.containing(&from) {
            // No two ranges touch, so the end of one is in none.
            Some((_, end)) => end?.clone(),
            None => from,
        };
        let end = self.after(&start).next().map(|(end, _)| end.clone());
        Some((start, end))
    }

    /// The last keys below `to` that are not in the set: where the set ends before them, and where they end.
    pub(crate) fn gap_below(&self, to: Option<Bytes>) -> Option<(Bytes, Option<Bytes>)> {
        let below = |to: Option<&Bytes>| match to {
            Some(to) => self.0.range::<_, [u8]>((Bound::Unbounded, Bound::Excluded(&**to))).next_back(),
            None => self.0.get_max().map(|(from, end)| (from, end)),
        };
        let end_of = |range: Option<(&Bytes, &Option<Bytes>)>| range.map_or(Some(Bytes::new()), |(_, end)| end.clone());
        let last = below(to.as_ref());
        match end_of(last).filter(|end| is_below(end, to.as_ref())) {
            Some(end) => Some((end, to)),
            None => {
                let (from, _) = last?;
                let start = end_of(below(Some(from))).filter(|_| !from.is_empty())?;
                Some((start, Some(from.clone())))
            }
        }
    }

    /// What a later form of the set has beyond this one. Parts that both share are not looked at.
    pub(crate) fn added(&self, later: &Ranges) -> Ranges {
        let mut added = Ranges::new();
        for change in self.0.diff(&later.0) {
            let (DiffItem::Add(from, to) | DiffItem::Update { new: (from, to), .. }) = change else { continue };
            let mut next = self.gap_from(from.clone());
            while let Some((start, end)) = next.filter(|(start, _)| is_below(start, to.as_ref())) {
                next = end.clone().and_then(|end| self.gap_from(end));
                let end = match (end, to) {
                    (Some(end), Some(to)) => Some(end.min(to.clone())),
                    (end, to) => end.or_else(|| to.clone()),
                };
                added.insert(start, end);
            }
        }
        added
    }

    /// Whether the set has no keys.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of ranges.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The ranges, ascending.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Bytes, Option<&Bytes>)> {
        self.0.iter().map(|(from, to)| (from, to.as_ref()))
    }

    /// The ranges that start after a key, ascending.
    pub(crate) fn after(&self, key: &[u8]) -> impl DoubleEndedIterator<Item = (&Bytes, Option<&Bytes>)> {
        let later = self.0.range::<_, [u8]>((Bound::Excluded(key), Bound::Unbounded));
        later.map(|(from, to)| (from, to.as_ref()))
    }
}

/// Whether a key lies below an end.
fn is_below(key: &[u8], end: Option<&Bytes>) -> bool {
    end.is_none_or(|end| key < &**end)
}

impl FromIterator<(Bytes, Option<Bytes>)> for Ranges {
    fn from_iter<T: IntoIterator<Item = (Bytes, Option<Bytes>)>>(ranges: T) -> Ranges {
        let mut set = Ranges::new();
        for (from, to) in ranges {
            set.insert(from, to);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(number: u8) -> Bytes {
        vec![number].into()
    }

    fn set(ranges: &[(u8, Option<u8>)]) -> Ranges {
        ranges.iter().map(|(from, to)| (key(*from), to.map(key))).collect()
    }

    #[test]
    fn touching_and_overlapping_ranges_become_one() {
        assert_eq!(set(&[(1, Some(3)), (3, Some(5))]), set(&[(1, Some(5))]));
        assert_eq!(set(&[(3, Some(5)), (1, Some(3))]), set(&[(1, Some(5))]));
        assert_eq!(set(&[(3, Some(5)), (7, None), (1, Some(9))]), set(&[(1, None)]));
        assert_eq!(set(&[(1, None), (3, Some(5))]), set(&[(1, None)]));
        assert_eq!(set(&[(1, Some(9)), (3, Some(5))]), set(&[(1, Some(9))]));
        assert_eq!(set(&[(5, Some(5)), (5, Some(4))]), Ranges::new());
        assert_eq!(set(&[(1, Some(3)), (4, Some(5))]).len(), 2);
    }

    #[test]
    fn an_empty_key_starts_a_range() {
        let all: Ranges = [(Bytes::new(), None)].into_iter().collect();
        assert!(all.contains(b"") && all.contains(&[0xFF; 9]));
    }

    proptest! {
        #[test]
        fn sets_of_ranges_are_sets_of_keys(ranges in prop::collection::vec((0..40u8, prop::option::weighted(0.9, 0..40u8)), 0..12)) {
            let set = set(&ranges);
            for number in 0..42 {
                let expected = ranges.iter().any(|(from, to)| *from <= number && to.is_none_or(|to| number < to));
                prop_assert_eq!(set.contains(&[number]), expected);
                let found = set.iter().find(|(from, to)| **from <= key(number) && is_below(&[number], *to));
                prop_assert_eq!(set.containing(&[number]), found);
                prop_assert!(set.after(&[number]).eq(set.iter().filter(|(from, _)| **from > key(number))));
            }
            // Numbers with a number that is no key after them, so that there is room on both sides of each.
            let gaps: Vec<_> = std::iter::successors(set.gap_from(Bytes::new()), |(_, end)| set.gap_from(end.clone()?)).collect();
            let mut back: Vec<_> = std::iter::successors(set.gap_below(None), |(start, _)| set.gap_below(Some(start.clone()))).collect();
            back.reverse();
            prop_assert_eq!(&gaps, &back);
            let outside: Ranges = gaps.into_iter().collect();
            prop_assert!((0..42).all(|number| set.contains(&[number]) != outside.contains(&[number])));
            let listed: Vec<_> = set.iter().collect();
            for pair in listed.windows(2) {
                prop_assert!(pair[0].1.is_some_and(|end| end < pair[1].0), "no two touch");
            }
            prop_assert_eq!((listed.len(), listed.is_empty()), (set.len(), set.is_empty()));
            // The order of insertion leaves no trace.
            let reversed: Ranges = ranges.iter().rev().map(|(from, to)| (key(*from), to.map(key))).collect();
            prop_assert_eq!(reversed, set);
        }

        #[test]
        fn sets_of_ranges_differ_as_sets_of_keys(
            ranges in prop::collection::vec((0..40u8, prop::option::weighted(0.9, 0..40u8)), 0..8),
            more in prop::collection::vec((0..40u8, prop::option::weighted(0.9, 0..40u8)), 0..8),
            ends in (0..42u8, prop::option::weighted(0.9, 0..42u8)),
        ) {
            let (one, other) = (set(&ranges), set(&more));
            let mut grown = one.clone();
            more.iter().for_each(|(from, to)| grown.insert(key(*from), to.map(key)));
            for (one, other) in [(&one, &other), (&other, &one), (&one, &grown)] {
                let added = one.added(other);
                for number in 0..42 {
                    let expected = other.contains(&[number]) && !one.contains(&[number]);
                    prop_assert_eq!(added.contains(&[number]), expected);
                }
            }
            let (from, to) = (key(ends.0), ends.1.map(key));
            let within = (ends.0..ends.1.unwrap_or(43)).map(|number| one.contains(&[number]));
            prop_assert_eq!(one.touches(&from, to.as_ref()), within.clone().any(|is_in| is_in));
            prop_assert_eq!(one.covers(&from, to.as_ref()), within.clone().all(|is_in| is_in) && (to.is_some() || one.contains(&[43])));
        }
    }
}
