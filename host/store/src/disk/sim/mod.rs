//! A simulated disk that does everything a real one is allowed to do, and nothing else, as a seed decides.
//!
//! ```text
//!  processes see      a sync moves it      a power loss keeps
//!  cache, names  ──▶  pending changes  ──▶  medium + whatever of the pending changes the seed picks
//! ```
//!
//! Unsynced writes are lost, reordered or torn at any byte; a file's length may be ahead of its contents; names that
//! were created, renamed or removed are not there until their directory is synced; reads are short. On demand an operation
//! fails, a sync fails and what it should have written is gone for good though the cache goes on showing it, the disk is
//! full, a bit flips, or the power fails during the operation with a chosen number.

mod contents;
mod file;
mod names;
mod plan;
mod random;
mod tear;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;

use super::{Disk, File, Held, Lock, Mode, check_path};
use crate::sync::Mutex;
use contents::Contents;
use file::{SimFile, SimLock};
use names::{Change, Inode, Names, parent};
pub use plan::Operation;
use plan::{Failure, Plan, PowerOff, Step, power_off};
use random::Random;
pub use tear::{Loss, Part};

/// The error number of a failed read, write or sync.
pub const EIO: i32 = 5;
/// The error number of a full disk.
pub const ENOSPC: i32 = 28;

/// A simulated data directory. Clones share one disk.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

