//! What came in lives on: an import that was interrupted, and a state that was imported or adopted.

use std::io::{Read, Result as IoResult};
use std::sync::Arc;

use stead_store::disk::Disk;
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, ExportHeader, ImportError, Options, StateId, Store, Writer, WriterEpoch, Writes};

use crate::export::{
    commit, entries_of, file_of, numbered, shapes, small_parts, state_of, store, store_on, view, write,
};
use crate::model::Entries;

#[test]
fn g02_an_imported_state_lasts_and_works_as_any_other() {
    let (sender, disk) = (store(), SimDisk::new(2));
    let (old, more) = (numbered(0..900, 8, 60), numbered(700..1200, 8, 1200));
    let file = file_of(&view(&sender, state_of(&sender, &old)));
    let receiver = store_on(&disk);
    let (to, fork) = (receiver.new_state(), receiver.new_state());
    // A commit that begins with the new state.
    receiver.import(to, &mut &file[..], vec![Change::Fork { from: to, to: fork }]).expect("imported");
    drop(receiver);
    let receiver = store_on(&disk.restart(3));
    assert_eq!((entries_of(&view(&receiver, to)), entries_of(&view(&receiver, fork))), (old.clone(), old.clone()));
    commit(&receiver, vec![write(to, &more), Change::Remove { state: fork }]);
    let mut both = old.clone();
    both.extend(more);
    for _ in 0..3 {
        receiver.checkpoint().expect("checkpoint");
        receiver.collect().expect("collect");
        assert_eq!(entries_of(&view(&receiver, to)), both);
        commit(&receiver, vec![write(to, &numbered(0..1, 8, 60))]);
    }
    assert!(receiver.verify(&mut |_| {}).expect("verify").is_clean());
    let taken = receiver.import(to, &mut &file[..], vec![]).expect_err("the state is there");
    assert_eq!(taken.kind(), "state-exists");
}

/// A source that gives a byte at a time, as a slow connection may, and counts what was taken.
struct Drops<'a>(&'a [u8], &'a mut usize);

impl Read for Drops<'_> {
    fn read(&mut self, out: &mut [u8]) -> IoResult<usize> {
        let length = self.0.len().min(out.len()).min(1 + *self.1 % 7);
        out[..length].copy_from_slice(&self.0[..length]);
        self.0 = &self.0[length..];
        *self.1 += length;
        Ok(length)
    }
}

#[test]
fn an_import_goes_on_from_an_offset_in_the_file() {
    let sender = store();
    let (_, entries) = shapes().pop().expect("mixed");
    let file = file_of(&view(&sender, state_of(&sender, &entries)));
    let mut disk = SimDisk::new(4);
    let mut receiver = store_on(&disk);
    let header = ExportHeader::decode(&file).expect("header");
    assert_eq!(receiver.import_offset(&header).expect("offset"), 256);
    let mut last = 256;
    for cut in (1..6).map(|part| file.len() * part / 6) {
        let state = receiver.new_state();
        let mut taken = 0;
        let rest = &file[last as usize..cut.max(last as usize)];
        let error = receiver.import_from(state, &header, last, &mut Drops(rest, &mut taken), vec![]);
        assert_eq!(error.expect_err("cut").kind(), "truncated");
        assert_eq!(taken, rest.len());
        let info = receiver.info();
        assert_eq!((info.imports.len(), info.imports[0].id), (1, header.id()));
        drop(receiver);
        disk = disk.kill();
        receiver = store_on(&disk);
        assert_eq!(receiver.info().imports, info.imports, "parts outlive the process");
        let offset = receiver.import_offset(&header).expect("offset");
        assert!(offset >= last && offset <= cut as u64 && offset + 4000 > cut as u64, "{last} {offset} {cut}");
        let late = receiver.import_from(state, &header, offset + 1, &mut &file[offset as usize + 1..], vec![]);
        assert!(matches!(late, Err(ImportError::OtherOffset { needed, .. }) if needed <= offset), "{late:?}");
        last = offset;
    }
    let to = receiver.new_state();
    let imported = receiver.import_from(to, &header, last, &mut &file[last as usize..], vec![]).expect("imported");
    assert!(imported.bytes_written < file.len() as u64 / 3, "{imported:?}");
    assert_eq!(entries_of(&view(&receiver, to)), entries);
    assert!(receiver.info().imports.is_empty());
    assert!(disk.kill().files().iter().all(|path| !path.starts_with("imports/")));
}

