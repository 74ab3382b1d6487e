//! What a host and a plugin are started with.

use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stead_receipt::SecretKey;
use stead_store::disk::Disk;

use crate::engine::{Engine, Grants, LinkTo, Settings};
use crate::limits::Limits;
use crate::plugin::Reuse;

/// Where a host keeps everything.
#[derive(Clone)]
pub enum DataDir {
    /// A directory, made if it is not there.
    Path(PathBuf),
    /// A disk that the caller opened; a simulated one in tests.
    Disk(Arc<dyn Disk>),
}

/// What a host is opened with.
#[derive(Clone)]
pub struct HostOptions {
    /// The data directory.
    pub data: DataDir,
    /// Compiles and runs components; several hosts of one process may share it.
    pub engine: Engine,
    /// How the store works.
    pub store: stead_store::Options,
    /// What receipts of hand-offs are signed with; without a key they are chained and not signed.
    pub receipt_key: Option<SecretKey>,
}

impl HostOptions {
    /// A host over a directory, with every other option at its default.
    pub fn at(path: impl Into<PathBuf>, engine: Engine) -> HostOptions {
        HostOptions {
            data: DataDir::Path(path.into()),
            engine,
            store: stead_store::Options::default(),
            receipt_key: None,
        }
    }
}

/// How a plugin is deployed. The default grants nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeployOptions {
    /// The operator's name for the version, such as `1.2.0`; a migration gets it as `from`.
    pub label: Option<String>,
    /// What the plugin may reach besides its state.
    pub grants: Grants,
    /// What it reads through `wasi:config`.
    pub settings: Settings,
    /// Whether instances are kept between calls.
    pub reuse: Reuse,
    /// Its limits.
    pub limits: Limits,
    /// Imports that are collections although another plugin exports an interface of the same name, by identity.
    pub state: Vec<String>,
    /// Imports that are other plugins' exports. Without one of these a plugin reaches no other.
    pub links: Vec<LinkTo>,
}

/// Which entries of a collection to read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ScanOptions {
    /// The collection: its identity (`acme:tally/ballots@1`), or its interface name where that is unambiguous.
    pub collection: String,
    /// The key to start at, as WAVE; the index for a log. `None` starts at the first entry, or the last going back.
    pub from: Option<String>,
    /// At most this many entries; `None` is 100.
    pub limit: Option<u32>,
    /// Descending order; `from` is then excluded.
    pub back: bool,
}
