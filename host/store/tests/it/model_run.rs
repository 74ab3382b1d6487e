//! A seeded workload on a store, with the oracle beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, CommitError, ComponentHash, StateId, Store, Ticket, WriterEpoch, Writes};

use crate::model::{Snapshot, options};

/// States beside the catalog; enough for forks of forks.
const STATES_MAX: usize = 6;

/// Something went wrong that the oracle does not excuse by itself: the caller knows which fault was injected.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

pub(crate) struct Run {
    pub(crate) disk: SimDisk,
    pub(crate) store: Option<Store>,
    /// One entry for each commit that was accepted, after the one at the start.
    pub(crate) history: Vec<Snapshot>,
    /// The last entry of the history that a caller was told to be durable.
    pub(crate) acknowledged: usize,
    /// Components that were put: they are durable at once.
    components: BTreeMap<ComponentHash, Bytes>,
    tickets: Vec<(usize, Ticket)>,
    random: Random,
}

impl Run {
    /// Opens the store on a disk that was never used.
    pub(crate) fn start(disk: SimDisk, seed: u64) -> Result<Run, (SimDisk, Failed)> {
        let opened = Store::open(Arc::new(disk.clone()), options());
        let (store, _) = opened.map_err(|e| (disk.clone(), Failed(format!("open: {e}"))))?;
        let first = Snapshot::of(&store).map_err(|e| (disk.clone(), Failed(e)))?;
        Ok(Run {
            disk,
            store: Some(store),
            history: vec![first],
            acknowledged: 0,
            components: BTreeMap::new(),
            tickets: Vec::new(),
            random: Random(seed),
        })
    }

    /// The same run on what became of its disk; the store is not open yet.
    pub(crate) fn after(&self, disk: SimDisk) -> Run {
        Run {
            disk,
            store: None,
            history: self.history.clone(),
            acknowledged: self.acknowledged,
            components: self.components.clone(),
            tickets: Vec::new(),
            random: self.random.clone(),
        }
    }

    /// The workload; stops at the first failure.
    pub(crate) fn steps(&mut self, steps: usize) -> Result<(), Failed> {
        for _ in 0..steps {
            self.step()?;
        }
        self.wait()
    }

