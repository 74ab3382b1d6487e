//! The bodies of answers. Types are written as WIT text, values as JSON and as WAVE.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use stead_runtime::engine::{LinkTo, Settings};
use stead_runtime::{CallFigures, PluginSummary, ProbationReport, Receipt, Recording, Reuse, VersionSummary};

/// An exported function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FunctionInfo {
    /// `acme:tally/api@1.0.0#vote`, or `run` for a function of the world itself.
    pub(crate) name: String,
    pub(crate) params: Vec<ParamInfo>,
    pub(crate) result: Option<String>,
}

/// A parameter of a function.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ParamInfo {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) ty: String,
}

/// A collection as the state itself records it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CollectionInfo {
    /// `acme:tally/ballots@1`.
    pub(crate) identity: String,
    /// `cell`, `map`, `log` or `counter`.
    pub(crate) kind: String,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    /// How many schemas its entries may have been written under.
    pub(crate) schemas: u32,
    pub(crate) entries: u64,
    /// The active version does not import it; it is kept.
    pub(crate) dormant: bool,
    /// It was dropped by name; only the tombstone is left.
    pub(crate) dropped: bool,
}

/// What a state records about its collections.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LedgerAnswer {
    pub(crate) collections: Vec<LedgerInfo>,
}

/// Everything that the ledger records about a collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LedgerInfo {
    pub(crate) identity: String,
    /// Its number in the layout of the state.
    pub(crate) number: u32,
    pub(crate) kind: String,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    pub(crate) entries: u64,
    /// The active version does not import it; it is kept.
    pub(crate) dormant: bool,
    /// It was dropped by name or migrated away; only the tombstone is left.
    pub(crate) dropped: bool,
    /// The version that wrote this record: with a new schema, or by dropping the collection.
    pub(crate) writer: String,
    /// Every schema that entries may have been written under, the oldest first.
    pub(crate) schemas: Vec<SchemaInfo>,
}

/// One schema of a collection; null is what no version has shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SchemaInfo {
    pub(crate) number: u64,
    pub(crate) key: Option<String>,
    /// Of a counter `s64` or `u64`.
    pub(crate) value: Option<String>,
}

/// A collection as a component declares it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeclaredInfo {
    pub(crate) identity: String,
    pub(crate) interface: String,
    /// None while the functions in use do not tell.
    pub(crate) kind: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) value: Option<String>,
    /// An older track, readable only while migrating.
    pub(crate) old: bool,
}

/// Everything about one plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PluginInfo {
    #[serde(flatten)]
    pub(crate) summary: PluginSummary,
    pub(crate) functions: Vec<FunctionInfo>,
    pub(crate) collections: Vec<CollectionInfo>,
    /// The BLAKE3 root of the state.
    pub(crate) root: String,
    pub(crate) commits: u64,
    /// What the active version reads through `wasi:config`.
    pub(crate) settings: Settings,
    /// Links that were named and that the active version does not use; those that it uses stand in the summary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unused_links: Vec<LinkTo>,
    /// The plugins that call this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) callers: Vec<String>,
    pub(crate) reuse: Reuse,
    pub(crate) waiting: u64,
    /// Which calls are recorded; null if none are.
    pub(crate) recording: Option<Recording>,
    /// Of the active version's calls.
    pub(crate) figures: CallFigures,
    /// How the probation of the active version stands; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) probation_report: Option<ProbationReport>,
    pub(crate) versions: Vec<VersionSummary>,
    /// Where `rollback` would go.
    pub(crate) previous: Option<VersionSummary>,
}

/// What a swap or a rollback did, and the probation that it began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HandOffAnswer {
    #[serde(flatten)]
    pub(crate) receipt: Receipt,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) probation: Option<ProbationReport>,
}

/// What a deploy did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeployAnswer {
    pub(crate) plugin: String,
    pub(crate) version: VersionSummary,
    pub(crate) functions: Vec<FunctionInfo>,
    pub(crate) collections: Vec<DeclaredInfo>,
    /// What it calls in other plugins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<LinkTo>,
}

/// What a component is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct InspectAnswer {
    pub(crate) component: String,
    pub(crate) bytes: u64,
    pub(crate) functions: Vec<FunctionInfo>,
    pub(crate) collections: Vec<DeclaredInfo>,
    /// Imports that can only be links to other plugins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) links: Vec<NeededLink>,
    pub(crate) imports: Vec<String>,
    pub(crate) migrates: bool,
    /// Functions that convert entries of earlier tracks.
    #[serde(default)]
    pub(crate) upgrades: Vec<stead_runtime::UpgradeFunction>,
    pub(crate) migrates_back: bool,
    pub(crate) checks_ready: bool,
}

/// An import that is to be linked to another plugin.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct NeededLink {
    pub(crate) interface: String,
    /// The functions that the component calls there.
    pub(crate) functions: Vec<FunctionInfo>,
    /// Why it is no collection.
    pub(crate) why: String,
}

/// How a function returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Ok,
    Err,
}

/// What a call gave back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CallAnswer {
    pub(crate) outcome: Outcome,
    /// The payload as JSON; null if there is none.
    pub(crate) value: Json,
    /// The payload as WAVE.
    pub(crate) wave: Option<String>,
    /// The call had run before under its id; this is its recorded result.
    pub(crate) replayed: bool,
}

