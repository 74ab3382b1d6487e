//! Reading a plugin's state.

use super::HostError;

/// Why a plugin's state could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// No plugin has this name.
    #[error("there is no plugin {plugin:?}")]
    UnknownPlugin {
        /// The name.
        plugin: String,
    },
    /// The plugin keeps no such collection.
    #[error("{plugin} keeps no collection {collection:?}; it keeps {}", .collections.join(", "))]
    UnknownCollection {
        /// The plugin.
        plugin: String,
        /// The name that was asked for.
        collection: String,
        /// What there is.
        collections: Vec<String>,
    },
    /// The plugin keeps no last state of this version.
    #[error("{plugin} keeps no state of version {generation}; it keeps {}", if .kept.is_empty() { "none" .to_owned() } else { .kept.join(", ") })]
    UnknownState {
        /// The plugin.
        plugin: String,
        /// The version that was asked for.
        generation: u64,
        /// What there is.
        kept: Vec<String>,
    },
    /// The text that names the first entry is not a key of the collection.
    #[error("cannot start at {from:?}: {reason}")]
    From {
        /// The text.
        from: String,
        /// What is wrong.
        reason: String,
    },
    /// The host or its store failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl StateError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            StateError::UnknownPlugin { .. } => "unknown-plugin",
            StateError::UnknownCollection { .. } => "unknown-collection",
            StateError::UnknownState { .. } => "unknown-state",
            StateError::From { .. } => "from",
            StateError::Host(error) => error.kind(),
        }
    }
}
