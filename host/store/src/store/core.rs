//! What all clones of a store share: the front where commits are ordered, and the journal behind it.
//!
//! ```text
//! commit ─▶ front: check, apply in memory, queue ─▶ drive: one write, one sync ─▶ progress: wake the callers
//!           (one short lock)                        (each one at a time)
//! ```
//!
//! Locks are taken in this order: checkpointing, segments, journal, spares, front, owner. Nobody waits for the disk under the
//! front's lock.

use std::io;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::CommitError;
use crate::journal::format::batch_bytes;
use crate::journal::{JournalWriter, RecordQueue, Spares, with_sealed};
use crate::limits::DIRTY_CHECKPOINTS_MAX;
use crate::pack::{PackId, Packs};
use crate::store::chores::Bell;
use crate::store::collect::PackUse;
use crate::store::export::Imports;
use crate::store::format_file::Format;
use crate::store::history::Pins;
use crate::store::lock::OwnerLock;
use crate::store::progress::Progress;
use crate::store::state::States;
use crate::store::{CommitNumber, Durability, Options, Ticket, Writer};
use crate::sync::{Condvar, Mutex, MutexGuard};
use crate::tree::{Hash, Tree};

/// What a record may need of the journal beyond its own bytes: a batch of its own, padded.
pub(crate) fn reserved_bytes(record_bytes: usize) -> u64 {
    batch_bytes(record_bytes) as u64
}

/// An open store.
pub(crate) struct Core {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: Options,
    pub(crate) format: Format,
    pub(crate) owner_epoch: u64,
    /// The process that opened the store.
    process: u32,
    /// The lock on the directory, until the store ends.
    pub(crate) owner: Mutex<Option<OwnerLock>>,
    pub(crate) packs: Arc<Packs>,
    pub(crate) spares: Arc<Spares>,
    pub(crate) progress: Progress,
    pub(crate) imports: Imports,
    /// Held for a checkpoint, a collection or a verification: one at a time.
    pub(crate) checkpointing: Mutex<()>,
    /// Held while segments are recycled, or read to verify them.
    pub(crate) segments: Mutex<()>,
    /// What readers of history need.
    pub(crate) pins: Pins,
    journal: Mutex<Journal>,
    front: Mutex<Front>,
    /// Rung when there is work for the writer thread.
    pub(crate) work: Condvar,
    /// Rings for a checkpoint.
    pub(crate) checkpoint_bell: Bell,
    /// Rung when the background has tried a checkpoint.
    pub(crate) checkpointed: Condvar,
    /// Rings for a spare segment, and for segments to recycle.
    pub(crate) spare_bell: Bell,
}

/// The journal's open end, and what is needed to write there.
pub(crate) struct Journal {
    pub(crate) writer: JournalWriter,
    pub(crate) taken: RecordQueue,
}

/// Where commits are ordered.
pub(crate) struct Front {
    pub(crate) states: States,
    pub(crate) accepted: CommitNumber,
    /// Packs that an accepted record names.
    pub(crate) packs: Vec<PackId>,
    /// Ops that lie in packs, until nobody replays their commit any more.
    pub(crate) blobs: Vec<(CommitNumber, Hash)>,
    /// Trees that commits made states of, as long.
    pub(crate) adopted: Vec<(CommitNumber, Tree)>,
    /// Of later commits all of both are known.
    pub(crate) named_after: CommitNumber,
    /// What the packs are used for, as far as is known without reading them.
    pub(crate) pack_use: PackUse,
    /// Bytes of changes since the last checkpoint.
    pub(crate) dirty_bytes: u64,
    /// Those that the running checkpoint has taken.
    pub(crate) frozen_bytes: u64,
    /// The next checkpoint in the background is due when as many bytes have changed.
    pub(crate) checkpoint_at: u64,
    pub(crate) checkpoints: u64,
    /// The last checkpoint that the background tried failed like this.
    pub(crate) checkpoint_failure: Option<String>,
    /// The archive did not take the oldest segment, for this reason.
    pub(crate) archive_failure: Option<String>,
    /// How many checkpoints the background has tried.
    pub(crate) checkpoints_tried: u64,
    pub(crate) queue: RecordQueue,
    /// There is a commit in the queue that counts as acknowledged once it is written.
    pub(crate) has_buffered: bool,
    /// The place in the journal of the last accepted record.
    sequence: u64,
    /// Journal bytes promised to accepted records: of those in the queue, and of those being written.
    pub(crate) queued: u64,
    pub(crate) writing: u64,
    /// Journal bytes left in the current segment.
    pub(crate) room: u64,
    /// Somebody has the role to sync.
    pub(crate) syncing: bool,
    /// The writer thread was called and has not answered yet.
    pub(crate) called: bool,
    /// The writer thread is to end.
    pub(crate) stopping: bool,
    /// The last commit that somebody waits for by its number.
    awaited: CommitNumber,
    pub(crate) closed: bool,
    pub(crate) poison: Option<Arc<str>>,
}

