//! What changed in a state since its checkpoint: an ordered map whose copies cost nothing.
//!
//! A search in it compares some twenty keys in half a dozen nodes, and most of its time is spent on waiting for memory. So
//! the first sixteen bytes of a key lie in the node itself; only keys that share them are followed to the rest.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use equivalent::{Comparable, Equivalent};
use imbl::OrdMap;
use imbl::ordmap::{DiffItem, RangedIter};
use imbl::shared_ptr::DefaultSharedPtr;

use crate::store::merge::{bounds_are_empty, next_in};
use crate::tree::{Order, Ranges};

/// Bytes of a key that are compared without following a pointer.
const HEAD_BYTES: usize = 16;

/// A key as a table holds it. Keys have the order of their bytes.
#[derive(Clone)]
pub(crate) struct Key {
    head: u128,
    tail: Tail,
}

/// What comes after the head.
#[derive(Clone)]
enum Tail {
    /// Nothing: the key is as long as this, and zeros fill the head.
    None(u8),
    Some(Arc<[u8]>),
}

/// A key taken apart, in the order of comparison. Of two keys with the same head, zeros included, the shorter one is a
/// prefix of the other, unless both go on after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Parts<'a> {
    head: u128,
    /// The length of a key that ends in its head; more than that for all others.
    length: usize,
    tail: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(key: &'a [u8]) -> Parts<'a> {
        match key.split_first_chunk::<HEAD_BYTES>() {
            Some((head, tail)) if !tail.is_empty() => {
                Parts { head: u128::from_be_bytes(*head), length: HEAD_BYTES + 1, tail }
            }
            _ => {
                let mut head = [0; HEAD_BYTES];
                head[..key.len()].copy_from_slice(key);
                Parts { head: u128::from_be_bytes(head), length: key.len(), tail: &[] }
            }
        }
    }
}

impl Equivalent<Key> for Parts<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self == key.parts()
    }
}

impl Comparable<Key> for Parts<'_> {
    fn compare(&self, key: &Key) -> Ordering {
        self.cmp(&key.parts())
    }
}

impl Key {
    pub(crate) fn new(key: &[u8]) -> Key {
        let Parts { head, length, tail } = Parts::of(key);
        let tail = if tail.is_empty() { Tail::None(length as u8) } else { Tail::Some(tail.into()) };
        Key { head, tail }
    }

    fn parts(&self) -> Parts<'_> {
        match &self.tail {
            Tail::None(length) => Parts { head: self.head, length: usize::from(*length), tail: &[] },
            Tail::Some(tail) => Parts { head: self.head, length: HEAD_BYTES + 1, tail },
        }
    }

    pub(crate) fn len(&self) -> usize {
        match &self.tail {
            Tail::None(length) => usize::from(*length),
            Tail::Some(tail) => HEAD_BYTES + tail.len(),
        }
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        let head = self.head.to_be_bytes();
        match &self.tail {
            Tail::None(length) => Bytes::copy_from_slice(&head[..usize::from(*length)]),
            Tail::Some(tail) => [&head[..], tail].concat().into(),
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().fmt(f)
    }
}

/// What changed since a checkpoint: first ranges were cleared, then keys got a value, or none if they were removed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    cleared: Ranges,
    entries: OrdMap<Key, Option<Bytes>>,
    bytes: u64,
}

impl Table {
    /// Bytes of all keys and values.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What the table says of a key, if anything.
    pub(crate) fn get(&self, key: &[u8]) -> Option<Option<Bytes>> {
        let found = self.entries.get(&Parts::of(key)).cloned();
        found.or_else(|| (!self.cleared.is_empty() && self.cleared.contains(key)).then_some(None))
    }

    /// Of these keys nothing is left of what lies below the table.
    pub(crate) fn cleared(&self) -> &Ranges {
        &self.cleared
    }

    /// Removes all keys from `from` up to `to`.
    pub(crate) fn clear(&mut self, from: Bytes, to: Option<Bytes>) {
        self.drop_entries(&from, to.as_ref());
        self.cleared.insert(from, to);
    }

    fn drop_entries(&mut self, from: &[u8], to: Option<&Bytes>) {
        if to.is_some_and(|to| **to <= *from) {
            return;
        }
        let keys: Vec<Key> = self.slice(from, to).map(|(key, _)| key.clone()).collect();
        if keys.len() == self.entries.len() {
            (self.entries, self.bytes) = (OrdMap::new(), 0);
        }
        keys.iter().for_each(|key| self.remove(key));
    }

