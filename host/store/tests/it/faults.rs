//! Every fault that the simulated disk knows, at every operation of a workload with every kind of step in it.
//!
//! ```text
//! run without a fault ──▶ the list of its operations ──▶ for each, each fault that it can have: run again, with the fault
//!                                                          crash       then, for each loss: open, compare, go on, lose power
//!                                                          any other   go on or reopen, compare, lose power, open
//! ```

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use stead_store::disk::sim::{EIO, ENOSPC, Loss, Operation, Part, SimDisk};

use crate::model::{Scratch, Snapshot};
use crate::model_run::{Failed, Random, Replay, Run, only_operation};
use crate::model_steps::{Step, every_step};

/// What a run without the fault goes on with after it; what comes later is covered by faults there.
const STEPS_AFTER: usize = 6;
/// One fault may refuse one step and poison the store, which the next steps hit; then it is reopened.
const FAILURES_MAX: usize = 3;

/// A run that does not do all of this misses what it is for. A rename is listed by the old name.
const REACHED: &[(Operation, &str, &str)] = &[
    (Operation::Rename, "journal/spare", "spare"),
    (Operation::Rename, "journal/0", ".log"),
    (Operation::Rename, "packs/", ".tmp"),
    (Operation::Remove, "packs/", ".pack"),
    (Operation::Rename, "components/", ".new"),
];

/// What happens at one operation.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Fails(i32),
    ShortWrite(i32, Part),
    Sync(Loss),
}

impl Fault {
    /// Those that an operation of this kind can have.
    fn all(kind: Operation) -> Vec<Fault> {
        match kind {
            Operation::Write => {
                let short = |errno| Part::SHORT.map(|part| Fault::ShortWrite(errno, part));
                [short(EIO), short(ENOSPC)].concat()
            }
            Operation::Sync | Operation::SyncDir => {
                vec![Fault::Sync(Loss::Everything), Fault::Sync(Loss::Nothing), Fault::Sync(Loss::Earlier)]
            }
            kind if kind.changes() => vec![Fault::Fails(EIO), Fault::Fails(ENOSPC)],
            _ => vec![Fault::Fails(EIO)],
        }
    }

    fn arm(self, disk: &SimDisk, operation: u64) {
        match self {
            Fault::Fails(errno) => disk.fail(operation, errno),
            Fault::ShortWrite(errno, part) => disk.fail_write(operation, errno, part),
            Fault::Sync(loss) => disk.fail_sync_with(operation, loss),
        }
    }
}

/// What a power loss during an operation of this kind may take.
fn losses(kind: Operation, operation: u64) -> Vec<Loss> {
    let mut losses = vec![
        Loss::Nothing,
        Loss::Everything,
        Loss::Names,
        Loss::SomeNames { first: true },
        Loss::SomeNames { first: false },
        Loss::Contents,
        Loss::Earlier,
        Loss::Seed(2 * operation),
        Loss::Seed(2 * operation + 1),
    ];
    if kind == Operation::Write {
        losses.extend(Part::TORN.map(Loss::Tear));
    }
    losses
}

/// The steps of a run, which the seed decides.
fn steps(run: &mut Run) -> Vec<Step> {
    every_step(&mut run.random)
}

/// The operations of the run without a fault.
fn operations(seed: u64) -> Vec<(Operation, String)> {
    let mut run = Run::start(SimDisk::new(seed), seed).map_err(|(_, e)| e).expect("start");
    let done = steps(&mut run).into_iter().try_for_each(|step| run.take(step)).and_then(|()| run.wait());
    done.unwrap_or_else(|e| panic!("without a fault, seed {seed}: {}", e.0));
    let log: Vec<(Operation, String)> =
        run.disk.log().into_iter().map(|(kind, path)| (kind, path.to_string())).collect();
    for (kind, start, end) in REACHED {
        let reached = log.iter().any(|(of, path)| of == kind && path.starts_with(start) && path.ends_with(end));
        assert!(reached, "seed {seed}: no {kind:?} of {start}…{end}");
    }
    log
}

