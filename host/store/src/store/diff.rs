//! What differs between two views, found by what differs in how they are stored.
//!
//! Views on the same tree differ where their tables do, and those share the nodes that did not change. For views on
//! different trees each table is applied to its tree in memory, and the trees are compared.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::ReadError;
use crate::store::View;
use crate::store::mask::{Gaps, Masked, Stored};
use crate::store::table::TableChange;
use crate::tree::{Difference, Order, Overlay, Ranges, Read, TreeDiff};

/// The keys under which two views hold different values, ascending. After an error nothing follows. From [`View::diff`].
pub struct Diff<'a>(Inner<'a>);

enum Inner<'a> {
    Failed(Option<ReadError>),
    Tables(Box<TablesDiff<'a>>),
    Trees(Box<TreeDiff>),
}

impl View {
    /// What differs from this view to another one of the same store. What both share is not read: the cost grows with the
    /// difference, and, if a checkpoint lies between the two, with what no checkpoint holds yet of either.
    pub fn diff<'a>(&'a self, other: &'a View) -> Diff<'a> {
        if self.tree() == other.tree() {
            return Diff(Inner::Tables(Box::new(TablesDiff::new(self, other))));
        }
        let trees = || {
            let mut nodes = Overlay::new(self.packs().clone());
            let (old, new) = (self.whole_tree(&mut nodes)?, other.whole_tree(&mut nodes)?);
            Ok(old.diff(&new, Arc::new(nodes)))
        };
        Diff(match trees() {
            Ok(diff) => Inner::Trees(Box::new(diff)),
            Err(error) => Inner::Failed(Some(error)),
        })
    }
}

impl Iterator for Diff<'_> {
    type Item = Result<Difference, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Inner::Failed(error) => error.take().map(Err),
            Inner::Trees(diff) => diff.next(),
            Inner::Tables(diff) => {
                let next = diff.step().transpose()?;
                if next.is_err() {
                    self.0 = Inner::Failed(None);
                }
                Some(next)
            }
        }
    }
}

/// The differences of two views on one tree.
struct TablesDiff<'a> {
    old: &'a View,
    new: &'a View,
    /// Keys of which the tables do not say the same.
    written: Peekable<Box<dyn Iterator<Item = TableChange<'a>> + 'a>>,
    /// Entries of the tree that only one of the tables cleared.
    cleared: Peekable<Masked<Stored>>,
}

impl<'a> TablesDiff<'a> {
    fn new(old: &'a View, new: &'a View) -> TablesDiff<'a> {
        let (one, other) = (old.table(), new.table());
        let mut differing = one.cleared().added(other.cleared());
        for (from, to) in other.cleared().added(one.cleared()).iter() {
            differing.insert(from.clone(), to.cloned());
        }
        let the_rest: Ranges = Gaps::new(&differing, (Bytes::new(), None)).collect();
        let stored = Stored(*old.tree(), old.packs().clone(), Read::Entries);
        let all = Masked::new(stored, &the_rest, Bound::Unbounded, Bound::Unbounded, Order::Ascending);
        let written: Box<dyn Iterator<Item = TableChange<'a>>> = Box::new(one.diff(other));
        TablesDiff { old, new, written: written.peekable(), cleared: all.peekable() }
    }

    fn step(&mut self) -> Result<Option<Difference>, ReadError> {
        loop {
            let order = match (self.written.peek(), self.cleared.peek()) {
                (None, None) => return Ok(None),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) | (Some(_), Some(Err(_))) => Ordering::Greater,
                (Some(written), Some(Ok((key, _)))) => written.key.to_bytes().cmp(key),
            };
            let stored = if order.is_lt() { None } else { self.cleared.next().transpose()? };
            let key = match (order, stored) {
                (Ordering::Greater, Some((key, _))) => key,
                _ => match self.written.next() {
                    Some(change) => change.key.to_bytes(),
                    None => return Ok(None),
                },
            };
            let (old, new) = (self.old.get(&key)?, self.new.get(&key)?);
            if old != new {
                return Ok(Some(Difference { key, old, new }));
            }
        }
    }
}
