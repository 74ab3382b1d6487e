//! What a host tells about its plugins.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use stead_schema::{Kind, Schema, Type, Value};

use crate::door::{Edited, Imported};
use crate::engine::{LinkTo, Settings};
use crate::handoff::{Phase, ProbationReport, ProbationStage, ProbationStep, Receipt};
use crate::plugin::{CallFigures, Progress, Recording, Reuse, UnderWay};

/// A version, as reports name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSummary {
    /// Its number; each deploy and each swap takes the next one.
    pub generation: u64,
    /// The operator's name for it.
    pub label: Option<String>,
    /// The BLAKE3 hash of its component, in hexadecimal.
    pub component: String,
    /// When it was deployed, in milliseconds since 1970.
    pub deployed_at_ms: u64,
}

/// What a deploy did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Deployed {
    /// The plugin.
    pub plugin: String,
    /// Its first version.
    pub version: VersionSummary,
    /// Its exported functions.
    pub functions: Vec<Signature>,
    /// The collections that it declares.
    pub collections: Vec<InspectedCollection>,
    /// What it calls in other plugins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkTo>,
}

/// An exported function and its types, to read arguments and print results by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// The full name: `acme:tally/api@1.0.0#vote`, or `run` for a function of the world itself.
    pub path: String,
    /// Names and types of the parameters.
    pub params: Vec<(String, Type)>,
    /// The declared result; a `result<_, E>` is shown as such here, while a reply holds its payload.
    pub result: Option<Type>,
}

/// One plugin in a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PluginSummary {
    /// Its name.
    pub name: String,
    /// The active version.
    pub version: VersionSummary,
    /// How many versions it has had active so far, rollbacks included.
    pub era: u64,
    /// Why its code cannot run; its state can be read and its version replaced all the same.
    pub problem: Option<String>,
    /// The phase of the hand-off that is under way.
    pub handoff: Option<Phase>,
    /// How far its migration has come, while one converts the state entry by entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// More about the hand-off that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_way: Option<UnderWay>,
    /// What the active version calls in other plugins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkTo>,
    /// How far its probation is, if it is on probation or was stopped by one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probation: Option<ProbationStage>,
}

/// Everything about one plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PluginDetails {
    /// What the list shows.
    #[serde(flatten)]
    pub summary: PluginSummary,
    /// Exported functions; empty if the component does not load.
    pub functions: Vec<Signature>,
    /// Its collections, by what the state itself records.
    pub collections: Vec<CollectionDetails>,
    /// The BLAKE3 root of the state, in hexadecimal.
    pub root: String,
    /// Commits of its state so far.
    pub commits: u64,
    /// Whether instances are kept between calls.
    pub reuse: Reuse,
    /// What the active version reads through `wasi:config`.
    pub settings: Settings,
    /// Links that the operator named and the active version does not use; a later one may.
    pub unused_links: Vec<LinkTo>,
    /// The plugins whose active versions call this one.
    pub callers: Vec<String>,
    /// Calls that wait right now.
    pub waiting: u64,
    /// Figures of the active version's calls.
    pub figures: CallFigures,
    /// The probation of the active version, if it is on one or was stopped by one.
    pub probation_report: Option<ProbationReport>,
    /// All versions, the oldest first.
    pub versions: Vec<VersionSummary>,
    /// Which calls are recorded, if any are.
    pub recording: Option<Recording>,
    /// Whether `rollback` has a version to go back to.
    pub previous: Option<VersionSummary>,
}

/// A collection of a plugin's state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CollectionDetails {
    /// `acme:tally/ballots@1`.
    pub identity: String,
    /// Cell, map, log or counter.
    pub kind: Kind,
    /// The type of its keys, for a map.
    pub key: Option<Type>,
    /// The type of its values; none for a counter or where no version has shown it.
    pub value: Option<Type>,
    /// How many schemas its entries may have been written under.
    pub schemas: u32,
    /// Entries: of a map or log; 0 or 1 for a cell.
    pub entries: u64,
    /// The active version does not import it; it is kept.
    pub dormant: bool,
    /// It was dropped by name; only the tombstone is left.
    pub dropped: bool,
}

/// Everything that a state's ledger records about a collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// What there is to say about it in short.
    #[serde(flatten)]
    pub details: CollectionDetails,
    /// Its number in the state's layout.
    pub number: u32,
    /// Label of the version that wrote this record.
    pub writer: String,
    /// Every schema that its entries may have been written under; the index is the schema number.
    pub schemas: Vec<Schema>,
}

