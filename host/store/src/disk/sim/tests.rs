//! Each fault, alone; and that a seed decides everything.

use std::collections::BTreeSet;

use super::*;

const SEEDS: u64 = 400;

/// A disk with one durable file "f" that holds `contents`.
fn disk_with(contents: &[u8]) -> (SimDisk, Box<dyn File>) {
    let disk = SimDisk::new(1);
    let file = disk.open("f", Mode::CreateNew).unwrap();
    file.write_at(0, contents).unwrap();
    file.sync_all().unwrap();
    disk.sync_dir("").unwrap();
    (disk, file)
}

/// Every outcome of a power loss now, over many seeds; `None` where the file is not there.
fn outcomes(disk: &SimDisk, path: &str) -> BTreeSet<Option<Vec<u8>>> {
    (0..SEEDS).map(|seed| disk.restart(seed).contents(path)).collect()
}

#[test]
fn synced_contents_and_names_survive() {
    let (disk, _file) = disk_with(b"kept");
    assert_eq!(outcomes(&disk, "f"), BTreeSet::from([Some(b"kept".to_vec())]));
}

#[test]
fn unsynced_writes_are_lost_kept_or_torn() {
    let (disk, file) = disk_with(b"....");
    file.write_at(0, b"abcd").unwrap();
    let seen = outcomes(&disk, "f");
    for possible in [&b"...."[..], b"abcd", b"a...", b"abc.", b"...d", b".bc."] {
        assert!(seen.contains(&Some(possible.to_vec())), "never seen: {possible:?}");
    }
}

#[test]
fn unsynced_writes_are_reordered_but_none_returns() {
    let (disk, file) = disk_with(b"..");
    file.write_at(0, b"a").unwrap();
    file.write_at(1, b"b").unwrap();
    file.write_at(0, b"c").unwrap();
    let seen: BTreeSet<Vec<u8>> = outcomes(&disk, "f").into_iter().flatten().collect();
    let possible: BTreeSet<Vec<u8>> =
        ["..", "a.", "c.", ".b", "ab", "cb"].iter().map(|text| text.as_bytes().to_vec()).collect();
    assert_eq!(seen, possible);
}

#[test]
fn a_length_can_be_ahead_of_the_contents() {
    let (disk, file) = disk_with(b"");
    file.write_at(0, b"abc").unwrap();
    assert!(outcomes(&disk, "f").contains(&Some(vec![0; 3])));
}

#[test]
fn an_unsynced_length_may_be_the_old_one() {
    let (disk, file) = disk_with(b"abc");
    file.set_len(1).unwrap();
    assert_eq!(outcomes(&disk, "f"), BTreeSet::from([Some(b"abc".to_vec()), Some(b"a".to_vec())]));
}

#[test]
fn names_last_only_once_their_directory_is_synced() {
    let disk = SimDisk::new(1);
    let file = disk.open("new", Mode::CreateNew).unwrap();
    file.write_at(0, b"x").unwrap();
    file.sync_all().unwrap();
    assert_eq!(outcomes(&disk, "new"), BTreeSet::from([None, Some(b"x".to_vec())]));
    disk.restart(0);

    let (disk, _file) = disk_with(b"x");
    disk.remove("f").unwrap();
    assert_eq!(outcomes(&disk, "f"), BTreeSet::from([None, Some(b"x".to_vec())]));
}

#[test]
fn a_rename_in_one_directory_happens_or_does_not() {
    let (disk, _file) = disk_with(b"x");
    disk.rename("f", "g").unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        seen.insert(disk.restart(seed).files());
    }
    assert_eq!(seen, BTreeSet::from([vec!["f".to_owned()], vec!["g".to_owned()]]));
}

#[test]
fn a_rename_between_directories_never_loses_the_file() {
    let (disk, _file) = disk_with(b"x");
    disk.create_dir("d").unwrap();
    disk.sync_dir("").unwrap();
    disk.rename("f", "d/f").unwrap();
    let seen: BTreeSet<Vec<String>> = (0..SEEDS).map(|seed| disk.restart(seed).files()).collect();
    let list = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!(seen, BTreeSet::from([list(&["f"]), list(&["d/f"]), list(&["d/f", "f"])]));
}

