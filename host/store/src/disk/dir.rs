//! A real directory, opened once as a capability: no path leads out of it.

use std::fmt::Display;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _};
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, DirBuilder as CapDirBuilder, OpenOptions, OpenOptionsExt as _};
use rustix::fs::{AtFlags, FlockOperation};

use super::{Disk, File, Held, Lock, Mode, check_path, replaced};

/// Directories are for their owner only: they hold the data of every plugin.
const DIR_MODE: u32 = 0o700;
/// Files likewise.
const FILE_MODE: u32 = 0o600;
/// How often a lock's file may be replaced while it is being locked: more is no accident.
const LOCK_TRIES_MAX: usize = 100;
/// An owner's record is an epoch and a process id; more is not read.
const RECORD_BYTES_MAX: u64 = 4096;

/// A data directory on a real file system.
pub struct DirDisk {
    dir: Dir,
}

impl DirDisk {
    /// Opens an existing directory.
    pub fn open(path: &Path) -> io::Result<DirDisk> {
        let dir = Dir::open_ambient_dir(path, ambient_authority()).map_err(|e| explain(e, "open", path.display()))?;
        Ok(DirDisk { dir })
    }

    /// Opens a directory, which is created (with its parents, durably, for the owner only) if it does not exist.
    pub fn create(path: &Path) -> io::Result<DirDisk> {
        create_durably(path).map_err(|e| explain(e, "create", path.display()))?;
        DirDisk::open(path)
    }

    /// A handle of a directory inside, made for reading it rather than only for finding names in it: such a handle can be
    /// synced.
    fn directory(&self, path: &str) -> io::Result<std::fs::File> {
        let path = if path.is_empty() { "." } else { path };
        Ok(self.dir.open(path)?.into_std())
    }

    fn flock(&self, file: std::fs::File, path: &str) -> io::Result<DirLock> {
        match rustix::io::retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => {
                Ok(DirLock { file, owner: std::process::id(), dir: self.dir.try_clone()?, path: path.to_owned() })
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let record = read_record(&file).unwrap_or_default();
                Err(io::Error::new(io::ErrorKind::WouldBlock, Held { record }))
            }
            Err(e) => Err(explain(e.into(), "lock", path)),
        }
    }

    fn open_dir(&self, path: &str) -> io::Result<Dir> {
        if path.is_empty() {
            return self.dir.try_clone();
        }
        check_path(path)?;
        self.dir.open_dir(path)
    }
}

impl Disk for DirDisk {
    fn open(&self, path: &str, mode: Mode) -> io::Result<Box<dyn File>> {
        check_path(path)?;
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            Mode::Read => {}
            Mode::ReadWrite => {
                options.write(true);
            }
            Mode::CreateNew => {
                options.write(true).create_new(true).mode(FILE_MODE);
            }
        }
        let file = self.dir.open_with(path, &options).map_err(|e| explain(e, "open", path))?;
        Ok(Box::new(DirFile { file: file.into_std(), path: path.to_owned() }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_path(from)?;
        check_path(to)?;
        self.dir.rename(from, &self.dir, to).map_err(|e| explain(e, "rename", format_args!("{from} to {to}")))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        check_path(path)?;
        self.dir.remove_file(path).map_err(|e| explain(e, "remove", path))
    }

    fn list(&self, dir: &str) -> io::Result<Vec<String>> {
        let list = || {
            let mut names = Vec::new();
            for entry in self.open_dir(dir)?.entries()? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    continue;
                }
                // A name that is no text is none of ours.
                if let Ok(name) = entry.file_name().into_string() {
                    names.push(name);
                }
            }
            names.sort_unstable();
            Ok(names)
        };
        list().map_err(|e| explain(e, "list", shown(dir)))
    }

    fn create_dir(&self, path: &str) -> io::Result<()> {
        check_path(path)?;
        let mut builder = CapDirBuilder::new();
        cap_std::fs::DirBuilderExt::mode(&mut builder, DIR_MODE);
        match self.dir.create_dir_with(path, &builder) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && self.dir.is_dir(path) => Ok(()),
            done => done.map_err(|e| explain(e, "create", path)),
        }
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        if !path.is_empty() {
            check_path(path)?;
        }
        self.directory(path).and_then(|dir| dir.sync_all()).map_err(|e| explain(e, "sync directory", shown(path)))
    }

    fn lock(&self, path: &str) -> io::Result<Box<dyn Lock>> {
        check_path(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).mode(FILE_MODE);
        for _ in 0..LOCK_TRIES_MAX {
            let file = self.dir.open_with(path, &options).map_err(|e| explain(e, "open", path))?.into_std();
            let lock = self.flock(file, path)?;
            // A file that lost its name before it was locked keeps nobody out.
            if lock.has_its_name()? {
                return Ok(Box::new(lock));
            }
        }
        Err(explain(io::Error::other("it is replaced again and again"), "lock", path))
    }

    fn lock_to_read(&self, path: &str) -> io::Result<Option<Box<dyn Lock>>> {
        check_path(path)?;
        match self.dir.open(path) {
            Ok(file) => Ok(Some(Box::new(self.flock(file.into_std(), path)?))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(explain(error, "open", path)),
        }
    }

    fn random(&self, out: &mut [u8]) {
        getrandom::fill(out).expect("the operating system gives random bytes");
    }
}

