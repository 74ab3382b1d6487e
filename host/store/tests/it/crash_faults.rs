//! Operations fail in every way, and the disk fills up, at every operation of a workload.

use stead_store::disk::sim::{Operation, SimDisk};

use crate::faults::fail_everywhere;
use crate::model::Scratch;
use crate::model_run::{Replay, Run, only_operation, seed_or};

const STEPS: usize = 60;

#[test]
fn g02_a_failed_operation_refuses_or_poisons_but_loses_nothing() {
    fail_everywhere("g02_a_failed_operation", seed_or(3));
}

#[test]
fn g02_a_full_disk_refuses_and_recovers_when_there_is_room() {
    let test = "g02_a_full_disk_refuses";
    let seed = seed_or(6);
    let mut run = Run::start(SimDisk::new(seed), seed).map_err(|(_, e)| e).expect("start");
    run.steps(STEPS).unwrap_or_else(|e| panic!("without a fault, seed {seed}: {}", e.0));
    let log = run.disk.log();
    drop(run);
    let changing = (0..log.len()).filter(|number| Operation::changes(log[*number].0));
    for (place, number) in changing.enumerate() {
        let operation = number as u64;
        if only_operation().map_or(place % 3 != 0, |only| only != operation) {
            continue;
        }
        let _replay = Replay { test, seed, operation, about: "the disk is full from here on".to_owned() };
        fill_at(seed, operation, [0, 100, 5000, 70_000][place / 3 % 4]);
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
