//! An import meets a crash, a failed operation or a full disk at each of its operations, and is run again.

use stead_store::disk::sim::{EIO, ENOSPC, Operation, SimDisk};
use stead_store::{Change, ImportError, Imported, StateId, Store};

use crate::export::{commit, entries_of, file_of, numbered, state_of, store, store_on, view};
use crate::model::Entries;
use crate::model_run::{Replay, only_operation};

const SEED: u64 = 11;
/// What a pack needs beside its bodies, at most 60 here.
const PACK_BYTES: u64 = 24 + 1024 + 104 + 60 * 48;

/// A file, and what it holds.
struct Case {
    file: Vec<u8>,
    base: Entries,
    entries: Entries,
}

fn cases() -> [Case; 2] {
    let base = numbered(0..300, 8, 60);
    let mut entries = base.clone();
    entries.extend(numbered(100..130, 8, 1400));
    entries.extend(numbered(900..901, 8, 20_000));
    let sender = store();
    let (old, new) = (view(&sender, state_of(&sender, &base)), view(&sender, state_of(&sender, &entries)));
    let mut incremental = Vec::new();
    new.export_since(&old, &mut incremental).expect("exported");
    [
        Case { file: file_of(&new), base: base.clone(), entries: entries.clone() },
        Case { file: incremental, base, entries },
    ]
}

/// The receiver: it has the base as a state, in part only in its journal.
fn receiver(disk: &SimDisk, case: &Case) -> (Store, StateId) {
    let store = store_on(disk);
    let state = state_of(&store, &numbered(0..300, 8, 60));
    store.checkpoint().expect("checkpoint");
    commit(&store, vec![crate::export::write(state, &case.base)]);
    (store, state)
}

fn import(store: &Store, case: &Case) -> Result<(StateId, Imported), ImportError> {
    let state = store.new_state();
    Ok((state, store.import(state, &mut &case.file[..], vec![])?))
}

/// An import without faults.
struct Whole {
    /// Its operations.
    operations: Vec<u64>,
    /// Those after which another part is durable.
    parts: Vec<u64>,
    /// What it writes.
    bytes: u64,
}

fn whole(case: &Case, of: impl Fn(Operation) -> bool) -> Whole {
    let disk = SimDisk::new(SEED);
    let (store, _) = receiver(&disk, case);
    let from = disk.operations();
    let (_, imported) = import(&store, case).expect("without a fault");
    assert!(imported.packs > 3, "{imported:?}");
    let log = disk.log();
    let all = from..log.len() as u64;
    let syncs = |n: &u64| log[*n as usize] == (Operation::SyncDir, "packs".into());
    let parts: Vec<u64> = all.clone().filter(syncs).collect();
    assert_eq!(parts.len() as u64, imported.packs);
    let numbers = all.filter(|n| of(log[*n as usize].0));
    let numbers = numbers.filter(|n| only_operation().is_none_or(|only| only == *n));
    Whole { operations: numbers.collect(), parts, bytes: imported.bytes_written }
}

/// There is no state of the file, or all of it; run again, the import writes only what is not there.
fn check(store: &Store, case: &Case, before: &[StateId], total: u64) {
    let new: Vec<StateId> = store.states().into_iter().filter(|state| !before.contains(state)).collect();
    let held: u64 = store.info().imports.iter().map(|import| import.bytes).sum();
    if let [state] = new[..] {
        assert_eq!(entries_of(&view(store, state)), case.entries);
        assert_eq!(held, 0, "what was adopted is no import any more");
        return;
    }
    assert!(new.is_empty(), "{new:?}");
    let (state, imported) = import(store, case).expect("run again");
    assert_eq!(entries_of(&view(store, state)), case.entries);
    assert_eq!(view(store, state).root().expect("root"), imported.root);
    let written = imported.bytes_written + held;
    assert!(written <= total + 2 * PACK_BYTES, "{held} bytes were there, {imported:?}, {total} in all");
    assert!(store.info().imports.is_empty());
}

/// The store goes on, and what it has survives a power loss.
fn lasts(disk: &SimDisk, store: Store, case: &Case) {
    store.checkpoint().expect("checkpoint");
    store.collect().expect("collect");
    drop(store);
    let store = store_on(&disk.restart(5));
    let is_there = |state: &StateId| entries_of(&view(&store, *state)) == case.entries;
    assert!(store.states().iter().any(is_there), "the imported state");
    let verified = store.verify(&mut |_| {}).expect("verify");
    assert!(verified.is_clean(), "{:?}", verified.damage);
}

