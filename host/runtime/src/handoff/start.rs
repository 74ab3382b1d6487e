//! How a hand-off begins: asked for by an operator, or found interrupted at open.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use stead_schema::Identity;
use stead_store::ComponentHash;

use super::later::count_later;
use super::plan::{Base, NoPlan, Plan, identities, plan};
use super::receipt::{Phase, Receipt, ReceiptKind};
use super::{Ended, Gate, HandOff, RollbackOptions, Successor, SwapOptions};
use crate::catalog::{Catalog, HandOffRecord, VersionRecord};
use crate::engine::{ComponentError, Program};
use crate::error::{HostError, RollbackError, SwapError};
use crate::host::{Recovered, Shared, blocking};
use crate::plugin::{Mark, Plugin, Serving, now_ms};

/// For how long calls are held when nobody says otherwise.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest that anybody may ask for; also keeps the sum with a point in time within what a clock can count.
const PATIENCE_MAX: Duration = Duration::from_secs(24 * 3600);

/// For how long a hand-off that a crash interrupted may take: nobody waits for it yet.
const PATIENCE_AT_OPEN: Duration = Duration::from_secs(600);

/// Replaces the active version by a new one.
pub(crate) async fn swap(host: &Shared, name: &str, wasm: &[u8], options: SwapOptions) -> Result<Receipt, SwapError> {
    if let Some(settings) = &options.settings {
        settings.check()?;
    }
    let (plugin, mark) = begin(host, name)?;
    let program = load(host, wasm.to_vec()).await?;
    let affirmed = identities(&options.state).map_err(SwapError::State)?;
    let deadline = options.deadline;
    let journal = HandOffRecord::of_swap(&plugin.serving(), wasm, options);
    let plan = planned(host, &plugin, &program, &journal, Some(affirmed)).await.map_err(|no| match no {
        NoPlan::Host(error) => SwapError::Host(error),
        NoPlan::Refused(refusals) | NoPlan::WouldLose(refusals) => SwapError::State(refusals),
        NoPlan::NoPrevious => SwapError::UnknownPlugin { plugin: name.into() },
    })?;
    let (store, bytes) = (host.store.clone(), wasm.to_vec());
    blocking(move || store.put_component(&bytes)).await.map_err(HostError::from)?;
    let hand_off = HandOff {
        patience: deadline.unwrap_or(PATIENCE).min(PATIENCE_MAX),
        ..HandOff::new(host, plugin, mark, journal, program, plan)
    };
    hand_off.run().await
}

impl HandOffRecord {
    /// A swap from what serves to a component, as it begins.
    pub(super) fn of_swap(serving: &Serving, wasm: &[u8], options: SwapOptions) -> HandOffRecord {
        HandOffRecord {
            plugin: serving.plugin.name.clone(),
            kind: ReceiptKind::Swap,
            phase: Phase::Negotiating,
            successor: VersionRecord {
                generation: serving.plugin.generations + 1,
                component: ComponentHash::of(wasm),
                label: options.label,
                deployed_at_ms: now_ms(),
                grants: options.grants.unwrap_or_else(|| serving.version.grants.clone()),
                settings: options.settings.unwrap_or_else(|| serving.version.settings.clone()),
            },
            drop: options.drop,
            accept_lossy: options.accept_lossy,
            accept_unread: options.accept_unread,
            sealed: None,
            attempts: 0,
            reason: None,
        }
    }
}

/// Goes back to the version before.
pub(crate) async fn rollback(host: &Shared, name: &str, options: RollbackOptions) -> Result<Receipt, RollbackError> {
    let (plugin, mark) = begin(host, name)?;
    let serving = plugin.serving();
    let no_previous = || RollbackError::NoPrevious { plugin: name.into() };
    let previous = serving.plugin.previous.as_ref().ok_or_else(no_previous)?;
    let host_error = |error: HostError| RollbackError::Swap(SwapError::Host(error));
    let successor = Catalog::of(&host.store)
        .and_then(|catalog| catalog.version(plugin.id, previous.generation))
        .map_err(host_error)?;
    let bytes = host.store.component(&successor.component).map_err(|error| host_error(error.into()))?;
    let program = load(host, bytes.to_vec()).await?;
    let kind = if options.discard.is_some() { ReceiptKind::RollbackDiscarding } else { ReceiptKind::Rollback };
    let journal = HandOffRecord {
        plugin: name.into(),
        kind,
        phase: Phase::Negotiating,
        successor,
        drop: Vec::new(),
        accept_lossy: Vec::new(),
        accept_unread: false,
        sealed: None,
        attempts: 0,
        reason: None,
    };
    let plan = planned(host, &plugin, &program, &journal, None).await.map_err(|no| match no {
        NoPlan::Host(error) => host_error(error),
        NoPlan::Refused(refusals) => RollbackError::Swap(SwapError::State(refusals)),
        NoPlan::WouldLose(refusals) => RollbackError::WouldLose(refusals),
        NoPlan::NoPrevious => no_previous(),
    })?;
    let hand_off = HandOff {
        patience: options.deadline.unwrap_or(PATIENCE).min(PATIENCE_MAX),
        sink: options.discard.map(Mutex::new),
        ..HandOff::new(host, plugin, mark, journal, program, plan)
    };
    Ok(hand_off.run().await?)
}