#[test]
fn a_directory_that_was_not_synced_takes_its_files_along() {
    let disk = SimDisk::new(1);
    disk.create_dir("d").unwrap();
    disk.open("d/f", Mode::CreateNew).unwrap().sync_all().unwrap();
    disk.sync_dir("d").unwrap();
    assert_eq!(outcomes(&disk, "d/f"), BTreeSet::from([None, Some(vec![])]));
}

#[test]
fn a_failed_sync_loses_its_pages_though_they_are_still_seen() {
    let (disk, file) = disk_with(b"....");
    disk.fail_sync(0);
    file.write_at(0, b"abcd").unwrap();
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(EIO));
    file.sync_data().unwrap();
    assert_eq!(disk.contents("f"), Some(b"abcd".to_vec()));

    let lost = (0..SEEDS).filter(|seed| {
        let (disk, file) = disk_with(b"....");
        disk.state.lock().random = Random::new(*seed);
        disk.fail_sync(0);
        file.write_at(0, b"abcd").unwrap();
        file.sync_data().unwrap_err();
        file.sync_data().unwrap();
        disk.restart(0).contents("f") != Some(b"abcd".to_vec())
    });
    assert!(lost.count() > SEEDS as usize / 4);
}

#[test]
fn a_failed_directory_sync_loses_names() {
    let lost = (0..SEEDS).filter(|seed| {
        let disk = SimDisk::new(*seed);
        disk.open("f", Mode::CreateNew).unwrap();
        disk.fail_sync(0);
        disk.sync_dir("").unwrap_err();
        disk.sync_dir("").unwrap();
        disk.restart(0).files().is_empty()
    });
    assert!(lost.count() > SEEDS as usize / 4);
}

#[test]
fn a_write_is_torn_where_it_is_told_to_be() {
    const BYTES: usize = 10_000;
    let left = |part| {
        let (disk, file) = disk_with(&[b'.'; BYTES]);
        file.write_at(0, b"before").unwrap();
        file.write_at(0, &[b'x'; BYTES]).unwrap();
        let contents = disk.restart_with(Loss::Tear(part)).contents("f").unwrap();
        let done: Vec<usize> = (0..BYTES).filter(|at| contents[*at] == b'x').collect();
        assert_eq!(contents.starts_with(b"before"), done.first() != Some(&0), "{part:?}");
        done
    };
    let all = |range: std::ops::Range<usize>| range.collect::<Vec<_>>();
    assert_eq!(left(Part::Nothing), all(0..0));
    assert_eq!(left(Part::FirstByte), [0]);
    assert_eq!(left(Part::FirstSector), all(0..512));
    assert_eq!(left(Part::FirstBlock), all(0..4096));
    assert_eq!(left(Part::FirstHalf), all(0..5000));
    assert_eq!(left(Part::AllButLastByte), all(0..BYTES - 1));
    assert_eq!(left(Part::AllButMiddleByte), all(0..BYTES).into_iter().filter(|at| *at != 5000).collect::<Vec<_>>());
    assert_eq!(left(Part::MiddleByte), [5000]);
    assert_eq!(left(Part::LastByte), [BYTES - 1]);
    assert_eq!(left(Part::Everything), all(0..BYTES));
}

#[test]
fn a_short_write_stops_where_it_is_told_to() {
    for part in Part::SHORT {
        let (disk, file) = disk_with(&[b'.'; 10_000]);
        disk.fail_write(disk.operations(), EIO, part);
        assert_eq!(file.write_at(0, &[b'x'; 10_000]).unwrap_err().raw_os_error(), Some(EIO));
        let done = disk.contents("f").unwrap().iter().filter(|byte| **byte == b'x').count();
        let expected = part.ranges(10_000)[0].end;
        assert_eq!(done, expected, "{part:?}");
    }
}

