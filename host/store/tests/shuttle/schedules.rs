//! Runs a test under many schedules, each named by a seed.

use std::str::FromStr;

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

/// Schedules of one test, half of them with few preemptions at places that are chosen with care (PCT).
const SCHEDULES: u64 = 1000;
/// Executions that one seed of PCT stands for: the first measures, the others preempt.
const PCT_EXECUTIONS: u64 = 20;
/// Preemptions in one PCT execution.
const PCT_DEPTH: usize = 4;
/// A stack of the store's threads; the scheduler's own default is a sixteenth of it.
const STACK_BYTES: usize = 1 << 20;
/// More than any execution needs: past it, threads only get in each other's way.
const STEPS_MAX: usize = 200_000;

/// Runs `run` with a seed for everything that is not the schedule.
pub(crate) fn under_many_schedules(test: &'static str, run: fn(u64)) {
    let only = variable::<u64>("STEAD_SEED");
    let schedules = variable("STEAD_SCHEDULES").unwrap_or(SCHEDULES);
    let seeds = |executions: u64| only.map_or(0..schedules / 2 / executions, |seed| seed..seed + 1);
    for seed in seeds(1) {
        go(test, seed, run, RandomScheduler::new_from_seed(seed, 1));
    }
    for seed in seeds(PCT_EXECUTIONS) {
        go(test, seed, run, PctScheduler::new_from_seed(seed, PCT_DEPTH, PCT_EXECUTIONS as usize));
    }
}

fn go(test: &'static str, seed: u64, run: fn(u64), scheduler: impl Scheduler + 'static) {
    let _repeat = Repeat { test, seed };
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    config.max_steps = MaxSteps::FailAfter(STEPS_MAX);
    config.failure_persistence = FailurePersistence::None;
    Runner::new(scheduler, config).run(move || run(seed));
}

/// Says how to repeat a run that fails.
struct Repeat {
    test: &'static str,
    seed: u64,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Repeat { test, seed } = self;
            eprintln!("repeat: STEAD_SEED={seed} cargo test -p stead-store --features shuttle --test shuttle {test}");
        }
    }
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    std::env::var(name).ok()?.parse().ok()
}
