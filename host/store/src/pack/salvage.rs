//! Gets out of a damaged pack whatever still has its hash.
//!
//! ```text
//! index found by   the footer; else its fields, though its hash fails; else by its shape: the last number of the fan-out
//!                  table says how many items follow up to the footer
//! item by item     an index whose hash fails is used all the same: each body is checked against its own hash
//! gaps             bodies that no item leads to: nodes say themselves how long they are; values are known, by hash and
//!                  length, from the leaves that name them
//! ```
//!
//! So what is lost is what was hit, whichever part of the file that is.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::PackId;
use super::format::{FOOTER_BYTES, HEADER_BYTES, Index, Item, Kind, NEWER};
use super::reader::{Pack, verify_open_pack};
use crate::disk::{Disk, File, Mode};
use crate::error::ReadError;
use crate::tree::{Hash, NODE_BYTES_MAX, Node, Value};

/// Read at once where an index is looked for by its shape.
const SEARCH_BYTES: usize = 1 << 20;
/// How a node begins: where the trail is lost, the next one is looked for.
const NODE_START: &[u8] = b"SN\x01";
/// Lengths of values that are tried at one place: bounds the reading for a hostile file.
const LENGTHS_MAX: usize = 1024;

/// A pack as far as it can be read.
pub(crate) struct Salvaged {
    /// Leads to nothing but what was checked.
    pub(crate) pack: Pack,
    /// What is wrong with the file; nothing, if the pack is whole.
    pub(crate) damage: Vec<ReadError>,
    /// What the index names and the file no longer holds, with the place where it lay.
    pub(crate) bad: Vec<Item>,
    /// A store can open the pack, though it may not be able to read all of it.
    pub(crate) opens: bool,
}

/// Something known by hash and length that the pack may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Wanted {
    pub(crate) hash: Hash,
    pub(crate) length: u32,
    pub(crate) kind: Kind,
}

/// Reads every byte of a pack. `wanted` is asked what else the pack may hold, if there is a gap. An error means that there
/// is no such file.
pub(crate) fn salvage(disk: &dyn Disk, id: PackId, wanted: &dyn Fn() -> Vec<Wanted>) -> Result<Salvaged, ReadError> {
    let (damage, opens) = match Pack::open(disk, id) {
        Ok(pack) => {
            let damage = verify_open_pack(&pack, &mut |_| {});
            if damage.is_empty() {
                return Ok(Salvaged { pack, damage, bad: Vec::new(), opens: true });
            }
            (damage, true)
        }
        Err(ReadError::Io { path, source }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Err(ReadError::Io { path, source });
        }
        Err(error) => (vec![error], false),
    };
    let path = id.path();
    let io = |source| ReadError::Io { path: path.clone(), source };
    let file = disk.open(&path, Mode::Read).map_err(io)?;
    let file_bytes = file.len().map_err(io)?;
    let mut search = Search { file: &*file, file_bytes, found: BTreeMap::new(), bad: Vec::new() };
    search.index();
    search.gaps(&[]);
    let mut wanted = wanted();
    wanted.extend(search.values());
    search.gaps(&wanted);
    let Search { found, mut bad, .. } = search;
    let items: HashMap<Hash, Item> = found.into_values().map(|item| (item.hash, item)).collect();
    bad.retain(|item| !items.contains_key(&item.hash));
    let index = Index::new(items.into_values());
    Ok(Salvaged { pack: Pack::salvaged(id, file, file_bytes, index), damage, bad, opens })
}

/// The bodies found so far, by their offset. They do not overlap.
struct Search<'a> {
    file: &'a (dyn File + 'static),
    file_bytes: u64,
    found: BTreeMap<u64, Item>,
    bad: Vec<Item>,
}

