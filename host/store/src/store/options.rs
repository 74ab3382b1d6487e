//! How a store is opened.

/// Settings of one opened store. None of them changes what is on disk in meaning, so each open may choose anew.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size of a journal segment. A larger one is recycled less often; each is zero-filled once.
    pub segment_bytes: u64,
    /// Memory for state-tree nodes.
    pub cache_bytes: u64,
    /// Bytes of changes since the last checkpoint that call for the next one.
    pub checkpoint_bytes: u64,
    /// Bytes of accepted commits that wait for the disk; a commit past it blocks until some are durable.
    pub queue_bytes: u64,
    /// Who drives the journal.
    pub writer: Writer,
}

/// Who drives the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// A thread that syncs whatever arrived during the last sync, and one for checkpoints.
    Thread,
    /// No thread: waiting on a ticket writes on the caller's thread. Makes simulated runs repeatable.
    Inline,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            checkpoint_bytes: 32 << 20,
            queue_bytes: 16 << 20,
            writer: Writer::Thread,
        }
    }
}
