//! The catalog's records. A change of any of these types is a change of format.

use serde::{Deserialize, Serialize};
use stead_schema::{Type, Value};
use stead_store::{ComponentHash, StateId};

use super::Record;
use crate::engine::{Grants, Settings};
use crate::error::TrapReport;
use crate::handoff::{Phase, ReceiptKind};
use crate::host::VersionSummary;
use crate::limits::Limits;
use crate::plugin::Reuse;

/// Names a plugin for ever: the number of its first state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct PluginId(pub(crate) u64);

/// A plugin: which version is active on which state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PluginRecord {
    pub(crate) id: PluginId,
    pub(crate) name: String,
    /// The live state.
    pub(crate) state: StateId,
    /// The active version.
    pub(crate) active: u64,
    /// Its place in the order of active versions: each deploy, swap and rollback begins a new era.
    pub(crate) era: u64,
    /// The last generation given to a version.
    pub(crate) generations: u64,
    pub(crate) reuse: Reuse,
    pub(crate) limits: Limits,
    /// Where a rollback goes.
    pub(crate) previous: Option<Previous>,
    /// Pinned last states of earlier eras, the oldest first.
    pub(crate) sealed: Vec<Sealed>,
    /// Eras whose calls a rollback took back.
    pub(crate) undone: Undone,
}

/// What a rollback needs to know of the last hand-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Previous {
    /// The version before.
    pub(crate) generation: u64,
    /// Its last state, pinned.
    pub(crate) sealed: StateId,
    /// The state right after the hand-off's commit, pinned: what differs from it was written since.
    pub(crate) begun: StateId,
    /// Entries left the live state (a migration, a drop, a lossy change) or the state itself was replaced: the version
    /// before cannot simply go on with what is there.
    pub(crate) rebuilt: bool,
    /// What was undone when the state was sealed.
    pub(crate) undone: Undone,
}

/// The last state of an era.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) era: u64,
    pub(crate) generation: u64,
    pub(crate) state: StateId,
}

/// Ranges of eras, both ends included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Undone(pub(crate) Vec<(u64, u64)>);

impl Undone {
    pub(crate) fn contains(&self, era: u64) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&era))
    }
}

/// A version of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    pub(crate) generation: u64,
    pub(crate) component: ComponentHash,
    pub(crate) label: Option<String>,
    pub(crate) deployed_at_ms: u64,
    pub(crate) grants: Grants,
    /// Since version 2 of the record.
    pub(crate) settings: Settings,
}

/// Version 1 of [`VersionRecord`].
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
pub(super) struct VersionRecord1 {
    pub(super) generation: u64,
    pub(super) component: ComponentHash,
    pub(super) label: Option<String>,
    pub(super) deployed_at_ms: u64,
    pub(super) grants: Grants,
}

impl From<VersionRecord1> for VersionRecord {
    fn from(before: VersionRecord1) -> VersionRecord {
        let VersionRecord1 { generation, component, label, deployed_at_ms, grants } = before;
        VersionRecord { generation, component, label, deployed_at_ms, grants, settings: Settings::default() }
    }
}

impl Record for VersionRecord {
    const VERSION: u8 = 2;

    fn earlier(version: u8, body: &[u8]) -> Option<postcard::Result<(VersionRecord, &[u8])>> {
        let read = || {
            let (record, rest) = postcard::take_from_bytes::<VersionRecord1>(body)?;
            Ok((record.into(), rest))
        };
        (version == 1).then(read)
    }
}

impl VersionRecord {
    /// What a ledger calls this version: the operator's label, or else its number.
    pub(crate) fn text(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.generation.to_string())
    }

    pub(crate) fn summary(&self) -> VersionSummary {
        VersionSummary {
            generation: self.generation,
            label: self.label.clone(),
            component: self.component.to_string(),
            deployed_at_ms: self.deployed_at_ms,
        }
    }
}

/// A hand-off that is under way, under the key of its first plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HandOffRecord {
    pub(crate) phase: Phase,
    /// How often the work after sealing was begun.
    pub(crate) attempts: u32,
    /// Why it is given up, once it is.
    pub(crate) reason: Option<(Phase, String)>,
    /// The plugins that change hands together, by their ids.
    pub(crate) parties: Vec<PartyRecord>,
}

/// One plugin of a hand-off.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartyRecord {
    pub(crate) plugin: String,
    pub(crate) kind: ReceiptKind,
    pub(crate) successor: VersionRecord,
    /// Identities that the operator named.
    pub(crate) drop: Vec<String>,
    pub(crate) accept_lossy: Vec<String>,
    pub(crate) accept_unread: bool,
    /// Who asked for it, as far as is known.
    pub(crate) asked_by: Option<String>,
    /// The incumbent's last state, from sealing on.
    pub(crate) sealed: Option<StateId>,
}

/// Versions 1 and 2 of [`HandOffRecord`], with that version of the successor's record: one plugin each.
#[derive(Deserialize)]
#[cfg_attr(test, derive(Serialize))]
pub(super) struct HandOffOfOne<V> {
    pub(super) plugin: String,
    pub(super) kind: ReceiptKind,
    pub(super) phase: Phase,
    pub(super) successor: V,
    pub(super) drop: Vec<String>,
    pub(super) accept_lossy: Vec<String>,
    pub(super) accept_unread: bool,
    pub(super) sealed: Option<StateId>,
    pub(super) attempts: u32,
    pub(super) reason: Option<(Phase, String)>,
}

impl<V: Into<VersionRecord>> From<HandOffOfOne<V>> for HandOffRecord {
    fn from(before: HandOffOfOne<V>) -> HandOffRecord {
        let party = PartyRecord {
            plugin: before.plugin,
            kind: before.kind,
            successor: before.successor.into(),
            drop: before.drop,
            accept_lossy: before.accept_lossy,
            accept_unread: before.accept_unread,
            asked_by: None,
            sealed: before.sealed,
        };
        HandOffRecord { phase: before.phase, attempts: before.attempts, reason: before.reason, parties: vec![party] }
    }
}

impl Record for HandOffRecord {
    const VERSION: u8 = 3;

    fn earlier(version: u8, body: &[u8]) -> Option<postcard::Result<(HandOffRecord, &[u8])>> {
        match version {
            1 => Some(of_one::<VersionRecord1>(body)),
            2 => Some(of_one::<VersionRecord>(body)),
            _ => None,
        }
    }
}

fn of_one<'a, V: Into<VersionRecord> + Deserialize<'a>>(body: &'a [u8]) -> postcard::Result<(HandOffRecord, &'a [u8])> {
    let (before, rest) = postcard::take_from_bytes::<HandOffOfOne<V>>(body)?;
    Ok((before.into(), rest))
}

impl Record for PluginRecord {}
impl Record for ResultRecord {}
impl Record for StagingRecord {}
impl Record for WindowRecord {}

/// A state that an import fills and that nothing serves yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StagingRecord {
    pub(crate) plugin: PluginId,
    pub(crate) state: StateId,
}

/// What became of a call with an id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResultRecord {
    /// BLAKE3 of the function's name and the arguments.
    pub(crate) asked: [u8; 32],
    /// The era that it ran in.
    pub(crate) era: u64,
    pub(crate) end: End,
    /// The type of the value in `end`.
    pub(crate) ty: Option<Type>,
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum End {
    Returned(Option<Value>),
    Failed(Option<Value>),
    Trapped(TrapReport),
}

/// Which results of a client are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WindowRecord {
    /// The highest sequence that was executed.
    pub(crate) highest: u64,
    /// The lowest sequence that may still be asked for.
    pub(crate) floor: u64,
}
