//! One node of the tree: its bytes and how they are read.
//!
//! ```text
//! node    offset
//!           0   "SN"            magic
//!           2   u8              format version, 1
//!           3   u8              level; 0 is a leaf
//!           4   u32             number of entries, at least 1
//!           8   entries         keys strictly ascending, nothing after the last
//!
//! leaf    u16 key length | u16 value length | key | value                    value length 0 to 1024: the value itself
//! entry   u16 key length | u16 0xFFFF       | key | u32 length | 32 B hash   longer values: stored outside, by hash
//!
//! inner   u16 key length | u16 flags        | key | 32 B child hash | u64 entries | u64 bytes
//! entry   key: the last key under the child; entries, bytes: what the child's subtree holds (keys and values)
//!         flags: bit 0 set if a leaf under the child names a value stored outside
//! ```
//!
//! All numbers are little-endian. A node has at most 16 KiB. There is one encoding of one content; anything else is
//! refused. The hash of a node covers every byte of it, so the level, too, cannot be forged.

use bytes::Bytes;

use super::chunker::NODE_BYTES_MAX;
use super::root::{NodeHash, ValueHash};
use crate::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

/// Longer values are stored outside their leaf, so that a point read or rewrite of a leaf stays small.
pub(crate) const INLINE_VALUE_BYTES_MAX: usize = 1024;
/// The highest level. An inner node but the last has two children or more, so no count of entries needs more.
pub(crate) const LEVEL_MAX: u8 = 64;
/// The largest encoded entry of any level.
pub(crate) const ENTRY_BYTES_MAX: usize = ENTRY_HEAD_BYTES + KEY_BYTES_MAX + INLINE_VALUE_BYTES_MAX;

/// Bytes before the first entry.
pub(crate) const NODE_HEAD_BYTES: usize = 8;
/// Bytes of an entry before its key, on every level.
const ENTRY_HEAD_BYTES: usize = 4;
/// Bytes of an inner entry after its key.
const CHILD_BYTES: usize = 32 + 8 + 8;
/// Bytes of a leaf entry after its key when the value is stored outside.
const OUTSIDE_BYTES: usize = 4 + 32;

const MAGIC: [u8; 2] = *b"SN";
const VERSION: u8 = 1;
/// The value length that says: stored outside.
const OUTSIDE: u16 = 0xFFFF;
/// Inner flag: some value under the child is stored outside.
const HAS_OUTSIDE: u16 = 1;
/// No subtree holds more entries or bytes than this; sums of one node's children cannot overflow then.
const SUBTREE_MAX: u64 = 1 << 48;

/// A decoded node. Keys and values are slices of its bytes; nothing is copied.
#[derive(Debug)]
pub(crate) struct Node {
    bytes: Bytes,
    level: u8,
    /// Where each entry starts, and after them where the last ends. Nodes are smaller than 64 KiB.
    offsets: Box<[u16]>,
}

/// Why bytes are no node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} (byte {offset} of the node)")]
pub(crate) struct NodeError {
    /// Where in the node.
    pub(crate) offset: usize,
    /// What is wrong there.
    pub(crate) what: &'static str,
}

/// The value of a leaf entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// The bytes themselves.
    Inline(Bytes),
    /// Bytes that are stored by their hash.
    Outside {
        /// Names the bytes.
        hash: ValueHash,
        /// How many there are.
        len: u32,
    },
}

/// What an inner node says of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) hash: NodeHash,
    pub(crate) weight: Weight,
}

/// What an entry, a node or a subtree holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Entries of leaves.
    pub(crate) entries: u64,
    /// Bytes of their keys and values.
    pub(crate) bytes: u64,
    /// Whether one of the values is stored outside its leaf.
    pub(crate) outside: bool,
}

impl Weight {
    /// Adds what stands beside.
    pub(crate) fn add(&mut self, other: Weight) {
        self.entries += other.entries;
        self.bytes += other.bytes;
        self.outside |= other.outside;
    }
}

impl Node {
    /// Reads a node. Bytes that are not exactly what the encoder would write are refused.
    pub(crate) fn decode(bytes: Bytes) -> Result<Node, NodeError> {
        let fail = |offset, what| Err(NodeError { offset, what });
        if bytes.len() < NODE_HEAD_BYTES {
            return fail(0, "it is shorter than its header");
        }
        if bytes.len() > NODE_BYTES_MAX {
            return fail(0, "it is larger than any node");
        }
        if bytes[..2] != MAGIC {
            return fail(0, "it does not start with a node's magic");
        }
        if bytes[2] != VERSION {
            return fail(2, "its format version is unknown");
        }
        let level = bytes[3];
        if level > LEVEL_MAX {
            return fail(3, "its level is too high");
        }
        let count = u32_at(&bytes, 4) as usize;
        if count == 0 {
            return fail(4, "it has no entries");
        }
        if count > bytes.len() / ENTRY_HEAD_BYTES {
            return fail(4, "it names more entries than it has room for");
        }
        let mut offsets = Vec::with_capacity(count + 1);
        let mut at = NODE_HEAD_BYTES;
        for _ in 0..count {
            let end = check_entry(&bytes, at, level)?;
            if let Some(&before) = offsets.last()
                && key_at(&bytes, usize::from(before)) >= key_at(&bytes, at)
            {
                return fail(at, "its keys do not ascend");
            }
            offsets.push(at as u16);
            at = end;
        }
        if at != bytes.len() {
            return fail(at, "bytes follow its last entry");
        }
        offsets.push(at as u16);
        Ok(Node { bytes, level, offsets: offsets.into() })
    }

