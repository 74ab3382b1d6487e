//! Every bound of this crate, each with its reason.

/// Deepest nesting of a type, and so of its values: the codecs recurse once a level, and WAVE's parser stops at 100.
pub const TYPE_DEPTH_MAX: usize = 64;

/// Most parts of one type (types, fields, cases and flags together): a type is compared, hashed and stored whole in the
/// ledger, and no hand-written WIT type comes near.
pub const TYPE_PARTS_MAX: usize = 10_000;

/// Longest name of a field, case or flag: names are stored in the ledger and repeated in every message about them.
pub const NAME_BYTES_MAX: usize = 1_024;

/// Longest encoded key: a key is copied into every node of the state tree that it bounds.
pub const KEY_BYTES_MAX: usize = 4 << 10;

/// Most elements for which room is made before they are read: a stored length is believed only as far as its bytes go.
pub const ELEMENTS_AHEAD_MAX: usize = 1_024;

/// Most schemas that one collection goes through. One is added by each swap that changes it, and values are converted along
/// all of them; past this, a migration to the next track starts the count anew.
pub const SCHEMAS_MAX: usize = 1_000;

/// Longest text of a type in a message: two of them, with a path, still read as one sentence.
pub const TYPE_TEXT_CHARS_MAX: usize = 120;

/// Most of a name in a message.
pub const NAME_SHOWN_CHARS_MAX: usize = 80;

/// Most differences that a comparison lists; a hostile type has thousands, and each is printed and kept in receipts.
pub const DIFFERENCES_MAX: usize = 100;

/// Most fields that one text, JSON or WAVE, leaves out: each is a value of its own once it is read, so that a few bytes of an empty
/// object could become a record of thousands.
pub const FIELDS_LEFT_OUT_MAX: usize = 1 << 18;

/// Most cases or flags that are searched one by one for a name; past it, a table is made for a value that asks often.
pub const CASES_SEARCHED_MAX: usize = 64;

/// Most changes in a row that are made into one when values are read. Each pair of schemas has one of its own, which takes as
/// much memory as the types; entries that are older are converted change by change.
pub const CHANGES_AT_ONCE_MAX: usize = 64;
