//! A rehearsal from its plan to its report, and the swap that may follow.

use std::sync::Arc;
use std::time::Instant;

use stead_schema::Identity;
use stead_store::View;

use super::super::group::{self, load};
use super::super::links::{links, misfits_of as misfits};
use super::super::party::{Party, Successor};
use super::super::plan::{NoPlan, Plan, identities, plan};
use super::super::{Phase, Stop, Swap};
use super::replay::{Patience, replay};
use super::side::Side;
use super::{Calls, GivenUp, Rehearsal, RehearseOptions, Rehearsed, SideFigures, cut, micros, state};
use crate::catalog::PartyRecord;
use crate::engine::{Fixed, Grants, Linked, Program};
use crate::error::{HostError, RehearseError, SwapError};
use crate::host::{Shared, blocking, meaningless};
use crate::limits::{REHEARSAL_FUNCTIONS_MAX, REHEARSAL_TIME_DEFAULT, REHEARSAL_TIME_MAX};
use crate::plugin::{Plugin, Serving, now_ms};

/// Everything that is looked at, frozen when the rehearsal began.
struct Stage {
    host: Shared,
    plugin: Arc<Plugin>,
    serving: Arc<Serving>,
    live: View,
    record: PartyRecord,
    successor: Successor,
    /// The incumbent's code, or why it does not run.
    incumbent: Result<Linked, String>,
}

/// Rehearses a swap, and carries it out if it passed and that was asked for.
pub(crate) async fn rehearse(host: &Shared, swap: Swap, options: RehearseOptions) -> Result<Rehearsed, RehearseError> {
    let unknown = || SwapError::UnknownPlugin { plugin: swap.plugin.clone() };
    let plugin = host.plugin(&swap.plugin).ok_or_else(unknown)?;
    let busy = || RehearseError::Busy { plugin: plugin.name.clone() };
    let _rehearsing = plugin.begin_rehearsal().ok_or_else(busy)?;
    let stage = Stage::set(host, Arc::clone(&plugin), &swap).await?;
    stage.check_names(&options.accept)?;
    let era = stage.serving.plugin.era;
    let rehearsal = stage.run(&options).await?;
    // What the report tells is durable by the time that it is seen.
    host.store.barrier().await.map_err(HostError::from)?;
    if !options.then_commit || !rehearsal.passed {
        return Ok(Rehearsed { rehearsal, receipt: None });
    }
    let receipts = match group::swap_since(host, vec![swap], Some(&[era])).await {
        Ok(receipts) | Err(SwapError::Aborted { receipts, .. }) => receipts,
        Err(error) => return Err(error.into()),
    };
    Ok(Rehearsed { rehearsal, receipt: receipts.into_iter().next() })
}

impl Stage {
    async fn set(host: &Shared, plugin: Arc<Plugin>, swap: &Swap) -> Result<Stage, RehearseError> {
        let Swap { wasm, options, .. } = swap;
        if let Some(settings) = &options.settings {
            settings.check().map_err(SwapError::from)?;
        }
        let named = links(host, &plugin.serving(), options.links.clone())?;
        let program = load(host, wasm.clone(), named.clone()).await?;
        let misnamed = if options.links.is_some() { meaningless(&named, &program) } else { Vec::new() };
        if !misnamed.is_empty() {
            return Err(SwapError::Links(misnamed).into());
        }
        let affirmed = identities(&options.state).map_err(SwapError::State)?;
        let (serving, live) = served(host, &plugin)?;
        let record = PartyRecord::of_swap(&serving, wasm, options.clone());
        let planned = planned(host, &serving, &program, &record, &live, affirmed).await.map_err(|no| match no {
            NoPlan::Host(error) => SwapError::Host(error),
            NoPlan::Refused(refusals) | NoPlan::WouldLose(refusals) => SwapError::State(refusals),
            NoPlan::NoPrevious => SwapError::UnknownPlugin { plugin: plugin.name.clone() },
        })?;
        let misfits = misfits(host, vec![(plugin.name.clone(), program.clone())]).await;
        if !misfits.is_empty() {
            return Err(SwapError::Links(misfits).into());
        }
        let incumbent = serving.code(host).await.cloned().map_err(str::to_owned);
        let successor = Successor { program, plan: planned };
        Ok(Stage { host: host.clone(), plugin, serving, live, record, successor, incumbent })
    }

    /// Refuses names under which nothing can differ: they are mistyped.
    fn check_names(&self, names: &[String]) -> Result<(), RehearseError> {
        let ledger = &self.successor.plan.admitted.ledger;
        let is_collection =
            |name: &str| Identity::parse(name).is_ok_and(|identity| ledger.collections.contains_key(&identity));
        let is_function = |name: &str| self.programs().any(|program| program.find(name).is_ok());
        match names.iter().find(|name| !is_collection(name) && !is_function(name)) {
            Some(name) => Err(RehearseError::UnknownName { name: name.clone() }),
            None => Ok(()),
        }
    }

    fn programs(&self) -> impl Iterator<Item = &Program> {
        self.incumbent.iter().map(Linked::program).chain([&self.successor.program])
    }

    /// Whether what differs under `name`, a full one, was accepted.
    fn is_accepted(&self, name: &str, names: &[String]) -> bool {
        let means = |program: &Program, given: &String| {
            program.find(given).is_ok_and(|export| program.exports()[export].path == name)
        };
        names.iter().any(|given| given == name || self.programs().any(|program| means(program, given)))
    }

