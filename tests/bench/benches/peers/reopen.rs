//! Opening a store again after a million commits without a checkpoint.

use std::time::Instant;

use stead_bench::load::entry;
use stead_bench::report::{self, Budget};
use stead_bench::stores::{Peer, Stead, open};
use stead_store::Options;

use crate::Settings;

const COMMITS: u64 = 1_000_000;
const WRITERS: u64 = 64;

pub(crate) fn run(settings: &Settings) {
    report::heading("Opening again after 1 000 000 commits since the checkpoint");
    let directory = settings.fresh();
    let options = Options { checkpoint_bytes: u64::MAX, ..Options::default() };
    let stead = Stead::create(directory.path(), options.clone());
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let stead = &stead;
            scope.spawn(move || {
                for number in (writer..COMMITS).step_by(WRITERS as usize) {
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
