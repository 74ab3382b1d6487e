//! What a command ends with when it does not succeed, and the exit code that scripts see.

use std::fmt;
use std::io;

use crate::api::ApiError;

/// The exit codes; `stead --help` documents the same table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing failed that the command answers for.
    Done = 0,
    /// The plugin answered `err`, trapped, or a request was refused.
    Refused = 1,
    /// The command line, or a value on it, was wrong.
    Usage = 2,
    /// The host or its store failed: locked, damaged, full, unreachable.
    Host = 3,
    /// A damaged data directory was repaired, and nothing is lost.
    Repaired = 4,
    /// A damaged data directory was repaired, and what was listed is lost.
    RepairedWithLoss = 5,
}

/// An error as the user reads it: what, where, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) kind: String,
    pub(crate) what: String,
    pub(crate) place: Option<String>,
    pub(crate) help: Option<String>,
    quiet: bool,
}

impl Failure {
    pub(crate) fn refused(kind: &str, what: impl fmt::Display) -> Self {
        Self::new(Exit::Refused, kind, what)
    }

    pub(crate) fn usage(what: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, "usage", what)
    }

    pub(crate) fn host(kind: &str, what: impl fmt::Display) -> Self {
        Self::new(Exit::Host, kind, what)
    }

    /// An exit code without a message: the answer itself was already printed.
    pub(crate) fn silent(exit: Exit) -> Self {
        Self { quiet: true, ..Self::new(exit, "", "") }
    }

    fn new(exit: Exit, kind: &str, what: impl fmt::Display) -> Self {
        Self { exit, kind: kind.to_owned(), what: what.to_string(), place: None, help: None, quiet: false }
    }

    pub(crate) fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    pub(crate) fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }
}

/// Writing to the terminal failed. A reader that went away (`stead list | head -1`) is no error.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::silent(Exit::Done);
        }
        Self::host("io", format!("cannot write the output: {error}"))
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self {
            exit: error.exit(),
            kind: error.kind,
            what: error.message,
            place: error.place,
            help: error.help,
            quiet: false,
        }
    }
}