#[test]
fn a_power_loss_takes_what_it_is_told_to() {
    let disk = SimDisk::new(1);
    let old = disk.open("old", Mode::CreateNew).unwrap();
    disk.sync_dir("").unwrap();
    for (name, byte) in [("1", b"a"), ("2", b"b"), ("3", b"c")] {
        disk.open(name, Mode::CreateNew).unwrap();
        old.write_at(u64::from(byte[0] - b'a'), byte).unwrap();
    }
    let left = |loss| {
        let disk = disk.restart_with(loss);
        let files = disk.files();
        (disk.contents("old").unwrap(), files.into_iter().filter(|name| name != "old").collect::<String>())
    };
    let expect = |contents: &[u8], names: &str| (contents.to_vec(), names.to_owned());
    assert_eq!(left(Loss::Nothing), expect(b"abc", "123"));
    assert_eq!(left(Loss::Everything), expect(b"", ""));
    assert_eq!(left(Loss::Names), expect(b"abc", ""));
    assert_eq!(left(Loss::SomeNames { first: true }), expect(b"abc", "2"));
    assert_eq!(left(Loss::SomeNames { first: false }), expect(b"abc", "13"));
    assert_eq!(left(Loss::Contents), expect(b"", "123"));
    assert_eq!(left(Loss::Earlier), expect(b"\0\0c", "3"));
    assert_eq!(left(Loss::Tear(Part::Nothing)), expect(b"ab", "123"));
}

#[test]
fn a_failed_sync_loses_what_it_is_told_to() {
    for (loss, left) in [(Loss::Everything, &b"...."[..]), (Loss::Earlier, b"..cd"), (Loss::Nothing, b"abcd")] {
        let (disk, file) = disk_with(b"....");
        disk.fail_sync_with(disk.operations() + 2, loss);
        file.write_at(0, b"ab").unwrap();
        file.write_at(2, b"cd").unwrap();
        assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(EIO));
        file.sync_data().unwrap();
        assert_eq!(disk.contents("f"), Some(b"abcd".to_vec()), "the cache shows what the medium lacks");
        assert_eq!(disk.restart_with(Loss::Nothing).contents("f"), Some(left.to_vec()), "{loss:?}");
    }
}

#[test]
fn the_chosen_operation_fails_once() {
    let (disk, file) = disk_with(b"x");
    disk.fail(disk.operations() + 1, EIO);
    assert_eq!(file.len().unwrap(), 1);
    assert_eq!(file.len().unwrap_err().raw_os_error(), Some(EIO));
    assert_eq!(file.len().unwrap(), 1);
}

#[test]
fn a_full_disk_takes_what_fits() {
    let (disk, file) = disk_with(b"x");
    disk.full(Some(2));
    let error = file.write_at(0, b"abcdef").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.contents("f"), Some(b"abc".to_vec()));
    assert_eq!(disk.open("g", Mode::CreateNew).err().unwrap().kind(), io::ErrorKind::StorageFull);
    file.write_at(0, b"ABC").unwrap();
    disk.remove("f").unwrap();
    disk.open("g", Mode::CreateNew).unwrap().write_at(0, b"123").unwrap();
    disk.full(None);
    file.write_at(0, &[7; 100]).unwrap();
}

#[test]
fn a_crash_ends_everything_and_may_keep_the_operation_it_hits() {
    let mut seen = BTreeSet::new();
    for seed in 0..SEEDS {
        let (disk, file) = disk_with(b".");
        disk.crash_after(disk.operations());
        assert!(is_crash(&file.write_at(0, b"x").unwrap_err()));
        assert!(disk.crashed());
        assert!(is_crash(&file.len().unwrap_err()));
        assert!(is_crash(&disk.open("f", Mode::Read).err().unwrap()));
        let disk = disk.restart(seed);
        seen.insert(disk.contents("f"));
        disk.open("f", Mode::ReadWrite).unwrap().write_at(0, b"y").unwrap();
    }
    assert_eq!(seen, BTreeSet::from([Some(b".".to_vec()), Some(b"x".to_vec())]));
}

