//! Where a journal ends: every selection of unsynced batches that a disk may keep, and segments of version 1.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::format::{BATCH_HEADER_BYTES, Hash, SEGMENT_HEADER_BYTES, SegmentHeader, genesis, u64_at};
use super::reader::{Tail, read_segment_to};
use super::segment_numbers;
use crate::disk::sim::SimDisk;
use crate::disk::{Disk, Mode};
use crate::limits::{BLOCK_BYTES, SEGMENT_BYTES_MIN};
use crate::store::{Change, Durability, Options, Recovery, StateId, Store, Writer, WriterEpoch};

const SEGMENT: &str = "journal/0000000001.log";

fn open(disk: &SimDisk) -> Result<(Store, Recovery), crate::OpenError> {
    let options = Options { segment_bytes: SEGMENT_BYTES_MIN, writer: Writer::Inline, ..Options::default() };
    Store::open(Arc::new(disk.clone()), options)
}

fn put(store: &Store, key: u8, durability: Durability) {
    let writes = BTreeMap::from([(Bytes::from(vec![1, key]), Some(Bytes::from(vec![key; 10])))]);
    let change = Change::Write { state: StateId::CATALOG, epoch: WriterEpoch::FIRST, writes };
    store.commit_with(vec![change], durability).expect("accepted").wait().expect("resolved");
}

fn keys(store: &Store) -> Vec<u8> {
    let view = store.view(StateId::CATALOG).expect("the catalog");
    (0..20).filter(|key| view.get(&[1, *key]).expect("readable").is_some()).collect()
}

/// The offsets of all batches in a segment, by looking.
fn batches(disk: &SimDisk, path: &str) -> Vec<u64> {
    let bytes = disk.contents(path).expect("the segment");
    (0..bytes.len()).step_by(BLOCK_BYTES).filter(|at| bytes[*at..].starts_with(b"SBAT")).map(|at| at as u64).collect()
}

fn lose(disk: &SimDisk, offset: u64) {
    disk.open(SEGMENT, Mode::ReadWrite).expect("the file").write_at(offset, &[0; BLOCK_BYTES]).expect("write");
}

/// Three synced batches, then four that were not.
fn half_synced() -> (SimDisk, Vec<u64>) {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk).expect("open");
    (0..3).for_each(|key| put(&store, key, Durability::Synced));
    (3..7).for_each(|key| put(&store, key, Durability::Buffered));
    drop(store);
    // Before them: the Manifest and Own.
    let batches = batches(&disk, SEGMENT).split_off(2);
    assert_eq!(batches.len(), 7);
    (disk.kill(), batches)
}

#[test]
fn g01_any_selection_of_unsynced_batches_leaves_a_prefix() {
    let (before, batches) = half_synced();
    for kept in 0..16_u32 {
        let disk = before.kill();
        let lost = |place: &usize| kept & (1 << (place - 3)) == 0;
        (3..7).filter(lost).for_each(|place| lose(&disk, batches[place]));
        let verified = Store::verify_idle(Arc::new(disk.clone()), &mut |_| {}).expect("readable");
        assert!(verified.is_clean(), "kept {kept:04b}: {verified:?}");
        let (store, recovery) = open(&disk).unwrap_or_else(|error| panic!("kept {kept:04b}: {error}"));
        let end = 3 + kept.trailing_ones() as u8;
        assert_eq!(keys(&store), (0..end).collect::<Vec<_>>(), "kept {kept:04b}");
        assert_eq!(recovery.torn.is_some(), kept >> kept.trailing_ones() != 0, "kept {kept:04b}");
        // New batches take the numbers of those that were cut off; none of these comes back.
        put(&store, 10, Durability::Synced);
        drop(store);
        let (store, recovery) = open(&disk).expect("open");
        assert_eq!(recovery.torn, None, "kept {kept:04b}");
        assert_eq!(keys(&store), (0..end).chain([10]).collect::<Vec<_>>(), "kept {kept:04b}");
    }
}

#[test]
fn g04_a_missing_batch_that_a_later_one_calls_durable_is_damage() {
    let (before, batches) = half_synced();
    for (place, offset) in batches.iter().enumerate().take(3) {
        let disk = before.kill();
        lose(&disk, *offset);
        let verified = Store::verify_idle(Arc::new(disk.clone()), &mut |_| {}).expect("readable");
        assert!(verified.damage.iter().any(|damage| damage.offset == *offset), "{place}: {verified:?}");
        let error = open(&disk).expect_err("damage");
        assert!(matches!(&error, crate::OpenError::Damaged { offset: at, .. } if at == offset), "{place}: {error}");
    }
    // A sync, and a batch that knows of it.
    let disk = before.kill();
    let (store, _) = open(&disk).expect("open");
    store.barrier().wait().expect("durable");
    put(&store, 7, Durability::Buffered);
    drop(store);
    lose(&disk, batches[4]);
    assert_eq!(open(&disk).expect_err("damage").kind(), "damaged");
}

#[test]
fn g02_unsynced_bytes_are_bounded() {
    let disk = SimDisk::new(1);
    let options = Options { writer: Writer::Inline, ..Options::default() };
    let (store, _) = Store::open(Arc::new(disk.clone()), options).expect("open");
    let value = Bytes::from(vec![7; 200_000]);
    let before = store.frontier();
    for _ in 0..60 {
        let writes = BTreeMap::from([(Bytes::from_static(&[1]), Some(value.clone()))]);
        let change = Change::Write { state: StateId::CATALOG, epoch: WriterEpoch::FIRST, writes };
        store.commit_with(vec![change], Durability::Buffered).expect("accepted").wait().expect("written");
    }
    store.barrier().wait().expect("durable");
    let syncs = store.frontier().syncs - before.syncs;
    assert_eq!(syncs, 4, "two where the first segment ends after 4 MiB, one at the bound, one for the barrier");
}

