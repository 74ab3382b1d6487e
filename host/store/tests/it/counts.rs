//! Counts of ranges follow every change: kept up to date, they equal what a scan finds.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Order, StateId, Store, View, WriterEpoch, Writes};

use crate::model::options;

/// Keys are `00` to `99`.
fn key(number: u64) -> Bytes {
    format!("{:02}", number % 100).into()
}

fn check(view: &View, what: &str) {
    let bounds = [
        (Bound::Unbounded, Bound::Unbounded),
        (Bound::Included(key(20)), Bound::Excluded(key(60))),
        (Bound::Excluded(key(50)), Bound::Included(key(51))),
    ];
    for (lower, upper) in bounds {
        let scanned = view.scan(lower.clone(), upper.clone(), Order::Ascending).count() as u64;
        assert_eq!(view.count(lower.clone(), upper.clone()).expect("count"), scanned, "{lower:?} to {upper:?}, {what}");
    }
}

#[test]
fn counts_follow_writes_checkpoints_forks_and_what_is_not_durable_yet() {
    let (store, _) = Store::open(Arc::new(SimDisk::new(1)), options()).expect("open");
    let state = store.new_state();
    store.commit(vec![Change::Create { state }]).expect("create").wait().expect("durable");
    let mut last = state;
    let mut random = 7u64;
    for step in 0..600u64 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (place, removes) = (random >> 33, step % 3 == 0);
        let value = (!removes).then(|| Bytes::from_static(b"value"));
        let (epoch, writes) = (WriterEpoch::FIRST, Writes::from([(key(place), value)]));
        let mut changes = vec![Change::Write { state, epoch, writes }];
        if step % 11 == 0 {
            let (from, to) = (key(place >> 8), key(place >> 16));
            changes.insert(step as usize % 2, Change::Clear { state, epoch, from, to: Some(to) });
        }
        let ticket = store.commit(changes).expect("commit");
        check(&store.view(state).expect("state"), &format!("step {step}"));
        // Older than the view above, over the same tree.
        check(&store.durable_view(state).expect("state"), &format!("durable at step {step}"));
        check(&store.view(last).expect("state"), &format!("fork at step {step}"));
        if step % 5 == 0 {
            ticket.wait().expect("durable");
        }
        if step % 97 == 0 {
            store.checkpoint().expect("checkpoint");
        }
        if step % 150 == 0 {
            last = fork(&store, state);
        }
    }
}

fn fork(store: &Store, from: StateId) -> StateId {
    let to = store.new_state();
    store.commit(vec![Change::Fork { from, to }]).expect("fork").wait().expect("durable");
    to
}
