//! A second plugin that starts from the state of another, whatever its size.

use std::sync::Arc;
use std::time::Instant;

use stead_store::{Change, WriterEpoch, Writes};

use super::import::PATIENCE;
use crate::catalog::{self, Key, LinksRecord, PluginId, PluginRecord, Undone, VersionRecord};
use crate::error::{DeployError, HostError};
use crate::host::{Happened, HistoryEntry, HistoryEvent, Host, VersionSummary, check_name};
use crate::plugin::{Plugin, Serving, now_ms};

impl Host {
    /// Makes a plugin with the state, the active version, the grants, the links and the limits of another, as they are between two
    /// calls. It costs the same whatever the size of the state, and no code is needed. Results of calls with an id, earlier
    /// versions and the history stay with the origin.
    pub async fn fork(&self, name: &str, new: &str) -> Result<VersionSummary, DeployError> {
        check_name(new)?;
        let shared = self.shared();
        let unknown = || DeployError::UnknownOrigin { name: name.into() };
        let origin = shared.plugin(name).ok_or_else(unknown)?;
        let late = |_| DeployError::OriginBusy { name: name.into(), patience: PATIENCE };
        let turn = origin.close_gate(Instant::now() + PATIENCE).await.map_err(late)?;
        let serving = origin.serving();
        let links: LinksRecord = serving.named_links(shared)?.clone();
        let gate = shared.links.close(&[new], !links.links.is_empty()).await;
        let (state, at_ms) = (shared.store.new_state(), now_ms());
        let version = VersionRecord { generation: 1, deployed_at_ms: at_ms, ..serving.version.clone() };
        let record = PluginRecord {
            id: PluginId(state.0),
            name: new.into(),
            state,
            active: 1,
            era: 1,
            generations: 1,
            previous: None,
            sealed: Vec::new(),
            undone: Undone::default(),
            ..serving.plugin.clone()
        };
        let event = HistoryEvent::Forked { from: name.into(), version: version.summary() };
        let mut records = Writes::new();
        catalog::put(&mut records, Key::plugin(new), &record);
        catalog::put(&mut records, Key::version(record.id, 1), &version);
        catalog::put(&mut records, Key::history(record.id, 1), &HistoryEntry { number: 1, at_ms, event });
        if !links.named.is_empty() {
            catalog::put(&mut records, Key::links(record.id, 1), &links);
        }
        let summary = version.summary();
        let plugin = Arc::new(Plugin::new(Serving::cold(record, version, WriterEpoch::FIRST)));
        // Names are given out under one lock together with their commit, as at a deploy.
        let ticket = {
            let mut plugins = shared.plugins.write();
            if plugins.contains_key(new) {
                return Err(DeployError::Exists { name: new.into() });
            }
            let changes = vec![Change::Fork { from: serving.plugin.state, to: state }];
            let ticket = shared.commit(changes, records).map_err(HostError::from)?;
            plugins.insert(new.into(), plugin);
            shared.links.serve(new, &links.links);
            ticket
        };
        drop((gate, turn));
        ticket.await.map_err(HostError::from)?;
        shared.events.tell(new, Happened::Forked { from: name.into() });
        Ok(summary)
    }
}
