//! What differs between two views is what a comparison of all their entries finds, and little is read for it.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use stead_store::disk::sim::{Operation, SimDisk};
use stead_store::{Change, Difference, Options, Order, StateId, Store, View, WriterEpoch, Writes};

use crate::model::{Entries, options};

const KEYS: u16 = 400;
const EPOCH: WriterEpoch = WriterEpoch::FIRST;

#[derive(Debug, Clone)]
enum Step {
    Write(u16, Option<u8>),
    Clear(u16, Option<u16>),
    Checkpoint,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => (0..KEYS, prop::option::weighted(0.7, 0..3u8)).prop_map(|(key, value)| Step::Write(key, value)),
        3 => (0..KEYS, prop::option::weighted(0.9, 0..KEYS)).prop_map(|(from, to)| Step::Clear(from, to)),
        1 => Just(Step::Checkpoint),
    ];
    prop::collection::vec(step, 0..16)
}

fn key(number: u16) -> Bytes {
    format!("key {number:05}").into()
}

fn value(value: u8) -> Bytes {
    vec![value; 40].into()
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}

fn take(store: &Store, state: StateId, steps: &[Step]) {
    for step in steps {
        match step {
            Step::Write(number, new) => {
                let writes = Writes::from([(key(*number), new.map(value))]);
                commit(store, vec![Change::Write { state, epoch: EPOCH, writes }]);
            }
            Step::Clear(from, to) => {
                commit(store, vec![Change::Clear { state, epoch: EPOCH, from: key(*from), to: to.map(key) }]);
            }
            Step::Checkpoint => drop(store.checkpoint().expect("checkpoint")),
        }
    }
}

fn entries(view: &View) -> Entries {
    view.scan(Bound::Unbounded, Bound::Unbounded, Order::Ascending).collect::<Result<_, _>>().expect("scan")
}

fn filled(store: &Store, keys: u16) -> StateId {
    let state = store.new_state();
    let writes: Writes = (0..keys).map(|number| (key(number), Some(value(9)))).collect();
    commit(store, vec![Change::Create { state }, Change::Write { state, epoch: EPOCH, writes }]);
    store.checkpoint().expect("checkpoint");
    state
}

fn check(old: &View, new: &View) {
    let (was, is) = (entries(old), entries(new));
    let keys: BTreeSet<&Bytes> = was.keys().chain(is.keys()).collect();
    let differences = keys.into_iter().map(|key| Difference {
        key: key.clone(),
        old: was.get(key).cloned(),
        new: is.get(key).cloned(),
    });
    let expected: Vec<Difference> = differences.filter(|entry| entry.old != entry.new).collect();
    let found: Vec<Difference> = old.diff(new).collect::<Result<_, _>>().expect("diff");
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_difference_is_what_a_comparison_of_all_entries_finds(before in steps(), one in steps(), other in steps()) {
        let (store, _) = Store::open(Arc::new(SimDisk::new(1)), options()).expect("open");
        let state = filled(&store, KEYS / 2);
        take(&store, state, &before);
        let first = store.view(state).expect("the state");
        let fork = store.new_state();
        commit(&store, vec![Change::Fork { from: state, to: fork }]);
        take(&store, state, &one);
        take(&store, fork, &other);
        let (state, fork) = (store.view(state).expect("the state"), store.view(fork).expect("the fork"));
        for (old, new) in [(&first, &state), (&state, &first), (&state, &fork), (&fork, &first)] {
            check(old, new);
        }
    }
}

#[test]
fn g14_a_small_difference_of_large_states_reads_little() {
    let disk = SimDisk::new(1);
    let options = || Options { cache_bytes: 0, ..options() };
    let open = || Store::open(Arc::new(disk.clone()), options()).expect("open").0;
    let store = open();
    let state = filled(&store, 20_000);
    let fork = store.new_state();
    commit(&store, vec![Change::Fork { from: state, to: fork }]);
    let write =
        |number| Change::Write { state: fork, epoch: EPOCH, writes: Writes::from([(key(number), Some(value(1)))]) };
    let reads_of = |store: &Store, expected: usize| {
        let (old, new) = (store.view(state).expect("the state"), store.view(fork).expect("the fork"));
        let reads = || disk.log().iter().filter(|(operation, _)| *operation == Operation::Read).count();
        let before = reads();
        let found: Vec<Difference> = old.diff(&new).collect::<Result<_, _>>().expect("diff");
        assert_eq!(found.len(), expected);
        reads() - before
    };
    commit(&store, vec![write(7), write(15_000)]);
    let on_one_tree = reads_of(&store, 2);
    store.checkpoint().expect("checkpoint");
    drop(store);
    let store = open();
    let on_two_trees = reads_of(&store, 2);
    commit(&store, vec![write(9000), Change::Clear { state: fork, epoch: EPOCH, from: key(0), to: Some(key(3)) }]);
    let with_tables = reads_of(&store, 6);
    // All entries lie in some 300 leaves.
    assert!(on_one_tree <= 2 * 4, "{on_one_tree} reads for two keys");
    assert!(on_two_trees <= 2 * 2 * 8, "{on_two_trees} reads for two paths on each side");
    assert!(with_tables <= 100, "{with_tables} reads for four paths, and to apply a small table");
}
