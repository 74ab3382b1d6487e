//! Segment files: their names, how one is made, and the spare that waits for its turn.
//!
//! ```text
//! 0000000007.log   a segment in use
//! spare            zero-filled or recycled, synced: becomes the next segment
//! spare.new        a spare in the making; means nothing
//! *.log.new        a segment in the making (creation and recovery); means nothing
//! ```

use std::io;
use std::sync::Arc;

use super::JOURNAL_DIR;
use crate::disk::{Disk, File, Mode};
use crate::planted::{Bug, planted};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SPARE: &str = "journal/spare";
const SPARE_NEW: &str = "journal/spare.new";
/// Written at once when zeros are laid down; between two such writes a closing store can interrupt.
const FILL_BYTES: usize = 1 << 20;

/// The file of a segment.
pub(crate) fn segment_path(number: u64) -> String {
    format!("{JOURNAL_DIR}/{number:010}.log")
}

/// The number in a segment's file name.
pub(crate) fn segment_number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".log")?.parse().ok()?;
    (segment_path(number).strip_prefix("journal/") == Some(name)).then_some(number)
}

/// Makes a file that starts with `head` and goes on with zeros. Its blocks exist, so that a later sync has no metadata to
/// write. Not synced yet.
pub(crate) fn filled(
    disk: &dyn Disk,
    path: &str,
    head: &[u8],
    bytes: u64,
    stop: &AtomicBool,
) -> io::Result<Box<dyn File>> {
    remove_if_there(disk, path)?;
    let file = disk.open(path, Mode::CreateNew)?;
    for (index, part) in head.chunks(FILL_BYTES).enumerate() {
        file.write_at((index * FILL_BYTES) as u64, part)?;
    }
    let mut offset = head.len() as u64;
    let zeros = vec![0; FILL_BYTES.min(bytes.saturating_sub(offset) as usize)];
    while offset < bytes {
        if stop.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let part = (bytes - offset).min(zeros.len() as u64);
        file.write_at(offset, &zeros[..part as usize])?;
        offset += part;
    }
    Ok(file)
}

/// Removes a file; one that is not there is no error.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &str) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The spare segment: at most one, always whole.
pub(crate) struct Spares {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    ready: Mutex<Option<Spare>>,
    bytes: AtomicU64,
    stop: AtomicBool,
}

/// A spare segment's file.
pub(crate) struct Spare {
    pub(crate) file: Box<dyn File>,
    pub(crate) bytes: u64,
}

impl Spares {
    /// Takes over the spare that an earlier owner left, if it has the right size.
    pub(crate) fn open(disk: Arc<dyn Disk>, segment_bytes: u64) -> io::Result<Spares> {
        let found = match disk.open(SPARE, Mode::ReadWrite) {
            Ok(file) if file.len()? == segment_bytes => Some(Spare { file, bytes: segment_bytes }),
            Ok(_) => {
                disk.remove(SPARE)?;
                None
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let bytes = AtomicU64::new(found.as_ref().map_or(0, |spare| spare.bytes));
        Ok(Spares { disk, segment_bytes, ready: Mutex::new(found), bytes, stop: AtomicBool::new(false) })
    }

    /// Bytes of the spare; 0 if there is none.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    /// Makes a spare if there is none. Waits for one that is being made.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let mut ready = self.ready.lock();
        if ready.is_some() {
            return Ok(());
        }
        let made = self.make();
        if made.is_err() {
            // What was written so far takes the space that others need now.
            let _ = remove_if_there(&*self.disk, SPARE_NEW);
        }
        *ready = Some(made?);
        self.bytes.store(self.segment_bytes, Ordering::Release);
        Ok(())
    }

    fn make(&self) -> io::Result<Spare> {
        let file = filled(&*self.disk, SPARE_NEW, &[], self.segment_bytes, &self.stop)?;
        file.sync_all()?;
        self.disk.rename(SPARE_NEW, SPARE)?;
        self.disk.sync_dir(JOURNAL_DIR)?;
        Ok(Spare { file, bytes: self.segment_bytes })
    }

    /// Turns a segment that is not needed any more into the spare, or removes it if there is one.
    pub(crate) fn recycle(&self, number: u64) -> io::Result<()> {
        let path = segment_path(number);
        let mut ready = self.ready.lock();
        let file = self.disk.open(&path, Mode::ReadWrite)?;
        if ready.is_some() || file.len()? != self.segment_bytes {
            drop(file);
            self.disk.remove(&path)?;
            return self.disk.sync_dir(JOURNAL_DIR);
        }
        self.disk.rename(&path, SPARE)?;
        self.disk.sync_dir(JOURNAL_DIR)?;
        *ready = Some(Spare { file, bytes: self.segment_bytes });
        self.bytes.store(self.segment_bytes, Ordering::Release);
        Ok(())
    }

    /// Makes the spare the segment with this number: `begin` writes its start, then it is synced and renamed. No other
    /// spare can take its name meanwhile. None if there is no spare.
    pub(crate) fn activate(
        &self,
        number: u64,
        begin: impl FnOnce(&dyn File) -> io::Result<()>,
    ) -> io::Result<Option<Spare>> {
        let mut ready = self.ready.lock();
        let Some(spare) = ready.take() else { return Ok(None) };
        self.bytes.store(0, Ordering::Release);
        begin(&*spare.file)?;
        if !planted(Bug::SegmentRenamedBeforeSync) {
            spare.file.sync_data()?;
        }
        self.disk.rename(SPARE, &segment_path(number))?;
        self.disk.sync_dir(JOURNAL_DIR)?;
        Ok(Some(spare))
    }

    /// Interrupts the making of a spare: the store closes.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// The size of a full segment.
    pub(crate) fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }
}
