//! Durable, verified state: a journal, a state tree in packs, and the checkpoints that join them.
//!
//! The crate keeps ordered maps from bytes to bytes ("states"). A commit changes one or more of them atomically; once
//! its ticket resolves, it survives power loss. Each state has a root, one BLAKE3 hash that depends on its contents
//! alone. Every byte that is read back is checked before it is used.
//!
//! It is *not* responsible for:
//! - what the bytes mean: types, schemas and encodings live in `stead-schema`;
//! - plugins, calls, hand-offs or WebAssembly: they live in `stead-runtime`;
//! - time: nothing here reads a clock, and no durable decision depends on one;
//! - finding its data directory, or printing: it is handed a [`disk::Disk`] and returns values and errors.

pub mod disk;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod journal;
pub mod limits;
mod pack;
#[cfg(feature = "planted-bugs")]
pub mod planted;
#[cfg(not(feature = "planted-bugs"))]
mod planted;
mod store;
mod sync;
mod tree;

pub use error::{CommitError, HistoryError, OpenError, OutcomeUnknown, ReadError, StoreError};
pub use pack::ValueReader;
pub use store::*;
pub use tree::{Difference, NotARoot, Order, OutsideValue, Proof, ProofError, Proven, Root};
