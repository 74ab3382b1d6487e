//! What the successor's state needs beyond what is there: the migration's writes, entries that leave, the ledger.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::{Duration, Instant};

use bytes::Bytes;
use stead_schema::{Identity, Kind, Parts, UPGRADE, Value, layout};
use stead_store::{Effects, Order, StateId, Transaction, View};

use super::convert::rewrite_lossy;
use super::party::{Party, Successor};
use super::plan::Base;
use super::receipt::{Migrated, MigratedCollection};
use super::upgrade::Job;
use super::{Stop, micros};
use crate::crash;
use crate::engine::{CallEnd, Instance, Mode, Touched, TrapKind, Way};
use crate::plugin::write_ledger;

/// What the commit writes to the successor's state, computed over one view of it.
pub(super) struct Carried {
    /// Commits of the live state at that point: more means that it moved.
    pub(super) at: u64,
    pub(super) effects: Effects,
    pub(super) migrated: Option<Migrated>,
    /// The state that `effects` are written to and that takes the place of the live one; the live one itself if none.
    pub(super) staging: Option<StateId>,
}

impl Party {
    /// Computes what the successor's state needs, from empty, over a view of the live state.
    pub(super) async fn carry(&mut self, live: &View, runs: u32) -> Result<Carried, Stop> {
        let at = live.commits();
        let Successor { program, plan } = self.successor()?;
        if let Base::Sealed { .. } = plan.base {
            return Ok(Carried { at, effects: Effects::default(), migrated: None, staging: None });
        }
        if let Some(job) = Job::of(program, plan) {
            return match self.mark {
                Some(_) => self.carry_upgraded(job, live).await,
                None => self.carry_rehearsed(job, live).await,
            };
        }
        let began = Instant::now();
        let mut transaction = Transaction::new(live.clone());
        let mut migrated = None;
        if holds_any(live, &plan.admitted.migrated)? {
            let (collections, migrated_to) = self.migrate(self.migration()?, live, transaction).await?;
            transaction = migrated_to;
            migrated = Some(Migrated { collections, runs, took_us: micros(began.elapsed()) });
        }
        rewrite_lossy(plan, live, &mut transaction)?;
        let leaving = plan.admitted.migrated.iter().chain(&plan.admitted.dropped);
        for (_, number) in leaving {
            let (from, to) = layout::range(*number);
            transaction.clear(from.into(), Some(to.into()));
        }
        let mut effects = transaction.into_effects();
        write_ledger(&plan.ledger, &plan.admitted.ledger, &mut effects.writes);
        Ok(Carried { at, effects, migrated, staging: None })
    }

    /// The successor's migration from the tracks that the state keeps, up or down, by its place among the exports.
    fn migration(&self) -> Result<usize, Stop> {
        let Successor { program, plan } = self.successor()?;
        let of = |(identity, _): &(Identity, u32)| program.migration_of(identity);
        let ways: BTreeSet<(Way, usize)> = plan.admitted.migrated.iter().filter_map(of).collect();
        match ways.into_iter().collect::<Vec<_>>()[..] {
            [] => Err(Stop::abort("the successor brings no migration")),
            [(_, export)] => Ok(export),
            _ => Err(Stop::abort(
                "the state keeps tracks on both sides of the successor's, and one migration at a time can run: drop the \
                 collections of one side by name, or deploy a version that migrates them first",
            )),
        }
    }

    /// Runs a migration of the successor over a transaction.
    async fn migrate(
        &self,
        export: usize,
        live: &View,
        transaction: Transaction,
    ) -> Result<(Vec<MigratedCollection>, Transaction), Stop> {
        let label = self.plugin.serving().version.label.clone();
        let from = Value(Parts::Option(label.map(|label| Box::new(Value(Parts::String(label))))));
        let mut instance = self.instance().await?;
        let (end, transaction) = instance.call(export, &[from], transaction, self.deadline(), Mode::Migrate).await;
        if matches!(&end, CallEnd::Trapped(trap) if trap.kind == TrapKind::Deadline) {
            return Err(Stop::Abort(self.too_long()));
        }
        returned("the migration", end)?;
        crash::point("handoff.migrated");
        let collections = self.counts(live, instance.touched())?;
        if !self.record.accept_unread {
            let unread: Vec<String> = collections
                .iter()
                .filter(|counts| counts.unread > 0)
                .map(|counts| format!("{} of {}", counts.unread, counts.identity))
                .collect();
            if !unread.is_empty() {
                let unread = unread.join(", ");
                return Err(Stop::abort(format!(
                    "the migration never read old entries ({unread}); they are left behind only if that is accepted by name (`--accept-unread`)"
                )));
            }
        }
        Ok((collections, transaction))
    }

