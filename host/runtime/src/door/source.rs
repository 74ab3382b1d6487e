//! Which stored state a name means: a plugin's own, or `PLUGIN@N`, its last state under an earlier version.

use std::sync::Arc;

use stead_schema::Ledger;
use stead_store::View;

use crate::catalog::{Catalog, VersionRecord};
use crate::error::{HostError, StateError};
use crate::host::Shared;
use crate::plugin::{Plugin, read_ledger};

/// A state as it was at one commit.
pub(super) struct Source {
    pub(super) plugin: Arc<Plugin>,
    pub(super) version: VersionRecord,
    pub(super) view: View,
    pub(super) ledger: Ledger,
}

impl Source {
    pub(super) fn of(host: &Shared, name: &str) -> Result<Source, StateError> {
        let unknown = || StateError::UnknownPlugin { plugin: name.into() };
        let (plugin, generation) = match name.split_once('@') {
            Some((plugin, generation)) => (plugin, Some(generation.parse::<u64>().map_err(|_| unknown())?)),
            None => (name, None),
        };
        let plugin = host.plugin(plugin).ok_or_else(unknown)?;
        let serving = plugin.serving();
        let Some(generation) = generation else {
            let view = host.view(serving.plugin.state)?;
            let ledger = read_ledger(&view)?;
            return Ok(Source { version: serving.version.clone(), plugin, view, ledger });
        };
        let sealed = &serving.plugin.sealed;
        let Some(found) = sealed.iter().rev().find(|sealed| sealed.generation == generation) else {
            let mut kept: Vec<String> = sealed.iter().map(|s| format!("{}@{}", plugin.name, s.generation)).collect();
            kept.dedup();
            return Err(StateError::UnknownState { plugin: plugin.name.clone(), generation, kept });
        };
        let version = Catalog::of(&host.store)?.version(plugin.id, generation)?;
        let view = host.view(found.state)?;
        let ledger = read_ledger(&view)?;
        Ok(Source { plugin, version, view, ledger })
    }

    /// The collections that are meant: those named, or all that hold data.
    pub(super) fn collections(&self, named: &[String]) -> Result<Vec<stead_schema::Identity>, StateError> {
        if named.is_empty() {
            return Ok(self.ledger.live().map(|(identity, _)| identity.clone()).collect());
        }
        let mut found = Vec::new();
        for name in named {
            let (identity, _) = crate::host::find_collection(&self.ledger, name)
                .filter(|(_, collection)| !collection.dropped)
                .ok_or_else(|| StateError::UnknownCollection {
                    plugin: self.plugin.name.clone(),
                    collection: name.clone(),
                    collections: self.ledger.live().map(|(identity, _)| identity.to_string()).collect(),
                })?;
            found.push(identity.clone());
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// The root, which takes time that grows with what changed since the last checkpoint.
    pub(super) fn root(&self) -> Result<String, HostError> {
        Ok(self.view.root()?.to_string())
    }
}
