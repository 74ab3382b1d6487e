//! What a journal segment looks like, byte for byte. All numbers are little-endian.
//!
//! ```text
//! segment   a multiple of 4096 bytes, zero-filled when it is made
//!   0     8  magic "STEADJNL"
//!   8     4  format version, 2
//!  12     4  zero
//!  16    16  store id
//!  32     8  segment number, as in the file's name
//!  40     8  salt: random at each use of the file
//!  48     8  number of the first batch
//!  56    32  chain: the hash of the batch before the first one
//!  88  3976  zero
//! 4064   32  BLAKE3 of bytes 0..4064
//! 4096       batches, each starting on a multiple of 4096
//!
//! batch     a multiple of 4096 bytes, at most 1 MiB: read whole or not at all
//!   0     4  magic "SBAT"
//!   4     4  length: bytes of the whole batch
//!   8     8  salt of the segment
//!  16     8  batch number, one more than the batch before
//!  24    32  chain: the hash of the batch before
//!  56     4  number of records
//!  60     4  bytes of all records
//!  64     8  synced: the last batch that was known to be durable when this one was written
//!  72        records
//!           zero
//! -32    32  BLAKE3 of everything before it, in the domain of batches
//!
//! record
//!   0     4  bytes of the body
//!   4     1  kind: 1 manifest, 2 own, 3 commit, 4 checkpoint, 5 pack drop, 6 close
//!   5     1  version of the body: 2 for manifest, checkpoint and pack drop, 1 for the others; earlier ones are read
//!   6     2  zero
//!   8     8  commit: this commit's number; in other records the number of the last commit before
//!  16        body: postcard
//! ```
//!
//! Version 1, which is read and never written, has no `synced`: its records start at 64, its batches have a hash domain of
//! their own, and each was durable before the next one was written.

use crate::limits::{BATCH_BYTES_MAX, BLOCK_BYTES};
use crate::planted::{Bug, planted};

/// A BLAKE3 hash.
pub(crate) type Hash = [u8; 32];

/// The version of the journal's format that this release writes, and the newest that it reads.
pub(crate) const JOURNAL_VERSION: u32 = 2;
/// No segment and no batch has a higher number: a store would have to write for longer than disks last.
const NUMBER_MAX: u64 = 1 << 62;

pub(crate) const SEGMENT_HEADER_BYTES: usize = BLOCK_BYTES;
pub(crate) const BATCH_HEADER_BYTES: usize = 72;
const BATCH_HEADER_BYTES_V1: usize = 64;
pub(crate) const BATCH_TRAILER_BYTES: usize = 32;
pub(crate) const RECORD_HEADER_BYTES: usize = 16;

pub(crate) const SEGMENT_MAGIC: &[u8; 8] = b"STEADJNL";
pub(crate) const BATCH_MAGIC: &[u8; 4] = b"SBAT";
pub(crate) const BATCH_DOMAIN: &str = "stead journal: batch, v2";
pub(crate) const BATCH_DOMAIN_V1: &str = "stead journal: batch, v1";
const GENESIS_DOMAIN: &str = "stead journal: before the first batch, v1";

/// The head of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The format of the segment and of its batches.
    pub(crate) version: u32,
    pub(crate) store_id: [u8; 16],
    pub(crate) number: u64,
    pub(crate) salt: u64,
    pub(crate) first_batch: u64,
    pub(crate) chain: Hash,
}

