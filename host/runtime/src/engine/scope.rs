//! What a call may enter besides its own plugin, and what it has done to the states there.
//!
//! ```text
//! call ─▶ instance of `a` ─link─▶ instance of `b` ─link─▶ instance of `c`
//!              │                       │                       │
//!         transaction             transaction             transaction      one commit for all, or none
//! ```
//!
//! The scope goes with the call: an instance holds it while its guest runs, and hands it on when the guest calls a link. So
//! nothing of it is locked or shared, and it goes with the call however that ends. A plugin is in it once and links make no
//! cycle: its transaction is there whenever it is entered, with all that the call wrote to it before.

use std::time::Instant;

use stead_store::{Savepoint, Transaction};
use wasmtime::component::Val;

use super::fault::Fault;
use super::instance::{Instance, Mode, Work};
use super::link::{Found, Link};
use super::linked::Linked;
use super::outcome::CallEnd;
use super::{InstanceError, Place};
use crate::limits::LINK_DEPTH_MAX;

/// The plugins that a call may enter through links.
pub(crate) struct Scope {
    members: Vec<Member>,
    /// Room for an instance of each member that has none.
    places: Vec<Place>,
    /// What the call may write to all of them together.
    bytes_max: u64,
    /// How many links deep the call is.
    depth: u32,
    /// How often a link was called.
    entries: u64,
}

/// A plugin in a scope.
pub(crate) struct Member {
    linked: Linked,
    /// Instances are kept between entries.
    keeps: bool,
    /// None while the plugin is entered.
    transaction: Option<Transaction>,
    idle: Option<Idle>,
}

/// What is left of a member after a call.
pub(crate) struct Left {
    /// What was written to its state. None if the call was cut short there.
    pub(crate) transaction: Option<Transaction>,
    /// An instance that can serve another call, and whether it served this one.
    pub(crate) idle: Option<(Instance, bool)>,
}

struct Idle {
    instance: Instance,
    /// The last entry that it served; 0 if none of this call.
    entry: u64,
}

impl Scope {
    /// A scope of no plugins. `bytes_max` is the limit of what the whole call writes.
    pub(crate) fn new(bytes_max: usize) -> Scope {
        Scope { members: Vec::new(), places: Vec::new(), bytes_max: bytes_max as u64, depth: 0, entries: 0 }
    }

    /// Adds a plugin, with an instance that has just been idle if there is one.
    pub(crate) fn add(&mut self, linked: Linked, transaction: Transaction, warm: Option<Instance>, keeps: bool) {
        let idle = warm.map(|instance| Idle { instance, entry: 0 });
        self.members.push(Member { linked, keeps, transaction: Some(transaction), idle });
    }

    /// How many members still need an instance if they are entered.
    pub(crate) fn cold(&self) -> usize {
        self.members.iter().filter(|member| member.idle.is_none()).count()
    }

    /// Gives it room for instances. A call that waited for room while it holds some could wait for ever.
    pub(crate) fn make_room(&mut self, places: Vec<Place>) {
        self.places = places;
    }

    /// Lets go of all idle instances.
    pub(crate) fn cool(&mut self) {
        for member in &mut self.members {
            member.idle = None;
        }
    }

    /// Ends the scope: what is left of each member, in the order in which they were added.
    pub(crate) fn end(self) -> impl Iterator<Item = Left> {
        self.members.into_iter().map(|Member { transaction, idle, .. }| Left {
            transaction,
            idle: idle.map(|idle| (idle.instance, idle.entry > 0)),
        })
    }

