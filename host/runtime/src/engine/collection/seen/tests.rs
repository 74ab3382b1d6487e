//! Reads in every order, against a plain set of keys.

use std::collections::BTreeSet;
use std::sync::Arc;

use stead_store::disk::sim::SimDisk;
use stead_store::{Options, Store, Writer};

use super::*;

/// A transaction over so many entries with keys of four bytes, every other number.
fn entries(count: u32) -> Transaction {
    let options = Options { segment_bytes: 1 << 20, writer: Writer::Inline, ..Options::default() };
    let (store, _) = Store::open(Arc::new(SimDisk::new(1)), options).unwrap();
    let state = store.new_state();
    store.commit(vec![stead_store::Change::Create { state }]).unwrap().wait().unwrap();
    let mut transaction = Transaction::new(store.view(state).unwrap());
    (0..count).for_each(|number| transaction.put(key(number), Bytes::from_static(b"value")));
    transaction
}

fn key(number: u32) -> Bytes {
    (number * 2).to_be_bytes().to_vec().into()
}

fn note(seen: &mut Seen, transaction: &Transaction, numbers: impl IntoIterator<Item = u32>) -> u64 {
    let keys: Vec<Bytes> = numbers.into_iter().map(key).collect();
    seen.note(&keys.iter().collect::<Vec<_>>(), transaction).unwrap()
}

#[test]
fn g07_each_entry_counts_once() {
    let transaction = entries(100);
    let mut seen = Seen::default();
    assert_eq!(note(&mut seen, &transaction, [7]), 1);
    assert_eq!(note(&mut seen, &transaction, [7]), 0);
    assert_eq!(note(&mut seen, &transaction, 5..10), 4);
    assert_eq!(note(&mut seen, &transaction, 8..12), 2);
    assert_eq!(note(&mut seen, &transaction, [9]), 0);
    assert_eq!(note(&mut seen, &transaction, 0..100), 93);
    assert_eq!(note(&mut seen, &transaction, []), 0);
    assert_eq!(seen.spans.len(), 1);
}

#[test]
fn g07_reads_at_random_are_counted_as_a_set_counts_them() {
    for seed in 1..=20u64 {
        let transaction = entries(600);
        let (mut seen, mut model, mut random) = (Seen::default(), BTreeSet::new(), seed);
        let mut total = 0;
        for _ in 0..900 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (start, length) = ((random >> 33) as u32 % 600, 1 + (random >> 50) as u32 % 3);
            let end = (start + length).min(600);
            total += note(&mut seen, &transaction, start..end);
            model.extend(start..end);
            assert_eq!(total, model.len() as u64, "seed {seed}, {start}..{end}");
        }
        let bytes = seen.spans.iter().map(|(first, last)| first.len() + last.len() + SPAN_BYTES).sum::<usize>();
        assert_eq!(seen.bytes(), bytes);
    }
}

#[test]
fn g14_reads_in_order_take_no_memory_that_grows() {
    let transaction = entries(20_000);
    let mut one_by_one = Seen::default();
    let mut backwards = Seen::default();
    let mut scattered = Seen::default();
    for number in 0..20_000 {
        assert_eq!(note(&mut one_by_one, &transaction, [number]), 1);
        assert_eq!(note(&mut backwards, &transaction, [19_999 - number]), 1);
        note(&mut scattered, &transaction, [number / 2 * 2]);
        assert!(one_by_one.spans.len() <= APART_MIN + 1 && backwards.spans.len() <= APART_MIN + 1);
    }
    assert_eq!(scattered.spans.len(), 10_000, "nothing that was not read may be counted as read");
}
