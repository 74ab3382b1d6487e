//! Every byte of a closed store is damaged, one after the other: it is reported, or it changes no answer.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use stead_store::disk::sim::{Loss, Part, SimDisk};
use stead_store::{Change, ComponentHash, OpenError, StateId, Store, WriterEpoch};

use crate::faults::everywhere;
use crate::model::{Snapshot, options};
use crate::model_run::{Replay, only_operation, seed_or};

/// Of a long run of zeros only one byte in so many is tried: a segment is mostly unused.
const ZEROS_STRIDE: usize = 211;
/// One byte in so many has all its bits tried.
const ALL_BITS_STRIDE: usize = 97;

#[test]
fn g04_a_flipped_bit_anywhere_is_reported_or_changes_nothing() {
    flip_everywhere("g04_a_flipped_bit", seed_or(8));
}

pub(crate) fn flip_everywhere(test: &'static str, seed: u64) {
    let closed = Closed::make(seed);
    let files = closed.disk.files();
    for kind in ["FORMAT", "LOCK", "journal/0", "journal/spare", "packs/", "components/", "quarantine/"] {
        assert!(files.iter().any(|path| path.starts_with(kind)), "no {kind} in {files:?}");
    }
    let of_file = |path: String| {
        let places = places(&closed.disk.contents(&path).expect("listed"));
        places.into_iter().map(move |(offset, bits)| (path.clone(), offset, bits))
    };
    let is_tried = |offset: usize| only_operation().is_none_or(|only| only == offset as u64);
    let cases: Vec<_> = files.into_iter().flat_map(of_file).filter(|(_, offset, _)| is_tried(*offset)).collect();
    let reported: Mutex<BTreeSet<&str>> = Mutex::default();
    everywhere(cases.len(), &|_, case| {
        let (path, offset, bits) = &cases[case];
        for bit in bits {
            let about = format!("bit {bit} of byte {offset} of {path}");
            let _replay = Replay { test, seed, operation: *offset as u64, about };
            if closed.flip(path, *offset, *bit) {
                reported.lock().expect("no panic under it").insert(path);
            }
        }
    });
    if only_operation().is_none() {
        assert!(cases.len() > 10_000, "only {} places", cases.len());
        let damaged = reported.into_inner().expect("no panic under it").into_iter().collect::<Vec<_>>().join(" ");
        for part in ["FORMAT", "journal/", "packs/", "components/"] {
            assert!(damaged.contains(part), "no flip in {part} was reported: {damaged}");
        }
    }
}

/// A last write that is damaged cannot be told from one that had not finished: it is cut off, and the cut is reported.
#[test]
fn g04_without_a_clean_close_damage_costs_at_most_the_last_batch() {
    let seed = seed_or(10);
    let small = Small::make(seed);
    let (last, before) = (&small.answers, &small.before);
    drop(small.store);
    let disk = small.disk.restart(seed);
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

/// A store with a bit of everything, in few bytes.
struct Small {
    disk: SimDisk,
    store: Store,
    answers: Snapshot,
    /// The answers before the last commit.
    before: Snapshot,
}

impl Small {
    fn make(seed: u64) -> Small {
        let disk = SimDisk::new(seed);
        let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
        let (one, two) = (store.new_state(), store.new_state());
        let create = vec![Change::Create { state: one }, Change::Create { state: two }];
        commit(&store, create);
        // A write that was torn: it lies in quarantine now.
        disk.crash_after(disk.operations());
        store.commit(vec![write(one, 0..9, 24)]).expect("accepted").wait().expect_err("the power failed");
        drop(store);
        let disk = disk.restart_with(Loss::Tear(Part::FirstSector));
        let (store, recovery) = Store::open(Arc::new(disk.clone()), options()).expect("open");
        assert!(recovery.torn.is_some());
        commit(&store, vec![write(one, 0..40, 24), write(two, 0..90, 70), write(two, 50..52, 1100)]);
        store.checkpoint().expect("checkpoint");
        commit(&store, vec![write(two, 3..6, 33)]);
        // More than a batch of the smallest segment holds: it lies in a pack of its own.
        commit(&store, vec![write(one, 60..62, 9000)]);
        commit(&store, vec![Change::Remove { state: one }, write(two, 60..61, 10)]);
        let three = store.new_state();
        commit(&store, vec![Change::Fork { from: two, to: three }, write(three, 1..2, 5)]);
        let before = Snapshot::of(&store).expect("readable");
        commit(&store, vec![write(two, 9..11, 50), write(three, 9..10, 20)]);
        let answers = Snapshot::of(&store).expect("readable");
        Small { disk, store, answers, before }
    }
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}

fn write(state: StateId, keys: Range<u8>, bytes: usize) -> Change {
    let value = |key: u8| (0..bytes).map(|at| (at as u8).wrapping_mul(7) ^ key).collect::<Vec<_>>();
    let writes = keys.map(|key| (Bytes::from(format!("key {key:02}")), Some(Bytes::from(value(key))))).collect();
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

struct Closed {
    disk: SimDisk,
    answers: Snapshot,
    component: ComponentHash,
}

impl Closed {
    fn make(seed: u64) -> Closed {
        let Small { disk, store, answers, .. } = Small::make(seed);
        let component = store.put_component(b"\0asm, or what passes for it").expect("component");
        store.close().expect("close");
        let disk = disk.restart(seed);
        let closed = Closed { disk, answers, component };
        assert!(!closed.wrong(&closed.disk.restart(0)).expect("an undamaged store answers"));
        let verified = Store::verify_idle(Arc::new(closed.disk.restart(0)), &mut |_| {}).expect("verified");
        assert!(verified.is_clean(), "{:?}", verified.damage);
        closed
    }

    /// Whether the damage was reported; it must be, if an answer changed. Verification finds what opening finds, and
    /// every flip in a file whose bytes are all covered by a hash.
    fn flip(&self, path: &str, offset: usize, bit: u8) -> bool {
        let disk = self.disk.restart(offset as u64);
        disk.flip_bit(path, offset as u64, bit);
        let reported = self.wrong(&disk.restart(0)).unwrap_or_else(|e| panic!("{e}"));
        let covered = !["journal/", "quarantine/", "LOCK"].iter().any(|part| path.starts_with(part));
        if reported || covered {
            let verified = Store::verify_idle(Arc::new(disk.restart(0)), &mut |_| {});
            assert!(verified.is_ok_and(|verified| !verified.is_clean()), "verification finds nothing");
        }
        reported || covered
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
