//! Two ordered sequences as one: changes on top of what they change.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::ops::Bound;

use bytes::Bytes;

use crate::error::ReadError;
use crate::tree::Order;

/// Entries of `below` with the changes of `above`, both in the same order.
pub(crate) struct Merge<A: Iterator, B: Iterator> {
    above: Peekable<A>,
    below: Peekable<B>,
    order: Order,
}

impl<A, B> Merge<A, B>
where
    A: Iterator<Item = (Bytes, Option<Bytes>)>,
    B: Iterator<Item = Result<(Bytes, Bytes), ReadError>>,
{
    pub(crate) fn new(above: A, below: B, order: Order) -> Merge<A, B> {
        Merge { above: above.peekable(), below: below.peekable(), order }
    }

    /// Which of the two comes next; equal if both hold the same key.
    fn next_side(&mut self) -> Option<Ordering> {
        let below = match self.below.peek() {
            Some(Err(_)) => return Some(Ordering::Greater),
            Some(Ok((key, _))) => Some(key),
            None => None,
        };
        match (self.above.peek(), below) {
            (None, None) => None,
            (Some(_), None) => Some(Ordering::Less),
            (None, Some(_)) => Some(Ordering::Greater),
            (Some((above, _)), Some(below)) => Some(match self.order {
                Order::Ascending => above.cmp(below),
                Order::Descending => below.cmp(above),
            }),
        }
    }
}

impl<A, B> Iterator for Merge<A, B>
where
    A: Iterator<Item = (Bytes, Option<Bytes>)>,
    B: Iterator<Item = Result<(Bytes, Bytes), ReadError>>,
{
    type Item = Result<(Bytes, Bytes), ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let side = self.next_side()?;
            if side == Ordering::Greater {
                return self.below.next();
            }
            if side == Ordering::Equal {
                self.below.next();
            }
            if let Some((key, Some(value))) = self.above.next() {
                return Some(Ok((key, value)));
            }
        }
    }
}

/// What comes next in a range, from the end that the order starts at.
pub(crate) fn next_in<I: DoubleEndedIterator>(range: &mut Option<I>, order: Order) -> Option<I::Item> {
    let range = range.as_mut()?;
    match order {
        Order::Ascending => range.next(),
        Order::Descending => range.next_back(),
    }
}

/// No key lies between the two bounds. Ordered maps do not take such a range.
pub(crate) fn bounds_are_empty(lower: &Bound<Bytes>, upper: &Bound<Bytes>) -> bool {
    use Bound::{Excluded, Included};
    match (lower, upper) {
        (Included(lower), Included(upper)) => lower > upper,
        (Included(lower) | Excluded(lower), Included(upper) | Excluded(upper)) => lower >= upper,
        _ => false,
    }
}
