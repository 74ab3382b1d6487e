//! Large values read piece by piece: the bytes that were written, or an error.

use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, StateId, Store, ValueReader, WriterEpoch, Writes};

use crate::model::options;

const GROUP: usize = 64 << 10;

/// Bytes of which no part is like another.
fn value(length: usize) -> Bytes {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 23) as u8 ^ (at >> 16) as u8).collect()
}

/// Numbers that look random.
fn below(random: &mut u64, bound: usize) -> usize {
    *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*random >> 33) as usize % bound
}

fn store_with(disk: &SimDisk, values: &[Bytes]) -> (Store, StateId) {
    let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
    let state = store.new_state();
    let writes: Writes = values.iter().map(|value| (key(value.len()), Some(value.clone()))).collect();
    let epoch = WriterEpoch::FIRST;
    let changes = vec![Change::Create { state }, Change::Write { state, epoch, writes }];
    store.commit(changes).expect("commit").wait().expect("durable");
    (store, state)
}

fn key(length: usize) -> Bytes {
    format!("{length} bytes").into()
}

fn open(store: &Store, state: StateId, length: usize) -> Result<ValueReader, stead_store::ReadError> {
    store.view(state).expect("state").open_value(&key(length)).map(|reader| reader.expect("the key is there"))
}

fn check(reader: &mut ValueReader, expected: &[u8]) {
    assert_eq!((reader.len(), reader.is_empty()), (expected.len() as u64, expected.is_empty()));
    let mut random = expected.len() as u64;
    for round in 0..60 {
        let start = below(&mut random, expected.len() + 2);
        let length = if round % 3 == 0 { below(&mut random, 3 * GROUP) } else { below(&mut random, 300) };
        let mut out = vec![0xEE; length];
        let count = reader.read_at(start as u64, &mut out).expect("read");
        let rest = expected.get(start..).unwrap_or_default();
        assert_eq!(count, length.min(rest.len()));
        assert_eq!(out[..count], rest[..count], "{length} bytes at {start} of {}", expected.len());
        assert!(out[count..].iter().all(|byte| *byte == 0xEE), "nothing is written past the end");
    }
    assert_eq!(reader.read_at(u64::MAX, &mut [0; 8]).expect("read"), 0);
}

#[test]
fn g04_values_read_in_pieces_are_what_was_written() {
    let lengths =
        [0, 5, 1024, 1025, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP, 5 * GROUP - 1, 5 * GROUP + 77, 16 * GROUP + 1];
    let values = lengths.map(value);
    let (store, state) = store_with(&SimDisk::new(1), &values);
    assert!(store.view(state).expect("state").open_value(b"no key").expect("read").is_none());
    for stage in ["in memory", "after a checkpoint"] {
        for value in &values {
            check(&mut open(&store, state, value.len()).expect(stage), value);
        }
        store.checkpoint().expect("checkpoint");
    }
    // What was opened outlives the state and its packs.
    let mut readers = values.each_ref().map(|value| open(&store, state, value.len()).expect("open"));
    store.commit(vec![Change::Remove { state }]).expect("commit").wait().expect("durable");
    store.checkpoint().expect("checkpoint");
    assert!(store.collect().expect("collection").packs_removed > 0);
    readers.iter_mut().zip(&values).for_each(|(reader, value)| check(reader, value));
}

#[test]
fn g04_no_byte_of_a_damaged_value_is_handed_out() {
    let whole = value(9 * GROUP + 1000);
    let disk = SimDisk::new(1);
    let (store, state) = store_with(&disk, std::slice::from_ref(&whole));
    store.checkpoint().expect("checkpoint");
    // The commit was so large that its writes have a pack of their own, which is not needed any more.
    assert_eq!(store.collect().expect("collection").packs_removed, 1);
    let is_pack_with_value = |path: &String| find(&disk.contents(path).unwrap_or_default(), &whole).is_some();
    let path =
        disk.files().into_iter().find(|path| path.ends_with(".pack") && is_pack_with_value(path)).expect("a pack");
    let start = find(&disk.contents(&path).expect("contents"), &whole).expect("the value");
    for at in [0, 1, GROUP - 1, GROUP, 4 * GROUP + 5, 9 * GROUP - 1, 9 * GROUP, 9 * GROUP + 999] {
        let mut reader = open(&store, state, whole.len()).expect("open");
        disk.flip_bit(&path, (start + at) as u64, (at % 8) as u8);
        let error = open(&store, state, whole.len()).expect_err("a flipped bit").to_string();
        assert!(error.contains(&path) && error.contains("does not have its hash"), "{error}");
        // What was opened before notices just as well, and other groups can still be read.
        for group in 0..10 {
            let mut out = vec![0xEE; GROUP];
            let read = reader.read_at((group * GROUP) as u64, &mut out);
            if group == at / GROUP {
                let error = read.expect_err("a flipped bit");
                assert_eq!(error.kind(), "damaged");
                assert!(error.to_string().contains("changed since it was opened"), "{error}");
                assert!(reader.read_at((group * GROUP) as u64, &mut out).is_err(), "nor when it is asked for again");
                assert!(out.iter().all(|byte| *byte == 0xEE), "nothing of it is handed out");
            } else {
                let count = read.expect("another group");
                assert_eq!(out[..count], whole[group * GROUP..][..count]);
            }
        }
        disk.flip_bit(&path, (start + at) as u64, (at % 8) as u8);
        check(&mut reader, &whole);
    }
}

/// Where some bytes lie in others.
fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    (0..bytes.len().saturating_sub(sought.len())).find(|at| bytes[*at..].starts_with(sought))
}
