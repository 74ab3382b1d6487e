//! What a workload does, step by step.
//!
//! A new kind of step is one function in this file and one line in [`STEPS`]; what it changes in the answers of a store is
//! said once, in [`Snapshot`](crate::model::Snapshot). Crashes, failures, full disks, seeds and planted bugs then cover it.

use bytes::Bytes;
use stead_store::{Change, CommitError, CommitNumber, StateId, Store, View, WriterEpoch, Writes};

use crate::history;
use crate::model::State;
use crate::model_run::{Failed, Random, Run};

/// States beside the catalog; enough for forks of forks.
const STATES_MAX: usize = 6;
/// Snapshots at the same time.
const SNAPSHOTS_MAX: usize = 4;

#[derive(Clone, Copy)]
pub(crate) enum Step {
    /// Commits some changes; none if there is nothing that it fits.
    Commit(fn(&mut Run) -> Vec<Change>),
    /// Does anything else.
    Do(fn(&mut Run) -> Result<(), Failed>),
}

/// Every kind of step, and how often a random workload takes it.
const STEPS: &[(usize, Step)] = &[
    (42, Step::Commit(write_some)),
    (3, Step::Commit(create_some)),
    (6, Step::Commit(fork)),
    (3, Step::Commit(fence)),
    (3, Step::Commit(remove)),
    (3, Step::Commit(write_catalog)),
    (3, Step::Commit(write_oversized)),
    (4, Step::Commit(write_all_states)),
    (4, Step::Commit(clear_some)),
    (2, Step::Commit(clear_and_write)),
    (1, Step::Commit(clear_catalog)),
    (3, Step::Commit(snapshot)),
    (1, Step::Commit(snapshot_and_remove)),
    (1, Step::Commit(retake_snapshot)),
    (1, Step::Commit(fork_snapshot)),
    (1, Step::Commit(remove_snapshot)),
    (4, Step::Do(stream)),
    (3, Step::Do(burst)),
    (13, Step::Do(Run::wait)),
    (2, Step::Do(component)),
    (2, Step::Do(import)),
    (1, Step::Do(adopt)),
    (4, Step::Do(Run::checkpoint)),
    (2, Step::Do(collect)),
    (2, Step::Do(look_back)),
    (2, Step::Do(stale_write)),
    (4, Step::Do(durable_views)),
    (2, Step::Do(reopen_clean)),
    (2, Step::Do(reopen_dropped)),
    (1, Step::Do(change_segments)),
];

pub(crate) fn kinds_of_steps() -> usize {
    STEPS.len()
}

pub(crate) fn step_of_kind(kind: usize) -> Step {
    STEPS[kind].1
}

/// Any kind of step, each as often as the table says.
pub(crate) fn random_step(random: &mut Random) -> Step {
    let mut place = random.below(STEPS.iter().map(|(weight, _)| weight).sum());
    for (weight, step) in STEPS {
        match place.checked_sub(*weight) {
            Some(rest) => place = rest,
            None => return *step,
        }
    }
    unreachable!("the place is below the sum of all weights")
}

/// Every kind of step in a random order, after the first states were made.
pub(crate) fn every_step(random: &mut Random) -> Vec<Step> {
    let mut steps: Vec<Step> = STEPS.iter().map(|(_, step)| *step).collect();
    for place in (1..steps.len()).rev() {
        steps.swap(place, random.below(place + 1));
    }
    steps.splice(0..0, [Step::Commit(create_many), Step::Commit(create_some), Step::Do(Run::wait)]);
    steps
}

fn create_many(run: &mut Run) -> Vec<Change> {
    create(run, 300)
}

fn create_some(run: &mut Run) -> Vec<Change> {
    if states(run).len() < STATES_MAX { create(run, 3) } else { Vec::new() }
}

fn create(run: &mut Run, entries: usize) -> Vec<Change> {
    let state = new_state(run);
    let writes = (0..entries).map(|_| entry(run, 90)).collect();
    vec![Change::Create { state }, Change::Write { state, epoch: WriterEpoch::FIRST, writes }]
}

