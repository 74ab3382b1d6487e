//! WAVE, the text form of WIT values.

use super::TextError;
use crate::types::Type;
use crate::value::Value;

/// Reads one value.
pub fn parse(ty: &Type, text: &str) -> Result<Value, TextError> {
    let _ = (ty, text);
    todo!()
}

/// Prints a value of the type.
pub fn print(value: &Value, ty: &Type) -> String {
    let _ = (value, ty);
    todo!()
}

/// Reads an argument list: `("ann", "yes")`, or `"ann", "yes"` without the parentheses.
pub fn parse_arguments(text: &str, types: &[Type]) -> Result<Vec<Value>, TextError> {
    let _ = (text, types);
    todo!()
}

/// Reads arguments as words of a command line: one word that is an argument list, or one word a value. A `string` may
/// then stand without quotes, unless it starts with one.
pub fn parse_words<S: AsRef<str>>(words: &[S], types: &[Type]) -> Result<Vec<Value>, TextError> {
    let _ = (words, types);
    todo!()
}
