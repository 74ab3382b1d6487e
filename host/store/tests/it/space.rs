//! What the packs take, at rest and whatever was done, stays within a multiple of what the states hold.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Options, Order, StateId, Store, View, WriterEpoch, Writes};

use crate::model::options;
use crate::model_run::Random;

const CHECKPOINT_BYTES: u64 = 32 << 10;

fn space_options() -> Options {
    Options { checkpoint_bytes: CHECKPOINT_BYTES, history_bytes: 0, ..options() }
}

/// A store that is tended as its threads would do it, and checked each time.
struct Tended {
    store: Store,
    random: Random,
    pack_bytes_most: u64,
}

impl Tended {
    fn open(disk: &SimDisk) -> Tended {
        let (store, _) = Store::open(Arc::new(disk.clone()), space_options()).expect("open");
        Tended { store, random: Random(1), pack_bytes_most: 0 }
    }

    fn commit(&mut self, changes: Vec<Change>) {
        self.store.commit(changes).expect("accepted").wait().expect("durable");
        if self.store.needs_checkpoint() {
            self.store.checkpoint().expect("checkpoint");
        }
        if self.store.needs_collection() {
            self.store.checkpoint().expect("checkpoint");
            self.store.collect().expect("collect");
            self.check();
        }
    }

    /// What the documentation says: 2 ¼ of what is live, which is some more than what the states hold; what may have left
    /// since that was counted; and what a checkpoint writes for its changes.
    fn check(&mut self) {
        let snapshots = self.store.all_snapshots().into_iter().map(|snapshot| snapshot.id);
        let states: Vec<StateId> = self.store.states().into_iter().chain(snapshots).collect();
        let held: u64 = states.iter().map(|id| held_bytes(&self.store.view(*id).expect("listed"))).sum();
        let info = self.store.info();
        self.pack_bytes_most = self.pack_bytes_most.max(info.pack_bytes);
        let bound = 4 * held + 12 * CHECKPOINT_BYTES;
        assert!(info.pack_bytes <= bound, "{held} bytes are held, {bound} allowed: {info:?}");
    }

    fn create(&mut self) -> StateId {
        let state = self.store.new_state();
        self.commit(vec![Change::Create { state }]);
        state
    }

    fn write(&mut self, state: StateId, entries: usize) -> Change {
        let writes: Writes = (0..entries)
            .map(|_| (key(self.random.below(2000)), Some(Bytes::from(vec![self.random.next() as u8; 200]))))
            .collect();
        Change::Write { state, epoch: WriterEpoch::FIRST, writes }
    }

    fn fill(&mut self, state: StateId) {
        self.fill_by(state, 1);
    }

    /// Fills with other values for each factor.
    fn fill_by(&mut self, state: StateId, factor: usize) {
        for first in (0..2000).step_by(40) {
            let value = |number: usize| Some(Bytes::from(vec![(number * factor) as u8; 200]));
            let writes = (first..first + 40).map(|number| (key(number), value(number))).collect();
            self.commit(vec![Change::Write { state, epoch: WriterEpoch::FIRST, writes }]);
        }
        self.check();
    }

    /// Removes a state, which alone makes a collection worth it and frees a quarter of the packs.
    fn frees_much_with(&mut self, state: StateId) {
        assert!(!self.store.needs_collection());
        let before = self.store.info().pack_bytes;
        self.commit(vec![Change::Remove { state }]);
        let after = self.store.info().pack_bytes;
        assert!(after < before / 4 * 3, "{before} bytes before, {after} after");
    }
}

fn key(number: usize) -> Bytes {
    Bytes::from(format!("{number:06}"))
}

fn held_bytes(view: &View) -> u64 {
    let entries = view.scan(Bound::Unbounded, Bound::Unbounded, Order::Ascending);
    entries.map(|entry| entry.map(|(key, value)| (key.len() + value.len()) as u64).expect("readable")).sum()
}

#[test]
fn g14_packs_stay_within_a_multiple_of_what_is_held() {
    let disk = SimDisk::new(1);
    let mut tended = Tended::open(&disk);
    let state = tended.create();
    tended.fill(state);
    // Overwriting writes many times what there is.
    for _ in 0..300 {
        let write = tended.write(state, 20);
        tended.commit(vec![write]);
    }
    tended.check();
    // Forks that come and go.
    let mut fork = state;
    for _ in 0..40 {
        let to = tended.store.new_state();
        let mut changes = vec![Change::Fork { from: fork, to }, tended.write(to, 60)];
        if fork != state {
            changes.push(Change::Remove { state: fork });
        }
        tended.commit(changes);
        fork = to;
    }
    tended.check();
    // Three snapshots at a time.
    for number in 0..40 {
        let kept: Vec<StateId> = tended.store.snapshots(state).into_iter().map(|info| info.id).collect();
        let to = tended.store.new_state();
        let oldest = kept.into_iter().min().filter(|_| number >= 3);
        let mut changes: Vec<Change> = oldest.map(|state| Change::Remove { state }).into_iter().collect();
        changes.extend([tended.write(state, 60), Change::Snapshot { state, to, name: number.to_string() }]);
        tended.commit(changes);
    }
    tended.check();
    // Commits that do not fit the journal.
    for _ in 0..20 {
        let write = tended.write(state, 400);
        tended.commit(vec![write]);
    }
    tended.check();
    // One small commit frees most of what there is.
    let gone = tended.store.snapshots(state).into_iter().map(|info| info.id).chain([state, fork]);
    tended.commit(gone.map(|state| Change::Remove { state }).collect());
    tended.check();
    let most = tended.pack_bytes_most;
    assert!(most > 20 * CHECKPOINT_BYTES && tended.store.info().pack_bytes < most / 4, "{most} bytes at most");
}

