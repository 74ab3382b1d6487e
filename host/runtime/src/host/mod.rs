//! The host: a data directory and its plugins.

mod deploy;
mod events;
mod exported;
mod links;
mod open;
mod options;
mod report;
mod shared;
mod show;
mod tasks;
mod typed;
mod words;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use stead_store::{Checkpointed, Damage, Progress, ReadError, Verified, Writes};

pub use events::{Event, EventReader, Happened, News};
pub use options::{DataDir, DeployOptions, HostOptions, ScanOptions};
pub use report::{
    CollectionDetails, Deployed, HistoryEntry, HistoryEvent, HostInfo, InspectedCollection, InspectedLink, Inspection,
    LedgerEntry, PluginDetails, PluginSummary, Recovered, Recovery, Signature, StateEntry, StatePage, UpgradeFunction,
    VersionSummary,
};

pub use words::Words;

pub(crate) use deploy::{check_name, refusals};
pub(crate) use events::Events;
pub(crate) use links::{LinkGate, Newcomer, meaningless};
pub(crate) use shared::{Shared, blocking};
pub(crate) use tasks::Tasks;
pub(crate) use typed::{Typed, find as find_collection};

use crate::catalog::Catalog;
use crate::error::{
    CallError, CancelError, HostError, RecordError, RehearseError, ResumeError, RollbackError, SwapError,
};
use crate::handoff::{
    self, Check, CheckOptions, Receipt, RehearseOptions, Rehearsed, RollbackOptions, Swap, SwapOptions,
};
use crate::plugin::{Call, RecordOptions, Recording, Reply};
use tasks::Alive;

/// How long closing waits for a plugin's running call.
const CLOSE_WAIT: Duration = Duration::from_secs(30);

/// An open data directory and its plugins. Cheap to clone; all clones are one host.
#[derive(Clone)]
pub struct Host {
    shared: Shared,
    _alive: Arc<Alive>,
}

impl Host {
    /// Calls an exported function. The reply is seen only after everything that it could have seen is durable.
    pub async fn call(&self, call: Call) -> Result<Reply, CallError> {
        if self.shared.closing.load(Ordering::Relaxed) {
            return Err(CallError::Closed);
        }
        let plugin = self.shared.plugin(&call.plugin);
        let plugin = plugin.ok_or_else(|| CallError::UnknownPlugin { plugin: call.plugin.clone() })?;
        self.shared.calls.fetch_add(1, Ordering::Relaxed);
        plugin.call(&self.shared, call).await
    }

    /// Replaces the active version, keeping the state. Once begun, it goes on to its end whether the future that this
    /// returns is polled or not.
    pub async fn swap(&self, name: &str, wasm: &[u8], options: SwapOptions) -> Result<Receipt, SwapError> {
        let swap = Swap { plugin: name.into(), wasm: wasm.into(), options };
        match handoff::swap(&self.shared, vec![swap]).await?.pop() {
            Some(receipt) => Ok(receipt),
            None => unreachable!("a hand-off of one plugin has one receipt"),
        }
    }

    /// Replaces the active versions of several plugins in one hand-off with one commit: all or none. The receipts are in
    /// the order asked.
    pub async fn swap_all(&self, swaps: Vec<Swap>) -> Result<Vec<Receipt>, SwapError> {
        handoff::swap(&self.shared, swaps).await
    }

    /// What a swap would find and do. Nothing changes and no call waits.
    pub async fn check(&self, name: &str, wasm: &[u8], options: CheckOptions) -> Result<Check, SwapError> {
        handoff::check(&self.shared, name, wasm, options).await
    }

    /// Goes back to the version before, with all writes since where that version can read them.
    pub async fn rollback(&self, name: &str, options: RollbackOptions) -> Result<Receipt, RollbackError> {
        handoff::rollback(&self.shared, name, options).await
    }

    /// Tries a swap out on a copy of the state, with the recorded calls on both versions, and reports what it finds. Nothing
    /// changes, unless the options say that the swap is to follow where nothing differs.
    pub async fn rehearse(&self, swap: Swap, options: RehearseOptions) -> Result<Rehearsed, RehearseError> {
        handoff::rehearse(&self.shared, swap, options).await
    }

