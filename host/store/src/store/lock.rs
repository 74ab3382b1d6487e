//! The owner's lock on the data directory, and its record.
//!
//! ```text
//! LOCK   stead epoch=<owner epoch> pid=<process> [closed=<number of the next batch>]
//! ```
//!
//! The lock itself is the operating system's. A child of the owner that keeps its open files holds it, too. The epoch fences: it is true in the journal's Own record, LOCK repeats it,
//! and a writer that no longer finds its own epoch there does not acknowledge. `closed` stands there after a clean
//! close: from then on a journal that ends earlier is damaged, not torn.

use std::io;

use crate::disk::{Disk, Held, Lock};
use crate::error::OpenError;
use crate::planted::{Bug, planted};

/// The lock's file.
pub(crate) const LOCK_FILE: &str = "LOCK";

/// The held lock.
pub(crate) struct OwnerLock {
    lock: Box<dyn Lock>,
    record: String,
}

/// What an owner wrote about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct OwnerRecord {
    pub(crate) epoch: u64,
    pub(crate) pid: u64,
    /// The number of the batch that would follow the Close.
    pub(crate) closed: Option<u64>,
}

impl OwnerRecord {
    pub(crate) fn parse(text: &str) -> Option<OwnerRecord> {
        let mut record = OwnerRecord::default();
        for word in text.trim_end().strip_prefix("stead ")?.split(' ') {
            let (name, value) = word.split_once('=')?;
            let value = value.parse().ok()?;
            match name {
                "epoch" => record.epoch = value,
                "pid" => record.pid = value,
                "closed" => record.closed = Some(value),
                _ => {}
            }
        }
        Some(record)
    }

    pub(crate) fn text(&self) -> String {
        let closed = self.closed.map(|batch| format!(" closed={batch}")).unwrap_or_default();
        format!("stead epoch={} pid={}{closed}\n", self.epoch, self.pid)
    }
}

impl OwnerLock {
    /// Takes the lock, or says who has it.
    pub(crate) fn take(disk: &dyn Disk) -> Result<(OwnerLock, OwnerRecord), OpenError> {
        let lock = disk.lock(LOCK_FILE).map_err(refused)?;
        let record = lock.read().map_err(|source| OpenError::Io { path: LOCK_FILE.to_owned(), source })?;
        let parsed = OwnerRecord::parse(&record).unwrap_or_default();
        Ok((OwnerLock { lock, record }, parsed))
    }

    /// Takes the lock to read only: nothing is written, not even the file itself. None if there is no file to lock.
    pub(crate) fn take_to_read(disk: &dyn Disk) -> Result<(Option<OwnerLock>, OwnerRecord), OpenError> {
        let Some(lock) = disk.lock_to_read(LOCK_FILE).map_err(refused)? else {
            return Ok((None, OwnerRecord::default()));
        };
        let record = lock.read().map_err(|source| OpenError::Io { path: LOCK_FILE.to_owned(), source })?;
        let parsed = OwnerRecord::parse(&record).unwrap_or_default();
        Ok((Some(OwnerLock { lock, record }), parsed))
    }

    /// Replaces the record, durably.
    pub(crate) fn write(&mut self, record: OwnerRecord) -> io::Result<()> {
        let text = record.text();
        self.lock.write(&text)?;
        self.record = text;
        Ok(())
    }

    /// The record is still what this owner wrote last.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self.lock.read() {
            Ok(record) if record == self.record || planted(Bug::OwnerNotChecked) => Ok(()),
            Ok(_) => Err(io::Error::other("another owner took the data directory: the LOCK file changed")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(io::Error::other(format!("another owner may have taken the data directory: {error}")))
            }
            Err(error) => Err(error),
        }
    }
}

fn refused(source: io::Error) -> OpenError {
    use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem, WouldBlock};
    match source.kind() {
        WouldBlock => OpenError::Locked { owner: owner(&source) },
        PermissionDenied | ReadOnlyFilesystem => OpenError::ReadOnly { source },
        _ => OpenError::from_io(LOCK_FILE, source),
    }
}

fn owner(error: &io::Error) -> String {
    let held = error.get_ref().and_then(|error| error.downcast_ref::<Held>());
    match held.and_then(|held| OwnerRecord::parse(&held.record)) {
        Some(record) => {
            format!("process {} (owner epoch {}), or by one that it started", record.pid, record.epoch)
        }
        None => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_as_it_was_written() {
        let record = OwnerRecord { epoch: 5, pid: 123, closed: Some(77) };
        assert_eq!(record.text(), "stead epoch=5 pid=123 closed=77\n");
        assert_eq!(OwnerRecord::parse(&record.text()), Some(record));
        let open = OwnerRecord { closed: None, ..record };
        assert_eq!(OwnerRecord::parse(&open.text()), Some(open));
        assert_eq!(OwnerRecord::parse("stead epoch=x"), None);
        assert_eq!(OwnerRecord::parse(""), None);
    }
}
