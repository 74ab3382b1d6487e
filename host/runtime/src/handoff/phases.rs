//! What each phase does, up to the commit.

use std::time::Instant;

use stead_store::{Change, Ticket, Writes};

use super::export::export_later;
use super::party::{Party, Successor};
use super::plan::{Base, Plan, plan};
use super::receipt::{Activated, PhaseTime, Receipt, ReceiptKind};
use super::{Ended, HandOff, Phase, Stop, upgrade};
use crate::catalog::{self, Catalog, Key};
use crate::crash;
use crate::error::HostError;
use crate::host::{Happened, HistoryEntry, HistoryEvent};
use crate::plugin::now_ms;
use crate::receipts;

/// How often the work after sealing is begun: once, and once more after a crash.
const ATTEMPTS_MAX: u32 = 2;

impl HandOff {
    /// Journals the plan and prepares the successors' states while the incumbents serve.
    pub(super) async fn negotiate(&mut self) -> Result<(), Stop> {
        let mut links = Writes::new();
        self.put_links(&mut links)?;
        self.record_with(Vec::new(), links).await?;
        crash::point("handoff.negotiating");
        for party in &self.parties {
            receipts::catch_up(&self.host, party.plugin.id).await;
        }
        for party in &mut self.parties {
            let live = party.host.view(party.live())?;
            party.carried = Some(party.carry(&live, 1).await?);
            party.start().await?;
        }
        crash::point("handoff.negotiated");
        Ok(())
    }

    /// Holds new calls and waits for the running ones.
    pub(super) async fn drain(&mut self) -> Result<(), Stop> {
        self.record(Vec::new()).await?;
        crash::point("handoff.draining");
        let since = Instant::now();
        for party in &mut self.parties {
            party.close_gate(since, self.patience).await?;
        }
        crash::point("handoff.drained");
        Ok(())
    }

    /// Fences the incumbents and pins their last states; neither depends on a state's size.
    pub(super) async fn seal(&mut self) -> Result<(), Stop> {
        let mut changes = Vec::new();
        for party in &mut self.parties {
            let (state, sealed) = (party.live(), party.host.store.new_state());
            party.sealed_at = Some(party.host.view(state)?.commits());
            party.record.sealed = Some(sealed);
            changes.push(Change::Fence { state, epoch: party.next_epoch()? });
            changes.push(Change::Fork { from: state, to: sealed });
        }
        crash::point("handoff.sealing");
        if let Err(stop) = self.record(changes).await {
            self.parties.iter_mut().for_each(|party| party.record.sealed = None);
            return Err(stop);
        }
        for party in &self.parties {
            if let Some(last) = party.record.sealed.and_then(|sealed| self.host.store.durable_view(sealed)) {
                party.plugin.freeze(last);
            }
        }
        crash::point("handoff.sealed");
        Ok(())
    }

    /// Brings the prepared states up to the sealed point and asks the successors.
    pub(super) async fn await_ready(&mut self) -> Result<(), Stop> {
        // An attempt is counted where code of a successor runs: it could take the host down with it, again and again.
        let mut has_work = false;
        for party in &self.parties {
            let successor = party.successor()?;
            has_work |= successor.program.ready().is_some() || party.moved() && successor.plan.runs_code();
        }
        if has_work {
            if self.attempts >= ATTEMPTS_MAX {
                return Err(Stop::abort("the host stopped twice while the successor was getting ready"));
            }
            self.attempts += 1;
            self.record(Vec::new()).await?;
            crash::point("handoff.attempt");
        }
        for party in &mut self.parties {
            party.await_ready().await?;
        }
        crash::point("handoff.ready");
        Ok(())
    }