/// All of them, or the only one to try.
fn tried(operations: &[(Operation, String)]) -> impl Iterator<Item = u64> {
    (0..operations.len() as u64).filter(|number| only_operation().is_none_or(|only| only == *number))
}

/// The power fails at every operation.
pub(crate) fn crash_everywhere(test: &'static str, seed: u64) {
    let operations = operations(seed);
    // A crash during any other operation is a crash before it.
    let changing: Vec<u64> = tried(&operations).filter(|number| operations[*number as usize].0.changes()).collect();
    everywhere(changing.len(), &|scratch, case| {
        let operation = changing[case];
        let (kind, path) = &operations[operation as usize];
        let _replay = Replay { test, seed, operation, about: format!("{kind:?} {path}") };
        crash_at(seed, operation, &losses(*kind, operation), scratch);
    });
}

/// Everything else fails at every operation.
pub(crate) fn fail_everywhere(test: &'static str, seed: u64) {
    let operations = operations(seed);
    let faults = |number: u64| Fault::all(operations[number as usize].0).into_iter().map(move |fault| (number, fault));
    let cases: Vec<(u64, Fault)> = tried(&operations).flat_map(faults).collect();

    everywhere(cases.len(), &|scratch, case| {
        let (operation, fault) = cases[case];
        let (kind, path) = &operations[operation as usize];
        let _replay = Replay { test, seed, operation, about: format!("{kind:?} {path}: {fault:?}") };
        fail_at(seed, operation, fault, scratch);
    });
}

/// Checks so many cases, on as many threads as there are cores, until the first failure.
pub(crate) fn everywhere(cases: usize, check: &(dyn Fn(&mut Scratch, usize) + Sync)) {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let work = || {
        let mut scratch = Scratch::new();
        let stop = StopOnPanic(&failed);
        while !failed.load(Ordering::Relaxed) {
            let case = next.fetch_add(1, Ordering::Relaxed);
            if case >= cases {
                break;
            }
            check(&mut scratch, case);
        }
        drop(stop);
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

struct StopOnPanic<'a>(&'a AtomicBool);

impl Drop for StopOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

fn crash_at(seed: u64, operation: u64, losses: &[Loss], scratch: &mut Scratch) {
    let disk = SimDisk::new(seed);
    disk.crash_after(operation);
    let crashed = match Run::start(disk, seed) {
        Ok(mut run) => {
            let stopped = steps(&mut run).into_iter().try_for_each(|step| run.take(step)).and_then(|()| run.wait());
            assert!(run.disk.crashed(), "the run did not reach the crash: {stopped:?}");
            run
        }
        Err((disk, _)) => return crash_while_made(seed, &disk, losses),
    };
    let mut tried = HashSet::new();
    for (place, loss) in losses.iter().enumerate() {
        let left = crashed.disk.restart_with(*loss);
        if !tried.insert(fingerprint(&left)) {
            continue;
        }
        let recovered = recover(crashed.after(left), operation + place as u64, scratch);
        recovered.unwrap_or_else(|e| panic!("{loss:?}: {}", e.0));
    }
    // Only the process died there; the power fails after the next one has shown what it found.
    let recovered = recover(crashed.after_kill(crashed.disk.kill()), operation, scratch);
    recovered.unwrap_or_else(|e| panic!("killed: {}", e.0));
}

/// Making the store was interrupted: it opens empty, or as new.
fn crash_while_made(seed: u64, disk: &SimDisk, losses: &[Loss]) {
    assert!(disk.crashed());
    let left = losses.iter().map(|loss| disk.restart_with(*loss)).chain([disk.kill()]);
    for left in left {
        let run = Run::start(left, seed).map_err(|(_, e)| e);
        let mut run = run.expect("a store that was never finished opens");
        run.steps(3).expect("and works");
        for loss in [Loss::Everything, Loss::Names, Loss::Contents, Loss::Earlier] {
            run.after(run.disk.restart_with(loss)).open().expect("and lasts");
        }
    }
}

/// Two disks with the same one hold the same.
fn fingerprint(disk: &SimDisk) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    for path in disk.files() {
        let contents = disk.contents(&path).expect("listed");
        hasher.update(path.as_bytes()).update(&[0]).update(&(contents.len() as u64).to_le_bytes()).update(&contents);
    }
    hasher.finalize()
}

