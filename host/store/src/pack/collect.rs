//! Frees what no tree needs any more: packs that are less than half live are written again without the rest. Small packs
//! are merged too: each open pack costs a file and a lookup, and every checkpoint adds one.
//!
//! A new pack leaves out what older packs hold already. So a collection first dooms its candidates: from then on
//! nothing new relies on them. What is marked afterwards is all that is needed of them.

use std::sync::Arc;

use super::format::Item;
use super::reader::Pack;
use super::{PackId, PackWriter, Packs};
use crate::error::ReadError;
use crate::tree::Hash;

/// Fewer small packs than this are not worth a rewrite.
const MERGED_MIN: usize = 4;

/// A collection that has begun. Dropping it ends it without a change.
pub(crate) struct Collection {
    packs: Arc<Packs>,
    candidates: Vec<PackId>,
}

/// What a collection did. The caller makes a record durable that names `added` and drops `dropped`, and then
/// [removes](Packs::remove) each of `dropped`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Collected {
    /// The pack that now holds what the dropped ones still had; it is open.
    pub(crate) added: Option<PackId>,
    /// Packs that are needed no more.
    pub(crate) dropped: Vec<PackId>,
    /// Bytes of the added pack.
    pub(crate) bytes_added: u64,
    /// Bytes of the dropped packs.
    pub(crate) bytes_dropped: u64,
    /// Bytes that are live in all packs.
    pub(crate) bytes_live: u64,
}

impl Packs {
    /// Begins a collection among some packs: those that durable records name. None if a pack is being written or another
    /// collection runs; try again later. Mark what is live only after this returned.
    pub(crate) fn begin_collection(self: &Arc<Packs>, candidates: Vec<PackId>) -> Option<Collection> {
        let begins = self.collection_begins(&candidates);
        begins.then(|| Collection { packs: self.clone(), candidates })
    }
}

impl Collection {
    /// Rewrites what is live of packs that are mostly dead or small into one new pack. An error leaves everything as it was.
    pub(crate) fn finish(mut self, is_live: &dyn Fn(&Hash) -> bool) -> Result<Collected, ReadError> {
        let candidates = std::mem::take(&mut self.candidates);
        let measured = candidates.iter().filter_map(|id| self.packs.pack(*id)).map(|pack| Measured::new(pack, is_live));
        let measured: Vec<Measured> = measured.collect();
        let bytes_live = measured.iter().map(|pack| pack.live_bytes).sum();
        let victims: Vec<Arc<Pack>> = choose(measured);
        let is_victim = |id: &PackId| victims.iter().any(|pack| pack.id() == *id);
        let spared: Vec<PackId> = candidates.into_iter().filter(|id| !is_victim(id)).collect();
        // What is spared stays, so the new pack can rely on it. The victims are spared too if this fails.
        self.packs.spare(&spared);
        self.candidates = victims.iter().map(|pack| pack.id()).collect();

        let mut writer = PackWriter::new(&self.packs);
        for pack in &victims {
            let mut live: Vec<Item> = pack.index().iter().filter(|item| is_live(&item.hash)).collect();
            live.sort_by_key(|item| item.offset);
            for item in live {
                writer.put(item.kind, item.hash, &pack.read(&item)?);
            }
        }
        let path = writer.id().path();
        let added = writer.finish().map_err(|source| ReadError::Io { path, source })?;
        let mut collected = Collected { added, bytes_live, ..Collected::default() };
        if let Some(id) = added {
            self.packs.add(id)?;
            collected.bytes_added = self.packs.pack(id).map_or(0, |pack| pack.file_bytes());
        }
        collected.bytes_dropped = victims.iter().map(|pack| pack.file_bytes()).sum();
        // They stay doomed until they are removed.
        collected.dropped = std::mem::take(&mut self.candidates);
        Ok(collected)
    }
}

impl Drop for Collection {
    fn drop(&mut self) {
        self.packs.spare(&self.candidates);
        self.packs.collection_ends();
    }
}

/// A pack and what is live in it.
struct Measured {
    pack: Arc<Pack>,
    bytes: u64,
    live_bytes: u64,
}

impl Measured {
    fn new(pack: Arc<Pack>, is_live: &dyn Fn(&Hash) -> bool) -> Measured {
        let (mut bytes, mut live_bytes) = (0, 0);
        for item in pack.index().iter() {
            bytes += u64::from(item.length);
            live_bytes += if is_live(&item.hash) { u64::from(item.length) } else { 0 };
        }
        Measured { pack, bytes, live_bytes }
    }
}

/// The packs to rewrite: those less than half live, and small ones if there are many.
fn choose(packs: Vec<Measured>) -> Vec<Arc<Pack>> {
    let (mut victims, mut rest): (Vec<_>, Vec<_>) =
        packs.into_iter().partition(|pack| 2 * pack.live_bytes < pack.bytes);
    // From the smallest up, as far as a pack is no larger than all before it together: each byte is written again at most
    // as often as its pack doubles, and the packs that stay double in size from one to the next.
    rest.sort_by_key(|pack| pack.live_bytes);
    let (mut sum, mut merged) = (0, 0);
    for (index, pack) in rest.iter().enumerate() {
        if pack.live_bytes <= sum {
            merged = index + 1;
        }
        sum += pack.live_bytes;
    }
    if merged >= MERGED_MIN {
        victims.extend(rest.drain(..merged));
    }
    victims.into_iter().map(|measured| measured.pack).collect()
}
