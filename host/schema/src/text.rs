//! Values as text for people and programs, always by their WIT types.

pub mod json;
pub mod wave;

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
    /// A byte offset in WAVE text.
    Offset(usize),
    /// A path in a JSON document: `$.ballot.choice[3]`.
    Json(String),
    /// The argument with this index, from 0.
    Argument(usize),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Place::Offset(offset) => write!(f, "at byte {offset}"),
            Place::Json(path) => write!(f, "at {path}"),
            Place::Argument(index) => write!(f, "argument {}", index + 1),
        }
    }
}