/// Why a segment's head is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    #[error("the segment header has no magic number")]
    Magic,
    #[error("the segment header does not have its hash")]
    Hash,
    #[error("the segment has format {0}")]
    Newer(u32),
    #[error("the segment header has a number that no store reaches")]
    Number,
    #[error("the segment has format 0, which no release wrote")]
    Zero,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0; SEGMENT_HEADER_BYTES];
        out[0..8].copy_from_slice(SEGMENT_MAGIC);
        out[8..12].copy_from_slice(&self.version.to_le_bytes());
        out[16..32].copy_from_slice(&self.store_id);
        out[32..40].copy_from_slice(&self.number.to_le_bytes());
        out[40..48].copy_from_slice(&self.salt.to_le_bytes());
        out[48..56].copy_from_slice(&self.first_batch.to_le_bytes());
        out[56..88].copy_from_slice(&self.chain);
        let end = SEGMENT_HEADER_BYTES - 32;
        let hash = blake3::hash(&out[..end]);
        out[end..].copy_from_slice(hash.as_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHeader, HeaderError> {
        if bytes.len() < SEGMENT_HEADER_BYTES || &bytes[0..8] != SEGMENT_MAGIC {
            return Err(HeaderError::Magic);
        }
        let end = SEGMENT_HEADER_BYTES - 32;
        if blake3::hash(&bytes[..end]).as_bytes() != &bytes[end..SEGMENT_HEADER_BYTES] {
            return Err(HeaderError::Hash);
        }
        let version = u32_at(bytes, 8);
        if version > JOURNAL_VERSION {
            return Err(HeaderError::Newer(version));
        }
        if version == 0 {
            return Err(HeaderError::Zero);
        }
        if u64_at(bytes, 32).max(u64_at(bytes, 48)) > NUMBER_MAX {
            return Err(HeaderError::Number);
        }
        Ok(SegmentHeader {
            version,
            store_id: array_at(bytes, 16),
            number: u64_at(bytes, 32),
            salt: u64_at(bytes, 40),
            first_batch: u64_at(bytes, 48),
            chain: array_at(bytes, 56),
        })
    }
}

/// The chain before a store's first batch.
pub(crate) fn genesis(store_id: &[u8; 16]) -> Hash {
    blake3::derive_key(GENESIS_DOMAIN, store_id)
}

/// What a batch continues: the state of the chain before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// The salt of the segment.
    pub(crate) salt: u64,
    /// The number of the next batch.
    pub(crate) number: u64,
    /// The hash of the batch before.
    pub(crate) chain: Hash,
}

impl Link {
    /// What the batch after one with this hash continues.
    pub(crate) fn next(self, chain: Hash) -> Link {
        Link { salt: self.salt, number: self.number + 1, chain }
    }
}

/// The bytes that a batch with this many bytes of records takes.
pub(crate) fn batch_bytes(record_bytes: usize) -> usize {
    (BATCH_HEADER_BYTES + record_bytes + BATCH_TRAILER_BYTES).next_multiple_of(BLOCK_BYTES)
}

/// The largest record that fits a batch of this size, header included.
pub(crate) fn record_bytes_max(batch_bytes: usize) -> usize {
    batch_bytes - BATCH_HEADER_BYTES - BATCH_TRAILER_BYTES
}

/// Appends a batch and returns its hash: the chain after it.
pub(crate) fn encode_batch(out: &mut Vec<u8>, link: &Link, synced: u64, count: u32, records: &[u8]) -> Hash {
    let start = out.len();
    let bytes = batch_bytes(records.len());
    assert!(synced < link.number, "batch {} cannot be durable before it is written", link.number);
    assert!(bytes <= BATCH_BYTES_MAX, "a batch of {bytes} bytes is never written");
    out.extend_from_slice(BATCH_MAGIC);
    out.extend_from_slice(&(bytes as u32).to_le_bytes());
    out.extend_from_slice(&link.salt.to_le_bytes());
    out.extend_from_slice(&link.number.to_le_bytes());
    out.extend_from_slice(&link.chain);
    out.extend_from_slice(&count.to_le_bytes());
    out.extend_from_slice(&(records.len() as u32).to_le_bytes());
    out.extend_from_slice(&synced.to_le_bytes());
    out.extend_from_slice(records);
    out.resize(start + bytes - BATCH_TRAILER_BYTES, 0);
    let hash = batch_hash(BATCH_DOMAIN, &out[start..]);
    out.extend_from_slice(&hash);
    hash
}

