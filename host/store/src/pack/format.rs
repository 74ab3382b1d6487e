//! The bytes of a pack.
//!
//! ```text
//! header  24 B   "STEADPAK" | u32 version, 1 | u32 0 | u64 pack id
//! bodies         nodes, values and blobs, back to back, as they were hashed
//! index          256 × u32   fan-out: how many items have a hash whose first byte is at most i
//!                items × 48 B, ascending by hash:
//!                            32 B hash | u64 offset | u32 length | u32 kind (0 leaf, 1 inner node, 2 value, 3 blob)
//! footer  104 B  "STEADEND" | u32 version, 1 | u32 0 | u64 pack id | u64 offset of the index | u64 items
//!                | 32 B BLAKE3 of the index | 32 B BLAKE3 of header and footer up to here
//! ```
//!
//! All numbers are little-endian. Every byte is covered: each body by its own hash, the index by the footer, header and
//! footer by the footer's last field. Bodies fill the space between header and index without gaps.

use super::PackId;
use crate::tree::{Hash, NODE_BYTES_MAX, NodeHash, ValueHash};

/// Bytes before the first body.
pub(crate) const HEADER_BYTES: usize = 24;
/// Bytes after the index.
pub(crate) const FOOTER_BYTES: usize = 104;
/// Bytes of the fan-out table.
const FANOUT_BYTES: usize = 256 * 4;
/// Bytes of an item in the index.
const ITEM_BYTES: usize = 48;

const HEADER_MAGIC: &[u8; 8] = b"STEADPAK";
const FOOTER_MAGIC: &[u8; 8] = b"STEADEND";
const VERSION: u32 = 1;
/// What is said of a pack that a newer release wrote.
pub(crate) const NEWER: &str = "its format version is unknown: use a newer release";

const INDEX_DOMAIN: &Hash = b"stead pack: index, v1\0\0\0\0\0\0\0\0\0\0\0";
const FOOTER_DOMAIN: &Hash = b"stead pack: header+footer, v1\0\0\0";
const BLOB_DOMAIN: &Hash = b"stead pack: blob, v1\0\0\0\0\0\0\0\0\0\0\0\0";

/// What a body is. It decides the domain of its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Leaf = 0,
    Inner = 1,
    Value = 2,
    Blob = 3,
}

impl Kind {
    /// The hash of a body of this kind.
    pub(crate) fn hash(self, body: &[u8]) -> Hash {
        match self {
            Kind::Leaf => NodeHash::of(0, body).0,
            Kind::Inner => NodeHash::of(1, body).0,
            Kind::Value => ValueHash::of(body).0,
            Kind::Blob => blake3::keyed_hash(BLOB_DOMAIN, body).into(),
        }
    }

    /// The kind in the words of an error.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Leaf => "leaf node",
            Kind::Inner => "inner node",
            Kind::Value => "value",
            Kind::Blob => "blob",
        }
    }

    pub(crate) fn from_number(number: u32) -> Option<Kind> {
        [Kind::Leaf, Kind::Inner, Kind::Value, Kind::Blob].into_iter().find(|kind| *kind as u32 == number)
    }
}

/// Where a body lies in its pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) hash: Hash,
    pub(crate) offset: u64,
    pub(crate) length: u32,
    pub(crate) kind: Kind,
}

/// Why bytes are no part of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FormatError {
    /// Where in the file.
    pub(crate) offset: u64,
    /// What is wrong there.
    pub(crate) what: &'static str,
}

fn fail<T>(offset: u64, what: &'static str) -> Result<T, FormatError> {
    Err(FormatError { offset, what })
}

/// The header of a pack: nothing in it is free.
pub(crate) fn header(id: PackId) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(HEADER_MAGIC);
    header[8..12].copy_from_slice(&VERSION.to_le_bytes());
    header[16..].copy_from_slice(&id.0.to_le_bytes());
    header
}

/// What the footer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) index_offset: u64,
    pub(crate) items: u64,
    pub(crate) index_hash: Hash,
}