    async fn run(&self, options: &RehearseOptions) -> Result<Rehearsal, HostError> {
        let began = Instant::now();
        let mut report = self.report();
        let prepared = self.prepare(&mut report).await;
        report.prepared_us = micros(began.elapsed());
        match prepared {
            Ok(view) => self.replay(view, options, &mut report).await?,
            Err(Stop::Broken(error)) => return Err(error),
            Err(Stop::Abort(reason)) => {
                // Without a hand-off nobody waits at a gate: what cannot be prepared is found before there is one.
                report.given_up = Some(GivenUp { phase: Phase::Negotiating, reason: cut(reason) });
            }
        }
        report.passed = report.given_up.is_none() && report.calls.ended_early.is_none() && report.differing.is_empty();
        Ok(report)
    }

    /// The state that the successor would begin with, made as a hand-off makes it.
    async fn prepare(&self, report: &mut Rehearsal) -> Result<View, Stop> {
        let plan = &self.successor.plan;
        let plan = Plan { linked: plan.linked.rehearsing(&Fixed::new(now_ms())), ..plan.clone() };
        let successor = Successor { program: self.successor.program.clone(), plan };
        let mut party = Party::rehearsed(&self.host, Arc::clone(&self.plugin), self.record.clone(), successor);
        let carried = party.carry(&self.live, 1).await?;
        report.migrated = carried.migrated;
        party.ask_ready(self.live.clone(), &carried.effects).await?;
        Ok(self.live.ahead(carried.effects))
    }

    async fn replay(&self, view: View, options: &RehearseOptions, report: &mut Rehearsal) -> Result<(), HostError> {
        let (host, reuse) = (&self.host, self.serving.plugin.reuse);
        let side = |linked: &Linked, view: &View| {
            let fixed = Fixed::new(0);
            Side::new(host, linked.rehearsing(&fixed), fixed, reuse, view.clone())
        };
        let mut incumbent = self.incumbent.as_ref().ok().map(|linked| side(linked, &self.live));
        let mut successor = side(&self.successor.plan.linked, &view);
        let patience = Patience {
            all: options.time.unwrap_or(REHEARSAL_TIME_DEFAULT).min(REHEARSAL_TIME_MAX),
            one: self.serving.plugin.limits.call_time_max,
        };
        let replayed = replay(host, self.plugin.id, options.last, patience, &mut incumbent, &mut successor).await?;
        let mut differing: Vec<String> = replayed.differing().map(str::to_owned).collect();
        (report.calls, report.functions, report.functions_left_out) = replayed.end();
        report.successor = successor.figures;
        if let Some(incumbent) = incumbent {
            report.incumbent = incumbent.figures;
            let (plugin, views) = (Arc::clone(&self.plugin), (incumbent.view, successor.view));
            let state = blocking(move || state::compare(&plugin, views.0, views.1)).await?;
            differing.extend(state.collections.iter().map(|collection| collection.identity.clone()));
            report.state = Some(state);
        }
        (report.accepted, report.differing) =
            differing.into_iter().partition(|name| self.is_accepted(name, &options.accept));
        report.accepted.truncate(REHEARSAL_FUNCTIONS_MAX);
        report.differing.truncate(REHEARSAL_FUNCTIONS_MAX);
        Ok(())
    }

    /// What there is to say before anything was done.
    fn report(&self) -> Rehearsal {
        let unavailable = self.incumbent.as_ref().err().map(|why| cut(why.clone()));
        let grants = [&self.serving.version.grants, &self.record.successor.grants];
        let links = self.programs().flat_map(Program::links).map(|link| format!("link to {}", link.callee));
        let mut withheld: Vec<String> = Vec::new();
        for effect in grants.into_iter().flat_map(Grants::effects).chain(links) {
            if !withheld.contains(&effect) {
                withheld.push(effect);
            }
        }
        Rehearsal {
            plugin: self.plugin.name.clone(),
            from: self.serving.version.summary(),
            to: self.record.successor.summary(),
            passed: false,
            differing: Vec::new(),
            accepted: Vec::new(),
            given_up: None,
            verdicts: self.successor.plan.verdicts(),
            migrated: None,
            prepared_us: 0,
            withheld,
            calls: Calls::default(),
            functions: Vec::new(),
            functions_left_out: 0,
            incumbent: SideFigures { unavailable, ..SideFigures::default() },
            successor: SideFigures::default(),
            state: None,
        }
    }
}

/// The version that serves and its state: a hand-off may come in between.
fn served(host: &Shared, plugin: &Plugin) -> Result<(Arc<Serving>, View), HostError> {
    loop {
        let serving = plugin.serving();
        let live = host.view(serving.plugin.state);
        if plugin.serving().plugin.era == serving.plugin.era {
            return Ok((serving, live?));
        }
    }
}

async fn planned(
    host: &Shared,
    serving: &Arc<Serving>,
    program: &Program,
    record: &PartyRecord,
    live: &View,
    affirmed: Vec<Identity>,
) -> Result<Plan, NoPlan> {
    let (host, serving, program) = (host.clone(), Arc::clone(serving), program.clone());
    let (record, live) = (record.clone(), live.clone());
    blocking(move || plan(&host, &serving, &program, &record, &live, Some(&affirmed))).await
}
