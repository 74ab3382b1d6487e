//! Instances and transactions for the plugins that a call may reach.

use std::time::Instant;

use stead_store::{Change, Transaction, View};

use super::closure::{Reached, Taken};
use super::execute::LOOK_AGAIN;
use super::{Plugin, Reuse};
use crate::engine::{Instance, InstanceError, Linked, Place, Scope};
use crate::error::CallError;
use crate::host::Shared;

impl Plugin {
    /// What a call may enter through links, over views of the states there, with the instances that are kept warm there.
    pub(super) async fn scope(
        &self,
        host: &Shared,
        others: &mut [Taken],
        bytes_max: usize,
    ) -> Result<Scope, CallError> {
        let mut scope = Scope::new(bytes_max);
        for Taken { reached, turn } in others {
            let linked = reached.code(host).await?;
            let transaction = Transaction::new(host.view(reached.serving.plugin.state)?);
            let warm = turn.warm.take().and_then(|key| host.warm.take(key));
            scope.add(linked, transaction, warm, reached.serving.plugin.reuse == Reuse::Resident);
        }
        Ok(scope)
    }

    /// The same for a read-only call: on what is durable, with instances of its own.
    pub(super) async fn scope_of_views(&self, host: &Shared, others: Vec<(Reached, View)>) -> Result<Scope, CallError> {
        let mut scope = Scope::new(0);
        for (reached, view) in others {
            let keeps = reached.serving.plugin.reuse == Reuse::Resident;
            scope.add(reached.code(host).await?, Transaction::new(view), None, keeps);
        }
        Ok(scope)
    }

    /// The instance that a call begins in, with room for those that it may enter. A call that waits for room holds none:
    /// calls that each held some and waited for more would wait for ever.
    pub(super) async fn instance_with_room(
        &self,
        host: &Shared,
        linked: &Linked,
        warm: Option<Instance>,
        scope: &mut Scope,
        deadline: Instant,
    ) -> Result<Instance, CallError> {
        let unavailable =
            |error: InstanceError| CallError::Unavailable { plugin: self.name.clone(), reason: error.to_string() };
        let mut warm = warm;
        let needed = |scope: &Scope, warm: &Option<Instance>| scope.cold() + usize::from(warm.is_none());
        let mut places = host.places_now(needed(scope, &warm));
        if places.is_none() {
            (warm, places) = (None, None);
            scope.cool();
            while places.is_none() {
                let count = needed(scope, &warm);
                let max = host.engine.limits().instances_max;
                if count > max as usize || Instant::now() >= deadline {
                    return Err(unavailable(InstanceError::Full { max }));
                }
                tokio::time::sleep(LOOK_AGAIN).await;
                places = host.places_now(count);
            }
        }
        let mut places = places.unwrap_or_default();
        let instance = match (warm, places.pop()) {
            (Some(instance), Some(place)) => {
                places.push(place);
                instance
            }
            (Some(instance), None) => instance,
            (None, Some(place)) => linked.instantiate_in(place, deadline).await.map_err(unavailable)?,
            (None, None) => host.instantiate(linked, deadline).await.map_err(unavailable)?,
        };
        scope.make_room(places);
        Ok(instance)
    }
}

impl Reached {
    async fn code(&self, host: &Shared) -> Result<Linked, CallError> {
        let code = self.serving.code(host).await;
        let unavailable =
            |reason: &str| CallError::Unavailable { plugin: self.plugin.name.clone(), reason: reason.into() };
        code.cloned().map_err(unavailable)
    }
}

/// What a call did to the plugins that it could reach, once it has ended.
#[derive(Default)]
pub(super) struct Reaped {
    pub(super) changes: Vec<Change>,
    /// Of each plugin in the order in which they were taken: an instance that could serve another call, and whether it
    /// served this one.
    idle: Vec<Option<(Instance, bool)>>,
}

impl Reaped {
    pub(super) fn of(scope: Option<Box<Scope>>, others: &[Taken]) -> Reaped {
        let mut reaped = Reaped::default();
        let Some(scope) = scope else { return reaped };
        for (taken, ended) in others.iter().zip(scope.end()) {
            let serving = &taken.reached.serving;
            if let Some(transaction) = ended.transaction.filter(|transaction| !transaction.is_empty()) {
                let (state, epoch) = (serving.plugin.state, serving.epoch);
                reaped.changes.extend(transaction.into_effects().into_changes(state, epoch));
            }
            reaped.idle.push(ended.idle);
        }
        reaped
    }

    /// Keeps instances warm. Those that served a call whose writes did not stay remember what is not so.
    pub(super) fn keep(self, host: &Shared, others: &mut [Taken], stays: bool) {
        for (taken, idle) in others.iter_mut().zip(self.idle) {
            if let Some((instance, _)) = idle.filter(|(_, served)| stays || !served) {
                taken.turn.warm = Some(host.warm.keep(instance));
            }
        }
    }
}

impl Shared {
    /// Room for several instances, for which idle ones go, the least recently used first; none if there is not enough.
    fn places_now(&self, count: usize) -> Option<Vec<Place>> {
        loop {
            match self.engine.places(count) {
                None if self.warm.evict() => {}
                places => return places,
            }
        }
    }
}
