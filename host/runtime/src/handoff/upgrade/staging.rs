//! The states of a conversion and its record: made, moved on, and removed.

use std::ops::Bound;
use std::time::Duration;

use stead_schema::layout;
use stead_store::{Change, Order, StateId, View, Writes};

use super::job::{Job, Step};
use super::{EPOCH, source};
use crate::catalog::{self, Catalog, Key, PluginId, UpgradeRecord, UpgradedRecord};
use crate::crash;
use crate::error::HostError;
use crate::handoff::Stop;
use crate::host::{Shared, blocking};
use crate::plugin::Plugin;

/// Makes the staging state and the first base.
pub(super) async fn begin(
    host: &Shared,
    plugin: &Plugin,
    job: &Job,
    patience: Duration,
    hold: Duration,
) -> Result<UpgradeRecord, Stop> {
    let live = plugin.serving().plugin.state;
    let view = host.view(live)?;
    if let Some(step) = job.steps.iter().find_map(|step| holds_any(&view, step).transpose()).transpose()? {
        let (from, to) = (&step.from.identity, &step.to.identity);
        return Err(Stop::Abort(format!("{to} holds entries already, with which those of {from} cannot be mixed")));
    }
    let counted = job.clone();
    let total = blocking(move || source::count(&counted, &view)).await?;
    let abandoned = Catalog::of(&host.store)?.upgrade(plugin.id)?;
    let (staging, base) = (host.store.new_state(), host.store.new_state());
    let record = UpgradeRecord {
        plugin: plugin.id,
        component: job.component(),
        staging,
        base,
        prior: None,
        round: 1,
        cursor: None,
        over: false,
        done: 0,
        total,
        collections: job.steps.iter().map(uncounted).collect(),
        patience_ms: millis(patience),
        hold_ms: millis(hold),
    };
    let mut changes = vec![Change::Fork { from: live, to: base }, Change::Fork { from: live, to: staging }];
    for step in &job.steps {
        let (from, to) = layout::range(step.from.number);
        changes.push(Change::Clear { state: staging, epoch: EPOCH, from: from.into(), to: Some(to.into()) });
    }
    changes.extend(abandoned.iter().flat_map(states).map(|state| Change::Remove { state }));
    let mut records = Writes::new();
    catalog::put(&mut records, Key::upgrade(plugin.id), &record);
    host.commit_durably(changes, records).await?;
    crash::point("upgrade.begun");
    Ok(record)
}

/// Begins the next round: with a new base, from which the last one is told apart.
pub(super) async fn next_round(host: &Shared, plugin: &Plugin, record: &mut UpgradeRecord) -> Result<(), Stop> {
    let live = plugin.serving().plugin.state;
    let base = host.store.new_state();
    let mut changes = vec![Change::Fork { from: live, to: base }];
    changes.extend(record.prior.map(|state| Change::Remove { state }));
    *record = UpgradeRecord {
        prior: Some(record.base),
        base,
        round: record.round + 1,
        cursor: None,
        over: false,
        done: 0,
        total: 0,
        ..record.clone()
    };
    let mut records = Writes::new();
    catalog::put(&mut records, Key::upgrade(plugin.id), record);
    Ok(host.commit_durably(changes, records).await?)
}

/// Writes to the staging state and records how far that is, in one commit.
pub(super) async fn commit(host: &Shared, record: &UpgradeRecord, writes: Writes) -> Result<(), Stop> {
    let mut records = Writes::new();
    catalog::put(&mut records, Key::upgrade(record.plugin), record);
    Ok(host.commit_durably(written(record, writes), records).await?)
}

/// The same as changes alone.
pub(super) fn written(record: &UpgradeRecord, writes: Writes) -> Vec<Change> {
    match writes.is_empty() {
        true => Vec::new(),
        false => vec![Change::Write { state: record.staging, epoch: EPOCH, writes }],
    }
}

/// Whether a record is of this very job: another release may give out other numbers.
pub(super) fn is_of(record: &UpgradeRecord, job: &Job) -> bool {
    let same = record.component == job.component();
    let numbers = record.collections.iter().map(|collection| (collection.from, collection.to));
    same && numbers.eq(job.steps.iter().map(|step| (step.from.number, step.to.number)))
}

/// For how long calls may be held for the hand-off of a plugin whose state is being converted; none if it is not.
pub(in crate::handoff) fn under_way(host: &Shared, plugin: PluginId) -> Result<Option<Duration>, HostError> {
    let record = Catalog::of(&host.store)?.upgrade(plugin)?;
    Ok(record.map(|record| Duration::from_millis(record.hold_ms)))
}

/// Removes what a conversion made, in the commit that these go into; `keep` is the state that lives on.
pub(in crate::handoff) fn leave(
    host: &Shared,
    plugin: PluginId,
    keep: Option<StateId>,
    changes: &mut Vec<Change>,
    records: &mut Writes,
) -> Result<(), HostError> {
    let Some(record) = Catalog::of(&host.store)?.upgrade(plugin)? else { return Ok(()) };
    let gone = states(&record).filter(|state| Some(*state) != keep);
    changes.extend(gone.map(|state| Change::Remove { state }));
    catalog::remove(records, Key::upgrade(plugin));
    Ok(())
}

fn states(record: &UpgradeRecord) -> impl Iterator<Item = StateId> {
    [record.staging, record.base].into_iter().chain(record.prior)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn uncounted(step: &Step) -> UpgradedRecord {
    UpgradedRecord { from: step.from.number, to: step.to.number, read: 0, written: 0 }
}

/// The step itself, if there is something already where it puts what entries become.
fn holds_any<'a>(view: &View, step: &'a Step) -> Result<Option<&'a Step>, HostError> {
    let (from, to) = layout::range(step.to.number);
    let mut entries = view.scan(Bound::Included(from.into()), Bound::Excluded(to.into()), Order::Ascending);
    Ok(entries.next().transpose()?.map(|_| step))
}