#[test]
fn a_killed_process_loses_nothing_but_the_power_may_still_fail_after() {
    let (disk, file) = disk_with(b".");
    file.write_at(0, b"x").unwrap();
    let disk = disk.kill();
    assert!(is_crash(&file.len().unwrap_err()));
    assert_eq!(disk.contents("f"), Some(b"x".to_vec()));
    assert!(outcomes(&disk, "f").contains(&Some(b".".to_vec())));
}

#[test]
fn reads_are_short_and_helpers_make_up_for_it() {
    let (disk, file) = disk_with(&[7; 4096]);
    let mut out = [0; 4096];
    assert!((0..100).any(|_| file.read_at(0, &mut out).unwrap() < out.len()));
    for _ in 0..100 {
        out = [0; 4096];
        file.read_exact_at(0, &mut out).unwrap();
        assert_eq!(out, [7; 4096]);
    }
    let error = file.read_exact_at(1, &mut out).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    let disk: &dyn Disk = &disk;
    assert_eq!(disk.read("f", 4096).unwrap(), [7; 4096]);
    assert_eq!(disk.read("f", 4095).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
}

#[test]
fn a_flipped_bit_is_seen_and_stays() {
    let (disk, _file) = disk_with(&[0, 0]);
    disk.flip_bit("f", 1, 3);
    assert_eq!(disk.contents("f"), Some(vec![0, 8]));
    assert_eq!(disk.restart(0).contents("f"), Some(vec![0, 8]));
}

#[test]
fn g06_a_lock_has_one_holder_until_it_is_dropped_or_the_machine_restarts() {
    let disk = SimDisk::new(1);
    let lock = disk.lock("LOCK").unwrap();
    lock.write("epoch 3 pid 77").unwrap();
    let error = disk.lock("LOCK").err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    let held = error.get_ref().unwrap().downcast_ref::<Held>().unwrap();
    assert_eq!(held.record, "epoch 3 pid 77");
    lock.write("4").unwrap();
    assert_eq!(lock.read().unwrap(), "4");
    drop(lock);
    let _again = disk.lock("LOCK").unwrap();
    disk.kill().lock("LOCK").unwrap();
    disk.restart(0).lock("LOCK").unwrap();
}

#[test]
fn a_seed_decides_everything() {
    let run = || {
        let disk = SimDisk::new(42);
        let file = disk.open("f", Mode::CreateNew).unwrap();
        let mut salt = [0; 11];
        disk.random(&mut salt);
        file.write_at(5, &salt).unwrap();
        let mut out = [0; 16];
        let read: Vec<usize> = (0..50).map(|_| file.read_at(0, &mut out).unwrap()).collect();
        let after: Vec<_> = (0..50).map(|seed| disk.restart(seed).contents("f")).collect();
        (salt, read, after, disk.log())
    };
    assert_eq!(run(), run());
}

#[test]
fn only_files_are_listed_and_paths_stay_inside() {
    let disk = SimDisk::new(1);
    disk.create_dir("d").unwrap();
    disk.create_dir("d").unwrap();
    disk.open("d/b", Mode::CreateNew).unwrap();
    disk.open("d/a", Mode::CreateNew).unwrap();
    disk.open("top", Mode::CreateNew).unwrap();
    assert_eq!(disk.list("").unwrap(), ["top"]);
    assert_eq!(disk.list("d").unwrap(), ["a", "b"]);
    assert_eq!(disk.list("e").unwrap_err().kind(), io::ErrorKind::NotFound);
    assert_eq!(disk.open("d/a", Mode::CreateNew).err().unwrap().kind(), io::ErrorKind::AlreadyExists);
    for path in ["", "..", "../f", "a/../f", "/f", "d//a", "d/."] {
        assert_eq!(disk.open(path, Mode::Read).err().unwrap().kind(), io::ErrorKind::InvalidInput, "{path:?}");
    }
}