/// What is written to one of the two states in the same commit is not in the other.
fn fork(run: &mut Run) -> Vec<Change> {
    let Some(from) = any_state(run).filter(|_| states(run).len() < STATES_MAX) else { return Vec::new() };
    let to = new_state(run);
    let mut changes = vec![write(run, from, 3), Change::Fork { from, to }];
    let writes = writes(run, 2);
    changes.push(Change::Write { state: to, epoch: WriterEpoch::FIRST, writes });
    changes
}

fn fence(run: &mut Run) -> Vec<Change> {
    let Some(state) = any_state(run) else { return Vec::new() };
    let epoch = WriterEpoch(run.current().states[&state].epoch.0 + 1);
    let writes = writes(run, 1);
    vec![Change::Fence { state, epoch }, Change::Write { state, epoch, writes }]
}

fn remove(run: &mut Run) -> Vec<Change> {
    match any_state(run) {
        Some(state) if states(run).len() > 2 => vec![Change::Remove { state }],
        _ => Vec::new(),
    }
}

/// What the commit writes before is in the snapshot, what it writes after is not.
fn snapshot(run: &mut Run) -> Vec<Change> {
    let Some(state) = any_state(run).filter(|_| snapshots(run).len() < SNAPSHOTS_MAX) else { return Vec::new() };
    let to = new_state(run);
    // Ids are never used twice, so neither is the name.
    let name = format!("of {to}");
    vec![write(run, state, 3), Change::Snapshot { state, to, name }, write(run, state, 3)]
}

/// A snapshot of a state that goes away in the same commit.
fn snapshot_and_remove(run: &mut Run) -> Vec<Change> {
    let mut changes = if states(run).len() > 2 { snapshot(run) } else { Vec::new() };
    if let Some(Change::Snapshot { state, .. }) = changes.get(1) {
        changes.push(Change::Remove { state: *state });
    }
    changes
}

/// A name is free again in the commit that removes who had it.
fn retake_snapshot(run: &mut Run) -> Vec<Change> {
    let states = states(run);
    let Some((old, (state, name))) = snapshots(run).into_iter().find(|(_, (of, _))| states.contains(of)) else {
        return Vec::new();
    };
    vec![Change::Remove { state: old }, Change::Snapshot { state, to: new_state(run), name }]
}

fn fork_snapshot(run: &mut Run) -> Vec<Change> {
    let first = snapshots(run).into_iter().next().filter(|_| states(run).len() < STATES_MAX);
    let Some((from, _)) = first else { return Vec::new() };
    let to = new_state(run);
    let writes = writes(run, 2);
    vec![Change::Fork { from, to }, Change::Write { state: to, epoch: WriterEpoch::FIRST, writes }]
}

fn remove_snapshot(run: &mut Run) -> Vec<Change> {
    snapshots(run).into_iter().next().map(|(state, _)| Change::Remove { state }).into_iter().collect()
}

fn write_some(run: &mut Run) -> Vec<Change> {
    match any_state(run) {
        Some(state) => vec![write(run, state, 4)],
        None => create(run, 300),
    }
}

fn write_catalog(run: &mut Run) -> Vec<Change> {
    let mut changes = vec![write(run, StateId::CATALOG, 2)];
    if let Change::Write { writes, .. } = &mut changes[0] {
        *writes = std::mem::take(writes).into_iter().map(|(key, value)| (prefixed(&key), value)).collect();
    }
    changes.extend(any_state(run).map(|state| write(run, state, 1)));
    changes
}

fn clear_some(run: &mut Run) -> Vec<Change> {
    any_state(run).map(|state| clear(run, state)).into_iter().collect()
}

/// What is written before a clear in the same commit goes with the rest, what is written after it stays.
fn clear_and_write(run: &mut Run) -> Vec<Change> {
    let Some(state) = any_state(run) else { return Vec::new() };
    vec![write(run, state, 4), clear(run, state), write(run, state, 8), clear(run, state), write(run, state, 2)]
}

/// Clears all that the user has in the catalog, and nothing of the store's own.
fn clear_catalog(run: &mut Run) -> Vec<Change> {
    let mut changes = write_catalog(run);
    let epoch = run.current().states[&StateId::CATALOG].epoch;
    changes.insert(0, Change::Clear { state: StateId::CATALOG, epoch, from: prefixed(b""), to: None });
    changes
}

