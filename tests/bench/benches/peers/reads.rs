//! Point reads among a million keys.

use std::collections::BTreeMap;
use std::hint::black_box;

use stead_bench::load::{self, Key, Value, entry, mix};
use stead_bench::report::{self, Budget};
use stead_bench::stores::{Fjall, Peer, Redb, Sqlite, Stead};
use stead_store::Options;

use crate::Settings;

const KEYS: u64 = 1_000_000;
/// Entries of one commit while loading.
const BATCH: u64 = 10_000;
const READS: u64 = 200_000;

pub(crate) fn run(settings: &Settings) {
    report::heading("Point reads among 1 000 000 keys");
    report::columns(&["ns"]);

    let entries: BTreeMap<Key, Value> = (0..KEYS).map(entry).collect();
    let map = load::nanoseconds(READS, |number| entries.get(&key(number)).map(|value| value[0]));
    report::row("BTreeMap", &[map], "");
    drop(entries);

    let directory = settings.fresh();
    let stead = Stead::create(directory.path(), Options { checkpoint_bytes: u64::MAX, ..Options::default() });
    fill(&stead);
    let in_memory = time("Stead, in memory", &stead);
    stead.store().checkpoint().expect("the store checkpoints");
    time("Stead, from the state tree", &stead);

    let directory = settings.fresh();
    let mut peers = vec![measure("fjall", &Fjall::create(directory.path()))];
    peers.push(measure("redb", &Redb::create(directory.path())));
    peers.push(measure("SQLite", &Sqlite::create(directory.path())));

    report::ratio("Stead in memory / BTreeMap", in_memory / map, Budget::AtMost(3.0));
    let fastest = peers.into_iter().fold(f64::INFINITY, f64::min);
    report::ratio("Stead in memory / fastest peer", in_memory / fastest, Budget::AtMost(1.0));
}

fn measure(name: &str, peer: &dyn Peer) -> f64 {
    fill(peer);
    time(name, peer)
}

fn fill(peer: &dyn Peer) {
    for start in (0..KEYS).step_by(BATCH as usize) {
        let batch: Vec<_> = (start..start + BATCH).map(entry).collect();
        peer.commit(&batch);
    }
}

fn time(name: &str, peer: &dyn Peer) -> f64 {
    let all = load::nanoseconds(1, |_| {
        let found = peer.find(&mut (0..READS).map(key));
        assert_eq!(black_box(found), READS, "{name} lost a key");
    });
    let each = all / READS as f64;
    report::row(name, &[each], "");
    each
}

/// A key that is there, anywhere.
fn key(number: u64) -> Key {
    entry(mix(number) % KEYS).0
}
