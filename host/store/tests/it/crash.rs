//! The power fails during every operation of a workload.

use stead_store::disk::sim::SimDisk;

use crate::faults::crash_everywhere;
use crate::model_run::{Run, seed_or};

#[test]
fn g01_g02_a_crash_at_every_operation_keeps_a_prefix_with_all_acknowledged() {
    crash_everywhere("g01_g02_a_crash_at_every_operation_keeps", seed_or(1));
}

#[test]
fn g01_g02_a_crash_at_every_operation_of_another_workload() {
    crash_everywhere("g01_g02_a_crash_at_every_operation_of_another", seed_or(2));
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