    pub(crate) fn step(&mut self) -> Result<(), Failed> {
        match self.random.below(100) {
            0..70 => self.commit(),
            70..73 => self.burst(),
            73..86 => self.wait(),
            86..88 => self.component(),
            88..92 => self.checkpoint(),
            92..94 => self.collect(),
            94..96 => self.stale_write(),
            96..98 => self.reopen_clean(),
            _ => self.reopen_dropped(),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        self.store.as_ref().expect("the store is open")
    }

    pub(crate) fn current(&self) -> &Snapshot {
        self.history.last().expect("the history starts with one")
    }

    /// Everything accepted becomes durable.
    pub(crate) fn wait(&mut self) -> Result<(), Failed> {
        let mut result = Ok(());
        for (index, ticket) in std::mem::take(&mut self.tickets) {
            match ticket.wait() {
                Ok(_) => self.acknowledged = self.acknowledged.max(index),
                Err(e) => result = Err(Failed(format!("ticket: {e}"))),
            }
        }
        result
    }

    pub(crate) fn checkpoint(&mut self) -> Result<(), Failed> {
        self.store().checkpoint().map(|_| ()).map_err(|e| Failed(format!("checkpoint: {e}")))
    }

    fn collect(&mut self) -> Result<(), Failed> {
        self.store().collect().map(|_| ()).map_err(|e| Failed(format!("collect: {e}")))
    }

    fn component(&mut self) -> Result<(), Failed> {
        // A few, so that some are put again.
        let bytes = Bytes::from(vec![self.random.below(3) as u8; 700]);
        let put = self.store().put_component(&bytes);
        self.components.insert(put.map_err(|e| Failed(format!("component: {e}")))?, bytes);
        Ok(())
    }

    fn reopen_clean(&mut self) -> Result<(), Failed> {
        let waited = self.wait();
        self.store.take().expect("the store is open").close().map_err(|e| Failed(format!("close: {e}")))?;
        waited?;
        self.open()
    }

    /// The process goes away without closing, the machine stays.
    fn reopen_dropped(&mut self) -> Result<(), Failed> {
        self.store = None;
        self.tickets.clear();
        self.open()
    }

    /// Opens what lies on the disk, which must be a state the oracle allows.
    pub(crate) fn open(&mut self) -> Result<(), Failed> {
        self.store = None;
        self.tickets.clear();
        let (store, _) =
            Store::open(Arc::new(self.disk.clone()), options()).map_err(|e| Failed(format!("open: {e}")))?;
        let actual = Snapshot::of(&store).map_err(Failed)?;
        self.accept(&actual).map_err(Failed)?;
        for (hash, bytes) in &self.components {
            match store.component(hash) {
                Ok(found) => assert!(found == *bytes, "component {hash} changed"),
                Err(e) if e.kind() == "io" => return Err(Failed(format!("component {hash}: {e}"))),
                Err(e) => return Err(Failed(format!("LOST: component {hash}: {e}"))),
            }
        }
        self.store = Some(store);
        Ok(())
    }

    /// The oracle: what is there is what was there after some prefix of the commits, with every acknowledged one. What
    /// came after is forgotten; what is there now can be seen, so it must stay.
    fn accept(&mut self, actual: &Snapshot) -> Result<(), String> {
        let place = (self.acknowledged..self.history.len()).rev().find(|index| self.history[*index] == *actual);
        let Some(place) = place else {
            let earlier = (0..self.acknowledged).rev().find(|index| self.history[*index] == *actual);
            if let Some(index) = earlier {
                return Err(format!("LOST: holds commit {index}, but {} was acknowledged", self.acknowledged));
            }
            let against_last = self.current().difference(actual).unwrap_or_default();
            let against_acknowledged = self.history[self.acknowledged].difference(actual).unwrap_or_default();
            return Err(format!(
                "holds no prefix of the commits; against the last ({}): {against_last}; against the acknowledged ({}): {against_acknowledged}",
                self.history.len() - 1,
                self.acknowledged,
            ));
        };
        self.history.truncate(place + 1);
        self.acknowledged = place;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Failed> {
        let changes = self.changes();
        self.commit_these(changes)
    }

    fn commit_these(&mut self, changes: Vec<Change>) -> Result<(), Failed> {
        match self.store().commit(changes.clone()) {
            Ok(ticket) => {
                let store = self.store.as_ref().expect("the store is open");
                let mut next = self.current().clone();
                next.apply(&changes, store);
                self.history.push(next);
                self.tickets.push((self.history.len() - 1, ticket));
                Ok(())
            }
            Err(e) => Err(Failed(format!("commit: {e}"))),
        }
    }

    /// More commits at once than one batch holds.
    fn burst(&mut self) -> Result<(), Failed> {
        for _ in 0..12 {
            let states: Vec<StateId> = self.current().states.keys().copied().collect();
            let Some(state) = states.into_iter().find(|id| *id != StateId::CATALOG) else { return Ok(()) };
            let changes = vec![self.write_values(state, 1, 2500)];
            self.commit_these(changes)?;
        }
        self.wait()
    }

    /// A writer that was fenced is refused, and nothing of its commit is seen.
    fn stale_write(&mut self) -> Result<(), Failed> {
        let fenced = self.current().states.iter().find(|(_, state)| state.epoch > WriterEpoch::FIRST);
        let Some((state, _)) = fenced else { return Ok(()) };
        let writes = Writes::from([(Bytes::from_static(b"stale"), Some(Bytes::from_static(b"stale")))]);
        let write = Change::Write { state: *state, epoch: WriterEpoch::FIRST, writes };
        match self.store().commit(vec![write]) {
            Err(CommitError::Fenced { .. }) => Ok(()),
            Err(e) => Err(Failed(format!("commit: {e}"))),
            Ok(_) => panic!("a fenced writer's commit was accepted"),
        }
    }

    fn changes(&mut self) -> Vec<Change> {
        let states: Vec<StateId> = self.current().states.keys().copied().filter(|id| *id != StateId::CATALOG).collect();
        if states.is_empty() {
            return self.create(300);
        }
        let room = states.len() < STATES_MAX;
        let any = states[self.random.below(states.len())];
        match self.random.below(20) {
            0 if room => self.create(3),
            1 | 2 if room => {
                let to = self.new_state();
                let mut changes = vec![self.write(any, 3), Change::Fork { from: any, to }];
                let writes = self.writes(2);
                changes.push(Change::Write { state: to, epoch: WriterEpoch::FIRST, writes });
                changes
            }
            3 => {
                let epoch = WriterEpoch(self.current().states[&any].epoch.0 + 1);
                let writes = self.writes(1);
                vec![Change::Fence { state: any, epoch }, Change::Write { state: any, epoch, writes }]
            }
            4 if states.len() > 2 => vec![Change::Remove { state: any }],
            5 => {
                let mut catalog = self.write(StateId::CATALOG, 2);
                if let Change::Write { writes, .. } = &mut catalog {
                    *writes = std::mem::take(writes).into_iter().map(|(key, value)| (prefixed(&key), value)).collect();
                }
                vec![catalog, self.write(any, 1)]
            }
            // Larger than a batch can be in the smallest segment.
            6 => vec![self.write_values(any, 30, 3000)],
            7 => states.iter().map(|state| self.write(*state, 2)).collect(),
            _ => vec![self.write(any, 4)],
        }
    }

    fn create(&mut self, entries: usize) -> Vec<Change> {
        let state = self.new_state();
        let writes = (0..entries).map(|_| self.entry(90)).collect();
        vec![Change::Create { state }, Change::Write { state, epoch: WriterEpoch::FIRST, writes }]
    }

    fn new_state(&mut self) -> StateId {
        let state = self.store().new_state();
        assert!(!self.history.iter().any(|snapshot| snapshot.states.contains_key(&state)), "{state} was in use before");
        state
    }

    fn write(&mut self, state: StateId, entries: usize) -> Change {
        let writes = self.writes(entries);
        Change::Write { state, epoch: self.current().states[&state].epoch, writes }
    }

    fn write_values(&mut self, state: StateId, entries: usize, bytes: usize) -> Change {
        let epoch = self.current().states[&state].epoch;
        let writes = (0..entries).map(|_| (self.key(), Some(self.value(bytes)))).collect();
        Change::Write { state, epoch, writes }
    }

    fn writes(&mut self, entries: usize) -> Writes {
        (0..=self.random.below(entries))
            .map(|_| {
                let bytes = [0, 8, 60, 100, 1024, 1025, 2500][self.random.below(7)];
                self.entry(bytes)
            })
            .collect()
    }

    fn entry(&mut self, bytes: usize) -> (Bytes, Option<Bytes>) {
        let key = self.key();
        let value = (!self.random.one_in(5)).then(|| self.value(bytes));
        (key, value)
    }

    fn key(&mut self) -> Bytes {
        let number = self.random.below(120);
        let text = format!("key {number:03}{}", "-long".repeat(number % 7));
        Bytes::from(text)
    }

    fn value(&mut self, bytes: usize) -> Bytes {
        let byte = self.random.next() as u8;
        let mut value = vec![byte; bytes];
        if let Some(last) = value.last_mut() {
            *last = self.random.next() as u8;
        }
        Bytes::from(value)
    }
}

/// A key of the catalog that belongs to its user.
fn prefixed(key: &[u8]) -> Bytes {
    [&[1], key].concat().into()
}

/// splitmix64.
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// The seed of a test, unless `STEAD_SEED` names one.
pub(crate) fn seed_or(default: u64) -> u64 {
    variable("STEAD_SEED").unwrap_or(default)
}

/// The only place to try, if `STEAD_OPERATION` names one.
pub(crate) fn only_operation() -> Option<u64> {
    variable("STEAD_OPERATION")
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// Says how to repeat a run, if it panics.
pub(crate) struct Replay {
    pub(crate) test: &'static str,
    pub(crate) seed: u64,
    pub(crate) operation: u64,
    pub(crate) about: String,
}

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Replay { test, seed, operation, about } = self;
            eprintln!(
                "failed at operation {operation} ({about}); to repeat:\n  \
                 STEAD_SEED={seed} STEAD_OPERATION={operation} cargo test -p stead-store --test it {test}"
            );
        }
    }
}
