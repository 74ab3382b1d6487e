//! Running a call: one commit, of the transaction over the plugin's state and of those over what it reached through links.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stead_store::{Ticket, Transaction, Writes};

use super::asked::Asked;
use super::cast::Reaped;
use super::closure::{Held, Taken};
use super::recording::Made;
use super::stats::Ending;
use super::{Call, Plugin, Reply, Reuse, Serving};
use crate::catalog::{self, End, Key};
use crate::crash;
use crate::engine::{CallEnd, FindError, Instance, InstanceError, Linked, Mode, Trap, Unreadable, Work};
use crate::error::{CallError, TrapReport};
use crate::handoff;
use crate::host::Shared;

/// How often a call that cannot go on yet looks again.
pub(super) const LOOK_AGAIN: Duration = Duration::from_millis(1);

impl Plugin {
    /// Runs a call in its turns. What comes back may be shown once the ticket has resolved.
    #[allow(clippy::type_complexity)]
    pub(super) async fn execute(
        &self,
        host: &Shared,
        call: &Call,
        asked: Option<&Asked>,
        held: Held,
        deadline: Instant,
    ) -> Result<(Ticket, Result<Reply, CallError>), CallError> {
        let Held { own: Taken { reached, mut turn }, mut others } = held;
        let serving = reached.serving;
        let began = Instant::now();
        let linked = self.code(host, &serving).await.inspect_err(|_| self.not_started(host, &serving, began))?;
        let export = self.find(linked, &call.function)?;
        let started = Instant::now();
        let warm = turn.warm.take().and_then(|key| host.warm.take(key));
        let (mut instance, scope) = match (others.is_empty(), warm) {
            (true, Some(instance)) => (instance, None),
            (true, None) => (self.start(host, &serving, linked, deadline).await?, None),
            (false, warm) => {
                let bytes_max = serving.plugin.limits.transaction_bytes_max;
                let mut scope = self.scope(host, &mut others, bytes_max).await?;
                let instance = self.instance_with_room(host, linked, warm, &mut scope, deadline).await?;
                (instance, Some(Box::new(scope)))
            }
        };
        crash::point("call.begun");
        let began = Instant::now();
        let work = Work { transaction: Transaction::new(host.view(serving.plugin.state)?), scope };
        let (end, work) = instance.call_within(export, &call.args, work, deadline, Mode::ReadWrite).await;
        let took = started.elapsed();
        crash::point("call.executed");
        let reaped = Reaped::of(work.scope, &others);
        let keep = end.keeps_instance() && serving.plugin.reuse == Reuse::Resident;
        let end = match self.ended(linked, export, end) {
            Ok(end) => end,
            Err(refused) => {
                if keep {
                    turn.warm = Some(host.warm.keep(instance));
                }
                reaped.keep(host, &mut others, false);
                return Err(refused);
            }
        };
        let ty = payload_type(linked, export, &end);
        let (mut changes, stays) = (Vec::new(), matches!(end, End::Returned(_)));
        let mut reaped = reaped;
        if stays {
            let (state, epoch) = (serving.plugin.state, serving.epoch);
            if !work.transaction.is_empty() {
                changes = work.transaction.into_effects().into_changes(state, epoch);
            }
            changes.append(&mut reaped.changes);
        }
        let mut records = Writes::new();
        if let Some(asked) = asked {
            self.record(host, asked, &end, ty.as_ref(), &mut records)?;
        }
        let noted = serving.conduct.note(ending(&end), took, true);
        if let Some(probation) = &noted.save {
            catalog::put(&mut records, Key::probation(self.id), probation);
        }
        // A commit that is refused leaves instances that believe in it: they are dropped with the turns.
        let made = Made { call, generation: serving.version.generation, took: began.elapsed(), end: &end };
        let ticket = self.commit_call(host, changes, records, &made).map_err(CallError::Refused)?;
        crash::point("call.committed");
        if keep {
            turn.warm = Some(host.warm.keep(instance));
        }
        reaped.keep(host, &mut others, stays);
        drop((turn, others));
        self.follow(host, &serving, noted.over);
        Ok((ticket, self.reply(end, ty, false)))
    }

    /// Runs a call that promises not to write, beside others, on what is durable.
    pub(super) async fn read(
        self: &Arc<Self>,
        host: &Shared,
        call: &Call,
        deadline: Instant,
    ) -> Result<Reply, CallError> {
        let mut reached = self.durable(host, deadline).await?;
        reached.iter().try_for_each(|(reached, _)| reached.refuse_stopped())?;
        let own = reached.iter().position(|(reached, _)| reached.plugin.id == self.id).unwrap_or_default();
        let (own, view) = reached.swap_remove(own);
        let (serving, began) = (&own.serving, Instant::now());
        let linked = self.code(host, serving).await.inspect_err(|_| self.not_started(host, serving, began))?;
        let export = self.find(linked, &call.function)?;
        let started = Instant::now();
        let (mut instance, scope) = if reached.is_empty() {
            (self.start(host, serving, linked, deadline).await?, None)
        } else {
            let mut scope = self.scope_of_views(host, reached).await?;
            let instance = self.instance_with_room(host, linked, None, &mut scope, deadline).await?;
            (instance, Some(Box::new(scope)))
        };
        let began = Instant::now();
        let work = Work { transaction: Transaction::new(view), scope };
        let (end, _) = instance.call_within(export, &call.args, work, deadline, Mode::ReadOnly).await;
        let took = began.elapsed();
        let end = self.ended(linked, export, end)?;
        // Nothing is committed here: what this call says about the version is saved with the next one.
        let noted = serving.conduct.note(ending(&end), started.elapsed(), false);
        self.follow(host, serving, noted.over);
        let generation = serving.version.generation;
        let made = Made { call, generation, took, end: &end };
        self.record_read(host, &made);
        let ty = payload_type(linked, export, &end);
        self.reply(end, ty, false)
    }

