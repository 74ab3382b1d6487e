//! Values as text for people and programs, always by their WIT types.

pub mod json;
pub mod wave;

use crate::types::Type;

/// A text that is no value of its type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct TextError {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub message: String,
}

/// A place in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In WAVE text, a character and, in an argument list, the argument, both counted from 1.
    Character {
        /// The character.
        character: usize,
        /// The argument.
        argument: Option<usize>,
    },
    /// A path in a JSON document: `$.ballot.choice[3]`.
    Json(String),
    /// The argument list as a whole.
    Arguments,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Character { character, argument: None } => write!(f, "at character {character}"),
            Place::Character { character, argument: Some(argument) } => {
                write!(f, "argument {argument}, at character {character}")
            }
            Place::Json(path) => write!(f, "at {path}"),
            Place::Arguments => f.write_str("arguments"),
        }
    }
}

/// Whether that many arguments will do: all, or all but trailing options.
fn is_enough(given: usize, types: &[Type]) -> bool {
    let optional = |ty: &Type| matches!(ty, Type::Option(_));
    types.get(given..).is_some_and(|rest| rest.iter().all(optional))
}

fn wrong_count(expected: &[Type], given: usize) -> TextError {
    let types = expected.iter().map(|ty| format!("`{}`", ty.brief())).collect::<Vec<_>>().join(", ");
    let expected = match expected.len() {
        0 => "none is".to_owned(),
        1 => format!("one is ({types})"),
        count => format!("{count} are ({types})"),
    };
    TextError { place: Place::Arguments, message: format!("{given} given, {expected} expected") }
}
