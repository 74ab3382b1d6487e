//! Every bound of receipts, with its reason.

/// Largest statement, in bytes: what a hand-off found about thousands of collections fits, and a reader may hold one.
/// A longer one is shortened when it is made.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// Longest line of a file of receipts, in bytes: a statement in base64 takes a third more, and signatures little.
pub const LINE_BYTES_MAX: usize = 2 << 20;

/// Receipts of one file: ten years of a hand-off an hour. A reader holds some 600 bytes of each.
pub const RECEIPTS_MAX: u64 = 100_000;

/// Largest file, in bytes: reading it takes seconds.
pub const FILE_BYTES_MAX: u64 = 1 << 30;

/// Signatures of one envelope: a host makes one, others may add theirs.
pub const SIGNATURES_MAX: usize = 16;

/// Findings that are told one by one; of more there is only the number.
pub const FINDINGS_MAX: usize = 100;

/// Longest name of who asked for a hand-off, in characters.
pub const ASKED_BY_CHARS_MAX: usize = 200;

/// Largest file of a key, in bytes: it holds one line.
pub const KEY_FILE_BYTES_MAX: u64 = 4 << 10;

/// Texts and lists of a receipt that is too long are cut to this many bytes and elements, and further by halves.
pub(crate) const SHORTENED_TEXT_BYTES: usize = 4 << 10;
pub(crate) const SHORTENED_ELEMENTS: usize = 1 << 10;
