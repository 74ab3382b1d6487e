//! Opening a data directory: the store recovers, then every hand-off that a crash interrupted is ended.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::RwLock;
use stead_store::disk::{DirDisk, Disk};
use stead_store::{Store, WriterEpoch};

use super::tasks::Alive;
use super::{DataDir, Host, HostOptions, Recovery, Shared, blocking};
use crate::catalog::{Catalog, PluginRecord, Stage};
use crate::door::forget_stagings;
use crate::error::HostError;
use crate::handoff;
use crate::plugin::{Plugin, Serving, Warm};
use crate::receipts;

impl Host {
    /// Opens a data directory, or makes one, and ends every hand-off that a crash interrupted.
    pub async fn open(options: HostOptions) -> Result<(Host, Recovery), HostError> {
        let began = Instant::now();
        let HostOptions { data, engine, store: store_options, receipt_key } = options;
        let disk = match data {
            DataDir::Disk(disk) => disk,
            DataDir::Path(path) => blocking(move || open_directory(&path)).await?,
        };
        let (store, recovered) = blocking(move || Store::open(disk, store_options)).await?;
        let shared = Shared {
            store,
            engine,
            warm: Arc::new(Warm::default()),
            plugins: Arc::new(RwLock::new(BTreeMap::new())),
            exported: Arc::default(),
            links: Arc::default(),
            calls: Arc::default(),
            closing: Arc::default(),
            receipt_key: receipt_key.map(Arc::new),
            events: Arc::default(),
            tasks: Arc::default(),
            numbering: Arc::default(),
        };
        forget_stagings(&shared).await?;
        let catalog = Catalog::of(&shared.store)?;
        let mut probations = BTreeMap::new();
        for record in catalog.probations()?.into_iter().filter(|record| record.stage != Stage::Agreed) {
            probations.insert(record.plugin.clone(), record);
        }
        for record in catalog.plugins()? {
            let mut serving = serving(&shared, &catalog, record)?;
            let probation = probations.remove(&serving.plugin.name);
            if let Some(probation) = probation.filter(|probation| probation.generation == serving.plugin.active) {
                serving = serving.on_probation(probation);
            }
            let plugin = Plugin::new(serving);
            shared.plugins.write().insert(plugin.name.clone(), Arc::new(plugin));
        }
        shared.read_links()?;
        for record in catalog.recordings()? {
            let recorded = shared.plugins.read().values().find(|plugin| plugin.id == record.plugin).cloned();
            if let Some(plugin) = recorded {
                plugin.resume_recording(&catalog, record)?;
            }
        }
        // What a crash left unsaid about hand-offs that had ended, while the states that it takes are still there.
        for plugin in Catalog::of(&shared.store)?.all_dues()? {
            receipts::complete(&shared, plugin, None).await?;
        }
        let mut handoffs = Vec::new();
        for record in catalog.hand_offs()? {
            handoffs.extend(handoff::resume(&shared, record).await?);
        }
        for plugin in shared.plugins.read().values() {
            handoff::take_up(&shared, plugin);
        }
        let plugins = shared.plugins.read().len() as u64;
        let recovery = Recovery { store: recovered, handoffs, plugins, took: began.elapsed() };
        let alive = Arc::new(Alive(Arc::clone(&shared.tasks)));
        Ok((Host { shared, _alive: alive }, recovery))
    }
}

fn open_directory(path: &Path) -> Result<Arc<dyn Disk>, HostError> {
    match DirDisk::create(path) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(source) => Err(HostError::Directory { path: path.display().to_string(), source }),
    }
}

/// The version of a plugin that the catalog names as active.
fn serving(shared: &Shared, catalog: &Catalog, record: PluginRecord) -> Result<Serving, HostError> {
    let version = catalog.version(record.id, record.active)?;
    let epoch: Option<WriterEpoch> = shared.store.epoch(record.state);
    let epoch =
        epoch.ok_or_else(|| HostError::Catalog { what: format!("{} of {} is missing", record.state, record.name) })?;
    Ok(Serving::cold(record, version, epoch))
}