/// Ends a hand-off that a crash interrupted, by its journaled phase. Nobody calls the plugin yet.
pub(crate) async fn resume(host: &Shared, mut journal: HandOffRecord) -> Result<Recovered, HostError> {
    let damaged = |what: String| HostError::Catalog { what };
    let (plugin, mark) = begin(host, &journal.plugin).map_err(|error| damaged(error.to_string()))?;
    let phase = journal.phase;
    let name = journal.plugin.clone();
    let (successor, reason) = match resumed(host, &plugin, &journal).await {
        Ok(successor) => (Some(successor), None),
        Err(reason) => (None, Some(reason)),
    };
    journal.phase = match reason {
        None => Phase::AwaitingReady,
        Some(reason) => {
            journal.reason = Some((phase, reason));
            Phase::ResumingAfterAbort
        }
    };
    let since = Instant::now();
    let gate = plugin.close_gate(since + PATIENCE_AT_OPEN).await.ok().map(|turn| Gate { turn, since });
    let hand_off =
        HandOff { successor, gate, patience: PATIENCE_AT_OPEN, ..HandOff::bare(host, plugin, mark, journal) };
    match hand_off.drive().await {
        Ok(receipt) => Ok(Recovered { plugin: name, phase, receipt }),
        Err(Ended::Aborted(receipt)) => Ok(Recovered { plugin: name, phase, receipt: *receipt }),
        Err(Ended::Broken(error)) => Err(error),
    }
}

/// The plan of an interrupted hand-off, if it goes on; else why it does not.
async fn resumed(host: &Shared, plugin: &Arc<Plugin>, journal: &HandOffRecord) -> Result<Successor, String> {
    let Some(sealed) = journal.sealed else {
        return Err("the host stopped before the state was sealed".into());
    };
    let text = |error: HostError| error.to_string();
    let live = host.view(plugin.serving().plugin.state).map_err(text)?;
    let moved = count_later(&host.view(sealed).map_err(text)?, &live).map_err(text)?;
    if !moved.is_empty() {
        return Err("the incumbent went on after the state was sealed".into());
    }
    let bytes = host.store.component(&journal.successor.component).map_err(|error| error.to_string())?;
    let program = load(host, bytes.to_vec()).await.map_err(|error| error.to_string())?;
    let plan = planned(host, plugin, &program, journal, None).await.map_err(NoPlan::reason)?;
    if let Base::Sealed { discarding: true, .. } = plan.base {
        return Err("the host stopped before later writes were exported".into());
    }
    Ok(Successor { program, plan })
}

impl HandOff {
    fn new(
        host: &Shared,
        plugin: Arc<Plugin>,
        mark: Mark,
        journal: HandOffRecord,
        program: Program,
        plan: Plan,
    ) -> HandOff {
        HandOff { successor: Some(Successor { program, plan }), ..HandOff::bare(host, plugin, mark, journal) }
    }

    fn bare(host: &Shared, plugin: Arc<Plugin>, mark: Mark, journal: HandOffRecord) -> HandOff {
        HandOff {
            host: host.clone(),
            plugin,
            mark,
            journal,
            successor: None,
            carried: None,
            sink: None,
            gate: None,
            sealed_at: None,
            discarded: 0,
            patience: PATIENCE,
            phases: Vec::new(),
        }
    }

    /// Drives the hand-off in a task of its own: whoever asked for it may go away, it goes on.
    async fn run(self) -> Result<Receipt, SwapError> {
        let ended = match tokio::spawn(self.drive()).await {
            Ok(ended) => ended,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(Ended::Broken(HostError::Catalog { what: error.to_string() })),
            },
        };
        ended.map_err(|ended| match ended {
            Ended::Broken(error) => SwapError::Host(error),
            Ended::Aborted(receipt) => {
                let (phase, reason) = receipt.given_up().unwrap_or((Phase::Negotiating, "unknown"));
                let reason = reason.to_owned();
                SwapError::Aborted { phase, reason, receipt }
            }
        })
    }
}

fn begin(host: &Shared, name: &str) -> Result<(Arc<Plugin>, Mark), SwapError> {
    let plugin = host.plugin(name).ok_or_else(|| SwapError::UnknownPlugin { plugin: name.into() })?;
    let mark = plugin.begin_hand_off().ok_or_else(|| SwapError::Busy { plugin: name.into() })?;
    Ok((plugin, mark))
}

pub(super) async fn load(host: &Shared, wasm: Vec<u8>) -> Result<Program, SwapError> {
    let engine = host.engine.clone();
    Ok(blocking(move || Program::load(&engine, &wasm).map_err(|error: ComponentError| error)).await?)
}

async fn planned(
    host: &Shared,
    plugin: &Arc<Plugin>,
    program: &Program,
    journal: &HandOffRecord,
    affirmed: Option<Vec<Identity>>,
) -> Result<Plan, NoPlan> {
    let live = host.view(plugin.serving().plugin.state)?;
    let (host, plugin, program, journal) = (host.clone(), Arc::clone(plugin), program.clone(), journal.clone());
    blocking(move || plan(&host, &plugin.serving(), &program, &journal, &live, affirmed.as_deref())).await
}
