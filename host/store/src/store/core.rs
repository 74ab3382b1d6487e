//! What all clones of a store share: the front where commits are ordered, and the journal behind it.
//!
//! ```text
//! commit ─▶ front: check, apply in memory, queue ─▶ drive: one write, one sync ─▶ progress: wake the callers
//!           (one short lock)                        (one at a time)
//! ```
//!
//! Locks are taken in this order: checkpointing, segments, journal, spares, front. Nobody waits for the disk under the front's lock.

use std::io;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::disk::Disk;
use crate::error::CommitError;
use crate::journal::format::batch_bytes;
use crate::journal::{JournalWriter, RecordQueue, Spares};
use crate::pack::{PackId, Packs};
use crate::store::chores::Bell;
use crate::store::format_file::Format;
use crate::store::lock::OwnerLock;
use crate::store::progress::Progress;
use crate::store::state::States;
use crate::store::{CommitNumber, Options, Ticket, Writer};
use crate::tree::Hash;

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
    pub(crate) packs: Arc<Packs>,
    pub(crate) spares: Arc<Spares>,
    pub(crate) progress: Progress,
    /// Held for a checkpoint, a collection or a verification: one at a time.
    pub(crate) checkpointing: Mutex<()>,
    /// Held while segments are recycled, or read to verify them.
    pub(crate) segments: Mutex<()>,
    journal: Mutex<Journal>,
    front: Mutex<Front>,
    /// Rung when queued commits were taken or became durable.
    room: Condvar,
    /// Rung when there is work for the writer.
    work: Condvar,
    /// Rings for a checkpoint.
    pub(crate) checkpoint_bell: Bell,
    /// Rings for a spare segment, and for segments to recycle.
    pub(crate) spare_bell: Bell,
}

/// The journal's open end, and what is needed to write there.
pub(crate) struct Journal {
    pub(crate) writer: JournalWriter,
    pub(crate) lock: Option<OwnerLock>,
    taken: RecordQueue,
}

/// Where commits are ordered.
pub(crate) struct Front {
    pub(crate) states: States,
    pub(crate) accepted: CommitNumber,
    /// Packs that an accepted record names.
    pub(crate) packs: Vec<PackId>,
    /// Ops that lie in packs, until a checkpoint holds them.
    pub(crate) blobs: Vec<(CommitNumber, Hash)>,
    /// Bytes of changes since the last checkpoint.
    pub(crate) dirty_bytes: u64,
    /// The next checkpoint in the background is due when as many bytes have changed.
    pub(crate) checkpoint_at: u64,
    pub(crate) checkpoints: u64,
    /// The last checkpoint that the background tried failed like this.
    pub(crate) checkpoint_failure: Option<String>,
    queue: RecordQueue,
    /// The place in the journal of the last accepted record.
    sequence: u64,
    /// Journal bytes promised to accepted records: of those in the queue, and of those being written.
    queued: u64,
    writing: u64,
    /// Journal bytes left in the current segment.
    room: u64,
    idle: bool,
    stopping: bool,
    pub(crate) closed: bool,
    poison: Option<Arc<str>>,
}

impl Front {
    pub(crate) fn new(states: States, accepted: CommitNumber, packs: Vec<PackId>) -> Front {
        Front {
            states,
            accepted,
            packs,
            blobs: Vec::new(),
            dirty_bytes: 0,
            checkpoint_at: u64::MAX,
            checkpoints: 0,
            checkpoint_failure: None,
            queue: RecordQueue::default(),
            sequence: 0,
            queued: 0,
            writing: 0,
            room: 0,
            idle: false,
            stopping: false,
            closed: false,
            poison: None,
        }
    }

