//! A segment's file, read a part at a time.

use std::io;

use super::format::{Batch, u32_at};
use crate::disk::{Disk, File, Mode};
use crate::limits::{BATCH_BYTES_MAX, BLOCK_BYTES};

/// A part of a file in memory: enough for the largest batch.
pub(super) struct Window {
    file: Box<dyn File>,
    pub(super) len: u64,
    start: u64,
    bytes: Vec<u8>,
}

impl Window {
    pub(super) fn open(disk: &dyn Disk, path: &str) -> io::Result<Window> {
        let file = disk.open(path, Mode::Read)?;
        let len = file.len()?;
        Ok(Window { file, len, start: 0, bytes: Vec::new() })
    }

    /// The batch that starts at an offset, and perhaps more. Its length is not checked yet.
    pub(super) fn batch(&mut self, offset: u64) -> io::Result<&[u8]> {
        let head = self.at(offset, BLOCK_BYTES)?;
        let length = u32_at(head, 4) as usize;
        let is_batch = Batch::may_start(head) && length <= BATCH_BYTES_MAX;
        let left = usize::try_from(self.len - offset).unwrap_or(usize::MAX);
        self.at(offset, if is_batch { length.clamp(BLOCK_BYTES, left) } else { BLOCK_BYTES })
    }

    /// Some bytes of the file.
    pub(super) fn at(&mut self, offset: u64, bytes: usize) -> io::Result<&[u8]> {
        let end = offset + bytes as u64;
        if end > self.len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if offset < self.start || end > self.start + self.bytes.len() as u64 {
            let want = (self.len - offset).min(2 * BATCH_BYTES_MAX as u64) as usize;
            self.bytes.clear();
            self.bytes.resize(want, 0);
            self.start = offset;
            if let Err(error) = self.file.read_exact_at(offset, &mut self.bytes) {
                // One bad sector must not take the blocks around it along.
                self.bytes.clear();
                self.bytes.resize(bytes, 0);
                self.file.read_exact_at(offset, &mut self.bytes).map_err(|_| error)?;
            }
        }
        let at = (offset - self.start) as usize;
        Ok(&self.bytes[at..at + bytes])
    }
}
