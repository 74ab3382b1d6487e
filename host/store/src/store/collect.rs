//! Collection: what no state, view or kept checkpoint leads to is freed from the packs.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

use crate::error::{ReadError, StoreError};
use crate::journal::record::{Anchor, Kind, PackDrop, encode};
use crate::pack::{self, PACK_DIR, PackId};
use crate::planted::{Bug, planted};
use crate::store::base::Base;
use crate::store::core::Core;
use crate::store::state::States;
use crate::store::{Collected, CommitNumber, Options, headers};
use crate::tree::{Hash, Tree};

/// Packs more than after the last collection that make one worth its walk through all trees.
const PACKS_MANY: usize = 8;

impl Core {
    /// Removes packs that nothing needs, and rewrites those that are mostly dead.
    pub(crate) fn collect(self: &Arc<Core>) -> Result<Collected, StoreError> {
        let _one = self.checkpointing.lock();
        let Some(collection) = self.packs.begin_collection(self.front().packs.clone()) else {
            return Ok(Collected::default());
        };
        let live = self.mark()?;
        let done = collection.finish(&|hash| live.contains(hash))?;
        if done.added.is_some() || !done.dropped.is_empty() {
            self.drop_packs(&done)?;
        }
        let packs = self.packs.list();
        let bytes = packs.iter().map(|pack| pack.bytes).sum();
        self.front().pack_use = PackUse { live_bytes: done.bytes_live, bytes, packs: packs.len(), freed_bytes: 0 };
        Ok(Collected { packs_removed: done.dropped.len() as u64, packs_added: u64::from(done.added.is_some()) })
    }

    /// Makes it durable that packs are not needed any more, and then removes them.
    fn drop_packs(self: &Arc<Core>, done: &pack::Collected) -> Result<(), StoreError> {
        {
            let mut front = self.front();
            front.packs.extend(done.added);
            front.packs.retain(|pack| !done.dropped.contains(pack));
        }
        let kept_from = self.journal().writer.kept_from();
        let record = PackDrop { added: done.added, dropped: done.dropped.clone(), kept_from };
        let accepted = self.front().accepted;
        if planted(Bug::PackRemovedBeforeItsDrop) {
            self.remove_packs(&done.dropped)?;
        }
        self.push(&encode(Kind::PackDrop, accepted, &record))?.wait()?;
        if !planted(Bug::PackRemovedBeforeItsDrop) {
            self.remove_packs(&done.dropped)?;
        }
        self.disk.sync_dir(PACK_DIR).map_err(|source| StoreError::from_io(PACK_DIR, source))
    }

    fn remove_packs(&self, packs: &[PackId]) -> Result<(), StoreError> {
        let remove =
            |pack: &PackId| self.packs.remove(*pack).map_err(|source| StoreError::from_io(&pack.path(), source));
        packs.iter().try_for_each(remove)
    }

    /// Everything that is needed of the packs.
    fn mark(self: &Arc<Core>) -> Result<HashSet<Hash>, ReadError> {
        self.settle_history()?;
        // Who reads what is not kept any more has pinned it before.
        let kept = self.journal().writer.anchors();
        let mut anchors = [kept, self.pins.anchors()].concat();
        anchors.sort_by_key(|anchor| anchor.commit);
        let replayed_after = anchors.first().map_or(CommitNumber(0), |anchor| anchor.commit);
        let (blobs, adopted, mut bases) = {
            let mut front = self.front();
            front.blobs.retain(|(number, _)| *number > replayed_after);
            front.adopted.retain(|(number, _)| *number > replayed_after);
            (front.blobs.clone(), front.adopted.clone(), front.states.take_bases())
        };
        // There may be very many: commits do not wait for it.
        bases.retain(|base| base.strong_count() > 0);
        let mut standing: Vec<Arc<Base>> = bases.iter().filter_map(Weak::upgrade).collect();
        self.front().states.put_back_bases(bases);
        let mut live: HashSet<Hash> =
            blobs.into_iter().map(|(_, hash)| hash).filter(|_| !planted(Bug::PackedWritesNotLive)).collect();
        // What several share is the latest one's, so that the others' own is what goes with them: forks go before what they
        // are forks of.
        standing.sort_by_key(|base| Reverse(base.last));
        for base in standing {
            let mut own_bytes = 0;
            base.tree.mark(&*self.packs, &mut |hash| {
                let is_new = live.insert(*hash);
                own_bytes += if is_new { self.packs.bytes_of(hash) } else { 0 };
                is_new
            })?;
            base.owns(own_bytes);
        }
        for (_, tree) in &adopted {
            tree.mark(&*self.packs, &mut |hash| live.insert(*hash))?;
        }
        // From one checkpoint to the next few headers differ.
        let mut before = Tree::EMPTY;
        for anchor in &anchors {
            let catalog = anchor.catalog.tree;
            catalog.mark(&*self.packs, &mut |hash| live.insert(*hash))?;
            for stored in headers::read_changed(&before, &catalog, &self.packs) {
                stored?.header.tree.mark(&*self.packs, &mut |hash| live.insert(*hash))?;
            }
            before = catalog;
        }
        Ok(live)
    }

