//! The contents of one file: what processes see, what lies on the medium, and the changes between the two.

use std::sync::Arc;

use super::random::Random;
use super::tear::{Fate, Part, SECTOR_BYTES};

#[derive(Clone, Default)]
pub(super) struct Contents {
    /// What reads return.
    pub(super) cache: Arc<Vec<u8>>,
    /// What survives.
    medium: Arc<Vec<u8>>,
    /// What a sync would add to the medium, in order. After a failed sync this is empty, though the cache may still
    /// differ from the medium: those pages count as clean and are never written.
    pending: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Len(usize),
}

impl Contents {
    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.change(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.change(Change::Len(len));
    }

    pub(super) fn sync(&mut self) {
        let medium = Arc::make_mut(&mut self.medium);
        for change in self.pending.drain(..) {
            change.apply(medium);
        }
    }

    /// A sync that failed: a part has reached the medium, any if no fate is given, the rest never will, and the next sync
    /// succeeds.
    pub(super) fn sync_fails(&mut self, fate: Option<Fate>, random: &mut Random) {
        self.medium = self.survivors(fate, None, random);
        self.pending.clear();
    }

    /// The file after a power loss, which left this part of the last write.
    pub(super) fn after_power_loss(&self, fate: Option<Fate>, part: Option<Part>, random: &mut Random) -> Contents {
        let medium = self.survivors(fate, part, random);
        Contents { cache: medium.clone(), medium, pending: Vec::new() }
    }

    pub(super) fn flip_bit(&mut self, offset: usize, bit: u8) {
        Arc::make_mut(&mut self.cache)[offset] ^= 1 << bit;
        if let Some(byte) = Arc::make_mut(&mut self.medium).get_mut(offset) {
            *byte ^= 1 << bit;
        }
    }

    fn change(&mut self, change: Change) {
        change.apply(Arc::make_mut(&mut self.cache));
        self.pending.push(change);
    }

    fn survivors(&self, fate: Option<Fate>, part: Option<Part>, random: &mut Random) -> Arc<Vec<u8>> {
        let Some(last) = self.pending.len().checked_sub(1) else { return self.medium.clone() };
        let mut medium = (*self.medium).clone();
        let changes = self.pending.len();
        let seeded = fate.is_none();
        let fate = fate.unwrap_or_else(|| Fate::choose(changes, random));
        for (position, change) in self.pending.iter().enumerate() {
            // A change that is torn stands between one that is whole and one that is lost: the last of a prefix, or any.
            let torn = match fate {
                Fate::First(changes) => position == changes,
                Fate::Some => random.once_in(2),
                _ => false,
            };
            if let Some(part) = part.filter(|_| position == last) {
                change.apply_part(&mut medium, part);
            } else if seeded && torn {
                change.apply_torn(&mut medium, random);
            } else if fate.keeps(position, changes, random) {
                change.apply(&mut medium);
            }
        }
        Arc::new(medium)
    }
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>) {
        match self {
            Change::Write { offset, bytes } => place(contents, *offset, bytes),
            Change::Len(len) => contents.resize(*len, 0),
        }
    }

    fn apply_part(&self, contents: &mut Vec<u8>, part: Part) {
        match self {
            Change::Write { offset, bytes } => {
                for range in part.ranges(bytes.len()) {
                    place(contents, offset + range.start, &bytes[range]);
                }
            }
            // A length is the old one or the new one.
            Change::Len(_) if part == Part::Nothing => {}
            Change::Len(_) => self.apply(contents),
        }
    }

    fn apply_torn(&self, contents: &mut Vec<u8>, random: &mut Random) {
        let Change::Write { offset, bytes } = self else { return };
        // A file's length is metadata and may be ahead of its contents.
        if random.once_in(2) && contents.len() < offset + bytes.len() {
            contents.resize(offset + bytes.len(), 0);
        }
        let cut = random.below(bytes.len() + 1);
        match random.below(4) {
            0 => place(contents, *offset, &bytes[..cut]),
            1 => place(contents, offset + cut, &bytes[cut..]),
            2 => {
                let end = cut + random.below(bytes.len() - cut + 1);
                place(contents, offset + cut, &bytes[cut..end]);
            }
            _ => {
                for (sector, part) in bytes.chunks(SECTOR_BYTES).enumerate() {
                    if random.once_in(2) {
                        place(contents, offset + sector * SECTOR_BYTES, part);
                    }
                }
            }
        }
    }
}

fn place(contents: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    if contents.len() < offset + bytes.len() {
        contents.resize(offset + bytes.len(), 0);
    }
    contents[offset..offset + bytes.len()].copy_from_slice(bytes);
}
