//! Bugs that a test plants, to see the harness catch them. Only the feature `planted-bugs` makes them possible; without it
//! [`planted`] is a constant, and nothing of this is in the library.

/// A mistake that somebody could make, each at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "planted-bugs"), expect(unreachable_pub, reason = "only tests choose one"))]
pub enum Bug {
    /// A pack's name is not synced.
    PackDirectoryNotSynced = 1,
    /// A pack's contents are not synced: a checkpoint's record is durable before its pack.
    PackNotSynced,
    /// The journal is synced before a batch is written to it.
    SyncBeforeWrite,
    /// Commits are acknowledged before they are synced.
    AcknowledgedBeforeSync,
    /// A failed sync of the journal is tried again.
    SyncRetried,
    /// The next segment has its name before its start is synced.
    SegmentRenamedBeforeSync,
    /// Recovery gives the copied segment its name before the copy is synced.
    TailRenamedBeforeSync,
    /// Recovery goes on in the segment as the cache shows it.
    TailNotCopied,
    /// FORMAT is written before the first segment exists.
    FormatBeforeJournal,
    /// What an open shows depends on names that nobody has synced.
    NamesNotSyncedAtOpen,
    /// Segments are recycled that replay still needs.
    SegmentRecycledTooEarly,
    /// A recycled segment keeps its salt: what it held before looks like what it holds now.
    SaltReused,
    /// The hash of a batch is not checked: an unfinished write counts as a batch.
    TornTailAccepted,
    /// The hash of what is read from a pack is not checked.
    HashNotChecked,
    /// Nobody looks into LOCK before commits are acknowledged.
    OwnerNotChecked,
    /// Packs are removed before the record that drops them is durable.
    PackRemovedBeforeItsDrop,
    /// A collection forgets the writes of oversized commits that no checkpoint holds.
    PackedWritesNotLive,
    /// A checkpoint forgets that a state was removed.
    RemovalForgotten,
    /// How to take back a write is not remembered, so durable views show what is not durable.
    UndoForgotten,
    /// What is written to a state later is in its forks, too.
    ForkSharesLaterWrites,
}

#[cfg(feature = "planted-bugs")]
mod chosen {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Bug;

    static CHOSEN: AtomicU8 = AtomicU8::new(0);

    impl Bug {
        /// All of them.
        pub const ALL: [Bug; 20] = [
            Bug::PackDirectoryNotSynced,
            Bug::PackNotSynced,
            Bug::SyncBeforeWrite,
            Bug::AcknowledgedBeforeSync,
            Bug::SyncRetried,
            Bug::SegmentRenamedBeforeSync,
            Bug::TailRenamedBeforeSync,
            Bug::TailNotCopied,
            Bug::FormatBeforeJournal,
            Bug::NamesNotSyncedAtOpen,
            Bug::SegmentRecycledTooEarly,
            Bug::SaltReused,
            Bug::TornTailAccepted,
            Bug::HashNotChecked,
            Bug::OwnerNotChecked,
            Bug::PackRemovedBeforeItsDrop,
            Bug::PackedWritesNotLive,
            Bug::RemovalForgotten,
            Bug::UndoForgotten,
            Bug::ForkSharesLaterWrites,
        ];
    }

    /// The whole process has this bug from now on, or none.
    pub fn plant(bug: Option<Bug>) {
        CHOSEN.store(bug.map_or(0, |bug| bug as u8), Ordering::Relaxed);
    }

    pub(crate) fn planted(bug: Bug) -> bool {
        CHOSEN.load(Ordering::Relaxed) == bug as u8
    }
}

#[cfg(feature = "planted-bugs")]
pub use chosen::plant;
#[cfg(feature = "planted-bugs")]
pub(crate) use chosen::planted;

/// No bug is planted.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}