pub(crate) fn batch_hash(domain: &str, bytes: &[u8]) -> Hash {
    let mut hasher = blake3::Hasher::new_derive_key(domain);
    hasher.update(bytes);
    hasher.finalize().into()
}

/// A batch whose hash was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Batch<'a> {
    pub(crate) salt: u64,
    pub(crate) number: u64,
    pub(crate) previous: Hash,
    pub(crate) hash: Hash,
    pub(crate) bytes: usize,
    pub(crate) count: u32,
    /// Where the records start.
    pub(crate) header_bytes: usize,
    /// Every batch up to this one was durable when this one was written.
    pub(crate) synced: u64,
    pub(crate) records: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Reads the batch at the start of `bytes`, in a segment of this version.
    pub(crate) fn decode(bytes: &'a [u8], version: u32) -> Result<Batch<'a>, &'static str> {
        if bytes.len() < BLOCK_BYTES || &bytes[0..4] != BATCH_MAGIC {
            return Err("the batch has no magic number");
        }
        let length = u32_at(bytes, 4) as usize;
        if length > BATCH_BYTES_MAX || length == 0 || !length.is_multiple_of(BLOCK_BYTES) || length > bytes.len() {
            return Err("the batch has an impossible length");
        }
        let (domain, header_bytes) = match version {
            1 => (BATCH_DOMAIN_V1, BATCH_HEADER_BYTES_V1),
            _ => (BATCH_DOMAIN, BATCH_HEADER_BYTES),
        };
        let hash = array_at(bytes, length - BATCH_TRAILER_BYTES);
        if batch_hash(domain, &bytes[..length - BATCH_TRAILER_BYTES]) != hash && !planted(Bug::TornTailAccepted) {
            return Err("the batch does not have its hash");
        }
        let record_bytes = u32_at(bytes, 60) as usize;
        if (header_bytes + record_bytes + BATCH_TRAILER_BYTES).next_multiple_of(BLOCK_BYTES) != length {
            return Err("the batch has an impossible number of record bytes");
        }
        let number = u64_at(bytes, 16);
        let synced = if version == 1 { number.saturating_sub(1) } else { u64_at(bytes, 64) };
        if synced >= number {
            return Err("the batch says of itself that it was durable before it was written");
        }
        Ok(Batch {
            salt: u64_at(bytes, 8),
            number,
            previous: array_at(bytes, 24),
            hash,
            bytes: length,
            count: u32_at(bytes, 56),
            header_bytes,
            synced,
            records: &bytes[header_bytes..header_bytes + record_bytes],
        })
    }

    /// These bytes start like a batch; nothing else is known of them.
    pub(crate) fn may_start(bytes: &[u8]) -> bool {
        bytes.starts_with(BATCH_MAGIC)
    }

    /// Reads the batch at the start of `bytes`, whatever version its segment has.
    pub(crate) fn decode_any(bytes: &'a [u8]) -> Result<Batch<'a>, &'static str> {
        Batch::decode(bytes, JOURNAL_VERSION).or_else(|what| Batch::decode(bytes, 1).map_err(|_| what))
    }

    /// The batch is the next one after `link`.
    pub(crate) fn continues(&self, link: &Link) -> bool {
        self.salt == link.salt && self.number == link.number && self.previous == link.chain
    }
}

/// These bytes started out as the batch after `link`: any one of salt, number and chain still shows it.
pub(crate) fn resembles(bytes: &[u8], link: &Link) -> bool {
    bytes.len() >= BATCH_HEADER_BYTES
        && (u64_at(bytes, 8) == link.salt
            || u64_at(bytes, 16) == link.number
            || array_at::<32>(bytes, 24) == link.chain)
}

/// The number at an offset that was checked before.
pub(crate) fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, offset))
}

/// The number at an offset that was checked before.
pub(crate) fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, offset))
}

/// The bytes at an offset that was checked before.
pub(crate) fn array_at<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}
