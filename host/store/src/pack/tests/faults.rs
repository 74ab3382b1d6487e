//! Crashes, failed operations and a full disk while a pack is written.

use std::collections::BTreeSet;
use std::io::ErrorKind;

use super::*;

/// Writes a first pack, then tries a second; returns the trees and what became of the second.
fn run(disk: &SimDisk) -> (Tree, PackId, std::io::Result<Option<(Tree, PackId)>>) {
    let packs = packs_on(disk);
    let (first, one) = write(&packs, &Tree::EMPTY, entries(0..300, 0));
    let mut writer = PackWriter::new(&packs);
    let second = first.apply(&*packs, &Ranges::new(), entries(250..500, 1).into_iter(), &mut writer);
    let two = writer.finish();
    let second = match (second, two) {
        (Ok(tree), Ok(id)) => Ok(id.map(|id| (tree, id))),
        (Err(error), _) => Err(std::io::Error::other(error)),
        (_, Err(error)) => Err(error),
    };
    (first, one.unwrap(), second)
}

/// The number of the first operation on the second pack, and of the operation after the last.
fn operations() -> (u64, u64) {
    let disk = empty_disk(11);
    let packs = packs_on(&disk);
    write(&packs, &Tree::EMPTY, entries(0..300, 0));
    let start = disk.operations();
    drop(packs);
    let disk = empty_disk(11);
    run(&disk).2.unwrap();
    (start, disk.operations())
}

/// Removes what no record names, as a store that opens does.
fn sweep(disk: &SimDisk, named: &BTreeSet<PackId>) {
    for name in disk.list(PACK_DIR).unwrap() {
        if PackId::from_file_name(&name).is_none_or(|id| !named.contains(&id)) {
            disk.remove(&format!("{PACK_DIR}/{name}")).unwrap();
        }
    }
}

#[test]
fn g01_a_crash_at_any_operation_leaves_a_pack_whole_or_nameless() {
    let (start, end) = operations();
    assert!(end - start >= 5);
    let mut kept = BTreeSet::new();
    for operation in start..=end {
        for seed in 0..6 {
            let disk = empty_disk(11);
            disk.crash_after(operation);
            let (first, one, second) = run(&disk);
            let disk = disk.restart(seed);
            let packs = packs_on(&disk);
            assert!(verify_pack(packs.disk(), one, &mut |_| {}).is_empty(), "a finished pack survives any crash");
            packs.add(one).unwrap();
            assert_eq!(read_all(&packs, &first).unwrap().len(), 300);
            let named = match second {
                Ok(Some((tree, two))) => {
                    packs.add(two).expect("a pack is there once finish has returned");
                    assert_eq!(read_all(&packs, &tree).unwrap().len(), 500);
                    BTreeSet::from([one, two])
                }
                _ => BTreeSet::from([one]),
            };
            // A name without a finished write may be there, but never a pack that is there in part.
            for name in disk.list(PACK_DIR).unwrap() {
                if let Some(id) = PackId::from_file_name(&name) {
                    assert!(
                        verify_pack(packs.disk(), id, &mut |_| {}).is_empty(),
                        "{name} after a crash at operation {operation}"
                    );
                }
            }
            sweep(&disk, &named);
            assert_eq!(disk.files().len(), named.len());
            kept.insert(named.len());
        }
    }
    assert_eq!(kept, BTreeSet::from([1, 2]));
}

#[test]
fn a_failed_operation_leaves_no_pack() {
    let (start, end) = operations();
    for operation in start..end {
        let disk = empty_disk(11);
        disk.fail(operation, crate::disk::sim::EIO);
        let (_, one, second) = run(&disk);
        match second {
            Err(error) => assert_ne!(error.kind(), ErrorKind::StorageFull),
            // The old tree was read before anything was written; a read that fails fails the checkpoint.
            Ok(_) => continue,
        }
        sweep(&disk, &[one].into());
        assert_eq!(disk.files(), [one.path()]);
    }
}

#[test]
fn a_full_disk_refuses_the_pack_and_harms_nothing() {
    let disk = empty_disk(12);
    let packs = packs_on(&disk);
    let (first, _) = write(&packs, &Tree::EMPTY, entries(0..300, 0));
    for bytes_left in [0, 1, 5000, 20_000] {
        disk.full(Some(bytes_left));
        let mut writer = PackWriter::new(&packs);
        first.apply(&*packs, &Ranges::new(), entries(250..500, 1).into_iter(), &mut writer).unwrap();
        assert_eq!(writer.finish().unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(disk.files().len(), 1, "the part that was written is removed");
    }
    assert_eq!(read_all(&packs, &first).unwrap().len(), 300);
    disk.full(None);
    let (second, _) = write(&packs, &first, entries(250..500, 1));
    assert_eq!(read_all(&packs, &second).unwrap().len(), 500);
}

#[test]
fn a_writer_that_is_dropped_leaves_no_file() {
    let disk = empty_disk(13);
    let packs = packs_on(&disk);
    let mut writer = PackWriter::new(&packs);
    writer.put_blob(value(1, 3 << 20));
    assert_eq!(disk.files().len(), 1);
    drop(writer);
    assert!(disk.files().is_empty());
}
