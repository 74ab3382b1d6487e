//! A seeded workload on a store, with the oracle beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, ComponentHash, Durability, Recovery, Store, Ticket};

use crate::model::{Snapshot, options};
use crate::model_steps::{Step, random_step};

/// Something went wrong that the oracle does not excuse by itself: the caller knows which fault was injected.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) String);

impl Failed {
    /// No fault excuses this.
    pub(crate) fn is_fatal(&self) -> bool {
        ["LOST", "WRONG", "no prefix"].iter().any(|word| self.0.contains(word))
    }
}

pub(crate) struct Run {
    pub(crate) disk: SimDisk,
    pub(crate) store: Option<Store>,
    /// One entry for each commit that was accepted, after the one at the start.
    pub(crate) history: Vec<Snapshot>,
    /// The last entry of the history that a caller was told to be durable.
    pub(crate) acknowledged: usize,
    /// The last one that a caller was told to survive the end of the process.
    written: usize,
    /// Components that were put: they are durable at once.
    pub(crate) components: BTreeMap<ComponentHash, Bytes>,
    tickets: Vec<(usize, Durability, Ticket)>,
    pub(crate) random: Random,
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
            written: 0,
            components: BTreeMap::new(),
            tickets: Vec::new(),
            random: Random(seed),
        })
    }

    /// The same run on what a power loss left of its disk; the store is not open yet.
    pub(crate) fn after(&self, disk: SimDisk) -> Run {
        Run { written: self.acknowledged, ..self.after_kill(disk) }
    }

    /// The same where only the process ended.
    pub(crate) fn after_kill(&self, disk: SimDisk) -> Run {
        Run {
            disk,
            store: None,
            history: self.history.clone(),
            acknowledged: self.acknowledged,
            written: self.written,
            components: self.components.clone(),
            tickets: Vec::new(),
            random: self.random.clone(),
        }
    }

    /// A random workload; stops at the first failure.
    pub(crate) fn steps(&mut self, steps: usize) -> Result<(), Failed> {
        for _ in 0..steps {
            self.step()?;
        }
        self.wait()
    }

    /// One random step.
    pub(crate) fn step(&mut self) -> Result<(), Failed> {
        let step = random_step(&mut self.random);
        self.take(step)
    }

    pub(crate) fn take(&mut self, step: Step) -> Result<(), Failed> {
        match step {
            Step::Do(action) => action(self),
            Step::Commit(changes) => {
                let changes = changes(self);
                if changes.is_empty() { Ok(()) } else { self.commit(changes) }
            }
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
        for (index, durability, ticket) in std::mem::take(&mut self.tickets) {
            match ticket.wait() {
                Ok(_) => {
                    self.written = self.written.max(index);
                    if durability == Durability::Synced {
                        self.acknowledged = self.acknowledged.max(index);
                    }
                }
                Err(e) => result = Err(Failed(format!("ticket: {e}"))),
            }
        }
        result
    }

    pub(crate) fn checkpoint(&mut self) -> Result<(), Failed> {
        self.store().checkpoint().map(|_| ()).map_err(|e| Failed(format!("checkpoint: {e}")))
    }

    /// Opens what lies on the disk, which must be a state the oracle allows.
    pub(crate) fn open(&mut self) -> Result<Recovery, Failed> {
        self.store = None;
        self.tickets.clear();
        let (store, recovery) =
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
        Ok(recovery)
    }

    /// The oracle: what is there is what was there after some prefix of the commits, with every acknowledged one. What
    /// came after is forgotten; what is there now can be seen, so it must stay.
    fn accept(&mut self, actual: &Snapshot) -> Result<(), String> {
        self.acknowledged = self.acknowledged.max(self.written);
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
        self.written = place;
        Ok(())
    }

    pub(crate) fn commit(&mut self, changes: Vec<Change>) -> Result<(), Failed> {
        let durability = if self.random.one_in(3) { Durability::Buffered } else { Durability::Synced };
        self.commit_with(changes, durability)
    }

    /// Commits, and waits until the operating system has it.
    pub(crate) fn commit_buffered(&mut self, changes: Vec<Change>) -> Result<(), Failed> {
        self.commit_with(changes, Durability::Buffered)?;
        let (index, _, ticket) = self.tickets.pop().expect("just pushed");
        ticket.wait().map_err(|e| Failed(format!("ticket: {e}")))?;
        self.written = self.written.max(index);
        Ok(())
    }

    fn commit_with(&mut self, changes: Vec<Change>, durability: Durability) -> Result<(), Failed> {
        match self.store().commit_with(changes.clone(), durability) {
            Ok(ticket) => {
                let store = self.store.as_ref().expect("the store is open");
                let mut next = self.current().clone();
                next.apply(&changes, store);
                self.history.push(next);
                self.tickets.push((self.history.len() - 1, durability, ticket));
                Ok(())
            }
            Err(e) => Err(Failed(format!("commit: {e}"))),
        }
    }
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

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
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

/// A number from the environment.
pub(crate) fn variable(name: &str) -> Option<u64> {
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