    /// Queues a record for which there is room, and returns its place.
    pub(crate) fn push(&mut self, record: &[u8]) -> u64 {
        self.queue.push(record);
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
    ) -> Core {
        front.room = writer.room();
        front.checkpoint_at = options.checkpoint_bytes;
        Core {
            disk,
            options,
            format,
            owner_epoch,
            packs,
            spares,
            progress: Progress::starting_at(front.accepted),
            checkpointing: Mutex::new(()),
            segments: Mutex::new(()),
            journal: Mutex::new(Journal { writer, lock: Some(lock), taken: RecordQueue::default() }),
            front: Mutex::new(front),
            room: Condvar::new(),
            work: Condvar::new(),
            checkpoint_bell: Bell::default(),
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
    pub(crate) fn admit(&self, record_bytes: usize, asker: Asker) -> Result<MutexGuard<'_, Front>, CommitError> {
        let needed = reserved_bytes(record_bytes);
        let mut front = self.front.lock();
        loop {
            if let Some(reason) = &front.poison {
                return Err(CommitError::Poisoned { reason: reason.to_string() });
            }
            if front.closed && asker == Asker::User {
                return Err(CommitError::Closed);
            }
            let promised = front.queued + front.writing;
            let is_full = front.queue.bytes() as u64 >= self.options.queue_bytes;
            if !is_full && promised + needed <= front.room + self.spare_room() {
                return Ok(front);
            }
            if promised > 0 {
                self.wait_for_writer(&mut front);
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

    fn spare_room(&self) -> u64 {
        match self.spares.bytes() {
            0 => 0,
            bytes => JournalWriter::spare_room(bytes, self.options.segment_bytes),
        }
    }

    fn wait_for_writer(&self, front: &mut MutexGuard<'_, Front>) {
        if self.is_inline() {
            MutexGuard::unlocked(front, || self.drive());
        } else {
            self.room.wait(front);
        }
    }

    /// Lets the writer know of what was pushed, and ends the front's lock.
    pub(crate) fn submit(&self, mut front: MutexGuard<'_, Front>) {
        let wake = std::mem::take(&mut front.idle);
        drop(front);
        if wake {
            self.work.notify_one();
        }
    }

    /// Queues a record of the store itself.
    pub(crate) fn push(self: &Arc<Core>, record: &[u8]) -> Result<Ticket, CommitError> {
        let mut front = self.admit(record.len(), Asker::Store)?;
        let sequence = front.push(record);
        let ticket = Ticket::new(self.clone(), sequence, front.accepted);
        self.submit(front);
        Ok(ticket)
    }

    /// Makes everything durable that is queued: one write and one sync for all of it.
    pub(crate) fn drive(&self) {
        let mut journal = self.journal.lock();
        let Journal { writer, lock, taken } = &mut *journal;
        let (sequence, commit) = {
            let mut front = self.front.lock();
            if front.queue.is_empty() || front.poison.is_some() {
                return;
            }
            std::mem::swap(&mut front.queue, taken);
            front.writing = std::mem::take(&mut front.queued);
            (front.sequence, front.accepted)
        };
        let done = writer
            .append(taken, || self.progress.set_written(commit))
            .and_then(|()| lock.as_ref().map_or(Ok(()), OwnerLock::check));
        taken.clear();
        match done {
            Ok(()) => self.settle(writer, sequence, commit),
            Err(error) => self.poison(&format!("the journal failed: {error}")),
        }
        drop(journal);
        if self.is_inline() {
            self.tidy_segments();
        }
    }

    fn settle(&self, writer: &JournalWriter, sequence: u64, commit: CommitNumber) {
        {
            let mut front = self.front.lock();
            front.writing = 0;
            front.room = writer.room();
        }
        self.room.notify_all();
        self.progress.set_durable(sequence, commit, writer.counts());
        if writer.has_chores() {
            self.spare_bell.ring();
        }
    }

    /// The journal failed: nobody knows what of the last write is durable, so nothing is accepted any more.
    pub(crate) fn poison(&self, reason: &str) {
        let reason: Arc<str> = reason.into();
        {
            let mut front = self.front.lock();
            front.poison.get_or_insert_with(|| reason.clone());
            front.queue.clear();
            (front.queued, front.writing) = (0, 0);
        }
        self.progress.fail(&reason);
        self.room.notify_all();
    }

    /// The writer thread: takes what arrived while the last sync ran.
    pub(crate) fn write_until_stopped(&self) {
        loop {
            {
                let mut front = self.front.lock();
                while front.queue.is_empty() && !front.stopping {
                    front.idle = true;
                    self.work.wait(&mut front);
                }
                if front.queue.is_empty() {
                    return;
                }
                front.idle = false;
            }
            self.drive();
        }
    }

    /// Ends the writer thread once the queue is empty.
    pub(crate) fn stop_writer(&self) {
        self.front.lock().stopping = true;
        self.work.notify_one();
    }

    /// Nothing is written any more, and the lock is free: tickets that live on resolve to what is known.
    pub(crate) fn end(&self) {
        let mut journal = self.journal.lock();
        self.front.lock().closed = true;
        self.poison("the store was dropped");
        journal.lock = None;
    }

    /// Prepares a spare segment and recycles those that a Manifest covers. What fails here fails again where it is
    /// needed, and is reported there.
    pub(crate) fn tidy_segments(&self) {
        {
            let _segments = self.segments.lock();
            let covered = self.journal.lock().writer.take_covered();
            for number in covered {
                let _ = self.spares.recycle(number);
            }
        }
        let wants_spare = self.journal.lock().writer.wants_spare();
        if wants_spare {
            let _ = self.spares.prepare();
        }
    }
}
