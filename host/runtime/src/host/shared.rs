//! What all parts of one host share, and the one way to commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use parking_lot::{Mutex, MutexGuard, RwLock};
use stead_receipt::SecretKey;
use stead_store::{Change, CommitError, StateId, Store, Ticket, View, Writes};

use super::events::Events;
use super::exported::Exported;
use super::links::Links;
use super::{HistoryEntry, HistoryEvent, Tasks};
use crate::catalog::{self, Catalog, Key};
use crate::engine::Engine;
use crate::error::HostError;
use crate::plugin::{Plugin, Warm, now_ms};

/// What all parts of one host share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) engine: Engine,
    pub(crate) warm: Arc<Warm>,
    pub(crate) plugins: Arc<RwLock<BTreeMap<String, Arc<Plugin>>>>,
    pub(crate) exported: Arc<Exported>,
    pub(crate) links: Arc<Links>,
    pub(crate) calls: Arc<AtomicU64>,
    pub(crate) closing: Arc<AtomicBool>,
    /// What statements about hand-offs are signed with.
    pub(crate) receipt_key: Option<Arc<SecretKey>>,
    pub(crate) events: Arc<Events>,
    pub(crate) tasks: Arc<Tasks>,
    /// See [`Shared::numbering`].
    pub(crate) numbering: Arc<Mutex<()>>,
}

impl Shared {
    /// Commits changes together with what they mean in the catalog. With nothing to commit, the ticket resolves when
    /// everything before is durable. The only place of this crate that commits.
    pub(crate) fn commit(&self, mut changes: Vec<Change>, records: Writes) -> Result<Ticket, CommitError> {
        if !records.is_empty() {
            let state = StateId::CATALOG;
            let epoch = self.store.epoch(state).ok_or(CommitError::UnknownState { state })?;
            changes.push(Change::Write { state, epoch, writes: records });
        }
        if changes.is_empty() {
            return Ok(self.store.barrier());
        }
        self.store.commit(changes)
    }

    /// Commits and waits until it is durable.
    pub(crate) async fn commit_durably(&self, changes: Vec<Change>, records: Writes) -> Result<(), HostError> {
        self.commit(changes, records)?.await?;
        Ok(())
    }

    /// Held from where an event's number in a plugin's history is taken until the commit with the event is accepted: a
    /// hand-off is given up without the plugin's turn, which a running call may have.
    pub(crate) fn numbering(&self) -> MutexGuard<'_, ()> {
        self.numbering.lock()
    }

    /// Commits records together with an event of a plugin's history, and waits until that is durable.
    pub(crate) async fn commit_event(
        &self,
        plugin: &Plugin,
        event: Option<HistoryEvent>,
        mut records: Writes,
    ) -> Result<(), HostError> {
        let ticket = {
            let _numbering = self.numbering();
            if let Some(event) = event {
                let number = Catalog::of(&self.store)?.events(plugin.id)? + 1;
                let entry = HistoryEntry { number, at_ms: now_ms(), event };
                catalog::put(&mut records, Key::history(plugin.id, number), &entry);
            }
            self.commit(Vec::new(), records)?
        };
        ticket.await?;
        Ok(())
    }

    /// A state with everything that was accepted so far.
    pub(crate) fn view(&self, state: StateId) -> Result<View, HostError> {
        self.store.view(state).ok_or_else(|| HostError::Catalog { what: format!("{state} is missing") })
    }

    /// A plugin by its name.
    pub(crate) fn plugin(&self, name: &str) -> Option<Arc<Plugin>> {
        self.plugins.read().get(name).cloned()
    }
}

/// Runs what blocks (disk, compiler) where it holds up no other call.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // Only a runtime that shuts down cancels it, and that drops whoever waits here: a hand-off that goes on by itself
            // when a host is closed, for one.
            Err(_) => std::future::pending().await,
        },
    }
}
