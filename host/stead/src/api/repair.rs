//! Repairing an idle data directory, and damage as answers show it.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use stead_runtime::Words;
use stead_store::disk::{DirDisk, Disk};
use stead_store::{Affected, LostCommits, RepairError, Repaired, Store};

use super::ApiError;
use super::answers::{DamageInfo, EntriesInfo, RepairAnswer, SetAsideInfo};
use super::operations::whole_micros;

/// Ranges of keys that a line about damage lists; the answer holds all.
const RANGES_LISTED_MAX: usize = 6;

/// Repairs a data directory that nobody has open.
pub(crate) fn repair(data: &Path, dry_run: bool, mut progress: impl FnMut(u64, u64)) -> Result<RepairAnswer, ApiError> {
    let start = Instant::now();
    let disk: Arc<dyn Disk> = open(data)?;
    let repaired = Store::repair(disk.clone(), dry_run, &mut |at| progress(at.bytes, at.bytes_total));
    let repaired = repaired.map_err(explain)?;
    let words = if repaired.is_clean() { Words::default() } else { words(disk) };
    Ok(answer(repaired, &words, dry_run, whole_micros(start.elapsed())))
}

pub(super) fn open(data: &Path) -> Result<Arc<DirDisk>, ApiError> {
    let opened = DirDisk::open(data).map(Arc::new);
    opened.map_err(|error| ApiError::new("io", format!("cannot open the data directory: {error}")).at(data.display()))
}

/// What plugins call the states of a directory that nobody has open, as far as that can be read.
pub(super) fn words(disk: Arc<dyn Disk>) -> Words {
    Store::remains(disk).map(|remains| Words::new(&|state| remains.view(state))).unwrap_or_default()
}

fn explain(error: RepairError) -> ApiError {
    match error {
        RepairError::Open(error) => stead_runtime::HostError::from(error).into(),
        other => {
            let help = match other {
                RepairError::Nothing { .. } => "restore the data directory from a copy",
                RepairError::Unfinished { .. } => "repair it once more",
                _ => "check the disk, then repair again",
            };
            ApiError::new(other.kind(), &other).help(help)
        }
    }
}

fn answer(repaired: Repaired, words: &Words, dry_run: bool, took_us: u64) -> RepairAnswer {
    let older = repaired.older_entries.iter().map(|(entries, commit)| entries_info(entries, words, Some(commit.0)));
    let entries = repaired.lost_entries.iter().map(|entries| entries_info(entries, words, None));
    RepairAnswer {
        dry_run,
        loses: repaired.loses(),
        set_aside: repaired.set_aside.iter().map(|a| SetAsideInfo { file: a.file.clone(), to: a.to.clone() }).collect(),
        checkpoint: repaired.checkpoint.0,
        kept: repaired.kept.0,
        lost_commits: repaired.lost_commits.as_ref().map(commits),
        lost_entries: entries.chain(older).collect(),
        lost: lost(&repaired, words),
        damage: repaired.damage.into_iter().map(|damage| damage_info(damage, words)).collect(),
        components: repaired.components,
        report: repaired.report,
        took_us,
    }
}

fn lost(repaired: &Repaired, words: &Words) -> Vec<String> {
    let commits = repaired.lost_commits.iter().map(|commits| words.commits(commits));
    let entries = repaired.lost_entries.iter().map(|entries| words.entries(entries));
    let older = repaired.older_entries.iter();
    let older = older.map(|(entries, commit)| format!("{}, kept as of commit {commit}", words.entries(entries)));
    let components =
        repaired.components.iter().map(|hash| format!("component {hash}: deploy the same component again"));
    commits.chain(entries).chain(older).chain(components).collect()
}

pub(super) fn damage_info(damage: stead_store::Damage, words: &Words) -> DamageInfo {
    let mut affects: Vec<String> = damage.affected.iter().take(RANGES_LISTED_MAX).map(|a| words.entries(a)).collect();
    if damage.affected.len() > RANGES_LISTED_MAX {
        affects.push(format!("and {} more ranges of keys", damage.affected.len() - RANGES_LISTED_MAX));
    }
    affects.extend(damage.commits.as_ref().map(|commits| words.commits(commits)));
    DamageInfo {
        entries: damage.affected.iter().map(|affected| entries_info(affected, words, None)).collect(),
        commits: damage.commits.as_ref().map(commits),
        file: damage.file,
        offset: damage.offset,
        what: damage.what,
        affects: if affects.is_empty() { damage.affects } else { affects.join("; ") },
    }
}

fn entries_info(affected: &Affected, words: &Words, as_of: Option<u64>) -> EntriesInfo {
    let key = |key: Option<&[u8]>| key.map(|key| key.escape_ascii().to_string());
    EntriesInfo {
        state: affected.state.0,
        snapshot: affected.snapshot.as_ref().map(|(_, name)| name.clone()),
        plugin: words.plugin(affected).map(str::to_owned),
        text: words.entries(affected),
        after: key(affected.after.as_deref()),
        to: key(affected.to.as_deref()),
        entries: affected.entries,
        bytes: affected.bytes,
        as_of,
    }
}

fn commits(lost: &LostCommits) -> (u64, Option<u64>) {
    (lost.from.0, lost.to.map(|to| to.0))
}
