//! Makes a damaged data directory one that opens: what is damaged is set aside, what is left is brought together.
//!
//! ```text
//! examine   every byte is read; damage is named                          verify/
//! plan      which checkpoint, which commits, what fills which hole       plan.rs, restore.rs
//! carry out copies, packs, and one rename that makes it all true         write.rs
//! ```
//!
//! Nothing is deleted. What is served afterwards is exactly what was committed up to one commit, but for entries that are
//! listed. A crash at any point leaves the directory as it was, or repaired; repairing again ends in the same.

mod patient;
mod plan;
mod report;
mod restore;
mod write;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

pub use report::{LostChange, RepairError, Repaired, SetAside};

use self::patient::Patient;
use self::plan::Plan;
use self::restore::Source;
use self::write::{Site, quarantine_name, set_aside_only};
use crate::disk::{Disk, Mode};
use crate::journal::{Found, JOURNAL_DIR, QUARANTINE_DIR, segment_number, segment_path};
use crate::pack::{PACK_DIR, PackId};
use crate::store::components::COMPONENT_DIR;
use crate::store::format_file::{FORMAT_FILE, Format};
use crate::store::lock::{LOCK_FILE, OwnerLock, OwnerRecord};
use crate::store::open::needed_packs;
use crate::store::verify::{Examined, check_is_store, examine};
use crate::store::{Affected, CommitNumber, LostCommits, Progress, StateId, View};

/// A close that LOCK names further ahead than this of all that was found is not believed: LOCK itself has no hash.
const CLOSE_AHEAD_MAX: u64 = 1 << 20;

/// Repairs a directory that nobody has open; a dry run changes nothing.
pub(crate) fn repair(
    disk: &Arc<dyn Disk>,
    dry_run: bool,
    progress: &mut dyn FnMut(&Progress),
) -> Result<Repaired, RepairError> {
    let disk: Arc<dyn Disk> = Arc::new(Patient(disk.clone()));
    check_is_store(&*disk)?;
    let (mut lock, record) = match dry_run {
        true => OwnerLock::take_to_read(&*disk)?,
        false => OwnerLock::take(&*disk).map(|(lock, record)| (Some(lock), record))?,
    };
    let mut examined = examine(&disk, &record, progress)?;
    if examined.verified.is_clean() {
        return Ok(Repaired::default());
    }
    let owner_epoch = examined.survey.owner_epoch.max(record.epoch).saturating_add(1);
    let damaged = damaged_files(&*disk, &examined);
    let has_format = !examined.verified.damage.iter().any(|damage| damage.file == FORMAT_FILE);
    let is_left_out = |file: &String| file == FORMAT_FILE || damaged.contains(file);
    let packs = examined.found.as_mut().map(needed_packs).transpose()?.unwrap_or_default();
    if let Some(found) = &examined.found
        && damaged.iter().all(|file| !is_needed(file, found, &packs))
        && examined.verified.damage.iter().all(|damage| is_left_out(&damage.file))
    {
        let mut repaired = report(&examined, &damaged, owner_epoch);
        (repaired.checkpoint, repaired.kept, repaired.report) = (found.anchor.commit, found.last, None);
        if !dry_run {
            let format = Format { store_id: examined.survey.store_id };
            set_aside_only(&*disk, &repaired, (!has_format).then_some(format))?;
        }
        return Ok(repaired);
    }
    let source = Source { disk: &*disk, survey: &examined.survey, packs: &examined.packs };
    let plan = source.plan().map_err(RepairError::Unsteady)?.ok_or_else(|| nothing(&examined))?;
    let closed = record.closed.filter(|closed| *closed <= examined.survey.last_batch + CLOSE_AHEAD_MAX);
    let site = Site {
        disk: &disk,
        packs: &examined.packs,
        survey: &examined.survey,
        owner_epoch,
        next_batch: closed.unwrap_or_default().max(examined.survey.last_batch + 1),
        format: !has_format,
    };
    let mut replaced = damaged;
    replaced.extend(examined.survey.segments_after(plan.kept).into_iter().map(segment_path));
    let repaired = Repaired { ..complete(report(&examined, &replaced, owner_epoch), &examined, &record, &plan) };
    if dry_run {
        return Ok(repaired);
    }
    site.carry_out(&plan, &repaired)?;
    if let Some(lock) = &mut lock {
        let owner = OwnerRecord { epoch: owner_epoch, pid: u64::from(std::process::id()), closed: None };
        lock.write(owner).map_err(|source| RepairError::Unfinished { path: LOCK_FILE.to_owned(), source })?;
    }
    Ok(repaired)
}

