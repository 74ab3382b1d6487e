//! What a transaction answers, and what becomes of it, is what a plain map says.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Order, StateId, Store, Transaction, View, WriterEpoch, Writes};

use crate::model::{Entries, options};

const KEYS: u8 = 40;

#[derive(Debug, Clone)]
enum Step {
    Write(u8, Option<u8>),
    Clear(u8, Option<u8>),
    Savepoint,
    Rollback(usize),
    Release(usize),
}

fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..KEYS, prop::option::weighted(0.8, any::<u8>())).prop_map(|(key, value)| Step::Write(key, value)),
        2 => (0..KEYS, prop::option::weighted(0.9, 0..=KEYS)).prop_map(|(from, to)| Step::Clear(from, to)),
        1 => Just(Step::Savepoint),
        1 => (0..4usize).prop_map(Step::Rollback),
        1 => (0..4usize).prop_map(Step::Release),
    ];
    prop::collection::vec(step, 0..max)
}

fn key(number: u8) -> Bytes {
    vec![b'k', number].into()
}

/// Takes the steps on a transaction and on a map beside it.
fn take(transaction: &mut Transaction, entries: &mut Entries, steps: &[Step]) {
    let mut savepoints = Vec::new();
    for step in steps {
        match step {
            Step::Write(number, Some(value)) => {
                transaction.put(key(*number), vec![*value].into());
                entries.insert(key(*number), vec![*value].into());
            }
            Step::Write(number, None) => {
                transaction.delete(key(*number));
                entries.remove(&key(*number));
            }
            Step::Clear(from, to) => {
                transaction.clear(key(*from), to.map(key));
                entries.retain(|at, _| *at < key(*from) || to.is_some_and(|to| *at >= key(to)));
            }
            Step::Savepoint => {
                let bytes = (transaction.bytes(), transaction.changes());
                savepoints.push((transaction.savepoint(), entries.clone(), bytes));
            }
            Step::Rollback(place) => {
                if *place < savepoints.len() {
                    let (savepoint, before, bytes) = savepoints[*place].clone();
                    savepoints.truncate(*place + 1);
                    transaction.rollback_to(savepoint);
                    *entries = before;
                    assert_eq!((transaction.bytes(), transaction.changes()), bytes, "as at the savepoint");
                }
            }
            Step::Release(place) => {
                if *place < savepoints.len() {
                    transaction.release(savepoints[*place].0);
                    savepoints.truncate(*place);
                }
            }
        }
    }
}

fn check(transaction: &Transaction, entries: &Entries, from: u8, to: u8) {
    for number in 0..KEYS {
        assert_eq!(transaction.get(&key(number)).expect("read"), entries.get(&key(number)).cloned(), "key {number}");
    }
    let (lower, upper) = (Bound::Excluded(key(from)), Bound::Included(key(to)));
    for (lower, upper) in [(Bound::Unbounded, Bound::Unbounded), (lower, upper)] {
        let within = |at: &&Bytes| std::ops::RangeBounds::<Bytes>::contains(&(lower.clone(), upper.clone()), *at);
        let expected: Vec<_> = entries.keys().filter(within).cloned().collect();
        let keys = |order| {
            let scan = transaction.scan(lower.clone(), upper.clone(), order);
            scan.map(|entry| entry.expect("read").0).collect::<Vec<_>>()
        };
        assert_eq!(keys(Order::Ascending), expected);
        assert!(keys(Order::Descending).iter().rev().eq(&expected));
        let keys = transaction.keys(lower.clone(), upper.clone(), Order::Ascending);
        assert_eq!(keys.collect::<Result<Vec<_>, _>>().expect("read"), expected);
        assert_eq!(transaction.count(lower.clone(), upper.clone()).expect("count"), expected.len() as u64);
    }
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}

