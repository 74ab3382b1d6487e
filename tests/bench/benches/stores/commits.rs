//! Commits per second, one entry each.

use std::path::Path;

use stead_bench::disk;
use stead_bench::load::{self, entry};
use stead_bench::queue::Queue;
use stead_bench::report::{self, Better, Budget};
use stead_bench::settings::Settings;
use stead_bench::stores::{CONTENDERS, Contender};

const WRITERS: [u64; 3] = [1, 8, 64];

pub(crate) fn run(settings: &Settings) {
    report::heading("Durable commits per second, 16 B key, 100 B value, by writers");
    report::columns(&["1 writer", "8 writers", "64 writers"]);

    let directory = settings.fresh();
    let syncs = disk::syncs_per_second(directory.path(), settings.time);
    report::row("fdatasync, zero-filled file", &[syncs, f64::NAN, f64::NAN]);

    let alone = CONTENDERS.map(|contender| {
        row(contender.name, settings, |path, writers| {
            let peer = (contender.open)(path);
            load::rate(writers, settings.time, |_, number| peer.commit(&[entry(number)]))
        })
    });
    let queued: Vec<[f64; 3]> = CONTENDERS[1..].iter().map(|contender| behind_a_queue(contender, settings)).collect();

    report::comparison("Commits per second, each peer as it is best");
    for (index, writers) in WRITERS.into_iter().enumerate() {
        let best = |peer: usize| alone[peer][index].max(queued[peer - 1][index]);
        let figures = [alone[0][index], best(1), best(2), best(3)].map(Some);
        report::compare(&format!("durable, {writers} writers"), Better::Higher, figures);
    }
    for writers in [1, 64] {
        let rates = CONTENDERS.map(|contender| {
            let directory = settings.fresh();
            let peer = (contender.open)(directory.path());
            Some(load::rate(writers, settings.time, |_, number| peer.commit_buffered(&[entry(number)])))
        });
        report::compare(&format!("buffered, {writers} writers"), Better::Higher, rates);
    }

    report::ratio("1 writer: time of a commit / fdatasync", syncs / alone[0][0], Budget::AtMost(1.15));
    report::ratio("64 writers: Stead / fjall behind a queue", alone[0][2] / queued[0][2], Budget::AtLeast(2.0));
    report::ratio("64 writers: Stead / redb", alone[0][2] / alone[2][2], Budget::AtLeast(25.0));
    report::ratio("64 writers: Stead / redb behind a queue", alone[0][2] / queued[1][2], Budget::None);
    report::ratio("64 writers: Stead / SQLite", alone[0][2] / alone[3][2], Budget::AtLeast(15.0));
    report::ratio("64 writers: Stead / SQLite behind a queue", alone[0][2] / queued[2][2], Budget::None);
}

fn behind_a_queue(contender: &Contender, settings: &Settings) -> [f64; 3] {
    row(&format!("{}, behind a queue", contender.name), settings, |path, writers| {
        let queue = Queue::new((contender.open)(path));
        load::rate(writers, settings.time, |_, number| queue.commit(entry(number)))
    })
}

/// Measures one contender at every number of writers, each time in a fresh directory.
fn row(name: &str, settings: &Settings, measure: impl Fn(&Path, u64) -> f64) -> [f64; 3] {
    let rates = WRITERS.map(|writers| {
        let directory = settings.fresh();
        measure(directory.path(), writers)
    });
    report::row(name, &rates);
    rates
}
