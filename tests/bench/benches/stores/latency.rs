//! How long single commits take at worst, with and without upkeep.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use stead_bench::load::{self, entry};
use stead_bench::queue::Queue;
use stead_bench::report::{self, Better};
use stead_bench::settings::Settings;
use stead_bench::stores::{CONTENDERS, Peer};

const WRITERS: u64 = 8;
/// Entries that are there before, so that upkeep has something to do.
const BEFORE: u64 = 100_000;

pub(crate) fn run(settings: &Settings) {
    report::comparison("Durable commits of 8 writers, 99th percentile, µs");
    for (what, upkeep) in [("by themselves", false), ("while checkpoints run one after another", true)] {
        let figures = CONTENDERS.map(|contender| {
            // Peers choose the time of their upkeep themselves; each is measured as it is best, as SQLite and redb are
            // behind a queue.
            let directory = settings.fresh();
            let peer = (contender.open)(directory.path());
            (0..BEFORE / 10_000).for_each(|part| peer.commit(&batch(part * 10_000)));
            match contender.name {
                "Stead" => Some(percentile(&peer, upkeep, settings, &|number| peer.commit(&[entry(number)]))),
                _ if upkeep => None,
                _ => {
                    let queue = Queue::new(peer.clone());
                    Some(percentile(&peer, false, settings, &|number| queue.commit(entry(number))))
                }
            }
        });
        report::compare(what, Better::Lower, figures);
    }
}

fn batch(from: u64) -> Vec<(load::Key, load::Value)> {
    (from..from + 10_000).map(entry).collect()
}

fn percentile(peer: &Arc<dyn Peer>, upkeep: bool, settings: &Settings, commit: &(dyn Fn(u64) + Sync)) -> f64 {
    let times: [Mutex<Vec<u32>>; WRITERS as usize] = Default::default();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        if upkeep {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    peer.checkpoint();
                }
            });
        }
        load::rate(WRITERS, settings.time * 2, |writer, number| {
            let began = Instant::now();
            commit(BEFORE + number);
            let micros = u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX);
            times[writer as usize].lock().expect("no writer panicked").push(micros);
        });
        done.store(true, Ordering::Relaxed);
    });
    let mut all: Vec<u32> =
        times.into_iter().flat_map(|times| times.into_inner().expect("no writer panicked")).collect();
    all.sort_unstable();
    all.get(all.len() * 99 / 100).map_or(f64::NAN, |micros| f64::from(*micros))
}
