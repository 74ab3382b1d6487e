//! A simulated disk that does everything a real one is allowed to do, and nothing else, as a seed decides.

use std::io;

use super::{Disk, File, Lock, Mode};

/// The error number of a failed read, write or sync.
pub const EIO: i32 = 5;
/// The error number of a full disk.
pub const ENOSPC: i32 = 28;

/// A simulated data directory. Clones share one disk.
#[derive(Clone)]
pub struct SimDisk {}

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> SimDisk {
        let _ = seed;
        SimDisk {}
    }

    /// How many operations were started so far. The next one has this number.
    pub fn operations(&self) -> u64 {
        todo!()
    }

    /// The power fails during operation `n`: it may or may not take effect, it and all later ones fail.
    pub fn crash_after(&self, n: u64) {
        let _ = n;
        todo!()
    }

    /// Operation `n` fails with an error number; if it is a write, any part of it may have been done.
    pub fn fail(&self, n: u64, errno: i32) {
        let _ = (n, errno);
        todo!()
    }

    /// The first sync that is operation `n` or later fails, and what it should have written is gone.
    pub fn fail_sync(&self, n: u64) {
        let _ = n;
        todo!()
    }

    /// From now on files can grow by so many bytes; `None` is without bound.
    pub fn full(&self, bytes_left: Option<u64>) {
        let _ = bytes_left;
        todo!()
    }

    /// Flips one bit (0 is the lowest) of a file.
    pub fn flip_bit(&self, path: &str, offset: u64, bit: u8) {
        let _ = (path, offset, bit);
        todo!()
    }

    /// The disk as the machine finds it after a power loss now. This one stays crashed, so several outcomes of one crash
    /// can be tried.
    pub fn restart(&self, seed: u64) -> SimDisk {
        let _ = seed;
        todo!()
    }

    /// The disk as the next process finds it after this one was killed: nothing is lost.
    pub fn kill(&self) -> SimDisk {
        todo!()
    }

    /// The paths of all files, sorted.
    pub fn files(&self) -> Vec<String> {
        todo!()
    }
}

/// Whether an error says that the simulated power is off.
pub fn is_crash(error: &io::Error) -> bool {
    let _ = error;
    todo!()
}

impl Disk for SimDisk {
    fn open(&self, _path: &str, _mode: Mode) -> io::Result<Box<dyn File>> {
        todo!()
    }
    fn rename(&self, _from: &str, _to: &str) -> io::Result<()> {
        todo!()
    }
    fn remove(&self, _path: &str) -> io::Result<()> {
        todo!()
    }
    fn list(&self, _dir: &str) -> io::Result<Vec<String>> {
        todo!()
    }
    fn create_dir(&self, _path: &str) -> io::Result<()> {
        todo!()
    }
    fn sync_dir(&self, _path: &str) -> io::Result<()> {
        todo!()
    }
    fn lock(&self, _path: &str) -> io::Result<Box<dyn Lock>> {
        todo!()
    }
    fn random(&self, _out: &mut [u8]) {
        todo!()
    }
}
