//! Packs: immutable files of tree nodes, large values and blobs, each found and checked by its hash.
//!
//! A pack is written under a temporary name, synced, renamed and its directory synced ([`writer`]); from then on it never
//! changes. Opening one reads its footer and index only ([`reader`]); whatever is read later is checked against its hash
//! before use. [`Packs`] is the set of open packs behind one bounded cache.

mod cache;
mod collect;
pub(crate) mod format;
mod reader;
mod salvage;
mod set;
mod value;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;

pub(crate) use collect::Collected;
pub(crate) use format::Kind;
pub(crate) use reader::verify_pack;
pub(crate) use salvage::{Salvaged, Wanted, salvage};
pub(crate) use set::Packs;
pub use value::ValueReader;
pub(crate) use writer::{CopyError, PackWriter};

use serde::{Deserialize, Serialize};

/// Where packs live in the data directory.
pub(crate) const PACK_DIR: &str = "packs";

/// Names a pack: a random number, so that an id is never used twice even if the record of its first use was lost.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct PackId(pub(crate) u64);

impl PackId {
    /// The pack's file.
    pub(crate) fn path(self) -> String {
        format!("{PACK_DIR}/{self}.pack")
    }

    /// The id in a name as [`Disk::list`](crate::disk::Disk::list) of the directory shows it; none if it is not a pack's.
    pub(crate) fn from_file_name(name: &str) -> Option<PackId> {
        let digits = name.strip_suffix(".pack")?;
        let id = PackId(u64::from_str_radix(digits, 16).ok()?);
        (id.to_string() == digits).then_some(id)
    }
}

impl fmt::Display for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for PackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PackId({self})")
    }
}
