//! The power fails, a read or write fails, or the disk fills up during every operation of a repair: repaired again, the
//! directory is what an undisturbed repair makes of it, and nothing that was there is lost.

use std::collections::BTreeSet;
use std::sync::Arc;

use stead_store::disk::Disk;
use stead_store::disk::sim::{EIO, ENOSPC, SimDisk};
use stead_store::{RepairError, Repaired, Store};

use crate::repaired::{Known, files, repair, verify};

/// A store with damage of several kinds, and what an undisturbed repair says of it.
struct Hurt {
    known: Known,
    disk: SimDisk,
    repaired: Repaired,
    operations: u64,
}

impl Hurt {
    fn new() -> Hurt {
        let known = Known::make(true);
        let disk = known.disk.restart(3);
        let all = files(&disk);
        let largest =
            |dir: &str| all.iter().filter(|(path, _)| path.starts_with(dir)).max_by_key(|(_, bytes)| bytes.len());
        let (pack, bytes) = largest("packs/").expect("a pack");
        // A leaf, the index, FORMAT, a component, and the last commits.
        disk.flip_bit(pack, 2000, 1);
        disk.flip_bit(pack, bytes.len() as u64 - 300, 1);
        disk.flip_bit("FORMAT", 20, 1);
        disk.flip_bit(all.keys().find(|path| path.starts_with("components/")).expect("one"), 3, 0);
        let (segment, bytes) = all.iter().rfind(|(path, _)| path.ends_with(".log")).expect("a segment");
        let batch = (0..bytes.len()).step_by(4096).filter(|at| bytes[*at..].starts_with(b"SBAT")).nth_back(4);
        disk.flip_bit(segment, batch.expect("several batches") as u64 + 80, 1);
        let trial = disk.restart(4);
        let repaired = repair(&trial).expect("repaired");
        assert!(repaired.lost_commits.is_some() && !repaired.components.is_empty(), "{repaired}");
        known.check(&trial.clone(), &repaired, "");
        let operations = {
            let trial = disk.restart(4);
            repair(&trial).expect("repaired");
            trial.operations()
        };
        Hurt { known, disk, repaired, operations }
    }

    /// Repairs what a disturbed repair left, and compares.
    fn again(&self, disk: &SimDisk, about: &str) {
        let before: BTreeSet<Vec<u8>> = files(&self.disk.clone()).into_values().map(trimmed).collect();
        let repaired = repair(disk).unwrap_or_else(|e| panic!("{about}: {e}"));
        assert!(verify(disk).is_clean(), "{about}: {:?}", verify(disk).damage);
        let after: BTreeSet<Vec<u8>> = files(disk).into_values().map(trimmed).collect();
        for bytes in before.iter().filter(|bytes| self.is_damaged(bytes)) {
            assert!(after.contains(bytes), "{about}: a damaged file is gone");
        }
        // What an earlier repair did already is said by its report.
        self.known.check(disk, &self.repaired, &format!("{about}; then {repaired}"));
    }

    fn is_damaged(&self, bytes: &[u8]) -> bool {
        let damaged = self.repaired.set_aside.iter().map(|aside| &aside.file);
        damaged.into_iter().any(|file| self.disk.contents(file).is_some_and(|contents| trimmed(contents) == bytes))
    }
}

fn trimmed(mut bytes: Vec<u8>) -> Vec<u8> {
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    bytes.truncate(used);
    bytes
}

#[test]
fn g01_g04_a_repair_that_loses_power_at_any_operation_is_repeated() {
    let hurt = Hurt::new();
    for operation in 0..hurt.operations {
        let disk = hurt.disk.restart(4);
        disk.crash_after(operation);
        let stopped = repair(&disk);
        if !disk.crashed() {
            // Looking takes no power.
            stopped.expect("not disturbed");
            continue;
        }
        hurt.again(&disk.restart(operation), &format!("power lost at operation {operation}"));
        hurt.again(&disk.kill(), &format!("killed at operation {operation}"));
    }
}

#[test]
fn g04_a_repair_that_fails_at_any_operation_is_repeated() {
    let hurt = Hurt::new();
    for errno in [EIO, ENOSPC] {
        for operation in 0..hurt.operations {
            let about = format!("error {errno} at operation {operation}");
            let disk = hurt.disk.restart(4);
            disk.fail(operation, errno);
            match repair(&disk) {
                Ok(repaired) => {
                    assert_eq!(repaired, hurt.repaired, "{about}");
                    hurt.known.check(&disk, &repaired, &about);
                }
                Err(_) => hurt.again(&disk, &about),
            }
        }
    }
}

#[test]
fn g04_on_a_full_disk_a_repair_is_refused_and_everything_is_as_it_was() {
    let hurt = Hurt::new();
    let mut refused = 0;
    for bytes in (0..400_000).step_by(9000) {
        let disk = hurt.disk.restart(4);
        let before = files(&disk);
        disk.full(Some(bytes));
        match repair(&disk) {
            Err(RepairError::Open(error)) => {
                assert_eq!(error.kind(), "no-space", "{error}");
                assert!(files(&disk) == before, "with room for {bytes} bytes: {:?} {error}", disk.files());
                refused += 1;
            }
            Err(error) => panic!("with room for {bytes} bytes: {error}"),
            Ok(repaired) => {
                disk.full(None);
                hurt.known.check(&disk, &repaired, "on a full disk");
            }
        }
    }
    assert!(refused > 3, "the repair takes no space: {refused}");
}

#[test]
fn verification_needs_no_room_and_no_lock_file() {
    let known = Known::make(true);
    known.disk.full(Some(0));
    known.disk.remove("LOCK").expect("remove");
    let before = files(&known.disk);
    let verified = Store::verify_idle(Arc::new(known.disk.clone()), &mut |_| {}).expect("verified");
    assert!(verified.is_clean(), "{:?}", verified.damage);
    assert_eq!(files(&known.disk), before);
}
