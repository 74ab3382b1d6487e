//! A swap: one plugin or several get new versions in one hand-off.

use std::sync::Arc;
use std::time::Duration;

use stead_schema::Identity;
use stead_store::ComponentHash;

use super::links::{links, misfits};
use super::party::{Party, Successor, begin};
use super::plan::{NoPlan, Plan, identities, plan};
use super::receipt::{Receipt, ReceiptKind};
use super::{HandOff, Swap, SwapOptions};
use crate::catalog::{LinksRecord, PartyRecord, VersionRecord};
use crate::engine::{LinkTo, Program};
use crate::error::{HostError, SwapError};
use crate::host::{Shared, blocking, meaningless};
use crate::limits::SWAPS_MAX;
use crate::plugin::{Mark, Plugin, Serving, now_ms};

/// For how long calls are held when nobody says otherwise.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How long a migration may take that runs while calls are served, when nobody says otherwise.
pub(super) const AHEAD: Duration = Duration::from_secs(600);

/// The longest that anybody may ask for; also keeps the sum with a point in time within what a clock can count.
pub(super) const PATIENCE_MAX: Duration = Duration::from_secs(24 * 3600);

/// Replaces the active versions of plugins by new ones, all or none. The receipts are in the order asked.
pub(crate) async fn swap(host: &Shared, swaps: Vec<Swap>) -> Result<Vec<Receipt>, SwapError> {
    swap_since(host, swaps, None).await
}

/// The same, if the plugins are still in the eras that are named, in the order of the swaps.
pub(super) async fn swap_since(
    host: &Shared,
    swaps: Vec<Swap>,
    eras: Option<&[u64]>,
) -> Result<Vec<Receipt>, SwapError> {
    if swaps.len() > SWAPS_MAX {
        return Err(SwapError::TooMany { swaps: swaps.len() });
    }
    let alone = swaps.len() == 1;
    let order: Vec<String> = swaps.iter().map(|swap| swap.plugin.clone()).collect();
    if let Some(twice) = order.iter().enumerate().find(|(place, name)| order[..*place].contains(name)) {
        return Err(SwapError::Twice { plugin: twice.1.clone() });
    }
    let patience = swaps.iter().filter_map(|swap| swap.options.deadline).min().unwrap_or(PATIENCE).min(PATIENCE_MAX);
    // Nobody else may begin a hand-off of any of them while the others are looked at.
    let begun = swaps.iter().map(|swap| begin(host, &swap.plugin)).collect::<Result<Vec<_>, _>>()?;
    for ((plugin, _), era) in begun.iter().zip(eras.unwrap_or_default()) {
        if plugin.serving().plugin.era != *era {
            return Err(SwapError::Moved { plugin: plugin.name.clone() });
        }
    }
    let mut parties = Vec::new();
    for (swap, (plugin, mark)) in swaps.into_iter().zip(begun) {
        let name = swap.plugin.clone();
        let party = party(host, plugin, mark, swap).await;
        parties.push(party.map_err(|error| if alone { error } else { error.of(name) })?);
    }
    if parties.is_empty() {
        return Ok(Vec::new());
    }
    let refusals = misfits(host, &parties).await;
    if !refusals.is_empty() {
        return Err(SwapError::Links(refusals));
    }
    let mut receipts = HandOff::new(host, parties, patience).run().await?;
    receipts.sort_by_key(|receipt| order.iter().position(|name| *name == receipt.plugin));
    Ok(receipts)
}

async fn party(host: &Shared, plugin: Arc<Plugin>, mark: Mark, swap: Swap) -> Result<Party, SwapError> {
    let Swap { wasm, options, .. } = swap;
    let probation = options.probation.clone();
    if let Some(settings) = &options.settings {
        settings.check()?;
    }
    let ahead = options.migration_deadline.unwrap_or(AHEAD).min(PATIENCE_MAX);
    let named = links(host, &plugin.serving(), options.links.clone())?;
    let program = load(host, wasm.clone(), named.clone()).await?;
    if options.links.is_some() {
        let misnamed = meaningless(&named, &program);
        if !misnamed.is_empty() {
            return Err(SwapError::Links(misnamed));
        }
    }
    let links = LinksRecord { named, links: program.links().to_vec() };
    let affirmed = identities(&options.state).map_err(SwapError::State)?;
    let record = PartyRecord::of_swap(&plugin.serving(), &wasm, options);
    let plan = planned(host, &plugin, &program, &record, Some(affirmed)).await.map_err(|no| match no {
        NoPlan::Host(error) => SwapError::Host(error),
        NoPlan::Refused(refusals) | NoPlan::WouldLose(refusals) => SwapError::State(refusals),
        NoPlan::NoPrevious => SwapError::UnknownPlugin { plugin: plugin.name.clone() },
    })?;
    let store = host.store.clone();
    blocking(move || store.put_component(&wasm)).await.map_err(HostError::from)?;
    let successor = Some(Successor { program, plan });
    let party = Party::new(host, plugin, mark, record).with_probation(probation);
    Ok(Party { successor, links: Some(links), ahead, ..party })
}

impl PartyRecord {
    /// A swap from what serves to a component, as it begins.
    pub(super) fn of_swap(serving: &Serving, wasm: &[u8], options: SwapOptions) -> PartyRecord {
        PartyRecord {
            plugin: serving.plugin.name.clone(),
            kind: ReceiptKind::Swap,
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
            asked_by: options.asked_by,
            sealed: None,
        }
    }
}

/// Compiles a component where that holds up no call.
pub(super) async fn load(host: &Shared, wasm: Vec<u8>, links: Vec<LinkTo>) -> Result<Program, SwapError> {
    let engine = host.engine.clone();
    Ok(blocking(move || Program::load_linked(&engine, &wasm, &links)).await?)
}

/// Plans over the live state as it is now.
pub(super) async fn planned(
    host: &Shared,
    plugin: &Arc<Plugin>,
    program: &Program,
    record: &PartyRecord,
    affirmed: Option<Vec<Identity>>,
) -> Result<Plan, NoPlan> {
    let live = host.view(plugin.serving().plugin.state)?;
    let (host, plugin, program, record) = (host.clone(), Arc::clone(plugin), program.clone(), record.clone());
    blocking(move || plan(&host, &plugin.serving(), &program, &record, &live, affirmed.as_deref())).await
}
