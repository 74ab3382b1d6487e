//! The journal: the one durable domain. Everything that was committed, in order, hash-chained.
//!
//! It knows batches, segments and the records' frames. What a commit does to a state is the
//! [store](crate::store)'s business.

pub(crate) mod format;
mod reader;
pub(crate) mod record;
mod recovery;
mod segment;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use reader::{SegmentScan, Tail, read_segment};
pub(crate) use recovery::{Found, create, each_frame, find, holds_only_manifest, repair_tail, segment_numbers};
pub(crate) use segment::{Spares, remove_if_there, segment_number, segment_path};
pub(crate) use writer::{End, JournalWriter, RecordQueue, batch_bytes_max};

/// Where segments live in the data directory.
pub(crate) const JOURNAL_DIR: &str = "journal";
/// Where is kept what repair and recovery cut off.
pub(crate) const QUARANTINE_DIR: &str = "quarantine";
