//! The power fails during every operation of a workload; what the disk keeps is up to several seeds.

use stead_store::disk::sim::SimDisk;

use crate::model::Scratch;
use crate::model_run::{Failed, Replay, Run, only_operation, seed_or};

const STEPS: usize = 150;
/// Outcomes tried for each crash.
const RESTARTS: u64 = 3;

#[test]
fn g01_g02_a_crash_at_every_operation_keeps_a_prefix_with_all_acknowledged() {
    crash_everywhere("g01_g02_a_crash_at_every_operation", seed_or(1), STEPS);
}

#[test]
fn g01_g02_a_crash_at_every_operation_of_another_workload() {
    crash_everywhere("g01_g02_a_crash_at_every_operation_of_another", seed_or(2), STEPS);
}

#[test]
fn a_run_repeats_operation_by_operation() {
    let log = |seed| {
        let mut run = Run::start(SimDisk::new(seed), seed).map_err(|(_, e)| e).expect("start");
        run.steps(60).expect("no fault, no failure");
        run.disk.log()
    };
    assert_eq!(log(5), log(5));
}

fn crash_everywhere(test: &'static str, seed: u64, steps: usize) {
    let mut scratch = Scratch::new();
    let mut run = Run::start(SimDisk::new(seed), seed).map_err(|(_, e)| e).expect("start");
    run.steps(steps).unwrap_or_else(|e| panic!("without a fault, seed {seed}: {}", e.0));
    scratch.check(run.store(), run.current()).expect("roots");
    let log = run.disk.log();
    assert!(run.history.len() > steps / 2, "the workload commits");
    drop(run);

    for operation in (0..log.len() as u64).filter(|n| only_operation().is_none_or(|only| only == *n)) {
        let (kind, path) = &log[operation as usize];
        if !kind.changes() {
            continue;
        }
        let _replay = Replay { test, seed, operation, about: format!("{kind:?} {path}") };
        crash_at(seed, steps, operation, &mut scratch);
    }
}

fn crash_at(seed: u64, steps: usize, operation: u64, scratch: &mut Scratch) {
    let disk = SimDisk::new(seed);
    disk.crash_after(operation);
    let crashed = match Run::start(disk, seed) {
        Ok(mut run) => {
            let stopped = run.steps(steps);
            assert!(run.disk.crashed(), "the run did not reach the crash: {stopped:?}");
            run
        }
        // Making the store was interrupted: it opens empty, or as new.
        Err((disk, _)) => {
            assert!(disk.crashed());
            for restart in 0..RESTARTS {
                let run = Run::start(disk.restart(restart), seed).map_err(|(_, e)| e);
                run.expect("a store that was never finished opens").steps(5).expect("and works");
            }
            let mut run = Run::start(disk.kill(), seed).map_err(|(_, e)| e).expect("it opens after a kill");
            run.steps(5).expect("and works");
            for restart in 0..8 {
                run.after(run.disk.restart(restart)).open().expect("and lasts");
            }
            return;
        }
    };
    for restart in 0..RESTARTS {
        let restart = operation * RESTARTS + restart;
        let recovered = recover(&crashed, crashed.disk.restart(restart), restart, scratch);
        recovered.unwrap_or_else(|e| panic!("outcome {restart} of the crash: {}", e.0));
    }
    // Only the process died there; the power fails after the next one has shown what it found.
    let recovered = recover(&crashed, crashed.disk.kill(), operation, scratch);
    recovered.unwrap_or_else(|e| panic!("killed: {}", e.0));
}

/// Opens what is left after a crash, goes on, loses power again.
fn recover(crashed: &Run, disk: SimDisk, restart: u64, scratch: &mut Scratch) -> Result<(), Failed> {
    let mut run = crashed.after(disk);
    run.open()?;
    scratch.check(run.store(), run.current()).map_err(Failed)?;

    // What an open shows is durable: a second power loss changes nothing.
    let shown = run.current().clone();
    let mut again = run.after(run.disk.restart(restart + 1));
    again.open()?;
    if let Some(difference) = again.current().difference(&shown) {
        return Err(Failed(format!("a second power loss changed what was seen: {difference}")));
    }

    again.steps(6)?;
    if restart.is_multiple_of(4) {
        again.checkpoint()?;
        let verified = again.store().verify(&mut |_| {}).map_err(|e| Failed(format!("verify: {e}")))?;
        if !verified.is_clean() {
            return Err(Failed(format!("verify: {:?}", verified.damage)));
        }
    }
    let mut last = again.after(again.disk.restart(restart + 2));
    last.open()?;
    scratch.check(last.store(), last.current()).map_err(Failed)
}
