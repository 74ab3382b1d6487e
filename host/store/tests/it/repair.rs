//! A repair gives back everything that is left, and says exactly what is not.

use std::collections::BTreeMap;
use std::sync::Arc;

use stead_store::disk::sim::SimDisk;
use stead_store::disk::{Disk, Mode};
use stead_store::{OpenError, StateId, Store};

use crate::model::options;
use crate::repaired::{Known, files, repair, verify};

/// One byte in so many is damaged: headers and footers byte by byte take too long.
const STRIDE: usize = 211;
/// Of a run of zeros fewer.
const ZEROS_STRIDE: usize = 4096 + 17;

#[test]
fn a_store_without_damage_is_left_as_it_is() {
    for closed in [true, false] {
        let known = Known::make(closed);
        let before = files(&known.disk);
        let repaired = repair(&known.disk).expect("nothing to do");
        assert!(repaired.is_clean() && !repaired.loses(), "{repaired:?}");
        assert_eq!(files(&known.disk), before);
        known.check(&known.disk, &repaired, "undamaged");
    }
}

#[test]
fn g04_a_flipped_bit_anywhere_is_repaired_and_what_it_cost_is_said() {
    let known = Known::make(true);
    let mut repairs: BTreeMap<String, u32> = BTreeMap::new();
    let mut losses: BTreeMap<String, u32> = BTreeMap::new();
    for (path, contents) in files(&known.disk) {
        let mut offset = 0;
        while offset < contents.len() {
            let disk = known.disk.restart(offset as u64);
            disk.flip_bit(&path, offset as u64, (offset % 8) as u8);
            let verified = verify(&disk);
            let before = files(&disk);
            let repaired = repair(&disk).unwrap_or_else(|e| panic!("byte {offset} of {path}: {e}"));
            assert_eq!(repaired.is_clean(), verified.is_clean(), "byte {offset} of {path}");
            if verified.is_clean() {
                assert_eq!(files(&disk), before, "byte {offset} of {path}: changed without need");
            } else {
                let named = verified.damage.iter().any(|damage| damage.file == path && damage.offset <= offset as u64);
                assert!(named || path == "LOCK", "byte {offset} of {path}: {:?}", verified.damage);
                *repairs.entry(path.clone()).or_default() += 1;
            }
            let again = verify(&disk);
            assert!(again.is_clean(), "byte {offset} of {path}: {:?} after {repaired}", again.damage);
            let lost = Known::lost_entries_count(&repaired);
            let affected = verified.damage.iter().flat_map(|damage| &damage.affected);
            let affected: u64 = affected.map(|affected| affected.entries.expect("known")).sum();
            assert!(lost <= affected && lost <= 300, "byte {offset} of {path}: {lost} of {affected}: {repaired}");
            if repaired.loses() {
                *losses.entry(path.clone()).or_default() += 1;
            }
            // Without the catalog's headers nothing is known of the states: an older checkpoint keeps more.
            let costs_commits = verified.damage.iter().any(|damage| damage.commits.is_some());
            let costs_headers =
                verified.damage.iter().flat_map(|damage| &damage.affected).any(|lost| lost.state == StateId::CATALOG);
            assert!(!costs_commits || repaired.lost_commits.is_some(), "byte {offset} of {path}: {repaired}");
            let explained = costs_commits || costs_headers || repaired.lost_commits.is_none();
            assert!(explained, "byte {offset} of {path}: {repaired}");
            known.check(&disk, &repaired, &format!("byte {offset} of {path}"));
            let dull = contents[offset..].iter().take(ZEROS_STRIDE).all(|byte| *byte == 0);
            offset += if dull { ZEROS_STRIDE } else { STRIDE };
        }
    }
    for part in ["FORMAT", "journal/", "packs/", "components/"] {
        assert!(repairs.keys().any(|path| path.starts_with(part)), "nothing in {part} was repaired: {repairs:?}");
    }
    // Headers, indexes and footers lose nothing; most of the journal is covered by a checkpoint.
    let total: u32 = losses.values().sum();
    assert!(total > 0 && total < repairs.values().sum::<u32>() / 2, "lossy: {losses:?} of {repairs:?}");
}

