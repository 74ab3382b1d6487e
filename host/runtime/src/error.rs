//! The runtime's errors: one enum per operation, each with a stable `kind()` for scripts.

mod record;
mod rehearse;
mod rollback;
mod state;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stead_store::{CommitError, OpenError, OutcomeUnknown, ReadError, StoreError};

pub use record::RecordError;
pub use rehearse::RehearseError;
pub use rollback::{CancelError, ResumeError, RollbackError};
pub use state::StateError;

use crate::engine::{ComponentError, SettingsError};
use crate::handoff::{Phase, Receipt, Refusal};

/// What is known of a guest that trapped. Its writes are discarded and the plugin goes on with a new instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrapReport {
    /// A stable word: `unreachable`, `deadline`, `memory`, `stack`, …
    pub kind: String,
    /// What happened.
    pub message: String,
    /// Where, as far as the component tells.
    pub backtrace: Vec<String>,
    /// The end of what the guest wrote to standard error.
    pub stderr: String,
}

/// Why a call has no result of the plugin's own.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// No plugin has this name.
    #[error("there is no plugin {plugin:?}")]
    UnknownPlugin {
        /// The name.
        plugin: String,
    },
    /// The active version exports no such function.
    #[error("{plugin} exports no function {function:?}; it exports {}", .exports.join(", "))]
    UnknownFunction {
        /// The plugin.
        plugin: String,
        /// The name that was asked for.
        function: String,
        /// What there is.
        exports: Vec<String>,
    },
    /// The short name fits several functions.
    #[error("{function:?} may be {}; say which", .candidates.join(" or "))]
    AmbiguousFunction {
        /// The name that was asked for.
        function: String,
        /// Full names that it fits.
        candidates: Vec<String>,
    },
    /// The arguments are not of the function's types.
    #[error("wrong arguments for {function}: {message}")]
    Arguments {
        /// The function's full name.
        function: String,
        /// What is wrong.
        message: String,
    },
    /// Too many calls wait for this plugin.
    #[error("{waiting} calls wait for {plugin} already")]
    QueueFull {
        /// The plugin.
        plugin: String,
        /// Calls that wait.
        waiting: usize,
    },
    /// The deadline passed while the call waited for its turn. It was not executed.
    #[error("the deadline passed after {waited:.1?} of waiting; the call was not executed")]
    Deadline {
        /// How long it waited.
        waited: Duration,
    },
    /// The plugin's code cannot run.
    #[error("{plugin} cannot run: {reason}")]
    Unavailable {
        /// The plugin.
        plugin: String,
        /// Why.
        reason: String,
    },
    /// A probation stopped the version that serves. The call was not executed and can be repeated later.
    #[error("{plugin} was stopped on probation: {reason}; the call was not executed")]
    Stopped {
        /// The plugin.
        plugin: String,
        /// Why.
        reason: String,
    },
    /// The guest trapped; nothing that it wrote was kept.
    #[error("{plugin} trapped ({}): {}", .trap.kind, .trap.message)]
    Trapped {
        /// The plugin.
        plugin: String,
        /// What is known.
        trap: TrapReport,
        /// The call had run before; this is its recorded end.
        replayed: bool,
    },
    /// The call id was used before for other arguments or another function.
    #[error("call {client}:{sequence} was made before with another function or other arguments")]
    IdReused {
        /// The client.
        client: String,
        /// Its sequence.
        sequence: u64,
    },
    /// The result was forgotten; the call is never executed again.
    #[error(
        "call {client}:{sequence} lies below the window of kept results, which starts at {floor}; it is not executed"
    )]
    BelowWindow {
        /// The client.
        client: String,
        /// Its sequence.
        sequence: u64,
        /// The lowest sequence that is still kept.
        floor: u64,
    },
    /// The call had been executed, and a rollback took its writes back.
    #[error("call {client}:{sequence} was executed and then undone by a rollback")]
    Undone {
        /// The client.
        client: String,
        /// Its sequence.
        sequence: u64,
    },
    /// The client's name is empty or too long.
    #[error("call id refused: {reason}")]
    Client {
        /// What is wrong.
        reason: String,
    },
    /// The plugin keeps the results of as many clients as it may, and this is a further one.
    #[error("`{plugin}` keeps the results of {clients_max} clients and takes no calls with ids of others")]
    ClientsFull {
        /// The plugin.
        plugin: String,
        /// [`Limits::clients_max`](crate::limits::Limits::clients_max).
        clients_max: usize,
    },
    /// The commit was refused before it was accepted; nothing was written.
    #[error("the call's writes were refused: {0}")]
    Refused(#[source] CommitError),
    /// The disk failed while the commit was on its way: it may be there after a restart, or not.
    #[error("the outcome of the call is unknown: {0}")]
    OutcomeUnknown(#[source] OutcomeUnknown),
    /// Stored bytes could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The catalog holds something that this host does not understand.
    #[error("the catalog cannot be read: {what}")]
    Catalog {
        /// What.
        what: String,
    },
    /// The host is closing.
    #[error("the host is closing")]
    Closed,
}

impl CallError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            CallError::UnknownPlugin { .. } => "unknown-plugin",
            CallError::UnknownFunction { .. } => "unknown-function",
            CallError::AmbiguousFunction { .. } => "ambiguous-function",
            CallError::Arguments { .. } => "arguments",
            CallError::QueueFull { .. } => "queue-full",
            CallError::Deadline { .. } => "deadline",
            CallError::Unavailable { .. } => "unavailable",
            CallError::Stopped { .. } => "stopped",
            CallError::Trapped { .. } => "trapped",
            CallError::IdReused { .. } => "id-reused",
            CallError::BelowWindow { .. } => "below-window",
            CallError::Undone { .. } => "undone",
            CallError::Client { .. } => "client",
            CallError::ClientsFull { .. } => "clients-full",
            CallError::Refused(error) => error.kind(),
            CallError::OutcomeUnknown(_) => "outcome-unknown",
            CallError::Read(error) => error.kind(),
            CallError::Catalog { .. } => "catalog",
            CallError::Closed => "closed",
        }
    }
}

