//! Reads large values piece by piece.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::format::Item;
use super::reader::Pack;
use crate::error::ReadError;
use crate::tree::{GROUP_BYTES, Groups, ValueHash};

/// A value that is read where it is asked for, without being held in memory. From [`View::open_value`](crate::View::open_value).
///
/// Opening a value of more than 64 KiB reads it once and compares its hash; 32 bytes of that are kept for each 64 KiB, and
/// whatever is read later is checked again before it is handed out. What was opened stays readable, whatever becomes of
/// the state.
pub struct ValueReader(Source);

enum Source {
    Memory(Bytes),
    Pack(Streamed),
}

/// A value in a pack.
struct Streamed {
    pack: Arc<Pack>,
    item: Item,
    groups: Groups,
    /// The group that was read and checked last.
    here: Option<usize>,
    group: Vec<u8>,
}

impl ValueReader {
    /// A value that is in memory already.
    pub(crate) fn whole(value: Bytes) -> ValueReader {
        ValueReader(Source::Memory(value))
    }

    /// Reads a value once, to check it. It has more than one group.
    pub(super) fn open(pack: Arc<Pack>, item: Item) -> Result<ValueReader, ReadError> {
        let mut streamed = Streamed { pack, item, groups: Groups::default(), here: None, group: vec![] };
        for index in 0..(item.length as usize).div_ceil(GROUP_BYTES) {
            streamed.read(index)?;
            streamed.groups.push(&streamed.group);
        }
        if streamed.groups.hash() != ValueHash(item.hash) {
            return Err(streamed.pack.damaged_item(&item, "does not have its hash"));
        }
        Ok(ValueReader(Source::Pack(streamed)))
    }

    /// The length of the value in bytes.
    pub fn len(&self) -> u64 {
        match &self.0 {
            Source::Memory(value) => value.len() as u64,
            Source::Pack(streamed) => u64::from(streamed.item.length),
        }
    }

    /// Whether the value has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads from `offset` on until `out` is full or the value ends, and returns how many bytes it read. After an error
    /// `out` holds checked bytes of the value or what it held before.
    pub fn read_at(&mut self, offset: u64, out: &mut [u8]) -> Result<usize, ReadError> {
        let Ok(start) = usize::try_from(offset.min(self.len())) else { return Ok(0) };
        let (mut at, mut done) = (start, 0);
        while done < out.len() {
            let piece = self.piece(at)?;
            let count = piece.len().min(out.len() - done);
            if count == 0 {
                break;
            }
            out[done..done + count].copy_from_slice(&piece[..count]);
            (at, done) = (at + count, done + count);
        }
        Ok(done)
    }

    /// Hands out the value from its start, until `take` answers false.
    pub(crate) fn each_piece(&mut self, take: &mut dyn FnMut(&[u8]) -> bool) -> Result<(), ReadError> {
        let mut at = 0;
        loop {
            let piece = self.piece(at)?;
            if piece.is_empty() || !take(piece) {
                return Ok(());
            }
            at += piece.len();
        }
    }

    /// Checked bytes from a place on; none at the end alone.
    fn piece(&mut self, at: usize) -> Result<&[u8], ReadError> {
        match &mut self.0 {
            Source::Memory(value) => Ok(&value[at..]),
            Source::Pack(streamed) if at == streamed.item.length as usize => Ok(&[]),
            Source::Pack(streamed) => Ok(&streamed.checked(at / GROUP_BYTES)?[at % GROUP_BYTES..]),
        }
    }
}

impl Streamed {
    /// A group, read and checked.
    fn checked(&mut self, index: usize) -> Result<&[u8], ReadError> {
        if self.here != Some(index) {
            self.here = None;
            self.read(index)?;
            if !self.groups.is(index, &self.group) {
                return Err(self.pack.damaged_item(&self.item, "changed since it was opened"));
            }
            self.here = Some(index);
        }
        Ok(&self.group)
    }

    /// Reads a group, unchecked.
    fn read(&mut self, index: usize) -> Result<(), ReadError> {
        let start = index * GROUP_BYTES;
        self.group.resize(GROUP_BYTES.min(self.item.length as usize - start), 0);
        self.pack.read_part(&self.item, start as u64, &mut self.group)
    }
}

impl fmt::Debug for ValueReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueReader").field("len", &self.len()).finish_non_exhaustive()
    }
}