#[test]
fn g04_missing_truncated_and_swapped_files_are_repaired() {
    let known = Known::make(true);
    let all = files(&known.disk);
    let same_kind = |one: &str, other: &str| one.split('/').next() == other.split('/').next() && one < other;
    for (path, contents) in all.iter().filter(|(path, _)| !path.ends_with("spare")) {
        let disk = known.disk.restart(1);
        disk.remove(path).expect("remove");
        check(&known, &disk, &format!("without {path}"));
        for length in [contents.len() / 4, contents.len() / 2, contents.len() - 7] {
            let disk = known.disk.restart(1);
            disk.open(path, Mode::ReadWrite).expect("open").set_len(length as u64).expect("cut");
            check(&known, &disk, &format!("{length} bytes of {path}"));
        }
        for other in all.keys().filter(|other| same_kind(path, other) && !other.ends_with("spare")) {
            let disk = known.disk.restart(1);
            disk.rename(path, "between").expect("rename");
            disk.rename(other, path).expect("rename");
            disk.rename("between", other).expect("rename");
            check(&known, &disk, &format!("{path} and {other} swapped"));
        }
    }
}

#[test]
fn g04_two_damages_at_once_are_repaired() {
    let known = Known::make(true);
    let all: Vec<(String, Vec<u8>)> = files(&known.disk).into_iter().collect();
    let mut random = 1_u64;
    let mut next = |below: usize| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    for round in 0..160 {
        let disk = known.disk.restart(round);
        let mut about = String::new();
        for _ in 0..2 {
            let (path, contents) = &all[next(all.len())];
            let used = contents.iter().rposition(|byte| *byte != 0).unwrap_or(0) + 1;
            let at = next(used);
            disk.flip_bit(path, at as u64, next(8) as u8);
            about += &format!("byte {at} of {path}; ");
        }
        check(&known, &disk, &about);
    }
}

/// Verifies, repairs, verifies again and compares, unless there is nothing left to restore from.
fn check(known: &Known, disk: &SimDisk, about: &str) {
    let verified = verify(disk);
    let dry = Store::repair(Arc::new(disk.clone()), true, &mut |_| {});
    match repair(disk) {
        Ok(repaired) => {
            assert_eq!(dry.expect("the same"), repaired, "{about}: the dry run said something else");
            assert_eq!(repaired.is_clean(), verified.is_clean(), "{about}");
            let again = verify(disk);
            assert!(again.is_clean(), "{about}: {:?} after {repaired}", again.damage);
            known.check(disk, &repaired, about);
        }
        Err(error) => panic!("{about}: {error}"),
    }
}

#[test]
fn a_directory_without_a_journal_is_refused_and_left_alone() {
    let known = Known::make(true);
    for path in known.disk.files().iter().filter(|path| path.starts_with("journal/")) {
        known.disk.remove(path).expect("remove");
    }
    let before = files(&known.disk);
    let error = repair(&known.disk).expect_err("nothing to restore from");
    assert_eq!(error.kind(), "nothing-to-restore", "{error}");
    assert_eq!(files(&known.disk), before);
}

#[test]
fn a_newer_format_is_not_repaired() {
    let known = Known::make(true);
    let mut format = known.disk.contents("FORMAT").expect("FORMAT");
    format[8] = 2;
    let end = format.len() - 32;
    let hash = blake3::hash(&format[..end]);
    format[end..].copy_from_slice(hash.as_bytes());
    known.disk.open("FORMAT", Mode::ReadWrite).expect("open").write_at(0, &format).expect("write");
    let before = files(&known.disk);
    assert_eq!(repair(&known.disk).expect_err("refused").kind(), "newer-format");
    assert_eq!(files(&known.disk), before);
}

#[test]
fn an_open_store_is_not_repaired() {
    let known = Known::make(true);
    let (_store, _) = Store::open(Arc::new(known.disk.clone()), options()).expect("open");
    assert_eq!(repair(&known.disk).expect_err("locked").kind(), "locked");
}

#[test]
fn the_hint_of_a_refused_open_names_the_repair() {
    let known = Known::make(true);
    known.disk.flip_bit("FORMAT", 20, 1);
    let error = Store::open(Arc::new(known.disk.clone()), options()).expect_err("damaged");
    let OpenError::Damaged { hint, .. } = error else { panic!("{error}") };
    assert!(hint.starts_with("repair the store"), "{hint}");
}
