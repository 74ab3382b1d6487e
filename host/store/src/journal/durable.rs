//! How much of the journal is durable, and the sync that makes it more.
//!
//! A sync may run beside writes to the same file. It takes note of how far the journal had been written when it was
//! prepared, and promises no more than that.

use std::io;
use std::sync::Arc;

use crate::disk::File;
use crate::planted::{Bug, planted};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// What is durable of the journal's open end.
#[derive(Debug, Default)]
pub(crate) struct Durable {
    /// The last batch that is durable, and the bytes of all batches up to it since the journal was opened.
    batch: AtomicU64,
    bytes: AtomicU64,
    syncs: AtomicU64,
    /// Held while a sync runs. The operating system tells of a failed write only once: of two syncs that ran side by side
    /// one would not hear of it.
    failed: Mutex<bool>,
}

impl Durable {
    /// Everything up to a batch is durable.
    pub(crate) fn starting_at(batch: u64) -> Durable {
        Durable { batch: AtomicU64::new(batch), ..Durable::default() }
    }

    pub(crate) fn batch(&self) -> u64 {
        self.batch.load(Ordering::Acquire)
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Syncs so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// A sync is over that made everything durable up to here.
    pub(crate) fn reach(&self, batch: u64, bytes: u64) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_max(bytes, Ordering::Release);
        self.batch.fetch_max(batch, Ordering::Release);
    }
}

/// A segment as far as it was written at some moment. What lies in earlier segments is durable.
pub(crate) struct Unsynced {
    pub(crate) file: Arc<dyn File>,
    pub(crate) batch: u64,
    pub(crate) bytes: u64,
    pub(crate) durable: Arc<Durable>,
}

impl Unsynced {
    /// Makes it durable. After one sync that failed none succeeds.
    pub(crate) fn sync(&self) -> io::Result<()> {
        let mut failed = self.durable.failed.lock();
        if *failed {
            return Err(io::Error::other("an earlier sync of the journal failed"));
        }
        if self.durable.batch() >= self.batch {
            return Ok(());
        }
        let done = match () {
            () if planted(Bug::AcknowledgedBeforeSync) || planted(Bug::SyncBeforeWrite) => Ok(()),
            () if planted(Bug::SyncRetried) => self.file.sync_data().or_else(|_| self.file.sync_data()),
            () => self.file.sync_data(),
        };
        match done {
            Ok(()) => self.durable.reach(self.batch, self.bytes),
            Err(_) => *failed = true,
        }
        done
    }
}