/// One page of a collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StateAnswer {
    pub(crate) collection: CollectionInfo,
    pub(crate) entries: Vec<EntryInfo>,
    /// Where the next page starts, as WAVE: pass it as `from`.
    pub(crate) next: Option<String>,
}

/// One entry of a collection.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EntryInfo {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_wave: Option<String>,
    pub(crate) value: Json,
    pub(crate) value_wave: String,
}

/// What reading every byte found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct VerifyAnswer {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) damage: Vec<DamageInfo>,
    pub(crate) took_us: u64,
}

/// One damaged piece of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DamageInfo {
    pub(crate) file: String,
    pub(crate) offset: u64,
    pub(crate) what: String,
    pub(crate) affects: String,
    /// Entries that cannot be read because of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) entries: Vec<EntriesInfo>,
    /// The first and the last commit that cannot be replayed because of it; no last one if nothing says which it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commits: Option<(u64, Option<u64>)>,
}

/// Entries of one state: those with a key greater than `after` and at most `to`. Keys are as stored, with escapes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EntriesInfo {
    pub(crate) state: u64,
    pub(crate) snapshot: Option<String>,
    /// The plugin that the state belongs to, if that can still be told.
    pub(crate) plugin: Option<String>,
    /// The same in words: plugin, collection, typed keys.
    pub(crate) text: String,
    pub(crate) after: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) entries: Option<u64>,
    pub(crate) bytes: Option<u64>,
    /// If they could be kept as they were at an earlier commit: that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) as_of: Option<u64>,
}

/// What a repair did, or would do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RepairAnswer {
    pub(crate) dry_run: bool,
    pub(crate) loses: bool,
    pub(crate) damage: Vec<DamageInfo>,
    pub(crate) set_aside: Vec<SetAsideInfo>,
    pub(crate) checkpoint: u64,
    pub(crate) kept: u64,
    /// The first and the last commit that could not be kept.
    pub(crate) lost_commits: Option<(u64, Option<u64>)>,
    pub(crate) lost_entries: Vec<EntriesInfo>,
    pub(crate) components: Vec<String>,
    /// What is lost, in words.
    pub(crate) lost: Vec<String>,
    pub(crate) report: Option<String>,
    pub(crate) took_us: u64,
}

/// A file that was set aside.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SetAsideInfo {
    pub(crate) file: String,
    pub(crate) to: String,
}

/// What a checkpoint did.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CheckpointAnswer {
    pub(crate) commit: u64,
    pub(crate) states: u64,
    pub(crate) bytes: u64,
    pub(crate) took_us: u64,
}

/// Figures of an open host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct HealthAnswer {
    pub(crate) status: String,
    /// The release of the host.
    pub(crate) version: String,
    pub(crate) store: String,
    pub(crate) owner_epoch: u64,
    pub(crate) plugins: u64,
    pub(crate) instances: u64,
    /// Calls served since the host was opened.
    pub(crate) calls: u64,
    /// Commit numbers: accepted, written, durable.
    pub(crate) accepted: u64,
    pub(crate) written: u64,
    pub(crate) durable: u64,
    /// Batches and syncs of the journal since the host was opened.
    pub(crate) batches: u64,
    pub(crate) syncs: u64,
    pub(crate) journal_bytes: u64,
    pub(crate) dirty_bytes: u64,
    pub(crate) packs: u64,
    pub(crate) checkpoints: u64,
    /// How long opening took, recovery included.
    pub(crate) opened_in_us: u64,
    pub(crate) replayed_commits: u64,
    /// The last commit that was there when the host was opened.
    pub(crate) opened_at_commit: u64,
}

impl HealthAnswer {
    /// Commits that became durable since the host was opened.
    pub(crate) fn commits_since_open(&self) -> u64 {
        self.durable.saturating_sub(self.opened_at_commit)
    }
}

impl FunctionInfo {
    /// `vote: func(voter: string) -> result<u64, string>`.
    pub(crate) fn wit(&self) -> String {
        let name = self.name.rsplit_once('#').map_or(self.name.as_str(), |(_, name)| name);
        let params: Vec<String> = self.params.iter().map(|param| format!("{}: {}", param.name, param.ty)).collect();
        let result = self.result.as_ref().map(|result| format!(" -> {result}")).unwrap_or_default();
        format!("{name}: func({}){result}", params.join(", "))
    }

    /// The host calls it in a hand-off; nobody else does.
    pub(crate) fn is_hook(&self) -> bool {
        self.name.starts_with("stead:")
    }

    /// The interface that it belongs to; none for a function of the world.
    pub(crate) fn interface(&self) -> Option<&str> {
        self.name.rsplit_once('#').map(|(interface, _)| interface)
    }
}

/// `map<string, u64>`, with `_` for what no version has shown.
pub(crate) fn shape(kind: Option<&str>, key: Option<&str>, value: Option<&str>) -> String {
    let (key, value) = (key.unwrap_or("_"), value.unwrap_or("_"));
    match kind {
        Some("map") => format!("map<{key}, {value}>"),
        Some("counter") => "counter".to_owned(),
        Some(kind) => format!("{kind}<{value}>"),
        None => "undecided".to_owned(),
    }
}

impl CollectionInfo {
    pub(crate) fn shape(&self) -> String {
        shape(Some(&self.kind), self.key.as_deref(), self.value.as_deref())
    }
}

impl DeclaredInfo {
    pub(crate) fn shape(&self) -> String {
        shape(self.kind.as_deref(), self.key.as_deref(), self.value.as_deref())
    }
}
