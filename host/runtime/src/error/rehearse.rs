//! Rehearsing a swap.

use super::{HostError, SwapError};

/// Why a swap was not rehearsed. What a rehearsal finds is in its report and no error.
#[derive(Debug, thiserror::Error)]
pub enum RehearseError {
    /// Another rehearsal of this plugin is under way.
    #[error("another rehearsal of {plugin} is under way")]
    Busy {
        /// The plugin.
        plugin: String,
    },
    /// Nothing of this name can differ.
    #[error("there is no function and no collection {name:?} that could differ")]
    UnknownName {
        /// What was given.
        name: String,
    },
    /// As for a swap.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

impl RehearseError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            RehearseError::Busy { .. } => "busy",
            RehearseError::UnknownName { .. } => "bad-argument",
            RehearseError::Swap(error) => error.kind(),
        }
    }
}

impl From<HostError> for RehearseError {
    fn from(error: HostError) -> RehearseError {
        RehearseError::Swap(error.into())
    }
}
