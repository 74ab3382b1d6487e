//! What can be wrong with a file of receipts. Each way of tampering has a name of its own.

use thiserror::Error;

use crate::statement::Hash;

/// One thing that is wrong. Lines and numbers count from 1.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Finding {
    /// The file holds nothing, or begins with something else.
    #[error("this is no file of receipts: {what}")]
    NoReceipts {
        /// What it is instead.
        what: String,
    },
    /// The file is larger than any.
    #[error("the file is larger than files of receipts can be; nothing past line {line} was read")]
    TooLarge {
        /// The last line that was read.
        line: u64,
    },
    /// A line is no receipt.
    #[error("line {line} is no receipt: {what}")]
    Malformed {
        /// Where.
        line: u64,
        /// Why.
        what: String,
    },
    /// The file ends within a line, or before the last receipt that its header speaks of.
    #[error("the file is cut off: of receipts 1 to {receipts}, those from {from} on are not there whole")]
    Truncated {
        /// The first that is gone.
        from: u64,
        /// How many there should be.
        receipts: u64,
    },
    /// Receipts in the middle are gone.
    #[error("receipts {from} to {to} are missing")]
    Missing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A receipt stands behind one that came later.
    #[error("receipt {number} on line {line} is out of order: it stands behind receipt {behind}")]
    Reordered {
        /// Where.
        line: u64,
        /// Which.
        number: u64,
        /// What stands before it.
        behind: u64,
    },
    /// A receipt stands twice.
    #[error("receipt {number} stands a second time on line {line}")]
    Repeated {
        /// Where.
        line: u64,
        /// Which.
        number: u64,
    },
    /// There are more receipts than the header speaks of.
    #[error("receipt {number} on line {line} is beyond the {receipts} that the header speaks of")]
    Surplus {
        /// Where.
        line: u64,
        /// Which.
        number: u64,
        /// How many there should be.
        receipts: u64,
    },
    /// A receipt of another plugin or store.
    #[error("receipt {number} on line {line} is of {of}")]
    Foreign {
        /// Where.
        line: u64,
        /// Which.
        number: u64,
        /// Whose.
        of: String,
    },
    /// A receipt does not name the one before it.
    #[error("receipt {number} does not follow from receipt {}: one of the two was changed", number - 1)]
    Broken {
        /// The later of the two.
        number: u64,
    },
    /// The last receipt is not the one that the header names.
    #[error("the last receipt, {number}, is not the one that the header names: one of the two was changed")]
    Changed {
        /// Which.
        number: u64,
    },
    /// A signature is not of these bytes, although it says that a trusted key made it.
    #[error("receipt {number} on line {line} is forged: its signature by key {key} does not fit what it says")]
    Forged {
        /// Where.
        line: u64,
        /// Which.
        number: u64,
        /// The id of the key.
        key: String,
    },
    /// Other keys than the trusted ones made the signatures.
    #[error("receipt {number} on line {line} is signed with another key, {key}")]
    WrongKey {
        /// Where.
        line: u64,
        /// Which.
        number: u64,
        /// What the key is called in the receipt.
        key: String,
    },
    /// There is no signature.
    #[error("receipt {number} on line {line} is not signed")]
    Unsigned {
        /// Where.
        line: u64,
        /// Which.
        number: u64,
    },
    /// The statement that the reader knows is not among those of the file.
    #[error("no receipt here has the known hash {head}: the file ends before it, or the history was written anew")]
    UnknownHead {
        /// The hash.
        head: Hash,
    },
}

impl Finding {
    /// A stable word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Finding::NoReceipts { .. } => "no-receipts",
            Finding::TooLarge { .. } => "too-large",
            Finding::Malformed { .. } => "malformed",
            Finding::Truncated { .. } => "truncated",
            Finding::Missing { .. } => "missing",
            Finding::Reordered { .. } => "reordered",
            Finding::Repeated { .. } => "repeated",
            Finding::Surplus { .. } => "surplus",
            Finding::Foreign { .. } => "foreign",
            Finding::Broken { .. } => "broken",
            Finding::Changed { .. } => "changed",
            Finding::Forged { .. } => "forged",
            Finding::WrongKey { .. } => "wrong-key",
            Finding::Unsigned { .. } => "unsigned",
            Finding::UnknownHead { .. } => "unknown-head",
        }
    }
}
