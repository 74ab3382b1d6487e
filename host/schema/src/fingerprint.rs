//! Structural hashes of types.

use std::fmt::{self, Debug, Display};

use crate::ledger::Schema;
use crate::types::Type;

/// The structural hash of a type or schema: equal exactly when the structure is, names of fields, cases and flags included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl Type {
    /// The structural hash of this type.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        Fingerprint(blake3::derive_key("stead 2026-11 structure of a WIT type", &bytes))
    }
}

impl Schema {
    /// The structural hash of this schema; a hole is no type.
    pub fn fingerprint(&self) -> Fingerprint {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        Fingerprint(blake3::derive_key("stead 2026-11 structure of a collection's schema", &bytes))
    }
}

impl Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}