impl Search<'_> {
    /// Finds the index and takes what its items lead to.
    fn index(&mut self) {
        let end = self.file_bytes.saturating_sub(FOOTER_BYTES as u64);
        let named = self.read(end, FOOTER_BYTES).map(|footer| (u64_at(&footer, 24), u64_at(&footer, 32)));
        if let Some((offset, items)) = named.filter(|(offset, items)| self.fits(*offset, *items)) {
            self.items(offset, items);
        }
        if self.found.is_empty()
            && let Some((offset, items)) = self.index_by_shape(end)
        {
            self.items(offset, items);
        }
    }

    fn fits(&self, offset: u64, items: u64) -> bool {
        let bytes = items.checked_mul(48).and_then(|bytes| bytes.checked_add(1024)?.checked_add(offset));
        offset >= HEADER_BYTES as u64 && bytes.is_some_and(|end| end <= self.file_bytes)
    }

    /// Looks for a number that says how many items lie between it and the footer, behind a table that ascends up to it.
    fn index_by_shape(&self, end: u64) -> Option<(u64, u64)> {
        let items_max = end.checked_sub(HEADER_BYTES as u64 + 1024)? / 48;
        let mut items = 1;
        while items <= items_max {
            let count = (SEARCH_BYTES as u64 / 48).min(items_max - items + 1);
            // The numbers for `items..items + count`, the last one first.
            let start = end - 48 * (items + count - 1) - 4;
            let bytes = self.read(start, (48 * (count - 1) + 4) as usize)?;
            for step in 0..count {
                let items = items + step;
                let at = (48 * (count - 1 - step)) as usize;
                let index = end - 48 * items - 1024;
                if u64::from(u32_at(&bytes, at)) == items && self.is_fan_out(index) {
                    return Some((index, items));
                }
            }
            items += count;
        }
        None
    }

    fn is_fan_out(&self, offset: u64) -> bool {
        let Some(table) = self.read(offset, 1024) else { return false };
        let numbers: Vec<u32> = table.chunks_exact(4).map(|number| u32_at(number, 0)).collect();
        numbers.windows(2).filter(|pair| pair[0] > pair[1]).count() == 0
    }

    /// Takes the bodies that the items at some place lead to, each if it has its hash.
    fn items(&mut self, offset: u64, items: u64) {
        for position in 0..items {
            let Some(bytes) = self.read(offset + 1024 + 48 * position, 48) else { continue };
            let Some(item) = Index::decode_item(&bytes) else { continue };
            if item.offset < HEADER_BYTES as u64 || !self.take(item) {
                self.bad.push(item);
            }
        }
    }

    /// Takes a body if it is there.
    fn take(&mut self, item: Item) -> bool {
        let end = item.offset.saturating_add(u64::from(item.length));
        let before = self.found.range(..end).next_back();
        let overlaps = before.is_some_and(|(_, before)| before.offset + u64::from(before.length) > item.offset);
        if overlaps || end > self.file_bytes {
            return false;
        }
        let is_whole =
            self.read(item.offset, item.length as usize).is_some_and(|body| item.kind.hash(&body) == item.hash);
        if is_whole {
            self.found.insert(item.offset, item);
        }
        is_whole
    }

    /// Looks through everything between the bodies found so far.
    fn gaps(&mut self, wanted: &[Wanted]) {
        let mut by_length: BTreeMap<u32, Vec<Wanted>> = BTreeMap::new();
        for wanted in wanted {
            by_length.entry(wanted.length).or_default().push(*wanted);
        }
        let mut gaps = Vec::new();
        let mut start = HEADER_BYTES as u64;
        for item in self.found.values() {
            if item.offset > start {
                gaps.push((start, item.offset));
            }
            start = item.offset + u64::from(item.length);
        }
        gaps.push((start, self.file_bytes));
        for (start, end) in gaps {
            self.gap(start, end, &by_length);
        }
    }

    fn gap(&mut self, mut at: u64, end: u64, wanted: &BTreeMap<u32, Vec<Wanted>>) {
        // Right behind a body the next one starts; elsewhere only a node shows where it starts.
        let mut is_start = true;
        while at < end {
            let Some(window) = self.read(at, NODE_BYTES_MAX.min((end - at) as usize)) else { return };
            let item = node_at(&window, at)
                .filter(|item| self.take(*item))
                .or_else(|| if is_start { self.wanted_at(at, end, wanted) } else { None });
            if let Some(item) = item {
                at += u64::from(item.length);
                is_start = true;
                continue;
            }
            is_start = false;
            let next = window[1..].windows(NODE_START.len()).position(|bytes| bytes == NODE_START);
            at += match next {
                Some(next) => next as u64 + 1,
                None => window.len().saturating_sub(NODE_START.len() - 1).max(1) as u64,
            };
        }
    }

    fn wanted_at(&mut self, at: u64, end: u64, wanted: &BTreeMap<u32, Vec<Wanted>>) -> Option<Item> {
        for (length, wanted) in wanted.iter().take(LENGTHS_MAX) {
            if u64::from(*length) > end - at {
                break;
            }
            let Some(body) = self.read(at, *length as usize) else { continue };
            for kind in [Kind::Value, Kind::Blob] {
                let hash = kind.hash(&body);
                if wanted.iter().any(|wanted| wanted.kind == kind && wanted.hash == hash) {
                    let item = Item { hash, offset: at, length: *length, kind };
                    self.found.insert(at, item);
                    return Some(item);
                }
            }
        }
        None
    }

    /// The values that leaves of this pack name and that were not found in it.
    fn values(&self) -> Vec<Wanted> {
        let found: BTreeSet<Hash> = self.found.values().map(|item| item.hash).collect();
        let mut wanted = BTreeSet::new();
        for item in self.found.values().filter(|item| item.kind == Kind::Leaf) {
            let bytes = self.read(item.offset, item.length as usize);
            let Some(Ok(node)) = bytes.map(|bytes| Node::decode(bytes.into())) else { continue };
            for index in 0..node.len() {
                if let Value::Outside { hash, len } = node.value(index)
                    && !found.contains(&hash.0)
                {
                    wanted.insert(Wanted { hash: hash.0, length: len, kind: Kind::Value });
                }
            }
        }
        wanted.into_iter().collect()
    }

    /// Some bytes of the file; none if they cannot be read.
    fn read(&self, offset: u64, bytes: usize) -> Option<Vec<u8>> {
        if offset.checked_add(bytes as u64)? > self.file_bytes {
            return None;
        }
        let mut out = vec![0; bytes];
        self.file.read_exact_at(offset, &mut out).ok().map(|()| out)
    }
}

/// The node that starts a window, under the hash that it would have been written for.
fn node_at(window: &[u8], offset: u64) -> Option<Item> {
    let body = &window[..Node::length_of_first(window)?];
    let node = Node::decode(body.to_vec().into()).ok()?;
    let kind = if node.level() == 0 { Kind::Leaf } else { Kind::Inner };
    Some(Item { hash: kind.hash(body), offset, length: body.len() as u32, kind })
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// The version of a pack is newer than this release: there is nothing to salvage, the release is to be changed.
#[expect(dead_code, reason = "repair refuses newer formats")]
pub(crate) fn is_newer(error: &ReadError) -> bool {
    matches!(error, ReadError::Damaged { what, .. } if what == NEWER)
}
