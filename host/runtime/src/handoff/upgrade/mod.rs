//! Converting a state entry by entry while the incumbent serves it.
//!
//! ```text
//! live     ──┬──────────────┬───────┬──────────────▶ calls write on
//!            │ base 1       │ base 2│ …            │ the gate closes
//!            ▼              ▼       ▼              ▼
//! staging  [every entry]──[diff]──[diff]── … ──[the last diff]──▶ becomes the live state with the commit
//!            round 1        round 2, 3, … until few entries differ
//! ```
//!
//! The staging state is a fork of the live one from which old entries leave and to which what they become is added. Each
//! round begins with a fork of the live state, the base, and goes over what differs from the base before it; so after a
//! round the staging state is what its base becomes. Entries of other collections that differ are copied. What a round
//! did is committed in chunks, each together with the last key that it covers: after a crash the work goes on there.
//! However large the state is, memory holds one page of it, and the closed gate sees the last difference alone.

mod carry;
mod convert;
mod job;
mod pace;
mod source;
mod staging;

use std::sync::Arc;
use std::time::{Duration, Instant};

use stead_store::{View, WriterEpoch, Writes};

pub(super) use job::Job;
pub(super) use staging::{leave, under_way};

use super::Stop;
use super::receipt::MigratedCollection;
use crate::catalog::{Catalog, UpgradeRecord};
use crate::crash;
use crate::error::HostError;
use crate::host::{Shared, blocking};
use crate::limits::{Limits, UPGRADE_FEW_ENTRIES, UPGRADE_MANY_ENTRIES, UPGRADE_ROUNDS_MAX};
use crate::plugin::{Plugin, Progress};
use convert::Converter;
use pace::Chunk;
use source::{Item, Page};

/// A state that is being converted.
pub(super) struct Upgrading {
    host: Shared,
    plugin: Arc<Plugin>,
    job: Arc<Job>,
    /// As it stands in the catalog, or will with the next commit.
    record: UpgradeRecord,
    limits: Limits,
    /// When all rounds have to be over.
    deadline: Instant,
    /// Time spent on it since it was begun or taken up again.
    since: Instant,
}

/// How much of the time others get while entries are converted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Haste {
    /// As much as the work takes.
    None,
    /// None: calls are held.
    Gate,
}

impl Upgrading {
    /// Begins, or goes on where a crash interrupted it.
    pub(super) async fn take_up(
        host: &Shared,
        plugin: &Arc<Plugin>,
        job: Job,
        patience: Duration,
        hold: Duration,
    ) -> Result<Upgrading, Stop> {
        let since = Instant::now();
        let found = Catalog::of(&host.store)?.upgrade(plugin.id)?;
        let record = match found.filter(|record| staging::is_of(record, &job)) {
            Some(record) => record,
            None => staging::begin(host, plugin, &job, patience, hold).await?,
        };
        let deadline = since + Duration::from_millis(record.patience_ms);
        let (host, plugin, job) = (host.clone(), Arc::clone(plugin), Arc::new(job));
        let limits = plugin.serving().plugin.limits.clone();
        Ok(Upgrading { host, plugin, job, record, limits, deadline, since })
    }

    /// Goes through the rounds until few entries differ. Calls are served meanwhile.
    pub(super) async fn catch_up(&mut self, show: &impl Fn(Progress)) -> Result<(), Stop> {
        loop {
            show(self.progress());
            if !self.record.over {
                self.go_over(show).await?;
            }
            let UpgradeRecord { round, total, .. } = self.record;
            if round > 1 && total <= UPGRADE_FEW_ENTRIES || round >= UPGRADE_ROUNDS_MAX {
                return Ok(());
            }
            // A checkpoint takes long enough for many calls: between rounds that become smaller there is none.
            if round == 1 || total > UPGRADE_MANY_ENTRIES {
                self.checkpoint().await?;
            }
            staging::next_round(&self.host, &self.plugin, &mut self.record).await?;
            crash::point("upgrade.round");
        }
    }

