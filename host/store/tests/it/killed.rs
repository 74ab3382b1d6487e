//! A real process on a real directory is killed again and again, at any moment: while it opens, commits, changes segments,
//! makes checkpoints and collects packs. What it was told to be kept is there, and of everything else a prefix.
//!
//! The writer is this test binary, executed again for [`writer_process`] alone. It tells the test of each commit by a line on
//! its standard output, after the ticket resolved and before the same thread commits again.

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use stead_store::disk::DirDisk;
use stead_store::limits::SEGMENT_BYTES_MIN;
use stead_store::{
    Change, Durability, OpenError, Options, Recovery, StateId, Store, View, Writer, WriterEpoch, Writes,
};

use crate::model_run::{Random, seed_or};

const KILLS: u64 = 200;
pub(crate) const WRITERS: usize = 4;
/// Keys that each writer overwrites by turns, beside its count.
const FILLERS: u64 = 20;
/// Every so many kills all bytes are verified.
const VERIFY_EVERY: u64 = 40;
const LOCK_ATTEMPTS: usize = 1000;
const DIRECTORY: &str = "STEAD_KILLED_DIRECTORY";

#[test]
fn g01_g02_a_process_that_is_killed_at_any_moment_loses_nothing_it_was_told() {
    let seed = seed_or(12);
    let mut random = Random(seed);
    let dir = tempfile::tempdir().expect("directory");
    let (store, states) = made(dir.path());
    drop(store);
    let mut told = [0; WRITERS];
    let mut commits = 0;
    for kill in 0..KILLS {
        let before: u64 = told.iter().sum();
        run_and_kill(dir.path(), &mut random, &mut told);
        let (store, _) = open(dir.path(), Writer::Inline);
        for (writer, state) in states.iter().enumerate() {
            let count = check(&store.view(*state).expect("the state"), writer);
            let heard = told[writer];
            // The last commit may be kept without its writer having been told, or having passed it on.
            assert!(
                count == heard || count == heard + 1,
                "seed {seed}, kill {kill}: writer {writer} was told of {heard}, the store holds {count}"
            );
            told[writer] = count;
        }
        commits += told.iter().sum::<u64>() - before;
        if kill % VERIFY_EVERY == 0 {
            let verified = store.verify(&mut |_| {}).expect("verify");
            assert!(verified.is_clean(), "seed {seed}, kill {kill}: {:?}", verified.damage);
        }
    }
    assert!(commits > KILLS, "the writers commit: {commits}");
    let (store, _) = open(dir.path(), Writer::Inline);
    assert!(store.info().segments < commits, "{:?}", store.info());
}

/// Starts a writer process, and kills it after it told of some commits, or before it could.
fn run_and_kill(dir: &Path, random: &mut Random, told: &mut [u64; WRITERS]) {
    let mut writer = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "killed::writer_process", "--ignored", "--nocapture", "--test-threads=1"])
        .env(DIRECTORY, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the writer starts");
    let heard = |line: &str, told: &mut [u64; WRITERS]| {
        // The first one stands behind what libtest says.
        let Some((_, rest)) = line.split_once("told ") else { return false };
        let (writer, count) = rest.split_once(' ').expect("a writer and its count");
        let (writer, count): (usize, u64) = (writer.parse().expect("number"), count.parse().expect("number"));
        assert_eq!(count, told[writer] + 1, "writer {writer} counts on from where it was");
        told[writer] = count;
        true
    };
    let mut lines = BufReader::new(writer.stdout.take().expect("piped")).lines();
    let mut wanted = [0, 1, 40, 150][random.below(4)];
    if wanted > 1 {
        wanted = random.below(wanted);
    }
    while wanted > 0 {
        let line = lines.next().expect("the writer goes on until it is killed").expect("text");
        wanted -= usize::from(heard(&line, told));
    }
    thread::sleep(Duration::from_micros(random.below(8000) as u64));
    writer.kill().expect("killed");
    writer.wait().expect("ended");
    // What it said before it was killed counts; a line is one write to the pipe, so none is cut off.
    for line in lines {
        heard(&line.expect("text"), told);
    }
}

