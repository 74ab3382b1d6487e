//! States with known contents, and their roots. The guest runs this on 32 bits, a test on the host's own machine.

use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::limits::{KEY_BYTES_MAX, SEGMENT_BYTES_MIN};
use stead_store::{Change, Options, StateId, Store, Writer, WriterEpoch, Writes};

/// Opens the store; every run on one disk sees what the runs before it left.
fn open(disk: &SimDisk) -> Store {
    let options = Options { segment_bytes: SEGMENT_BYTES_MIN, writer: Writer::Inline, ..Options::default() };
    Store::open(Arc::new(disk.clone()), options).expect("the store opens").0
}

/// The roots of: no entries, a few, many of all sizes, the same as a fork that went on, and many of which most were removed.
pub(crate) fn roots() -> Vec<String> {
    let disk = SimDisk::new(1);
    let store = open(&disk);
    let states: Vec<StateId> = (0..5).map(|_| store.new_state()).collect();
    let [empty, few, many, fork, removed] = states[..] else { unreachable!("five states") };
    let without_fork = [empty, few, many, removed];
    commit(&store, without_fork.map(|state| Change::Create { state }).into());
    commit(&store, vec![write(few, 0..3, &|key| Some(value(key, 10)))]);
    for part in 0..8 {
        let keys = part * 200..(part + 1) * 200;
        let all_sizes = |key: u32| Some(value(key, key as usize * 37 % 1300));
        commit(&store, vec![write(many, keys.clone(), &all_sizes), write(removed, keys, &all_sizes)]);
        if part % 3 == 2 {
            store.checkpoint().expect("a checkpoint");
        }
    }
    commit(&store, vec![Change::Fork { from: many, to: fork }]);
    let longest = Bytes::from(vec![0xAB; KEY_BYTES_MAX]);
    let writes = Writes::from([(longest, Some(Bytes::from_static(b"under the longest key"))), (Bytes::new(), None)]);
    commit(&store, vec![Change::Write { state: fork, epoch: WriterEpoch::FIRST, writes }]);
    commit(&store, vec![write(fork, 700..710, &|key| Some(value(key, 70_000)))]);
    commit(&store, vec![write(removed, 0..1600, &|key| (key % 97 == 0).then(|| value(key, 5)))]);
    store.close().expect("the store closes");

    let store = open(&disk);
    store.checkpoint().expect("a checkpoint");
    store.collect().expect("a collection");
    let root = |state: &StateId| store.view(*state).expect("the state is there").root().expect("readable").to_string();
    states.iter().map(root).collect()
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}

fn write(state: StateId, keys: std::ops::Range<u32>, value: &dyn Fn(u32) -> Option<Bytes>) -> Change {
    let key = |key: u32| Bytes::from(format!("{:08x}/{key}", key.wrapping_mul(0x9e37_79b9)));
    let writes = keys.map(|number| (key(number), value(number))).collect();
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

fn value(key: u32, bytes: usize) -> Bytes {
    (0..bytes).map(|at| (key as usize * 31 + at * 7) as u8).collect()
}
