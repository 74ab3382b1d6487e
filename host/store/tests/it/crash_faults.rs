//! Reads, writes and syncs fail, and the disk fills up, at every operation of a workload.

use stead_store::disk::sim::{EIO, ENOSPC, Operation, SimDisk};

use crate::model::{Scratch, Snapshot};
use crate::model_run::{Failed, Replay, Run, only_operation, seed_or};

const STEPS: usize = 60;

#[test]
fn g02_a_failed_operation_refuses_or_poisons_but_loses_nothing() {
    fail_everywhere("g02_a_failed_operation", seed_or(3), |disk, operation| disk.fail(operation, EIO));
}

#[test]
fn g02_no_space_at_an_operation_refuses_or_poisons_but_loses_nothing() {
    let fault = |disk: &SimDisk, operation| disk.fail(operation, ENOSPC);
    fail_everywhere("g02_no_space_at_an_operation", seed_or(4), fault);
}

#[test]
fn g02_a_failed_sync_is_not_forgotten() {
    let test = "g02_a_failed_sync_is_not_forgotten";
    let seed = seed_or(5);
    for operation in operations(seed, |kind| matches!(kind, Operation::Sync | Operation::SyncDir)) {
        // Each failed sync writes another part of what it should.
        for variant in 0..4 {
            let _replay = Replay { test, seed, operation, about: format!("variant {variant}") };
            let disk = SimDisk::new(seed);
            disk.fail_sync(operation);
            fail_at(seed, disk, operation + variant);
        }
    }
}

#[test]
fn g02_a_full_disk_refuses_and_recovers_when_there_is_room() {
    let test = "g02_a_full_disk_refuses";
    let seed = seed_or(6);
    let operations = operations(seed, Operation::changes);
    for (place, operation) in operations.into_iter().enumerate() {
        if place % 3 != 0 && only_operation().is_none() {
            continue;
        }
        let _replay = Replay { test, seed, operation, about: "the disk is full from here on".to_owned() };
        fill_at(seed, operation, [0, 100, 5000, 70_000][place / 3 % 4]);
    }
}

fn fail_everywhere(test: &'static str, seed: u64, fault: impl Fn(&SimDisk, u64)) {
    for operation in operations(seed, |_| true) {
        let _replay = Replay { test, seed, operation, about: "one failure".to_owned() };
        let disk = SimDisk::new(seed);
        fault(&disk, operation);
        fail_at(seed, disk, operation);
    }
}

/// The operations of a run without faults.
fn operations(seed: u64, of: impl Fn(Operation) -> bool) -> Vec<u64> {
    let mut run = Run::start(SimDisk::new(seed), seed).map_err(|(_, e)| e).expect("start");
    run.steps(STEPS).unwrap_or_else(|e| panic!("without a fault, seed {seed}: {}", e.0));
    let log = run.disk.log();
    let numbers = (0..log.len() as u64).filter(|n| of(log[*n as usize].0));
    numbers.filter(|n| only_operation().is_none_or(|only| only == *n)).collect()
}

fn fail_at(seed: u64, disk: SimDisk, restart: u64) {
    let mut run = match Run::start(disk, seed) {
        Ok(run) => run,
        // The failure hit the open of a new store; trying again is what an operator does.
        Err((disk, _)) => match Run::start(disk, seed) {
            Ok(run) => run,
            Err((_, e)) => panic!("a store that could not be made opens at the second try: {}", e.0),
        },
    };
    let mut failures = 0;
    for _ in 0..STEPS {
        if let Err(e) = run.step() {
            failures += 1;
            // One fault may refuse one step and poison the store, which the next steps hit; then it is reopened.
            assert!(failures <= 3, "one fault, and the store does not work again: {}", e.0);
            go_on(&mut run, &e);
        }
    }
    if run.wait().is_err() {
        reopen(&mut run, &Failed("at the end".to_owned()));
    }
    let mut last = run.after(run.disk.restart(restart));
    last.open().unwrap_or_else(|e| panic!("after a power loss: {}", e.0));
    last.steps(5).unwrap_or_else(|e| panic!("after a power loss: {}", e.0));
}

/// After a failure the store answers as before, or is reopened.
fn go_on(run: &mut Run, failed: &Failed) {
    assert!(!failed.0.contains("LOST") && !failed.0.contains("no prefix"), "{}", failed.0);
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

fn reopen(run: &mut Run, failed: &Failed) {
    // The failure may still be ahead and hit the open itself; the second try has none left.
    let first = run.open();
    if let Err(e) = first {
        assert!(!e.0.contains("LOST") && !e.0.contains("no prefix"), "after {}: {}", failed.0, e.0);
        run.open().unwrap_or_else(|e| panic!("after {}: {}", failed.0, e.0));
    }
}

fn fill_at(seed: u64, operation: u64, bytes_left: u64) {
    let Ok(mut run) = Run::start(SimDisk::new(seed), seed) else { panic!("no fault, no failure") };
    let mut refused = 0;
    for _ in 0..STEPS {
        let full = run.disk.operations() >= operation && refused < 3;
        run.disk.full(full.then_some(bytes_left));
        if let Err(e) = run.step() {
            assert!(full, "there is room: {}", e.0);
            assert!(e.0.contains("space") || e.0.contains("StorageFull"), "says why: {}", e.0);
            refused += 1;
            run.disk.full(None);
            if run.store.is_none() {
                run.open().unwrap_or_else(|e| panic!("with room again: {}", e.0));
            }
            // Nothing was poisoned: what was accepted becomes durable.
            run.wait().unwrap_or_else(|e| panic!("what was accepted before the disk was full: {}", e.0));
        }
    }
    run.disk.full(None);
    run.wait().unwrap_or_else(|e| panic!("with room: {}", e.0));
    let mut scratch = Scratch::new();
    scratch.check(run.store(), run.current()).expect("roots");
    let mut last = run.after(run.disk.restart(operation));
    last.open().unwrap_or_else(|e| panic!("after a power loss: {}", e.0));
}
