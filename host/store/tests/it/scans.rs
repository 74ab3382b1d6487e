//! Scans while everything else goes on: a view shows one commit, whatever is written, checkpointed or collected meanwhile.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;

use bytes::Bytes;
use stead_store::disk::DirDisk;
use stead_store::{Change, Options, Order, StateId, Store, View, WriterEpoch, Writes};

const ENTRIES: u64 = 1500;
const ROUNDS: u64 = 30;

fn key(number: u64) -> Bytes {
    format!("key {number:06}").into()
}

/// All entries of a round have its number; a few of them lie outside their leaf.
fn value(round: u64, number: u64) -> Bytes {
    round.to_le_bytes().repeat(if number % 100 == 3 { 200 } else { 8 }).into()
}

fn write(store: &Store, state: StateId, round: u64) {
    let writes: Writes = (0..ENTRIES).map(|number| (key(number), Some(value(round, number)))).collect();
    let change = Change::Write { state, epoch: WriterEpoch::FIRST, writes };
    store.commit(vec![change]).expect("commit").wait().expect("durable");
}

/// Scans a view, with a pause in the middle, and returns its round, which all entries must have.
fn round_of(view: &View, order: Order, pause: impl FnOnce()) -> u64 {
    let mut pause = Some(pause);
    let mut round = None;
    let mut entries = view.scan(Bound::Unbounded, Bound::Unbounded, order);
    for place in 0..ENTRIES {
        if place == ENTRIES / 2 {
            pause.take().expect("one middle")();
        }
        let number = if order == Order::Ascending { place } else { ENTRIES - 1 - place };
        let (found, bytes) = entries.next().expect("an entry").expect("read");
        let first = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
        assert_eq!((found, bytes), (key(number), value(*round.get_or_insert(first), number)));
    }
    assert!(entries.next().is_none());
    round.expect("entries")
}

/// Lets readers end, also when the writer panics.
struct Finished<'a>(&'a AtomicU64);

impl Drop for Finished<'_> {
    fn drop(&mut self) {
        self.0.store(ROUNDS, Relaxed);
    }
}

#[test]
fn scans_both_ways_show_one_commit_while_writers_go_on() {
    let directory = tempfile::tempdir().expect("directory");
    // A cache that holds a fraction of the state, so that scans read packs that are being replaced.
    let options = Options { segment_bytes: 1 << 20, cache_bytes: 64 << 10, ..Options::default() };
    let (store, _) =
        Store::open(Arc::new(DirDisk::create(directory.path()).expect("directory")), options).expect("open");
    let state = store.new_state();
    store.commit(vec![Change::Create { state }]).expect("commit").wait().expect("durable");
    write(&store, state, 0);
    let written = AtomicU64::new(0);
    let seen = thread::scope(|scope| {
        let read = |order: Order| {
            let mut seen = BTreeSet::new();
            let mut last = 0;
            while written.load(Relaxed) < ROUNDS {
                let view = store.view(state).expect("state");
                // The writer goes on by more than a checkpoint and a collection in the middle of the scan.
                let goal = (written.load(Relaxed) + 5).min(ROUNDS);
                let round = round_of(&view, order, || {
                    while written.load(Relaxed) < goal {
                        thread::yield_now();
                    }
                });
                assert!(round >= last, "views do not go back");
                // The same view, later and the other way round.
                assert_eq!(round_of(&view, Order::Ascending, || ()), round);
                assert_eq!(round_of(&view, Order::Descending, || ()), round);
                last = round;
                seen.insert(round);
            }
            seen
        };
        let readers = [Order::Ascending, Order::Descending].map(|order| scope.spawn(move || read(order)));
        let _finished = Finished(&written);
        for round in 1..=ROUNDS {
            write(&store, state, round);
            if round % 2 == 0 {
                store.checkpoint().expect("checkpoint");
                store.collect().expect("collection");
            }
            written.store(round, Relaxed);
        }
        readers.map(|reader| reader.join().expect("reader"))
    });
    assert!(seen.iter().all(|rounds| rounds.len() > 1));
}
