//! Ending a hand-off that a crash interrupted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::group::{load, planned};
use super::later::count_later;
use super::links::recorded;
use super::party::{Party, Successor, begin};
use super::plan::{Base, NoPlan};
use super::{Ended, HandOff, Phase};
use crate::catalog::{HandOffRecord, PartyRecord};
use crate::error::HostError;
use crate::host::{Recovered, Shared};
use crate::plugin::Plugin;

/// For how long a hand-off that a crash interrupted may take: nobody waits for it yet.
const PATIENCE_AT_OPEN: Duration = Duration::from_secs(600);

/// Ends a hand-off that a crash interrupted, by its journaled phase. Nobody calls its plugins yet.
pub(crate) async fn resume(host: &Shared, journal: HandOffRecord) -> Result<Vec<Recovered>, HostError> {
    let damaged = |what: String| HostError::Catalog { what };
    let interrupted = journal.phase;
    let mut parties = Vec::new();
    for record in journal.parties {
        let (plugin, mark) = begin(host, &record.plugin).map_err(|error| damaged(error.to_string()))?;
        parties.push(Party::new(host, plugin, mark, record));
    }
    if parties.is_empty() {
        return Err(damaged("a hand-off of no plugin".into()));
    }
    let mut hand_off = HandOff {
        phase: interrupted.after_crash(),
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

impl HandOff {
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
    let bytes = host.store.component(&record.successor.component).map_err(|error| error.to_string())?;
    let links = recorded(host, plugin, record).map_err(text)?;
    let program = load(host, bytes.to_vec(), links).await.map_err(|error| error.to_string())?;
    let plan = planned(host, plugin, &program, record, None).await.map_err(NoPlan::reason)?;
    if let Base::Sealed { discarding: true, .. } = plan.base {
        return Err("the host stopped before later writes were exported".into());
    }
    Ok(Successor { program, plan })
}
