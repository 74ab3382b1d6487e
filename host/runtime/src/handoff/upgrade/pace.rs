//! How much is done at a time, so that calls of the incumbent are served beside it.

use std::time::{Duration, Instant};

use crate::limits::{UPGRADE_CHUNK_BYTES, UPGRADE_CHUNK_TIME};

/// For how long a thread is kept from other calls: as long as a running guest keeps it.
const BREATH: Duration = Duration::from_millis(1);

/// One chunk: entries are converted until it is full, then they are committed.
pub(super) struct Chunk {
    began: Instant,
    breathed: Instant,
    bytes: usize,
}

impl Chunk {
    pub(super) fn begin() -> Chunk {
        let began = Instant::now();
        Chunk { began, breathed: began, bytes: 0 }
    }

    /// Counts an entry, and lets others run if that took long.
    pub(super) async fn add(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.breathed.elapsed() >= BREATH {
            tokio::task::yield_now().await;
            self.breathed = Instant::now();
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes >= UPGRADE_CHUNK_BYTES || self.began.elapsed() >= UPGRADE_CHUNK_TIME
    }

    /// Rests for as long as the chunk took: whatever the number of processors, half of one stays free.
    pub(super) async fn rest(self) {
        let took = self.began.elapsed();
        if took >= BREATH {
            tokio::time::sleep(took.min(2 * UPGRADE_CHUNK_TIME)).await;
        } else {
            tokio::task::yield_now().await;
        }
    }
}
