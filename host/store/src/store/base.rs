//! The trees that states stand on, and what would go with each of them.

use crate::store::CommitNumber;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::tree::Tree;

/// A tree that a state or a view stands on. While one of them lives, its packs are kept.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) tree: Tree,
    /// The last commit in it.
    pub(crate) last: CommitNumber,
    /// What of it no other base held when the packs were last looked through.
    own_bytes: AtomicU64,
    /// How many states stand on it.
    states: AtomicU64,
}

impl PartialEq for Base {
    fn eq(&self, other: &Base) -> bool {
        self.tree == other.tree
    }
}

impl Eq for Base {}

impl Base {
    pub(crate) fn new(tree: Tree, last: CommitNumber) -> Base {
        Base { tree, last, own_bytes: AtomicU64::new(0), states: AtomicU64::new(0) }
    }

    /// Notes what a collection found to be of this base alone.
    pub(crate) fn owns(&self, bytes: u64) {
        self.own_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Bytes in the packs that become garbage when a state that stands on the base goes. What was written since the last
    /// collection is not among them: all of that counts as if it replaced something.
    pub(crate) fn freed_bytes(&self) -> u64 {
        match self.states.load(Ordering::Relaxed) {
            0 | 1 => self.own_bytes.load(Ordering::Relaxed).min(self.tree.bytes),
            _ => 0,
        }
    }

    pub(crate) fn join(&self) {
        self.states.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn leave(&self) {
        self.states.fetch_sub(1, Ordering::Relaxed);
    }

    /// A state goes on from another base to this one, which holds most of what the other does.
    pub(crate) fn succeeds(&self, before: &Base) {
        if self.tree != Tree::EMPTY {
            self.own_bytes.fetch_add(before.own_bytes.swap(0, Ordering::Relaxed), Ordering::Relaxed);
        }
        self.join();
        before.leave();
    }
}
