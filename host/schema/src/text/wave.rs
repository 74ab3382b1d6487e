//! WAVE, the text form of WIT values: `{choice: "yes", at: 12}`, `some([1, 2])`, `ok(true)`.
//!
//! Fields that are `none` are not printed and may be left out, as may the `some(…)` around a plain value. A type that
//! names members like WAVE's keywords is read and printed with `%`, as in WIT.

mod bridge;
mod room;

use std::borrow::Cow;

use wasm_wave::parser::{Parser, ParserError, ParserErrorKind};
use wasm_wave::untyped::UntypedFuncCall;

use super::{Place, TextError, is_enough, wrong_count};
use crate::limits::FIELDS_LEFT_OUT_MAX;
use crate::types::Type;
use crate::value::Value;

/// Reads one value.
pub fn parse(ty: &Type, text: &str) -> Result<Value, TextError> {
    refuse_too_much_left_out(std::slice::from_ref(ty), text)?;
    let ended = ended(text);
    let mut parser = Parser::new(&ended);
    let value = parser.parse_value(ty).and_then(|value| parser.finish().map(|()| value));
    value.map_err(|error| explain(&error, text, &format!("`{}`", ty.brief()), None))
}

/// Prints a value of the type.
pub fn print(value: &Value, ty: &Type) -> String {
    let _ = ty;
    wasm_wave::to_string(value).expect("every WIT value has a WAVE form, and writing to a string does not fail")
}

/// Reads an argument list: `("ann", "yes")`, or `"ann", "yes"` without the parentheses. Trailing options may be left out.
pub fn parse_arguments(text: &str, types: &[Type]) -> Result<Vec<Value>, TextError> {
    refuse_too_much_left_out(types, text)?;
    let text = text.trim();
    let bare = format!("f({text})");
    let listed = text.starts_with('(').then(|| format!("f{}", ended(text)));
    // `(1, 2)` is two arguments, but also one tuple: the reading that fits the types counts.
    let calls = listed.iter().map(|call| (call, 1)).chain([(&bare, 2)]);
    let mut first_error = None;
    for (call, added) in calls {
        match call_arguments(call, added, types) {
            Ok(values) => return Ok(values),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| wrong_count(types, 0)))
}

fn refuse_too_much_left_out(types: &[Type], text: &str) -> Result<(), TextError> {
    if types.iter().any(|ty| room::leaves_out_too_much(ty, text)) {
        let message =
            format!("more than {FIELDS_LEFT_OUT_MAX} fields may be left out of the whole text; give them as `none`");
        return Err(TextError { place: Place::Arguments, message });
    }
    Ok(())
}

/// The text with an end that the lexer below can bear: it panics on a comment of no characters that nothing follows.
fn ended(text: &str) -> Cow<'_, str> {
    if text.ends_with("//") { format!("{text}\n").into() } else { text.into() }
}

/// Reads the arguments of a call in WAVE's syntax, in which `added` characters stand before the user's own text.
fn call_arguments(call: &str, added: usize, types: &[Type]) -> Result<Vec<Value>, TextError> {
    let expected = types.iter().map(Type::brief).collect::<Vec<_>>().join(", ");
    let in_list = |error: ParserError| explain(&error, call, &format!("`({expected})`"), None).moved_back(added);
    let parsed = UntypedFuncCall::parse(call).map_err(in_list)?;
    let nodes = match parsed.params_node() {
        Some(node) => node.as_tuple().map_err(in_list)?.collect(),
        None => Vec::new(),
    };
    if !is_enough(nodes.len(), types) {
        return Err(wrong_count(types, nodes.len()));
    }
    let argument = |(index, ty): (usize, &Type)| match nodes.get(index) {
        None => Ok(Value::none()),
        Some(node) => node.to_wasm_value(ty, call).map_err(|error: ParserError| {
            explain(&error, call, &format!("`{}`", ty.brief()), Some(index + 1)).moved_back(added)
        }),
    };
    types.iter().enumerate().map(argument).collect()
}

fn explain(error: &ParserError, text: &str, expected: &str, argument: Option<usize>) -> TextError {
    let span = error.span();
    let end = span.end.min(text.len());
    let start = span.start.min(end);
    let found = text.get(start..end).unwrap_or_default();
    let character = text.get(..start).map_or(start, |before| before.chars().count()) + 1;
    let cause = std::error::Error::source(error).map(|source| source.to_string());
    let cause = cause.or_else(|| error.detail().map(str::to_owned));
    let message = match (error.kind(), cause) {
        (ParserErrorKind::UnexpectedEnd, _) => format!("the text ends too early for {expected}"),
        (ParserErrorKind::TrailingCharacters, _) => format!("`{found}` follows the value; expected only {expected}"),
        (ParserErrorKind::WasmValueError, Some(cause)) => format!("`{found}`: {cause}; expected {expected}"),
        (ParserErrorKind::InvalidType | ParserErrorKind::InvalidValue, None) => {
            format!("`{found}` does not fit; expected {expected}")
        }
        (kind, None) => format!("`{found}`: {kind}; expected {expected}"),
        (kind, Some(cause)) => format!("`{found}`: {kind}, {cause}; expected {expected}"),
    };
    TextError { place: Place::Character { character, argument }, message }
}

impl TextError {
    /// The same error in the user's text, which started after `added` characters.
    fn moved_back(mut self, added: usize) -> TextError {
        if let Place::Character { character, .. } = &mut self.place {
            *character = character.saturating_sub(added).max(1);
        }
        self
    }
}
