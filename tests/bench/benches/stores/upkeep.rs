//! What only this store does: checkpoints and differences that are priced by the key, and reopening a long journal.

use std::time::Instant;

use stead_bench::load::{entry, mix};
use stead_bench::report::{self, Budget};
use stead_bench::settings::Settings;
use stead_bench::stores::{Peer as _, Stead, open};
use stead_store::Options;

const KEYS: u64 = 1_000_000;
const CHANGES: [u64; 3] = [100, 10_000, 100_000];
const WRITERS: u64 = 64;

pub(crate) fn run(settings: &Settings) {
    let options = Options { checkpoint_bytes: u64::MAX, ..Options::default() };
    let directory = settings.fresh();
    let stead = Stead::create(directory.path(), options.clone());
    for start in (0..KEYS).step_by(10_000) {
        stead.commit(&(start..start + 10_000).map(entry).collect::<Vec<_>>());
    }
    stead.store().checkpoint().expect("the store checkpoints");
    report::heading("A state of 1 000 000 keys: µs a changed key, by changed keys");
    report::columns(&CHANGES.map(|changes| changes.to_string()).each_ref().map(String::as_str));
    let mut diff_cost = Vec::new();
    let cost = CHANGES.map(|changes| {
        let before = stead.view();
        let entries: Vec<_> = (0..changes).map(|number| (entry(mix(number) % KEYS).0, entry(number + 1).1)).collect();
        entries.chunks(10_000).for_each(|part| stead.commit(part));
        let began = Instant::now();
        stead.store().checkpoint().expect("the store checkpoints");
        let cost = began.elapsed().as_secs_f64() * 1e6 / changes as f64;
        let began = Instant::now();
        let differences = before
            .diff(&stead.view())
            .fold(0, |count, difference| difference.map(|_| count + 1).expect("the store reads"));
        assert!(differences > 0 && differences <= changes);
        diff_cost.push(began.elapsed().as_secs_f64() * 1e6 / changes as f64);
        cost
    });
    report::row("a checkpoint", &cost);
    report::row("the difference to the view before it", &diff_cost);
    drop(stead);

    report::heading("Opening again after 1 000 000 commits since the checkpoint");
    let directory = settings.fresh();
    let stead = Stead::create(directory.path(), options.clone());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let stead = &stead;
            scope.spawn(move || {
                for number in (writer..KEYS).step_by(WRITERS as usize) {
                    stead.commit(&[entry(number)]);
                }
            });
        }
    });
    // As a crash leaves it: nothing is closed.
    drop(stead);
    let began = Instant::now();
    let (store, _) = open(directory.path(), options);
    let seconds = began.elapsed().as_secs_f64();
    drop(store);
    report::ratio("seconds", seconds, Budget::AtMost(1.5));
}