    /// Gives the hand-off up: the incumbents get new writer epochs, and the gates open to them.
    pub(super) async fn resume_incumbents(&mut self) -> Ended {
        let (phase, reason) = self.reason.clone().unwrap_or((Phase::Negotiating, "unknown".into()));
        let mut receipts = Vec::new();
        for party in &self.parties {
            tracing::warn!(plugin = %party.plugin.name, ?phase, reason, "hand-off given up");
            receipts.push(party.receipt(&self.phases, Activated::Incumbent { phase, reason: reason.clone() }));
        }
        crash::point("handoff.aborting");
        let aborted = match self.record_abort(&receipts) {
            Ok((ticket, numbers)) => ticket.await.map(|_| numbers).map_err(HostError::from),
            Err(error) => Err(error),
        };
        for (party, receipt) in self.parties.iter_mut().zip(&mut receipts) {
            party.open_to_incumbent(receipt);
        }
        match aborted {
            Ok(numbers) => {
                crash::point("handoff.aborted");
                let mut stated = Vec::new();
                for ((party, number), receipt) in self.parties.iter().zip(numbers).zip(receipts) {
                    self.host.events.tell(&party.plugin.name, Happened::handed_off(&receipt));
                    stated.push(receipts::finish(&self.host, party.plugin.id, number, receipt).await);
                }
                Ended::Aborted(stated)
            }
            Err(error) => Ended::Broken(error),
        }
    }

    /// Records the end, and returns its number in the history of each plugin.
    fn record_abort(&self, receipts: &[Receipt]) -> Result<(Ticket, Vec<u64>), HostError> {
        let _numbering = self.host.numbering();
        let mut places = Vec::new();
        let (mut changes, mut records) = (Vec::new(), Writes::new());
        catalog::remove(&mut records, self.key());
        for (party, receipt) in self.parties.iter().zip(receipts) {
            upgrade::leave(&self.host, party.plugin.id, None, &mut changes, &mut records)?;
            if let Some(sealed) = party.record.sealed {
                changes.push(Change::Fence { state: party.live(), epoch: party.next_epoch()? });
                changes.push(Change::Remove { state: sealed });
            }
            party.forget_links(&mut records)?;
            catalog::remove(&mut records, Key::probation_agreed(party.plugin.id));
            let number = Catalog::of(&self.host.store)?.events(party.plugin.id)? + 1;
            let event = HistoryEvent::HandOff { receipt: Box::new(receipt.clone()) };
            let entry = HistoryEntry { number, at_ms: receipt.at_ms, event };
            catalog::put(&mut records, Key::history(party.plugin.id, number), &entry);
            places.push((party, number, None));
        }
        self.add_dues(&places, &mut records)?;
        let ticket = self.host.commit(changes, records)?;
        Ok((ticket, places.into_iter().map(|(_, number, _)| number).collect()))
    }

    /// Journals the hand-off as it stands, together with changes, and waits until that is durable.
    async fn record(&self, changes: Vec<Change>) -> Result<(), Stop> {
        self.record_with(changes, Writes::new()).await
    }

    async fn record_with(&self, changes: Vec<Change>, mut records: Writes) -> Result<(), Stop> {
        catalog::put(&mut records, self.key(), &self.journal());
        for party in &self.parties {
            if let Some(probation) = &party.probation {
                catalog::put(&mut records, Key::probation_agreed(party.plugin.id), probation);
            }
        }
        Ok(self.host.commit_durably(changes, records).await?)
    }

    /// Where the hand-off stands in the catalog: under its first plugin.
    pub(super) fn key(&self) -> Key {
        let Some(first) = self.parties.first() else { unreachable!("a hand-off has a plugin") };
        Key::hand_off(first.plugin.id)
    }
}

impl Party {
    /// The state that was prepared, if one was, is not that of the sealed point.
    fn moved(&self) -> bool {
        let prepared_at = self.carried.as_ref().map(|carried| carried.at);
        prepared_at.is_none() || prepared_at != self.sealed_at
    }

