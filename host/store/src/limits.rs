//! Every size in the store that a file or a client can influence, with its reason.

/// Journal blocks: what a disk writes as a unit, so that a block with acknowledged records is never written again.
pub const BLOCK_BYTES: usize = 4096;

/// A batch: bounds the memory of reading one, and the message that a replicated log would carry.
pub const BATCH_BYTES_MAX: usize = 1 << 20;

/// A segment holds its header, a Manifest and several batches; a small one makes small batches.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// A key: 4 KiB of encoded key, and 16 bytes for what the store and the schema put before it. Bounds a tree node.
pub const KEY_BYTES_MAX: usize = 4096 + 16;

/// A value: its length is a u32 everywhere, and one value is held in memory whole.
pub const VALUE_BYTES_MAX: usize = 1 << 30;

/// Changes in one commit: bounds the record of a commit whose writes all went to a pack.
pub const CHANGES_MAX: usize = 4096;

/// Ranges of a state whose number of entries is kept up to date: as many as a plugin may plausibly ask for by turns.
/// Each change is compared with all of them.
pub const COUNTED_RANGES_MAX: usize = 64;

/// A component: the largest that engines compile in practice are below 100 MiB.
pub const COMPONENT_BYTES_MAX: u64 = 256 << 20;
