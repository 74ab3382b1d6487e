//! The one commit of a hand-off: version, ledger, state, epoch and receipt change together.

use stead_store::{Change, StateId, WriterEpoch, Writes};

use super::plan::Base;
use super::receipt::{Activated, Receipt, SealedPoint};
use super::{HandOff, Stop, micros};
use crate::catalog::{self, Catalog, Key, PluginRecord, Previous, Sealed};
use crate::crash;
use crate::error::HostError;
use crate::host::{HistoryEntry, HistoryEvent, blocking};
use crate::plugin::Serving;

/// Last states of earlier versions that a plugin keeps. Each pins what was changed or deleted since.
pub(crate) const SEALED_STATES_MAX: usize = 16;

impl HandOff {
    /// Commits, and opens the gate to the successor.
    pub(super) async fn commit(&mut self) -> Result<Receipt, Stop> {
        let incumbent = self.plugin.serving();
        let sealed = self.journal.sealed.ok_or_else(|| Stop::abort("the state was not sealed"))?;
        let begun = self.host.store.new_state();
        let (linked, base, rebuilt) = {
            let plan = &self.successor()?.plan;
            (plan.linked.clone(), plan.base, plan.rebuilds())
        };
        let (mut changes, state, epoch) = self.state_changes(base, incumbent.plugin.state, begun)?;
        let previous = Previous {
            generation: incumbent.plugin.active,
            sealed,
            begun,
            rebuilt,
            undone: incumbent.plugin.undone.clone(),
        };
        let plugin = self.next_record(&incumbent.plugin, state, base, previous, &mut changes);

        let mut receipt = self.receipt(Activated::Successor);
        receipt.sealed = Some(self.sealed_point(sealed)?);
        let number = Catalog::of(&self.host.store)?.events(plugin.id)? + 1;
        let mut records = Writes::new();
        catalog::put(&mut records, Key::plugin(&plugin.name), &plugin);
        catalog::put(&mut records, Key::version(plugin.id, plugin.active), &self.journal.successor);
        catalog::put(&mut records, Key::history(plugin.id, number), &entry(number, &receipt));
        catalog::remove(&mut records, Key::hand_off(plugin.id));
        crash::point("handoff.committing");
        self.host.commit(changes, records)?.await?;
        crash::point("handoff.committed");

        let id = plugin.id;
        let successor = Serving::warm(plugin, self.journal.successor.clone(), epoch, linked);
        if let Some(mut gate) = self.gate.take() {
            self.plugin.serve(&self.host, &mut gate.turn, successor);
            receipt.held_calls = self.plugin.waiting() as u64;
            receipt.pause_us = micros(gate.since.elapsed());
        }
        // Roots cost time that grows with what changed, so they are computed while the successor serves.
        if let Err(error) = self.add_roots(&mut receipt, sealed, begun).await {
            tracing::warn!(plugin = %self.plugin.name, %error, "the roots of a hand-off could not be computed");
        }
        let mut records = Writes::new();
        catalog::put(&mut records, Key::history(id, number), &entry(number, &receipt));
        if let Err(error) = self.host.commit_durably(Vec::new(), records).await {
            tracing::warn!(plugin = %self.plugin.name, %error, "the roots of a hand-off could not be recorded");
        }
        Ok(receipt)
    }

    /// What happens to states: the successor's, its writer epoch, and a pinned copy of how it began.
    fn state_changes(
        &mut self,
        base: Base,
        live: StateId,
        begun: StateId,
    ) -> Result<(Vec<Change>, StateId, WriterEpoch), Stop> {
        let carried = self.carried.as_mut().ok_or_else(|| Stop::abort("the successor's state was not prepared"))?;
        let effects = std::mem::take(&mut carried.effects);
        match base {
            Base::Live => {
                let missing = || HostError::Catalog { what: format!("{live} is missing") };
                let epoch = self.host.store.epoch(live).ok_or_else(missing)?;
                let mut changes = effects.into_changes(live, epoch);
                changes.push(Change::Fork { from: live, to: begun });
                Ok((changes, live, epoch))
            }
            Base::Sealed { state: from, .. } => {
                let state = self.host.store.new_state();
                let changes = vec![
                    Change::Fork { from, to: state },
                    Change::Fork { from, to: begun },
                    Change::Remove { state: live },
                ];
                Ok((changes, state, WriterEpoch::FIRST))
            }
        }
    }

    /// The plugin as it is with the successor active.
    fn next_record(
        &self,
        before: &PluginRecord,
        state: StateId,
        base: Base,
        next: Previous,
        changes: &mut Vec<Change>,
    ) -> PluginRecord {
        let mut plugin = before.clone();
        plugin.state = state;
        plugin.active = self.journal.successor.generation;
        plugin.generations = plugin.generations.max(plugin.active);
        plugin.era += 1;
        if let (Base::Sealed { discarding, .. }, Some(previous)) = (base, &before.previous) {
            // The state returns to a point of the past, and with it the calls that had an effect on it.
            plugin.undone = previous.undone.clone();
            if discarding {
                plugin.undone.0.push((before.era, before.era));
            }
        }
        if let Some(previous) = &before.previous {
            changes.push(Change::Remove { state: previous.begun });
        }
        plugin.sealed.push(Sealed { era: before.era, generation: before.active, state: next.sealed });
        plugin.previous = Some(next);
        while plugin.sealed.len() > SEALED_STATES_MAX {
            changes.push(Change::Remove { state: plugin.sealed.remove(0).state });
        }
        plugin
    }

    fn sealed_point(&self, sealed: StateId) -> Result<SealedPoint, Stop> {
        let view = self.host.view(sealed)?;
        Ok(SealedPoint { state: sealed.0, commit: view.commit().0, root: None })
    }

    /// Adds the roots of the sealed state and of the one that the successor began with.
    async fn add_roots(&self, receipt: &mut Receipt, sealed: StateId, begun: StateId) -> Result<(), HostError> {
        let views = [self.host.view(sealed)?, self.host.view(begun)?];
        let [sealed, begun] = blocking(move || views.map(|view| view.root())).await;
        if let Some(point) = &mut receipt.sealed {
            point.root = Some(sealed?.to_string());
        }
        receipt.root = Some(begun?.to_string());
        Ok(())
    }
}

fn entry(number: u64, receipt: &Receipt) -> HistoryEntry {
    HistoryEntry { number, at_ms: receipt.at_ms, event: HistoryEvent::HandOff { receipt: Box::new(receipt.clone()) } }
}
