//! Plugins, calls and hand-off on wasmtime: a plugin is a component with typed, durable state whose code can be
//! replaced while it is called.
//!
//! [`Host`] opens a data directory and runs its plugins. Everything that must last is a commit of the store: the
//! catalog of plugins and versions, call results, every phase of a hand-off.
//!
//! This crate is the only one that knows wasmtime. It does not know how bytes reach the disk (`stead-store`), how a
//! value is encoded or which schema fits which (`stead-schema`), and it never prints: that is the binary's.

mod catalog;
mod crash;
mod door;
pub mod engine;
mod error;
mod handoff;
mod host;
pub mod limits;
mod plugin;
mod receipts;

pub use door::{
    Diff, DiffLine, Differences, Edit, EditChange, EditError, Edited, Export, Exported, FileError, ImportError,
    ImportMode, ImportOptions, Imported, Input, StateDigest, diff_files,
};
pub use error::{
    CallError, CancelError, DeployError, HostError, RecordError, RehearseError, ResumeError, RollbackError, StateError,
    SwapError, TrapReport,
};
pub use handoff::{
    Activated, Breach, Calls, Check, CheckError, CheckOptions, Checked, CollectionRehearsal, CollectionVerdict,
    EntryRehearsal, Example, Fate, FunctionChange, FunctionRehearsal, GivenUp, Measure, Migrated, MigratedCollection,
    OnBreach, Otherwise, Outlook, Phase, PhaseTime, Probation, ProbationLength, ProbationReport, ProbationStage,
    ProbationStep, Receipt, ReceiptKind, Refusal, Rehearsal, RehearseOptions, Rehearsed, RollbackOptions, SealedPoint,
    SideFigures, Skipped, StateRehearsal, Swap, SwapOptions, Thresholds, Times,
};
pub use host::{
    CollectionDetails, DataDir, DeployOptions, Deployed, Event, EventReader, Happened, HistoryEntry, HistoryEvent,
    Host, HostInfo, HostOptions, InspectedCollection, InspectedLink, Inspection, LedgerEntry, News, PluginDetails,
    PluginSummary, Recovered, Recovery, ScanOptions, Signature, StateEntry, StatePage, UpgradeFunction, VersionSummary,
    Words,
};
pub use plugin::{Call, CallFigures, CallId, Outcome, Progress, RecordOptions, Recording, Reply, Reuse, UnderWay};
pub use receipts::Receipts;