/// One page of a collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StatePage {
    /// The collection.
    pub collection: CollectionDetails,
    /// Its entries, in the asked order.
    pub entries: Vec<StateEntry>,
    /// Where the next page starts (pass as `from`), as WAVE.
    pub next: Option<String>,
}

/// One entry, typed by [`CollectionDetails::key`] and [`CollectionDetails::value`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StateEntry {
    /// The key of a map's entry, the index (`u64`) of a log's.
    pub key: Option<Value>,
    /// The value; `s64` or `u64` for a counter.
    pub value: Value,
}

/// One event of a plugin's history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Its place, from 1.
    pub number: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// What happened.
    pub event: HistoryEvent,
}

/// What happened to a plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HistoryEvent {
    /// Its first version was deployed.
    Deployed {
        /// The version.
        version: VersionSummary,
    },
    /// A hand-off ended, in a new active version or in an abort.
    HandOff {
        /// What it did.
        receipt: Box<Receipt>,
    },
    /// An operator changed one entry.
    Edited {
        /// Which, and why; long keys and values are cut.
        edited: Box<Edited>,
    },
    /// An exported state came in.
    Imported {
        /// What it was.
        imported: Box<Imported>,
    },
    /// It began with the state of another plugin.
    Forked {
        /// The other plugin.
        from: String,
        /// The version.
        version: VersionSummary,
    },
    /// Something happened in the probation of a version.
    Probation {
        /// The version.
        version: VersionSummary,
        /// What.
        step: Box<ProbationStep>,
    },
}

/// What a component is, before it is deployed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inspection {
    /// The BLAKE3 hash of its bytes, in hexadecimal.
    pub component: String,
    /// Its size.
    pub bytes: u64,
    /// Exported functions.
    pub functions: Vec<Signature>,
    /// The state it declares.
    pub collections: Vec<InspectedCollection>,
    /// Imports that can only be links, since they are no collections.
    pub links: Vec<InspectedLink>,
    /// Interfaces of the host that it imports (`wasi:…`, `stead:…`).
    pub imports: Vec<String>,
    /// It brings a migration.
    pub migrates: bool,
    /// Functions that convert entries of earlier tracks.
    pub upgrades: Vec<UpgradeFunction>,
    /// It brings a migration back from a newer track.
    pub migrates_back: bool,
    /// It brings a readiness check.
    pub checks_ready: bool,
}

/// An exported function that converts entries of an earlier track, which the host calls in a swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpgradeFunction {
    /// Its full name.
    pub path: String,
    /// The collections of which it may convert entries.
    pub from: Vec<String>,
    /// The collection whose entries it makes.
    pub to: String,
}

/// A collection as a component declares it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InspectedCollection {
    /// `acme:tally/ballots@1`.
    pub identity: String,
    /// The imported interface: `acme:tally/ballots@1.0.0`.
    pub interface: String,
    /// Its kind; none while the functions in use do not tell.
    pub kind: Option<Kind>,
    /// The type of its keys.
    pub key: Option<Type>,
    /// The type of its values.
    pub value: Option<Type>,
    /// An older track, readable only while migrating.
    pub old: bool,
}

/// An import that is to be linked to another plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InspectedLink {
    /// The imported interface, or its label.
    pub interface: String,
    /// The functions that the component calls there.
    pub functions: Vec<Signature>,
    /// Why it is no collection.
    pub why: String,
}

/// What opening a host found and did.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// What the store did.
    pub store: stead_store::Recovery,
    /// Hand-offs that a crash had interrupted, and how they ended.
    pub handoffs: Vec<Recovered>,
    /// Plugins there are.
    pub plugins: u64,
    /// How long it took.
    pub took: Duration,
}

/// An interrupted hand-off that was ended at open.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recovered {
    /// The plugin.
    pub plugin: String,
    /// The phase that the crash found it in.
    pub phase: Phase,
    /// How it ended.
    pub receipt: Receipt,
}

/// Figures of an open host.
#[derive(Clone, Debug)]
pub struct HostInfo {
    /// The store's figures.
    pub store: stead_store::Info,
    /// How far commits have come.
    pub frontier: stead_store::Frontier,
    /// Plugins there are.
    pub plugins: u64,
    /// Instances alive.
    pub instances: u64,
    /// Calls served since the host was opened.
    pub calls: u64,
}