    /// The bytes of the node that some bytes seem to start with; none if they do not start with one. Whether it is the node
    /// that was written, only its hash can tell.
    pub(crate) fn length_of_first(bytes: &[u8]) -> Option<usize> {
        if bytes.len() < NODE_HEAD_BYTES || bytes[..2] != MAGIC || bytes[2] != VERSION || bytes[3] > LEVEL_MAX {
            return None;
        }
        let count = u32_at(bytes, 4) as usize;
        let entries = if count == 0 || count > NODE_BYTES_MAX / ENTRY_HEAD_BYTES { None } else { Some(0..count) };
        entries?.try_fold(NODE_HEAD_BYTES, |at, _| check_entry(bytes, at, bytes[3]).ok())
    }

    /// The level; 0 is a leaf.
    pub(crate) fn level(&self) -> u8 {
        self.level
    }

    /// The number of entries, at least 1.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// The bytes that were decoded.
    pub(crate) fn encoded(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of those bytes.
    pub(crate) fn hash(&self) -> NodeHash {
        NodeHash::of(self.level, &self.bytes)
    }

    /// What the node occupies in memory.
    pub(crate) fn memory_bytes(&self) -> usize {
        size_of::<Node>() + self.bytes.len() + 2 * self.offsets.len()
    }

    /// The key of an entry.
    pub(crate) fn key(&self, index: usize) -> &[u8] {
        key_at(&self.bytes, self.at(index))
    }

    /// The key of an entry, sharing the node's bytes.
    pub(crate) fn key_bytes(&self, index: usize) -> Bytes {
        let start = self.at(index) + ENTRY_HEAD_BYTES;
        self.bytes.slice(start..start + key_len_at(&self.bytes, self.at(index)))
    }

    /// The greatest key.
    pub(crate) fn last_key(&self) -> &[u8] {
        self.key(self.len() - 1)
    }

    /// The encoded entries from `start` up to `end`.
    pub(crate) fn raw(&self, start: usize, end: usize) -> &[u8] {
        &self.bytes[self.at(start)..self.at(end)]
    }

    /// Finds a key: the index of its entry, or where it would stand.
    pub(crate) fn search(&self, key: &[u8]) -> Result<usize, usize> {
        self.search_from(0, key)
    }

    /// Finds a key among the entries from `start` on.
    pub(crate) fn search_from(&self, start: usize, key: &[u8]) -> Result<usize, usize> {
        let index = self.lower_bound_from(start, key);
        if index < self.len() && self.key(index) == key { Ok(index) } else { Err(index) }
    }

    /// The first entry whose key is not below `key`; [`len`](Node::len) if there is none.
    pub(crate) fn lower_bound(&self, key: &[u8]) -> usize {
        self.lower_bound_from(0, key)
    }

    fn lower_bound_from(&self, start: usize, key: &[u8]) -> usize {
        let (mut low, mut high) = (start, self.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.key(middle) < key { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The value of a leaf's entry.
    pub(crate) fn value(&self, index: usize) -> Value {
        debug_assert_eq!(self.level, 0);
        let at = self.at(index);
        let start = at + ENTRY_HEAD_BYTES + key_len_at(&self.bytes, at);
        match u16_at(&self.bytes, at + 2) {
            OUTSIDE => {
                Value::Outside { hash: ValueHash(hash_at(&self.bytes, start + 4)), len: u32_at(&self.bytes, start) }
            }
            len => Value::Inline(self.bytes.slice(start..start + usize::from(len))),
        }
    }

    /// The hash of an inner node's child.
    pub(crate) fn child_hash(&self, index: usize) -> NodeHash {
        debug_assert!(self.level > 0);
        let at = self.at(index);
        NodeHash(hash_at(&self.bytes, at + ENTRY_HEAD_BYTES + key_len_at(&self.bytes, at)))
    }

    /// What an inner node says of its child.
    pub(crate) fn child(&self, index: usize) -> Child {
        debug_assert!(self.level > 0);
        child_at(&self.bytes, self.at(index))
    }

    /// What an entry stands for: itself in a leaf, its subtree in an inner node.
    pub(crate) fn weight(&self, index: usize) -> Weight {
        let at = self.at(index);
        weight_at(&self.bytes, at, self.level)
    }

    /// The sum over some entries.
    pub(crate) fn weight_of(&self, range: std::ops::Range<usize>) -> Weight {
        let mut sum = Weight::default();
        for index in range {
            sum.add(self.weight(index));
        }
        sum
    }

    fn at(&self, index: usize) -> usize {
        usize::from(self.offsets[index])
    }
}

/// Writes a node's header; entries follow, and [`finish_node`] completes it.
pub(crate) fn start_node(level: u8, out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&[VERSION, level]);
    out.extend_from_slice(&[0; 4]);
}

/// Writes the number of entries into the header.
pub(crate) fn finish_node(count: u32, out: &mut [u8]) {
    out[4..8].copy_from_slice(&count.to_le_bytes());
}

/// Appends a leaf's entry.
///
/// # Panics
/// If the key is longer than [`KEY_BYTES_MAX`] or an inline value longer than [`INLINE_VALUE_BYTES_MAX`]: a node that
/// breaks its own bounds must never be written.
pub(crate) fn encode_value(key: &[u8], value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Inline(bytes) => {
            assert!(bytes.len() <= INLINE_VALUE_BYTES_MAX, "an inline value of {} bytes", bytes.len());
            encode_head(key, bytes.len() as u16, out);
            out.extend_from_slice(bytes);
        }
        Value::Outside { hash, len } => {
            encode_head(key, OUTSIDE, out);
            out.extend_from_slice(&len.to_le_bytes());
            out.extend_from_slice(&hash.0);
        }
    }
}

/// Appends an inner node's entry.
///
/// # Panics
/// As [`encode_value`].
pub(crate) fn encode_child(key: &[u8], child: &Child, out: &mut Vec<u8>) {
    encode_head(key, if child.weight.outside { HAS_OUTSIDE } else { 0 }, out);
    out.extend_from_slice(&child.hash.0);
    out.extend_from_slice(&child.weight.entries.to_le_bytes());
    out.extend_from_slice(&child.weight.bytes.to_le_bytes());
}

/// What an encoded inner entry says of its child.
pub(crate) fn child_at(bytes: &[u8], at: usize) -> Child {
    let hash = NodeHash(hash_at(bytes, at + ENTRY_HEAD_BYTES + key_len_at(bytes, at)));
    Child { hash, weight: weight_at(bytes, at, 1) }
}

/// What an encoded entry stands for.
pub(crate) fn weight_at(bytes: &[u8], at: usize, level: u8) -> Weight {
    let key_len = key_len_at(bytes, at);
    let end = at + ENTRY_HEAD_BYTES + key_len;
    let field = u16_at(bytes, at + 2);
    if level > 0 {
        let (entries, bytes) = (u64_at(bytes, end + 32), u64_at(bytes, end + 40));
        return Weight { entries, bytes, outside: field == HAS_OUTSIDE };
    }
    let outside = field == OUTSIDE;
    let value_len = if outside { u64::from(u32_at(bytes, end)) } else { u64::from(field) };
    Weight { entries: 1, bytes: key_len as u64 + value_len, outside }
}

/// The key of an encoded entry.
pub(crate) fn key_at(bytes: &[u8], at: usize) -> &[u8] {
    &bytes[at + ENTRY_HEAD_BYTES..at + ENTRY_HEAD_BYTES + key_len_at(bytes, at)]
}

fn encode_head(key: &[u8], field: u16, out: &mut Vec<u8>) {
    assert!(key.len() <= KEY_BYTES_MAX, "a key of {} bytes", key.len());
    out.extend_from_slice(&(key.len() as u16).to_le_bytes());
    out.extend_from_slice(&field.to_le_bytes());
    out.extend_from_slice(key);
}

/// Checks one entry and returns where it ends.
fn check_entry(bytes: &[u8], at: usize, level: u8) -> Result<usize, NodeError> {
    let fail = |offset, what| Err(NodeError { offset, what });
    if bytes.len() - at < ENTRY_HEAD_BYTES {
        return fail(at, "it ends inside an entry");
    }
    let key_len = key_len_at(bytes, at);
    if key_len > KEY_BYTES_MAX {
        return fail(at, "a key is too long");
    }
    let field = u16_at(bytes, at + 2);
    let rest = match (level, field) {
        (0, OUTSIDE) => OUTSIDE_BYTES,
        (0, len) if usize::from(len) <= INLINE_VALUE_BYTES_MAX => usize::from(len),
        (0, _) => return fail(at + 2, "a value is too long for a leaf"),
        (_, 0 | HAS_OUTSIDE) => CHILD_BYTES,
        _ => return fail(at + 2, "unknown flags"),
    };
    let body = at + ENTRY_HEAD_BYTES + key_len;
    if body + rest > bytes.len() {
        return fail(at, "it ends inside an entry");
    }
    if level == 0 && field == OUTSIDE {
        let len = u32_at(bytes, body) as usize;
        if len <= INLINE_VALUE_BYTES_MAX {
            return fail(body, "a value that belongs into the leaf is stored outside");
        }
        if len > VALUE_BYTES_MAX {
            return fail(body, "a value is larger than any");
        }
    }
    if level > 0 {
        let (entries, bytes) = (u64_at(bytes, body + 32), u64_at(bytes, body + 40));
        if entries == 0 || entries > SUBTREE_MAX || bytes > SUBTREE_MAX {
            return fail(body + 32, "impossible counts");
        }
    }
    Ok(body + rest)
}

fn key_len_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16_at(bytes, at))
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

fn hash_at(bytes: &[u8], at: usize) -> [u8; 32] {
    array_at(bytes, at)
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}
