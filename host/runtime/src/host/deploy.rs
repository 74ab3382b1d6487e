//! Deploying the first version of a plugin, and looking into a component.

use std::sync::Arc;

use stead_schema::{Admission, Declared, Ledger, Refused, Upgrade, admit};
use stead_store::{Change, ComponentHash, WriterEpoch, Writes};

use super::{
    DeployOptions, Deployed, Happened, HistoryEntry, HistoryEvent, Host, InspectedCollection, InspectedLink,
    Inspection, Newcomer, Signature, UpgradeFunction, blocking, meaningless,
};
use crate::catalog::{self, Key, LinksRecord, PluginId, PluginRecord, Undone, VersionRecord};
use crate::crash;
use crate::engine::{ComponentError, Engine, Export, Link, LinkTo, Program};
use crate::error::{DeployError, HostError};
use crate::handoff::{Refusal, identities};
use crate::limits::LINKS_MAX;
use crate::plugin::{Plugin, Serving, link, now_ms, write_ledger};

/// Longest name of a plugin, in bytes: it is typed by people.
const NAME_BYTES_MAX: usize = 64;

impl Host {
    /// Deploys a component as the first version of a new plugin.
    pub async fn deploy(&self, name: &str, wasm: &[u8], options: DeployOptions) -> Result<Deployed, DeployError> {
        check_name(name)?;
        options.settings.check()?;
        if self.shared.plugin(name).is_some() {
            return Err(DeployError::Exists { name: name.into() });
        }
        let (shared, bytes) = (self.shared.clone(), wasm.to_vec());
        let named = options.links.clone();
        let program = blocking(move || Program::load_linked(&shared.engine, &bytes, &named)).await?;
        let misnamed = meaningless(&options.links, &program);
        if !misnamed.is_empty() {
            return Err(DeployError::Links(misnamed));
        }
        let admission = Admission {
            version_label: options.label.clone().unwrap_or_else(|| "1".to_owned()),
            ..Admission::default()
        };
        let affirmed = identities(&options.state).map_err(DeployError::State)?;
        let (shared, own, declared) = (self.shared.clone(), name.to_owned(), program.declared().to_vec());
        let doubts = blocking(move || shared.doubts(&own, &Ledger::default(), &declared, &affirmed)).await;
        if !doubts.is_empty() {
            return Err(DeployError::State(doubts));
        }
        let admitted = admit(&Ledger::default(), program.declared(), &admission).map_err(refused)?;
        let (shared, bytes) = (self.shared.clone(), wasm.to_vec());
        let component = blocking(move || shared.store.put_component(&bytes)).await.map_err(HostError::from)?;

        let at_ms = now_ms();
        let state = self.shared.store.new_state();
        let version = VersionRecord {
            generation: 1,
            component,
            label: options.label,
            deployed_at_ms: at_ms,
            grants: options.grants,
            settings: options.settings,
        };
        let plugin = PluginRecord {
            id: PluginId(state.0),
            name: name.into(),
            state,
            active: 1,
            era: 1,
            generations: 1,
            reuse: options.reuse,
            limits: options.limits,
            previous: None,
            sealed: Vec::new(),
            undone: Undone::default(),
        };
        let linked = link(&program, &admitted.ledger, &plugin, &version)
            .map_err(|reason| DeployError::State(vec![Refusal { subject: name.into(), reason }]))?;
        let event = HistoryEvent::Deployed { version: version.summary() };
        let mut records = Writes::new();
        if !options.links.is_empty() {
            let links = LinksRecord { named: options.links, links: program.links().to_vec() };
            catalog::put(&mut records, Key::links(plugin.id, 1), &links);
        }
        catalog::put(&mut records, Key::plugin(name), &plugin);
        catalog::put(&mut records, Key::version(plugin.id, 1), &version);
        catalog::put(&mut records, Key::history(plugin.id, 1), &HistoryEntry { number: 1, at_ms, event });
        let mut writes = Writes::new();
        write_ledger(&Ledger::default(), &admitted.ledger, &mut writes);
        let changes = vec![Change::Create { state }, Change::Write { state, epoch: WriterEpoch::FIRST, writes }];

        let deployed = Deployed {
            plugin: name.into(),
            version: version.summary(),
            functions: signatures(&program),
            collections: program.declared().iter().map(collection).collect(),
            links: program.links().iter().map(Link::to).collect(),
        };
        let gate = self.shared.links.close(&[name], !program.links().is_empty()).await;
        if !program.links().is_empty() {
            let (shared, own, linking) = (self.shared.clone(), name.to_owned(), program.clone());
            let against = blocking(move || shared.link_refusals(&[Newcomer { plugin: &own, program: &linking }])).await;
            if !against.is_empty() {
                return Err(DeployError::Links(against));
            }
        }
        crash::point("deploy.kept");
        let plugin = Arc::new(Plugin::new(Serving::warm(plugin, version, WriterEpoch::FIRST, linked)));
        // Names are given out under one lock together with their commit, so that no two deploys get the same.
        let ticket = {
            let mut plugins = self.shared.plugins.write();
            if plugins.contains_key(name) {
                return Err(DeployError::Exists { name: name.into() });
            }
            let ticket = self.shared.commit(changes, records).map_err(HostError::from)?;
            plugins.insert(name.into(), plugin);
            self.shared.links.serve(name, program.links());
            ticket
        };
        drop(gate);
        ticket.await.map_err(HostError::from)?;
        crash::point("deploy.durable");
        self.shared.events.tell(name, Happened::Deployed { version: 1 });
        Ok(deployed)
    }

