//! Every size in the store that a file or a client can influence, with its reason.

/// Journal blocks: what a disk writes as a unit, so that a block with acknowledged records is never written again.
pub const BLOCK_BYTES: usize = 4096;

/// A batch: bounds the memory of reading one, and the message that a replicated log would carry.
pub const BATCH_BYTES_MAX: usize = 1 << 20;

/// Bytes of the journal that the operating system has and the disk may lack: what buffered commits can lose at a power loss.
/// The next batch past it waits for a sync. A torn tail of this size is set aside whole.
pub const UNSYNCED_BYTES_MAX: u64 = 8 << 20;

/// A segment holds its header, a Manifest and several batches; a small one makes small batches.
pub const SEGMENT_BYTES_MIN: u64 = 64 << 10;

/// A key: 4 KiB of encoded key, and 16 bytes for what the store and the schema put before it. Bounds a tree node.
pub const KEY_BYTES_MAX: usize = 4096 + 16;

/// A value: its length is a u32 everywhere, and one value is held in memory whole.
pub const VALUE_BYTES_MAX: usize = 1 << 30;

/// A proof about one key: nodes of 16 KiB from the root down to a leaf, on as many levels as a tree can have. Trees have
/// three or four.
pub const PROOF_BYTES_MAX: usize = 48 + 65 * (4 + (16 << 10));

/// Writes that replay gathers before it puts them into the tables: it holds the journal in memory beside them.
pub const GATHERED_BYTES_MAX: u64 = 64 << 20;

/// Changes in memory that no checkpoint holds, as a multiple of what calls for a checkpoint: past it commits wait for the
/// checkpoint that runs. Enough that none waits while checkpoints keep up.
pub const DIRTY_CHECKPOINTS_MAX: u64 = 4;

/// Changes in one commit: bounds the record of a commit whose writes all went to a pack.
pub const CHANGES_MAX: usize = 4096;

/// The name of a snapshot: as long as a file's may be.
pub const SNAPSHOT_NAME_BYTES_MAX: usize = 255;

/// Snapshots of one state: one an hour for more than a year. They are listed in one answer, and each costs a header in the
/// catalog and about 500 bytes of memory.
pub const SNAPSHOTS_MAX: usize = 10_000;

/// Ranges of a state whose number of entries is kept up to date: as many as a plugin may plausibly ask for by turns.
/// Each change is compared with all of them.
pub const COUNTED_RANGES_MAX: usize = 64;

/// A component: the largest that engines compile in practice are below 100 MiB.
pub const COMPONENT_BYTES_MAX: u64 = 256 << 20;
