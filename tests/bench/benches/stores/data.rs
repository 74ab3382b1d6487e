//! What a store does with a million keys: load, read, scan, keep, open again.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use stead_bench::disk;
use stead_bench::load::{self, Key, Value, entry, mix};
use stead_bench::report::{self, Better, Budget};
use stead_bench::settings::Settings;
use stead_bench::stores::{CONTENDERS, Contender, Peer};

/// Entries of one commit while loading.
const BATCH: u64 = 10_000;
const READS: u64 = 200_000;
/// Bytes of one entry.
const ENTRY_BYTES: f64 = (size_of::<Key>() + size_of::<Value>()) as f64;

/// One figure of every contender.
type Row = [Option<f64>; 4];

/// What is measured of one contender.
#[derive(Clone, Copy)]
struct Figures {
    load_seconds: f64,
    read_ns: f64,
    scan_ns: [f64; 2],
    reopen_ms: f64,
    reopened_read_ns: f64,
    disk_bytes: f64,
    settled_disk_bytes: f64,
    memory_bytes: f64,
}

pub(crate) fn run(settings: &Settings) {
    let all = CONTENDERS.map(|contender| measure(&contender, settings));
    let row = |figure: fn(&Figures) -> f64| -> Row { [0, 1, 2, 3].map(|index| Some(figure(&all[index]))) };

    report::comparison(&format!("{} keys of 16 B with values of 100 B", keys()));
    report::compare("load in commits of 10 000, s", Better::Lower, row(|all| all.load_seconds));
    report::compare("point read, ns", Better::Lower, row(|all| all.read_ns));
    report::compare("scan up, ns an entry", Better::Lower, row(|all| all.scan_ns[0]));
    report::compare("scan down, ns an entry", Better::Lower, row(|all| all.scan_ns[1]));
    report::compare("open again, ms", Better::Lower, row(|all| all.reopen_ms));
    report::compare("point read after it, ns", Better::Lower, row(|all| all.reopened_read_ns));
    report::compare("disk bytes a live byte", Better::Lower, row(|all| all.disk_bytes));
    report::compare("the same once compacted", Better::Lower, row(|all| all.settled_disk_bytes));
    report::compare("memory, bytes a key", Better::Lower, row(|all| all.memory_bytes));

    let entries: BTreeMap<Key, Value> = (0..keys()).map(entry).collect();
    let map = load::nanoseconds(READS, |number| entries.get(&key(number)).map(|value| value[0]));
    report::ratio("point read: Stead / BTreeMap", all[0].read_ns / map, Budget::AtMost(3.0));
    report::ratio("open again: Stead / fjall", all[0].reopen_ms / all[1].reopen_ms, Budget::AtMost(2.0));
}

fn measure(contender: &Contender, settings: &Settings) -> Figures {
    let directory = settings.fresh();
    let path = directory.path();
    let peer = (contender.open)(path);
    let began = Instant::now();
    fill(&*peer);
    let load_seconds = began.elapsed().as_secs_f64();
    let read_ns = read(contender.name, &*peer);
    let scan_ns = [false, true].map(|down| {
        let keys = keys();
        load::nanoseconds(1, |_| assert_eq!(black_box(peer.scan(down)), keys, "{} lost a key", contender.name))
            / keys as f64
    });
    let disk_bytes = bytes(path);
    drop(peer);
    let began = Instant::now();
    let peer = (contender.open)(path);
    assert_eq!(peer.find(&mut [key(1)].into_iter()), 1);
    let reopen_ms = began.elapsed().as_secs_f64() * 1e3;
    let reopened_read_ns = read(contender.name, &*peer);
    peer.settle();
    let settled_disk_bytes = bytes(path);
    drop(peer);
    let memory_bytes = memory(contender, settings);
    Figures {
        load_seconds,
        read_ns,
        scan_ns,
        reopen_ms,
        reopened_read_ns,
        disk_bytes,
        settled_disk_bytes,
        memory_bytes,
    }
}

fn bytes(path: &Path) -> f64 {
    disk::allocated_bytes(path) as f64 / (keys() as f64 * ENTRY_BYTES)
}

fn read(name: &str, peer: &dyn Peer) -> f64 {
    let all = load::nanoseconds(1, |_| {
        let found = peer.find(&mut (0..READS).map(key));
        assert_eq!(black_box(found), READS, "{name} lost a key");
    });
    all / READS as f64
}

fn fill(peer: &dyn Peer) {
    for start in (0..keys()).step_by(BATCH as usize) {
        let batch: Vec<_> = (start..keys().min(start + BATCH)).map(entry).collect();
        peer.commit(&batch);
    }
}

/// What a process of its own needs more for a loaded contender than for one without entries, a key.
fn memory(contender: &Contender, settings: &Settings) -> f64 {
    let child = Command::new(std::env::current_exe().expect("this program"))
        .env("STEAD_BENCH_MEMORY_OF", contender.name)
        .env("STEAD_BENCH_DIR", &settings.directory)
        .output()
        .expect("this program starts again");
    let printed = String::from_utf8_lossy(&child.stdout).into_owned();
    printed.trim().parse().unwrap_or_else(|_| panic!("no figure: {printed}{}", String::from_utf8_lossy(&child.stderr)))
}

/// The other process: prints the figure.
pub(crate) fn print_memory(name: &str) {
    let (settings, _) = Settings::read(env!("CARGO_TARGET_TMPDIR"));
    let contender = CONTENDERS.into_iter().find(|contender| contender.name == name).expect("a contender");
    let directory = settings.fresh();
    let peer: Arc<dyn Peer> = (contender.open)(directory.path());
    let before = disk::resident_bytes();
    fill(&*peer);
    report::figure(disk::resident_bytes().saturating_sub(before) as f64 / keys() as f64);
}

fn keys() -> u64 {
    std::env::var("STEAD_BENCH_KEYS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000)
}

/// A key that is there, anywhere.
fn key(number: u64) -> Key {
    entry(mix(number) % keys()).0
}
