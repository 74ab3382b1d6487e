//! Going back to the version before.

use super::{SwapError, reasons};
use crate::handoff::Refusal;

/// Why a plugin did not go back to the version before.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// There is no version before.
    #[error("{plugin} has no version to go back to")]
    NoPrevious {
        /// The plugin.
        plugin: String,
    },
    /// The version before cannot read what was written since.
    #[error("going back would lose what was written since: {}; name a file for it to discard it", reasons(.0))]
    WouldLose(Vec<Refusal>),
    /// As for a swap.
    #[error(transparent)]
    Swap(#[from] SwapError),
}

impl RollbackError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            RollbackError::NoPrevious { .. } => "no-previous",
            RollbackError::WouldLose(_) => "would-lose",
            RollbackError::Swap(error) => error.kind(),
        }
    }
}
