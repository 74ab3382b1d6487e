//! Segments are archived before they go: each, in order, whatever fails.

use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use stead_store::disk::Disk;
use stead_store::disk::sim::{EIO, SimDisk};
use stead_store::{
    Archive, Change, CommitNumber, DiskArchive, Options, SealedSegment, StateId, Store, WriterEpoch, Writes,
};

use crate::model::options;

/// Keeps what it is given in memory, where no crash of the store's disk reaches it; fails on demand.
#[derive(Debug, Default)]
struct Shelf {
    kept: Mutex<Vec<Kept>>,
    refuses: Mutex<bool>,
}

#[derive(Debug, Clone, PartialEq)]
struct Kept {
    number: u64,
    before: CommitNumber,
    last: CommitNumber,
    bytes: Vec<u8>,
}

impl Kept {
    fn read(segment: &SealedSegment<'_>) -> io::Result<Kept> {
        let mut bytes = Vec::new();
        segment.read(&mut |part| {
            bytes.extend_from_slice(part);
            Ok(())
        })?;
        assert_eq!(bytes.len() as u64, segment.bytes());
        let (number, before, last) = (segment.number(), segment.commit_before(), segment.last_commit());
        Ok(Kept { number, before, last, bytes })
    }
}

impl Archive for Shelf {
    fn keep(&self, segment: SealedSegment<'_>) -> io::Result<()> {
        if *self.refuses.lock().expect("unlocked") {
            return Err(io::Error::other("the shelf is closed"));
        }
        let kept = Kept::read(&segment)?;
        self.kept.lock().expect("unlocked").push(kept);
        Ok(())
    }
}

impl Shelf {
    fn kept(&self) -> Vec<Kept> {
        self.kept.lock().expect("unlocked").clone()
    }

    /// Segments come in order, again only where the last one came again, and their commits join.
    fn check(&self, disk: &SimDisk) {
        let mut kept = self.kept();
        kept.dedup();
        let numbers: Vec<u64> = kept.iter().map(|segment| segment.number).collect();
        assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>(), "a segment is missing or out of order");
        assert!(kept.windows(2).all(|pair| pair[0].last == pair[1].before), "commits are missing between segments");
        let oldest = disk.files().iter().find_map(|path| segment_number(path)).expect("a segment");
        assert!(oldest <= numbers.len() as u64 + 1, "segment {oldest} is the oldest left, {numbers:?} were kept");
    }
}

fn segment_number(path: &str) -> Option<u64> {
    path.strip_prefix("journal/")?.strip_suffix(".log")?.parse().ok()
}

fn open(disk: &SimDisk, archive: Arc<dyn Archive>) -> Result<Store, stead_store::OpenError> {
    Store::open(Arc::new(disk.clone()), Options { archive: Some(archive), ..options() }).map(|(store, _)| store)
}

/// Goes through about `segments` segments, each covered by a checkpoint.
fn fill(store: &Store, segments: usize) -> Result<(), Box<dyn std::error::Error>> {
    for _ in 0..segments {
        for key in 0..5 {
            let writes = Writes::from([(Bytes::from(vec![1, key]), Some(Bytes::from(vec![key; 9000])))]);
            let change = Change::Write { state: StateId::CATALOG, epoch: WriterEpoch::FIRST, writes };
            store.commit(vec![change])?.wait()?;
        }
        store.checkpoint()?;
    }
    Ok(())
}

#[test]
fn every_segment_is_archived_before_it_goes() {
    let (disk, shelf) = (SimDisk::new(1), Arc::new(Shelf::default()));
    for _ in 0..3 {
        let store = open(&disk, shelf.clone()).expect("open");
        fill(&store, 6).expect("no failure");
        shelf.check(&disk);
    }
    let kept = shelf.kept();
    assert!(kept.len() > 10, "only {} segments were kept", kept.len());
    assert!(kept.iter().all(|segment| segment.before <= segment.last));
    assert_eq!(kept[0].before, CommitNumber(0));
}