impl Front {
    pub(crate) fn new(states: States, accepted: CommitNumber, packs: Vec<PackId>) -> Front {
        Front {
            states,
            accepted,
            packs,
            blobs: Vec::new(),
            adopted: Vec::new(),
            named_after: accepted,
            pack_use: PackUse::default(),
            dirty_bytes: 0,
            frozen_bytes: 0,
            checkpoint_at: u64::MAX,
            checkpoints: 0,
            checkpoint_failure: None,
            archive_failure: None,
            checkpoints_tried: 0,
            queue: RecordQueue::default(),
            has_buffered: false,
            sequence: 0,
            queued: 0,
            writing: 0,
            room: 0,
            syncing: false,
            called: false,
            stopping: false,
            awaited: CommitNumber(0),
            closed: false,
            poison: None,
        }
    }

    /// Queues a record for which there is room, and returns its place.
    pub(crate) fn push(&mut self, record: &[u8], durability: Durability) -> u64 {
        self.queue.push(record);
        self.has_buffered |= durability == Durability::Buffered;
        self.queued += reserved_bytes(record.len());
        self.sequence += 1;
        self.sequence
    }

    /// The place of the last accepted record.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }
}

/// Who asks for room: the user, or the store itself, which may go on after a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    User,
    Store,
}

