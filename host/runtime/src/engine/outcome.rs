//! How a call ends.

use std::fmt;

use stead_schema::Value;
use stead_store::ReadError;

/// How a call ended. After anything but [`CallEnd::Returned`] the caller drops the transaction.
#[derive(Debug)]
pub(crate) enum CallEnd {
    /// It returned. A `result<T, _>` is unwrapped: this is what `ok` holds.
    Returned(Option<Value>),
    /// It returned a `result<_, E>` that is `err`: this is what `err` holds.
    Failed(Option<Value>),
    /// It did not return. The instance must be thrown away.
    Trapped(Trap),
    /// State could not be read: damage, or a disk error; no fault of the guest. The instance must be thrown away.
    Unreadable(Unreadable),
    /// The arguments do not fit the function; the guest was not entered.
    Refused(ArgumentError),
    /// A linked plugin could not be entered: it does not start. The instance must be thrown away.
    Unavailable {
        /// The linked plugin.
        plugin: String,
        /// Why.
        reason: String,
    },
}

impl CallEnd {
    /// Whether the instance may serve another call.
    pub(crate) fn keeps_instance(&self) -> bool {
        matches!(self, CallEnd::Returned(_) | CallEnd::Refused(_))
    }
}

/// A call that was cut short: by the guest itself, or by a limit of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// What cut it short.
    pub kind: TrapKind,
    /// One sentence for the caller.
    pub message: String,
    /// The guest's functions, innermost first, as far as the component names them.
    pub backtrace: Vec<String>,
    /// The end of what the guest wrote to standard error: script guests leave their exception there.
    pub stderr: String,
}

/// What cut a call short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrapKind {
    /// The guest: a panic, an exception, an instruction that traps.
    Guest,
    /// It ran past its deadline.
    Deadline,
    /// It asked for more memory or table elements than its limit.
    Memory,
    /// It recursed too deep.
    Stack,
    /// It went past another named limit: of a key, a value, a transaction, a counter.
    Limit,
    /// It did what the call does not allow: a write while reading, an old collection outside a migration.
    Forbidden,
    /// It ended itself with `exit`.
    Exit,
    /// The host failed it, for instance with a value that the guest's type does not have.
    Host,
}

impl TrapKind {
    /// A stable word for logs, records and JSON.
    pub fn name(self) -> &'static str {
        match self {
            TrapKind::Guest => "guest",
            TrapKind::Deadline => "deadline",
            TrapKind::Memory => "memory",
            TrapKind::Stack => "stack",
            TrapKind::Limit => "limit",
            TrapKind::Forbidden => "forbidden",
            TrapKind::Exit => "exit",
            TrapKind::Host => "host",
        }
    }
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        let tail = self.stderr.trim_end();
        if !tail.is_empty() {
            write!(f, "\nstandard error of the plugin:\n{tail}")?;
        }
        if !self.backtrace.is_empty() {
            write!(f, "\nbacktrace of the plugin:")?;
            for frame in &self.backtrace {
                write!(f, "\n  {frame}")?;
            }
        }
        Ok(())
    }
}

/// State that could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The store could not read it.
    #[error("state of collection {collection} could not be read: {source}")]
    Store {
        /// The collection's identity.
        collection: String,
        /// What the store said.
        #[source]
        source: ReadError,
    },
    /// The store read it, but it is no value of the schema that it names.
    #[error("an entry of collection {collection} is no value of its schema: {what}")]
    Value {
        /// The collection's identity.
        collection: String,
        /// What is wrong with it.
        what: String,
    },
}

/// Arguments that do not fit a function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// Too few or too many.
    #[error("{function} takes {takes} arguments, not {given}")]
    Count {
        /// The function's full name.
        function: String,
        /// How many it takes.
        takes: usize,
        /// How many were given.
        given: usize,
    },
    /// One has another type.
    #[error("argument {parameter} of {function}: {what} at {path}")]
    Type {
        /// The function's full name.
        function: String,
        /// The parameter's name.
        parameter: String,
        /// Where in the argument.
        path: String,
        /// What does not fit.
        what: String,
    },
}
