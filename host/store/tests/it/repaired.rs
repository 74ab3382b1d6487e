//! A store whose every commit is known, and the check of a repair against it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{
    Affected, Change, ComponentHash, Order, RepairError, Repaired, StateId, Store, Verified, WriterEpoch, Writes,
};

use crate::model::options;

type Entries = BTreeMap<Bytes, Bytes>;
/// Every state, snapshots included, with its entries.
type World = BTreeMap<StateId, Entries>;

/// A closed store, and what it held after each commit.
pub(crate) struct Known {
    pub(crate) disk: SimDisk,
    pub(crate) history: Vec<World>,
    pub(crate) component: ComponentHash,
}

struct Maker {
    store: Store,
    history: Vec<World>,
}

impl Maker {
    fn commit(&mut self, changes: Vec<Change>) {
        let mut world = self.history.last().expect("it starts with one").clone();
        for change in &changes {
            match change {
                Change::Create { state } => drop(world.insert(*state, Entries::new())),
                Change::Fork { from, to } | Change::Snapshot { state: from, to, .. } => {
                    world.insert(*to, world[from].clone());
                }
                Change::Remove { state } => drop(world.remove(state)),
                Change::Write { state, writes, .. } => {
                    let entries = world.get_mut(state).expect("a state");
                    for (key, value) in writes {
                        match value {
                            Some(value) => entries.insert(key.clone(), value.clone()),
                            None => entries.remove(key),
                        };
                    }
                }
                _ => {}
            }
        }
        self.store.commit(changes).expect("accepted").wait().expect("durable");
        self.history.push(world);
    }

    fn write(&mut self, state: StateId, keys: impl Iterator<Item = u32>, bytes: usize) {
        let number = self.history.len() as u8;
        let value = |key: u32| (0..bytes).map(|at| (at as u8).wrapping_mul(7) ^ key as u8 ^ number).collect::<Vec<_>>();
        let writes: Writes = keys.map(|key| (name(key), Some(Bytes::from(value(key))))).collect();
        self.commit(vec![Change::Write { state, epoch: WriterEpoch::FIRST, writes }]);
    }
}

fn name(key: u32) -> Bytes {
    Bytes::from(format!("key {key:05}"))
}

impl Known {
    /// A store with states of one and of several nodes, forked, removed and kept as snapshots; values in leaves and outside;
    /// writes that lie in packs; checkpoints, several segments, some of which were recycled.
    pub(crate) fn make(closed: bool) -> Known {
        let disk = SimDisk::new(7);
        let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
        let mut maker = Maker { store, history: vec![World::from([(StateId::CATALOG, Entries::new())])] };
        let states: Vec<StateId> = (0..6).map(|_| maker.store.new_state()).collect();
        maker.commit(states[..3].iter().map(|state| Change::Create { state: *state }).collect());
        maker.write(states[0], 0..300, 60);
        maker.write(states[1], 0..12, 20);
        maker.write(states[1], 20..23, 1500);
        maker.store.checkpoint().expect("checkpoint");
        for round in 0..9 {
            maker.write(states[0], (round * 20..300).step_by(37), 70);
            maker.write(StateId::CATALOG, round..round + 2, 30);
        }
        let epoch = WriterEpoch::FIRST;
        maker.commit(vec![Change::Snapshot { state: states[0], to: states[3], name: "noon".to_owned() }]);
        maker.store.checkpoint().expect("checkpoint");
        for round in 0..6 {
            maker.write(states[0], (round..300).step_by(50), 50);
            maker.write(states[2], round..round + 3, 200);
        }
        maker.write(states[2], 100..102, 9000);
        maker.commit(vec![Change::Fork { from: states[1], to: states[4] }, Change::Remove { state: states[1] }]);
        maker.store.checkpoint().expect("checkpoint");
        let gone = Writes::from([(name(3), None)]);
        maker.commit(vec![Change::Write { state: states[4], epoch, writes: gone }]);
        for round in 0..5 {
            maker.write(states[0], (round..300).step_by(90), 40);
        }
        maker.write(states[2], 102..104, 9000);
        maker.write(states[4], 1..2, 10);
        maker.commit(vec![Change::Fork { from: states[0], to: states[5] }]);
        maker.write(states[5], 5..6, 10);
        let component = maker.store.put_component(b"\0asm, or what passes for it").expect("component");
        let Maker { store, history } = maker;
        if closed {
            store.close().expect("close");
        } else {
            drop(store);
        }
        Known { disk: disk.restart(1), history, component }
    }