struct State {
    random: Random,
    plan: Plan,
    names: Names,
    inodes: BTreeMap<Inode, Contents>,
    locks: BTreeSet<Inode>,
    bytes_left: Option<usize>,
    /// The file of the last write.
    last_written: Option<Inode>,
}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> SimDisk {
        SimDisk::with(Random::new(seed), Names::default(), BTreeMap::new())
    }

    /// How many operations were started so far. The next one has this number.
    pub fn operations(&self) -> u64 {
        self.state.lock().plan.operations()
    }

    /// All operations so far with the file or directory each was on; the first has number 0.
    pub fn log(&self) -> Vec<(Operation, Arc<str>)> {
        self.state.lock().plan.log.clone()
    }

    /// The power fails during operation `n`: it takes effect as far as an unsynced change does; it and all later ones
    /// fail, with an error that [`is_crash`] knows.
    pub fn crash_after(&self, n: u64) {
        self.state.lock().plan.crash_at = Some(n);
    }

    /// Whether the power is off.
    pub fn crashed(&self) -> bool {
        self.state.lock().plan.crashed()
    }

    /// Operation `n` fails with an error number, once. Any part of a write may have been done; a failed sync fails as
    /// [`SimDisk::fail_sync`] says; anything else has no effect.
    pub fn fail(&self, n: u64, errno: i32) {
        self.state.lock().plan.failures.insert(n, Failure::any(errno));
    }

    /// The same for a write that had done a part, one of [`Part::SHORT`].
    pub fn fail_write(&self, n: u64, errno: i32, part: Part) {
        self.state.lock().plan.failures.insert(n, Failure { part: Some(part), ..Failure::any(errno) });
    }

    /// The same for a sync of a file or a directory that has lost what is named.
    pub fn fail_sync_with(&self, n: u64, loss: Loss) {
        self.state.lock().plan.failures.insert(n, Failure { loss: Some(loss), ..Failure::any(EIO) });
    }

    /// The first sync that is operation `n` or later fails, once. What it should have written is gone: the cache goes on
    /// showing it, the medium holds any part of it, and later syncs report success without writing it.
    pub fn fail_sync(&self, n: u64) {
        self.state.lock().plan.sync_failure_from = Some(n);
    }

    /// From now on files can grow by so many bytes, and none can be created when nothing is left; `None` is without bound.
    pub fn full(&self, bytes_left: Option<u64>) {
        self.state.lock().bytes_left = bytes_left.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    /// Flips one bit (0 is the lowest) of a file, on the medium and in the cache.
    pub fn flip_bit(&self, path: &str, offset: u64, bit: u8) {
        let mut state = self.state.lock();
        let inode = state.names.seen.files[path];
        state.inodes.get_mut(&inode).expect("names have contents").flip_bit(offset as usize, bit);
    }

    /// The disk as the machine finds it after a power loss now. This one stays without power, so that several outcomes of
    /// one crash can be tried.
    pub fn restart(&self, seed: u64) -> SimDisk {
        self.restart_with(Loss::Seed(seed))
    }

    /// The same with a loss that is named.
    pub fn restart_with(&self, loss: Loss) -> SimDisk {
        let mut state = self.state.lock();
        state.plan.off = true;
        let mut random = match loss {
            Loss::Seed(seed) => Random::new(seed),
            _ => Random::new(state.random.clone().next()),
        };
        let (of_names, of_contents) = loss.fates().unzip();
        let names = state.names.after_power_loss(of_names, &mut random);
        let inodes = names.seen.files.values().map(|inode| {
            let part = match loss {
                Loss::Tear(part) if state.last_written == Some(*inode) => Some(part),
                _ => None,
            };
            (*inode, state.inodes[inode].after_power_loss(of_contents, part, &mut random))
        });
        let inodes = inodes.collect();
        SimDisk::with(random, names, inodes)
    }

    /// The disk as the next process finds it after this one was killed: nothing is lost, and nothing more is durable.
    pub fn kill(&self) -> SimDisk {
        let mut state = self.state.lock();
        state.plan.off = true;
        let mut random = state.random.clone();
        random.next();
        SimDisk::with(random, state.names.clone(), state.inodes.clone())
    }

    /// The paths of all files, sorted.
    pub fn files(&self) -> Vec<String> {
        self.state.lock().names.seen.files.keys().cloned().collect()
    }

    /// What a read of a whole file returns; not an operation. Nothing if there is no such file.
    pub fn contents(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        let inode = state.names.seen.files.get(path)?;
        Some(state.inodes[inode].cache.to_vec())
    }

    fn with(random: Random, names: Names, inodes: BTreeMap<Inode, Contents>) -> SimDisk {
        let plan = Plan::default();
        let state = State { random, plan, names, inodes, locks: BTreeSet::new(), bytes_left: None, last_written: None };
        SimDisk { state: Arc::new(Mutex::new(state)) }
    }

    /// Changes names, unless the operation is to fail.
    fn change_names<T>(
        &self,
        operation: Operation,
        path: &str,
        change: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> io::Result<T> {
        check_path(path)?;
        let mut state = self.state.lock();
        match state.plan.step(operation, &path.into())? {
            Step::Whole => change(&mut state),
            Step::PowerFails => change(&mut state).and(Err(power_off())),
            Step::Fails(failure) => Err(failure.error()),
        }
    }

    fn file(&self, inode: Inode, path: &str, mode: Mode) -> SimFile {
        SimFile { disk: self.clone(), inode, path: path.into(), writable: mode != Mode::Read }
    }
}

/// Whether an error says that the simulated power is off.
pub fn is_crash(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|source| source.is::<PowerOff>())
}

