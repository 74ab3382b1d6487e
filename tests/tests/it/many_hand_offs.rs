//! Hundreds of hand-offs in a row, between two versions and under load: memory, file descriptors, disk and the time that
//! one takes stay what they were. `STEAD_HAND_OFFS` says how many.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, iter};

use stead_runtime::{Call, Host, HostOptions};
use stead_store::Options;
use stead_test_guests::{EVOLVE_REBUILT, EVOLVE_V1};

use crate::harness::{deploy, engine, number, returned, swap, text, total};

const HAND_OFFS: usize = 500;
const CALLERS: u64 = 8;
/// Small, so that what is left behind shows.
const SEGMENT_BYTES: u64 = 1 << 20;

/// What a hand-off leaves on the disk, at most.
const RECEIPT_BYTES: u64 = 8 << 10;
const DIRECTORY: &str = "STEAD_TEST_DIRECTORY";

/// What the process and its directory take.
#[derive(Debug)]
struct Taken {
    memory_bytes: u64,
    files: usize,
    disk_bytes: u64,
    /// A tenth of the last hand-offs took no longer: the rest of the machine may be busy.
    quick: Duration,
}

/// Run by the test below in a process of its own: what others take must not count.
#[test]
#[ignore = "needs a process of its own"]
fn alone() {
    let Ok(directory) = env::var(DIRECTORY) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(Path::new(&directory)));
}

#[test]
fn g08_g09_hundreds_of_hand_offs_under_load_leave_memory_files_disk_and_time_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", "many_hand_offs::alone", "--ignored", "--quiet", "--nocapture"])
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
}

async fn run(directory: &Path) {
    let store = Options { segment_bytes: SEGMENT_BYTES, ..Options::default() };
    let host = Host::open(HostOptions { store, ..HostOptions::at(directory, engine()) }).await.unwrap().0;
    deploy(&host, "box", EVOLVE_V1).await;
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = (0..CALLERS).map(|caller| tokio::spawn(call(host.clone(), caller, stop.clone()))).collect();

    let count: usize = env::var("STEAD_HAND_OFFS").map_or(HAND_OFFS, |text| text.parse().unwrap());
    let (mut times, mut taken) = (Vec::new(), Vec::new());
    for wasm in [EVOLVE_REBUILT, EVOLVE_V1].into_iter().cycle().take(count) {
        let began = Instant::now();
        let receipt = host.swap("box", wasm, swap()).await.unwrap();
        times.push(began.elapsed());
        assert!(receipt.given_up().is_none() && callers.iter().all(|caller| !caller.is_finished()));
        if times.len() % (count / 5) == 0 {
            host.checkpoint().await.unwrap();
            taken.push(Taken::now(directory, &times[times.len() - count / 5..]));
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut answered = 0;
    for caller in callers {
        answered += caller.await.expect("no call failed");
    }
    assert_eq!(total(&host).await, answered);
    assert_eq!(host.show("box").unwrap().summary.version.generation, count as u64 + 1);
    host.close().await.unwrap();
    flat(&taken);
}

/// The first fifth warms up; the last must take what the second did.
fn flat(taken: &[Taken]) {
    let (early, late) = (&taken[1], &taken[4]);
    assert!(late.memory_bytes <= early.memory_bytes + (8 << 20), "memory: {taken:#?}");
    // Each checkpoint may have left a pack.
    assert!(late.files <= early.files + 8, "files: {taken:#?}");
    // Each hand-off leaves a receipt and an event for ever, and packs hold as much again before they are collected.
    let receipts = HAND_OFFS as u64 * 3 / 5 * RECEIPT_BYTES;
    assert!(late.disk_bytes <= early.disk_bytes + receipts + 3 * SEGMENT_BYTES, "disk: {taken:#?}");
    assert!(late.quick <= early.quick * 2 + Duration::from_millis(3), "time: {taken:#?}");
}

impl Taken {
    fn now(directory: &Path, times: &[Duration]) -> Taken {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        let mut sorted = times.to_vec();
        sorted.sort();
        Taken {
            memory_bytes: kibibytes * 1024,
            files: fs::read_dir("/proc/self/fd").unwrap().count(),
            disk_bytes: files(directory).map(|path| fs::metadata(path).map_or(0, |file| file.blocks() * 512)).sum(),
            quick: sorted[sorted.len() / 10],
        }
    }
}

/// All files below a directory.
fn files(directory: &Path) -> impl Iterator<Item = std::path::PathBuf> {
    let mut left = vec![directory.to_owned()];
    iter::from_fn(move || {
        loop {
            let next = left.pop()?;
            match fs::read_dir(&next) {
                Ok(entries) => left.extend(entries.filter_map(|entry| Some(entry.ok()?.path()))),
                Err(_) => return Some(next),
            }
        }
    })
}

/// Bumps a key of its own until it is told to stop; says how often.
async fn call(host: Host, caller: u64, stop: Arc<AtomicBool>) -> u64 {
    for sequence in 1.. {
        let bump = Call::new("box", "bump", vec![text(&format!("key {caller}"))]);
        let reply = host.call(bump.with_id(format!("caller {caller}"), sequence)).await;
        assert_eq!(number(returned(reply)), sequence, "a call was lost or doubled");
        if stop.load(Ordering::Relaxed) {
            return sequence;
        }
    }
    0
}