    /// Says of a migration that was still running at its deadline what would help.
    fn too_long(&self) -> String {
        if self.gate.is_none() {
            return format!(
                "the migration was still running after {:?}: allow more with `--migration-deadline`; calls are served meanwhile",
                self.ahead
            );
        }
        let Some(carried) = &self.carried else {
            return format!(
                "the host had stopped meanwhile, and the migration was still running {:?} after it was opened again, for which \
                 all plugins wait: begin anew",
                self.patience
            );
        };
        let ahead = carried.migrated.as_ref();
        let took = ahead.map(|migrated| format!(", which took {:?}", Duration::from_micros(migrated.took_us)));
        format!(
            "the state changed after the migration had run ahead{}; it ran again from empty while calls were held, and was still \
             running after the {:?} for which they may be: allow more with `--deadline`, try again when fewer calls write, or let \
             the successor export `{UPGRADE}<collection>` for each collection, which converts entries beside the calls",
            took.unwrap_or_default(),
            self.patience
        )
    }

    fn counts(&self, live: &View, touched: &[Touched]) -> Result<Vec<MigratedCollection>, Stop> {
        let admitted = &self.successor()?.plan.admitted;
        let old: BTreeMap<u32, &Identity> =
            admitted.migrated.iter().map(|(identity, number)| (*number, identity)).collect();
        let mut counts = Vec::new();
        for binding in &admitted.bindings {
            let touched = touched.iter().find(|touched| touched.number == binding.number);
            let (read, written) = touched.map_or((0, 0), |touched| (touched.read, touched.written));
            let distinct = touched.map_or(0, |touched| touched.distinct);
            let unread = match old.contains_key(&binding.number) {
                true => count(live, binding.number, binding.kind)?.saturating_sub(distinct),
                false => 0,
            };
            counts.push(MigratedCollection { identity: binding.identity.to_string(), read, written, unread });
        }
        Ok(counts)
    }

    /// Makes an instance of the successor: code that does not start never becomes active, whether it brings a migration
    /// and a check or neither.
    pub(super) async fn start(&self) -> Result<(), Stop> {
        drop(self.instance().await?);
        Ok(())
    }

    /// Asks the successor whether it is ready, on the state as it would serve it.
    pub(super) async fn ask_ready(&self, base: View, effects: &Effects) -> Result<(), Stop> {
        let Some(export) = self.successor()?.program.ready() else { return Ok(()) };
        let mut transaction = Transaction::new(base);
        for (from, to) in &effects.cleared {
            transaction.clear(from.clone(), to.clone());
        }
        for (key, value) in &effects.writes {
            match value {
                Some(value) => transaction.put(key.clone(), value.clone()),
                None => transaction.delete(key.clone()),
            }
        }
        let mut instance = self.instance().await?;
        let (end, _) = instance.call(export, &[], transaction, self.deadline(), Mode::ReadOnly).await;
        returned("the readiness check", end)
    }

    /// Until when the successor's code may run: while calls are held, no longer than they may be.
    pub(super) fn deadline(&self) -> Instant {
        let longest = Instant::now() + self.ahead;
        self.gate.as_ref().map_or(longest, |gate| longest.min(gate.until))
    }

    async fn instance(&self) -> Result<Instance, Stop> {
        self.host.instantiate(&self.successor()?.plan.linked, self.deadline()).await.map_err(Stop::abort)
    }
}

/// Turns anything but a plain return into a reason to give up.
fn returned(what: &str, end: CallEnd) -> Result<(), Stop> {
    match end {
        CallEnd::Returned(_) => Ok(()),
        CallEnd::Failed(Some(Value(Parts::String(reason)))) => Err(Stop::abort(format!("{what} refused: {reason}"))),
        CallEnd::Failed(_) => Err(Stop::abort(format!("{what} refused"))),
        CallEnd::Trapped(trap) => Err(Stop::abort(format!("{what} trapped: {trap}"))),
        CallEnd::Unreadable(error) => Err(Stop::abort(error)),
        CallEnd::Unavailable { plugin, reason } => Err(Stop::abort(format!("{what} needs {plugin}: {reason}"))),
        CallEnd::Refused(error) => Err(Stop::abort(error)),
    }
}

/// All entries of a collection.
pub(super) fn entries(
    view: &View,
    number: u32,
) -> impl Iterator<Item = Result<(Bytes, Bytes), stead_store::ReadError>> + '_ {
    let (lower, upper) = layout::range(number);
    view.scan(Bound::Included(lower.into()), Bound::Excluded(upper.into()), Order::Ascending)
}

/// Whether any of these collections has ever held something: where none has, there is nothing to migrate.
pub(super) fn holds_any(view: &View, collections: &[(Identity, u32)]) -> Result<bool, Stop> {
    for (_, number) in collections {
        if entries(view, *number).next().transpose()?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

fn count(view: &View, number: u32, kind: Kind) -> Result<u64, Stop> {
    let (lower, upper) = layout::range(number);
    let entries = view.count(Bound::Included(lower.into()), Bound::Excluded(upper.into()))?;
    // A log's bounds are an entry of the state, not of the log.
    Ok(if kind == Kind::Log { entries.saturating_sub(1) } else { entries })
}
