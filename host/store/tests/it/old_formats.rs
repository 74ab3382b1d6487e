//! Data directories that earlier releases wrote stay readable: each in `tests/fixtures` is opened, compared with the list
//! of its contents that lies beside it, written to, checkpointed and opened again.
//!
//! A release that changes a format on disk adds two more before it changes anything, one that was closed and one that was
//! not, and never changes those that are there:
//!
//! ```text
//! STEAD_FIXTURE=journal-v2 cargo test -p stead-store --test it make_a_fixture -- --ignored
//! ```

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use stead_store::disk::sim::SimDisk;
use stead_store::disk::{DirDisk, Disk, Mode};
use stead_store::{Change, ComponentHash, OpenError, Recovery, StateId, Store, WriterEpoch, Writes};

use crate::faults::everywhere;
use crate::model::{Scratch, Snapshot, options};
use crate::model_run::{Replay, only_operation, seed_or};

/// Longer values are listed by their length and hash.
const SHOWN_BYTES_MAX: usize = 40;
/// Of one fixture: all of them lie in the repository for ever.
const FIXTURE_BYTES_MAX: u64 = 400 << 10;
/// Of the bytes that are not zero, one in so many is flipped.
const FLIPS_STRIDE: usize = 23;
const COMPONENTS: [&[u8]; 2] = [b"\0asm, the first component", b"\0asm, the second component"];

#[test]
fn g04_directories_of_earlier_releases_open_with_everything_in_them() {
    let mut fixtures: Vec<PathBuf> = fs::read_dir(fixtures_dir())
        .expect("the fixtures")
        .map(|entry| entry.expect("a fixture").path())
        .filter(|path| path.is_dir())
        .collect();
    fixtures.sort();
    for ending in ["-open", "-closed"] {
        assert!(fixtures.iter().any(|path| path.to_string_lossy().ends_with(ending)), "no fixture ends in {ending}");
    }
    for fixture in fixtures {
        eprintln!("{}", fixture.display());
        check(&fixture);
    }
}

/// The journal alone: packs and the other files of that release are as they are now.
#[test]
fn g04_a_flipped_bit_in_an_old_journal_is_reported_or_changes_nothing() {
    let seed = seed_or(13);
    let disk = SimDisk::new(seed);
    load(&disk, &fixtures_dir().join("journal-v1-closed/data"), "");
    let answers = {
        let (store, _) = Store::open(Arc::new(disk.restart(0)), options()).expect("open");
        Snapshot::of(&store).expect("readable")
    };
    let segments = disk.files().into_iter().filter(|path| path.ends_with(".log"));
    let offsets = segments.flat_map(|path| {
        let contents = disk.contents(&path).expect("listed");
        let used = (0..contents.len()).filter(move |offset| contents[*offset] != 0 || offset % 1021 == 0);
        used.step_by(FLIPS_STRIDE).map(move |offset| (path.clone(), offset as u64))
    });
    let cases: Vec<(String, u64)> =
        offsets.filter(|(_, offset)| only_operation().is_none_or(|only| only == *offset)).collect();
    let reported = AtomicUsize::new(0);
    everywhere(cases.len(), &|_, case| {
        let (path, offset) = &cases[case];
        let bit = (offset % 8) as u8;
        let about = format!("bit {bit} of {path}");
        let _replay = Replay { test: "g04_a_flipped_bit_in_an_old_journal", seed, operation: *offset, about };
        let disk = disk.restart(*offset);
        disk.flip_bit(path, *offset, bit);
        match Store::open(Arc::new(disk), options()) {
            Err(OpenError::Damaged { .. } | OpenError::NewerFormat { .. }) => {
                reported.fetch_add(1, Ordering::Relaxed);
            }
            Err(e) => panic!("not reported as damage: {} ({e})", e.kind()),
            Ok((store, _)) => assert_eq!(Snapshot::of(&store).expect("readable").difference(&answers), None),
        }
    });
    assert!(only_operation().is_some() || reported.into_inner() > cases.len() / 3);
}

/// Copies a directory to a disk.
fn load(disk: &SimDisk, from: &Path, to: &str) {
    for entry in fs::read_dir(from).expect("directory") {
        let path = entry.expect("entry").path();
        let name = format!("{to}{}", path.file_name().expect("a name").to_str().expect("text"));
        if path.is_dir() {
            disk.create_dir(&name).expect("created");
            load(disk, &path, &format!("{name}/"));
        } else {
            let file = disk.open(&name, Mode::CreateNew).expect("created");
            file.write_at(0, &fs::read(path).expect("readable")).expect("written");
            file.sync_all().expect("synced");
        }
    }
    disk.sync_dir(to.trim_end_matches('/')).expect("synced");
}

