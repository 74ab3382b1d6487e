//! The plugins that a call may reach through links, and their turns.
//!
//! A call takes all turns before it starts, in the one order of plugins' ids. Whoever waits for a turn holds only turns that
//! come before it, so no order of calls, hand-offs and closings can make them wait for each other in a ring. While the turns
//! are held, no version of a plugin that the call may reach can change.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use stead_store::View;

use super::execute::LOOK_AGAIN;
use super::{NoTurn, Plugin, Seat, Serving, Turn};
use crate::catalog::PluginId;
use crate::error::CallError;
use crate::host::Shared;
use crate::limits::LINKED_PLUGINS_MAX;

/// A plugin that a call may reach, and the version that serves there.
#[derive(Clone)]
pub(super) struct Reached {
    pub(super) plugin: Arc<Plugin>,
    pub(super) serving: Arc<Serving>,
}

/// A plugin that a call may reach, with its turn.
pub(super) struct Taken {
    pub(super) reached: Reached,
    pub(super) turn: Turn<Seat>,
}

/// The turns of all plugins that a call may reach.
pub(super) struct Held {
    /// The plugin that is called.
    pub(super) own: Taken,
    /// Those that it may reach through links, in the order of their ids.
    pub(super) others: Vec<Taken>,
}

impl Reached {
    /// Refuses calls while a probation has stopped the version.
    pub(super) fn refuse_stopped(&self) -> Result<(), CallError> {
        match self.serving.conduct.stopped() {
            Some(reason) => Err(CallError::Stopped { plugin: self.plugin.name.clone(), reason }),
            None => Ok(()),
        }
    }
}

impl Held {
    /// Refuses a call while a probation has stopped anything that it may reach.
    pub(super) fn refuse_stopped(&self) -> Result<(), CallError> {
        self.others.iter().chain([&self.own]).try_for_each(|taken| taken.reached.refuse_stopped())
    }
}

impl Plugin {
    /// Takes the turns of all plugins that a call of this one may reach.
    pub(super) async fn take_turns(
        self: &Arc<Self>,
        host: &Shared,
        asked_at: Instant,
        deadline: Instant,
    ) -> Result<Held, CallError> {
        loop {
            let own = self.reached();
            if own.serving.links(host)?.is_empty() {
                let turn = own.turn(asked_at, deadline).await?;
                let own = self.reached();
                if own.serving.links(host)?.is_empty() {
                    return Ok(Held { own: Taken { reached: own, turn }, others: Vec::new() });
                }
            }
            let mut taken = Vec::new();
            for reached in self.closure(host)? {
                let turn = reached.turn(asked_at, deadline).await?;
                taken.push(Taken { reached, turn });
            }
            // A hand-off that had one of the turns before may have brought a version with other links.
            let now = self.closure(host)?;
            if let Some(held) = self.held(taken, now) {
                return Ok(held);
            }
            if Instant::now() >= deadline {
                return Err(CallError::Deadline { waited: asked_at.elapsed() });
            }
        }
    }

    /// What is held, if it is all that is needed now. Turns that are not needed any more go.
    fn held(&self, mut taken: Vec<Taken>, now: Vec<Reached>) -> Option<Held> {
        let (mut own, mut others) = (None, Vec::with_capacity(now.len().saturating_sub(1)));
        for reached in now {
            let place = taken.iter().position(|taken| taken.reached.plugin.id == reached.plugin.id)?;
            let taken = Taken { reached, turn: taken.swap_remove(place).turn };
            if taken.reached.plugin.id == self.id {
                own = Some(taken);
            } else {
                others.push(taken);
            }
        }
        Some(Held { own: own?, others })
    }

    /// The plugin itself, with the version that serves.
    pub(super) fn reached(self: &Arc<Self>) -> Reached {
        Reached { plugin: Arc::clone(self), serving: self.serving() }
    }

    /// All plugins that a call of this one may reach, itself included, in the order of their ids.
    pub(super) fn closure(self: &Arc<Self>, host: &Shared) -> Result<Vec<Reached>, CallError> {
        let first = self.reached();
        if first.serving.links(host)?.is_empty() {
            return Ok(vec![first]);
        }
        let unavailable = |reason: String| CallError::Unavailable { plugin: self.name.clone(), reason };
        let mut found: BTreeMap<PluginId, Reached> = BTreeMap::new();
        let mut open = vec![first];
        while let Some(reached) = open.pop() {
            if found.contains_key(&reached.plugin.id) {
                continue;
            }
            for link in reached.serving.links(host)? {
                let missing = || unavailable(format!("it is linked to plugin `{}`, which is not there", link.callee));
                let plugin = host.plugin(&link.callee).ok_or_else(missing)?;
                open.push(Reached { serving: plugin.serving(), plugin });
            }
            found.insert(reached.plugin.id, reached);
            if found.len() > LINKED_PLUGINS_MAX {
                return Err(unavailable(format!("it reaches more than {LINKED_PLUGINS_MAX} plugins through links")));
            }
        }
        Ok(found.into_values().collect())
    }

    /// All plugins that a read-only call of this one may reach, each with its last durable state, all as of one commit.
    pub(super) async fn durable(
        self: &Arc<Self>,
        host: &Shared,
        deadline: Instant,
    ) -> Result<Vec<(Reached, View)>, CallError> {
        let began = Instant::now();
        loop {
            if let Some(reached) = self.durable_now(host)? {
                return Ok(reached);
            }
            if Instant::now() >= deadline {
                return Err(CallError::Deadline { waited: began.elapsed() });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

impl Plugin {
    /// The same, if each state has the epoch of the version that serves. While a hand-off has a state, the incumbent goes on
    /// answering from what was sealed. That fits to the others: no call that could reach them both has run since.
    fn durable_now(self: &Arc<Self>, host: &Shared) -> Result<Option<Vec<(Reached, View)>>, CallError> {
        // Plugins that change hands together do so between two looks.
        let _together = host.links.look();
        let reached = self.closure(host)?;
        let states: Vec<_> = reached.iter().map(|reached| reached.serving.plugin.state).collect();
        let live: Vec<Option<View>> = match host.store.durable_views(&states) {
            Some(views) => views.into_iter().map(Some).collect(),
            None => states.iter().map(|_| None).collect(),
        };
        let mut found = Vec::with_capacity(reached.len());
        for (reached, live) in reached.into_iter().zip(live) {
            if let Some(view) = live.filter(|view| view.epoch() == reached.serving.epoch) {
                found.push((reached, view));
            } else if let Some((serving, last)) = reached.plugin.frozen() {
                found.push((Reached { serving, ..reached }, last));
            } else {
                return Ok(None);
            }
        }
        Ok(Some(found))
    }
}

impl Reached {
    async fn turn(&self, asked_at: Instant, deadline: Instant) -> Result<Turn<Seat>, CallError> {
        let waiting_max = self.serving.plugin.limits.waiting_calls_max;
        match self.plugin.turns.take(deadline, waiting_max).await {
            Ok(turn) => Ok(turn),
            Err(NoTurn::Full { waiting }) => Err(CallError::QueueFull { plugin: self.plugin.name.clone(), waiting }),
            Err(NoTurn::Deadline { .. }) => Err(CallError::Deadline { waited: asked_at.elapsed() }),
        }
    }
}