impl Footer {
    /// The footer's bytes.
    pub(crate) fn encode(&self, id: PackId) -> [u8; FOOTER_BYTES] {
        let mut out = [0; FOOTER_BYTES];
        out[..8].copy_from_slice(FOOTER_MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[16..24].copy_from_slice(&id.0.to_le_bytes());
        out[24..32].copy_from_slice(&self.index_offset.to_le_bytes());
        out[32..40].copy_from_slice(&self.items.to_le_bytes());
        out[40..72].copy_from_slice(&self.index_hash);
        let hash = footer_hash(&header(id), &out[..72]);
        out[72..].copy_from_slice(&hash);
        out
    }

    /// Reads header and footer of a file of the given length. What they say then fits the file's length.
    pub(crate) fn decode(
        id: PackId,
        header: &[u8; HEADER_BYTES],
        footer: &[u8; FOOTER_BYTES],
        file_bytes: u64,
    ) -> Result<Footer, FormatError> {
        let at = file_bytes - FOOTER_BYTES as u64;
        if footer_hash(header, &footer[..72])[..] != footer[72..] {
            // Say which of the two, as far as it can be told.
            return match *header == self::header(id) {
                true => fail(at, "the footer does not have its hash"),
                false => fail(0, "the header is not what the footer's hash covers"),
            };
        }
        if footer[..8] != *FOOTER_MAGIC || header[..8] != *HEADER_MAGIC {
            return fail(0, "it does not have a pack's magic");
        }
        if u32_at(footer, 8) != VERSION {
            return fail(at + 8, NEWER);
        }
        if *header != self::header(id) || u64_at(footer, 16) != id.0 {
            return fail(0, "it is the pack of another name");
        }
        let (index_offset, items) = (u64_at(footer, 24), u64_at(footer, 32));
        let index_bytes = items.checked_mul(ITEM_BYTES as u64).and_then(|bytes| bytes.checked_add(FANOUT_BYTES as u64));
        let end = index_bytes.and_then(|bytes| bytes.checked_add(index_offset));
        if end != Some(at) || index_offset < HEADER_BYTES as u64 || items > u64::from(u32::MAX) {
            return fail(at + 24, "the index does not fit the file");
        }
        Ok(Footer { index_offset, items, index_hash: array_at(footer, 40) })
    }
}

pub(crate) fn footer_hash(header: &[u8], footer: &[u8]) -> Hash {
    blake3::Hasher::new_keyed(FOOTER_DOMAIN).update(header).update(footer).finalize().into()
}

/// The index of a pack, as bytes, checked once.
pub(crate) struct Index {
    bytes: Vec<u8>,
    items: usize,
}

impl Index {
    /// Builds the index of items, which are sorted here, in place: there may be millions.
    pub(crate) fn new(items: impl ExactSizeIterator<Item = Item>) -> Index {
        let count = items.len();
        let mut bytes = Vec::with_capacity(FANOUT_BYTES + count * ITEM_BYTES);
        bytes.resize(FANOUT_BYTES, 0);
        let mut counts = [0u32; 256];
        for item in items {
            counts[usize::from(item.hash[0])] += 1;
            bytes.extend_from_slice(&item.hash);
            bytes.extend_from_slice(&item.offset.to_le_bytes());
            bytes.extend_from_slice(&item.length.to_le_bytes());
            bytes.extend_from_slice(&(item.kind as u32).to_le_bytes());
        }
        let (fanout, items) = bytes.split_at_mut(FANOUT_BYTES);
        let (items, _) = items.as_chunks_mut::<ITEM_BYTES>();
        items.sort_unstable_by(|one, other| one[..32].cmp(&other[..32]));
        let mut sum = 0;
        for (slot, count) in fanout.as_chunks_mut::<4>().0.iter_mut().zip(counts) {
            sum += count;
            *slot = sum.to_le_bytes();
        }
        Index { bytes, items: count }
    }