    /// Records a plugin's calls from now on, for rehearsals; none: no more, and what there is is forgotten.
    pub async fn record(&self, name: &str, options: Option<RecordOptions>) -> Result<Option<Recording>, RecordError> {
        let plugin = self.shared.plugin(name).ok_or_else(|| RecordError::UnknownPlugin { plugin: name.into() })?;
        plugin.set_recording(&self.shared, options)?.await.map_err(HostError::from)?;
        Ok(plugin.recording())
    }

    /// Which calls of a plugin are recorded, if any are.
    pub fn recording(&self, name: &str) -> Result<Option<Recording>, RecordError> {
        let plugin = self.shared.plugin(name).ok_or_else(|| RecordError::UnknownPlugin { plugin: name.into() })?;
        Ok(plugin.recording())
    }

    /// Gives up the hand-off of a plugin that is under way, with all plugins that are in it: the incumbents go on. Returns
    /// once it has ended.
    pub async fn cancel(&self, name: &str) -> Result<Receipt, CancelError> {
        handoff::cancel(&self.shared, name).await
    }

    /// Lets the calls of a plugin in again that a probation has stopped; says which version serves it.
    pub async fn resume(&self, name: &str) -> Result<VersionSummary, ResumeError> {
        handoff::let_in(&self.shared, name).await
    }

    /// Reads every byte of every file and checks it, and that no component is missing.
    pub async fn verify(&self, mut progress: impl FnMut(&Progress) + Send + 'static) -> Result<Verified, HostError> {
        let store = self.shared.store.clone();
        let mut verified = blocking(move || store.verify(&mut progress)).await?;
        verified.damage.extend(self.missing_components()?);
        Ok(verified)
    }

    /// Components of plugins' versions that the data directory does not hold. The store cannot tell: which there must be
    /// is written in the catalog.
    pub fn missing_components(&self) -> Result<Vec<Damage>, HostError> {
        let catalog = Catalog::of(&self.shared.store)?;
        let mut missing = Vec::new();
        for plugin in catalog.plugins()? {
            for version in catalog.versions(plugin.id)? {
                let read = self.shared.store.component(&version.component);
                if matches!(read, Err(ReadError::Missing { .. })) {
                    let file = format!("components/{}.wasm", version.component);
                    let affects = format!("version {} of plugin {}", version.generation, plugin.name);
                    missing.push(Damage::of_file(file, 0, "the file is missing", affects));
                }
            }
        }
        Ok(missing)
    }

    /// What plugins call the states that damage names.
    pub fn words(&self) -> Words {
        Words::new(&|state| self.shared.store.view(state))
    }

    /// Applies all changes to the state trees, so that the journal before is no longer needed.
    pub async fn checkpoint(&self) -> Result<Checkpointed, HostError> {
        let store = self.shared.store.clone();
        Ok(blocking(move || store.checkpoint()).await?)
    }

    /// What all parts of this host share.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Figures of the host.
    pub fn info(&self) -> HostInfo {
        HostInfo {
            store: self.shared.store.info(),
            frontier: self.shared.store.frontier(),
            plugins: self.shared.plugins.read().len() as u64,
            instances: u64::from(self.shared.engine.instances()),
            calls: self.shared.calls.load(Ordering::Relaxed),
        }
    }

    /// What happens to plugins from now on, or, with 0, from the oldest event that is still kept.
    pub fn events_after(&self, number: u64) -> EventReader {
        self.shared.events.after(number)
    }

    /// What happens to plugins from now on.
    pub fn events(&self) -> EventReader {
        self.shared.events.after(self.shared.events.last())
    }

    /// Waits for the running calls, checkpoints and closes the data directory. Later calls are refused.
    pub async fn close(self) -> Result<(), HostError> {
        self.shared.closing.store(true, Ordering::Relaxed);
        self.shared.events.close();
        self.shared.tasks.end(CLOSE_WAIT).await;
        let plugins: Vec<_> = self.shared.plugins.read().values().cloned().collect();
        let deadline = Instant::now() + CLOSE_WAIT;
        for plugin in plugins {
            // A call that runs longer than that is cut off by the closed store: its commit is refused.
            let _ = plugin.close_gate(deadline).await;
        }
        self.shared.warm.clear();
        let mut records = Writes::new();
        handoff::save_probations(&self.shared, &mut records);
        if let Err(error) = self.shared.commit_durably(Vec::new(), records).await {
            tracing::warn!(%error, "what was seen of versions on probation could not be saved");
        }
        let store = self.shared.store.clone();
        Ok(blocking(move || store.close()).await?)
    }
}
