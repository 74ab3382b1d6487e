//! Watching a version that just became active, and taking it back if it does worse than the one before.
//!
//! ```text
//!   the hand-off is journaled          Agreed: the terms, and the figures of the version that serves
//!        │ its commit
//!        ▼
//!   Watching ── time or calls over ──▶ passed: nothing is left of it but an event
//!        │ breach
//!        ▼
//!   Breached(reason) ── hand back ──▶ a rollback, in whose commit the probation ends
//!        │     │
//!        │     └─ go on ────────────▶ nothing is left of it but events
//!        ▼ stop
//!   Stopped(reason) ── `resume` ─────▶ calls are let in again
//! ```
//!
//! Every stage is a record of the catalog, so that a restart goes on where it was. Any other hand-off of the plugin ends the
//! probation in its own commit: it is of a version, and that version no longer serves. All changes of stage are made in the
//! plugin's turn, as such a commit is.

mod answer;
mod outlook;
mod report;
mod terms;

use std::sync::Arc;
use std::time::{Duration, Instant};

use stead_store::Writes;

pub use outlook::Outlook;
pub use report::{ProbationReport, ProbationStage, ProbationStep};
pub use terms::{Breach, Measure, OnBreach, Otherwise, Probation, ProbationLength, Thresholds};

pub(crate) use terms::breaches;

use crate::catalog::{self, Key, ProbationRecord, Stage};
use crate::error::{HostError, ResumeError};
use crate::host::{Happened, HistoryEvent, Shared, VersionSummary};
use crate::plugin::{Conduct, Plugin, Seat, Turn};

/// How long one attempt at a plugin's turn lasts; a longer call is waited for again.
const TURN_PATIENCE: Duration = Duration::from_secs(60);

/// The least time after which a probation is looked at again.
const LOOK_AGAIN_MIN: Duration = Duration::from_millis(1);

/// Takes up the probation of the version that serves: at its beginning, and at every open.
pub(crate) fn take_up(host: &Shared, plugin: &Arc<Plugin>) {
    let conduct = Arc::clone(&plugin.serving().conduct);
    match conduct.stage() {
        Some(Stage::Watching) if conduct.verdict().is_some() => conclude(host, plugin, conduct),
        Some(Stage::Watching) => {
            if let Some(remaining) = conduct.remaining() {
                let (tasks, id) = (Arc::clone(&host.tasks), plugin.id);
                let (host, plugin) = (host.clone(), Arc::clone(plugin));
                tasks.after(id, remaining.max(LOOK_AGAIN_MIN), decide(host, plugin, conduct));
            }
        }
        Some(Stage::Breached(_)) => {
            let (host, plugin) = (host.clone(), Arc::clone(plugin));
            let tasks = Arc::clone(&host.tasks);
            tasks.begin(async move { told(&plugin, answer::answer(&host, &plugin, &conduct).await) });
        }
        Some(Stage::Agreed | Stage::Stopped(_)) | None => {}
    }
}

/// Decides, beside the calls, on a probation that is over or was breached.
pub(crate) fn conclude(host: &Shared, plugin: &Arc<Plugin>, conduct: Arc<Conduct>) {
    host.tasks.begin(decide(host.clone(), Arc::clone(plugin), conduct));
}

async fn decide(host: Shared, plugin: Arc<Plugin>, conduct: Arc<Conduct>) {
    let decided = match judge(&host, &plugin, &conduct).await {
        Ok(true) => answer::answer(&host, &plugin, &conduct).await,
        Ok(false) => Ok(()),
        Err(error) => Err(error),
    };
    told(&plugin, decided);
}

/// The next open finds the record as it is, and decides then what could not be decided now.
fn told(plugin: &Plugin, decided: Result<(), HostError>) {
    if let Err(error) = decided {
        tracing::warn!(plugin = %plugin.name, %error, "a probation could not be concluded");
    }
}

