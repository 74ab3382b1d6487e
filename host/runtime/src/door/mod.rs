//! The operator's door to a plugin's state: export, import, edit and compare it in typed values, also where the plugin's
//! code cannot load.
//!
//! ```text
//! export   one line of JSON each, ended by a line feed
//!   header   {"stead-state":1, "plugin", "version", "content", "root", "commits", "collections": [
//!               {"identity", "kind", "key", "value", "entries", "first", "end"} …]}
//!   entries  {"collection", "key", "value"}, by collection in the header's order, by key within
//!   trailer  {"end":{"entries":N,"blake3":"…"}}: how many entries, and the hash of every byte before this line
//! ```
//!
//! Values are JSON by the WIT types that the header names. `content` is `state`, or `changes` for what a rollback gave
//! up. Nothing but the ledger in the state says what a type is.

mod diff;
mod digest;
mod edit;
mod entries;
mod error;
mod export;
mod file;
mod fork;
mod format;
mod import;
mod source;
mod staging;
mod target;

pub use diff::{Diff, DiffLine, Differences, diff_files};
pub use digest::StateDigest;
pub use edit::{Edit, EditChange, Edited, Input};
pub use error::{EditError, FileError, ImportError};
pub use export::{Export, Exported};
pub use import::{ImportMode, ImportOptions, Imported};

pub(crate) use diff::Apart;
pub(crate) use export::Changes;
pub(crate) use staging::forget_stagings;
