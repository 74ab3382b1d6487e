//! Which kind of collection an imported interface is, by the names and types of its functions.

use serde::{Deserialize, Serialize};

use crate::types::Type;

/// A kind of collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// One value or none.
    Cell,
    /// Values by key, in the order of the keys.
    Map,
    /// Values by index, appended.
    Log,
    /// A sum.
    Counter,
}

/// What a function of a collection does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operation {
    /// cell, map: `get`
    Get,
    /// cell, map: `set`
    Set,
    /// cell, map: `clear`
    Clear,
    /// map: `remove`
    Remove(RemoveResult),
    /// map: `contains`
    Contains,
    /// map: `len`
    Len,
    /// map: `scan`, ascending, start included
    Scan,
    /// map: `scan-after`, ascending, key excluded
    ScanAfter,
    /// map: `scan-back`, descending, end excluded
    ScanBack,
    /// map: `range`, half-open
    Range,
    /// log: `append`
    Append,
    /// log: `at`
    At,
    /// log: `read`
    Read,
    /// log: `first`
    First,
    /// log: `end`
    End,
    /// log: `truncate-before`
    TruncateBefore,
    /// counter: `value`
    Value,
    /// counter: `add`
    Add,
}

/// What a map's `remove` returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum RemoveResult {
    /// Nothing.
    Nothing,
    /// `bool`: whether there was a value.
    Existed,
    /// `option<V>`: the value that was there.
    Previous,
}

/// A function of an imported interface; parameter names do not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Its name, as in WIT.
    pub name: String,
    /// The types of its parameters.
    pub params: Vec<Type>,
    /// The type of its result, if it has one.
    pub result: Option<Type>,
}

/// What an imported interface shows of a collection. What no function mentions is a hole (`None`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// The kind; `None` while the functions fit more than one.
    pub kind: Option<Kind>,
    /// Key type of a map.
    pub key: Option<Type>,
    /// Value type of a cell, map or log.
    pub value: Option<Type>,
    /// Of a counter: `s64` (true) or `u64` (false).
    pub signed: Option<bool>,
    /// What each function does, in the order given.
    pub operations: Vec<(String, Operation)>,
}

/// Why an interface is no collection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ShapeError {
    /// The interface.
    pub interface: String,
    /// The function that does not fit.
    pub function: String,
    /// The kind that the interface comes nearest to.
    pub nearest: Option<Kind>,
    /// What is wrong and what would fit, in WIT.
    pub message: String,
}

/// Recognises a collection by the names and types of its functions.
pub fn recognise(interface: &str, functions: &[Function]) -> Result<Shape, ShapeError> {
    let _ = (interface, functions);
    todo!()
}
