//! Which operation fails, and how. Every operation on the disk takes a number here first.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::Arc;

use super::EIO;
use super::tear::{Loss, Part};

/// What an operation on a simulated disk did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Opened an existing file.
    Open,
    /// Created a file.
    Create,
    /// Renamed a file; the path is the old one.
    Rename,
    /// Removed a file.
    Remove,
    /// Listed a directory.
    List,
    /// Created a directory.
    CreateDir,
    /// Synced a directory.
    SyncDir,
    /// Took the lock.
    Lock,
    /// Read from a file.
    Read,
    /// Asked for a file's length.
    Len,
    /// Wrote to a file.
    Write,
    /// Changed a file's length.
    SetLen,
    /// Synced a file.
    Sync,
}

impl Operation {
    /// Whether the disk can differ after it: a crash during any other operation is a crash before it.
    pub fn changes(self) -> bool {
        !matches!(self, Operation::Open | Operation::List | Operation::Lock | Operation::Read | Operation::Len)
    }

    fn syncs(self) -> bool {
        matches!(self, Operation::Sync | Operation::SyncDir)
    }
}

/// What happens to one operation.
pub(super) enum Step {
    /// It takes effect and succeeds.
    Whole,
    /// It takes effect as far as an unsynced change does, and the power fails.
    PowerFails,
    /// It fails.
    Fails(Failure),
}

/// How an operation fails.
#[derive(Clone, Copy)]
pub(super) struct Failure {
    pub(super) errno: i32,
    /// What a write has done; any part if none is named.
    pub(super) part: Option<Part>,
    /// What a sync has lost; any part if none is named.
    pub(super) loss: Option<Loss>,
}

impl Failure {
    pub(super) fn any(errno: i32) -> Failure {
        Failure { errno, part: None, loss: None }
    }

    pub(super) fn error(self) -> io::Error {
        io::Error::from_raw_os_error(self.errno)
    }
}

/// The power is off.
#[derive(Debug)]
pub(super) struct PowerOff;

impl fmt::Display for PowerOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("simulated power loss")
    }
}

impl std::error::Error for PowerOff {}

pub(super) fn power_off() -> io::Error {
    io::Error::other(PowerOff)
}

#[derive(Default)]
pub(super) struct Plan {
    pub(super) log: Vec<(Operation, Arc<str>)>,
    pub(super) off: bool,
    pub(super) crash_at: Option<u64>,
    pub(super) failures: BTreeMap<u64, Failure>,
    pub(super) sync_failure_from: Option<u64>,
}

impl Plan {
    pub(super) fn operations(&self) -> u64 {
        self.log.len() as u64
    }

    /// Whether the power is off.
    pub(super) fn crashed(&self) -> bool {
        self.off || self.crash_at.is_some_and(|at| self.operations() > at)
    }

    /// Gives an operation its number and its fate.
    pub(super) fn step(&mut self, operation: Operation, path: &Arc<str>) -> io::Result<Step> {
        if self.crashed() {
            return Err(power_off());
        }
        let number = self.operations();
        self.log.push((operation, path.clone()));
        if self.crash_at == Some(number) {
            return Ok(Step::PowerFails);
        }
        if let Some(failure) = self.failures.remove(&number) {
            return Ok(Step::Fails(failure));
        }
        if operation.syncs() && self.sync_failure_from.is_some_and(|from| number >= from) {
            self.sync_failure_from = None;
            return Ok(Step::Fails(Failure::any(EIO)));
        }
        Ok(Step::Whole)
    }

    /// The same for an operation that changes nothing.
    pub(super) fn look(&mut self, operation: Operation, path: &Arc<str>) -> io::Result<()> {
        match self.step(operation, path)? {
            Step::Whole => Ok(()),
            Step::PowerFails => Err(power_off()),
            Step::Fails(failure) => Err(failure.error()),
        }
    }
}