/// Ends a probation that is over, or notes its breach: true says that something is to be done about it.
async fn judge(host: &Shared, plugin: &Arc<Plugin>, conduct: &Arc<Conduct>) -> Result<bool, HostError> {
    let Some(turn) = turn_of(plugin, conduct).await else { return Ok(false) };
    let Some(record) = conduct.record().filter(|record| record.stage == Stage::Watching) else { return Ok(false) };
    let Some(breaches) = conduct.verdict() else {
        drop(turn);
        look_again(host, plugin);
        return Ok(false);
    };
    let (figures, before) = (record.stats.report(), record.baseline.report());
    if breaches.is_empty() {
        tracing::info!(plugin = %plugin.name, calls = figures.calls, "probation passed");
        let step = ProbationStep::Passed { figures, before };
        change(host, plugin, conduct, None, Some(step)).await?;
        return Ok(false);
    }
    let reasons: Vec<String> = breaches.iter().map(ToString::to_string).collect();
    let reason = reasons.join("; ");
    tracing::warn!(plugin = %plugin.name, reason, answer = ?record.terms.on_breach, "probation breached");
    let answer = record.terms.on_breach;
    let record = ProbationRecord { stage: Stage::Breached(reason), ..record };
    let step = ProbationStep::Breached { breaches, figures, before, answer };
    change(host, plugin, conduct, Some(record), Some(step)).await?;
    drop(turn);
    Ok(true)
}

/// Sets the alarm again; apart from [`take_up`], so that the future of one is not part of the other's type.
fn look_again(host: &Shared, plugin: &Arc<Plugin>) {
    take_up(host, plugin);
}

/// The plugin's turn, if this version still serves.
async fn turn_of(plugin: &Arc<Plugin>, conduct: &Arc<Conduct>) -> Option<Turn<Seat>> {
    loop {
        let serves = || Arc::ptr_eq(&plugin.serving().conduct, conduct);
        match plugin.close_gate(Instant::now() + TURN_PATIENCE).await {
            Ok(turn) => return serves().then_some(turn),
            Err(_) if serves() => {}
            Err(_) => return None,
        }
    }
}

/// Makes a stage durable, and then true. Whoever calls holds the turn.
async fn change(
    host: &Shared,
    plugin: &Plugin,
    conduct: &Conduct,
    record: Option<ProbationRecord>,
    step: Option<ProbationStep>,
) -> Result<(), HostError> {
    let mut records = Writes::new();
    match &record {
        Some(record) => catalog::put(&mut records, Key::probation(plugin.id), record),
        None => catalog::remove(&mut records, Key::probation(plugin.id)),
    }
    let version = plugin.serving().version.summary();
    let told = step.as_ref().map(|step| Happened::in_probation(version.generation, step));
    let event = step.map(|step| HistoryEvent::Probation { version, step: Box::new(step) });
    host.commit_event(plugin, event, records).await?;
    conduct.set(record);
    if let Some(told) = told {
        host.events.tell(&plugin.name, told);
    }
    Ok(())
}

/// Lets the calls of a stopped plugin in again.
pub(crate) async fn let_in(host: &Shared, name: &str) -> Result<VersionSummary, ResumeError> {
    let plugin = host.plugin(name).ok_or_else(|| ResumeError::UnknownPlugin { plugin: name.into() })?;
    let not_stopped = || ResumeError::NotStopped { plugin: name.into() };
    let conduct = Arc::clone(&plugin.serving().conduct);
    if !matches!(conduct.stage(), Some(Stage::Stopped(_))) {
        return Err(not_stopped());
    }
    let turn = turn_of(&plugin, &conduct).await.ok_or_else(not_stopped)?;
    if !matches!(conduct.stage(), Some(Stage::Stopped(_))) {
        return Err(not_stopped());
    }
    change(host, &plugin, &conduct, None, Some(ProbationStep::Resumed)).await?;
    drop(turn);
    Ok(plugin.serving().version.summary())
}

/// Makes the figures of all probations durable, so that a restart goes on where this host stops.
pub(crate) fn save(host: &Shared, records: &mut Writes) {
    for plugin in host.plugins.read().values() {
        let record = plugin.serving().conduct.record();
        if let Some(record) = record.filter(|record| record.stage == Stage::Watching) {
            catalog::put(records, Key::probation(plugin.id), &record);
        }
    }
}