/// Now and then everything, or nothing at all.
fn clear(run: &mut Run, state: StateId) -> Change {
    let (one, other) = (key(run), key(run));
    let (from, to) = match run.random.below(8) {
        0 => (Bytes::new(), None),
        1 => (one, None),
        2 => (one.clone(), Some(one)),
        _ => (one.clone().min(other.clone()), Some(one.max(other))),
    };
    Change::Clear { state, epoch: run.current().states[&state].epoch, from, to }
}

/// Larger than a batch can be in the smallest segment.
fn write_oversized(run: &mut Run) -> Vec<Change> {
    any_state(run).map(|state| write_values(run, state, 30, 3000)).into_iter().collect()
}

fn write_all_states(run: &mut Run) -> Vec<Change> {
    states(run).into_iter().map(|state| write(run, state, 2)).collect()
}

/// Batch after batch without a sync.
fn stream(run: &mut Run) -> Result<(), Failed> {
    for _ in 0..2 + run.random.below(5) {
        let changes = write_some(run);
        run.commit_buffered(changes)?;
    }
    Ok(())
}

/// More commits at once than one batch holds.
fn burst(run: &mut Run) -> Result<(), Failed> {
    let Some(state) = states(run).first().copied() else { return Ok(()) };
    for _ in 0..12 {
        let changes = vec![write_values(run, state, 1, 2500)];
        run.commit(changes)?;
    }
    run.wait()
}

/// The journal goes through a few segments, which checkpoints make needless, as these do each other's packs. What a
/// recycled segment held before is nothing when it is read again.
fn change_segments(run: &mut Run) -> Result<(), Failed> {
    for _ in 0..7 {
        burst(run)?;
        burst(run)?;
        run.checkpoint()?;
    }
    collect(run)?;
    reopen_clean(run)
}

/// Durable views show the last durable commit, whatever was accepted after it.
fn durable_views(run: &mut Run) -> Result<(), Failed> {
    for changes in [fork, write_some, write_some] {
        let changes = changes(run);
        if !changes.is_empty() {
            run.commit(changes)?;
        }
    }
    let durable = run.store().frontier().durable;
    match run.history.iter().find(|snapshot| snapshot.accepted == durable) {
        Some(snapshot) => snapshot.check_durable(run.store()).map_err(Failed),
        None => panic!("commit {durable} is durable, and was never accepted"),
    }
}

/// A writer that was fenced is refused, and nothing of its commit is seen.
fn stale_write(run: &mut Run) -> Result<(), Failed> {
    let fenced = run.current().states.iter().find(|(_, state)| state.epoch > WriterEpoch::FIRST);
    let Some((state, _)) = fenced else { return Ok(()) };
    let writes = Writes::from([(Bytes::from_static(b"stale"), Some(Bytes::from_static(b"stale")))]);
    let write = Change::Write { state: *state, epoch: WriterEpoch::FIRST, writes };
    match run.store().commit(vec![write]) {
        Err(CommitError::Fenced { .. }) => Ok(()),
        Err(e) => Err(Failed(format!("commit: {e}"))),
        Ok(_) => panic!("a fenced writer's commit was accepted"),
    }
}

/// Any commit that is kept shows what it showed then.
fn look_back(run: &mut Run) -> Result<(), Failed> {
    let history = run.store().history();
    let commit = history.oldest.0 + run.random.below((history.newest.0 - history.oldest.0 + 1) as usize) as u64;
    history::check(run, CommitNumber(commit)).map_err(|e| Failed(format!("commit {commit} looked back at: {e}")))
}

fn collect(run: &mut Run) -> Result<(), Failed> {
    run.store().collect().map(|_| ()).map_err(|e| Failed(format!("collect: {e}")))
}

fn component(run: &mut Run) -> Result<(), Failed> {
    // A few, so that some are put again.
    let bytes = Bytes::from(vec![run.random.below(3) as u8; 700]);
    let put = run.store().put_component(&bytes);
    run.components.insert(put.map_err(|e| Failed(format!("component: {e}")))?, bytes);
    Ok(())
}

/// A state goes through a file into a new one.
fn import(run: &mut Run) -> Result<(), Failed> {
    copy(run, |store, from, to| {
        let mut file = Vec::new();
        from.export(&mut file).map_err(|e| Failed(format!("export: {e}")))?;
        store.import(to, &mut &file[..], vec![]).map(drop).map_err(|e| Failed(format!("import: {e}")))
    })
}

