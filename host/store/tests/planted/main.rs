//! Does the harness bite? Each bug of [`Bug::ALL`] is planted in turn, and some check of the simulated runs has to catch it;
//! without a bug all of them pass.
//!
//! ```text
//! cargo test -p stead-store --features planted-bugs --test planted
//! ```
//!
//! A process has one bug at a time, so this is one run without libtest. `STEAD_BUG` plants one bug alone and shows its failure.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "says what caught each bug, and how runs are repeated")]
#![expect(dead_code, unused_imports, reason = "of the modules of the other test binary only a part is needed here")]

#[path = "../it/bitflip.rs"]
mod bitflip;
#[path = "../it/crash_owner.rs"]
mod crash_owner;
#[path = "../it/faults.rs"]
mod faults;
#[path = "../it/history.rs"]
mod history;
#[path = "../it/model.rs"]
mod model;
#[path = "../it/model_run.rs"]
mod model_run;
#[path = "../it/model_steps.rs"]
mod model_steps;
#[path = "../it/seeds.rs"]
mod seeds;

use std::panic::{self, PanicHookInfo};
use std::sync::Mutex;
use std::time::Instant;

use stead_store::planted::{Bug, plant};

/// The checks, cheap ones first, with their names.
const CHECKS: &[(&str, fn())] = &[
    ("another owner takes the lock", crash_owner::take_the_lock),
    ("random faults", || seeds::random_faults("random_faults", 300)),
    ("a power loss at every operation", || faults::crash_everywhere("g01_g02_a_crash", 1)),
    ("a failure of every operation", || faults::fail_everywhere("g02_a_failed_operation", 3)),
    ("a flip of every byte", || bitflip::flip_everywhere("g04_a_flipped_bit", 8)),
];

/// The first panic since it was taken: those of other threads follow from it.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

fn main() {
    let chosen = std::env::var("STEAD_BUG").ok();
    if chosen.is_none() {
        panic::set_hook(Box::new(remember));
        let failed = caught(None);
        assert!(failed.is_none(), "without a bug a check fails: {failed:?}");
        println!("{:28} passes all checks", "no bug");
    }
    let mut missed = Vec::new();
    for bug in Bug::ALL.into_iter().filter(|bug| chosen.as_ref().is_none_or(|name| *name == format!("{bug:?}"))) {
        let begun = Instant::now();
        match caught(Some(bug)) {
            Some((by, how)) => {
                println!("{:28} caught by {by} in {:.1} s: {how}", format!("{bug:?}"), begun.elapsed().as_secs_f32());
            }
            None => missed.push(bug),
        }
    }
    if !missed.is_empty() {
        let _ = panic::take_hook();
        panic!("no check catches {missed:?}");
    }
}

/// The first check that fails with this bug, and what it says.
fn caught(bug: Option<Bug>) -> Option<(&'static str, String)> {
    plant(bug);
    let found = CHECKS.iter().find_map(|(name, check)| {
        let failed = panic::catch_unwind(check).is_err();
        let how = PANIC.lock().expect("no panic under it").take();
        failed.then(|| (*name, how.unwrap_or_default()))
    });
    plant(None);
    found
}

fn remember(panic: &PanicHookInfo<'_>) {
    let text = panic.payload_as_str().unwrap_or("a panic without a message");
    let mut line: String = text.lines().next().unwrap_or_default().chars().take(140).collect();
    if line.len() < text.len() {
        line.push('…');
    }
    PANIC.lock().expect("no panic under it").get_or_insert(line);
}