/// Writes a segment again as version 1 had it.
fn downgrade(disk: &SimDisk, number: u64, before: Hash) -> Hash {
    let path = super::segment::segment_path(number);
    let bytes = disk.contents(&path).expect("the segment");
    let header = SegmentHeader::decode(&bytes).expect("a header");
    let mut out = SegmentHeader { version: 1, chain: before, ..header }.encode();
    let mut chain = before;
    for offset in batches(disk, &path) {
        let batch = super::format::Batch::decode(&bytes[offset as usize..], 2).expect("valid");
        out.resize(offset as usize, 0);
        let head = &bytes[offset as usize..offset as usize + 64];
        let start = out.len();
        out.extend_from_slice(&head[..24]);
        out.extend_from_slice(&chain);
        out.extend_from_slice(&head[56..]);
        out.extend_from_slice(batch.records);
        out.resize(start + batch.bytes - 32, 0);
        let mut hasher = blake3::Hasher::new_derive_key("stead journal: batch, v1");
        hasher.update(&out[start..]);
        chain = hasher.finalize().into();
        out.extend_from_slice(&chain);
    }
    out.resize(bytes.len(), 0);
    let file = disk.open(&path, Mode::ReadWrite).expect("the file");
    file.write_at(0, &out).expect("write");
    file.sync_all().expect("sync");
    chain
}

#[test]
fn a_journal_of_version_1_is_read_and_goes_on_in_version_2() {
    let disk = SimDisk::new(1);
    let (store, first) = open(&disk).expect("open");
    (0..20).for_each(|key| put(&store, key, Durability::Synced));
    let store_id = store.info().store_id;
    drop(store);
    let numbers = segment_numbers(&disk).expect("listed");
    assert!(numbers.len() > 1, "several segments");
    numbers.iter().fold(genesis(&store_id), |chain, number| downgrade(&disk, *number, chain));
    let version = |disk: &SimDisk, number| {
        read_segment_to(disk, &store_id, number, u64::MAX).map(|segment| segment.header.version)
    };
    let last = *numbers.last().expect("a segment");
    assert_eq!(version(&disk, last).expect("readable"), 1);

    // Whatever operation the power fails at, the next open reads it all.
    let mut operations = 0;
    for operation in 0.. {
        let trial = disk.kill();
        trial.crash_after(operation);
        let opened = open(&trial).map(|(_, recovery)| recovery);
        if opened.is_ok() {
            break;
        }
        operations = operation;
        let trial = trial.restart(operation);
        let (store, _) = open(&trial).unwrap_or_else(|error| panic!("after operation {operation}: {error}"));
        assert_eq!(keys(&store), (0..20).collect::<Vec<_>>());
    }
    assert!(operations > 10);

    let disk = disk.kill();
    let (store, recovery) = open(&disk).expect("open");
    assert_eq!(keys(&store), (0..20).collect::<Vec<_>>());
    assert_eq!((recovery.torn, recovery.owner_epoch), (None, first.owner_epoch + 1));
    put(&store, 3, Durability::Buffered);
    store.close().expect("close");
    assert_eq!(version(&disk, last + 1).expect("the next segment"), 2);
    assert!(Store::verify_idle(Arc::new(disk.clone()), &mut |_| {}).expect("verified").is_clean());
    let (_, recovery) = open(&disk).expect("open");
    assert!(recovery.clean);
    assert_eq!(segment_numbers(&disk).expect("listed").last(), Some(&(last + 1)), "one more segment, once");
}

#[test]
fn g04_in_version_1_any_later_batch_makes_a_missing_one_damage() {
    let (disk, offsets) = half_synced();
    let store_id = SegmentHeader::decode(&disk.contents(SEGMENT).expect("there")).expect("a header").store_id;
    downgrade(&disk, 1, genesis(&store_id));
    lose(&disk, offsets[5]);
    let scan = read_segment_to(&disk, &store_id, 1, u64::MAX).map_err(|error| error.to_string()).expect("a header");
    assert!(matches!(scan.tail, Tail::Damaged(_)), "{:?}", scan.tail);
    lose(&disk, offsets[6]);
    let scan = read_segment_to(&disk, &store_id, 1, u64::MAX).map_err(|error| error.to_string()).expect("a header");
    assert_eq!((scan.tail, scan.end as u64), (Tail::Clean, offsets[5]));
}

#[test]
fn a_batch_names_the_last_durable_one() {
    let (disk, offsets) = half_synced();
    let bytes = disk.contents(SEGMENT).expect("there");
    let numbers = |at: u64| {
        let batch = &bytes[at as usize..];
        (u64_at(batch, 16), u64_at(batch, BATCH_HEADER_BYTES - 8))
    };
    // The first two batches are the Manifest and Own.
    let expected = [(3, 2), (4, 3), (5, 4), (6, 5), (7, 5), (8, 5), (9, 5)];
    assert_eq!(offsets.into_iter().map(numbers).collect::<Vec<_>>(), expected);
    assert_eq!(bytes.len() % SEGMENT_HEADER_BYTES, 0);
}
