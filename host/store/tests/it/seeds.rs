//! Random workloads with random faults at random places: a crash, its recovery, a crash during that, and on.
//!
//! Each seed is a run of its own. `STEAD_SEEDS` says how many are tried, and `STEAD_SEED` where they begin; alone it repeats
//! one. For a night: `STEAD_SEEDS=1000000 cargo test --release -p stead-store --test it random_faults`.

use std::thread;

use stead_store::disk::sim::{EIO, ENOSPC, Loss, Part, SimDisk};

use crate::faults::everywhere;
use crate::model::{Scratch, Snapshot};
use crate::model_run::{Failed, Random, Run, variable};

/// In each run of the test suite.
const SEEDS: u64 = 2000;
const ROUNDS: usize = 4;
const STEPS_MAX: usize = 14;
/// The fault of a round hits one of so many operations from there on, or none.
const OPERATIONS_AHEAD: usize = 90;
/// Each fault spoils one attempt; a store that still does not open is lost.
const ATTEMPTS_MAX: usize = 12;

#[test]
fn g01_g02_g05_random_faults_at_random_places_lose_nothing() {
    random_faults("random_faults", SEEDS);
}

pub(crate) fn random_faults(test: &'static str, seeds: u64) {
    let first = variable("STEAD_SEED");
    let seeds = variable("STEAD_SEEDS").unwrap_or(if first.is_some() { 1 } else { seeds });
    everywhere(seeds as usize, &|scratch, number| {
        let seed = first.unwrap_or(0) + number as u64;
        let _replay = ReplaySeed { test, seed };
        live(seed, scratch);
    });
}

/// Says how to repeat a seed, if it panics.
struct ReplaySeed {
    test: &'static str,
    seed: u64,
}

impl Drop for ReplaySeed {
    fn drop(&mut self) {
        if thread::panicking() {
            let ReplaySeed { test, seed } = self;
            eprintln!("failed; to repeat:\n  STEAD_SEED={seed} cargo test -p stead-store --test it {test}");
        }
    }
}

fn live(seed: u64, scratch: &mut Scratch) {
    let mut random = Random(seed ^ 0x5eed);
    let mut run = start(seed, &mut random);
    for _ in 0..ROUNDS {
        arm(&run.disk, &mut random);
        for _ in 0..random.below(STEPS_MAX) {
            if let Err(e) = run.step() {
                assert!(!e.is_fatal(), "{}", e.0);
                settle(&mut run, &mut random);
            }
        }
        check_roots(&run, scratch);
    }
    settle(&mut run, &mut random);
    run.disk.full(None);
    let mut last = run.after(run.disk.restart_with(loss(&mut random)));
    last.open().unwrap_or_else(|e| panic!("at the end: {}", e.0));
    scratch.check(last.store(), last.current()).unwrap_or_else(|e| panic!("at the end: {e}"));
    let verified = last.store().verify(&mut |_| {}).expect("verify");
    assert!(verified.is_clean(), "{:?}", verified.damage);
}

/// Opens a new store, whatever happens while it is made.
fn start(seed: u64, random: &mut Random) -> Run {
    let mut disk = SimDisk::new(seed);
    if random.one_in(8) {
        arm(&disk, random);
    }
    for _ in 0..ATTEMPTS_MAX {
        match Run::start(disk, seed) {
            Ok(run) => return run,
            Err((failed, _)) if failed.crashed() => disk = failed.restart_with(loss(random)),
            Err((failed, _)) => disk = failed,
        }
        disk.full(None);
    }
    panic!("a new store is not made in {ATTEMPTS_MAX} attempts");
}

/// Something will go wrong soon.
fn arm(disk: &SimDisk, random: &mut Random) {
    let operation = disk.operations() + random.below(OPERATIONS_AHEAD) as u64;
    let errno = if random.one_in(2) { EIO } else { ENOSPC };
    match random.below(12) {
        0..5 => disk.crash_after(operation),
        5 => disk.fail(operation, errno),
        6 => disk.fail_write(operation, errno, Part::SHORT[random.below(Part::SHORT.len())]),
        7 | 8 => disk.fail_sync(operation),
        9 => disk.fail_sync_with(operation, loss(random)),
        10 => disk.full(Some(random.below(100_000) as u64)),
        _ => {}
    }
}

fn loss(random: &mut Random) -> Loss {
    match random.below(12) {
        0 => Loss::Nothing,
        1 => Loss::Everything,
        2 => Loss::Names,
        3 => Loss::SomeNames { first: random.one_in(2) },
        4 => Loss::Contents,
        5 => Loss::Earlier,
        6 => Loss::Tear(Part::TORN[random.below(Part::TORN.len())]),
        _ => Loss::Seed(random.next()),
    }
}

/// After a failure: what an operator does until the store works again, and what it holds then.
fn settle(run: &mut Run, random: &mut Random) {
    let mut last = String::new();
    for _ in 0..ATTEMPTS_MAX {
        if run.disk.crashed() {
            // Sometimes only the process died.
            let killed = random.one_in(5);
            let disk = if killed { run.disk.kill() } else { run.disk.restart_with(loss(random)) };
            if random.one_in(3) {
                arm(&disk, random);
            }
            *run = if killed { run.after_kill(disk) } else { run.after(disk) };
        }
        let attempt = match works(run) {
            true => compare(run),
            // A full disk may refuse the open; there is room at the next attempt.
            false => run.open().map(drop),
        };
        let Err(e) = attempt else { return };
        assert!(!e.is_fatal(), "{}", e.0);
        run.disk.full(None);
        last = e.0;
    }
    panic!("the store does not work again: {last}");
}

/// The store is open and not poisoned.
fn works(run: &mut Run) -> bool {
    run.store.is_some() && run.wait().is_ok() && run.store().barrier().wait().is_ok()
}

fn compare(run: &Run) -> Result<(), Failed> {
    let actual = Snapshot::of(run.store()).map_err(Failed)?;
    match actual.difference(run.current()) {
        Some(difference) => panic!("after a failure: {difference}"),
        None => Ok(()),
    }
}

/// A root that cannot be read is no wrong one: a failure may hit here as well.
fn check_roots(run: &Run, scratch: &mut Scratch) {
    if run.store.is_none() {
        return;
    }
    if let Err(e) = scratch.check(run.store(), run.current()) {
        assert!(!e.contains("from scratch"), "{e}");
    }
}
