//! Packs on the simulated disk: what is read is what was written, or an error.

mod collect;
mod damage;
mod faults;
mod pieces;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::disk::Disk;
use crate::disk::sim::SimDisk;
use crate::error::ReadError;
use crate::tree::{Nodes, Order, Ranges, Tree};

type Model = BTreeMap<Bytes, Bytes>;

fn empty_disk(seed: u64) -> SimDisk {
    let disk = SimDisk::new(seed);
    disk.create_dir(PACK_DIR).unwrap();
    disk.sync_dir("").unwrap();
    disk
}

fn packs_on(disk: &SimDisk) -> Arc<Packs> {
    Packs::new(Arc::new(disk.clone()), 1 << 20)
}

fn key(number: u64) -> Bytes {
    Bytes::copy_from_slice(&number.to_be_bytes())
}

fn value(number: u64, length: usize) -> Bytes {
    vec![number as u8; length].into()
}

/// Some entries, a few of them with values outside the leaf.
fn entries(numbers: std::ops::Range<u64>, seed: u64) -> Vec<(Bytes, Option<Bytes>)> {
    let length = |number| if number % 40 == 7 { 3000 } else { 60 };
    numbers.map(|number| (key(number), Some(value(number ^ seed, length(number))))).collect()
}

/// Applies changes, writes the pack and opens it.
fn write(packs: &Arc<Packs>, tree: &Tree, changes: Vec<(Bytes, Option<Bytes>)>) -> (Tree, Option<PackId>) {
    let mut writer = PackWriter::new(packs);
    let tree = tree.apply(&**packs, &Ranges::new(), changes.into_iter(), &mut writer).unwrap();
    let id = writer.finish().unwrap();
    if let Some(id) = id {
        packs.add(id).unwrap();
    }
    (tree, id)
}

fn read_all(packs: &Arc<Packs>, tree: &Tree) -> Result<Model, ReadError> {
    tree.scan(packs.clone(), Bound::Unbounded, Bound::Unbounded, Order::Ascending).collect()
}

#[test]
fn a_tree_is_read_back_from_its_packs() {
    let disk = empty_disk(1);
    let packs = packs_on(&disk);
    let (first, one) = write(&packs, &Tree::EMPTY, entries(0..2000, 0));
    let (second, two) = write(&packs, &first, entries(100..110, 5));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(
        packs.list().iter().map(|pack| pack.id).collect::<Vec<_>>(),
        BTreeMap::from([(one, ()), (two, ())]).into_keys().collect::<Vec<_>>()
    );
    let size = |id| packs.list().iter().find(|pack| pack.id == id).unwrap().bytes;
    assert!(size(two) < size(one) / 5, "what the first pack holds is not written again");

    let reopened = packs_on(&disk.restart(9));
    reopened.add(one).unwrap();
    reopened.add(two).unwrap();
    let mut model: Model = entries(0..2000, 0).into_iter().map(|(key, value)| (key, value.unwrap())).collect();
    assert_eq!(read_all(&reopened, &first).unwrap(), model);
    model.extend(entries(100..110, 5).into_iter().map(|(key, value)| (key, value.unwrap())));
    assert_eq!(read_all(&reopened, &second).unwrap(), model);
    let mut bytes = 0;
    assert!(verify_pack(reopened.disk(), one, &mut |read| bytes += read).is_empty());
    assert_eq!(bytes, size(one), "progress covers every byte");
    assert!(verify_pack(reopened.disk(), two, &mut |_| {}).is_empty());
}

#[test]
fn nothing_to_write_makes_no_pack() {
    let disk = empty_disk(2);
    let packs = packs_on(&disk);
    let (tree, _) = write(&packs, &Tree::EMPTY, entries(0..500, 0));
    assert_eq!(write(&packs, &tree, entries(0..500, 0)), (tree, None));
    assert_eq!(write(&packs, &tree, vec![(key(9999), None)]), (tree, None));
    assert_eq!(disk.files().len(), 1);
}

#[test]
fn blobs_are_found_by_their_hash() {
    let disk = empty_disk(3);
    let packs = packs_on(&disk);
    let mut writer = PackWriter::new(&packs);
    let small = writer.put_blob(Bytes::new());
    let large = writer.put_blob(value(3, 3 << 20));
    assert_ne!(small, large);
    packs.add(writer.finish().unwrap().unwrap()).unwrap();
    assert_eq!(packs.blob(&small).unwrap(), Bytes::new());
    assert_eq!(packs.blob(&large).unwrap(), value(3, 3 << 20));
    // The same bytes again are a pack of their own: who names a blob names its pack.
    let mut writer = PackWriter::new(&packs);
    assert_eq!(writer.put_blob(Bytes::new()), small);
    assert!(writer.finish().unwrap().is_some());
    assert!(matches!(packs.blob(&[0; 32]), Err(ReadError::Missing { .. })));
    assert!(packs.node(&crate::tree::NodeHash(large)).is_err(), "a blob is no node");
}

#[test]
fn the_cache_keeps_to_its_bound() {
    let disk = empty_disk(4);
    let packs = packs_on(&disk);
    let (tree, _) = write(&packs, &Tree::EMPTY, entries(0..60_000, 0));
    assert!(tree.bytes > 4 << 20);
    assert_eq!(read_all(&packs, &tree).unwrap().len(), 60_000);
    assert!((1 << 18..=1 << 20).contains(&packs.cached_bytes()), "{} bytes in the cache", packs.cached_bytes());
}

#[test]
fn names_of_packs() {
    let id = PackId(0xab);
    assert_eq!(id.path(), "packs/00000000000000ab.pack");
    assert_eq!(PackId::from_file_name("00000000000000ab.pack"), Some(id));
    for name in ["ab.pack", "00000000000000AB.pack", "00000000000000ab.tmp", "+0000000000000ab.pack", "x"] {
        assert_eq!(PackId::from_file_name(name), None);
    }
}
