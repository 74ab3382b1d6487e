//! What an open finds: unfinished writes, damage, newer formats, foreign directories.

use std::sync::Arc;

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::disk::{Disk, Mode};
use stead_store::{Change, OpenError, Recovery, StateId, Store, WriterEpoch, Writes};

use crate::model::options;

const SEGMENT: &str = "journal/0000000001.log";

fn open(disk: &SimDisk) -> Result<(Store, Recovery), OpenError> {
    Store::open(Arc::new(disk.clone()), options())
}

fn put(store: &Store, state: StateId, key: &str, value: &str) {
    let writes =
        Writes::from([(Bytes::copy_from_slice(key.as_bytes()), Some(Bytes::copy_from_slice(value.as_bytes())))]);
    let change = Change::Write { state, epoch: WriterEpoch::FIRST, writes };
    store.commit(vec![change]).expect("accepted").wait().expect("durable");
}

/// A store with a state of five keys, each from a batch of its own.
fn filled() -> (SimDisk, StateId) {
    let disk = SimDisk::new(1);
    let (store, _) = open(&disk).expect("open");
    let state = store.new_state();
    store.commit(vec![Change::Create { state }]).expect("accepted").wait().expect("durable");
    for key in ["a", "b", "c", "d", "e"] {
        put(&store, state, key, key);
    }
    drop(store);
    (disk, state)
}

/// The offset of the last batch in the segment.
fn last_batch(disk: &SimDisk) -> u64 {
    let bytes = disk.contents(SEGMENT).expect("the segment");
    let last = (0..bytes.len()).step_by(4096).rfind(|at| bytes[*at..].starts_with(b"SBAT"));
    last.expect("a batch") as u64
}

fn overwrite(disk: &SimDisk, path: &str, offset: u64, bytes: &[u8]) {
    disk.open(path, Mode::ReadWrite).expect("the file").write_at(offset, bytes).expect("write");
}

#[test]
fn g01_a_torn_tail_is_cut_off_set_aside_and_reported() {
    let (disk, state) = filled();
    let last = last_batch(&disk);
    overwrite(&disk, SEGMENT, last + 200, &[0; 100]);
    overwrite(&disk, SEGMENT, last + 4000, &[0xff; 10]);
    let (store, recovery) = open(&disk).expect("a torn tail is no damage");
    let torn = recovery.torn.expect("reported");
    assert_eq!((torn.file.as_str(), torn.offset), (SEGMENT, last));
    let set_aside = disk.contents(&torn.set_aside).expect("set aside");
    assert!(set_aside.starts_with(b"SBAT"), "what was cut off is kept");
    let view = store.view(state).expect("the state");
    assert_eq!(view.get(b"d").expect("readable").as_deref(), Some(&b"d"[..]));
    assert_eq!(view.get(b"e").expect("readable"), None);
    put(&store, state, "f", "f");
    drop(store);
    let (store, recovery) = open(&disk).expect("open");
    assert_eq!(recovery.torn, None, "the tail was cut once");
    assert!(store.view(state).expect("the state").get(b"f").expect("readable").is_some());
}

#[test]
fn g04_damage_in_the_middle_refuses_the_open_with_file_and_offset() {
    let (disk, _) = filled();
    let middle = last_batch(&disk) - 2 * 4096;
    disk.flip_bit(SEGMENT, middle + 70, 3);
    let before = disk.contents(SEGMENT);
    for _ in 0..2 {
        let Err(OpenError::Damaged { file, offset, .. }) = open(&disk) else { panic!("damage was not noticed") };
        assert_eq!((file.as_str(), offset), (SEGMENT, middle));
    }
    assert_eq!(disk.contents(SEGMENT), before, "a refused open changes nothing");
    let verified = Store::verify_idle(Arc::new(disk), &mut |_| {}).expect("readable");
    assert!(verified.damage.iter().any(|damage| damage.file == SEGMENT && damage.offset == middle), "{verified:?}");
}

#[test]
fn g04_after_a_clean_close_a_missing_tail_is_damage() {
    let (disk, _) = filled();
    open(&disk).expect("open").0.close().expect("close");
    let last = last_batch(&disk);
    overwrite(&disk, SEGMENT, last, &[0; 4096]);
    for _ in 0..2 {
        let Err(OpenError::Damaged { file, offset, .. }) = open(&disk) else { panic!("the close was forgotten") };
        assert_eq!((file.as_str(), offset), (SEGMENT, last));
    }
}

