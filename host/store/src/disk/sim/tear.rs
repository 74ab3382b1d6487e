//! How much of what was not synced a fault leaves: of one write, and of everything at a power loss.

use std::ops::Range;

use super::random::Random;

/// A sector: what real media write as a unit, at least.
pub(super) const SECTOR_BYTES: usize = 512;
/// A block: what file systems write as a unit, as a rule.
const BLOCK_BYTES: usize = 4096;

/// The bytes of one write that are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// None.
    Nothing,
    /// The first one.
    FirstByte,
    /// Those before the first sector's end.
    FirstSector,
    /// Those before the first block's end.
    FirstBlock,
    /// The first half.
    FirstHalf,
    /// All but the last one.
    AllButLastByte,
    /// All but one in the middle.
    AllButMiddleByte,
    /// The one in the middle.
    MiddleByte,
    /// The last one: with it the file has its length.
    LastByte,
    /// All.
    Everything,
}

impl Part {
    /// The parts that begin with the first byte, which a write that stops early leaves; none of them is whole.
    pub const SHORT: [Part; 6] =
        [Part::Nothing, Part::FirstByte, Part::FirstSector, Part::FirstBlock, Part::FirstHalf, Part::AllButLastByte];
    /// All parts that a power loss may leave.
    pub const TORN: [Part; 10] = [
        Part::Nothing,
        Part::FirstByte,
        Part::FirstSector,
        Part::FirstBlock,
        Part::FirstHalf,
        Part::AllButLastByte,
        Part::AllButMiddleByte,
        Part::MiddleByte,
        Part::LastByte,
        Part::Everything,
    ];

    /// The done bytes of a write of this length: two ranges, either may be empty.
    pub(super) fn ranges(self, len: usize) -> [Range<usize>; 2] {
        let middle = len / 2;
        let one = |range: Range<usize>| [range.start.min(len)..range.end.min(len), 0..0];
        match self {
            Part::Nothing => one(0..0),
            Part::FirstByte => one(0..1),
            Part::FirstSector => one(0..SECTOR_BYTES),
            Part::FirstBlock => one(0..BLOCK_BYTES),
            Part::FirstHalf => one(0..middle),
            Part::AllButLastByte => one(0..len.saturating_sub(1)),
            Part::AllButMiddleByte => [0..middle, (middle + 1).min(len)..len],
            Part::MiddleByte => one(middle..middle + 1),
            Part::LastByte => one(len.saturating_sub(1)..len),
            Part::Everything => one(0..len),
        }
    }
}

/// What a power loss takes of the changes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Any part, torn anywhere, as a seed decides.
    Seed(u64),
    /// Nothing.
    Nothing,
    /// Everything.
    Everything,
    /// All names that were created, renamed or removed; contents stay.
    Names,
    /// Every second of these names, starting with the first or the second; contents stay.
    SomeNames {
        /// The first is lost.
        first: bool,
    },
    /// All contents; names stay.
    Contents,
    /// All but the last change of each file, and all but the last of the names: it overtook the others.
    Earlier,
    /// All but a part of the last write; what came before it stays.
    Tear(Part),
}

impl Loss {
    /// What becomes of the names, and of the contents of each file; none where a seed decides.
    pub(super) fn fates(self) -> Option<(Fate, Fate)> {
        Some(match self {
            Loss::Seed(_) => return None,
            Loss::Nothing | Loss::Tear(_) => (Fate::Everything, Fate::Everything),
            Loss::Everything => (Fate::Nothing, Fate::Nothing),
            Loss::Names => (Fate::Nothing, Fate::Everything),
            Loss::SomeNames { first } => (Fate::EverySecond(usize::from(first)), Fate::Everything),
            Loss::Contents => (Fate::Everything, Fate::Nothing),
            Loss::Earlier => (Fate::Last, Fate::Last),
        })
    }
}

/// How much of a sequence of unsynced changes reaches the medium.
#[derive(Clone, Copy)]
pub(super) enum Fate {
    Nothing,
    Everything,
    /// So many, in the order they were made.
    First(usize),
    /// The last.
    Last,
    /// Every second, from this one on.
    EverySecond(usize),
    /// Any.
    Some,
}

impl Fate {
    pub(super) fn choose(changes: usize, random: &mut Random) -> Fate {
        match random.below(6) {
            0 => Fate::Nothing,
            1 => Fate::Everything,
            2 | 3 => Fate::First(random.below(changes + 1)),
            _ => Fate::Some,
        }
    }

    /// Whether the change at a position of so many reaches the medium.
    pub(super) fn keeps(self, position: usize, changes: usize, random: &mut Random) -> bool {
        match self {
            Fate::Nothing => false,
            Fate::Everything => true,
            Fate::First(first) => position < first,
            Fate::Last => position + 1 == changes,
            Fate::EverySecond(from) => position % 2 == from,
            Fate::Some => random.once_in(2),
        }
    }
}
