//! Places inside types, for messages.

use std::fmt::{self, Display};

use super::comma_separated;
use crate::limits::NAME_SHOWN_CHARS_MAX;

/// A place inside a type, from the outside in. `Display` says it in WIT's words, ``value, field `choice` ``, and leaves out the middle
/// of what is long.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path(pub Vec<Segment>);

/// One step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Segment {
    /// The kind of a collection.
    Kind,
    /// The sum of a counter.
    Sum,
    /// The key of a map.
    Key,
    /// The value of a collection.
    Value,
    /// The elements of a list.
    Element,
    /// The payload of an option.
    Some,
    /// The payload of a result's `ok`.
    Ok,
    /// The payload of a result's `err`.
    Err,
    /// An item of a tuple, counted from 0.
    Item(usize),
    /// A field of a record.
    Field(String),
    /// A case of a variant or enum.
    Case(String),
    /// A flag.
    Flag(String),
}

impl Path {
    /// Runs `f` with one more step on the path.
    pub fn within<T>(&mut self, segment: Segment, f: impl FnOnce(&mut Path) -> T) -> T {
        self.0.push(segment);
        let result = f(self);
        self.0.pop();
        result
    }

    /// This path with one more step.
    pub fn then(&self, segment: Segment) -> Path {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const FIRST: usize = 4;
        const LAST: usize = 8;
        match self.0.as_slice() {
            [] => f.write_str("value"),
            long if long.len() > FIRST + LAST => {
                comma_separated(f, &long[..FIRST])?;
                f.write_str(", …, ")?;
                comma_separated(f, &long[long.len() - LAST..])
            }
            segments => comma_separated(f, segments),
        }
    }
}

/// A name as messages show it: whole up to [`NAME_SHOWN_CHARS_MAX`], and no more of it.
pub(crate) fn brief_name(name: &str) -> String {
    match name.char_indices().nth(NAME_SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    }
}

impl Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Kind => f.write_str("kind"),
            Segment::Sum => f.write_str("sum"),
            Segment::Key => f.write_str("key"),
            Segment::Value => f.write_str("value"),
            Segment::Element => f.write_str("list element"),
            Segment::Some => f.write_str("inside `some`"),
            Segment::Ok => f.write_str("inside `ok`"),
            Segment::Err => f.write_str("inside `err`"),
            Segment::Item(index) => write!(f, "tuple item {index}"),
            Segment::Field(name) => write!(f, "field `{}`", brief_name(name)),
            Segment::Case(name) => write!(f, "case `{}`", brief_name(name)),
            Segment::Flag(name) => write!(f, "flag `{}`", brief_name(name)),
        }
    }
}
