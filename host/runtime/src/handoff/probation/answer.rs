//! What is done about a breach: the version before takes over again, calls are refused, or it goes on.

use std::sync::Arc;
use std::time::Duration;

use super::{OnBreach, Otherwise, ProbationStep, change, turn_of};
use crate::catalog::{ProbationRecord, Stage};
use crate::error::{HostError, RollbackError, SwapError};
use crate::handoff::{RollbackOptions, rollback_of};
use crate::host::Shared;
use crate::plugin::{Conduct, Plugin};

/// How long a hand-off that is under way is waited for before it is looked at again.
const BUSY_PAUSE: Duration = Duration::from_millis(50);

/// Does what was agreed about a breach that was noted.
pub(super) async fn answer(host: &Shared, plugin: &Arc<Plugin>, conduct: &Arc<Conduct>) -> Result<(), HostError> {
    let Some(record) = conduct.record() else { return Ok(()) };
    match record.terms.on_breach {
        OnBreach::Stop => stop(host, plugin, conduct, record, None).await,
        OnBreach::GoOn => go_on(host, plugin, conduct, None).await,
        OnBreach::HandBack => match hand_back(host, plugin, conduct).await? {
            None => Ok(()),
            Some(reason) => {
                tracing::warn!(plugin = %plugin.name, reason, "the version before cannot take over again");
                let otherwise = record.terms.otherwise;
                let step = ProbationStep::NotHandedBack { reason: reason.clone(), otherwise };
                match otherwise {
                    Otherwise::Stop => stop(host, plugin, conduct, record, Some(step)).await,
                    Otherwise::GoOn => go_on(host, plugin, conduct, Some(step)).await,
                }
            }
        },
    }
}

/// Hands back, where that keeps every write; none if the version no longer serves, else why it still does.
async fn hand_back(host: &Shared, plugin: &Arc<Plugin>, conduct: &Arc<Conduct>) -> Result<Option<String>, HostError> {
    loop {
        let Some(mark) = plugin.begin_hand_off(&host.events) else {
            // Whoever replaces the version now decides for it; if that is given up, it is this one's turn again.
            tokio::time::sleep(BUSY_PAUSE).await;
            if !Arc::ptr_eq(&plugin.serving().conduct, conduct) {
                return Ok(None);
            }
            continue;
        };
        if !Arc::ptr_eq(&plugin.serving().conduct, conduct) {
            return Ok(None);
        }
        let options = RollbackOptions { asked_by: Some("probation".into()), ..RollbackOptions::default() };
        return match rollback_of(host, Arc::clone(plugin), mark, options).await {
            Ok(_) => Ok(None),
            Err(RollbackError::Swap(SwapError::Host(error))) => Err(error),
            Err(error) => Ok(Some(error.to_string())),
        };
    }
}

/// Refuses the plugin's calls from now on.
async fn stop(
    host: &Shared,
    plugin: &Arc<Plugin>,
    conduct: &Arc<Conduct>,
    record: ProbationRecord,
    step: Option<ProbationStep>,
) -> Result<(), HostError> {
    let Some(_turn) = turn_of(plugin, conduct).await else { return Ok(()) };
    let Stage::Breached(reason) = &record.stage else { return Ok(()) };
    let stopped = ProbationRecord { stage: Stage::Stopped(reason.clone()), ..record };
    tracing::warn!(plugin = %plugin.name, "calls are refused until `stead resume {}`", plugin.name);
    change(host, plugin, conduct, Some(stopped), step).await
}

/// Ends the probation; the version goes on.
async fn go_on(
    host: &Shared,
    plugin: &Arc<Plugin>,
    conduct: &Arc<Conduct>,
    step: Option<ProbationStep>,
) -> Result<(), HostError> {
    let Some(_turn) = turn_of(plugin, conduct).await else { return Ok(()) };
    change(host, plugin, conduct, None, step).await
}
