//! States as they were at an earlier commit.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::disk::{Disk, Mode};
use stead_store::limits::SEGMENT_BYTES_MIN;
use stead_store::{
    Change, CommitNumber, HistoryError, Options, ReadError, StateId, Store, Writer, WriterEpoch, Writes,
};

use crate::model::{State, options};
use crate::model_run::{Run, seed_or};
use crate::model_steps::every_step;

/// Every state, those that were not there yet or are gone included, is at a commit as the oracle has it.
pub(crate) fn check(run: &Run, commit: CommitNumber) -> Result<(), String> {
    if run.store().frontier().accepted.0 as usize + 1 != run.history.len() {
        // Commits that changed nothing were lost, and the oracle cannot know how many.
        return Ok(());
    }
    let then = &run.history[commit.0 as usize];
    let ids: BTreeSet<StateId> = then.states.keys().chain(run.current().states.keys()).copied().collect();
    for id in ids {
        let view = run.store().view_at(id, commit).map_err(|e| format!("{id}: {e}"))?;
        let expected = then.states.get(&id);
        let actual = view.map(|view| State::of(&view, expected.and_then(|state| state.snapshot.clone())));
        if actual.transpose()?.as_ref() != expected {
            return Err(format!("{id} is not what it was"));
        }
    }
    Ok(())
}

fn check_all(run: &Run) {
    assert_eq!(run.store().frontier().accepted.0 as usize + 1, run.history.len());
    let history = run.store().history();
    for commit in history.oldest.0..=history.newest.0 {
        check(run, CommitNumber(commit)).unwrap_or_else(|e| panic!("commit {commit} of {history:?}: {e}"));
    }
}

#[test]
fn g02_every_commit_that_is_kept_shows_what_it_showed() {
    let mut run = Run::start(SimDisk::new(1), seed_or(11)).map_err(|(_, e)| e).expect("start");
    let mut random = run.random.clone();
    let (mut commits, mut bytes) = (0, 0);
    for round in 0..4 {
        for step in every_step(&mut random) {
            run.take(step).expect("a step");
        }
        run.wait().expect("durable");
        check_all(&run);
        let history = run.store().history();
        assert!(history.kept_bytes <= options().history_bytes, "{history:?}");
        commits = commits.max(history.newest.0 - history.oldest.0);
        bytes = bytes.max(history.kept_bytes);

        // What is kept is found again, and survives what the next owner frees.
        run = run.after(run.disk.restart(round));
        run.open().expect("open");
        assert_eq!(run.store().history().oldest, history.oldest);
        run.checkpoint().expect("checkpoint");
        run.store().collect().expect("collect");
        check_all(&run);
    }
    assert!(commits >= 20, "{commits} commits at once were kept at most");
    assert!(bytes >= SEGMENT_BYTES_MIN, "{bytes} bytes were kept at most");
}

const STATE: StateId = StateId(1);

fn with_history(disk: &SimDisk, history_bytes: u64) -> Store {
    let options = Options { history_bytes, ..options() };
    Store::open(Arc::new(disk.clone()), options).expect("open").0
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}

/// The number under one key, and enough beside it that a segment holds about 20 commits.
fn count_to(store: &Store, number: u64) {
    let value = |bytes: Vec<u8>| Some(Bytes::from(bytes));
    let filler = format!("filler {}", number % 40);
    let writes = Writes::from([
        (Bytes::from_static(b"number"), value(number.to_le_bytes().to_vec())),
        (Bytes::from(filler), value(vec![number as u8; 2000])),
    ]);
    commit(store, vec![Change::Write { state: STATE, epoch: WriterEpoch::FIRST, writes }]);
}

fn number_at(store: &Store, commit: u64) -> Result<u64, HistoryError> {
    let view = store.view_at(STATE, CommitNumber(commit))?.expect("the state was there");
    let value = view.get(b"number")?.expect("a number");
    Ok(u64::from_le_bytes(value[..].try_into().expect("eight bytes")))
}

