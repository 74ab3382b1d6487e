//! Why the operator's door stayed shut: one enum per operation.

use stead_schema::Identity;

use crate::error::{HostError, StateError};

/// Why an exported file cannot be read on.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// What was read is no export, or one that was changed or cut short.
    #[error("line {line}: {what}")]
    Refused {
        /// Counted from 1.
        line: u64,
        /// What is wrong there.
        what: String,
    },
    /// It could not be read.
    #[error("the file cannot be read: {0}")]
    Read(#[source] std::io::Error),
    /// What was asked for could not be written out.
    #[error("the lines cannot be written: {0}")]
    Write(#[source] std::io::Error),
    /// It is the state that could not be read.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl FileError {
    pub(super) fn refused(line: u64, what: impl ToString) -> FileError {
        FileError::Refused { line, what: what.to_string() }
    }

    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            FileError::Refused { .. } => "file",
            FileError::Read(_) | FileError::Write(_) => "io",
            FileError::Host(error) => error.kind(),
        }
    }
}

/// Why nothing was imported. The plugin goes on with the state that it had.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No plugin has this name.
    #[error("there is no plugin {plugin:?}")]
    UnknownPlugin {
        /// The name.
        plugin: String,
    },
    /// A hand-off or another import of this plugin is under way.
    #[error("a hand-off or another import of {plugin} is under way")]
    Busy {
        /// The plugin.
        plugin: String,
    },
    /// The file is not what an export writes, or an entry does not have its type.
    #[error(transparent)]
    File(#[from] FileError),
    /// Collections of the file that the plugin cannot take: which, and why.
    #[error("the plugin cannot take this file: {}", reasons(.0))]
    Collections(Vec<(Identity, String)>),
    /// Collections that hold entries already.
    #[error("the plugin holds entries already: {}", reasons(.0))]
    NotEmpty(Vec<(Identity, String)>),
    /// The reason cannot be kept.
    #[error("{what}")]
    Reason {
        /// What is wrong with it.
        what: String,
    },
    /// The file holds changes, or whole collections, and the other was asked for.
    #[error("{what}")]
    Content {
        /// What the file holds and what to do.
        what: &'static str,
    },
    /// The running call did not end in time.
    #[error("the call that {plugin} is in did not end within {patience:?}")]
    Deadline {
        /// The plugin.
        plugin: String,
        /// How long the import waited.
        patience: std::time::Duration,
    },
    /// The host or its store failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl ImportError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            ImportError::UnknownPlugin { .. } => "unknown-plugin",
            ImportError::Busy { .. } => "busy",
            ImportError::File(error) => error.kind(),
            ImportError::Collections(_) => "state",
            ImportError::NotEmpty(_) => "not-empty",
            ImportError::Reason { .. } => "bad-argument",
            ImportError::Content { .. } => "content",
            ImportError::Deadline { .. } => "deadline",
            ImportError::Host(error) => error.kind(),
        }
    }
}

/// Why an entry was not edited. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// No such plugin or collection, or a state that cannot be read.
    #[error(transparent)]
    State(#[from] StateError),
    /// A key, a value or a reason that does not fit.
    #[error("{what}")]
    Input {
        /// What, where, and what was expected.
        what: String,
    },
    /// The entry does not hold what the operator expected.
    #[error("the entry holds {found}, not {expected}")]
    Expected {
        /// What was expected, as WAVE.
        expected: String,
        /// What is there, as WAVE; or the word `nothing`.
        found: String,
    },
    /// The running call did not end in time.
    #[error("the call that {plugin} is in did not end within {patience:?}")]
    Deadline {
        /// The plugin.
        plugin: String,
        /// How long the edit waited.
        patience: std::time::Duration,
    },
}

impl EditError {
    pub(super) fn input(what: impl ToString) -> EditError {
        EditError::Input { what: what.to_string() }
    }

    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            EditError::State(error) => error.kind(),
            EditError::Input { .. } => "bad-argument",
            EditError::Expected { .. } => "expected",
            EditError::Deadline { .. } => "deadline",
        }
    }
}

impl From<HostError> for EditError {
    fn from(error: HostError) -> EditError {
        EditError::State(error.into())
    }
}

fn reasons(collections: &[(Identity, String)]) -> String {
    let texts: Vec<String> = collections.iter().map(|(identity, reason)| format!("{identity}: {reason}")).collect();
    texts.join("; ")
}