    async fn code<'a>(&self, host: &Shared, serving: &'a Serving) -> Result<&'a Linked, CallError> {
        let code = serving.code(host).await;
        code.map_err(|reason| CallError::Unavailable { plugin: self.name.clone(), reason: reason.into() })
    }

    fn find(&self, linked: &Linked, function: &str) -> Result<usize, CallError> {
        linked.program().find(function).map_err(|error| find_error(&self.name, function, error))
    }

    async fn start(
        &self,
        host: &Shared,
        serving: &Serving,
        linked: &Linked,
        deadline: Instant,
    ) -> Result<Instance, CallError> {
        let began = Instant::now();
        host.instantiate(linked, deadline).await.map_err(|error| {
            // A host that has no room for an instance says nothing about the version.
            if matches!(error, InstanceError::Trapped(_)) {
                self.not_started(host, serving, began);
            }
            CallError::Unavailable { plugin: self.name.clone(), reason: error.to_string() }
        })
    }

    /// Counts a call for which the version's code did not start as one that trapped.
    fn not_started(&self, host: &Shared, serving: &Serving, began: Instant) {
        let noted = serving.conduct.note(Ending::Trapped, began.elapsed(), false);
        self.follow(host, serving, noted.over);
    }

    /// Has a probation concluded, once it is over.
    fn follow(&self, host: &Shared, serving: &Serving, over: bool) {
        if over && let Some(plugin) = host.plugin(&self.name) {
            handoff::conclude(host, &plugin, Arc::clone(&serving.conduct));
        }
    }

    /// How a call ended, if it ran.
    fn ended(&self, linked: &Linked, export: usize, end: CallEnd) -> Result<End, CallError> {
        match end {
            CallEnd::Returned(value) => Ok(End::Returned(value)),
            CallEnd::Failed(value) => Ok(End::Failed(value)),
            CallEnd::Trapped(trap) => Ok(End::Trapped(TrapReport::from(trap))),
            CallEnd::Unreadable(Unreadable::Store { source, .. }) => Err(CallError::Read(source)),
            CallEnd::Unreadable(error) => Err(CallError::Catalog { what: error.to_string() }),
            CallEnd::Unavailable { plugin, reason } => Err(CallError::Unavailable { plugin, reason }),
            CallEnd::Refused(error) => Err(CallError::Arguments {
                function: linked.program().exports()[export].path.clone(),
                message: error.to_string(),
            }),
        }
    }
}

impl Shared {
    /// Makes an instance, for which the least recently used idle one goes if there are as many as there may be.
    pub(crate) async fn instantiate(&self, linked: &Linked, deadline: Instant) -> Result<Instance, InstanceError> {
        loop {
            match linked.instantiate(deadline).await {
                Err(InstanceError::Full { .. }) if self.warm.evict() => {}
                Err(InstanceError::Full { max }) if Instant::now() >= deadline => {
                    return Err(InstanceError::Full { max });
                }
                Err(InstanceError::Full { .. }) => tokio::time::sleep(LOOK_AGAIN).await,
                made => return made,
            }
        }
    }
}

/// How a call ended, for the figures.
fn ending(end: &End) -> Ending {
    match end {
        End::Returned(_) => Ending::Returned,
        End::Failed(_) => Ending::Failed,
        End::Trapped(_) => Ending::Trapped,
    }
}

/// The type of the value that a call ended with.
fn payload_type(linked: &Linked, export: usize, end: &End) -> Option<stead_schema::Type> {
    let signature = linked.program().exports()[export].signature.as_ref().ok()?;
    match end {
        End::Returned(_) => signature.returned().cloned(),
        End::Failed(_) => signature.failed().cloned(),
        End::Trapped(_) => None,
    }
}

/// Why a name means no function, for the caller.
pub(crate) fn find_error(plugin: &str, function: &str, error: FindError) -> CallError {
    let (plugin, function) = (plugin.to_owned(), function.to_owned());
    match error {
        FindError::Unknown { there_are, .. } => CallError::UnknownFunction { plugin, function, exports: there_are },
        FindError::Ambiguous { means, .. } => CallError::AmbiguousFunction { function, candidates: means },
        FindError::Uncallable { .. } => CallError::Arguments { function, message: error.to_string() },
    }
}

impl From<Trap> for TrapReport {
    fn from(trap: Trap) -> TrapReport {
        TrapReport {
            kind: trap.kind.name().into(),
            message: trap.message,
            backtrace: trap.backtrace,
            stderr: trap.stderr,
        }
    }
}