#[test]
fn g04_a_segment_that_nothing_needs_and_that_could_not_be_removed_is_no_damage() {
    let (disk, state) = filled();
    let (store, _) = open(&disk).expect("open");
    let first = disk.contents(SEGMENT).expect("the segment");
    for round in 0.. {
        put(&store, state, "f", &format!("{round}"));
        store.checkpoint().expect("checkpoint");
        // Removed, and the two after it with it.
        if disk.contents(SEGMENT).is_none() && disk.contents("journal/0000000003.log").is_none() {
            break;
        }
        assert!(round < 200, "no segment is removed: {:?}", disk.files());
    }
    drop(disk.open(SEGMENT, Mode::CreateNew).expect("create"));
    overwrite(&disk, SEGMENT, 0, &first);
    let verified = store.verify(&mut |_| {}).expect("verify");
    assert!(verified.is_clean(), "{verified:?}");
    drop(store);
    let (store, _) = open(&disk).expect("open");
    assert!(store.verify(&mut |_| {}).expect("verify").is_clean());
}

#[test]
fn g04_a_segment_with_a_damaged_header_refuses_the_open() {
    let (disk, _) = filled();
    disk.flip_bit(SEGMENT, 40, 0);
    assert!(matches!(open(&disk), Err(OpenError::Damaged { offset: 0, .. })));
}

#[test]
fn a_newer_format_is_refused_by_name() {
    let (disk, _) = filled();
    let mut format = disk.contents("FORMAT").expect("FORMAT");
    format[8] = 2;
    let end = format.len() - 32;
    let hash = blake3::hash(&format[..end]);
    format[end..].copy_from_slice(hash.as_bytes());
    overwrite(&disk, "FORMAT", 0, &format);
    let error = open(&disk).expect_err("refused");
    assert!(matches!(error, OpenError::NewerFormat { found: 2, supported: 1, .. }), "{error}");
    assert_eq!(error.kind(), "newer-format");
}

#[test]
fn g04_a_flipped_or_missing_format_is_damage_and_makes_no_new_store() {
    let (disk, state) = filled();
    disk.flip_bit("FORMAT", 20, 1);
    assert!(matches!(open(&disk), Err(OpenError::Damaged { .. })));
    disk.flip_bit("FORMAT", 20, 1);
    disk.rename("FORMAT", "elsewhere").expect("rename");
    assert!(open(&disk).is_err());
    disk.rename("elsewhere", "FORMAT").expect("rename");
    assert!(open(&disk).expect("restored").0.view(state).is_some());
}

#[test]
fn a_foreign_directory_is_refused_and_left_alone() {
    let disk = SimDisk::new(1);
    disk.open("holiday.jpg", Mode::CreateNew).expect("create").write_at(0, b"sun").expect("write");
    assert!(matches!(open(&disk), Err(OpenError::NotAStore { .. })));
    assert_eq!(disk.files(), ["holiday.jpg"]);
    assert!(matches!(Store::verify_idle(Arc::new(disk), &mut |_| {}), Err(OpenError::NotAStore { .. })));
}

#[test]
fn g04_verify_names_damage_in_packs_and_components_of_an_open_store() {
    let (disk, state) = filled();
    let (store, _) = open(&disk).expect("open");
    for key in 0..200 {
        put(&store, state, &format!("key {key}"), &"value ".repeat(20));
    }
    store.checkpoint().expect("checkpoint");
    let hash = store.put_component(b"\0asm").expect("component");
    let clean = store.verify(&mut |_| {}).expect("verify");
    assert!(clean.is_clean(), "{clean:?}");
    let pack = disk.files().into_iter().find(|path| path.starts_with("packs/")).expect("a pack");
    disk.flip_bit(&pack, 100, 0);
    disk.flip_bit(&format!("components/{hash}.wasm"), 1, 0);
    let verified = store.verify(&mut |_| {}).expect("verify");
    let files: Vec<&str> = verified.damage.iter().map(|damage| damage.file.as_str()).collect();
    assert!(files.contains(&pack.as_str()) && files.iter().any(|file| file.starts_with("components/")), "{files:?}");
    assert_eq!(store.component(&hash).expect_err("damaged").kind(), "damaged");
    drop(store);
    let idle = Store::verify_idle(Arc::new(disk), &mut |_| {}).expect("verify");
    assert!(idle.damage.iter().any(|damage| damage.file == pack), "{idle:?}");
}
