//! A state in the making: a fork of a plugin's state that nothing serves, filled in batches, and then put in its place by
//! one commit. So what comes in is there whole or not at all, and memory does not depend on how much it is.

use stead_store::{Change, StateId, View, WriterEpoch, Writes};

use crate::catalog::{self, Catalog, Key, PluginId, StagingRecord};
use crate::error::HostError;
use crate::host::Shared;

/// A state in the making. A crash leaves its record in the catalog, and the next open removes both.
pub(super) struct Staging {
    host: Shared,
    plugin: PluginId,
    pub(super) state: StateId,
    /// As it began.
    pub(super) origin: View,
}

impl Staging {
    pub(super) async fn begin(host: &Shared, plugin: PluginId, live: StateId) -> Result<Staging, HostError> {
        let state = host.store.new_state();
        let mut records = Writes::new();
        catalog::put(&mut records, Key::staging(plugin), &StagingRecord { plugin, state });
        let ticket = host.commit(vec![Change::Fork { from: live, to: state }], records)?;
        let origin = host.view(state)?;
        ticket.await?;
        Ok(Staging { host: host.clone(), plugin, state, origin })
    }

    /// Writes a batch; nobody waits for it.
    pub(super) fn write(&self, writes: Writes) -> Result<(), HostError> {
        if !writes.is_empty() {
            self.commit(vec![self.change(writes)])?;
        }
        Ok(())
    }

    /// Removes all keys from one up to another.
    pub(super) fn clear(&self, (from, to): (Vec<u8>, Vec<u8>)) -> Result<(), HostError> {
        let (from, to) = (from.into(), Some(to.into()));
        self.commit(vec![Change::Clear { state: self.state, epoch: WriterEpoch::FIRST, from, to }])
    }

    pub(super) fn change(&self, writes: Writes) -> Change {
        Change::Write { state: self.state, epoch: WriterEpoch::FIRST, writes }
    }

    /// Takes the record out of the catalog: with the commit that this goes into, the state is a plugin's.
    pub(super) fn end(&self, records: &mut Writes) {
        catalog::remove(records, Key::staging(self.plugin));
    }

    /// Removes it. Should that fail, the next open does it.
    pub(super) async fn give_up(self) {
        let mut records = Writes::new();
        self.end(&mut records);
        if let Err(error) = self.host.commit_durably(vec![Change::Remove { state: self.state }], records).await {
            tracing::warn!(%error, "an import that was given up is removed when the host is opened next");
        }
    }

    fn commit(&self, changes: Vec<Change>) -> Result<(), HostError> {
        drop(self.host.commit(changes, Writes::new())?);
        Ok(())
    }
}

/// Removes the states of imports that a crash interrupted.
pub(crate) async fn forget_stagings(host: &Shared) -> Result<(), HostError> {
    let stagings = Catalog::of(&host.store)?.stagings()?;
    if stagings.is_empty() {
        return Ok(());
    }
    let (mut changes, mut records) = (Vec::new(), Writes::new());
    for StagingRecord { plugin, state } in stagings {
        changes.push(Change::Remove { state });
        catalog::remove(&mut records, Key::staging(plugin));
    }
    host.commit_durably(changes, records).await
}
