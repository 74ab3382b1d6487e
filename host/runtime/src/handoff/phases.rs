//! What each phase does, up to the commit.

use std::time::Instant;

use stead_store::{Change, WriterEpoch, Writes};

use super::export::export_later;
use super::plan::{Base, Plan, plan};
use super::receipt::{Activated, Phase, Receipt, ReceiptKind};
use super::{Ended, Gate, HandOff, Stop, Successor};
use crate::catalog::{self, Catalog, Key};
use crate::crash;
use crate::error::HostError;
use crate::host::{HistoryEntry, HistoryEvent};
use crate::plugin::{NoTurn, now_ms};

/// How often the work after sealing is begun: once, and once more after a crash.
const ATTEMPTS_MAX: u32 = 2;

impl HandOff {
    /// Journals the plan and prepares the successor's state while the incumbent serves.
    pub(super) async fn negotiate(&mut self) -> Result<(), Stop> {
        self.record(Vec::new()).await?;
        crash::point("handoff.negotiating");
        let live = self.host.view(self.live())?;
        self.carried = Some(self.carry(&live, 1).await?);
        crash::point("handoff.negotiated");
        Ok(())
    }

    /// Holds new calls and waits for the running one.
    pub(super) async fn drain(&mut self) -> Result<(), Stop> {
        self.record(Vec::new()).await?;
        crash::point("handoff.draining");
        let since = Instant::now();
        match self.plugin.close_gate(since + self.patience).await {
            Ok(turn) => self.gate = Some(Gate { turn, since }),
            Err(NoTurn::Full { .. } | NoTurn::Deadline { .. }) => {
                return Err(Stop::abort(format!("the running call did not end within {:?}", self.patience)));
            }
        }
        crash::point("handoff.drained");
        Ok(())
    }

    /// Fences the incumbent and pins its last state; neither depends on the state's size.
    pub(super) async fn seal(&mut self) -> Result<(), Stop> {
        let state = self.live();
        self.sealed_at = Some(self.host.view(state)?.commits());
        let sealed = self.host.store.new_state();
        self.journal.sealed = Some(sealed);
        let fence = Change::Fence { state, epoch: next_epoch(self)? };
        crash::point("handoff.sealing");
        if let Err(stop) = self.record(vec![fence, Change::Fork { from: state, to: sealed }]).await {
            self.journal.sealed = None;
            return Err(stop);
        }
        crash::point("handoff.sealed");
        Ok(())
    }

