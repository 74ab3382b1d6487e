//! Why a plugin did not go back to the version before, or was not let go on.

use super::{HostError, SwapError, reasons};
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

/// Why a hand-off was not cancelled.
#[derive(Debug, thiserror::Error)]
pub enum CancelError {
    /// No plugin has this name.
    #[error("there is no plugin {plugin:?}")]
    UnknownPlugin {
        /// The plugin.
        plugin: String,
    },
    /// There is none.
    #[error("no hand-off of {plugin} is under way")]
    NotUnderWay {
        /// The plugin.
        plugin: String,
    },
    /// It was committed.
    #[error("the hand-off of {plugin} was done before it could be cancelled")]
    TooLate {
        /// The plugin.
        plugin: String,
    },
    /// The host or its store failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl CancelError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            CancelError::UnknownPlugin { .. } => "unknown-plugin",
            CancelError::NotUnderWay { .. } => "not-under-way",
            CancelError::TooLate { .. } => "too-late",
            CancelError::Host(error) => error.kind(),
        }
    }
}

/// Why the calls of a plugin were not let in again.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// No plugin has this name.
    #[error("there is no plugin {plugin:?}")]
    UnknownPlugin {
        /// The plugin.
        plugin: String,
    },
    /// Its calls are let in.
    #[error("{plugin} is not stopped")]
    NotStopped {
        /// The plugin.
        plugin: String,
    },
    /// The host or its store failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl ResumeError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            ResumeError::UnknownPlugin { .. } => "unknown-plugin",
            ResumeError::NotStopped { .. } => "not-stopped",
            ResumeError::Host(error) => error.kind(),
        }
    }
}
