//! Frees what no tree needs any more.
use std::sync::Arc;

use super::{PackId, Packs};
use crate::error::ReadError;
use crate::tree::Hash;

/// A collection that has begun: from now on new packs do not rely on its candidates, so what is marked afterwards is all
/// that is needed of them. Dropping it ends it without a change.
pub(crate) struct Collection {}

/// What a collection did. The caller makes a record durable that names `added` and drops `dropped`, and then
/// [removes](Packs::remove) each of `dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    /// The pack that now holds what the dropped ones still had.
    pub(crate) added: Option<PackId>,
    /// Packs that are needed no more.
    pub(crate) dropped: Vec<PackId>,
    /// Bytes of the dropped packs.
    pub(crate) bytes_dropped: u64,
    /// Bytes of the added pack.
    pub(crate) bytes_added: u64,
}

impl Packs {
    /// Begins a collection among some packs: those that were durably named before. None if a pack is being written or
    /// another collection runs; try again later. Mark what is live only after this returned.
    pub(crate) fn begin_collection(self: &Arc<Packs>, candidates: Vec<PackId>) -> Option<Collection> {
        let _ = candidates;
        todo!()
    }
}

impl Collection {
    /// Rewrites the packs that are less than half live into one new pack, which is open when this returns.
    pub(crate) fn finish(self, is_live: &dyn Fn(&Hash) -> bool) -> Result<Collected, ReadError> {
        let _ = is_live;
        todo!()
    }
}
