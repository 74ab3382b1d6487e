//! WIT values as JSON.

use serde_json::Value as Json;

use super::TextError;
use crate::types::Type;
use crate::value::Value;

/// Reads a value from JSON.
pub fn from_json(ty: &Type, json: &Json) -> Result<Value, TextError> {
    let _ = (ty, json);
    todo!()
}

/// Writes a value of the type as JSON.
pub fn to_json(value: &Value, ty: &Type) -> Json {
    let _ = (value, ty);
    todo!()
}

/// Reads arguments: an array by position.
pub fn arguments(json: &Json, types: &[Type]) -> Result<Vec<Value>, TextError> {
    let _ = (json, types);
    todo!()
}
