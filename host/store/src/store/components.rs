//! Components as files named by the BLAKE3 hash of their bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The BLAKE3 hash of a component's bytes: its name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ComponentHash(pub [u8; 32]);

impl ComponentHash {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> ComponentHash {
        ComponentHash(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for ComponentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from_bytes(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for ComponentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a component hash: expected 64 hexadecimal digits")]
pub struct NotAComponentHash;

impl FromStr for ComponentHash {
    type Err = NotAComponentHash;

    fn from_str(text: &str) -> Result<ComponentHash, NotAComponentHash> {
        blake3::Hash::from_hex(text).map(|hash| ComponentHash(*hash.as_bytes())).map_err(|_| NotAComponentHash)
    }
}
