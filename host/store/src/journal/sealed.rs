//! Sealed segments: what replay needs of them, what is kept as history, and what may go.
//!
//! ```text
//! 3 ──▶ 4 ──▶ 5 ──▶ 6 ──▶ 7 ──▶ 8 (current)      8's Manifest says that replay needs 6
//! │     └─history──┘      └─replay─┘
//! └ may go: history would be larger than its bound
//! ```
//!
//! From a segment's anchor on, every commit can be replayed, if the anchor needs no older segment than there is, and if the
//! packs still hold what it leads to: no collection said otherwise.

use std::collections::VecDeque;
use std::sync::Arc;

use super::record::Anchor;
use crate::planted::{Bug, planted};

/// A segment that is written no more.
#[derive(Debug, Clone)]
pub(crate) struct Sealed {
    pub(crate) number: u64,
    pub(crate) bytes: u64,
    /// What its Manifest says; none if history cannot be read through this segment.
    pub(crate) anchor: Option<Arc<Anchor>>,
}

/// All segments but the current one, ascending.
#[derive(Debug, Default)]
pub(crate) struct SealedSegments {
    segments: VecDeque<Sealed>,
    /// No segment before this one is needed for replay.
    needed_from: u64,
    /// Bytes of the segments before it, and how many are kept.
    history_bytes: u64,
    history_bytes_max: u64,
    /// One could not go. It is tried again after the next one is sealed.
    is_held: bool,
}

impl SealedSegments {
    pub(crate) fn new(segments: Vec<Sealed>, needed_from: u64, history_bytes_max: u64) -> SealedSegments {
        let mut sealed = SealedSegments { segments: segments.into(), history_bytes_max, ..SealedSegments::default() };
        sealed.cover(needed_from);
        sealed
    }

    pub(crate) fn seal(&mut self, sealed: Sealed) {
        self.segments.push_back(sealed);
        self.is_held = false;
    }

    /// A durable Manifest says that replay needs no segment before this one.
    pub(crate) fn cover(&mut self, needed_from: u64) {
        self.needed_from = needed_from;
        let history = self.segments.iter().take_while(|sealed| sealed.number < needed_from);
        self.history_bytes = history.map(|sealed| sealed.bytes).sum();
    }

    /// Some segment may go.
    pub(crate) fn is_over(&self) -> bool {
        let is_early = planted(Bug::SegmentRecycledTooEarly) && !self.segments.is_empty();
        is_early || (self.history_bytes > self.history_bytes_max && !self.is_held)
    }

    /// Takes the oldest segment, if it may go and is older than all that readers of history still need.
    pub(crate) fn take(&mut self, pinned_from: u64) -> Option<Sealed> {
        let is_free = self.is_over() && self.segments.front().is_some_and(|oldest| oldest.number < pinned_from);
        let taken = if is_free { self.segments.pop_front() } else { None };
        self.cover(self.needed_from);
        taken
    }

    /// Puts back what could not go now.
    pub(crate) fn hold(&mut self, sealed: Sealed) {
        self.segments.push_front(sealed);
        self.is_held = true;
        self.cover(self.needed_from);
    }

    pub(crate) fn len(&self) -> u64 {
        self.segments.len() as u64
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|sealed| sealed.bytes).sum()
    }

    /// Bytes of the segments that only history needs.
    pub(crate) fn history_bytes(&self) -> u64 {
        self.history_bytes
    }

    /// The anchors, ascending, from which the journal can be read to its end.
    pub(crate) fn anchors(&self, current: u64, manifest: &Arc<Anchor>) -> Vec<Arc<Anchor>> {
        let mut readable_from = current;
        for sealed in self.segments.iter().rev() {
            if sealed.number + 1 != readable_from || sealed.anchor.is_none() {
                break;
            }
            readable_from = sealed.number;
        }
        let anchors = self.segments.iter().filter_map(|sealed| sealed.anchor.as_ref()).chain([manifest]);
        anchors.filter(|anchor| anchor.replay_segment >= readable_from).cloned().collect()
    }
}
