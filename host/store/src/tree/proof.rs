//! Proofs that a state holds a key, and under which value, or that it does not, for whom knows nothing but its root.
//!
//! ```text
//! proof   offset
//!           0   "STEADPRF"
//!           8   u32             version, 1
//!          12   u32             bytes of the whole proof
//!          16   u32, u32, u32   the tree's parameters: target and bound of a node, bound of a value in its leaf
//!          28   u64             entries of the state
//!          36   u64             bytes of the state's keys and values
//!          44   u32             number of nodes
//!          48   nodes           u32 length | the node, for each from the root down; nothing after the last
//! ```
//!
//! All numbers are little-endian. The nodes are those on the way from the root to the leaf that holds the key or would
//! hold it. The root node alone shows that a key beyond all others is absent; a state without entries has no nodes. Root
//! and key decide every byte, so there is one proof of one fact.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::chunker::{NODE_BYTES_MAX, NODE_BYTES_TARGET};
use super::node::{INLINE_VALUE_BYTES_MAX, LEVEL_MAX, Node, Value, Weight};
use super::root::{NodeHash, Root, ValueHash};
use super::{NodeSink, Nodes, Tree, load};
use crate::error::ReadError;
use crate::limits::PROOF_BYTES_MAX;

const MAGIC: &[u8; 8] = b"STEADPRF";
const VERSION: u32 = 1;
const PARAMETERS: [u32; 3] = [NODE_BYTES_TARGET as u32, NODE_BYTES_MAX as u32, INLINE_VALUE_BYTES_MAX as u32];
/// Bytes before the first node.
const HEAD_BYTES: usize = 48;

const _: () = assert!(HEAD_BYTES + (LEVEL_MAX as usize + 1) * (4 + NODE_BYTES_MAX) <= PROOF_BYTES_MAX);

/// Shows what a state holds under one key to whoever knows the state's [`Root`]: no store is needed, nor trust in who made
/// the proof. From [`View::prove`](crate::View::prove); about 4 KiB for each level of the tree.
#[derive(Clone, Debug)]
pub struct Proof {
    pub(super) entries: u64,
    pub(super) bytes: u64,
    /// From the root down.
    pub(super) path: Vec<Arc<Node>>,
}

/// What a proof shows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proven {
    /// The state does not hold it.
    Absent,
    /// The state holds it with this value.
    Present(Bytes),
    /// The state holds it with a value of more than 1024 bytes, of which the proof has the hash.
    PresentOutside(OutsideValue),
}

/// A value that is known by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutsideValue {
    hash: ValueHash,
    len: u32,
}

/// Why bytes are no proof, or do not show what they should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The bytes are no proof.
    #[error("this is no proof: {what} (byte {offset})")]
    Malformed {
        /// Where in the proof.
        offset: usize,
        /// What is wrong there.
        what: &'static str,
    },
    /// A newer release made it.
    #[error("the proof has version {version}: use a newer release")]
    UnknownVersion {
        /// The version.
        version: u32,
    },
    /// It is a proof about another state, or about another time.
    #[error("the proof is about the root {proves}")]
    OtherRoot {
        /// The root that it is about.
        proves: Root,
    },
    /// It says nothing of this key.
    #[error("the proof does not lead to this key")]
    OtherKey,
    /// Its nodes contradict each other, so no store has this root.
    #[error("the proof contradicts itself: {what}")]
    Contradiction {
        /// How.
        what: &'static str,
    },
}

impl ProofError {
    /// A stable word for scripts.
    pub fn kind(&self) -> &'static str {
        match self {
            ProofError::Malformed { .. } => "malformed",
            ProofError::UnknownVersion { .. } => "unknown-version",
            ProofError::OtherRoot { .. } => "other-root",
            ProofError::OtherKey => "other-key",
            ProofError::Contradiction { .. } => "contradiction",
        }
    }
}

impl OutsideValue {
    /// How many bytes the value has.
    pub fn bytes(&self) -> u64 {
        u64::from(self.len)
    }

    /// Whether this is the value.
    pub fn is(&self, value: &[u8]) -> bool {
        value.len() == self.len as usize && ValueHash::of(value) == self.hash
    }
}

impl Proof {
    /// What the state with this root holds under a key.
    pub fn verify(&self, root: &Root, key: &[u8]) -> Result<Proven, ProofError> {
        let first = self.path.first();
        let hash = first.map(|node| node.hash());
        let tree = Tree { node: hash, height: 0, entries: self.entries, bytes: self.bytes };
        let proves = tree.root();
        if proves != *root {
            return Err(ProofError::OtherRoot { proves });
        }
        let weight = first.map_or(Weight::default(), |node| node.weight_of(0..node.len()));
        if (weight.entries, weight.bytes) != (self.entries, self.bytes) {
            return Err(ProofError::Contradiction { what: "the root node does not hold what the root says" });
        }
        if first.is_none_or(|node| node.last_key() < key) {
            return if self.path.len() <= 1 { Ok(Proven::Absent) } else { Err(ProofError::OtherKey) };
        }
        for pair in self.path.windows(2) {
            check_child(&pair[0], &pair[1], key)?;
        }
        match self.path.last() {
            Some(leaf) if leaf.level() == 0 => Ok(match leaf.search(key).map(|index| leaf.value(index)) {
                Ok(Value::Inline(bytes)) => Proven::Present(bytes),
                Ok(Value::Outside { hash, len }) => Proven::PresentOutside(OutsideValue { hash, len }),
                Err(_) => Proven::Absent,
            }),
            _ => Err(ProofError::OtherKey),
        }
    }