fn check(fixture: &Path) {
    let expected = fs::read_to_string(fixture.join("contents.txt")).expect("the list of contents");
    let dir = tempfile::tempdir().expect("directory");
    copy(&fixture.join("data"), dir.path());
    // No repository keeps an empty directory.
    fs::create_dir_all(dir.path().join("quarantine")).expect("directory");
    let verified = Store::verify_idle(Arc::new(DirDisk::open(dir.path()).expect("directory")), &mut |_| {});
    // An unfinished write at the end of a store that was not closed is no damage.
    let verified = verified.expect("verified");
    assert!(verified.is_clean(), "{:?}", verified.damage);

    let (store, recovery) = open(dir.path());
    let found = contents(&store, &recovery);
    assert_eq!(found, expected, "\nfound:\n{found}");
    let before = Snapshot::of(&store).expect("readable");
    let mut scratch = Scratch::new();
    scratch.check(&store, &before).expect("roots");
    drop(store);

    // The second open replays what the first one copied.
    let (store, _) = open(dir.path());
    assert_eq!(Snapshot::of(&store).expect("readable").difference(&before), None);
    let mut after = before;
    let new = store.new_state();
    let old = *after.states.keys().find(|id| **id != StateId::CATALOG).expect("a state");
    let epoch = after.states[&old].epoch;
    let mut changes = vec![Change::Create { state: new }];
    changes.push(Change::Write { state: old, epoch, writes: texts(0..90, "again", 1200) });
    changes.push(Change::Write { state: new, epoch: WriterEpoch::FIRST, writes: texts(0..90, "new", 70) });
    for round in 0..30 {
        commit(&store, changes.clone());
        after.apply(&changes, &store);
        changes = vec![Change::Write { state: old, epoch, writes: texts(round..round + 3, "on and on", 30) }];
    }
    scratch.check(&store, &after).expect("roots");
    store.checkpoint().expect("checkpoint");
    store.collect().expect("collect");
    scratch.check(&store, &after).expect("roots");
    assert!(store.verify(&mut |_| {}).expect("verify").is_clean());
    store.close().expect("close");

    let (store, recovery) = open(dir.path());
    assert!(recovery.clean);
    assert_eq!(Snapshot::of(&store).expect("readable").difference(&after), None);
    scratch.check(&store, &after).expect("roots");
    for bytes in COMPONENTS {
        assert_eq!(store.component(&ComponentHash::of(bytes)).expect("a component"), bytes);
    }
}

/// Writes the fixtures of the current format. What it leaves is committed as it is.
#[test]
#[ignore = "writes into the repository; only for a release that is about to change a format"]
fn make_a_fixture() {
    let name = std::env::var("STEAD_FIXTURE").expect("STEAD_FIXTURE names the fixture, such as journal-v2");
    // A write that had not finished stands at the end of the one that was not closed.
    let (disk, store) = lived();
    let operation = disk.operations();
    disk.crash_after(operation);
    let state = store.states()[1];
    assert!(store.commit(vec![write(state, 0..20, "torn", 300)]).expect("accepted").wait().is_err());
    drop(store);
    let torn = (0..).map(|seed| disk.restart(seed)).find(is_torn).expect("a torn end");
    keep(&torn, &fixtures_dir().join(format!("{name}-open")));

    let (disk, store) = lived();
    store.close().expect("close");
    keep(&disk.restart(1), &fixtures_dir().join(format!("{name}-closed")));
}

fn is_torn(disk: &SimDisk) -> bool {
    let (_, recovery) = Store::open(Arc::new(disk.restart(0)), options()).expect("open");
    recovery.torn.is_some()
}

/// A store with everything in it that this release can write.
fn lived() -> (SimDisk, Store) {
    let disk = SimDisk::new(20);
    let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
    let states: Vec<StateId> = (0..5).map(|_| store.new_state()).collect();
    let [plain, large, inline, fenced, removed] = states[..] else { unreachable!("five states") };
    commit(&store, states.iter().map(|state| Change::Create { state: *state }).collect());
    for component in COMPONENTS {
        store.put_component(component).expect("component");
    }
    commit(&store, vec![write(plain, 0..250, "plain", 60), write(removed, 0..30, "to be removed", 200)]);
    // Values on both sides of what lies in a leaf, and outside.
    commit(&store, vec![write(large, 0..3, "in the leaf", 1024), write(large, 3..9, "outside", 1025)]);
    commit(&store, vec![write(inline, 0..5, "small", 20), write(fenced, 0..40, "fenced", 150)]);
    let catalog = [(Bytes::from_static(b"\x01plugin"), Some(Bytes::from_static(b"its record")))];
    commit(&store, vec![Change::Write { state: StateId::CATALOG, epoch: WriterEpoch::FIRST, writes: catalog.into() }]);
    store.checkpoint().expect("checkpoint");

    // Checkpoints whose packs are partly dead, which a collection merges.
    for round in 0..5 {
        commit(&store, vec![write(plain, round * 20..round * 20 + 30, "changed", 50 + usize::from(round))]);
        store.checkpoint().expect("checkpoint");
    }
    let collected = store.collect().expect("collect");
    assert!(collected.packs_added == 1 && collected.packs_removed > 1, "{collected:?}");
    let gone = store.new_state();
    commit(&store, vec![Change::Fork { from: plain, to: gone }, write(gone, 0..4, "gone", 10)]);
    commit(&store, vec![Change::Remove { state: gone }]);
    store.checkpoint().expect("checkpoint");
    // From here on only the journal knows.
    let fork = store.new_state();
    commit(&store, vec![Change::Fork { from: plain, to: fork }, write(fork, 245..255, "of the fork", 33)]);
    commit(&store, vec![Change::Fence { state: fenced, epoch: WriterEpoch(7) }]);
    // Two oversized commits: their writes lie in packs.
    commit(&store, vec![write(large, 5..15, "packed", 2500), Change::Remove { state: removed }]);
    commit(&store, vec![write(plain, 100..110, "packed too", 2000), write(inline, 5..7, "packed too", 9)]);
    commit(&store, vec![erase(plain, 10..20), erase(large, 0..1)]);
    for round in 0..18 {
        let write = Change::Write { state: fenced, epoch: WriterEpoch(7), writes: texts(round..round + 2, "tail", 25) };
        commit(&store, vec![write]);
    }
    (disk, store)
}

