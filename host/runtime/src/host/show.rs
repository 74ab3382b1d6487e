//! Showing plugins and their state, also of a plugin whose component does not load.

use std::collections::BTreeSet;
use std::sync::Arc;

use stead_schema::{Identity, Ledger};

use super::deploy::{signature, signatures};
use super::typed::{self, Typed};
use super::{HistoryEntry, Host, LedgerEntry, PluginDetails, PluginSummary, ScanOptions, Shared, Signature, StatePage};
use crate::catalog::{Catalog, LinksRecord};
use crate::engine::{Link, LinkTo, Linked};
use crate::error::{CallError, StateError};
use crate::handoff::{ProbationReport, ProbationStage};
use crate::plugin::{Plugin, Serving, find_error, read_ledger};

impl Host {
    /// The function that a name means: `vote`, `api.vote` or `acme:tally/api@1.0.0#vote`.
    pub fn function(&self, plugin: &str, name: &str) -> Result<Signature, CallError> {
        let found = self.shared.plugin(plugin);
        let found = found.ok_or_else(|| CallError::UnknownPlugin { plugin: plugin.into() })?;
        let serving = found.serving();
        let linked = serving
            .code_blocking(&self.shared)
            .map_err(|reason| CallError::Unavailable { plugin: plugin.into(), reason: reason.into() })?;
        let program = linked.program();
        let export = program.find(name).map_err(|error| find_error(plugin, name, error))?;
        signature(&program.exports()[export]).ok_or_else(|| CallError::Arguments {
            function: name.into(),
            message: "its types cannot be carried from outside".into(),
        })
    }

    /// All plugins, by name.
    pub fn list(&self) -> Result<Vec<PluginSummary>, StateError> {
        let plugins: Vec<_> = self.shared.plugins.read().values().cloned().collect();
        plugins.iter().map(|plugin| summary(&self.shared, plugin)).collect()
    }

    /// Everything about one plugin, also of one whose component does not load.
    pub fn show(&self, name: &str) -> Result<PluginDetails, StateError> {
        let plugin = self.named(name)?;
        let serving = plugin.serving();
        let code = serving.code_blocking(&self.shared).ok();
        let view = self.shared.view(serving.plugin.state)?;
        let ledger = read_ledger(&view)?;
        let imported = imported(code);
        let mut collections = Vec::new();
        for (identity, collection) in &ledger.collections {
            let dormant = imported.as_ref().is_some_and(|imported| !imported.contains(identity));
            collections.push(Typed::new(identity, collection)?.details(&view, dormant && !collection.dropped)?);
        }
        let versions = Catalog::of(&self.shared.store)?.versions(plugin.id)?;
        let previous = serving.plugin.previous.as_ref().map(|previous| previous.generation);
        Ok(PluginDetails {
            functions: code.map(|code| signatures(code.program())).unwrap_or_default(),
            collections,
            root: view.root().map_err(crate::error::HostError::from)?.to_string(),
            commits: view.commits(),
            reuse: serving.plugin.reuse,
            settings: serving.version.settings.clone(),
            unused_links: unused(serving.named_links(&self.shared)?),
            callers: self.shared.links.callers(name).into_iter().map(|(caller, _)| caller).collect(),
            waiting: plugin.waiting() as u64,
            recording: plugin.recording(),
            figures: serving.conduct.figures(),
            probation_report: ProbationReport::of(&self.shared, &plugin)?,
            previous: versions.iter().find(|version| Some(version.generation) == previous).map(|v| v.summary()),
            versions: versions.iter().map(|version| version.summary()).collect(),
            summary: summary(&self.shared, &plugin)?,
        })
    }

    /// How the probation of a plugin's active version stands; none if it has none.
    pub fn probation(&self, name: &str) -> Result<Option<ProbationReport>, StateError> {
        let plugin = self.named(name)?;
        Ok(ProbationReport::of(&self.shared, &plugin)?)
    }

    /// What a plugin's state records about its collections, or about one, also of a plugin whose component does not load.
    pub fn ledger(&self, name: &str, collection: Option<&str>) -> Result<Vec<LedgerEntry>, StateError> {
        let plugin = self.named(name)?;
        let serving = plugin.serving();
        let imported = imported(serving.code_blocking(&self.shared).ok());
        let view = self.shared.view(serving.plugin.state)?;
        let ledger = read_ledger(&view)?;
        let one = collection.map(|collection| {
            typed::find(&ledger, collection).map(|(identity, _)| identity).ok_or_else(|| {
                StateError::UnknownCollection {
                    plugin: name.into(),
                    collection: collection.into(),
                    collections: identities(&ledger),
                }
            })
        });
        let one = one.transpose()?;
        let mut entries = Vec::new();
        for (identity, collection) in &ledger.collections {
            if one.is_some_and(|one| one != identity) {
                continue;
            }
            let dormant = imported.as_ref().is_some_and(|imported| !imported.contains(identity));
            entries.push(LedgerEntry {
                details: Typed::new(identity, collection)?.details(&view, dormant && !collection.dropped)?,
                number: collection.number,
                writer: collection.writer.clone(),
                schemas: collection.schemas.clone(),
            });
        }
        Ok(entries)
    }

    /// What happened to a plugin, the oldest first.
    pub fn history(&self, name: &str) -> Result<Vec<HistoryEntry>, StateError> {
        let plugin = self.named(name)?;
        Ok(Catalog::of(&self.shared.store)?.history(plugin.id)?)
    }

    /// One page of a collection, also of a plugin whose component does not load.
    pub fn state(&self, name: &str, scan: &ScanOptions) -> Result<StatePage, StateError> {
        let plugin = self.named(name)?;
        let serving = plugin.serving();
        let view = self.shared.view(serving.plugin.state)?;
        let ledger = read_ledger(&view)?;
        let Some((identity, collection)) = typed::find(&ledger, &scan.collection) else {
            return Err(StateError::UnknownCollection {
                plugin: name.into(),
                collection: scan.collection.clone(),
                collections: identities(&ledger),
            });
        };
        Typed::new(identity, collection)?.page(&view, scan, false)
    }

    fn named(&self, name: &str) -> Result<Arc<Plugin>, StateError> {
        self.shared.plugin(name).ok_or_else(|| StateError::UnknownPlugin { plugin: name.into() })
    }
}

fn summary(host: &Shared, plugin: &Plugin) -> Result<PluginSummary, StateError> {
    let serving: Arc<Serving> = plugin.serving();
    let links = serving.links(host)?.iter().map(Link::to).collect();
    Ok(PluginSummary {
        links,
        name: plugin.name.clone(),
        version: serving.version.summary(),
        era: serving.plugin.era,
        problem: serving.problem(),
        handoff: plugin.phase(),
        progress: plugin.progress(),
        under_way: plugin.under_way(),
        probation: serving.conduct.stage().map(ProbationStage::of),
    })
}

/// Links that a version does not use.
fn unused(links: &LinksRecord) -> Vec<LinkTo> {
    let used = |to: &&LinkTo| links.links.iter().any(|link| to.means(&link.import));
    links.named.iter().filter(|to| !used(to)).cloned().collect()
}

/// The collections that a version uses; none if that is not known.
fn imported(code: Option<&Linked>) -> Option<BTreeSet<Identity>> {
    let declared = code?.program().declared();
    Some(declared.iter().filter(|declared| !declared.old).map(|declared| declared.identity.clone()).collect())
}

fn identities(ledger: &Ledger) -> Vec<String> {
    ledger.collections.keys().map(ToString::to_string).collect()
}