/// Commit n writes the number n; a checkpoint every ten.
fn count(store: &Store, numbers: std::ops::RangeInclusive<u64>) {
    for number in numbers {
        match number {
            1 => commit(store, vec![Change::Create { state: STATE }]),
            number => count_to(store, number),
        }
        if number % 10 == 0 {
            store.checkpoint().expect("checkpoint");
            store.collect().expect("collect");
        }
    }
}

#[test]
fn g14_history_stays_within_its_bytes_and_says_how_far_it_reaches() {
    let disk = SimDisk::new(2);
    for (history_bytes, last) in [(0, 200), (5 * SEGMENT_BYTES_MIN, 400), (0, 500), (SEGMENT_BYTES_MIN, 600)] {
        let store = with_history(&disk, history_bytes);
        let from = store.frontier().accepted.0 + 1;
        count(&store, from..=last);
        let history = store.history();
        assert_eq!(history.newest, CommitNumber(last));
        assert!(history.kept_bytes <= history_bytes, "{history:?}");
        assert!(history.kept_bytes + SEGMENT_BYTES_MIN > history_bytes, "{history:?} makes no use of {history_bytes}");
        // Replay's segments, history and a spare.
        assert!(store.info().journal_bytes <= history_bytes + 5 * SEGMENT_BYTES_MIN, "{:?}", store.info());
        for number in history.oldest.0..=last {
            assert_eq!(number_at(&store, number).expect("kept"), number);
        }
        let error = number_at(&store, history.oldest.0 - 1).expect_err("not kept");
        assert!(matches!(error, HistoryError::TooOld { oldest, .. } if oldest == history.oldest), "{error}");
        let error = number_at(&store, last + 1).expect_err("not there yet");
        assert!(matches!(error, HistoryError::NotYet { newest, .. } if newest.0 == last), "{error}");
    }
}

#[test]
fn g02_a_view_of_the_past_outlives_the_history_it_came_from() {
    let disk = SimDisk::new(3);
    let store = with_history(&disk, SEGMENT_BYTES_MIN);
    count(&store, 1..=60);
    let oldest = store.history().oldest;
    let view = store.view_at(STATE, oldest).expect("kept").expect("there");
    let root = view.root().expect("root");
    count(&store, 61..=300);
    assert!(store.history().oldest > oldest);
    assert_eq!(view.root().expect("still readable"), root);
    assert_eq!(view.get(b"number").expect("still readable").expect("a number")[0], oldest.0 as u8);
}

/// The same for a commit that does not fit the journal.
fn count_oversized(store: &Store, number: u64) {
    let mut writes: Writes = (0..40)
        .map(|key| (Bytes::from(format!("filler {key}")), Some(Bytes::from(vec![number as u8; 3000]))))
        .collect();
    writes.insert(Bytes::from_static(b"number"), Some(Bytes::from(number.to_le_bytes().to_vec())));
    commit(store, vec![Change::Write { state: STATE, epoch: WriterEpoch::FIRST, writes }]);
}

#[test]
fn g02_history_keeps_what_commits_name_in_packs_and_a_past_state_can_be_restored() {
    let disk = SimDisk::new(6);
    let store = with_history(&disk, 4 << 20);
    count(&store, 1..=30);
    // Both come and go between two checkpoints.
    let adopted = store.new_state();
    let view = store.view_at(STATE, CommitNumber(27)).expect("kept").expect("there");
    let root = view.root().expect("root");
    assert_eq!(store.adopt(adopted, &view, vec![]).expect("adopt"), CommitNumber(31));
    commit(&store, vec![Change::Remove { state: adopted }]);
    count_oversized(&store, 33);
    drop(view);
    count(&store, 34..=100);

    let look = |store: &Store| {
        let at = |commit| store.view_at(adopted, CommitNumber(commit)).expect("kept");
        assert_eq!(at(31).expect("it was there").root().expect("root"), root);
        assert!(at(30).is_none() && at(32).is_none());
        assert_eq!(number_at(store, 33).expect("kept"), 33);
    };
    look(&store);
    let store = with_history(&disk.restart(1), 4 << 20);
    look(&store);
    count(&store, 101..=110);
    look(&store);

    let restored = store.new_state();
    let past = store.view_at(STATE, CommitNumber(50)).expect("kept").expect("there");
    store.adopt(restored, &past, vec![]).expect("adopt");
    let root = past.root().expect("root");
    assert_eq!(store.view(restored).expect("restored").root().expect("root"), root);
}

