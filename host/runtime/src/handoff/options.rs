//! What an operator says about a hand-off.

use std::io::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Probation;
use crate::engine::{Grants, LinkTo, Settings};

/// How a version is replaced.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SwapOptions {
    /// The operator's name for the successor.
    pub label: Option<String>,
    /// How long calls may be held. Past it the hand-off is aborted, never a call. `None` is 10 s.
    pub deadline: Option<Duration>,
    /// How long a migration may take that runs ahead while calls are served. `None` is 10 minutes.
    pub migration_deadline: Option<Duration>,
    /// Collections to delete, by identity (`acme:tally/ballots@1`).
    pub drop: Vec<String>,
    /// Collections whose fields, cases or flags may be lost, by identity.
    pub accept_lossy: Vec<String>,
    /// Old entries that the migration never read may be left behind.
    pub accept_unread: bool,
    /// What the successor may reach; the incumbent's grants if none.
    pub grants: Option<Grants>,
    /// Imports that are collections although another plugin exports an interface of the same name, by identity.
    pub state: Vec<String>,
    /// Imports that are other plugins' exports, all of them; the incumbent's links if none.
    pub links: Option<Vec<LinkTo>>,
    /// What the successor reads through `wasi:config`, all of it; the incumbent's settings if none.
    pub settings: Option<Settings>,
    /// Who asks, for the receipt.
    pub asked_by: Option<String>,
    /// How the successor is watched once it serves; `None` is not at all.
    pub probation: Option<Probation>,
}

/// A plugin and the version that it gets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Swap {
    /// The plugin.
    pub plugin: String,
    /// The successor's component.
    pub wasm: Vec<u8>,
    /// How; the shortest deadline of all swaps of one hand-off counts.
    pub options: SwapOptions,
}

/// What an operator would say to a swap that is only asked about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct CheckOptions {
    /// As in [`SwapOptions::drop`].
    pub drop: Vec<String>,
    /// As in [`SwapOptions::accept_lossy`].
    pub accept_lossy: Vec<String>,
    /// As in [`SwapOptions::state`].
    pub state: Vec<String>,
    /// As in [`SwapOptions::links`]. Between two components, which of their imports are links; whose is not asked.
    pub links: Option<Vec<LinkTo>>,
}

/// How a plugin goes back to the version before.
#[derive(Default)]
pub struct RollbackOptions {
    /// Give up every write since the swap: all are first written here as an exported file of changes, which
    /// [`Host::import`](crate::Host::import) merges.
    pub discard: Option<Box<dyn Write + Send>>,
    /// How long calls may be held; `None` is 10 s.
    pub deadline: Option<Duration>,
    /// Who asks, for the receipt.
    pub asked_by: Option<String>,
    /// Entries that the migration of the version before never read may be left behind.
    pub accept_unread: bool,
    /// How the version before is watched once it serves again; `None` is not at all.
    pub probation: Option<Probation>,
}