#[test]
fn an_unfinished_import_can_be_removed() {
    let sender = store();
    let file = file_of(&view(&sender, state_of(&sender, &numbered(0..600, 8, 60))));
    let disk = SimDisk::new(4);
    let receiver = store_on(&disk);
    let files = disk.files();
    receiver.import(receiver.new_state(), &mut &file[..file.len() - 1], vec![]).expect_err("cut");
    let info = receiver.info();
    let [left] = &info.imports[..] else { panic!("one import: {info:?}") };
    assert!(left.packs > 1 && left.bytes > 30_000, "{left:?}");
    assert!(receiver.verify(&mut |_| {}).expect("verify").is_clean());
    assert_eq!(receiver.remove_import(left.id).expect("removed"), left.bytes);
    assert_eq!((receiver.info().imports.len(), disk.files()), (0, files));
}

#[test]
fn g04_a_damaged_part_is_noticed_and_comes_again() {
    let sender = store();
    let entries = numbered(0..600, 8, 60);
    let file = file_of(&view(&sender, state_of(&sender, &entries)));
    let disk = SimDisk::new(4);
    let receiver = store_on(&disk);
    receiver.import(receiver.new_state(), &mut &file[..file.len() - 1], vec![]).expect_err("cut");
    let parts: Vec<String> = disk.files().into_iter().filter(|path| path.ends_with(".pack")).collect();
    disk.flip_bit(&parts[0], 700, 3);
    let to = receiver.new_state();
    let imported = receiver.import(to, &mut &file[..], vec![]).expect("imported");
    assert!(imported.bytes_written > 0 && imported.packs == parts.len() as u64, "{imported:?}");
    assert_eq!(entries_of(&view(&receiver, to)), entries);
    assert!(receiver.verify(&mut |_| {}).expect("verify").is_clean());
}

#[test]
fn g04_a_missing_pack_of_an_imported_state_is_noticed_before_a_checkpoint_holds_it() {
    let sender = store();
    let file = file_of(&view(&sender, state_of(&sender, &numbered(0..300, 8, 60))));
    let disk = SimDisk::new(4);
    let receiver = store_on(&disk);
    let state = receiver.new_state();
    receiver.import(state, &mut &file[..], vec![]).expect("imported");
    drop(receiver);
    let disk = disk.kill();
    let pack = disk.files().into_iter().find(|path| path.ends_with(".pack")).expect("a part");
    Disk::remove(&disk, &pack).expect("removed");
    let verified = Store::verify_idle(Arc::new(disk.clone()), &mut |_| {}).expect("verify");
    let affected: Vec<StateId> =
        verified.damage.iter().flat_map(|damage| &damage.affected).map(|affected| affected.state).collect();
    assert!(affected.contains(&state), "{:?}", verified.damage);
    let refused = Store::open(Arc::new(disk), small_parts()).expect_err("the pack is missing");
    assert!(refused.to_string().contains(&pack), "{refused}");
}

#[test]
fn a_view_becomes_a_state_whatever_became_of_its_own() {
    let disk = SimDisk::new(6);
    let store = store_on(&disk);
    let entries = numbered(0..700, 8, 60);
    let state = state_of(&store, &entries);
    store.checkpoint().expect("checkpoint");
    let clean = view(&store, state);
    let more = numbered(500..800, 8, 1300);
    commit(&store, vec![write(state, &more)]);
    let dirty = view(&store, state);
    commit(&store, vec![Change::Remove { state }]);
    let mut both = entries.clone();
    both.extend(more);
    let (one, two) = (store.new_state(), store.new_state());
    store.adopt(one, &clean, vec![]).expect("adopted");
    store.adopt(two, &dirty, vec![]).expect("adopted");
    store.collect().expect("collect");
    assert!(store.adopt(two, &dirty, vec![]).is_err(), "it is there");
    drop((clean, dirty, store));
    let store = store_on(&disk.restart(7));
    for _ in 0..2 {
        assert_eq!((entries_of(&view(&store, one)), entries_of(&view(&store, two))), (entries.clone(), both.clone()));
        store.checkpoint().expect("checkpoint");
        store.collect().expect("collect");
        assert!(store.verify(&mut |_| {}).expect("verify").is_clean());
    }
}

