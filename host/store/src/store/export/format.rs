//! The bytes of an exported state: one file that verifies itself.
//!
//! ```text
//! header  256 B
//!    0     8  magic "STEADEXP"
//!    8     4  format version, 1
//!   12     4  length of the header, 256
//!   16    12  state tree: target bytes of a node, largest node, largest value that lies in its leaf (u32 each)
//!   28     1  kind: 0 whole, 1 incremental
//!   29     1  height: the level of the root node
//!   30     2  zero
//!   32    32  incremental: the root of the state that the receiver must have; else zero
//!   64    32  hash of the root node; zero if the state is empty
//!   96     8  entries
//!  104     8  bytes of all keys and values
//!  112    32  root of the state
//!  144    80  zero
//!  224    32  BLAKE3 of everything before
//! 256     items, back to back: the nodes of the tree in pre-order (a node, then each child with all that is below it);
//!         after a leaf, the values that it names outside itself, by key, each the first time it is named
//! item    u8 1 | u32 length | body                a node or a value, as it was hashed
//!         u8 0                                     incremental: the receiver has it, and all that is below it
//! end     u8 2                                     nothing follows
//! ```
//!
//! All numbers are little-endian. The hash of each body is in its parent, that of the root node in the header: nothing is
//! used before it was checked, and no length is believed that is above the bound of its kind, or that is not the
//! leaf's word. Items of the receiver are exactly the nodes that the base tree holds on the same level under the same
//! last key (a root node: as its root node), and the values that it holds under the same key. So one state, or one pair of
//! state and base, has one file.
//!
//! Every later format keeps the magic, the place of the version and of the length, and the header's BLAKE3 in its last 32
//! bytes.

use std::fmt;
use std::io::Read;

use crate::journal::format::{array_at, u32_at, u64_at};
use crate::store::export::ImportError;
use crate::tree::{Hash, INLINE_VALUE_BYTES_MAX, LEVEL_MAX, NODE_BYTES_MAX, NODE_BYTES_TARGET, NodeHash, Root, Tree};

/// The newest format that this release reads, and the one that it writes.
const VERSION: u32 = 1;
/// Bytes of the header: where the first item starts.
pub(super) const HEADER_BYTES: usize = 256;
/// Bytes of an item before its body.
pub(super) const ITEM_HEAD_BYTES: u64 = 5;

const MAGIC: &[u8; 8] = b"STEADEXP";
const HASHED_BYTES: usize = HEADER_BYTES - 32;
const ZERO: Hash = [0; 32];

/// What an item starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    /// The receiver has it.
    Held = 0,
    /// The body follows.
    Body = 1,
    /// There is no item any more.
    End = 2,
}

/// The head of an exported state: what the file holds, and what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportHeader {
    pub(super) base: Option<Root>,
    pub(super) tree: Tree,
}

/// Names one exported file, and the import of it: the BLAKE3 hash of its header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImportId(pub(super) Hash);

impl fmt::Display for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::tree::hex(&self.0))
    }
}

impl fmt::Debug for ImportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImportId({self})")
    }
}

impl ExportHeader {
    /// The bytes of a header, which every file starts with.
    pub const BYTES: usize = HEADER_BYTES;

    /// The root of the exported state.
    pub fn root(&self) -> Root {
        self.tree.root()
    }

    /// The root of the state that the receiver must have; none if the file holds everything.
    pub fn base(&self) -> Option<Root> {
        self.base
    }

    /// The entries of the exported state.
    pub fn entries(&self) -> u64 {
        self.tree.entries
    }

    /// Names the file.
    pub fn id(&self) -> ImportId {
        ImportId(array_at(&self.encode(), HASHED_BYTES))
    }

    /// The header as it stands in the file.
    pub fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        out[0..8].copy_from_slice(MAGIC);
        out[8..12].copy_from_slice(&VERSION.to_le_bytes());
        out[12..16].copy_from_slice(&(HEADER_BYTES as u32).to_le_bytes());
        out[16..28].copy_from_slice(&parameters());
        out[28] = u8::from(self.base.is_some());
        out[29] = self.tree.height;
        out[32..64].copy_from_slice(self.base.as_ref().map_or(&ZERO, |base| base.as_bytes()));
        out[64..96].copy_from_slice(self.tree.node.as_ref().map_or(&ZERO, |node| &node.0));
        out[96..104].copy_from_slice(&self.tree.entries.to_le_bytes());
        out[104..112].copy_from_slice(&self.tree.bytes.to_le_bytes());
        out[112..144].copy_from_slice(self.tree.root().as_bytes());
        let hash = blake3::hash(&out[..HASHED_BYTES]);
        out[HASHED_BYTES..].copy_from_slice(hash.as_bytes());
        out
    }

    /// Reads the header at the start of a file: magic and version first, then the hash of the whole header, then the rest.
    /// It takes any bytes, so that a fuzzer may feed it.
    pub fn decode(bytes: &[u8]) -> Result<ExportHeader, ImportError> {
        if bytes.len() < 16 || bytes[..8] != *MAGIC {
            return Err(ImportError::NotAnExport);
        }
        let found = u32_at(bytes, 8);
        if found > VERSION {
            return Err(ImportError::NewerFormat { found, supported: VERSION });
        }
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Err(ImportError::Truncated { offset: bytes.len() as u64 });
        };
        if blake3::hash(&header[..HASHED_BYTES]).as_bytes() != &header[HASHED_BYTES..] {
            return Err(damaged(0, "the header does not have its hash"));
        }
        if header[16..28] != parameters() {
            return Err(ImportError::OtherTree);
        }
        let decoded = ExportHeader { base: base(header), tree: tree(header) };
        // There is one encoding of one header: this covers the version, the kind, the state's root and all zeros.
        if decoded.encode() != *header {
            return Err(ImportError::Invalid { offset: 0, what: "the header contradicts itself" });
        }
        let Tree { node, height, entries, bytes } = decoded.tree;
        let is_empty = node.is_none();
        if height > LEVEL_MAX || is_empty != (entries == 0) || (is_empty && (height, bytes) != (0, 0)) {
            return Err(ImportError::Invalid { offset: 0, what: "the header describes no tree" });
        }
        Ok(decoded)
    }

    /// Reads the header from a file's start and no byte more.
    pub fn read(source: &mut dyn Read) -> Result<ExportHeader, ImportError> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES);
        let read = source.take(HEADER_BYTES as u64).read_to_end(&mut bytes);
        read.map_err(|source| ImportError::Source { offset: bytes.len() as u64, source })?;
        ExportHeader::decode(&bytes)
    }
}

fn base(header: &[u8; HEADER_BYTES]) -> Option<Root> {
    (header[28] == 1).then(|| Root::from(array_at(header, 32)))
}

fn tree(header: &[u8; HEADER_BYTES]) -> Tree {
    let node = Some(array_at(header, 64)).filter(|hash| *hash != ZERO).map(NodeHash);
    Tree { node, height: header[29], entries: u64_at(header, 96), bytes: u64_at(header, 104) }
}

fn parameters() -> [u8; 12] {
    let mut out = [0; 12];
    for (index, parameter) in [NODE_BYTES_TARGET, NODE_BYTES_MAX, INLINE_VALUE_BYTES_MAX].into_iter().enumerate() {
        out[4 * index..][..4].copy_from_slice(&(parameter as u32).to_le_bytes());
    }
    out
}

pub(super) fn damaged(offset: u64, what: &'static str) -> ImportError {
    ImportError::Damaged { offset, what }
}