struct DirFile {
    file: std::fs::File,
    path: String,
}

impl File for DirFile {
    fn read_at(&self, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        retry(|| self.file.read_at(out, offset)).map_err(|e| explain(e, "read", &self.path))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // Writes again where a write was interrupted or short.
        self.file.write_all_at(bytes, offset).map_err(|e| explain(e, "write", &self.path))
    }

    fn len(&self) -> io::Result<u64> {
        self.file.metadata().map(|metadata| metadata.len()).map_err(|e| explain(e, "stat", &self.path))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len).map_err(|e| explain(e, "resize", &self.path))
    }

    fn sync_data(&self) -> io::Result<()> {
        // Not retried by us beyond an interrupted call, which has not begun.
        self.file.sync_data().map_err(|e| explain(e, "sync", &self.path))
    }

    fn sync_all(&self) -> io::Result<()> {
        self.file.sync_all().map_err(|e| explain(e, "sync", &self.path))
    }
}

/// `flock` lies on the open file, which a process that was started meanwhile may have open, too. So the lock is given back, not
/// only closed: by the process that took it.
struct DirLock {
    file: std::fs::File,
    owner: u32,
    dir: Dir,
    path: String,
}

impl DirLock {
    /// The name still leads to the file that is locked.
    fn has_its_name(&self) -> io::Result<bool> {
        let stat = || {
            let named = match rustix::fs::statat(&self.dir, &self.path, AtFlags::empty()) {
                Err(rustix::io::Errno::NOENT) => return Ok(false),
                named => named?,
            };
            let locked = rustix::fs::fstat(&self.file)?;
            Ok((named.st_dev, named.st_ino) == (locked.st_dev, locked.st_ino))
        };
        stat().map_err(|e: io::Error| explain(e, "stat", &self.path))
    }
}

impl Drop for DirLock {
    fn drop(&mut self) {
        if std::process::id() == self.owner {
            // Should it fail, closing the file does the same a moment later.
            let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
        }
    }
}

impl Lock for DirLock {
    fn read(&self) -> io::Result<String> {
        if !self.has_its_name()? {
            return Err(replaced(&self.path));
        }
        read_record(&self.file)
    }

    fn write(&self, record: &str) -> io::Result<()> {
        self.file.write_all_at(record.as_bytes(), 0)?;
        self.file.set_len(record.len() as u64)?;
        self.file.sync_data()
    }
}

fn read_record(file: &std::fs::File) -> io::Result<String> {
    let mut bytes = Vec::new();
    let mut offset = 0;
    while offset < RECORD_BYTES_MAX {
        let mut part = [0; 256];
        let read = retry(|| file.read_at(&mut part, offset))?;
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&part[..read]);
        offset += read as u64;
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Creates a directory and its parents, and syncs the directory each new name lies in.
fn create_durably(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    };
    create_durably(parent)?;
    match DirBuilder::new().mode(DIR_MODE).create(path) {
        // Another process was faster.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
        done => done?,
    }
    std::fs::File::open(parent)?.sync_all()
}

fn retry<T>(mut operation: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match operation() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn shown(dir: &str) -> &str {
    if dir.is_empty() { "the data directory" } else { dir }
}

/// Says what was being done to which file; the kind stays, so that callers can still tell errors apart.
fn explain(error: io::Error, what: &str, path: impl Display) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what} {path}: {error}"))
}