fn all(store: &Store, state: StateId) -> Entries {
    let view = store.view(state).expect("the state");
    view.scan(Bound::Unbounded, Bound::Unbounded, Order::Ascending).collect::<Result<_, _>>().expect("scan")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn g01_g03_a_transaction_is_what_it_did(
        stored in prop::collection::btree_map(0..KEYS, any::<u8>(), 0..40),
        recent in steps(20),
        first in steps(20),
        second in steps(20),
        bounds in (0..KEYS, 0..KEYS),
    ) {
        let (store, _) = Store::open(Arc::new(SimDisk::new(1)), options()).expect("open");
        let (state, epoch) = (store.new_state(), WriterEpoch::FIRST);
        // A large value makes a tree of it.
        let large = (Bytes::from_static(b"large"), Bytes::from(vec![1; 5000]));
        let mut entries: BTreeMap<_, _> = stored.into_iter().map(|(number, value)| (key(number), vec![value].into())).collect();
        entries.extend([large]);
        let writes: Writes = entries.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        commit(&store, vec![Change::Create { state }, Change::Write { state, epoch, writes }]);
        store.checkpoint().expect("checkpoint");
        for steps in [&recent, &first] {
            let mut transaction = Transaction::new(store.view(state).expect("the state"));
            take(&mut transaction, &mut entries, steps);
            check(&transaction, &entries, bounds.0, bounds.1);
            let effects = transaction.into_effects();
            prop_assert!(effects.writes.iter().all(|(at, value)| {
                let gone = |(from, to): &(Bytes, Option<Bytes>)| at >= from && to.as_ref().is_none_or(|to| at < to);
                value.is_some() || !effects.cleared.iter().any(gone)
            }), "nothing is said twice");
            commit(&store, effects.into_changes(state, epoch));
            prop_assert_eq!(&all(&store, state), &entries);
        }
        store.checkpoint().expect("checkpoint");
        let mut transaction = Transaction::new(store.view(state).expect("the state"));
        take(&mut transaction, &mut entries, &second);
        commit(&store, transaction.into_effects().into_changes(state, epoch));
        prop_assert_eq!(all(&store, state), entries);
    }

    /// What a view ahead says is what the commits make that it stands for, and nothing of it is in the store.
    #[test]
    fn g01_a_view_ahead_of_commits_is_what_they_make(
        stored in prop::collection::btree_map(0..KEYS, any::<u8>(), 0..40),
        recent in steps(20),
        first in steps(20),
        second in steps(20),
        bounds in (0..KEYS, 0..KEYS),
    ) {
        let disk = SimDisk::new(1);
        let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
        let (state, epoch) = (store.new_state(), WriterEpoch::FIRST);
        let writes: Writes = stored.into_iter().map(|(number, value)| (key(number), Some(vec![value].into()))).collect();
        commit(&store, vec![Change::Create { state }, Change::Write { state, epoch, writes }]);
        store.checkpoint().expect("checkpoint");
        let view = || store.view(state).expect("the state");
        let mut entries = all(&store, state);
        let mut transaction = Transaction::new(view());
        take(&mut transaction, &mut entries, &recent);
        commit(&store, transaction.into_effects().into_changes(state, epoch));

        let (lower, upper) = (Bound::Excluded(key(bounds.0)), Bound::Included(key(bounds.1)));
        let said = |view: &View| {
            let entries: Entries =
                view.scan(Bound::Unbounded, Bound::Unbounded, Order::Ascending).collect::<Result<_, _>>().expect("scan");
            let count = view.count(lower.clone(), upper.clone()).expect("count");
            (entries, count, view.root().expect("root"))
        };
        let (was, operations) = (said(&view()), disk.operations());
        let before = view();
        let mut ahead = before.clone();
        let (mut effects, mut expected) = (Vec::new(), Vec::new());
        for steps in [&first, &second] {
            let mut transaction = Transaction::new(ahead.clone());
            take(&mut transaction, &mut entries, steps);
            effects.push(transaction.into_effects());
            ahead = ahead.ahead(effects[effects.len() - 1].clone());
            expected.push(said(&ahead));
            prop_assert_eq!(&expected[expected.len() - 1].0, &entries);
        }
        prop_assert_eq!(&said(&view()), &was, "the state moved without a commit");
        let changed = disk.log().split_off(operations as usize).into_iter().any(|(operation, _)| operation.changes());
        prop_assert!(!changed, "something was written");
        let differ: Vec<_> = before.diff(&ahead).map(|difference| difference.expect("diff")).collect();
        for (effects, expected) in effects.into_iter().zip(expected) {
            commit(&store, effects.into_changes(state, epoch));
            let made = said(&view());
            prop_assert_eq!((&made.0, made.1, made.2), (&expected.0, expected.1, expected.2));
        }
        store.checkpoint().expect("checkpoint");
        let made: Vec<_> = before.diff(&view()).map(|difference| difference.expect("diff")).collect();
        prop_assert_eq!(differ, made);
    }
}