#[test]
fn what_was_imported_and_went_again_is_seen_where_history_reaches() {
    let disk = SimDisk::new(8);
    let options = Options { history_bytes: 1 << 20, ..small_parts() };
    let open = || Store::open(Arc::new(disk.clone()), options.clone()).expect("open").0;
    let mut receiver = open();
    let entries = numbered(0..700, 8, 60);
    let sender = store();
    let file = file_of(&view(&sender, state_of(&sender, &entries)));
    for _ in 0..3 {
        commit(&receiver, vec![Change::Create { state: receiver.new_state() }]);
        receiver.checkpoint().expect("checkpoint");
    }
    let state = receiver.new_state();
    let imported = receiver.import(state, &mut &file[..], vec![]).expect("imported");
    receiver.collect().expect("collect");
    assert_eq!(entries_of(&view(&receiver, state)), entries, "no checkpoint holds it yet");
    commit(&receiver, vec![Change::Remove { state }]);
    for _ in 0..2 {
        for _ in 0..2 {
            commit(&receiver, vec![Change::Create { state: receiver.new_state() }]);
            receiver.checkpoint().expect("checkpoint");
            receiver.collect().expect("collect");
        }
        assert!(receiver.history().oldest < imported.commit, "{:?}", receiver.history());
        let then = receiver.view_at(state, imported.commit).expect("kept").expect("it was there");
        assert_eq!(entries_of(&then), entries);
        drop((then, receiver));
        receiver = open();
    }
}

#[test]
fn a_view_of_an_imported_state_keeps_what_it_stands_on() {
    let sender = store();
    let entries = numbered(0..300, 8, 60);
    let file = file_of(&view(&sender, state_of(&sender, &entries)));
    let options = Options { history_bytes: 0, ..small_parts() };
    let receiver = Store::open(Arc::new(SimDisk::new(4)), options).expect("open").0;
    let state = receiver.new_state();
    receiver.import(state, &mut &file[..], vec![]).expect("imported");
    let early = view(&receiver, state);
    commit(&receiver, vec![Change::Remove { state }]);
    for _ in 0..6 {
        // Enough that replay begins behind the import.
        commit(&receiver, vec![Change::Create { state: receiver.new_state() }]);
        receiver.checkpoint().expect("checkpoint");
        receiver.collect().expect("collect");
    }
    assert_eq!(entries_of(&early), entries);
    assert!(receiver.info().packs > 1, "{:?}", receiver.info());
    drop(early);
    receiver.collect().expect("collect");
    assert!(receiver.info().pack_bytes < file.len() as u64 / 2, "without the view it is freed: {:?}", receiver.info());
}

#[test]
fn g01_imports_run_beside_commits_checkpoints_and_collections() {
    let sender = store();
    let mut entries = numbered(0..500, 8, 60);
    entries.extend(numbered(500..510, 8, 3000));
    let file = file_of(&view(&sender, state_of(&sender, &entries)));
    let disk = SimDisk::new(9);
    let receiver = Store::open(Arc::new(disk.clone()), Options { writer: Writer::Thread, ..small_parts() });
    let receiver = receiver.expect("open").0;
    let others: Vec<StateId> = (0..3).map(|_| state_of(&receiver, &Entries::new())).collect();
    std::thread::scope(|scope| {
        let importer = scope.spawn(|| {
            for round in 0..12 {
                let state = receiver.new_state();
                receiver.import(state, &mut &file[..], vec![]).expect("imported");
                assert_eq!(entries_of(&view(&receiver, state)), entries);
                if round % 2 == 0 {
                    commit(&receiver, vec![Change::Remove { state }]);
                }
            }
        });
        // The same entries by another way: what one side holds, the other might rely on.
        let gone: Writes = entries.keys().map(|key| (key.clone(), None)).collect();
        for round in 0.. {
            let state = others[round % others.len()];
            commit(&receiver, vec![write(state, &entries)]);
            receiver.checkpoint().expect("checkpoint");
            commit(&receiver, vec![Change::Write { state, epoch: WriterEpoch::FIRST, writes: gone.clone() }]);
            receiver.checkpoint().expect("checkpoint");
            receiver.collect().expect("collect");
            if importer.is_finished() {
                break;
            }
        }
    });
    let there = |store: &Store| store.states().len();
    let count = there(&receiver);
    drop(receiver);
    let receiver = store_on(&disk.restart(1));
    assert_eq!(there(&receiver), count);
    assert!(receiver.verify(&mut |_| {}).expect("verify").is_clean());
    for state in receiver.states().into_iter().filter(|state| !others.contains(state) && state.0 > 0) {
        assert_eq!(entries_of(&view(&receiver, state)), entries);
    }
}