    /// The last commit.
    pub(crate) fn last(&self) -> u64 {
        self.history.len() as u64 - 1
    }

    /// Opens a repaired directory: everything it serves is what was committed up to `kept`, and what is missing was said to
    /// be lost.
    pub(crate) fn check(&self, disk: &SimDisk, repaired: &Repaired, about: &str) {
        let kept = if repaired.is_clean() { self.last() } else { repaired.kept.0 };
        assert!(kept == self.last() || repaired.lost_commits.is_some(), "lost commits are not named: {repaired:?}");
        let world = &self.history[kept as usize];
        let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("a repaired store opens");
        let lost = |state: StateId, key: &[u8]| {
            repaired.lost_entries.iter().any(|lost| lost.state == state && lost.covers(key))
        };
        let older = |state: StateId, key: &[u8]| {
            let older = repaired.older_entries.iter().filter(move |(older, _)| older.state == state);
            let commits = older.filter(|(older, _)| older.covers(key)).map(|(_, commit)| commit.0);
            // A state that did not exist then started from one that did.
            let then = commits.flat_map(|commit| self.history[commit as usize].values());
            then.map(|entries| entries.get(key).cloned()).collect::<Vec<_>>()
        };
        for (state, expected) in world {
            let header = [&[0][..], &state.0.to_be_bytes()].concat();
            let Some(view) = store.view(*state) else {
                assert!(lost(StateId::CATALOG, &header), "{state} is missing: {repaired}{about}");
                continue;
            };
            let from = if *state == StateId::CATALOG { Bytes::from_static(&[1]) } else { Bytes::new() };
            let scan = view.scan(Bound::Included(from), Bound::Unbounded, Order::Ascending);
            let served: Entries = scan.collect::<Result<_, _>>().expect("everything that is served can be read");
            for (key, value) in &served {
                if !older(*state, key).contains(&Some(value.clone())) {
                    assert_eq!(
                        Some(value),
                        expected.get(key),
                        "{state} serves a wrong value for {key:?}: {repaired}{about}"
                    );
                }
            }
            for key in expected.keys().filter(|key| !served.contains_key(*key)) {
                let is_known = lost(*state, key) || older(*state, key).contains(&None);
                assert!(is_known, "{state} misses {key:?}, which was not said to be lost: {repaired}{about}");
            }
        }
        let unknown = store.states().into_iter().find(|state| !world.contains_key(state));
        assert_eq!(unknown, None, "a state that should not be there: {repaired}{about}");
        let component = store.component(&self.component);
        // Which components there must be, a store does not know.
        let told = repaired.components.contains(&self.component.to_string());
        assert!(
            told || component.is_ok() || component.is_err_and(|error| error.kind() == "missing"),
            "{repaired}{about}"
        );
        // It works.
        let state = store.new_state();
        let commit = store.commit(vec![Change::Create { state }]).expect("accepted").wait().expect("durable");
        assert_eq!(commit.0, kept + 1);
        store.checkpoint().expect("checkpoint");
        let verified = store.verify(&mut |_| {}).expect("verify");
        assert!(verified.is_clean(), "{:?}", verified.damage);
    }

    /// No more is given up than damage of this kind explains.
    pub(crate) fn lost_entries_count(repaired: &Repaired) -> u64 {
        let older = repaired.older_entries.iter().map(|(older, _)| older);
        repaired.lost_entries.iter().chain(older).map(|lost: &Affected| lost.entries.expect("known")).sum()
    }
}

pub(crate) fn verify(disk: &SimDisk) -> Verified {
    Store::verify_idle(Arc::new(disk.clone()), &mut |_| {}).expect("verified")
}

pub(crate) fn repair(disk: &SimDisk) -> Result<Repaired, RepairError> {
    Store::repair(Arc::new(disk.clone()), false, &mut |_| {})
}

/// All files with their contents.
pub(crate) fn files(disk: &SimDisk) -> BTreeMap<String, Vec<u8>> {
    disk.files().into_iter().map(|path| (path.clone(), disk.contents(&path).expect("listed"))).collect()
}
