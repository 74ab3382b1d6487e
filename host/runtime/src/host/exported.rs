//! Which interfaces the deployed plugins export: an import of that name may be meant as a link, and is no collection
//! unless the operator says so.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use stead_schema::{Declared, Identity, Ledger};
use stead_store::ComponentHash;

use super::Shared;
use crate::engine::Outline;
use crate::handoff::Refusal;

/// Exported interfaces by component, read when they are first asked for.
#[derive(Default)]
pub(crate) struct Exported {
    known: Mutex<HashMap<ComponentHash, Arc<[Identity]>>>,
}

impl Shared {
    /// Imports of a plugin that its state does not know as collections, that nobody called state, and whose names
    /// another plugin exports; and names that were called state and are no import. Blocks: components are read for it.
    pub(crate) fn doubts(
        &self,
        plugin: &str,
        ledger: &Ledger,
        declared: &[Declared],
        affirmed: &[Identity],
    ) -> Vec<Refusal> {
        let imports = |identity: &Identity| declared.iter().any(|declared| declared.identity == *identity);
        let mut doubts: Vec<Refusal> = affirmed.iter().filter(|named| !imports(named)).map(no_import).collect();
        // An old import of a migration is a collection or nothing.
        let live = declared.iter().filter(|declared| !declared.old).map(|declared| &declared.identity);
        let unsaid = live.filter(|identity| {
            !affirmed.contains(identity) && ledger.collections.get(identity).is_none_or(|known| known.dropped)
        });
        let mut unsaid: Vec<&Identity> = unsaid.collect();
        if unsaid.is_empty() {
            return doubts;
        }
        let others: Vec<_> = self.plugins.read().values().filter(|other| other.name != plugin).cloned().collect();
        self.exported.forget_unused(others.len());
        for other in others {
            let exports = self.exports_of(&other.serving().version.component);
            unsaid.retain(|identity| {
                let exported = exports.contains(identity);
                if exported {
                    doubts.push(may_be_a_link(identity, &other.name));
                }
                !exported
            });
        }
        doubts
    }

    /// What a component exports. One that cannot be read exports nothing: it cannot run either.
    fn exports_of(&self, component: &ComponentHash) -> Arc<[Identity]> {
        if let Some(known) = self.exported.known.lock().get(component) {
            return Arc::clone(known);
        }
        let names = match self.store.component(component) {
            Ok(bytes) => Outline::of(&bytes).exported_interfaces,
            Err(_) => return Arc::from([]),
        };
        let exports: Arc<[Identity]> = names.iter().filter_map(|name| Identity::parse(name).ok()).collect();
        self.exported.known.lock().insert(*component, Arc::clone(&exports));
        exports
    }
}

impl Exported {
    /// Components that were replaced long ago are not kept in mind for ever.
    fn forget_unused(&self, plugins: usize) {
        let mut known = self.known.lock();
        if known.len() > 64 + 2 * plugins {
            known.clear();
        }
    }
}

fn may_be_a_link(identity: &Identity, exporter: &str) -> Refusal {
    let reason = format!(
        "plugin `{exporter}` exports an interface of this name: link the import to it (`--link {identity}={exporter}`), or \
         say that it is a collection of this plugin's own (`--state {identity}`)"
    );
    Refusal { subject: identity.to_string(), reason }
}

fn no_import(identity: &Identity) -> Refusal {
    let reason = "it was called state (`--state`), but this version imports no such collection".to_owned();
    Refusal { subject: identity.to_string(), reason }
}
