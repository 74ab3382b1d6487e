//! The conversion as a part of a hand-off.

use std::sync::Arc;
use std::time::Instant;

use stead_schema::{Identity, layout};
use stead_store::{Effects, Transaction, View};

use super::convert::Converter;
use super::{Job, Upgrading, source};
use crate::handoff::carry::{Carried, holds_any};
use crate::handoff::convert::rewrite_lossy;
use crate::handoff::party::Party;
use crate::handoff::receipt::{Migrated, MigratedCollection};
use crate::handoff::{Stop, micros};
use crate::host::blocking;
use crate::plugin::write_ledger;

impl Party {
    /// Converts the state entry by entry: while calls are served, until few entries are left; once the gate is closed, the
    /// rest. Both may be asked for again.
    pub(in crate::handoff) async fn carry_upgraded(&mut self, job: Job, live: &View) -> Result<Carried, Stop> {
        let mut upgrading = match self.upgrading.take() {
            Some(upgrading) => upgrading,
            None => Upgrading::take_up(&self.host, &self.plugin, job, self.ahead, self.patience).await?,
        };
        let deadline = self.deadline();
        let show = |progress| {
            if let Some(mark) = &self.mark {
                mark.show_progress(progress);
            }
        };
        let done = match self.gate {
            None => upgrading.catch_up(&show).await,
            Some(_) => upgrading.settle(live, deadline).await,
        };
        let upgrading = self.upgrading.insert(upgrading);
        done?;
        // To be forked counts as one commit of the fork.
        let at = if self.gate.is_some() { live.commits() } else { upgrading.base()?.commits().saturating_sub(1) };
        let migrated =
            Migrated { collections: upgrading.counts(), runs: upgrading.rounds(), took_us: micros(upgrading.took()) };
        let staging = upgrading.staging();
        let effects = self.upgraded_effects(live, self.host.view(staging)?)?;
        Ok(Carried { at, effects, migrated: Some(migrated), staging: Some(staging) })
    }

    /// Converts all of a state in memory, for a rehearsal, which commits nothing.
    pub(in crate::handoff) async fn carry_rehearsed(&self, job: Job, live: &View) -> Result<Carried, Stop> {
        let (began, job, limits) = (Instant::now(), Arc::new(job), &self.plugin.serving().plugin.limits);
        let deadline = self.deadline();
        let instance = self.host.instantiate(&job.linked, deadline).await.map_err(Stop::abort)?;
        let mut converter = Converter::new(&job, limits, instance, live.clone(), deadline);
        let mut transaction = Transaction::new(live.clone());
        let (mut read, mut written, mut after) = (0, 0, None::<Vec<u8>>);
        loop {
            let (of, view, from) = (Arc::clone(&job), live.clone(), after.take());
            let page = blocking(move || source::entries(&of, &view, from.as_deref())).await?;
            for item in &page.items {
                let (Some(step), Some(stored)) = (job.step(&item.key), &item.stored) else { continue };
                read += 1;
                if let Some(made) = converter.convert(step, &item.key, stored).await? {
                    written += 1;
                    transaction.put(job.steps[step].key_of(&item.key), made);
                }
            }
            let (bytes, bytes_max) = (transaction.bytes(), limits.migration_bytes_max as u64);
            if bytes > bytes_max {
                return Err(Stop::Abort(format!(
                    "a rehearsal converts the state in memory, and it takes more than `migration_bytes_max`, which is {bytes_max}"
                )));
            }
            after = page.items.last().map(|item| item.key.to_vec());
            if !page.is_cut {
                break;
            }
        }
        let totals = MigratedCollection { identity: "all".into(), read, written, unread: 0 };
        let migrated = Migrated { collections: vec![totals], runs: 1, took_us: micros(began.elapsed()) };
        let effects = self.finished(live, transaction)?;
        Ok(Carried { at: live.commits(), effects, migrated: Some(migrated), staging: None })
    }

    /// What the commit writes to the staging state: all of the hand-off but the conversion.
    fn upgraded_effects(&self, live: &View, staged: View) -> Result<Effects, Stop> {
        let plan = &self.successor()?.plan;
        let is_upgraded = |identity: &Identity| plan.admitted.upgraded.iter().any(|found| found.from == *identity);
        let left: Vec<_> =
            plan.admitted.migrated.iter().filter(|(identity, _)| !is_upgraded(identity)).cloned().collect();
        if holds_any(live, &left)? {
            let names: Vec<String> = left.iter().map(|(identity, _)| identity.to_string()).collect();
            return Err(Stop::Abort(format!("a call wrote to {}, which nothing converts", names.join(", "))));
        }
        let transaction = Transaction::new(staged.clone());
        self.finished(&staged, transaction)
    }

    /// Adds all of a hand-off but the conversion.
    fn finished(&self, view: &View, mut transaction: Transaction) -> Result<Effects, Stop> {
        let plan = &self.successor()?.plan;
        rewrite_lossy(plan, view, &mut transaction)?;
        for (_, number) in plan.admitted.migrated.iter().chain(&plan.admitted.dropped) {
            let (from, to) = layout::range(*number);
            transaction.clear(from.into(), Some(to.into()));
        }
        let mut effects = transaction.into_effects();
        write_ledger(&plan.ledger, &plan.admitted.ledger, &mut effects.writes);
        Ok(effects)
    }
}