#[test]
fn g01_a_crash_at_every_operation_of_an_import_leaves_no_state_or_all_of_it() {
    for case in cases() {
        let whole = whole(&case, Operation::changes);
        for operation in whole.operations {
            let parts = whole.parts.iter().filter(|part| **part < operation).count() as u64;
            let about = format!("{} bytes", case.file.len());
            let _replay = Replay { test: "g01_a_crash_at_every_operation_of_an_import", seed: SEED, operation, about };
            for outcome in 0..3 {
                let disk = SimDisk::new(SEED);
                let (store, _) = receiver(&disk, &case);
                let before = store.states();
                disk.crash_after(operation);
                // What the last operations tidy up is not waited for.
                let finished = import(&store, &case).is_ok();
                assert!(disk.crashed());
                let disk = if outcome == 0 { disk.kill() } else { disk.restart(operation ^ outcome) };
                let store = store_on(&disk);
                let is_adopted = store.states().len() > before.len();
                let left: u64 = store.info().imports.iter().map(|import| import.packs).sum();
                assert!(is_adopted || (!finished && left >= parts), "{left} parts, {parts} were durable");
                check(&store, &case, &before, whole.bytes);
                lasts(&disk, store, &case);
            }
        }
    }
}

#[test]
fn g02_a_failed_operation_of_an_import_costs_no_more_than_the_part_at_hand() {
    for case in cases() {
        for errno in [EIO, ENOSPC] {
            let fault = |disk: &SimDisk, operation| disk.fail(operation, errno);
            fail_everywhere(&case, |_| true, fault);
        }
        fail_everywhere(&case, |kind| matches!(kind, Operation::Sync | Operation::SyncDir), SimDisk::fail_sync);
    }
}

fn fail_everywhere(case: &Case, of: impl Fn(Operation) -> bool, fault: impl Fn(&SimDisk, u64)) {
    let whole = whole(case, of);
    for operation in whole.operations {
        let about = format!("{} bytes", case.file.len());
        let _replay = Replay { test: "g02_a_failed_operation_of_an_import", seed: SEED, operation, about };
        let disk = SimDisk::new(SEED);
        let (mut store, _) = receiver(&disk, case);
        let before = store.states();
        fault(&disk, operation);
        let imported = import(&store, case);
        let mut disk = disk;
        if imported.is_err() && store.barrier().wait().is_err() {
            drop(store);
            disk = disk.restart(operation);
            store = store_on(&disk);
        }
        check(&store, case, &before, whole.bytes);
        lasts(&disk, store, case);
    }
}

#[test]
fn g02_a_full_disk_stops_an_import_that_goes_on_when_there_is_room() {
    for case in cases() {
        let whole = whole(&case, Operation::changes);
        for (place, operation) in whole.operations.into_iter().enumerate() {
            let about = format!("{} bytes", case.file.len());
            let _replay = Replay { test: "g02_a_full_disk_stops_an_import", seed: SEED, operation, about };
            let disk = SimDisk::new(SEED);
            let (store, _) = receiver(&disk, &case);
            let before = store.states();
            // The source fills the disk as it is read.
            let mut source = Fills { file: &case.file, disk: &disk, operation, left: [0, 500, 9000][place % 3] };
            let state = store.new_state();
            match store.import(state, &mut source, vec![]) {
                Ok(_) => assert!(view(&store, state).root().is_ok()),
                Err(error) => assert_eq!(error.kind(), "no-space", "{error}"),
            }
            disk.full(None);
            commit(&store, vec![Change::Create { state: store.new_state() }]);
            let new = store.states().into_iter().filter(|state| !before.contains(state)).max();
            commit(&store, vec![Change::Remove { state: new.expect("just made") }]);
            check(&store, &case, &before, whole.bytes);
            lasts(&disk, store, &case);
        }
    }
}

/// A file whose disk is full once an operation was reached.
struct Fills<'a> {
    file: &'a [u8],
    disk: &'a SimDisk,
    operation: u64,
    left: u64,
}

impl std::io::Read for Fills<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.disk.operations() >= self.operation {
            self.disk.full(Some(std::mem::take(&mut self.left)));
        }
        let length = out.len().min(700);
        self.file.read(&mut out[..length])
    }
}