    /// Converts what differs between the last base and the live state, which nobody changes any more.
    pub(super) async fn settle(&mut self, live: &View, deadline: Instant) -> Result<(), Stop> {
        if !self.record.over {
            self.deadline = self.deadline.min(deadline);
            self.go_over(&|_| {}).await?;
        }
        let base = self.base()?;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let (before, now, from) = (base.clone(), live.clone(), after.take());
            let (page, left) = blocking(move || source::differences(&before, &now, from.as_deref())).await?;
            let Some(last) = page.items.last() else { break };
            after = Some(last.key.to_vec());
            let is_cut = page.is_cut;
            let late = |done| {
                format!(
                    "{left} entries changed while calls were still served, and {done} of them could be converted in the \
                     time for which calls may be held: try again when fewer calls write, or allow more with `--deadline`"
                )
            };
            self.convert(page.items, base.clone(), deadline, Haste::Gate, &late, &|_| {}).await?;
            if !is_cut {
                break;
            }
        }
        crash::point("upgrade.settled");
        Ok(())
    }

    /// The state in which the successor's entries are.
    pub(super) fn staging(&self) -> stead_store::StateId {
        self.record.staging
    }

    /// The live state as of which the staging state is what it becomes.
    pub(super) fn base(&self) -> Result<View, HostError> {
        self.host.view(self.record.base)
    }

    /// For the receipt.
    pub(super) fn counts(&self) -> Vec<MigratedCollection> {
        let steps = self.job.steps.iter().zip(&self.record.collections);
        let counts = steps.flat_map(|(step, counts)| {
            let (from, to) = (step.from.identity.clone(), step.to.identity.clone());
            let old = MigratedCollection { identity: from, read: counts.read, ..MigratedCollection::default() };
            [old, MigratedCollection { identity: to, written: counts.written, ..MigratedCollection::default() }]
        });
        counts.collect()
    }

    pub(super) fn rounds(&self) -> u32 {
        self.record.round
    }

    pub(super) fn took(&self) -> Duration {
        self.since.elapsed()
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { done: self.record.done, total: self.record.total, round: self.record.round }
    }

    /// One round, from its cursor to its end.
    async fn go_over(&mut self, show: &impl Fn(Progress)) -> Result<(), Stop> {
        loop {
            let page = self.page().await?;
            if page.items.is_empty() {
                break;
            }
            let is_cut = page.is_cut;
            let base = self.host.view(self.record.base)?;
            let (UpgradeRecord { round, total, patience_ms, .. }, deadline) = (self.record.clone(), self.deadline);
            let late = |done| {
                format!(
                    "{done} of {total} entries of round {round} were converted within {:?}, the time for all that comes \
                     before calls are held: allow more with `--migration-deadline`",
                    Duration::from_millis(patience_ms)
                )
            };
            self.convert(page.items, base, deadline, Haste::None, &late, show).await?;
            if !is_cut {
                break;
            }
        }
        self.record.over = true;
        staging::commit(&self.host, &self.record, Writes::new()).await?;
        crash::point("upgrade.over");
        Ok(())
    }

    async fn page(&mut self) -> Result<Page, Stop> {
        let base = self.host.view(self.record.base)?;
        let cursor = self.record.cursor.clone();
        let Some(prior) = self.record.prior else {
            let job = Arc::clone(&self.job);
            return Ok(blocking(move || source::entries(&job, &base, cursor.as_deref())).await?);
        };
        let prior = self.host.view(prior)?;
        let (page, left) = blocking(move || source::differences(&prior, &base, cursor.as_deref())).await?;
        self.record.total = self.record.done + left;
        Ok(page)
    }

    /// Converts items and writes what they become to the staging state, chunk by chunk.
    async fn convert(
        &mut self,
        items: Vec<Item>,
        base: View,
        deadline: Instant,
        haste: Haste,
        late: &(impl Fn(u64) -> String + Sync),
        show: &impl Fn(Progress),
    ) -> Result<(), Stop> {
        let mut items = items.into_iter().peekable();
        let mut done = if haste == Haste::Gate { 0 } else { self.record.done };
        while items.peek().is_some() {
            if Instant::now() >= deadline {
                return Err(Stop::Abort(late(done)));
            }
            // A fresh instance for each chunk: what a function leaves behind in memory stays bounded.
            let instance = self.host.instantiate(&self.job.linked, deadline).await.map_err(Stop::abort)?;
            let (job, limits) = (Arc::clone(&self.job), self.limits.clone());
            let mut converter = Converter::new(&job, &limits, instance, base.clone(), deadline);
            let (mut chunk, mut writes, mut last) = (Chunk::begin(), Writes::new(), None);
            while !chunk.is_full() {
                let Some(item) = items.next() else { break };
                let bytes = match self.one(&mut converter, &item, &mut writes).await {
                    Err(Stop::Abort(reason)) if Instant::now() >= deadline => {
                        return Err(Stop::Abort(format!("{}; at that moment, {reason}", late(done))));
                    }
                    bytes => bytes?,
                };
                (done, last) = (done + 1, Some(item.key));
                chunk.add(bytes).await;
            }
            crash::point("upgrade.converted");
            if haste == Haste::Gate {
                // What commits the hand-off comes after it in the journal.
                let changes = staging::written(&self.record, writes);
                drop(self.host.commit(changes, Writes::new())?);
                continue;
            }
            self.record.done = done;
            self.record.cursor = last.map(|key| key.to_vec());
            staging::commit(&self.host, &self.record, writes).await?;
            crash::point("upgrade.committed");
            show(self.progress());
            chunk.rest().await;
        }
        Ok(())
    }

    /// One key: converted, copied or removed. Returns how much is written for it.
    async fn one(&mut self, converter: &mut Converter<'_>, item: &Item, writes: &mut Writes) -> Result<usize, Stop> {
        let Some(step) = self.job.step(&item.key) else {
            if let Some(identity) = self.job.filled(&item.key) {
                return Err(Stop::Abort(format!(
                    "a call wrote to {identity}, which is filled with what other entries become"
                )));
            }
            writes.insert(item.key.clone(), item.stored.clone());
            return Ok(item.key.len() + item.stored.as_ref().map_or(0, bytes::Bytes::len));
        };
        let made = match &item.stored {
            Some(stored) => {
                let made = converter.convert(step, &item.key, stored).await?;
                if !self.job.steps[step].is_bounds(&item.key) {
                    let counts = &mut self.record.collections[step];
                    counts.read += 1;
                    counts.written += u64::from(made.is_some());
                }
                made
            }
            None => None,
        };
        let key = self.job.steps[step].key_of(&item.key);
        let bytes = key.len() + made.as_ref().map_or(0, bytes::Bytes::len);
        writes.insert(key, made);
        Ok(bytes)
    }

    /// Two forks on one tree differ by what was written between them, which is found at once; what is in no checkpoint yet of
    /// forks on different trees has to be gone over.
    async fn checkpoint(&self) -> Result<(), HostError> {
        let store = self.host.store.clone();
        blocking(move || store.checkpoint()).await?;
        Ok(())
    }
}

/// The writer epoch of a state in the making.
const EPOCH: WriterEpoch = WriterEpoch::FIRST;
