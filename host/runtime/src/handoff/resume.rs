//! Ending a hand-off that a crash interrupted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::group::{PATIENCE, load, planned};
use super::later::count_later;
use super::links::recorded;
use super::party::{Party, Successor, begin};
use super::plan::{Base, NoPlan};
use super::{Ended, HandOff, Phase, upgrade};
use crate::catalog::{Catalog, HandOffRecord, PartyRecord};
use crate::error::HostError;
use crate::host::{Recovered, Shared};
use crate::plugin::Plugin;

/// For how long a hand-off that a crash interrupted after its state was sealed may take: every plugin waits for the host to
/// open. One that needs longer is given up, and loses nothing.
const PATIENCE_AT_OPEN: Duration = Duration::from_secs(60);

/// Ends a hand-off that a crash interrupted, by its journaled phase. Nobody calls its plugins yet. One in which a state was
/// being converted entry by entry goes on beside the calls that come: it is none of those that are returned.
pub(crate) async fn resume(host: &Shared, journal: HandOffRecord) -> Result<Vec<Recovered>, HostError> {
    let damaged = |what: String| HostError::Catalog { what };
    let interrupted = journal.phase;
    let mut parties = Vec::new();
    for record in journal.parties {
        let (plugin, mark) = begin(host, &record.plugin).map_err(|error| damaged(error.to_string()))?;
        let probation = Catalog::of(&host.store)?.probation_agreed(plugin.id)?;
        parties.push(Party { probation, ..Party::new(host, plugin, mark, record) });
    }
    if parties.is_empty() {
        return Err(damaged("a hand-off of no plugin".into()));
    }
    // One that was given up already is not begun anew.
    let hold = converting(host, &parties)?.filter(|_| journal.reason.is_none());
    let phase = interrupted.after_crash(hold.is_some());
    if phase == Phase::Negotiating {
        tokio::spawn(HandOff::new(host, parties, hold.unwrap_or(PATIENCE)).go_on());
        return Ok(Vec::new());
    }
    let mut hand_off = HandOff {
        phase,
        attempts: journal.attempts,
        reason: journal.reason,
        ..HandOff::new(host, parties, PATIENCE_AT_OPEN)
    };
    if let Err(reason) = hand_off.take_up().await {
        hand_off.phase = Phase::ResumingAfterAbort;
        hand_off.reason = Some((interrupted, reason));
    }
    let receipts = match hand_off.drive().await {
        Ok(receipts) | Err(Ended::Aborted(receipts)) => receipts,
        Err(Ended::Broken(error)) => return Err(error),
    };
    let recovered = |receipt: super::Receipt| Recovered { plugin: receipt.plugin.clone(), phase: interrupted, receipt };
    Ok(receipts.into_iter().map(recovered).collect())
}

/// For how long calls may be held for a hand-off in which a state is being converted; none if none is.
fn converting(host: &Shared, parties: &[Party]) -> Result<Option<Duration>, HostError> {
    for party in parties {
        if let Some(hold) = upgrade::under_way(host, party.plugin.id)? {
            return Ok(Some(hold));
        }
    }
    Ok(None)
}

impl HandOff {
    /// Goes through all phases again, of which the first takes up what is converted already.
    async fn go_on(mut self) {
        let name = self.parties.first().map(|party| party.plugin.name.clone()).unwrap_or_default();
        tracing::info!(plugin = name, "a hand-off goes on that was interrupted while the state was converted");
        for party in &mut self.parties {
            match planned_anew(&self.host, &party.plugin, &party.record).await {
                Ok(successor) => party.successor = Some(successor),
                Err(reason) => {
                    self.phase = Phase::ResumingAfterAbort;
                    self.reason = Some((Phase::Negotiating, reason));
                    break;
                }
            }
        }
        match self.drive().await {
            Ok(_) => tracing::info!(plugin = name, "the interrupted hand-off is done"),
            // That is in the log and in the history already.
            Err(Ended::Aborted(_)) => {}
            Err(Ended::Broken(error)) => tracing::warn!(plugin = name, %error, "an interrupted hand-off has to wait"),
        }
    }

    /// Closes the gates and plans anew, if the hand-off goes on; else says why it does not.
    async fn take_up(&mut self) -> Result<(), String> {
        let since = Instant::now();
        for party in &mut self.parties {
            // Nobody calls yet, so nobody holds the turn.
            let _ = party.close_gate(since, self.patience).await;
        }
        if self.phase == Phase::ResumingAfterAbort {
            return match &self.reason {
                Some((_, reason)) => Err(reason.clone()),
                None => Err("the host stopped before the state was sealed".into()),
            };
        }
        for party in &mut self.parties {
            party.successor = Some(successor(&self.host, &party.plugin, &party.record).await?);
        }
        Ok(())
    }
}

/// The successor of an interrupted hand-off, if it goes on; else why it does not.
async fn successor(host: &Shared, plugin: &Arc<Plugin>, record: &PartyRecord) -> Result<Successor, String> {
    let Some(sealed) = record.sealed else {
        return Err("the host stopped before the state was sealed".into());
    };
    let text = |error: HostError| error.to_string();
    let live = host.view(plugin.serving().plugin.state).map_err(text)?;
    let moved = count_later(&host.view(sealed).map_err(text)?, &live).map_err(text)?;
    if !moved.is_empty() {
        return Err("the incumbent went on after the state was sealed".into());
    }
    let successor = planned_anew(host, plugin, record).await?;
    if let Base::Sealed { discarding: true, .. } = successor.plan.base {
        return Err("the host stopped before later writes were exported".into());
    }
    Ok(successor)
}

/// The successor as the hand-off's record names it.
async fn planned_anew(host: &Shared, plugin: &Arc<Plugin>, record: &PartyRecord) -> Result<Successor, String> {
    let bytes = host.store.component(&record.successor.component).map_err(|error| error.to_string())?;
    let links = recorded(host, plugin, record).map_err(|error| error.to_string())?;
    let program = load(host, bytes.to_vec(), links).await.map_err(|error| error.to_string())?;
    let plan = planned(host, plugin, &program, record, None).await.map_err(NoPlan::reason)?;
    Ok(Successor { program, plan })
}
