//! One error shape for every request, over HTTP and in the same process.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::failure::Exit;

/// An error as the control API sends it: `{ "error": { "kind", "message", "place", "help" } }`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ApiError {
    /// A stable word for programs.
    pub(crate) kind: String,
    /// What went wrong, in lower case without a full stop.
    pub(crate) message: String,
    /// Where: an argument, a collection, a file and offset, a backtrace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) help: Option<String>,
}

/// The body of an answer that is no success.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErrorBody {
    pub(crate) error: ApiError,
}

impl ApiError {
    pub(crate) fn new(kind: &str, message: impl fmt::Display) -> Self {
        Self { kind: kind.to_owned(), message: message.to_string(), place: None, help: None }
    }

    pub(crate) fn at(mut self, place: impl fmt::Display) -> Self {
        self.place = Some(place.to_string());
        self
    }

    pub(crate) fn help(mut self, help: impl fmt::Display) -> Self {
        self.help = Some(help.to_string());
        self
    }

    /// The HTTP status and the exit code that the kind stands for.
    fn class(&self) -> (u16, Exit) {
        match self.kind.as_str() {
            "bad-request" | "bad-argument" | "arguments" | "ambiguous-function" | "from" | "client" | "name" => {
                (400, Exit::Usage)
            }
            "unauthorized" => (401, Exit::Host),
            "not-found" | "unknown-plugin" | "unknown-function" | "unknown-collection" | "unknown-state" => {
                (404, Exit::Refused)
            }
            "method-not-allowed" => (405, Exit::Usage),
            "too-large" => (413, Exit::Refused),
            "component" | "file" => (422, Exit::Refused),
            "busy" | "queue-full" => (429, Exit::Refused),
            "trapped" => (500, Exit::Refused),
            "unavailable" | "stopped" => (503, Exit::Refused),
            "closed" => (503, Exit::Host),
            "deadline" => (504, Exit::Refused),
            "no-space" | "checkpoint-failed" => (507, Exit::Host),
            "locked" | "damaged" | "missing" | "catalog" | "newer-format" | "not-a-store" | "read-only" | "io"
            | "directory" | "poisoned" | "outcome-unknown" | "unreachable" | "internal" | "nothing-to-restore"
            | "unsteady" | "unfinished" | "forked" => (500, Exit::Host),
            _ => (409, Exit::Refused),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.class().0
    }

    pub(crate) fn exit(&self) -> Exit {
        self.class().1
    }
}