/// The states of a directory that nobody has open, as far as they can be read: those that a repair would bring back.
pub struct Remains(HashMap<StateId, View>);

impl Remains {
    /// A state. Reading it may fail where it is damaged.
    pub fn view(&self, state: StateId) -> Option<View> {
        self.0.get(&state).cloned()
    }
}

/// Reads what is left in a directory that nobody has open. Changes nothing.
pub(crate) fn remains(disk: &Arc<dyn Disk>) -> Result<Remains, RepairError> {
    let disk: Arc<dyn Disk> = Arc::new(Patient(disk.clone()));
    check_is_store(&*disk)?;
    let (_lock, record) = OwnerLock::take_to_read(&*disk)?;
    let examined = examine(&disk, &record, &mut |_| {})?;
    let source = Source { disk: &*disk, survey: &examined.survey, packs: &examined.packs };
    let plan = source.plan().map_err(RepairError::Unsteady)?.ok_or_else(|| nothing(&examined))?;
    let states = plan.restored.front.states.iter();
    Ok(Remains(states.map(|(id, state)| (id, View::new(id, state, &examined.packs))).collect()))
}

/// The damaged files that there are.
fn damaged_files(disk: &dyn Disk, examined: &Examined) -> BTreeSet<String> {
    let files = examined.verified.damage.iter().map(|damage| damage.file.clone());
    let is_ours = |file: &String| {
        !file.starts_with(QUARANTINE_DIR)
            && file != LOCK_FILE
            && disk.open(file, Mode::Read).is_ok_and(|file| file.len().is_ok())
    };
    files.filter(is_ours).collect()
}

/// Opening the store, or reading its states, takes the file.
fn is_needed(file: &str, found: &Found, packs: &BTreeSet<PackId>) -> bool {
    let covered = found.anchor.replay_segment.min(found.manifest.replay_segment);
    match file.split_once('/') {
        Some((JOURNAL_DIR, name)) => segment_number(name).is_none_or(|number| number >= covered),
        Some((PACK_DIR, name)) => PackId::from_file_name(name).is_none_or(|pack| packs.contains(&pack)),
        Some((COMPONENT_DIR, _)) => false,
        _ => file != FORMAT_FILE,
    }
}

/// What will be said whatever the plan.
fn report(examined: &Examined, replaced: &BTreeSet<String>, owner_epoch: u64) -> Repaired {
    let set_aside = replaced.iter().map(|file| SetAside { file: file.clone(), to: quarantine_name(owner_epoch, file) });
    let component = |file: &String| file.strip_prefix("components/")?.strip_suffix(".wasm").map(str::to_owned);
    Repaired {
        damage: examined.verified.damage.clone(),
        set_aside: set_aside.collect(),
        components: replaced.iter().filter_map(component).collect(),
        report: Some(quarantine_name(owner_epoch, "report.txt")),
        ..Repaired::default()
    }
}

/// What the plan keeps and loses.
fn complete(mut repaired: Repaired, examined: &Examined, record: &OwnerRecord, plan: &Plan) -> Repaired {
    repaired.checkpoint = plan.checkpoint;
    repaired.kept = plan.kept;
    repaired.older = plan.older.clone();
    repaired.lost_changes = plan.lost_changes.clone();
    repaired.lost_changes_more = plan.lost_changes_more;
    let states = &plan.restored.front.states;
    let affected = |hole: &restore::Hole| {
        let snapshot = states.get(hole.state).and_then(|state| state.snapshot.clone());
        Affected::of(hole.state, snapshot.as_deref(), &hole.lost)
    };
    repaired.lost_entries = plan.lost.iter().map(affected).collect();
    repaired.older_entries = plan.stale.iter().map(|(hole, commit)| (affected(hole), *commit)).collect();
    let all = |state: &StateId| Affected::all(*state);
    repaired.lost_entries.extend(plan.restored.unknown.iter().map(all));
    // Batches after the last one that can be read held commits, for all that is known.
    let survey = &examined.survey;
    let last = survey.last_commit();
    let cut_off = record.closed.is_some_and(|closed| closed > survey.last_batch + 1);
    if last > plan.kept || cut_off {
        let states: BTreeSet<StateId> = plan.lost_changes.iter().map(|change| change.state).collect();
        repaired.lost_commits = Some(LostCommits {
            from: CommitNumber(plan.kept.0 + 1),
            to: (!cut_off).then_some(last),
            states: states.into_iter().collect(),
        });
    }
    repaired
}

fn nothing(examined: &Examined) -> RepairError {
    let segments = examined.survey.segments.len();
    let what = format!("in {segments} journal segments there is neither a checkpoint nor the first commit");
    RepairError::Nothing { what }
}
