//! The state tree. Only its public names stand here yet.

use std::fmt;
use std::str::FromStr;

/// The root of a state: one hash of everything in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct Root([u8; 32]);

impl Root {
    /// The 32 bytes of the hash.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
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

/// The direction of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the least key up.
    Ascending,
    /// From the greatest key down.
    Descending,
}