/// Why a component was not deployed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The name cannot be a plugin's.
    #[error("{name:?} cannot be a plugin's name: {reason}")]
    Name {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is a plugin of this name.
    #[error("there is a plugin {name:?} already; `swap` replaces its version")]
    Exists {
        /// The name.
        name: String,
    },
    /// The settings cannot be given.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// There is no plugin to fork.
    #[error("there is no plugin {name:?}")]
    UnknownOrigin {
        /// The name.
        name: String,
    },
    /// The plugin to fork did not come to the end of its call in time.
    #[error("the call that {name} is in did not end within {patience:?}")]
    OriginBusy {
        /// The plugin.
        name: String,
        /// How long the fork waited.
        patience: Duration,
    },
    /// The component cannot be a plugin.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// Its state was refused.
    #[error("the component's state is refused: {}", reasons(.0))]
    State(Vec<Refusal>),
    /// Its links were refused.
    #[error("the component's links are refused: {}", reasons(.0))]
    Links(Vec<Refusal>),
    /// The host or its store failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl DeployError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            DeployError::Name { .. } => "name",
            DeployError::Exists { .. } => "exists",
            DeployError::Settings(_) => "settings",
            DeployError::UnknownOrigin { .. } => "unknown-plugin",
            DeployError::OriginBusy { .. } => "deadline",
            DeployError::Component(_) => "component",
            DeployError::State(_) => "state",
            DeployError::Links(_) => "links",
            DeployError::Host(error) => error.kind(),
        }
    }
}

