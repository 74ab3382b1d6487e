//! Every byte of a closed store is damaged, one after the other: it is reported, or it changes no answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use stead_store::disk::sim::SimDisk;
use stead_store::{ComponentHash, OpenError, Store};

use crate::model::{Snapshot, options};
use crate::model_run::{Replay, Run, only_operation, seed_or};

/// Of a long run of zeros only one byte in so many is tried: a segment is mostly unused.
const ZEROS_STRIDE: usize = 61;
/// One byte in so many has all its bits tried.
const ALL_BITS_STRIDE: usize = 97;

#[test]
fn g04_a_flipped_bit_anywhere_is_reported_or_changes_nothing() {
    let seed = seed_or(8);
    let closed = Closed::make(seed);
    let mut reported: BTreeMap<String, u64> = BTreeMap::new();
    let mut tried = 0;
    for path in closed.disk.files() {
        let contents = closed.disk.contents(&path).expect("listed");
        for (offset, bits) in places(&contents) {
            if only_operation().is_some_and(|only| only != offset as u64) {
                continue;
            }
            for bit in bits {
                let about = format!("bit {bit} of byte {offset} of {path}");
                let _replay = Replay { test: "g04_a_flipped_bit", seed, operation: offset as u64, about };
                tried += 1;
                if closed.flip(&path, offset, bit) {
                    *reported.entry(path.clone()).or_default() += 1;
                }
            }
        }
    }
    if only_operation().is_none() {
        assert!(tried > 10_000, "only {tried} flips");
        let damaged = reported.keys().cloned().collect::<Vec<_>>().join(" ");
        for part in ["FORMAT", "journal/", "packs/", "components/"] {
            assert!(damaged.contains(part), "no flip in {part} was reported: {damaged}");
        }
    }
}

/// A last write that is damaged cannot be told from one that had not finished: it is cut off, and the cut is reported.
#[test]
fn g04_without_a_clean_close_damage_costs_at_most_the_last_batch() {
    let seed = seed_or(10);
    let mut run = Run::start(SimDisk::new(seed), seed).map_err(|(_, e)| e).expect("start");
    run.steps(20).expect("no fault, no failure");
    while run.history.len() < 25 {
        run.steps(1).expect("no fault, no failure");
    }
    let [.., before, last] = &run.history[..] else { panic!("a history of 25") };
    let disk = run.disk.restart(seed);
    for path in disk.files().into_iter().filter(|path| path.starts_with("journal/")) {
        for (offset, bits) in places(&disk.contents(&path).expect("listed")) {
            if only_operation().is_some_and(|only| only != offset as u64) {
                continue;
            }
            let about = format!("bit {} of byte {offset} of {path}", bits[0]);
            let _replay = Replay { test: "g04_without_a_clean_close", seed, operation: offset as u64, about };
            let disk = disk.restart(0);
            disk.flip_bit(&path, offset as u64, bits[0]);
            let (store, recovery) = match Store::open(Arc::new(disk), options()) {
                Ok(opened) => opened,
                Err(OpenError::Damaged { .. } | OpenError::NewerFormat { .. }) => continue,
                Err(e) => panic!("not reported as damage: {} ({e})", e.kind()),
            };
            let answers = Snapshot::of(&store).expect("the trees are not damaged");
            let Some(difference) = answers.difference(last) else { continue };
            assert!(recovery.torn.is_some(), "a silent change: {difference}");
            assert_eq!(answers.difference(before), None, "more than the last batch is gone");
        }
    }
}

struct Closed {
    disk: SimDisk,
    answers: Snapshot,
    component: ComponentHash,
}

impl Closed {
    fn make(seed: u64) -> Closed {
        let mut run = Run::start(SimDisk::new(seed), seed).map_err(|(_, e)| e).expect("start");
        run.steps(25).expect("no fault, no failure");
        run.checkpoint().expect("checkpoint");
        run.steps(4).expect("no fault, no failure");
        let component = run.store().put_component(b"\0asm, or what passes for it").expect("component");
        let answers = run.current().clone();
        run.store.take().expect("open").close().expect("close");
        let disk = run.disk.restart(seed);
        let closed = Closed { disk, answers, component };
        assert!(!closed.wrong(&closed.disk.restart(0)).expect("an undamaged store answers"));
        closed
    }

    /// Whether the damage was reported; it must be, if an answer changed.
    fn flip(&self, path: &str, offset: usize, bit: u8) -> bool {
        let disk = self.disk.restart(offset as u64);
        disk.flip_bit(path, offset as u64, bit);
        self.wrong(&disk).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Whether opening or reading reports damage; an error says that an answer is wrong.
    fn wrong(&self, disk: &SimDisk) -> Result<bool, String> {
        let (store, _) = match Store::open(Arc::new(disk.clone()), options()) {
            Ok(opened) => opened,
            Err(OpenError::Damaged { .. } | OpenError::NewerFormat { .. } | OpenError::NotAStore { .. }) => {
                return Ok(true);
            }
            Err(e) => return Err(format!("not reported as damage: {} ({e})", e.kind())),
        };
        let component = match store.component(&self.component) {
            Ok(_) => false,
            Err(e) if e.kind() == "damaged" => true,
            Err(e) => return Err(format!("not reported as damage: {e}")),
        };
        match Snapshot::of(&store) {
            Ok(answers) => match answers.difference(&self.answers) {
                None => Ok(component),
                Some(difference) => Err(format!("a wrong answer: {difference}")),
            },
            Err(e) if e.contains("damaged") || e.contains("nothing stored") => Ok(true),
            Err(e) => Err(format!("not reported as damage: {e}")),
        }
    }
}

/// The offsets to try, each with the bits to flip.
fn places(contents: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let dull = |offset: usize| {
        let around = &contents[offset.saturating_sub(64)..contents.len().min(offset + 64)];
        around.iter().all(|byte| *byte == 0)
    };
    let tried = (0..contents.len()).filter(|offset| !dull(*offset) || offset % ZEROS_STRIDE == 0);
    tried
        .map(|offset| {
            let bits = if offset % ALL_BITS_STRIDE == 0 { (0..8).collect() } else { vec![(offset % 8) as u8] };
            (offset, bits)
        })
        .collect()
}