    /// Brings the prepared state up to the sealed point and asks the successor.
    async fn await_ready(&mut self) -> Result<(), Stop> {
        let live = self.host.view(self.live())?;
        if self.moved() {
            if self.record.kind != ReceiptKind::Swap || !self.successor()?.plan.admitted.unproven.is_empty() {
                let program = self.successor()?.program.clone();
                let plan = plan(&self.host, &self.plugin.serving(), &program, &self.record, &live, None)
                    .map_err(|no| Stop::Abort(no.reason()))?;
                self.successor = Some(Successor { program, plan });
            }
            let runs = 1 + self.carried.as_ref().and_then(|c| c.migrated.as_ref()).map_or(0, |m| m.runs);
            self.carried = Some(self.carry(&live, runs).await?);
            crash::point("handoff.carried");
        }
        let from = self.successor()?.plan.base;
        let base = match from {
            Base::Live => match self.carried.as_ref().and_then(|carried| carried.staging) {
                Some(staging) => self.host.view(staging)?,
                None => live,
            },
            Base::Sealed { state, .. } => self.host.view(state)?,
        };
        if let Some(carried) = &self.carried {
            self.ask_ready(base, &carried.effects).await?;
        }
        if let Base::Sealed { discarding: true, .. } = from {
            self.export()?;
        }
        Ok(())
    }

    /// Hands every later write to the operator before it is given up.
    fn export(&mut self) -> Result<(), Stop> {
        let serving = self.plugin.serving();
        let (Some(previous), Some(sink)) = (&serving.plugin.previous, &mut self.sink) else {
            return Err(Stop::abort("the host stopped before later writes were exported"));
        };
        let (begun, live) = (self.host.view(previous.begun)?, self.host.view(serving.plugin.state)?);
        let ledger = crate::plugin::read_ledger(&live)?;
        let (plugin, version, sink) = (&self.plugin.name, &serving.version, sink.get_mut().as_mut());
        self.discarded = export_later(plugin, version, (&begun, &live), &ledger, sink).map_err(Stop::Abort)?;
        crash::point("handoff.exported");
        Ok(())
    }

    /// Whatever became of the record: whoever holds the state's epoch serves, and that is the incumbent.
    fn open_to_incumbent(&mut self, receipt: &mut Receipt) {
        if let Some((calls, time)) = self.held_in_vain {
            (receipt.held_calls, receipt.pause_us) = (calls, super::micros(time));
        }
        let Some(mut gate) = self.gate.take() else { return };
        let serving = self.plugin.serving();
        if let Some(epoch) = self.host.store.epoch(serving.plugin.state)
            && epoch != serving.epoch
        {
            self.plugin.serve(&self.host, &mut gate.turn, serving.under(epoch));
        }
        receipt.held_calls = self.plugin.waiting() as u64;
        receipt.pause_us = super::micros(gate.since.elapsed());
    }

    /// What there is to say so far.
    pub(super) fn receipt(&self, phases: &[PhaseTime], activated: Activated) -> Receipt {
        let plan = self.successor.as_ref().map(|successor| &successor.plan);
        let discarding = matches!(plan.map(|plan| plan.base), Some(Base::Sealed { discarding: true, .. }));
        let kind = match self.record.kind {
            ReceiptKind::RollbackDiscarding if !discarding => ReceiptKind::Rollback,
            kind => kind,
        };
        Receipt {
            plugin: self.plugin.name.clone(),
            kind,
            from: self.plugin.serving().version.summary(),
            to: self.record.successor.summary(),
            activated,
            verdicts: plan.map(Plan::verdicts).unwrap_or_default(),
            migrated: self.carried.as_ref().and_then(|carried| carried.migrated.clone()),
            sealed: None,
            root: None,
            pause_us: self.gate.as_ref().map_or(0, |gate| super::micros(gate.since.elapsed())),
            held_calls: 0,
            phases: phases.to_vec(),
            discarded: self.discarded,
            at_ms: now_ms(),
        }
    }
}
