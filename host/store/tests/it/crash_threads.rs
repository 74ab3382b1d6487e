//! Many writers, the group-commit and checkpoint threads, and a power loss at some point. Threads make these runs differ,
//! so the oracle is what each writer was told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Durability, Options, StateId, Store, Writer, WriterEpoch, Writes};

use crate::model::options;
use crate::model_run::{Random, Replay, only_operation, seed_or};

const WRITERS: usize = 6;
const ROUNDS: u64 = 40;
/// The run is over before this many operations.
const OPERATIONS: usize = 1500;

#[test]
fn g01_g02_no_writer_of_many_loses_what_it_was_told() {
    let seed = seed_or(9);
    let mut random = Random(seed);
    for _ in 0..ROUNDS {
        let operation = only_operation().unwrap_or(random.below(OPERATIONS) as u64);
        let about = "threads: may need several tries".to_owned();
        let _replay = Replay { test: "g01_g02_no_writer_of_many", seed, operation, about };
        crash_at(seed, operation);
    }
}

fn crash_at(seed: u64, operation: u64) {
    let disk = SimDisk::new(seed ^ operation);
    let options = Options { writer: Writer::Thread, checkpoint_bytes: 4096, ..options() };
    let (store, _) = Store::open(Arc::new(disk.clone()), options).expect("open");
    let states: Vec<StateId> = (0..WRITERS).map(|_| store.new_state()).collect();
    let create = states.iter().map(|state| Change::Create { state: *state }).collect();
    store.commit(create).expect("accepted").wait().expect("durable");

    disk.crash_after(disk.operations() + operation);
    let told: Vec<Told> = (0..WRITERS).map(|_| Told::default()).collect();
    thread::scope(|scope| {
        for (state, told) in states.iter().zip(&told) {
            let (store, disk) = (store.clone(), &disk);
            scope.spawn(move || {
                for count in 1.. {
                    // The same number in two keys: a half commit would show.
                    let durability = if count % 3 == 0 { Durability::Synced } else { Durability::Buffered };
                    let Ok(ticket) = store.commit_with(vec![count_to(*state, count)], durability) else { break };
                    if ticket.wait().is_err() {
                        break;
                    }
                    told.written.store(count, Ordering::Relaxed);
                    if durability == Durability::Synced {
                        told.durable.store(count, Ordering::Relaxed);
                    }
                    if disk.crashed() {
                        break;
                    }
                }
            });
        }
    });
    drop(store);

    for restart in 0..4 {
        check(&disk.restart(restart), &states, &told, |told| &told.durable);
    }
    check(&disk.kill(), &states, &told, |told| &told.written);
}

/// What a writer was told of its commits.
#[derive(Default)]
struct Told {
    durable: AtomicU64,
    written: AtomicU64,
}

fn check(disk: &SimDisk, states: &[StateId], told: &[Told], least: impl Fn(&Told) -> &AtomicU64) {
    let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open after the crash");
    for (state, told) in states.iter().zip(told) {
        let view = store.view(*state).expect("the state was durable");
        let (one, two) = (number(&view, b"one"), number(&view, b"two"));
        assert_eq!(one, two, "half a commit of {state}");
        let least = least(told).load(Ordering::Relaxed);
        // One commit may be there without its writer having heard of it.
        let most = told.written.load(Ordering::Relaxed) + 1;
        assert!((least..=most).contains(&one), "{state} holds {one}, its writer was told {least} to {most}");
    }
}

fn count_to(state: StateId, count: u64) -> Change {
    let number = Some(Bytes::from(count.to_le_bytes().to_vec()));
    let filler = Some(Bytes::from(vec![count as u8; 50 + (count % 7) as usize * 300]));
    let key = Bytes::from(format!("filler {}", count % 20));
    let writes = Writes::from([
        (Bytes::from_static(b"one"), number.clone()),
        (key, filler),
        (Bytes::from_static(b"two"), number),
    ]);
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

fn number(view: &stead_store::View, key: &[u8]) -> u64 {
    let value = view.get(key).expect("readable");
    value.map_or(0, |bytes| u64::from_le_bytes(bytes[..].try_into().expect("eight bytes")))
}
