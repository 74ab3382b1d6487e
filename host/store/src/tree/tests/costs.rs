//! What the tree costs with a million entries of 116 bytes, from packs in a temporary directory. A measurement, not a test:
//!
//! ```text
//! cargo test --release --package stead-store costs -- --ignored --nocapture
//! ```

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Bound;
use std::time::Instant;

use super::*;
use crate::Order;
use crate::disk::{DirDisk, Disk};
use crate::pack::{PACK_DIR, PackWriter, Packs, verify_pack};

const ENTRIES: u64 = 1_000_000;

/// Takes nodes and counts their bytes.
#[derive(Default)]
struct Discarded(usize);

impl NodeSink for Discarded {
    fn node(&mut self, _: NodeHash, bytes: Vec<u8>) {
        self.0 += bytes.len();
    }

    fn value(&mut self, _: ValueHash, bytes: Bytes) {
        self.0 += bytes.len();
    }
}

/// Runs something, prints what one of `count` took, and returns its result.
#[expect(clippy::print_stderr, reason = "a measurement is there to be read")]
fn measure<T>(what: &str, count: u64, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = black_box(run());
    let elapsed = start.elapsed();
    eprintln!(
        "{what:<44} {:>10.2} µs each, {:>9.1} ms",
        elapsed.as_secs_f64() * 1e6 / count as f64,
        elapsed.as_secs_f64() * 1e3
    );
    result
}

#[test]
#[ignore = "a measurement"]
fn costs() {
    let directory = tempfile::tempdir().unwrap();
    let disk = DirDisk::create(directory.path()).unwrap();
    disk.create_dir(PACK_DIR).unwrap();
    let packs = Packs::new(Arc::new(DirDisk::open(directory.path()).unwrap()), 512 << 20);
    let mut random = Random(1);
    let mut random_key = || {
        let mut key = random.below(u64::MAX).to_be_bytes().to_vec();
        key.extend(random.below(u64::MAX).to_be_bytes());
        Bytes::from(key)
    };
    let model: BTreeMap<Bytes, Bytes> = (0..ENTRIES).map(|number| (random_key(), value(number, 100))).collect();
    let keys: Vec<Bytes> = model.keys().cloned().collect();
    let mut random = Random(2);
    let mut some_key = || keys[random.below(ENTRIES) as usize].clone();

    let entries = || model.iter().map(|(key, value)| (key.clone(), Some(value.clone())));
    measure("build", ENTRIES, || {
        Tree::EMPTY.apply(&*packs, &Ranges::new(), entries(), &mut Discarded::default()).unwrap()
    });
    let tree = measure("build, with its pack on disk", ENTRIES, || {
        let mut writer = PackWriter::new(&packs);
        let tree = Tree::EMPTY.apply(&*packs, &Ranges::new(), entries(), &mut writer).unwrap();
        packs.add(writer.finish().unwrap().unwrap()).unwrap();
        tree
    });
    let all = || tree.scan(packs.clone(), Bound::Unbounded, Bound::Unbounded, Order::Ascending);
    measure("scan, cold", ENTRIES, || assert_eq!(all().count() as u64, ENTRIES));
    measure("scan, warm", ENTRIES, || assert_eq!(all().count() as u64, ENTRIES));

    let sought: Vec<Bytes> = (0..300_000).map(|_| some_key()).collect();
    measure("point read", 300_000, || sought.iter().for_each(|key| assert!(tree.get(&*packs, key).unwrap().is_some())));
    measure("point read of a BTreeMap", 300_000, || sought.iter().for_each(|key| assert!(model.contains_key(key))));
    measure("count", 100_000, || {
        for key in &sought[..100_000] {
            black_box(tree.count(&*packs, Bound::Included(key), Bound::Unbounded).unwrap());
        }
    });

    let mut discarded = Discarded::default();
    measure("apply one change", 3000, || {
        for key in &sought[..3000] {
            let change = [(key.clone(), Some(value(5, 100)))];
            black_box(tree.apply(&*packs, &Ranges::new(), change.into_iter(), &mut discarded).unwrap());
        }
    });
    measure(&format!("  ({} bytes of new nodes each)", discarded.0 / 3000), 1, || ());
    let changes: Batch = sought[..10_000].iter().map(|key| (key.clone(), Some(value(6, 100)))).collect();
    let mut writer = PackWriter::new(&packs);
    let changed = measure("apply 10 000 changes", 1, || {
        tree.apply(&*packs, &Ranges::new(), changes.clone().into_iter(), &mut writer).unwrap()
    });
    measure("  their pack", 1, || packs.add(writer.finish().unwrap().unwrap()).unwrap());
    measure("diff, a change", changes.len() as u64, || {
        assert_eq!(tree.diff(&changed, packs.clone()).count(), changes.len());
    });
    let mut marked = std::collections::HashSet::new();
    measure("mark", 1, || tree.mark(&*packs, &mut |hash| marked.insert(*hash)).unwrap());
    for pack in packs.list() {
        measure(&format!("verify {} MB", pack.bytes >> 20), 1, || {
            assert!(verify_pack(&disk, pack.id, &mut |_| {}).is_empty())
        });
    }
}