    /// Brings the prepared state up to the sealed point and asks the successor.
    pub(super) async fn await_ready(&mut self) -> Result<(), Stop> {
        let live = self.host.view(self.live())?;
        let prepared_at = self.carried.as_ref().map(|carried| carried.at);
        let moved = prepared_at.is_none() || prepared_at != self.sealed_at;
        if moved || self.successor()?.program.ready().is_some() {
            if self.journal.attempts >= ATTEMPTS_MAX {
                return Err(Stop::abort("the host stopped twice while the successor was getting ready"));
            }
            self.journal.attempts += 1;
            self.record(Vec::new()).await?;
            crash::point("handoff.attempt");
        }
        if moved {
            if self.journal.kind != ReceiptKind::Swap || !self.successor()?.plan.admitted.unproven.is_empty() {
                let program = self.successor()?.program.clone();
                let plan = plan(&self.host, &self.plugin.serving(), &program, &self.journal, &live, None)
                    .map_err(|no| Stop::Abort(no.reason()))?;
                self.successor = Some(Successor { program, plan });
            }
            let runs = 1 + self.carried.as_ref().and_then(|c| c.migrated.as_ref()).map_or(0, |m| m.runs);
            self.carried = Some(self.carry(&live, runs).await?);
            crash::point("handoff.carried");
        }
        let from = self.successor()?.plan.base;
        let base = match from {
            Base::Live => live.clone(),
            Base::Sealed { state, .. } => self.host.view(state)?,
        };
        if let Some(carried) = &self.carried {
            self.ask_ready(base, &carried.effects).await?;
        }
        if let Base::Sealed { discarding: true, .. } = from {
            self.export()?;
        }
        crash::point("handoff.ready");
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

    /// Gives the hand-off up: the incumbent gets a new writer epoch, and the gate opens to it.
    pub(super) async fn resume_incumbent(&mut self) -> Ended {
        let (phase, reason) = self.journal.reason.clone().unwrap_or((Phase::Negotiating, "unknown".into()));
        tracing::warn!(plugin = %self.plugin.name, ?phase, reason, "hand-off given up");
        let activated = Activated::Incumbent { phase, reason };
        let mut receipt = self.receipt(activated);
        crash::point("handoff.aborting");
        let aborted = self.record_abort(&receipt).await;
        self.open_to_incumbent(&mut receipt);
        match aborted {
            Ok(()) => {
                crash::point("handoff.aborted");
                Ended::Aborted(Box::new(receipt))
            }
            Err(error) => Ended::Broken(error),
        }
    }

    async fn record_abort(&self, receipt: &Receipt) -> Result<(), HostError> {
        let mut changes = Vec::new();
        if let Some(sealed) = self.journal.sealed {
            changes.push(Change::Fence { state: self.live(), epoch: next_epoch(self)? });
            changes.push(Change::Remove { state: sealed });
        }
        let mut records = Writes::new();
        catalog::remove(&mut records, Key::hand_off(self.plugin.id));
        let number = Catalog::of(&self.host.store)?.events(self.plugin.id)? + 1;
        let event = HistoryEvent::HandOff { receipt: Box::new(receipt.clone()) };
        catalog::put(
            &mut records,
            Key::history(self.plugin.id, number),
            &HistoryEntry { number, at_ms: receipt.at_ms, event },
        );
        self.host.commit_durably(changes, records).await
    }

    /// Whatever became of the record: whoever holds the state's epoch serves, and that is the incumbent.
    fn open_to_incumbent(&mut self, receipt: &mut Receipt) {
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
    pub(super) fn receipt(&self, activated: Activated) -> Receipt {
        let plan = self.successor.as_ref().map(|successor| &successor.plan);
        let discarding = matches!(plan.map(|plan| plan.base), Some(Base::Sealed { discarding: true, .. }));
        let kind = match self.journal.kind {
            ReceiptKind::RollbackDiscarding if !discarding => ReceiptKind::Rollback,
            kind => kind,
        };
        Receipt {
            plugin: self.plugin.name.clone(),
            kind,
            from: self.plugin.serving().version.summary(),
            to: self.journal.successor.summary(),
            activated,
            verdicts: plan.map(Plan::verdicts).unwrap_or_default(),
            migrated: self.carried.as_ref().and_then(|carried| carried.migrated.clone()),
            sealed: None,
            root: None,
            pause_us: self.gate.as_ref().map_or(0, |gate| super::micros(gate.since.elapsed())),
            held_calls: 0,
            phases: self.phases.clone(),
            discarded: self.discarded,
            at_ms: now_ms(),
        }
    }

    /// Journals the hand-off as it stands, together with changes, and waits until that is durable.
    async fn record(&self, changes: Vec<Change>) -> Result<(), Stop> {
        let mut records = Writes::new();
        catalog::put(&mut records, Key::hand_off(self.plugin.id), &self.journal);
        Ok(self.host.commit_durably(changes, records).await?)
    }
}

/// The next writer epoch of the live state.
fn next_epoch(hand_off: &HandOff) -> Result<WriterEpoch, HostError> {
    let state = hand_off.live();
    let epoch = hand_off.host.store.epoch(state);
    let epoch = epoch.ok_or_else(|| HostError::Catalog { what: format!("{state} is missing") })?;
    Ok(WriterEpoch(epoch.0 + 1))
}