impl Disk for SimDisk {
    fn open(&self, path: &str, mode: Mode) -> io::Result<Box<dyn File>> {
        if mode == Mode::CreateNew {
            let inode = self.change_names(Operation::Create, path, |state| state.create(path))?;
            return Ok(Box::new(self.file(inode, path, mode)));
        }
        check_path(path)?;
        let mut state = self.state.lock();
        state.plan.look(Operation::Open, &path.into())?;
        let inode = state.find(path)?;
        Ok(Box::new(self.file(inode, path, mode)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_path(to)?;
        self.change_names(Operation::Rename, from, |state| {
            let inode = state.find(from)?;
            if !state.names.has_dir(parent(to)) {
                return Err(not_found(to));
            }
            if let Ok(replaced) = state.find(to)
                && replaced != inode
            {
                state.shrink(replaced, 0);
            }
            state.names.rename(from, to, inode);
            Ok(())
        })
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.change_names(Operation::Remove, path, |state| {
            let inode = state.find(path)?;
            state.shrink(inode, 0);
            state.names.change(Change::Unlink { path: path.to_owned(), moved_to: None });
            Ok(())
        })
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let mut state = self.state.lock();
        state.plan.look(Operation::List, &dir.into())?;
        if !state.names.has_dir(dir) {
            return Err(not_found(dir));
        }
        let files = state.names.seen.files.keys().filter(|path| parent(path) == dir);
        Ok(files.map(|path| path.rsplit('/').next().unwrap_or(path).to_owned()).collect())
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.change_names(Operation::CreateDir, path, |state| {
            if state.names.has_dir(path) {
                return Ok(());
            }
            if !state.names.has_dir(parent(path)) {
                return Err(not_found(path));
            }
            if state.bytes_left == Some(0) {
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
            state.names.change(Change::MakeDir { path: path.to_owned() });
            Ok(())
        })
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let state = &mut *state;
        match state.plan.step(Operation::SyncDir, &path.into())? {
            Step::Whole if !state.names.has_dir(path) => Err(not_found(path)),
            Step::Whole => {
                state.names.sync(path);
                Ok(())
            }
            Step::PowerFails => Err(power_off()),
            Step::Fails(failure) => {
                let fate = failure.loss.and_then(Loss::fates).map(|(names, _)| names);
                state.names.sync_fails(path, fate, &mut state.random);
                Err(failure.error())
            }
        }
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>> {
        check_path(path)?;
        let mut state = self.state.lock();
        state.plan.look(Operation::Lock, &path.into())?;
        let inode = match state.find(path) {
            Ok(inode) => inode,
            Err(_) => state.create(path)?,
        };
        if !state.locks.insert(inode) {
            let record = String::from_utf8_lossy(&state.inodes[&inode].cache).into_owned();
            return Err(io::Error::new(io::ErrorKind::WouldBlock, Held { record }));
        }
        Ok(Box::new(SimLock { file: self.file(inode, path, Mode::ReadWrite) }))
    }

    fn lock_to_read(&self, path: &str) -> io::Result<Option<Box<dyn Lock>>> {
        check_path(path)?;
        {
            let mut state = self.state.lock();
            state.plan.look(Operation::Lock, &path.into())?;
            if state.find(path).is_err() {
                return Ok(None);
            }
        }
        self.lock(path).map(Some)
    }

    fn random(&self, out: &mut [u8]) {
        self.state.lock().random.fill(out);
    }
}

impl State {
    fn find(&self, path: &str) -> io::Result<Inode> {
        self.names.seen.files.get(path).copied().ok_or_else(|| not_found(path))
    }

    fn create(&mut self, path: &str) -> io::Result<Inode> {
        if self.names.seen.files.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !self.names.has_dir(parent(path)) {
            return Err(not_found(path));
        }
        if self.bytes_left == Some(0) {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        let inode = self.inodes.last_key_value().map_or(0, |(last, _)| last + 1);
        self.inodes.insert(inode, Contents::default());
        self.names.change(Change::Link { path: path.to_owned(), inode });
        Ok(inode)
    }

    /// Takes the space a file needs to have a length; returns the length that there is space for.
    fn grow(&mut self, inode: Inode, len: usize) -> usize {
        let old = self.inodes[&inode].len();
        let Some(left) = &mut self.bytes_left else { return len };
        let more = len.saturating_sub(old).min(*left);
        *left -= more;
        (old + more).min(len)
    }

    /// Gives space back.
    fn shrink(&mut self, inode: Inode, len: usize) {
        let less = self.inodes[&inode].len().saturating_sub(len);
        if let Some(left) = &mut self.bytes_left {
            *left += less;
        }
    }
}

fn not_found(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no such file or directory: {path:?}"))
}