    /// The proof as bytes, at most [`PROOF_BYTES_MAX`].
    pub fn encode(&self) -> Vec<u8> {
        let bytes = HEAD_BYTES + self.path.iter().map(|node| 4 + node.encoded().len()).sum::<usize>();
        let mut out = Vec::with_capacity(bytes);
        out.extend_from_slice(MAGIC);
        for number in [VERSION, bytes as u32].into_iter().chain(PARAMETERS) {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.entries.to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        out.extend_from_slice(&(self.path.len() as u32).to_le_bytes());
        for node in &self.path {
            out.extend_from_slice(&(node.encoded().len() as u32).to_le_bytes());
            out.extend_from_slice(node.encoded());
        }
        debug_assert_eq!(out.len(), bytes);
        out
    }

    /// Reads a proof. Bytes that are not exactly what [`encode`](Proof::encode) would write are refused; whether they prove
    /// anything is for [`verify`](Proof::verify).
    pub fn decode(bytes: &[u8]) -> Result<Proof, ProofError> {
        let fail = |offset, what| Err(ProofError::Malformed { offset, what });
        if bytes.len() > PROOF_BYTES_MAX {
            return fail(PROOF_BYTES_MAX, "it is longer than any proof");
        }
        let mut rest = Rest { bytes, at: 0 };
        if rest.take(8)? != MAGIC {
            return fail(0, "it does not start with a proof's magic");
        }
        let version = rest.u32()?;
        if version != VERSION {
            return Err(ProofError::UnknownVersion { version });
        }
        if rest.u32()? as usize != bytes.len() {
            return fail(12, "it does not have the length that it names");
        }
        for parameter in PARAMETERS {
            if rest.u32()? != parameter {
                return fail(rest.at - 4, "its tree has other parameters");
            }
        }
        let (entries, state_bytes, count) = (rest.u64()?, rest.u64()?, rest.u32()?);
        let mut path: Vec<Arc<Node>> = vec![];
        for _ in 0..count {
            let length = rest.u32()? as usize;
            let at = rest.at;
            let node = Node::decode(Bytes::copy_from_slice(rest.take(length)?))
                .map_err(|error| ProofError::Malformed { offset: at + error.offset, what: error.what })?;
            if path.last().is_some_and(|above| above.level() != node.level() + 1) {
                return fail(at, "a node does not stand one level below the one before");
            }
            path.push(Arc::new(node));
        }
        if rest.at != bytes.len() {
            return fail(rest.at, "bytes follow its last node");
        }
        Ok(Proof { entries, bytes: state_bytes, path })
    }
}

/// Checks that a node is the child on the way to a key.
fn check_child(parent: &Node, child: &Node, key: &[u8]) -> Result<(), ProofError> {
    let index = parent.lower_bound(key);
    if index == parent.len() || child.hash() != parent.child_hash(index) {
        return Err(ProofError::OtherKey);
    }
    if child.last_key() != parent.key(index) {
        return Err(ProofError::Contradiction { what: "a node does not end with the key that its parent names" });
    }
    if child.weight_of(0..child.len()) != parent.weight(index) {
        return Err(ProofError::Contradiction { what: "a node does not hold what its parent says" });
    }
    Ok(())
}

/// Bytes that are read from the front.
struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ProofError> {
        let taken = self.bytes[self.at..].get(..count);
        self.at += taken.map_or(0, <[u8]>::len);
        taken.ok_or(ProofError::Malformed { offset: self.at, what: "it is cut off" })
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ProofError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32, ProofError> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, ProofError> {
        self.array().map(u64::from_le_bytes)
    }
}

impl Tree {
    /// Shows what the tree holds under a key.
    pub(crate) fn prove(&self, nodes: &dyn Nodes, key: &[u8]) -> Result<Proof, ReadError> {
        let mut path = Vec::with_capacity(usize::from(self.height) + 1);
        let mut next = self.node.map(|hash| (hash, self.height));
        while let Some((hash, level)) = next {
            let node = load(nodes, &hash, level)?;
            let index = node.lower_bound(key);
            next = (level > 0 && index < node.len()).then(|| (node.child_hash(index), level - 1));
            path.push(node);
        }
        Ok(Proof { entries: self.entries, bytes: self.bytes, path })
    }
}

/// Of the nodes that [`Tree::apply`] makes, keeps those that a proof about one key may need: one for each level.
pub(crate) struct NodesToward<'a> {
    key: &'a [u8],
    below: &'a dyn Nodes,
    pub(super) levels: BTreeMap<u8, (NodeHash, Arc<Node>)>,
}

impl<'a> NodesToward<'a> {
    /// No new node yet.
    pub(crate) fn new(key: &'a [u8], below: &'a dyn Nodes) -> NodesToward<'a> {
        NodesToward { key, below, levels: BTreeMap::new() }
    }
}

impl NodeSink for NodesToward<'_> {
    fn node(&mut self, hash: NodeHash, bytes: Vec<u8>) {
        let node = Node::decode(bytes.into()).expect("a node that was just encoded");
        // Those of a level come in ascending order: the first that reaches the key is the one, or else the last of all.
        if self.levels.get(&node.level()).is_none_or(|(_, kept)| kept.last_key() < self.key) {
            self.levels.insert(node.level(), (hash, Arc::new(node)));
        }
    }

    fn value(&mut self, _: ValueHash, _: Bytes) {}
}

impl Nodes for NodesToward<'_> {
    fn node(&self, hash: &NodeHash) -> Result<Arc<Node>, ReadError> {
        let kept = self.levels.values().find(|(kept, _)| kept == hash);
        kept.map_or_else(|| self.below.node(hash), |(_, node)| Ok(node.clone()))
    }

    fn value(&self, hash: &ValueHash, len: u32) -> Result<Bytes, ReadError> {
        self.below.value(hash, len)
    }
}