fn adopt(run: &mut Run) -> Result<(), Failed> {
    copy(run, |store, from, to| store.adopt(to, from, vec![]).map(drop).map_err(|e| Failed(format!("adopt: {e}"))))
}

fn copy(run: &mut Run, make: impl FnOnce(&Store, &View, StateId) -> Result<(), Failed>) -> Result<(), Failed> {
    let Some(from) = any_state(run).filter(|_| states(run).len() < STATES_MAX) else { return Ok(()) };
    let to = new_state(run);
    let view = run.store().view(from).expect("the state is there");
    let made = make(run.store(), &view, to);
    // A failure after the commit was accepted leaves its outcome open.
    if run.store().view(to).is_some() {
        let mut next = run.current().clone();
        next.accepted.0 += 1;
        let entries = next.states[&from].entries.clone();
        next.states.insert(to, State { entries, epoch: WriterEpoch::FIRST, commits: 1, snapshot: None });
        run.history.push(next);
    }
    made?;
    run.acknowledged = run.history.len() - 1;
    Ok(())
}

fn reopen_clean(run: &mut Run) -> Result<(), Failed> {
    let waited = run.wait();
    run.store.take().expect("the store is open").close().map_err(|e| Failed(format!("close: {e}")))?;
    waited?;
    match run.open()?.torn {
        Some(torn) => Err(Failed(format!("WRONG: after a clean close there is an unfinished write: {torn:?}"))),
        None => Ok(()),
    }
}

/// The process goes away without closing, the machine stays.
fn reopen_dropped(run: &mut Run) -> Result<(), Failed> {
    run.open().map(drop)
}

/// All states that take writes, but the catalog.
pub(crate) fn states(run: &Run) -> Vec<StateId> {
    let states = run.current().states.iter().filter(|(_, state)| state.snapshot.is_none());
    states.map(|(id, _)| *id).filter(|id| *id != StateId::CATALOG).collect()
}

/// All snapshots, each with what it is of and its name.
fn snapshots(run: &Run) -> Vec<(StateId, (StateId, String))> {
    run.current().states.iter().filter_map(|(id, state)| Some((*id, state.snapshot.clone()?))).collect()
}

pub(crate) fn any_state(run: &mut Run) -> Option<StateId> {
    let states = states(run);
    (!states.is_empty()).then(|| states[run.random.below(states.len())])
}

pub(crate) fn new_state(run: &Run) -> StateId {
    let state = run.store().new_state();
    assert!(!run.history.iter().any(|snapshot| snapshot.states.contains_key(&state)), "{state} was in use before");
    state
}

fn write(run: &mut Run, state: StateId, entries: usize) -> Change {
    let writes = writes(run, entries);
    Change::Write { state, epoch: run.current().states[&state].epoch, writes }
}

fn write_values(run: &mut Run, state: StateId, entries: usize, bytes: usize) -> Change {
    let epoch = run.current().states[&state].epoch;
    let writes = (0..entries).map(|_| (key(run), Some(value(run, bytes)))).collect();
    Change::Write { state, epoch, writes }
}

fn writes(run: &mut Run, entries: usize) -> Writes {
    (0..=run.random.below(entries))
        .map(|_| {
            let bytes = [0, 8, 60, 100, 1024, 1025, 2500][run.random.below(7)];
            entry(run, bytes)
        })
        .collect()
}

fn entry(run: &mut Run, bytes: usize) -> (Bytes, Option<Bytes>) {
    let key = key(run);
    let value = (!run.random.one_in(5)).then(|| value(run, bytes));
    (key, value)
}

/// One of the few keys that all states use.
pub(crate) fn key(run: &mut Run) -> Bytes {
    let number = run.random.below(120);
    let text = format!("key {number:03}{}", "-long".repeat(number % 7));
    Bytes::from(text)
}

pub(crate) fn value(run: &mut Run, bytes: usize) -> Bytes {
    let byte = run.random.next() as u8;
    let mut value = vec![byte; bytes];
    if let Some(last) = value.last_mut() {
        *last = run.random.next() as u8;
    }
    Bytes::from(value)
}

/// A key of the catalog that belongs to its user.
fn prefixed(key: &[u8]) -> Bytes {
    [&[1], key].concat().into()
}
