//! The hashes of the tree. Each kind of thing has its own domain, so that no bytes can pass for another kind.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Tree;
use super::chunker::{NODE_BYTES_MAX, NODE_BYTES_TARGET};
use super::node::INLINE_VALUE_BYTES_MAX;

/// A raw BLAKE3 hash, as packs index it.
pub(crate) type Hash = [u8; 32];

const LEAF_DOMAIN: &Hash = b"stead state tree: leaf node, v1\0";
const INNER_DOMAIN: &Hash = b"stead state tree: inner node, v1";
pub(super) const VALUE_DOMAIN: &Hash = b"stead state tree: value, v1\0\0\0\0\0";
const ROOT_DOMAIN: &Hash = b"stead state tree: state root, v1";

/// The root of a state: one hash of everything in it. Equal contents have equal roots, whatever the order of writes,
/// process or host.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Root([u8; 32]);

impl Root {
    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Root {
    fn from(bytes: [u8; 32]) -> Root {
        Root(bytes)
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Root({self})")
    }
}

/// Text that is no root: it must be 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a root is 64 hexadecimal digits")]
pub struct NotARoot;

impl FromStr for Root {
    type Err = NotARoot;

    fn from_str(text: &str) -> Result<Root, NotARoot> {
        blake3::Hash::from_hex(text).map(|hash| Root(hash.into())).map_err(|_| NotARoot)
    }
}

macro_rules! hash_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub(crate) struct $name(pub(crate) Hash);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }
    };
}

hash_type! {
    /// Names a node by its encoded bytes.
    NodeHash
}
hash_type! {
    /// Names a value that is stored outside its leaf.
    ValueHash
}

impl NodeHash {
    /// The hash of an encoded node of the given level.
    pub(crate) fn of(level: u8, bytes: &[u8]) -> NodeHash {
        let domain = if level == 0 { LEAF_DOMAIN } else { INNER_DOMAIN };
        NodeHash(blake3::keyed_hash(domain, bytes).into())
    }
}

impl ValueHash {
    /// Hashes a value that comes in pieces.
    pub(crate) fn hasher() -> blake3::Hasher {
        blake3::Hasher::new_keyed(VALUE_DOMAIN)
    }

    /// The hash of a value.
    pub(crate) fn of(bytes: &[u8]) -> ValueHash {
        ValueHash(blake3::keyed_hash(VALUE_DOMAIN, bytes).into())
    }
}

impl Tree {
    /// The root of the state. It binds the tree's parameters too: the same entries cut by other rules are another root.
    pub(crate) fn root(&self) -> Root {
        let mut hasher = blake3::Hasher::new_keyed(ROOT_DOMAIN);
        for parameter in [NODE_BYTES_TARGET, NODE_BYTES_MAX, INLINE_VALUE_BYTES_MAX] {
            hasher.update(&(parameter as u32).to_le_bytes());
        }
        match &self.node {
            None => hasher.update(&[0; 33]),
            Some(node) => hasher.update(&[1]).update(&node.0),
        };
        hasher.update(&self.entries.to_le_bytes());
        hasher.update(&self.bytes.to_le_bytes());
        Root(hasher.finalize().into())
    }
}

/// Lower-case hexadecimal digits of a hash.
pub(crate) fn hex(hash: &Hash) -> String {
    blake3::Hash::from_bytes(*hash).to_hex().to_string()
}
