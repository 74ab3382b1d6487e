//! The one seam between the store and the outside: files, directories, the lock and randomness.
//!
//! [`DirDisk`] is a real directory, [`sim::SimDisk`] a simulated one with every fault a real one may show. All paths are
//! relative to the data directory, separated by `/`, and never contain `..`; only an implementation joins them.
//!
//! What the store may assume, and what both implementations keep:
//! - bytes written to a file last only once [`File::sync_data`] or [`File::sync_all`] has returned `Ok`; until then any
//!   part of them may be on the medium, in any order;
//! - a name (created, renamed, removed) lasts only once [`Disk::sync_dir`] of its directory has returned `Ok`;
//! - after a failed sync nothing is known about what was written since the sync before; trying again proves nothing.

#[cfg(unix)]
mod dir;
pub mod sim;
#[cfg(all(test, unix))]
mod tests;

use std::fmt;
use std::io;

#[cfg(unix)]
pub use dir::DirDisk;

/// A data directory.
pub trait Disk: Send + Sync + 'static {
    /// Opens a file.
    fn open(&self, path: &str, mode: Mode) -> io::Result<Box<dyn File>>;
    /// Gives a file another name, replacing what had it. Lasts once the directories of both names are synced.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file's name.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// The names of the files in a directory, sorted; directories are left out.
    fn list(&self, dir: &str) -> io::Result<Vec<String>>;
    /// Creates one directory; succeeds if it exists.
    fn create_dir(&self, path: &str) -> io::Result<()>;
    /// Makes the names in a directory last; `""` is the data directory itself.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
    /// Takes the exclusive lock on a file, which is created if missing. Never waits: if another holds it, the error is of
    /// kind `WouldBlock` and its source is [`Held`]. Dropping the lock, or the end of the process, frees it.
    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>>;
    /// The same lock for who only reads: the file is neither created nor written, so a read-only file system will do. None if
    /// there is no such file, and so nobody who could hold it.
    fn lock_to_read(&self, path: &str) -> io::Result<Option<Box<dyn Lock>>>;
    /// Fills `out` with bytes nobody can guess (in a simulation: with bytes that the seed decides).
    fn random(&self, out: &mut [u8]);
}

/// How [`Disk::open`] opens a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// An existing file, to read.
    Read,
    /// An existing file, to read and write.
    ReadWrite,
    /// A new file, to read and write; `AlreadyExists` if the name is taken.
    CreateNew,
}

/// An open file. It stays usable after its name was changed or removed.
#[expect(clippy::len_without_is_empty, reason = "a length on disk can fail to be read")]
pub trait File: Send + Sync {
    /// Reads at an offset. Fewer bytes than asked for are no error; none means the end of the file.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize>;
    /// Writes all bytes at an offset, or fails; after an error any part of them may have been written.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// The length in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Cuts the file off, or extends it with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Makes the contents last, and of the metadata what is needed to read them (`fdatasync`).
    fn sync_data(&self) -> io::Result<()>;
    /// Makes contents and metadata last (`fsync`).
    fn sync_all(&self) -> io::Result<()>;
}

/// The exclusive lock on a data directory. The file it lies on holds a short text, the owner's record.
pub trait Lock: Send + Sync {
    /// The record as it stands in the file now; empty if none was written. An error if the file's name leads to another file
    /// by now, or to none: then the lock keeps nobody out.
    fn read(&self) -> io::Result<String>;
    /// Replaces the record, durably.
    fn write(&self, record: &str) -> io::Result<()>;
}

/// The source of the `WouldBlock` error of [`Disk::lock`]: somebody else holds the lock.
#[derive(Debug)]
pub struct Held {
    /// The holder's record, as far as it could be read.
    pub record: String,
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "locked by another process (its record: {:?})", self.record)
    }
}

impl std::error::Error for Held {}

impl dyn File {
    /// Fills `out` from an offset; `UnexpectedEof` if the file ends before.
    pub fn read_exact_at(&self, mut offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        while !out.is_empty() {
            let read = self.read_at(offset, out)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            offset += read as u64;
            out = &mut out[read..];
        }
        Ok(())
    }
}

impl dyn Disk {
    /// Reads a whole file of at most `bytes_max` bytes; a longer one is an error of kind `FileTooLarge`.
    pub fn read(&self, path: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        let file = self.open(path, Mode::Read)?;
        let len = file.len()?;
        if len > bytes_max {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("{path} has {len} bytes, at most {bytes_max} are expected"),
            ));
        }
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        file.read_exact_at(0, &mut bytes)?;
        Ok(bytes)
    }
}

/// A lock's file is not the one under its name any more.
fn replaced(path: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("the {path} file was removed or replaced"))
}

/// The number of this process; 0 where processes have none.
pub(crate) fn process() -> u32 {
    if cfg!(unix) { std::process::id() } else { 0 }
}

/// Checks that a path keeps to the rules at the head of this module.
fn check_path(path: &str) -> io::Result<()> {
    let ok = path.split('/').all(|name| !name.is_empty() && name != "." && name != "..");
    if ok {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("not a path inside the data directory: {path:?}")))
}
