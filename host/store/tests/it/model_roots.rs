//! Equal entries have equal roots, whatever happened before.

use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Store, WriterEpoch, Writes};

use crate::model::{Entries, Scratch, options};
use crate::model_run::{Random, seed_or};

#[test]
fn g05_the_root_depends_on_the_entries_alone() {
    let seed = seed_or(7);
    let mut random = Random(seed);
    let mut scratch = Scratch::new();
    for round in 0..12 {
        let entries: Arc<Entries> = Arc::new((0..round * 60).map(|_| entry(&mut random)).collect());
        let root = scratch.root(&entries);
        for history in 0..3 {
            let mut random = Random(seed ^ (round as u64) << 8 ^ history);
            assert_eq!(reach(&entries, &mut random), root, "round {round}, history {history}, seed {seed}");
        }
    }
}

fn entry(random: &mut Random) -> (Bytes, Bytes) {
    let bytes = [3, 40, 120, 1500][random.below(4)];
    (Bytes::from(format!("{:04}", random.below(2000))), Bytes::from(vec![random.next() as u8; bytes]))
}

/// Reaches the entries in random order, over detours, checkpoints, forks and reopens.
fn reach(entries: &Entries, random: &mut Random) -> stead_store::Root {
    let disk = SimDisk::new(random.next());
    let (mut store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
    let mut state = store.new_state();
    commit(&store, vec![Change::Create { state }]);
    let detours: Vec<_> = (0..40).map(|_| entry(random)).collect();
    write(&store, state, detours.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect());

    let mut order: Vec<_> = entries.iter().collect();
    for place in (1..order.len()).rev() {
        order.swap(place, random.below(place + 1));
    }
    for part in order.chunks(25) {
        write(&store, state, part.iter().map(|(key, value)| ((*key).clone(), Some((*value).clone()))).collect());
        match random.below(7) {
            0 => drop(store.checkpoint().expect("checkpoint")),
            1 => {
                let to = store.new_state();
                commit(&store, vec![Change::Fork { from: state, to }, Change::Remove { state }]);
                state = to;
            }
            2 => {
                store.close().expect("close");
                store = Store::open(Arc::new(disk.clone()), options()).expect("open").0;
            }
            3 => {
                // A part goes at one stroke, and what is wanted of it comes back.
                let (from, to) = (entry(random).0, entry(random).0);
                let back = entries.range(from.clone()..to.clone().max(from.clone()));
                let back = back.map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
                let epoch = WriterEpoch::FIRST;
                let clear = Change::Clear { state, epoch, from, to: Some(to) };
                commit(&store, vec![clear, Change::Write { state, epoch, writes: back }]);
            }
            _ => {}
        }
    }
    let leftovers = detours.iter().filter(|(key, _)| !entries.contains_key(key));
    write(&store, state, leftovers.map(|(key, _)| (key.clone(), None)).collect());
    store.view(state).expect("the state").root().expect("root")
}

fn write(store: &Store, state: stead_store::StateId, writes: Writes) {
    commit(store, vec![Change::Write { state, epoch: WriterEpoch::FIRST, writes }]);
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}