/// Opens what is left after a crash, loses power again, goes on, loses power again.
fn recover(mut run: Run, variant: u64, scratch: &mut Scratch) -> Result<(), Failed> {
    run.open()?;
    scratch.check(run.store(), run.current()).map_err(Failed)?;

    // What an open shows is durable: a second power loss changes nothing.
    let shown = run.current().clone();
    let losses = [Loss::Everything, Loss::Names, Loss::Contents, Loss::Earlier, Loss::Seed(variant)];
    let mut again = run.after(run.disk.restart_with(losses[variant as usize % losses.len()]));
    again.open()?;
    if let Some(difference) = again.current().difference(&shown) {
        return Err(Failed(format!("a second power loss changed what was seen: {difference}")));
    }
    again.random = Random(variant);
    again.steps(3)?;
    if variant.is_multiple_of(8) {
        again.checkpoint()?;
        let verified = again.store().verify(&mut |_| {}).map_err(|e| Failed(format!("verify: {e}")))?;
        if !verified.is_clean() {
            return Err(Failed(format!("verify: {:?}", verified.damage)));
        }
    }
    let mut last = again.after(again.disk.restart_with(losses[(variant as usize + 1) % losses.len()]));
    last.open()?;
    scratch.check(last.store(), last.current()).map_err(Failed)
}

fn fail_at(seed: u64, operation: u64, fault: Fault, scratch: &mut Scratch) {
    let disk = SimDisk::new(seed);
    fault.arm(&disk, operation);
    // If the failure hits the open of a new store, trying again is what an operator does.
    let run = Run::start(disk, seed).or_else(|(disk, _)| Run::start(disk, seed));
    let mut run =
        run.unwrap_or_else(|(_, e)| panic!("a store that could not be made opens at the second try: {}", e.0));
    let (mut failures, mut after) = (0, 0);
    for step in steps(&mut run) {
        if let Err(e) = run.take(step) {
            failures += 1;
            assert!(failures <= FAILURES_MAX, "one fault, and the store does not work again: {}", e.0);
            go_on(&mut run, &e);
        }
        after += usize::from(run.disk.operations() > operation);
        if after > STEPS_AFTER {
            break;
        }
    }
    if run.wait().is_err() {
        reopen(&mut run, &Failed("at the end".to_owned()));
    }
    scratch.check(run.store(), run.current()).unwrap_or_else(|e| panic!("{e}"));
    let loss = [Loss::Everything, Loss::Names, Loss::Contents, Loss::Earlier][operation as usize % 4];
    let mut last = run.after(run.disk.restart_with(loss));
    last.open().unwrap_or_else(|e| panic!("after a power loss: {}", e.0));
    last.steps(2).unwrap_or_else(|e| panic!("after a power loss: {}", e.0));
}

/// After a failure the store answers as before, or is reopened.
pub(crate) fn go_on(run: &mut Run, failed: &Failed) {
    assert!(!failed.is_fatal(), "{}", failed.0);
    let healthy = run.store.is_some() && run.wait().is_ok();
    let poisoned = run.store.as_ref().is_some_and(|store| store.barrier().wait().is_err());
    if !healthy || poisoned {
        reopen(run, failed);
        return;
    }
    let actual = Snapshot::of(run.store()).unwrap_or_else(|e| panic!("after {}: {e}", failed.0));
    if let Some(difference) = actual.difference(run.current()) {
        panic!("after {}: {difference}", failed.0);
    }
}

/// Opens the store, if needed twice: the failure may still be ahead and hit the open itself.
pub(crate) fn reopen(run: &mut Run, failed: &Failed) {
    if let Err(e) = run.open() {
        assert!(!e.is_fatal(), "after {}: {}", failed.0, e.0);
        run.open().unwrap_or_else(|e| panic!("after {}: {}", failed.0, e.0));
    }
}