fn write(state: StateId, keys: std::ops::Range<u8>, text: &str, bytes: usize) -> Change {
    Change::Write { state, epoch: WriterEpoch::FIRST, writes: texts(keys, text, bytes) }
}

fn erase(state: StateId, keys: std::ops::Range<u8>) -> Change {
    let writes = texts(keys, "", 0).into_keys().map(|key| (key, None)).collect();
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

/// Values of a given length that repeat a text and the key.
fn texts(keys: std::ops::Range<u8>, text: &str, bytes: usize) -> Writes {
    let entry = |key: u8| {
        let value = format!("{text} {key} ").into_bytes().into_iter().cycle().take(bytes).collect::<Vec<u8>>();
        (Bytes::from(format!("key {key:03}")), Some(Bytes::from(value)))
    };
    keys.map(entry).collect()
}

fn commit(store: &Store, changes: Vec<Change>) {
    store.commit(changes).expect("accepted").wait().expect("durable");
}

fn open(path: &Path) -> (Store, Recovery) {
    Store::open(Arc::new(DirDisk::open(path).expect("directory")), options()).expect("open")
}

/// Everything that a store answers, as text.
fn contents(store: &Store, recovery: &Recovery) -> String {
    let mut out = String::new();
    let Recovery { clean, owner_epoch, replayed_commits, last_commit, torn, .. } = recovery;
    let torn = torn.as_ref().map_or("none".to_owned(), |torn| format!("{} at byte {}", torn.file, torn.offset));
    let _ = writeln!(out, "closed: {clean}\nowner epoch: {owner_epoch}\nlast commit: {}", last_commit.0);
    let _ = writeln!(out, "replayed commits: {replayed_commits}\nunfinished write: {torn}");
    let _ = writeln!(out, "next state: {}", store.new_state().0);
    for component in COMPONENTS.map(ComponentHash::of) {
        let bytes = store.component(&component).expect("a component").len();
        let _ = writeln!(out, "component {component}: {bytes} bytes");
    }
    for (id, state) in Snapshot::of(store).expect("readable").states {
        let view = store.view(id).expect("listed");
        let _ = writeln!(out, "\nstate {}", id.0);
        let _ = writeln!(out, "writer epoch: {}\nentries: {}", state.epoch.0, state.entries.len());
        if id != StateId::CATALOG {
            let root = view.root().expect("root");
            let _ = writeln!(out, "commits: {}\nlast: {}\nroot: {root}", state.commits, view.commit().0);
        }
        for (key, value) in state.entries.iter() {
            let _ = writeln!(out, "  {:?} = {}", String::from_utf8_lossy(key), shown(value));
        }
    }
    out
}

fn shown(value: &[u8]) -> String {
    if value.len() <= SHOWN_BYTES_MAX {
        return format!("{:?}", String::from_utf8_lossy(value));
    }
    format!("{} bytes with hash {}", value.len(), blake3::hash(value))
}

fn fixtures_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Writes a disk's files, and what a store on it answers.
fn keep(disk: &SimDisk, fixture: &Path) {
    let mut bytes = 0;
    for path in disk.files() {
        let contents = disk.contents(&path).expect("listed");
        bytes += contents.len() as u64;
        let file = fixture.join("data").join(&path);
        fs::create_dir_all(file.parent().expect("a directory")).expect("directory");
        fs::write(file, contents).expect("written");
    }
    assert!(bytes <= FIXTURE_BYTES_MAX, "{} has {bytes} bytes", fixture.display());
    let (store, recovery) = Store::open(Arc::new(disk.restart(0)), options()).expect("open");
    fs::write(fixture.join("contents.txt"), contents(&store, &recovery)).expect("written");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("directory");
    for entry in fs::read_dir(from).expect("directory") {
        let path = entry.expect("entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).expect("copied");
        }
    }
}
