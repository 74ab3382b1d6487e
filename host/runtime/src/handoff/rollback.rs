//! Going back to the version before.

use std::sync::Arc;

use parking_lot::Mutex;

use super::group::{PATIENCE, PATIENCE_MAX, load, planned};
use super::links::{misfits, recorded};
use super::party::{Party, Successor, begin};
use super::plan::NoPlan;
use super::receipt::{Receipt, ReceiptKind};
use super::{HandOff, RollbackOptions};
use crate::catalog::{Catalog, PartyRecord};
use crate::error::{HostError, RollbackError, SwapError};
use crate::host::Shared;
use crate::plugin::{Mark, Plugin};

/// Goes back to the version before.
pub(crate) async fn rollback(host: &Shared, name: &str, options: RollbackOptions) -> Result<Receipt, RollbackError> {
    let (plugin, mark) = begin(host, name)?;
    rollback_of(host, plugin, mark, options).await
}

/// The same for a plugin whose hand-off was marked as begun.
pub(crate) async fn rollback_of(
    host: &Shared,
    plugin: Arc<Plugin>,
    mark: Mark,
    options: RollbackOptions,
) -> Result<Receipt, RollbackError> {
    let name = plugin.name.as_str();
    let serving = plugin.serving();
    let no_previous = || RollbackError::NoPrevious { plugin: name.into() };
    let previous = serving.plugin.previous.as_ref().ok_or_else(no_previous)?;
    let host_error = |error: HostError| RollbackError::Swap(SwapError::Host(error));
    let successor = Catalog::of(&host.store)
        .and_then(|catalog| catalog.version(plugin.id, previous.generation))
        .map_err(host_error)?;
    let bytes = host.store.component(&successor.component).map_err(|error| host_error(error.into()))?;
    let kind = if options.discard.is_some() { ReceiptKind::RollbackDiscarding } else { ReceiptKind::Rollback };
    let record = PartyRecord {
        plugin: name.into(),
        kind,
        successor,
        drop: Vec::new(),
        accept_lossy: Vec::new(),
        accept_unread: options.accept_unread,
        asked_by: options.asked_by,
        sealed: None,
    };
    let links = recorded(host, &plugin, &record).map_err(host_error)?;
    let program = load(host, bytes.to_vec(), links).await?;
    let plan = planned(host, &plugin, &program, &record, None).await.map_err(|no| match no {
        NoPlan::Host(error) => host_error(error),
        NoPlan::Refused(refusals) => RollbackError::Swap(SwapError::State(refusals)),
        NoPlan::WouldLose(refusals) => RollbackError::WouldLose(refusals),
        NoPlan::NoPrevious => no_previous(),
    })?;
    let party = Party {
        successor: Some(Successor { program, plan }),
        sink: options.discard.map(Mutex::new),
        ..Party::new(host, plugin, mark, record).with_probation(options.probation)
    };
    let refusals = misfits(host, std::slice::from_ref(&party)).await;
    if !refusals.is_empty() {
        return Err(RollbackError::Swap(SwapError::Links(refusals)));
    }
    let patience = options.deadline.unwrap_or(PATIENCE).min(PATIENCE_MAX);
    let receipts = HandOff::new(host, vec![party], patience).run().await?;
    match receipts.into_iter().next() {
        Some(receipt) => Ok(receipt),
        None => unreachable!("a hand-off of one plugin has one receipt"),
    }
}
