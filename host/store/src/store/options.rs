//! How a store is opened.

use std::sync::Arc;

use crate::store::Archive;

/// Settings of one opened store. None of them changes what is on disk in meaning, so each open may choose anew.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size of a journal segment. A larger one is recycled less often; each is zero-filled once.
    pub segment_bytes: u64,
    /// Memory for nodes and values that were read, checked and decoded: a bound, however large the states are. Beside it an
    /// open store holds
    ///
    /// - what changed since the last checkpoint, with about 200 bytes for each entry; twice while a checkpoint runs;
    /// - the indices of all packs: 48 bytes for each node and each value above 1 KiB, about 1.2 % of the states' bytes;
    /// - while packs are collected, up to 650 bytes for each such node or value that is written again or still needed;
    /// - commits that wait, batches and buffers: `queue_bytes`, and about 16 MiB.
    ///
    /// What a reader keeps of an entry keeps the node that it came from, 4 KiB in the mean. A test measures it: with 8 MiB
    /// here and checkpoints of 2 MiB, a process that writes, reads, scans, forks and collects a state of 80 MiB in 20 000
    /// nodes grows by 35 MiB.
    pub cache_bytes: u64,
    /// Bytes of changes since the last checkpoint that call for the next one.
    pub checkpoint_bytes: u64,
    /// Bytes of journal segments that are kept, oldest first out, when replay does not need them any more: from the oldest
    /// of them on every commit can be [viewed](crate::Store::view_at). What they lead to is kept in packs, too. 0 keeps
    /// nothing for that: history then reaches back to about the last checkpoint.
    pub history_bytes: u64,
    /// Bytes of accepted commits that wait to be written; a commit past it writes them first.
    pub queue_bytes: u64,
    /// Bytes of an import that an interruption may cost, if an eighth of what came already is not more.
    pub import_part_bytes: u64,
    /// Who drives the journal.
    pub writer: Writer,
    /// Keeps segments that the journal needs no more; none if they are recycled at once.
    pub archive: Option<Arc<dyn Archive>>,
}

/// Who drives the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writer {
    /// Who waits for a ticket, and a thread for what nobody waits for; others for checkpoints and spare segments.
    Thread,
    /// No thread: waiting on a ticket writes on the caller's thread, and syncs if the ticket is `Synced`. Buffered commits that
    /// nobody syncs stay unsynced up to a bound. Makes simulated runs repeatable.
    Inline,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            segment_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            checkpoint_bytes: 32 << 20,
            history_bytes: 0,
            queue_bytes: 16 << 20,
            import_part_bytes: 64 << 20,
            writer: Writer::Thread,
            archive: None,
        }
    }
}