#[test]
fn g02_an_archive_that_fails_stops_no_commit_and_misses_no_segment() {
    let (disk, shelf) = (SimDisk::new(2), Arc::new(Shelf::default()));
    let store = open(&disk, shelf.clone()).expect("open");
    *shelf.refuses.lock().expect("unlocked") = true;
    fill(&store, 8).expect("commits go on");
    let info = store.info();
    let failure = info.archive_failure.expect("visible");
    assert!(failure.contains("segment 1") && failure.contains("the shelf is closed"), "{failure}");
    assert!(info.segments > 6, "the journal grows: {} segments", info.segments);
    assert_eq!(shelf.kept(), []);

    *shelf.refuses.lock().expect("unlocked") = false;
    fill(&store, 2).expect("commits go on");
    let info = store.info();
    assert_eq!(info.archive_failure, None);
    assert!(info.segments < 5, "the journal shrinks: {} segments", info.segments);
    shelf.check(&disk);
    assert!(shelf.kept().len() > 6);
}

#[test]
fn g01_a_crash_at_any_operation_misses_no_segment() {
    let (disk, shelf) = (SimDisk::new(3), Arc::new(Shelf::default()));
    fill(&open(&disk, shelf).expect("open"), 5).expect("no failure");
    let log = disk.log();
    for operation in (0..log.len() as u64).filter(|operation| log[*operation as usize].0.changes()) {
        let (disk, shelf) = (SimDisk::new(3), Arc::new(Shelf::default()));
        disk.crash_after(operation);
        if let Ok(store) = open(&disk, shelf.clone()) {
            drop(fill(&store, 5));
        }
        for disk in [disk.restart(operation), disk.restart(operation + 1), disk.kill()] {
            let again = Arc::new(Shelf { kept: Mutex::new(shelf.kept()), ..Shelf::default() });
            let store = open(&disk, again.clone()).unwrap_or_else(|error| panic!("operation {operation}: {error}"));
            fill(&store, 3).unwrap_or_else(|error| panic!("operation {operation}: {error}"));
            again.check(&disk);
        }
    }
}

#[test]
fn an_archive_on_a_disk_is_durable_and_keeps_what_it_has() {
    let (disk, shelf, other) = (SimDisk::new(4), Arc::new(Shelf::default()), SimDisk::new(5));
    #[derive(Debug)]
    struct Both(Arc<Shelf>, DiskArchive);
    impl Archive for Both {
        fn keep(&self, segment: SealedSegment<'_>) -> io::Result<()> {
            let kept = Kept::read(&segment)?;
            self.1.keep(segment)?;
            self.0.kept.lock().expect("unlocked").push(kept);
            Ok(())
        }
    }
    // Some copies fail half way and are made again.
    for operation in [7, 20, 40, 41, 60] {
        other.fail(operation, EIO);
    }
    let both = |shelf: &Arc<Shelf>, disk: &SimDisk| Both(shelf.clone(), DiskArchive::new(Arc::new(disk.clone())));
    let store = open(&disk, Arc::new(both(&shelf, &other))).expect("open");
    fill(&store, 12).expect("commits go on");
    assert_eq!(store.info().archive_failure, None, "the last try succeeded");
    drop(store);
    shelf.check(&disk);

    let kept = shelf.kept();
    assert!(kept.len() > 6);
    let other = other.restart(1);
    for segment in &kept {
        let path = format!("journal/{:010}.log", segment.number);
        assert_eq!(other.contents(&path).as_ref(), Some(&segment.bytes), "{path}");
    }

    // Another store's segments find their names taken.
    let third = SimDisk::new(6);
    let store = open(&third, Arc::new(both(&shelf, &other))).expect("open");
    let before = other.contents("journal/0000000001.log");
    fill(&store, 4).expect("commits go on");
    let failure = store.info().archive_failure.expect("refused");
    assert!(failure.contains("holds another"), "{failure}");
    assert_eq!(other.contents("journal/0000000001.log"), before);
    assert!(other.list("journal").expect("listed").iter().all(|name| name.ends_with(".log")));
}