#[test]
#[ignore = "the process that another test kills"]
fn writer_process() {
    let dir = std::env::var_os(DIRECTORY).expect("another test starts this");
    let (store, _) = open(Path::new(&dir), Writer::Thread);
    let states: Vec<StateId> = store.states().into_iter().filter(|id| *id != StateId::CATALOG).collect();
    thread::scope(|scope| {
        for (writer, state) in states.into_iter().enumerate() {
            let store = store.clone();
            scope.spawn(move || {
                let first = number(&store.view(state).expect("the state"), b"count") + 1;
                for count in first.. {
                    let durability = if count % 3 == 0 { Durability::Buffered } else { Durability::Synced };
                    let ticket = store.commit_with(vec![count_to(state, writer, count)], durability).expect("accepted");
                    ticket.wait().expect("kept");
                    let line = format!("told {writer} {count}\n");
                    std::io::stdout().lock().write_all(line.as_bytes()).expect("the test listens");
                }
            });
        }
    });
}

pub(crate) fn made(dir: &Path) -> (Store, Vec<StateId>) {
    let (store, _) = open(dir, Writer::Inline);
    let states: Vec<StateId> = (0..WRITERS).map(|_| store.new_state()).collect();
    let create = states.iter().map(|state| Change::Create { state: *state }).collect();
    store.commit(create).expect("accepted").wait().expect("durable");
    (store, states)
}

pub(crate) fn open(dir: &Path, writer: Writer) -> (Store, Recovery) {
    try_open(dir, writer).expect("open")
}

/// Opens the store, with small segments and many checkpoints. A process that another test is just starting may hold a copy of
/// the lock for a moment, until it executes.
pub(crate) fn try_open(dir: &Path, writer: Writer) -> Result<(Store, Recovery), OpenError> {
    for _ in 0..LOCK_ATTEMPTS {
        let disk = DirDisk::open(dir).expect("directory");
        let options =
            Options { segment_bytes: SEGMENT_BYTES_MIN, checkpoint_bytes: 24 << 10, writer, ..Options::default() };
        match Store::open(Arc::new(disk), options) {
            Err(OpenError::Locked { .. }) => thread::sleep(Duration::from_millis(10)),
            other => return other,
        }
    }
    panic!("the directory stays locked");
}

/// The same number in two keys, and a value in a third: half a commit would show.
pub(crate) fn count_to(state: StateId, writer: usize, count: u64) -> Change {
    let number = Some(Bytes::from(count.to_le_bytes().to_vec()));
    let writes = Writes::from([
        (Bytes::from_static(b"count"), number.clone()),
        (filler_key(count), Some(filler(writer, count))),
        (Bytes::from_static(b"twin"), number),
    ]);
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

fn filler_key(count: u64) -> Bytes {
    Bytes::from(format!("filler {}", count % FILLERS))
}

/// Small values, some outside their leaves, and sometimes more than a batch holds.
fn filler(writer: usize, count: u64) -> Bytes {
    let bytes = [30, 100, 700, 1500, 3000][(count % 5) as usize] + if count % 50 == 7 { 40_000 } else { 0 };
    Bytes::from(format!("{writer} {count} ").into_bytes().into_iter().cycle().take(bytes).collect::<Vec<u8>>())
}

/// The state holds what its writer wrote up to some count, all of it and nothing else; returns the count.
pub(crate) fn check(view: &View, writer: usize) -> u64 {
    let count = number(view, b"count");
    assert_eq!(count, number(view, b"twin"), "half a commit of writer {writer}");
    for last in (1..=count).rev().take(FILLERS as usize) {
        let value = view.get(&filler_key(last)).expect("readable").expect("written");
        assert!(value == filler(writer, last), "writer {writer}, commit {last}: another value");
    }
    count
}

fn number(view: &View, key: &[u8]) -> u64 {
    let value = view.get(key).expect("readable");
    value.map_or(0, |bytes| u64::from_le_bytes(bytes[..].try_into().expect("eight bytes")))
}