    /// Decides how far back checkpoints are kept. What commits name in packs counts as if it lay in the journal.
    fn settle_history(self: &Arc<Core>) -> Result<(), ReadError> {
        let anchors = self.pinned_anchors();
        let Some((last, earlier)) = anchors.split_last() else { return Ok(()) };
        let bytes_max = self.options.history_bytes;
        let mut kept_from = last.commit;
        if bytes_max > 0 && !earlier.is_empty() {
            self.find_named(&anchors[0])?;
            let costs = {
                let front = self.front();
                let blobs = front.blobs.iter().map(|(number, hash)| (*number, self.packs.bytes_of(hash)));
                blobs.chain(front.adopted.iter().map(|(number, tree)| (*number, tree.bytes))).collect::<Vec<_>>()
            };
            let is_within = |anchor: &&Arc<Anchor>| {
                let after = costs.iter().filter(|(number, _)| *number > anchor.commit && *number <= last.commit);
                after.map(|(_, bytes)| bytes).sum::<u64>() <= bytes_max
            };
            kept_from = earlier.iter().find(is_within).map_or(kept_from, |anchor| anchor.commit);
        }
        self.journal().writer.keep_from(kept_from);
        Ok(())
    }

    /// Finds what commits before the open name in packs, as far back as history reaches.
    fn find_named(&self, oldest: &Anchor) -> Result<(), ReadError> {
        let known_after = self.front().named_after;
        if oldest.commit < known_after {
            let named = self.named_between(oldest, known_after)?;
            let mut front = self.front();
            front.blobs.extend(named.blobs);
            front.adopted.extend(named.adopted);
            front.named_after = oldest.commit;
        }
        Ok(())
    }

    /// Enough of the packs may be garbage that a collection is worth its walk through all trees.
    pub(crate) fn needs_collection(&self) -> bool {
        let packs = self.packs.list();
        let bytes: u64 = packs.iter().map(|pack| pack.bytes).sum();
        let front = self.front();
        let known = &front.pack_use;
        let garbage = bytes.saturating_sub(known.bytes) + known.freed_bytes;
        garbage >= known.much(&self.options) || packs.len() >= known.packs + PACKS_MANY
    }
}

/// What is known of the packs: what the last collection found and left, and what went since. Before the first one it is
/// estimated from what the states hold.
///
/// ```text
/// bytes of packs ≤ 2 · live (after a collection)  +  what is written or freed until the next: live / 4, or checkpoint_bytes
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct PackUse {
    /// What the states, views and kept checkpoints needed.
    pub(crate) live_bytes: u64,
    /// The bytes of all packs then, and how many there were.
    bytes: u64,
    packs: usize,
    /// What left the states since, of what was there then.
    pub(crate) freed_bytes: u64,
}

impl PackUse {
    /// An estimate for a store that was just opened. Nodes take some more than what they hold.
    pub(crate) fn estimate(states: &mut States) -> PackUse {
        let bases = states.live_bases();
        bases.iter().for_each(|base| base.owns(base.tree.bytes));
        let trees: HashMap<_, _> = bases.iter().map(|base| (base.tree.node, base.tree.bytes)).collect();
        let live_bytes = trees.values().sum::<u64>();
        PackUse { live_bytes, bytes: live_bytes + live_bytes / 2, ..PackUse::default() }
    }

    /// So much garbage calls for a collection.
    fn much(&self, options: &Options) -> u64 {
        (self.live_bytes / 4).max(options.checkpoint_bytes)
    }

    /// States that were removed call for one by themselves.
    pub(crate) fn has_freed_much(&self, options: &Options) -> bool {
        self.freed_bytes >= self.much(options)
    }
}
