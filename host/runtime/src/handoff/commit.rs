//! The one commit of a hand-off: version, ledger, state, epoch and receipt change together.

use stead_store::{Change, StateId, WriterEpoch, Writes};

use super::party::Party;
use super::plan::Base;
use super::receipt::{Activated, PhaseTime, Receipt, SealedPoint};
use super::{HandOff, Stop, micros, probation, upgrade};
use crate::catalog::{self, Catalog, Key, PluginRecord, Previous, ProbationRecord, Sealed, Stage};
use crate::crash;
use crate::error::HostError;
use crate::host::{Happened, HistoryEntry, HistoryEvent};
use crate::plugin::Serving;
use crate::receipts::{self, HandOffId};

/// Last states of earlier versions that a plugin keeps. Each pins what was changed or deleted since.
pub(crate) const SEALED_STATES_MAX: usize = 16;

impl HandOff {
    /// Commits, and opens the gates to the successors.
    pub(super) async fn commit(&mut self) -> Result<Vec<Receipt>, Stop> {
        let links = self.close_links().await?;
        let mut commits = Vec::new();
        let host = self.host.clone();
        let ticket = {
            let _numbering = host.numbering();
            let (mut changes, mut records) = (Vec::new(), Writes::new());
            for party in &mut self.parties {
                commits.push(party.prepare_commit(&self.phases, &mut changes, &mut records)?);
            }
            let places: Vec<_> = self
                .parties
                .iter()
                .zip(&commits)
                .map(|(party, commit)| (party, commit.number, Some(commit.begun)))
                .collect();
            self.add_dues(&places, &mut records)?;
            catalog::remove(&mut records, self.key());
            crash::point("handoff.committing");
            host.commit(changes, records)?
        };
        ticket.await?;
        crash::point("handoff.committed");

        // All successors serve before the first gate opens: plugins that call each other change hands as one.
        {
            let _together = self.host.links.change_hands();
            for (party, commit) in self.parties.iter_mut().zip(&mut commits) {
                let calls = party.successor.as_ref().map_or(&[][..], |successor| successor.program.links());
                self.host.links.serve(&party.plugin.name, calls);
                if let (Some(gate), Some(successor)) = (&mut party.gate, commit.successor.take()) {
                    party.plugin.serve(&self.host, &mut gate.turn, successor);
                }
            }
        }
        drop(links);
        for (party, commit) in self.parties.iter_mut().zip(&mut commits) {
            if let Some(gate) = party.gate.take() {
                probation::take_up(&self.host, &party.plugin);
                commit.receipt.held_calls = party.plugin.waiting() as u64;
                commit.receipt.pause_us = micros(gate.since.elapsed());
            }
            self.host.events.tell(&party.plugin.name, Happened::handed_off(&commit.receipt));
        }
        let mut receipts = Vec::new();
        for (party, commit) in self.parties.iter().zip(commits) {
            // Roots cost time that grows with what changed, so they are computed while the successor serves.
            receipts.push(receipts::finish(&self.host, party.plugin.id, commit.number, commit.receipt).await);
        }
        Ok(receipts)
    }

    /// Says in the commit that ends the hand-off that a statement about each plugin is due.
    pub(super) fn add_dues(
        &self,
        places: &[(&Party, u64, Option<StateId>)],
        records: &mut Writes,
    ) -> Result<(), HostError> {
        let named = |(party, number, _): &(&Party, u64, _)| (party.plugin.id, party.plugin.name.clone(), *number);
        let id = HandOffId::of(&self.host, &places.iter().map(named).collect::<Vec<_>>());
        for (party, number, begun) in places {
            let due = id.due(&party.plugin.name, *number, party.record.asked_by.clone(), *begun);
            receipts::add_due(&self.host, party.plugin.id, &due, records)?;
        }
        Ok(())
    }
}

/// What the commit of one plugin is made of, and what comes after it.
struct Commit {
    receipt: Receipt,
    /// Its place in the plugin's history.
    number: u64,
    begun: StateId,
    /// Until it serves.
    successor: Option<Serving>,
}

impl Party {
    fn prepare_commit(
        &mut self,
        phases: &[PhaseTime],
        changes: &mut Vec<Change>,
        records: &mut Writes,
    ) -> Result<Commit, Stop> {
        let incumbent = self.plugin.serving();
        let sealed = self.record.sealed.ok_or_else(|| Stop::abort("the state was not sealed"))?;
        let begun = self.host.store.new_state();
        let (linked, base, rebuilt) = {
            let plan = &self.successor()?.plan;
            (plan.linked.clone(), plan.base, plan.rebuilds())
        };
        let (state_changes, state, epoch) = self.state_changes(base, incumbent.plugin.state, begun)?;
        changes.extend(state_changes);
        upgrade::leave(&self.host, self.plugin.id, Some(state), changes, records)?;
        let previous = Previous {
            generation: incumbent.plugin.active,
            sealed,
            begun,
            rebuilt,
            undone: incumbent.plugin.undone.clone(),
        };
        let plugin = self.next_record(&incumbent.plugin, state, base, previous, changes);

        let mut receipt = self.receipt(phases, Activated::Successor);
        receipt.sealed = Some(self.sealed_point(sealed)?);
        let number = Catalog::of(&self.host.store)?.events(plugin.id)? + 1;
        catalog::put(records, Key::plugin(&plugin.name), &plugin);
        catalog::put(records, Key::version(plugin.id, plugin.active), &self.record.successor);
        catalog::put(records, Key::history(plugin.id, number), &entry(number, &receipt));
        let probation = self.begin_probation(records);
        let successor = Serving::warm(plugin, self.record.successor.clone(), epoch, linked);
        let successor = match probation {
            Some(probation) => successor.on_probation(probation),
            None => successor,
        };
        Ok(Commit { receipt, number, begun, successor: Some(successor) })
    }

    /// Ends the incumbent's probation and begins the successor's, if it has one.
    fn begin_probation(&self, records: &mut Writes) -> Option<ProbationRecord> {
        let id = self.plugin.id;
        catalog::remove(records, Key::probation_agreed(id));
        let Some(agreed) = &self.probation else {
            catalog::remove(records, Key::probation(id));
            return None;
        };
        let record = ProbationRecord { stage: Stage::Watching, ..agreed.clone() };
        catalog::put(records, Key::probation(id), &record);
        Some(record)
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
        let staging = carried.staging;
        match (base, staging) {
            (Base::Live, Some(state)) => {
                let mut changes = effects.into_changes(state, WriterEpoch::FIRST);
                changes.extend([Change::Fork { from: state, to: begun }, Change::Remove { state: live }]);
                Ok((changes, state, WriterEpoch::FIRST))
            }
            (Base::Live, None) => {
                let missing = || HostError::Catalog { what: format!("{live} is missing") };
                let epoch = self.host.store.epoch(live).ok_or_else(missing)?;
                let mut changes = effects.into_changes(live, epoch);
                changes.push(Change::Fork { from: live, to: begun });
                Ok((changes, live, epoch))
            }
            (Base::Sealed { state: from, .. }, _) => {
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
        plugin.active = self.record.successor.generation;
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
}

fn entry(number: u64, receipt: &Receipt) -> HistoryEntry {
    HistoryEntry { number, at_ms: receipt.at_ms, event: HistoryEvent::HandOff { receipt: Box::new(receipt.clone()) } }
}