    /// The entries from `from` up to `to`, which lies above.
    pub(crate) fn slice(
        &self,
        from: &[u8],
        to: Option<&Bytes>,
    ) -> RangedIter<'_, Key, Option<Bytes>, DefaultSharedPtr> {
        let to = to.map_or(Bound::Unbounded, |to| Bound::Excluded(Parts::of(to)));
        self.entries.range::<_, Parts<'_>>((Bound::Included(Parts::of(from)), to))
    }

    /// The table lies over nothing, so there is nothing to be cleared below it.
    pub(crate) fn forget_cleared(&mut self) {
        self.cleared = Ranges::new();
    }

    /// Brings a table that stands for what led to `earlier` on to what leads to `later`: the same table some time after.
    /// Both may lie over another tree than this one, as long as `earlier` and this one say the same.
    pub(crate) fn follow(&mut self, earlier: &Table, later: &Table) {
        let cleared = earlier.cleared.added(&later.cleared);
        for (from, to) in cleared.iter() {
            self.clear(from.clone(), to.cloned());
            for (key, value) in later.slice(from, to) {
                self.insert(key.clone(), value.clone());
            }
        }
        for TableChange { key, new, .. } in earlier.diff(later) {
            // A key that left the table was cleared: here it has to be said, unless it was just done.
            if new.is_some() || !cleared.contains(&key.to_bytes()) {
                self.insert(key.clone(), new.cloned().flatten());
            }
        }
    }

    /// Writes one key and returns what was there before.
    pub(crate) fn insert(&mut self, key: Key, value: Option<Bytes>) -> Option<Option<Bytes>> {
        let key_bytes = key.len();
        self.bytes += entry_bytes(key_bytes, value.as_ref());
        let before = self.entries.insert(key, value);
        if let Some(before) = &before {
            self.bytes -= entry_bytes(key_bytes, before.as_ref());
        }
        before
    }

    /// Writes many keys, of each the last that is named. In ascending order all but a few nodes are at hand.
    pub(crate) fn extend(&mut self, mut writes: Vec<(Key, Option<Bytes>)>) {
        writes.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut writes = writes.into_iter().peekable();
        while let Some((key, value)) = writes.next() {
            if writes.peek().is_none_or(|(next, _)| *next != key) {
                self.insert(key, value);
            }
        }
    }

    /// Takes a key out: the tree has the word again.
    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(value) = self.entries.remove(key) {
            self.bytes -= entry_bytes(key.len(), value.as_ref());
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Bytes, Option<Bytes>)> {
        self.entries.iter().map(|(key, value)| (key.to_bytes(), value.clone()))
    }

    /// The entries between two bounds.
    pub(crate) fn range(&self, lower: &Bound<Bytes>, upper: &Bound<Bytes>, order: Order) -> TableRange<'_> {
        let range = (!bounds_are_empty(lower, upper)).then(|| {
            let parts = |bound| Bound::map(bound, |key: &Bytes| Parts::of(key));
            self.entries.range::<_, Parts<'_>>((parts(lower.as_ref()), parts(upper.as_ref())))
        });
        TableRange { range, order }
    }

    /// Where the entries of a later form of the table differ. Both share the nodes that did not change, and those are not looked at.
    pub(crate) fn diff<'a>(&'a self, later: &'a Table) -> impl Iterator<Item = TableChange<'a>> {
        self.entries.diff(&later.entries).map(|change| match change {
            DiffItem::Add(key, new) => TableChange { key, old: None, new: Some(new) },
            DiffItem::Update { old: (_, old), new: (key, new) } => TableChange { key, old: Some(old), new: Some(new) },
            DiffItem::Remove(key, old) => TableChange { key, old: Some(old), new: None },
        })
    }
}

impl FromIterator<(Key, Option<Bytes>)> for Table {
    fn from_iter<I: IntoIterator<Item = (Key, Option<Bytes>)>>(entries: I) -> Table {
        let mut table = Table::default();
        for (key, value) in entries {
            table.insert(key, value);
        }
        table
    }
}

/// A key of which two tables do not say the same.
pub(crate) struct TableChange<'a> {
    pub(crate) key: &'a Key,
    pub(crate) old: Option<&'a Option<Bytes>>,
    pub(crate) new: Option<&'a Option<Bytes>>,
}

/// What an entry counts for.
pub(crate) fn entry_bytes(key_bytes: usize, value: Option<&Bytes>) -> u64 {
    (key_bytes + value.map_or(0, Bytes::len)) as u64
}

/// A range of a table, in either order.
pub(crate) struct TableRange<'a> {
    range: Option<RangedIter<'a, Key, Option<Bytes>, DefaultSharedPtr>>,
    order: Order,
}

