//! What keeps the journal's segments before the store gives them up.

use std::fmt;
use std::io;
use std::sync::Arc;

use crate::disk::{Disk, Mode};
use crate::journal::{JOURNAL_DIR, SealedSegment, segment_path};

/// Keeps segments of the journal that the store needs no more, so that the past can be had back.
pub trait Archive: fmt::Debug + Send + Sync + 'static {
    /// Keeps a segment. Once this returns, the store recycles or removes it, so what is kept must be durable by then.
    ///
    /// Each segment comes at least once, in order, on a thread of the store that commits do not wait for; after a crash the last
    /// one may come again. After an error the segment stays and comes again once the journal has gone on to its next
    /// segment, and when the store was opened anew; no later one comes before it. The journal grows meanwhile, and commits
    /// go on. The failure stands in [`Info::archive_failure`](crate::Info::archive_failure). The end of the store
    /// waits for a call that runs.
    fn keep(&self, segment: SealedSegment<'_>) -> io::Result<()>;
}

/// Copies segments into another directory, under the names that they have in a data directory.
pub struct DiskArchive {
    disk: Arc<dyn Disk>,
}

impl DiskArchive {
    /// Keeps segments on this disk.
    pub fn new(disk: Arc<dyn Disk>) -> DiskArchive {
        DiskArchive { disk }
    }

    /// What was kept of the segment before: all of it, or nothing. Another segment under its name is not replaced.
    fn has(&self, path: &str, segment: &SealedSegment<'_>) -> io::Result<bool> {
        let file = match self.disk.open(path, Mode::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        match segment.is_same(&*file)? {
            true => Ok(true),
            false => Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("the archive holds another {path}: use one archive for one store"),
            )),
        }
    }
}

impl Archive for DiskArchive {
    fn keep(&self, segment: SealedSegment<'_>) -> io::Result<()> {
        self.disk.create_dir(JOURNAL_DIR)?;
        self.disk.sync_dir("")?;
        let path = segment_path(segment.number());
        if !self.has(&path, &segment)? {
            let new = format!("{path}.new");
            crate::journal::remove_if_there(&*self.disk, &new)?;
            let file = self.disk.open(&new, Mode::CreateNew)?;
            let mut offset = 0;
            segment.read(&mut |part| {
                file.write_at(offset, part)?;
                offset += part.len() as u64;
                Ok(())
            })?;
            file.sync_all()?;
            self.disk.rename(&new, &path)?;
        }
        // Also where the copy was there: who made it may have been killed before this.
        self.disk.sync_dir(JOURNAL_DIR)
    }
}

impl fmt::Debug for DiskArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DiskArchive").finish_non_exhaustive()
    }
}
