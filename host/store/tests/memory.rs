//! Memory of an open store, in a process of its own: a state ten times as large as the cache is written, read and scanned,
//! and the most that the process ever needed stays within what [`Options::cache_bytes`](stead_store::Options) promises.

#![expect(clippy::print_stderr, reason = "the figures of a run are there to be read")]

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::{DirDisk, Disk};
use stead_store::{Change, Options, Order, StateId, Store, WriterEpoch, Writes};

const CACHE_BYTES: u64 = 8 << 20;
const CHECKPOINT_BYTES: u64 = 2 << 20;
const STATE_BYTES: u64 = 10 * CACHE_BYTES;
const VALUE_BYTES: u64 = 1000;
const ENTRIES: u64 = STATE_BYTES / VALUE_BYTES;
const COMMIT_ENTRIES: u64 = 400;
/// What the documentation of `cache_bytes` promises: the cache, tables of two checkpoints with what they need for each
/// entry, 700 bytes for each of the 25 000 nodes of both states while they are collected, and 16 MiB of buffers; an eighth
/// on top for what the allocator keeps.
const GROWTH_BYTES_MAX: u64 = (CACHE_BYTES + 3 * CHECKPOINT_BYTES + 700 * 25_000 + (16 << 20)) / 8 * 9;

/// A line of `/proc/self/status`, in bytes.
fn status(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("status");
    let line = status.lines().find(|line| line.starts_with(field)).expect("the field");
    let kib: String = line.chars().filter(char::is_ascii_digit).collect();
    kib.parse::<u64>().expect("a number") << 10
}

fn report(what: &str) {
    eprintln!("{what:<40} now {:>7} KiB, most {:>7} KiB", status("VmRSS:") >> 10, status("VmHWM:") >> 10);
}

fn key(number: u64) -> Bytes {
    // Neighbours in time are no neighbours in the tree: every change is of another leaf.
    Bytes::copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes())
}

fn value(number: u64) -> Bytes {
    let mut value = number.to_le_bytes().repeat(VALUE_BYTES as usize / 8);
    value.truncate(VALUE_BYTES as usize);
    value.into()
}

fn write(store: &Store, state: StateId, numbers: impl Iterator<Item = u64>) {
    let writes: Writes = numbers.map(|number| (key(number), Some(value(number)))).collect();
    let change = Change::Write { state, epoch: WriterEpoch::FIRST, writes };
    store.commit(vec![change]).expect("commit").wait().expect("durable");
    // A writer that outran the checkpoints in the background would measure its own haste.
    if store.needs_checkpoint() {
        store.checkpoint().expect("checkpoint");
    }
}

fn scan(store: &Store, state: StateId, order: Order) -> u64 {
    let view = store.view(state).expect("state");
    view.scan(Bound::Unbounded, Bound::Unbounded, order).inspect(|entry| assert!(entry.is_ok())).count() as u64
}

#[test]
fn g14_memory_does_not_grow_with_the_state() {
    let directory = tempfile::tempdir().expect("directory");
    let disk: Arc<dyn Disk> = Arc::new(DirDisk::create(directory.path()).expect("directory"));
    let options = Options {
        segment_bytes: 4 << 20,
        cache_bytes: CACHE_BYTES,
        checkpoint_bytes: CHECKPOINT_BYTES,
        ..Options::default()
    };
    let (store, _) = Store::open(disk.clone(), options.clone()).expect("open");
    let (state, copy) = (store.new_state(), store.new_state());
    store.commit(vec![Change::Create { state }]).expect("commit").wait().expect("durable");
    let before = status("VmHWM:");
    const { assert!(GROWTH_BYTES_MAX < STATE_BYTES, "a store that held the state would pass") };
    report("opened");
    for start in (0..ENTRIES).step_by(COMMIT_ENTRIES as usize) {
        write(&store, state, start..ENTRIES.min(start + COMMIT_ENTRIES));
    }
    report("written");
    store.checkpoint().expect("checkpoint");
    report("checkpoint");
    for number in 0..ENTRIES / 2 {
        let number = number.wrapping_mul(48_271) % ENTRIES;
        assert_eq!(store.view(state).expect("state").get(&key(number)).expect("get"), Some(value(number)));
    }
    report("read at random");
    assert_eq!(scan(&store, state, Order::Ascending), ENTRIES);
    report("scanned up");
    assert_eq!(scan(&store, state, Order::Descending), ENTRIES);
    report("scanned down");
    store.commit(vec![Change::Fork { from: state, to: copy }]).expect("commit").wait().expect("durable");
    for start in (0..ENTRIES / 8).step_by(COMMIT_ENTRIES as usize) {
        write(&store, copy, (start..start + COMMIT_ENTRIES).map(|number| ENTRIES + number));
        if start % (10 * COMMIT_ENTRIES) == 0 {
            write(&store, state, (0..200).map(|number| start + number * 101));
        }
    }
    report("fork written");
    store.checkpoint().expect("checkpoint");
    report("checkpoint");
    store.collect().expect("collection");
    report("collected");
    assert_eq!(scan(&store, copy, Order::Descending), ENTRIES + (ENTRIES / 8).next_multiple_of(COMMIT_ENTRIES));
    report("fork scanned");
    let root = store.view(state).expect("state").root().expect("root");
    drop(store);
    report("closed");
    let (store, _) = Store::open(disk, options).expect("open");
    assert_eq!(store.view(state).expect("state").root().expect("root"), root);
    report("opened again");
    let grown = status("VmHWM:") - before;
    eprintln!("grown by {} KiB of at most {} KiB", grown >> 10, GROWTH_BYTES_MAX >> 10);
    assert!(grown <= GROWTH_BYTES_MAX, "memory has grown by {} KiB", grown >> 10);
}