    /// What a component is, without deploying it.
    pub fn inspect(&self, wasm: &[u8]) -> Result<Inspection, DeployError> {
        Inspection::of(&self.shared.engine, wasm)
    }
}

impl Inspection {
    /// What a component is; no data directory is needed.
    pub fn of(engine: &Engine, wasm: &[u8]) -> Result<Inspection, DeployError> {
        let (program, links) = with_links(engine, wasm)?;
        Ok(Inspection {
            links,
            component: ComponentHash::of(wasm).to_string(),
            bytes: wasm.len() as u64,
            functions: signatures(&program),
            collections: program.declared().iter().map(collection).collect(),
            imports: program.wasi().to_vec(),
            migrates: program.migrate().is_some(),
            upgrades: program.upgrades().iter().map(upgrade).collect(),
            migrates_back: program.migrate_back().is_some(),
            checks_ready: program.ready().is_some(),
        })
    }
}

/// A component with everything that is no collection taken for a link.
fn with_links(engine: &Engine, wasm: &[u8]) -> Result<(Program, Vec<InspectedLink>), DeployError> {
    let (mut named, mut why) = (Vec::new(), Vec::new());
    let program = loop {
        match Program::load_linked(engine, wasm, &named) {
            Ok(program) => break program,
            Err(ComponentError::Unshaped { import, source }) if named.len() < LINKS_MAX => {
                named.push(LinkTo { interface: import, plugin: String::new() });
                why.push(source.to_string());
            }
            Err(error) => return Err(error.into()),
        }
    };
    let inspected = |link: &Link| {
        let place = named.iter().position(|to| to.means(&link.import));
        let functions = link.functions.iter().map(|(name, types)| Signature {
            path: format!("{}#{name}", link.interface),
            params: types.params.clone(),
            result: types.result.clone(),
        });
        InspectedLink {
            interface: link.import.clone(),
            functions: functions.collect(),
            why: place.map(|place| why[place].clone()).unwrap_or_default(),
        }
    };
    let links = program.links().iter().map(inspected).collect();
    Ok((program, links))
}

fn upgrade(upgrade: &Upgrade) -> UpgradeFunction {
    UpgradeFunction {
        path: upgrade.path.clone(),
        from: upgrade.from.iter().map(ToString::to_string).collect(),
        to: upgrade.to.to_string(),
    }
}

/// The functions that have types for callers, and those of `stead:plugin`.
pub(super) fn signatures(program: &Program) -> Vec<Signature> {
    program.exports().iter().filter(|export| !export.converts).filter_map(signature).collect()
}

/// The types of a function, unless the host cannot carry them.
pub(super) fn signature(export: &Export) -> Option<Signature> {
    let types = export.signature.as_ref().ok()?;
    Some(Signature { path: export.path.clone(), params: types.params.clone(), result: types.result.clone() })
}

/// Why a state was refused, one entry a collection.
pub(crate) fn refused(refused: Refused) -> DeployError {
    DeployError::State(refusals(&refused))
}

/// The reasons of a refusal.
pub(crate) fn refusals(refused: &Refused) -> Vec<Refusal> {
    let refusal = |reason: &stead_schema::Reason| Refusal { subject: "state".into(), reason: reason.to_string() };
    refused.reasons.iter().map(refusal).collect()
}

fn collection(declared: &Declared) -> InspectedCollection {
    InspectedCollection {
        identity: declared.identity.to_string(),
        interface: declared.interface.clone(),
        kind: declared.shape.kind,
        key: declared.shape.key.clone(),
        value: declared.shape.value.clone(),
        old: declared.old,
    }
}

/// Whether a plugin can be called so.
pub(crate) fn check_name(name: &str) -> Result<(), DeployError> {
    let refused = |reason| DeployError::Name { name: name.into(), reason };
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Err(refused("it has 1 to 64 characters"));
    }
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) {
        return Err(refused("it is made of letters, digits, '-', '_' and '.'"));
    }
    if !name.as_bytes()[0].is_ascii_alphanumeric() {
        return Err(refused("it starts with a letter or a digit"));
    }
    Ok(())
}