#[test]
fn g14_forks_that_share_what_they_hold_call_for_no_collection() {
    let disk = SimDisk::new(5);
    let mut tended = Tended::open(&disk);
    let state = tended.create();
    tended.fill(state);
    tended.store.checkpoint().expect("checkpoint");
    tended.store.collect().expect("collect");
    let (mut forks, mut collections) = (VecDeque::new(), 0);
    for number in 0..60 {
        let to = tended.store.new_state();
        let mut changes = vec![Change::Fork { from: state, to }, tended.write(state, 1)];
        forks.push_back(to);
        if forks.len() > 3 {
            changes.extend(forks.pop_front().map(|state| Change::Remove { state }));
        }
        tended.store.commit(changes).expect("accepted").wait().expect("durable");
        // Now and then all go on to trees of their own.
        if number % 5 == 0 {
            tended.store.checkpoint().expect("checkpoint");
        }
        if tended.store.needs_collection() {
            tended.store.collect().expect("collect");
            tended.check();
            collections += 1;
        }
    }
    assert!(collections <= 4, "{collections} collections for 60 entries");
}

#[test]
fn g14_what_a_fork_alone_held_is_freed_when_it_goes() {
    let disk = SimDisk::new(6);
    let mut tended = Tended::open(&disk);
    let (state, fork) = (tended.create(), tended.store.new_state());
    tended.fill(state);
    tended.commit(vec![Change::Fork { from: state, to: fork }]);
    tended.fill_by(state, 3);
    tended.store.checkpoint().expect("checkpoint");
    tended.store.collect().expect("collect");
    tended.frees_much_with(fork);
}

#[test]
fn g14_a_state_that_went_on_since_the_last_collection_is_freed_when_it_goes() {
    let disk = SimDisk::new(7);
    let mut tended = Tended::open(&disk);
    let (kept, state) = (tended.create(), tended.create());
    tended.fill(kept);
    tended.fill_by(state, 3);
    tended.store.checkpoint().expect("checkpoint");
    tended.store.collect().expect("collect");
    let write = tended.write(state, 1);
    tended.commit(vec![write]);
    tended.store.checkpoint().expect("checkpoint");
    tended.frees_much_with(state);
}

#[test]
fn g14_deleted_keys_free_their_space() {
    let disk = SimDisk::new(2);
    let mut tended = Tended::open(&disk);
    let state = tended.create();
    tended.fill(state);
    for first in (0..2000).step_by(100) {
        let writes = (first..first + 100).map(|number| (key(number), None)).collect();
        tended.commit(vec![Change::Write { state, epoch: WriterEpoch::FIRST, writes }]);
    }
    tended.store.checkpoint().expect("checkpoint");
    assert!(tended.store.needs_collection());
    tended.commit(vec![]);
    tended.check();
}

#[test]
fn g14_garbage_that_many_owners_left_is_collected() {
    let disk = SimDisk::new(3);
    let mut tended = Tended::open(&disk);
    let state = tended.create();
    tended.fill(state);
    for _ in 0..60 {
        // Each owner checkpoints when it leaves, and writes too little for more.
        let write = tended.write(state, 60);
        tended.commit(vec![write]);
        tended.store.checkpoint().expect("checkpoint");
        let Tended { store, random, .. } = tended;
        store.close().expect("close");
        tended = Tended { random, ..Tended::open(&disk) };
        tended.commit(vec![]);
        tended.check();
    }
}

#[test]
fn g14_a_state_that_nobody_writes_holds_no_segments() {
    let disk = SimDisk::new(4);
    let mut tended = Tended::open(&disk);
    let (idle, busy) = (tended.create(), tended.create());
    let write = tended.write(idle, 1);
    tended.commit(vec![write]);
    for _ in 0..400 {
        let write = tended.write(busy, 20);
        tended.commit(vec![write]);
        let info = tended.store.info();
        // Two that replay needs, the current one and a spare; the checkpoint of the commit may not be in a Manifest yet.
        assert!(info.journal_bytes <= 6 * stead_store::limits::SEGMENT_BYTES_MIN, "{info:?}");
    }
}
