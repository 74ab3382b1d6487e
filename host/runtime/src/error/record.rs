//! Recording a plugin's calls.

use super::HostError;

/// Why calls are not recorded as was asked.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// No plugin has this name.
    #[error("there is no plugin {plugin:?}")]
    UnknownPlugin {
        /// The name.
        plugin: String,
    },
    /// More than may be recorded, or nothing.
    #[error("1 to {max} {unit} can be recorded, not {asked}")]
    Bound {
        /// What was asked for.
        asked: u64,
        /// The most that there may be.
        max: u64,
        /// Calls or bytes.
        unit: &'static str,
    },
    /// The host or its store failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl RecordError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            RecordError::UnknownPlugin { .. } => "unknown-plugin",
            RecordError::Bound { .. } => "bad-argument",
            RecordError::Host(error) => error.kind(),
        }
    }
}
