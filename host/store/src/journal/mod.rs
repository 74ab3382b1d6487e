//! The journal: the one durable domain. Everything that was committed, in order, hash-chained.
//!
//! It knows batches, segments and the records' frames. What a commit does to a state is the
//! [store](crate::store)'s business.

mod archived;
mod durable;
pub(crate) mod format;
pub(crate) mod reader;
pub(crate) mod record;
mod recovery;
mod sealed;
mod segment;
mod survey;
mod window;
mod writer;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_anchor;
#[cfg(test)]
mod tests_tail;

pub use archived::SealedSegment;
pub(crate) use archived::with_sealed;
pub(crate) use reader::SegmentScan;
pub(crate) use recovery::{
    Found, begin, check_joint, create, each_frame, find, holds_only_manifest, open_segment, repair_tail,
    segment_numbers,
};
pub(crate) use segment::{Spares, remove_if_there, segment_number, segment_path};
pub(crate) use survey::{Gap, Survey};
pub(crate) use writer::{End, JournalWriter, RecordQueue, batch_bytes_max};

/// Where segments live in the data directory.
pub(crate) const JOURNAL_DIR: &str = "journal";
/// Where is kept what repair and recovery cut off.
pub(crate) const QUARANTINE_DIR: &str = "quarantine";
