//! Converting stored values from one schema to another, and back.

use crate::types::{Path, Type};
use crate::value::Value;

/// How values of one type become values of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {}

/// A value that has no place in the type it was to be converted to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct Unconvertible {
    /// Where in the value.
    pub path: Path,
    /// What has no place there.
    pub what: String,
}

impl Conversion {
    /// The conversion from `old` to `new`, if their comparison is identical, widening or lossy.
    pub fn between(old: &Type, new: &Type) -> Option<Conversion> {
        let _ = (old, new);
        todo!()
    }

    /// Converts a value. A widening conversion never fails on a value of its old type; a lossy one fails on values that use a
    /// case that is gone, and a way back (after a rollback) on values that the older type cannot hold.
    pub fn apply(&self, value: Value) -> Result<Value, Unconvertible> {
        let _ = value;
        todo!()
    }

    /// Whether converting this value drops something of it.
    pub fn loses(&self, value: &Value) -> bool {
        let _ = value;
        todo!()
    }

    /// Converts a value of the new type back, if the old type can hold all of it.
    pub fn narrow(&self, value: Value) -> Option<Value> {
        let _ = value;
        todo!()
    }
}
