//! Why a state was not exported or imported.

use std::io;

use crate::error::{CommitError, OutcomeUnknown, ReadError, StoreError};
use crate::store::export::ImportId;
use crate::tree::Root;

/// Why a state was not exported. What was written so far is no whole file, and no import takes it for one.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Stored bytes could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The destination did not take the bytes.
    #[error("cannot write the export: {source}")]
    Write {
        /// What it said.
        #[source]
        source: io::Error,
    },
}

impl ExportError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            ExportError::Read(error) => error.kind(),
            ExportError::Write { .. } => "write",
        }
    }
}

/// Why a file was not imported. No state was made of it. Offsets are bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file does not start with an export's magic.
    #[error("not an exported state")]
    NotAnExport,
    /// A newer release wrote the file.
    #[error("the export has format {found}, this release reads up to {supported}: use a newer release")]
    NewerFormat {
        /// The format it has.
        found: u32,
        /// The newest format that this release reads.
        supported: u32,
    },
    /// The state's tree was cut by other rules, so it cannot be a state of this store.
    #[error("the export's state tree has parameters that this release cannot use")]
    OtherTree,
    /// The file ends too early. What came before is kept for the next try.
    #[error("the export ends at byte {offset}, before its end")]
    Truncated {
        /// Where it ends.
        offset: u64,
    },
    /// Bytes are not what the file itself says they must be. What came before is kept for the next try.
    #[error("the export is damaged at byte {offset}: {what}")]
    Damaged {
        /// Where the damaged piece starts.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Every hash is right, but this is no state: no store wrote it. Nothing of it is kept.
    #[error("the export is invalid at byte {offset}: {what}")]
    Invalid {
        /// Where the piece starts that is no part of a state.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The file is incremental, and no state or snapshot here has the root that it builds on.
    #[error("the export builds on the root {root}, which no state here has: import one that does first")]
    UnknownBase {
        /// The root.
        root: Root,
    },
    /// The source does not start where the import has to go on.
    #[error("the source starts at byte {given} of the export, the import goes on at byte {needed}")]
    OtherOffset {
        /// Where it starts.
        given: u64,
        /// Where it may start at the latest.
        needed: u64,
    },
    /// The same file is being imported already.
    #[error("import {id} is running already")]
    Running {
        /// The import.
        id: ImportId,
    },
    /// The source could not be read. What came before is kept for the next try.
    #[error("cannot read the export at byte {offset}: {source}")]
    Source {
        /// Where reading failed.
        offset: u64,
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// The store could not keep what came. What is durable already is kept for the next try.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ImportError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            ImportError::NotAnExport => "not-an-export",
            ImportError::NewerFormat { .. } => "newer-format",
            ImportError::OtherTree => "other-tree",
            ImportError::Truncated { .. } => "truncated",
            ImportError::Damaged { .. } => "damaged-export",
            ImportError::Invalid { .. } => "invalid-export",
            ImportError::UnknownBase { .. } => "unknown-base",
            ImportError::OtherOffset { .. } => "other-offset",
            ImportError::Running { .. } => "import-running",
            ImportError::Source { .. } => "source",
            ImportError::Store(error) => error.kind(),
        }
    }
}

impl From<ReadError> for ImportError {
    fn from(error: ReadError) -> ImportError {
        ImportError::Store(error.into())
    }
}

impl From<CommitError> for ImportError {
    fn from(error: CommitError) -> ImportError {
        ImportError::Store(error.into())
    }
}

impl From<OutcomeUnknown> for ImportError {
    fn from(error: OutcomeUnknown) -> ImportError {
        ImportError::Store(error.into())
    }
}