    /// Calls a function of a link.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a function of a link is called with, and what the call carries"
    )]
    pub(super) async fn enter(
        mut self: Box<Scope>,
        link: &Link,
        place: usize,
        found: &Found,
        params: &[Val],
        results: &mut [Val],
        mode: Mode,
        deadline: Instant,
    ) -> (Box<Scope>, Result<(), Fault>) {
        let entry = match self.begin(link, place, found) {
            Ok(entry) => entry,
            Err(fault) => return (self, Err(fault)),
        };
        let mut instance = match self.instance(entry.member, deadline).await {
            Ok(instance) => instance,
            Err(fault) => return (self, Err(fault)),
        };
        let savepoints: Vec<Option<Savepoint>> =
            self.members.iter_mut().map(|member| member.transaction.as_mut().map(Transaction::savepoint)).collect();
        let member = &mut self.members[entry.member];
        let limits = member.linked.shared().limits.clone();
        let deadline = Instant::now().checked_add(limits.call_time_max).map_or(deadline, |own| own.min(deadline));
        let Some(transaction) = member.transaction.take() else { unreachable!("looked at above") };
        self.depth += 1;
        let work = Work { transaction, scope: Some(self) };
        let (ended, Work { transaction, scope }) =
            instance.enter(entry.export, params, results, work, deadline, mode).await;
        let Some(mut scope) = scope else {
            // It went with a guest that was cut short.
            return (Box::new(Scope::new(0)), Err(ended.map_or_else(|end| callee(link, end), |_| lost())));
        };
        scope.depth -= 1;
        let member = &mut scope.members[entry.member];
        member.transaction = Some(transaction);
        let ended = match ended {
            Ok(returned) => {
                if returned && member.keeps {
                    member.idle = Some(Idle { instance, entry: entry.number });
                } else {
                    scope.places.push(instance.into_place());
                }
                scope.settle(&savepoints, entry.number, returned);
                scope.check_size(link)
            }
            Err(end) => Err(callee(link, end)),
        };
        (scope, ended)
    }

    /// Finds the callee and its function.
    fn begin(&mut self, link: &Link, place: usize, found: &Found) -> Result<Entry, Fault> {
        let host = |what: &str| Fault::Host(format!("plugin `{}` {what}", link.callee));
        if self.depth >= LINK_DEPTH_MAX {
            return Err(Fault::Limit(format!(
                "plugins call each other more than {LINK_DEPTH_MAX} links deep, at `{}` (`LINK_DEPTH_MAX`)",
                link.callee
            )));
        }
        let is_it = |member: &Member| *member.linked.shared().plugin == *link.callee;
        let member = self.members.iter().position(is_it).ok_or_else(|| host("is not within reach of this call"))?;
        if self.members[member].transaction.is_none() {
            return Err(host("waits for this very call"));
        }
        let program = self.members[member].linked.program();
        let hash = program.hash();
        let mut found = found.lock();
        let export = match *found {
            Some((of, export)) if of == hash => export,
            _ => {
                let function = &link.functions[place].0;
                let export = link.resolve(function, program.exports());
                let export = export.ok_or_else(|| host(&format!("exports no `{}#{function}`", link.interface)))?;
                *found = Some((hash, export));
                export
            }
        };
        self.entries += 1;
        Ok(Entry { member, export, number: self.entries })
    }

    /// The member's instance, or a new one.
    async fn instance(&mut self, member: usize, deadline: Instant) -> Result<Instance, Fault> {
        let member = &mut self.members[member];
        if let Some(idle) = member.idle.take() {
            return Ok(idle.instance);
        }
        let made = match self.places.pop() {
            Some(place) => member.linked.instantiate_in(place, deadline).await,
            None => member.linked.instantiate(deadline).await,
        };
        made.map_err(|error: InstanceError| Fault::Callee {
            plugin: member.linked.shared().plugin.to_string(),
            end: Box::new(CallEnd::Unavailable {
                plugin: member.linked.shared().plugin.to_string(),
                reason: error.to_string(),
            }),
        })
    }

    /// After a return what was written stays. After an `err` it is as it was when the callee was entered, and instances
    /// that served since then, which may remember what is no more, go.
    fn settle(&mut self, savepoints: &[Option<Savepoint>], entry: u64, returned: bool) {
        for (member, savepoint) in self.members.iter_mut().zip(savepoints) {
            let (Some(transaction), Some(savepoint)) = (&mut member.transaction, savepoint) else { continue };
            if !returned {
                transaction.rollback_to(*savepoint);
                if member.idle.as_ref().is_some_and(|idle| idle.entry >= entry)
                    && let Some(idle) = member.idle.take()
                {
                    self.places.push(idle.instance.into_place());
                }
            }
            transaction.release(*savepoint);
        }
    }

    fn check_size(&self, link: &Link) -> Result<(), Fault> {
        let bytes: u64 = self.members.iter().filter_map(|member| member.transaction.as_ref()).map(written_bytes).sum();
        match bytes > self.bytes_max {
            true => Err(Fault::Limit(format!(
                "the call has written {bytes} bytes to linked plugins, `{}` last; `transaction_bytes_max` of the plugin \
                 that was called first is {}",
                link.callee, self.bytes_max
            ))),
            false => Ok(()),
        }
    }
}

/// A call of a link that is about to begin.
struct Entry {
    member: usize,
    export: usize,
    number: u64,
}

fn written_bytes(transaction: &Transaction) -> u64 {
    super::collection::written_bytes(transaction)
}

fn callee(link: &Link, end: CallEnd) -> Fault {
    Fault::Callee { plugin: link.callee.clone(), end: Box::new(end) }
}

fn lost() -> Fault {
    Fault::Host("a linked plugin returned without what it was called with".into())
}
