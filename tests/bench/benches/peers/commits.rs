//! Durable commits per second.

use std::path::Path;
use std::sync::Arc;

use stead_bench::disk;
use stead_bench::load::{self, entry};
use stead_bench::queue::Queue;
use stead_bench::report::{self, Budget};
use stead_bench::stores::{Fjall, Peer, Redb, Sqlite, Stead};
use stead_store::Options;

use crate::Settings;

const WRITERS: [u64; 3] = [1, 8, 64];

type Create = fn(&Path) -> Arc<dyn Peer>;

const PEERS: [(&str, Create); 3] = [
    ("fjall, SyncAll", |path| Arc::new(Fjall::create(path))),
    ("SQLite, WAL, FULL", |path| Arc::new(Sqlite::create(path))),
    ("redb", |path| Arc::new(Redb::create(path))),
];

pub(crate) fn run(settings: &Settings) {
    report::heading("Durable commits per second, 16 B key, 100 B value, by writers");
    report::columns(&["1", "8", "64"]);

    let directory = settings.fresh();
    let syncs = disk::syncs_per_second(directory.path(), settings.time);
    report::row("fdatasync, zero-filled file", &[syncs], "/s");

    let stead = row("Stead", settings, |path, writers| {
        let stead = Stead::create(path, Options::default());
        load::rate(writers, settings.time, |_, number| stead.commit(&[entry(number)]))
    });
    let mut alone = Vec::new();
    let mut queued = Vec::new();
    for (name, create) in PEERS {
        alone.push(row(name, settings, |path, writers| {
            let peer = create(path);
            load::rate(writers, settings.time, |_, number| peer.commit(&[entry(number)]))
        }));
        queued.push(row(&format!("{name}, behind a queue"), settings, |path, writers| {
            let queue = Queue::new(create(path));
            load::rate(writers, settings.time, |_, number| queue.commit(entry(number)))
        }));
    }

    report::ratio("1 writer: time of a commit / fdatasync", syncs / stead[0], Budget::AtMost(1.15));
    report::ratio("64 writers: Stead / fjall behind a queue", stead[2] / queued[0][2], Budget::AtLeast(2.0));
    report::ratio("64 writers: Stead / SQLite", stead[2] / alone[1][2], Budget::AtLeast(15.0));
    report::ratio("64 writers: Stead / SQLite behind a queue", stead[2] / queued[1][2], Budget::None);
    report::ratio("64 writers: Stead / redb", stead[2] / alone[2][2], Budget::AtLeast(25.0));
    report::ratio("64 writers: Stead / redb behind a queue", stead[2] / queued[2][2], Budget::None);
}

/// Measures one contender at every number of writers, each time in a fresh directory.
fn row(name: &str, settings: &Settings, measure: impl Fn(&Path, u64) -> f64) -> [f64; 3] {
    let rates = WRITERS.map(|writers| {
        let directory = settings.fresh();
        measure(directory.path(), writers)
    });
    report::row(name, &rates, "/s");
    rates
}
