//! WIT types and values as data: what a plugin's state looks like, how it is written, and whether a new version can
//! read what an old one wrote.
//!
//! The crate turns the functions of an imported interface into a [`Shape`] (cell, map, log or counter over WIT
//! types), encodes values and keys by their types, compares the schemas of two versions ([`compare`]), converts stored
//! values along the schemas of the [`Ledger`], decides whether a version may take over a state ([`admit`]), and reads
//! and prints values as WAVE and JSON.
//!
//! It is not responsible for components, instances or calls (`stead-runtime`), nor for storing a single byte
//! (`stead-store`): it names the keys of a plugin's state ([`layout`]) and never reads or writes them.

pub mod codec;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod key;
pub mod layout;
pub mod limits;
pub mod text;

mod admit;
mod conversion;
mod digest;
mod fingerprint;
mod identity;
mod ledger;
mod shape;
mod skeleton;
mod types;
mod upgrade;
mod value;
mod verdict;

pub use admit::{Access, Admission, Admitted, Binding, Declared, Reason, Refused, admit};
pub use conversion::{Conversion, ReadError, Unconvertible};
pub use digest::{Digest, DigestError, Digester};
pub use fingerprint::Fingerprint;
pub use identity::{Identity, IdentityError, Track};
pub use ledger::{Collection, Ledger, LedgerError, Schema};
pub use shape::{Function, Kind, Operation, RemoveResult, Shape, ShapeError, nearest, recognise};
pub use skeleton::{Skeleton, skeleton};
pub use types::{Case, Field, Path, Segment, Type, TypeError, TypeTextError};
pub use upgrade::{UPGRADE, Upgrade, UpgradeError, Upgraded, Upgrader, upgrades};
pub use value::{Owned, Parts, Repr, Value, View};
pub use verdict::{Comparison, Difference, Reversible, Verdict, compare};
