//! A disk that reads again what could not be read: a repair must not take a passing failure for a loss.

use std::io;
use std::sync::Arc;

use crate::disk::{Disk, File, Lock, Mode};

/// How often a read is tried. A bad sector fails each time; what a cable or a controller does passes.
const TRIES: usize = 3;

/// The disk behind, with patience.
pub(crate) struct Patient(pub(crate) Arc<dyn Disk>);

struct PatientFile(Box<dyn File>);

fn patiently<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let mut tries = 1;
    loop {
        match operation() {
            Err(error) if tries < TRIES && error.raw_os_error().is_some() => tries += 1,
            done => return done,
        }
    }
}

impl Disk for Patient {
    fn open(&self, path: &str, mode: Mode) -> io::Result<Box<dyn File>> {
        let open = || self.0.open(path, mode);
        Ok(Box::new(PatientFile(if mode == Mode::Read { patiently(open)? } else { open()? })))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.0.remove(path)
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        patiently(|| self.0.list(dir))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        self.0.create_dir(path)
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.0.sync_dir(path)
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>> {
        self.0.lock(path)
    }

    fn lock_to_read(&self, path: &str) -> io::Result<Option<Box<dyn Lock>>> {
        self.0.lock_to_read(path)
    }

    fn random(&self, out: &mut [u8]) {
        self.0.random(out);
    }
}

impl File for PatientFile {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        patiently(|| self.0.read_at(offset, out))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn len(&self) -> io::Result<u64> {
        patiently(|| self.0.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }
}
