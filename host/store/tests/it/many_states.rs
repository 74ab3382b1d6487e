//! A checkpoint takes many states a few at a time, while commits change them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Options, StateId, Store, Writer, WriterEpoch, Writes};

use crate::model::options;
use crate::model_run::{Random, seed_or};

const STATES: usize = 1500;
const COMMITS: u64 = 6000;
const CHECKPOINTS: u64 = 4;

#[test]
fn g01_states_that_change_while_a_checkpoint_takes_them_are_taken_as_they_were() {
    let disk = SimDisk::new(1);
    let options = Options { writer: Writer::Thread, segment_bytes: 1 << 20, ..options() };
    let (store, _) = Store::open(Arc::new(disk.clone()), options.clone()).expect("open");
    let mut states: Vec<(StateId, u64)> = (0..STATES).map(|_| (store.new_state(), 0)).collect();
    let create = states.iter().map(|(state, _)| Change::Create { state: *state });
    store.commit(create.collect()).expect("accepted").wait().expect("durable");

    let done = AtomicBool::new(false);
    let checkpoints = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let taker = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                store.checkpoint().expect("checkpoint");
                checkpoints.fetch_add(1, Ordering::Relaxed);
            }
        });
        let mut random = Random(seed_or(12));
        // However the threads are scheduled, several checkpoints run beside the commits.
        let goes_on = || checkpoints.load(Ordering::Relaxed) < CHECKPOINTS && !taker.is_finished();
        for number in (1..).take_while(|number| *number <= COMMITS || goes_on()) {
            let place = random.below(STATES);
            let (state, written) = &mut states[place];
            let value = Some(Bytes::from(number.to_le_bytes().to_vec()));
            let writes = Writes::from([(Bytes::from_static(b"number"), value)]);
            let mut changes = vec![Change::Write { state: *state, epoch: WriterEpoch::FIRST, writes }];
            *written = number;
            if number % 10 == 0 {
                // It goes, and goes on under another id.
                let to = store.new_state();
                changes.extend([Change::Fork { from: *state, to }, Change::Remove { state: *state }]);
                *state = to;
            }
            drop(store.commit(changes).expect("accepted"));
        }
        store.barrier().wait().expect("durable");
        done.store(true, Ordering::Relaxed);
    });
    drop(store);

    // Replay counts the commits of each state: one that was taken too late or too early does not fit.
    let (store, _) = Store::open(Arc::new(disk.restart(1)), options).expect("open");
    assert_eq!(store.states().len(), STATES + 1);
    for (state, written) in states {
        let value = store.view(state).expect("the state").get(b"number").expect("readable");
        let expected = (written > 0).then(|| Bytes::from(written.to_le_bytes().to_vec()));
        assert_eq!(value, expected, "{state}");
    }
}