#[test]
fn g14_what_history_keeps_in_packs_is_bounded_with_it() {
    let disk = SimDisk::new(7);
    let history_bytes = 5 * SEGMENT_BYTES_MIN;
    let store = with_history(&disk, history_bytes);
    count(&store, 1..=20);
    // Each takes 120 kB of packs, and a block of the journal.
    for number in 21..=100 {
        count_oversized(&store, number);
        if number % 5 == 0 {
            store.checkpoint().expect("checkpoint");
            store.collect().expect("collect");
        }
    }
    let (history, info) = (store.history(), store.info());
    assert!(info.pack_bytes < 3 * history_bytes, "{info:?}");
    assert!(history.oldest >= CommitNumber(90), "{history:?}");
    assert_eq!(number_at(&store, history.oldest.0).expect("kept"), history.oldest.0);
}

#[test]
fn g04_damage_in_kept_segments_is_named_and_does_not_stop_the_store() {
    let disk = SimDisk::new(4);
    let store = with_history(&disk, 8 * SEGMENT_BYTES_MIN);
    count(&store, 1..=200);
    let history = store.history();
    drop(store);
    let names = disk.list("journal").expect("list");
    let oldest = names.iter().filter(|name| name.ends_with(".log")).min().expect("a segment");
    let path = format!("journal/{oldest}");
    // In the middle of the oldest segment: its Manifest is whole.
    let file = disk.open(&path, Mode::ReadWrite).expect("open");
    file.write_at(SEGMENT_BYTES_MIN / 2, &[0xAA; 64]).expect("write");

    let store = with_history(&disk, 8 * SEGMENT_BYTES_MIN);
    assert_eq!(store.history().oldest, history.oldest, "nobody has read the damaged place yet");
    let damaged = (history.oldest.0..=200).filter(|number| match number_at(&store, *number) {
        Ok(found) => {
            assert_eq!(found, *number);
            false
        }
        Err(HistoryError::Read(ReadError::Damaged { path: named, .. })) => {
            assert_eq!(named, path);
            true
        }
        Err(other) => panic!("{other}"),
    });
    let damaged = damaged.count();
    assert!(damaged > 0 && damaged < 60, "{damaged} commits are lost with one segment");
    assert!(!store.verify(&mut |_| {}).expect("verify").is_clean());

    // Commits and checkpoints go on. What history needs of the packs is not known, so nothing is freed until it is given up.
    count(&store, 201..=209);
    store.checkpoint().expect("checkpoint");
    assert_eq!(store.collect().expect_err("history is damaged").kind(), "damaged");
    drop(store);
    let store = with_history(&disk, 0);
    assert!(store.collect().expect("collect").packs_removed > 0);
    assert_eq!(number_at(&store, 209).expect("the newest"), 209);
}

#[test]
fn g01_the_past_is_read_while_commits_go_on() {
    let disk = SimDisk::new(5);
    let options = Options { writer: Writer::Thread, checkpoint_bytes: 20_000, history_bytes: 1 << 20, ..options() };
    let (store, _) = Store::open(Arc::new(disk.clone()), options).expect("open");
    count(&store, 1..=20);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| (21..=400).for_each(|number| count_to(&store, number)));
        let mut looks = 0;
        while !writer.is_finished() || looks < 20 {
            let history = store.history();
            let (oldest, newest) = (history.oldest.0.max(2), history.newest.0);
            for number in [oldest, (oldest + newest) / 2, newest] {
                match number_at(&store, number) {
                    Ok(found) => assert_eq!(found, number),
                    // It may have gone since.
                    Err(HistoryError::TooOld { .. }) => assert!(number < store.history().oldest.0, "{number} is kept"),
                    Err(other) => panic!("{other}"),
                }
            }
            looks += 1;
        }
    });
    assert!(store.verify(&mut |_| {}).expect("verify").is_clean());
}