/// Why a version was not replaced. The incumbent serves.
#[derive(Debug, thiserror::Error)]
pub enum SwapError {
    /// No plugin has this name.
    #[error("there is no plugin {plugin:?}")]
    UnknownPlugin {
        /// The name.
        plugin: String,
    },
    /// Another hand-off of this plugin is under way.
    #[error("another hand-off of {plugin} is under way")]
    Busy {
        /// The plugin.
        plugin: String,
    },
    /// The settings cannot be given.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The component cannot be a plugin.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// The successor cannot take over this state.
    #[error("the successor cannot take over this state: {}", reasons(.0))]
    State(Vec<Refusal>),
    /// What it calls in other plugins is not there, or what others call in it would be gone.
    #[error("the successor does not fit to other plugins: {}", reasons(.0))]
    Links(Vec<Refusal>),
    /// The hand-off was given up in one of its phases; the receipt is in the history.
    #[error("the hand-off was given up ({}): {reason}", phase_word(*.phase))]
    Aborted {
        /// Where.
        phase: Phase,
        /// Why.
        reason: String,
        /// What was recorded, one for each plugin.
        receipts: Vec<Receipt>,
    },
    /// Another version is active than the one that a rehearsal compared with.
    #[error("another version of {plugin} became active while this swap was rehearsed")]
    Moved {
        /// The plugin.
        plugin: String,
    },
    /// One of several plugins that were to change hands together.
    #[error("{plugin}: {source}")]
    Of {
        /// The plugin.
        plugin: String,
        /// What is wrong with its swap.
        #[source]
        source: Box<SwapError>,
    },
    /// A plugin was named more than once.
    #[error("{plugin} is named twice; it can have one new version")]
    Twice {
        /// The plugin.
        plugin: String,
    },
    /// Too many plugins for one hand-off.
    #[error("{swaps} plugins are too many for one hand-off; it takes {}", crate::limits::SWAPS_MAX)]
    TooMany {
        /// How many there were.
        swaps: usize,
    },
    /// The host or its store failed.
    #[error(transparent)]
    Host(#[from] HostError),
}

impl SwapError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            SwapError::UnknownPlugin { .. } => "unknown-plugin",
            SwapError::Busy { .. } => "busy",
            SwapError::Settings(_) => "settings",
            SwapError::Component(_) => "component",
            SwapError::State(_) => "state",
            SwapError::Links(_) => "links",
            SwapError::Aborted { .. } => "aborted",
            SwapError::Moved { .. } => "moved",
            SwapError::Of { source, .. } => source.kind(),
            SwapError::Twice { .. } | SwapError::TooMany { .. } => "refused",
            SwapError::Host(error) => error.kind(),
        }
    }
}

impl SwapError {
    /// What a hand-off that was given up recorded.
    pub(crate) fn aborted(receipts: Vec<Receipt>) -> SwapError {
        let given_up = receipts.first().and_then(Receipt::given_up);
        let (phase, reason) = given_up.unwrap_or((Phase::Negotiating, "unknown"));
        SwapError::Aborted { phase, reason: reason.to_owned(), receipts }
    }

    /// The same, of one of several plugins.
    pub(crate) fn of(self, plugin: String) -> SwapError {
        SwapError::Of { plugin, source: Box::new(self) }
    }
}

/// Why the host or its store could not go on.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The data directory does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The data directory cannot be made or reached.
    #[error("cannot open {path}: {source}")]
    Directory {
        /// Its path.
        path: String,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A commit was refused.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The disk failed while a commit was on its way.
    #[error(transparent)]
    OutcomeUnknown(#[from] OutcomeUnknown),
    /// Stored bytes could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A newer release wrote a record of the catalog.
    #[error("record {record} of the catalog has version {version}: a newer release wrote it; use that release")]
    NewerRecord {
        /// Its key, escaped.
        record: String,
        /// Its version.
        version: u8,
    },
    /// The catalog or a ledger holds something that this host does not understand.
    #[error("the catalog is damaged: {what}")]
    Catalog {
        /// What.
        what: String,
    },
}

impl HostError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            HostError::Open(error) => error.kind(),
            HostError::Directory { .. } => "directory",
            HostError::Commit(error) => error.kind(),
            HostError::OutcomeUnknown(_) => "outcome-unknown",
            HostError::Read(error) => error.kind(),
            HostError::Store(error) => error.kind(),
            HostError::NewerRecord { .. } => "newer-format",
            HostError::Catalog { .. } => "catalog",
        }
    }
}

impl From<HostError> for CallError {
    fn from(error: HostError) -> CallError {
        match error {
            HostError::Read(error) => CallError::Read(error),
            HostError::Commit(error) => CallError::Refused(error),
            HostError::OutcomeUnknown(error) => CallError::OutcomeUnknown(error),
            HostError::Catalog { what } => CallError::Catalog { what },
            other => CallError::Catalog { what: other.to_string() },
        }
    }
}

fn reasons(refusals: &[Refusal]) -> String {
    let texts: Vec<String> = refusals.iter().map(|r| format!("{}: {}", r.subject, r.reason)).collect();
    texts.join("; ")
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Negotiating => "negotiating",
        Phase::Draining => "draining",
        Phase::Sealing => "sealing",
        Phase::AwaitingReady => "awaiting ready",
        Phase::Committed => "committed",
        Phase::ResumingAfterAbort => "resuming after abort",
    }
}