impl Iterator for TableRange<'_> {
    type Item = (Bytes, Option<Bytes>);

    fn next(&mut self) -> Option<Self::Item> {
        next_in(&mut self.range, self.order).map(|(key, value)| (key.to_bytes(), value.clone()))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Keys around the length of a head, of few different bytes, zeros among them.
    fn keys() -> impl Strategy<Value = Vec<u8>> {
        let short = proptest::collection::vec(0..3u8, 0..4);
        let long = (0..3usize, proptest::collection::vec(0..2u8, 0..4))
            .prop_map(|(start, rest)| [vec![0; HEAD_BYTES - start], rest].concat());
        prop_oneof![short, long]
    }

    proptest! {
        #[test]
        fn keys_have_the_order_of_their_bytes(one in keys(), other in keys()) {
            let (a, b) = (Key::new(&one), Key::new(&other));
            prop_assert_eq!(a.cmp(&b), one.cmp(&other));
            prop_assert_eq!(Parts::of(&one).compare(&b), one.cmp(&other));
            prop_assert_eq!(&a.to_bytes()[..], &one[..]);
            prop_assert_eq!(a.len(), one.len());
        }

        #[test]
        fn a_table_is_an_ordered_map(
            writes in proptest::collection::vec((keys(), proptest::option::of(0..3usize)), 0..60),
            lower in keys(),
            upper in keys(),
        ) {
            let mut table = Table::default();
            let mut model = BTreeMap::new();
            for (key, length) in writes {
                let value = length.map(|length| Bytes::from(vec![7; length]));
                let before = table.insert(Key::new(&key), value.clone());
                prop_assert_eq!(before, model.insert(Bytes::from(key), value));
            }
            let bytes: u64 = model.iter().map(|(key, value)| entry_bytes(key.len(), value.as_ref())).sum();
            prop_assert_eq!(table.bytes(), bytes);
            let (lower, upper) = (Bound::Excluded(Bytes::from(lower)), Bound::Included(Bytes::from(upper)));
            let expected: Vec<_> = match bounds_are_empty(&lower, &upper) {
                true => Vec::new(),
                false => model.range((lower.clone(), upper.clone())).map(|(k, v)| (k.clone(), v.clone())).collect(),
            };
            let found: Vec<_> = table.range(&lower, &upper, Order::Ascending).collect();
            prop_assert_eq!(&found, &expected);
            let mut back: Vec<_> = table.range(&lower, &upper, Order::Descending).collect();
            back.reverse();
            prop_assert_eq!(&back, &expected);
            for (key, value) in &model {
                prop_assert_eq!(table.get(key), Some(value.clone()));
                table.remove(&Key::new(key));
                prop_assert_eq!(table.get(key), None);
            }
            prop_assert_eq!(table.bytes(), 0);
        }

        /// What a checkpoint leaves in a table stands for the same over the new tree as the whole table over the old one.
        #[test]
        fn a_table_follows_another_over_another_tree(
            below in proptest::collection::btree_set(0..30u8, 0..30),
            before in changes(),
            meanwhile in changes(),
            at_last in changes(),
        ) {
            let old = below.into_iter().map(|key| (key, 0)).collect();
            let frozen = changed(Table::default(), before);
            let seen = changed(frozen.clone(), meanwhile);
            let last = changed(seen.clone(), at_last);
            let mut rest = Table::default();
            rest.follow(&frozen, &seen);
            rest.follow(&seen, &last);
            let new = entries(&old, &frozen);
            prop_assert_eq!(entries(&new, &rest), entries(&old, &last));
        }
    }

    type Change = Result<(u8, Option<u8>), (u8, Option<u8>)>;

    /// Writes, and ranges that are cleared.
    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let write = (0..30u8, proptest::option::of(0..2u8)).prop_map(Ok);
        let clear = (0..30u8, proptest::option::weighted(0.9, 0..31u8)).prop_map(Err);
        proptest::collection::vec(prop_oneof![3 => write, 1 => clear], 0..12)
    }

    fn changed(mut table: Table, changes: Vec<Change>) -> Table {
        for change in changes {
            match change {
                Ok((key, value)) => drop(table.insert(Key::new(&[key]), value.map(|value| vec![value].into()))),
                Err((from, to)) => table.clear(vec![from].into(), to.map(|to| vec![to].into())),
            }
        }
        table
    }

    fn entries(below: &BTreeMap<u8, u8>, table: &Table) -> BTreeMap<u8, u8> {
        let said = (0..30).map(|key| (key, table.get(&[key])));
        let value = |key: u8, said: Option<Option<Bytes>>| match said {
            Some(value) => value.map(|value| value[0]),
            None => below.get(&key).copied(),
        };
        said.filter_map(|(key, said)| Some((key, value(key, said)?))).collect()
    }
}