impl Core {
    #[expect(clippy::too_many_arguments, reason = "the parts of a store, named once, at the end of opening it")]
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        options: Options,
        format: Format,
        owner_epoch: u64,
        packs: Arc<Packs>,
        spares: Arc<Spares>,
        writer: JournalWriter,
        lock: OwnerLock,
        mut front: Front,
        applied: CommitNumber,
    ) -> Core {
        front.room = writer.room();
        front.checkpoint_at = options.checkpoint_bytes;
        Core {
            disk,
            options,
            format,
            owner_epoch,
            process: crate::disk::process(),
            owner: Mutex::new(Some(lock)),
            packs,
            spares,
            progress: Progress::starting_at(front.accepted, applied),
            imports: Imports::default(),
            checkpointing: Mutex::new(()),
            segments: Mutex::new(()),
            pins: Pins::default(),
            journal: Mutex::new(Journal { writer, taken: RecordQueue::default() }),
            front: Mutex::new(front),
            work: Condvar::new(),
            checkpoint_bell: Bell::default(),
            checkpointed: Condvar::new(),
            spare_bell: Bell::default(),
        }
    }

    pub(crate) fn is_inline(&self) -> bool {
        self.options.writer == Writer::Inline
    }

    pub(crate) fn front(&self) -> MutexGuard<'_, Front> {
        self.front.lock()
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock()
    }

    /// The front, with room for a record of this size: nothing that comes after can fail for lack of space.
    pub(crate) fn admit(
        self: &Arc<Core>,
        record_bytes: usize,
        asker: Asker,
    ) -> Result<MutexGuard<'_, Front>, CommitError> {
        let needed = reserved_bytes(record_bytes);
        let mut front = self.front.lock();
        loop {
            if let Some(reason) = &front.poison {
                return Err(CommitError::Poisoned { reason: reason.to_string() });
            }
            if front.closed && asker == Asker::User {
                return Err(CommitError::Closed);
            }
            if asker == Asker::User && front.dirty_bytes + front.frozen_bytes >= self.dirty_bytes_max() {
                self.wait_for_checkpoint(&mut front)?;
                continue;
            }
            let promised = front.queued + front.writing;
            let is_full = front.queue.bytes() as u64 >= self.options.queue_bytes;
            if !is_full && promised + needed <= front.room + self.spare_room() {
                return Ok(front);
            }
            if promised > 0 {
                MutexGuard::unlocked(&mut front, || self.write());
                if self.is_inline() {
                    MutexGuard::unlocked(&mut front, || self.tidy_segments());
                }
                continue;
            }
            let had_spare = self.spares.bytes() > 0;
            MutexGuard::unlocked(&mut front, || self.spares.prepare())
                .map_err(|source| CommitError::from_io("journal/spare", source))?;
            if had_spare && needed > front.room + self.spare_room() {
                return Err(CommitError::NoSpace { source: io::ErrorKind::StorageFull.into() });
            }
        }
    }

    fn dirty_bytes_max(&self) -> u64 {
        self.options.checkpoint_bytes.saturating_mul(DIRTY_CHECKPOINTS_MAX)
    }

    /// Calls for a checkpoint and waits for it, so that changes in memory stay bounded. If the last one failed, it is called
    /// for again, but nobody waits for what may fail as before. Without threads it is made here.
    fn wait_for_checkpoint(self: &Arc<Core>, front: &mut MutexGuard<'_, Front>) -> Result<(), CommitError> {
        let is_full = |front: &Front| front.dirty_bytes + front.frozen_bytes >= self.dirty_bytes_max();
        if self.is_inline() {
            MutexGuard::unlocked(front, || self.checkpoint_in_background());
        }
        while is_full(front) && front.poison.is_none() {
            if let Some(reason) = &front.checkpoint_failure {
                let dirty_bytes = front.dirty_bytes + front.frozen_bytes;
                let reason = reason.clone();
                self.checkpoint_bell.ring();
                return Err(CommitError::CheckpointFailed { dirty_bytes, reason });
            }
            let tried = front.checkpoints_tried;
            self.checkpoint_bell.ring();
            while front.checkpoints_tried == tried && front.poison.is_none() {
                self.checkpointed.wait(front);
            }
        }
        match &front.poison {
            Some(reason) => Err(CommitError::Poisoned { reason: reason.to_string() }),
            None => Ok(()),
        }
    }

    fn spare_room(&self) -> u64 {
        match self.spares.bytes() {
            0 => 0,
            bytes => JournalWriter::spare_room(bytes, self.options.segment_bytes),
        }
    }

    /// Ends the front's lock after a commit was ordered. Its ticket calls who writes it; who waits for its number has none.
    pub(crate) fn submit(&self, front: MutexGuard<'_, Front>) {
        self.progress.set_accepted(front.accepted);
        if front.accepted <= front.awaited {
            self.call_writer(front);
            self.progress.wake();
        }
    }

    /// Somebody waits for a commit by its number.
    pub(crate) fn await_commit(&self, number: CommitNumber) {
        let mut front = self.front();
        front.awaited = front.awaited.max(number);
    }

    /// This process is not the one that opened the store.
    pub(crate) fn forked(&self) -> Option<CommitError> {
        (crate::disk::process() != self.process).then_some(CommitError::Forked { owner: self.process })
    }

    /// Queues a record of the store itself.
    pub(crate) fn push(self: &Arc<Core>, record: &[u8]) -> Result<Ticket, CommitError> {
        let mut front = self.admit(record.len(), Asker::Store)?;
        let sequence = front.push(record, Durability::Synced);
        Ok(Ticket::new(self.clone(), Durability::Synced, sequence, front.accepted))
    }

    /// Prepares a spare segment and gives up those that a Manifest covers. What fails here fails again where it is needed, and
    /// is reported there; only the archive's failures have no other place.
    pub(crate) fn tidy_segments(&self) {
        {
            let _segments = self.segments.lock();
            loop {
                let taken = {
                    // Who reads history pins it under the journal's lock.
                    let mut journal = self.journal.lock();
                    journal.writer.sealed().take(self.pins.oldest_segment())
                };
                let Some(sealed) = taken else { break };
                if self.give_up(sealed.number).is_err() {
                    self.journal.lock().writer.sealed().hold(sealed);
                    break;
                }
            }
        }
        let wants_spare = self.journal.lock().writer.wants_spare();
        if wants_spare {
            let _ = self.spares.prepare();
        }
    }

    /// Archives a segment, and lets it go.
    fn give_up(&self, number: u64) -> io::Result<()> {
        if let Some(archive) = &self.options.archive {
            let kept = with_sealed(&*self.disk, number, &mut |segment| archive.keep(segment));
            self.front().archive_failure = kept.as_ref().err().map(|error| format!("segment {number}: {error}"));
            kept?;
        }
        self.spares.recycle(number)
    }
}
