//! Receipts of hand-offs: what a host states about each, chained by hash, signed if it has a key, and checked without it.
//!
//! A [`Statement`] is canonical JSON. Its bytes are kept, hashed and signed as they are, never encoded again. Each names
//! the hash of the one before it, so the statements about a plugin are one chain. [`verify`] reads a file of them from
//! whoever has it and says everything that is wrong with it.
//!
//! ```text
//! file       header line, then one envelope a line; or a single envelope, a receipt by itself
//! header     {"stead-receipts":1,"store":…,"plugin":{"id":…,"name":…},"receipts":…,"head":…}
//! envelope   {"payload":<base64>,"payloadType":"application/vnd.stead.receipt+json",
//!             "signatures":[{"keyid":…,"sig":<base64>}]}                              DSSE; no signature without a key
//! payload    {"asked_by":…,"event":…,"format":1,"id":…,"number":…,"plugin":{"id":…,"name":…},"previous":…,
//!             "receipt":{…},"shortened":…,"store":…,"with":[…]}                       canonical JSON
//! ```
//!
//! The crate is *not* responsible for what a receipt says beyond the [`Facts`] that every one must have, for keeping
//! statements, or for files and terminals. It knows nothing of stores, plugins or WebAssembly, and reads no clock.

mod canonical;
mod envelope;
mod file;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod key;
pub mod limits;
mod line;
mod statement;
mod verify;

pub use envelope::{Envelope, EnvelopeError, PAYLOAD_TYPE, Signature};
pub use file::Header;
pub use key::{KeyError, PublicKey, SecretKey};
pub use statement::{About, Ended, Facts, Hash, PluginName, Sealed, Statement, StatementError, Verdict, Version};
pub use verify::{Checked, Finding, Trust, Verified, verify};
