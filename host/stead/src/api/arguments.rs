//! Arguments from text: each by its parameter's type, and errors that say what to type instead.

use stead_runtime::Signature;
use stead_schema::text::{json, wave};
use stead_schema::{Type, Value};

use super::{ApiError, Arguments, FunctionInfo};

/// The values that a call's text stands for.
pub(super) fn parse(signature: &Signature, arguments: &Arguments) -> Result<Vec<Value>, ApiError> {
    let types: Vec<Type> = signature.params.iter().map(|(_, ty)| ty.clone()).collect();
    match arguments {
        Arguments::WaveList(text) => {
            wave::parse_arguments(text, &types).map_err(|error| bad(signature, error).at(cut(text)))
        }
        Arguments::Wave(texts) => {
            check_count(signature, texts.len())?;
            let each = texts.iter().zip(&types).enumerate();
            each.map(|(index, (text, ty))| {
                wave::parse(ty, text).map_err(|error| {
                    let error = bad(signature, error).at(parameter(signature, index, text));
                    match what_to_type(ty, text) {
                        Some(help) => error.help(help),
                        None => error,
                    }
                })
            })
            .collect()
        }
        Arguments::Json(values) => {
            check_count(signature, values.len())?;
            let each = values.iter().zip(&types).enumerate();
            each.map(|(index, (value, ty))| {
                json::from_json(ty, value)
                    .map_err(|error| bad(signature, error).at(parameter(signature, index, &value.to_string())))
            })
            .collect()
        }
    }
}

fn check_count(signature: &Signature, given: usize) -> Result<(), ApiError> {
    let takes = signature.params.len();
    if takes == given {
        return Ok(());
    }
    let noun = if takes == 1 { "argument" } else { "arguments" };
    Err(bad(signature, format!("it takes {takes} {noun}, {given} given")))
}

fn bad(signature: &Signature, error: impl std::fmt::Display) -> ApiError {
    let function = FunctionInfo::from(signature.clone());
    ApiError::new("bad-argument", format!("wrong arguments: {error}"))
        .help(format!("the function is `{}`", function.wit()))
}

/// `argument 1, voter: string: ann`.
fn parameter(signature: &Signature, index: usize, text: &str) -> String {
    let (name, ty) = &signature.params[index];
    format!("argument {}, `{name}: {ty}`: {}", index + 1, cut(text))
}

/// The beginning of a text that may be megabytes long.
fn cut(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{} … ({} bytes in all)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

/// For text that a shell stripped of its quotes, or that never had any: the exact words to type.
fn what_to_type(ty: &Type, text: &str) -> Option<String> {
    let quoted = match ty {
        Type::String if !text.starts_with('"') => format!("\"{}\"", text.escape_debug()),
        Type::Char if !text.starts_with('\'') && text.chars().count() == 1 => {
            return Some(format!("a char is written in single quotes: \"'{text}'\""));
        }
        Type::Option(inner) => {
            what_to_type(inner, text)?;
            return Some(format!(
                "an option is written `none` or `some(…)`, a string inside it in double quotes: {}",
                shell(&format!("some(\"{}\")", text.escape_debug()))
            ));
        }
        _ => return None,
    };
    Some(format!("a string keeps its double quotes; type: {}", shell(&quoted)))
}

/// Text as one word of a shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote() -> Signature {
        Signature {
            path: "acme:tally/api@1.0.0#vote".to_owned(),
            params: vec![("voter".to_owned(), Type::String), ("weight".to_owned(), Type::U8)],
            result: None,
        }
    }

    #[test]
    fn a_bare_string_is_refused_with_what_to_type() {
        let error = parse(&vote(), &Arguments::Wave(vec!["ann".to_owned(), "1".to_owned()])).unwrap_err();
        assert_eq!(error.kind, "bad-argument");
        assert!(error.place.as_deref().is_some_and(|place| place.contains("argument 1, `voter: string`")));
        assert_eq!(error.help.as_deref(), Some(r#"a string keeps its double quotes; type: '"ann"'"#));
    }

    #[test]
    fn the_count_is_checked_with_the_signature() {
        let error = parse(&vote(), &Arguments::Json(vec![])).unwrap_err();
        assert!(error.message.contains("2 arguments, 0 given"), "{error:?}");
        assert!(error.help.is_some_and(|help| help.contains("vote: func(voter: string, weight: u8)")));
    }

    #[test]
    fn a_long_argument_is_not_repeated_whole() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"é".repeat(1000)).chars().count(), 200 + " … (2000 bytes in all)".chars().count());
    }

    #[test]
    fn quotes_survive_the_shell() {
        assert_eq!(shell("\"it's\""), r#"'"it'\''s"'"#);
    }
}