    /// Checks the bytes of an index: hash, order, fan-out, and that each body lies between header and index.
    pub(crate) fn decode(bytes: Vec<u8>, footer: &Footer) -> Result<Index, FormatError> {
        let at = footer.index_offset;
        if bytes.len() as u64 != FANOUT_BYTES as u64 + footer.items * ITEM_BYTES as u64 {
            return fail(at, "the index is cut off");
        }
        if index_hash(&bytes) != footer.index_hash {
            return fail(at, "the index does not have its hash");
        }
        let index = Index { bytes, items: footer.items as usize };
        let mut before: Option<Hash> = None;
        let mut counts = [0u32; 256];
        for position in 0..index.items {
            let offset = at + (FANOUT_BYTES + position * ITEM_BYTES) as u64;
            let Some(item) = index.item(position) else { return fail(offset, "an item of unknown kind") };
            if before.is_some_and(|before| before >= item.hash) {
                return fail(offset, "the index is not sorted");
            }
            let end = item.offset.checked_add(u64::from(item.length));
            if item.offset < HEADER_BYTES as u64 || end.is_none_or(|end| end > at) {
                return fail(offset, "an item lies outside the bodies");
            }
            if matches!(item.kind, Kind::Leaf | Kind::Inner) && item.length as usize > NODE_BYTES_MAX {
                return fail(offset, "a node is larger than any");
            }
            before = Some(item.hash);
            counts[usize::from(item.hash[0])] += 1;
        }
        let mut sum = 0;
        for (byte, count) in counts.into_iter().enumerate() {
            sum += count;
            if index.up_to(byte) != sum as usize {
                return fail(at + 4 * byte as u64, "the fan-out does not fit the items");
            }
        }
        Ok(index)
    }

    /// The index as it is stored.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The footer of a pack with this index.
    pub(crate) fn footer(&self, index_offset: u64) -> Footer {
        Footer { index_offset, items: self.items as u64, index_hash: index_hash(&self.bytes) }
    }

    /// The length of the index of so many items.
    pub(crate) fn bytes_of(items: u64) -> u64 {
        FANOUT_BYTES as u64 + items * ITEM_BYTES as u64
    }

    /// The number of items.
    pub(crate) fn len(&self) -> usize {
        self.items
    }

    /// All items, ascending by hash.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Item> + '_ {
        (0..self.items).filter_map(|position| self.item(position))
    }

    /// Finds an item.
    pub(crate) fn find(&self, hash: &Hash) -> Option<Item> {
        let byte = usize::from(hash[0]);
        let mut low = if byte == 0 { 0 } else { self.up_to(byte - 1) };
        let mut high = self.up_to(byte);
        while low < high {
            let middle = (low + high) / 2;
            match self.hash_at(middle).cmp(hash) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return self.item(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// How many items have a hash whose first byte is at most `byte`.
    fn up_to(&self, byte: usize) -> usize {
        u32_at(&self.bytes, byte * 4) as usize
    }

    fn hash_at(&self, position: usize) -> &[u8] {
        let at = FANOUT_BYTES + position * ITEM_BYTES;
        &self.bytes[at..at + 32]
    }

    fn item(&self, position: usize) -> Option<Item> {
        let at = FANOUT_BYTES + position * ITEM_BYTES;
        Index::decode_item(&self.bytes[at..at + ITEM_BYTES])
    }

    /// Reads one item of an index; none if its kind is unknown.
    pub(crate) fn decode_item(bytes: &[u8]) -> Option<Item> {
        let (offset, length) = (u64_at(bytes, 32), u32_at(bytes, 40));
        let kind = Kind::from_number(u32_at(bytes, 44))?;
        Some(Item { hash: array_at(bytes, 0), offset, length, kind })
    }
}

/// The hash of an encoded index.
pub(crate) fn index_hash(bytes: &[u8]) -> Hash {
    blake3::keyed_hash(INDEX_DOMAIN, bytes).into()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}
