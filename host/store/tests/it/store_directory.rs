//! The store in a real directory, with its threads.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use bytes::Bytes;
use std::ops::Bound;
use stead_store::disk::DirDisk;
use stead_store::limits::SEGMENT_BYTES_MIN;
use stead_store::{Change, CommitError, OpenError, Options, Order, Recovery, StateId, Store, WriterEpoch, Writes};

fn options() -> Options {
    Options { segment_bytes: 4 * SEGMENT_BYTES_MIN, checkpoint_bytes: 256 << 10, ..Options::default() }
}

fn open(path: &Path) -> Result<(Store, Recovery), OpenError> {
    Store::open(Arc::new(DirDisk::create(path).expect("directory")), options())
}

fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

fn write(state: StateId, key: String, value: String) -> Change {
    let writes = Writes::from([(key.into(), Some(value.into()))]);
    Change::Write { state, epoch: WriterEpoch::FIRST, writes }
}

fn create(store: &Store) -> StateId {
    let state = store.new_state();
    store.commit(vec![Change::Create { state }]).expect("accepted").wait().expect("durable");
    state
}

#[test]
fn g02_what_was_acknowledged_is_there_after_an_unclean_and_a_clean_stop() {
    let dir = tempfile::tempdir().expect("directory");
    let (store, recovery) = open(dir.path()).expect("open");
    assert!(recovery.created);
    let state = create(&store);
    store.commit(vec![write(state, "one".into(), "1".into())]).expect("accepted").wait().expect("durable");
    drop(store);

    let (store, recovery) = open(dir.path()).expect("open");
    assert!(!recovery.clean && !recovery.created);
    assert_eq!((recovery.replayed_commits, recovery.owner_epoch), (2, 2));
    assert_eq!(store.view(state).expect("state").get(b"one").expect("readable"), Some(bytes("1")));
    store.close().expect("close");

    let (store, recovery) = open(dir.path()).expect("open");
    assert!(recovery.clean);
    assert_eq!(store.view(state).expect("state").get(b"one").expect("readable"), Some(bytes("1")));
    assert_ne!(store.new_state(), state, "an id is never used again");
}

#[test]
fn g02_many_writers_over_many_segments_and_checkpoints() {
    const WRITERS: usize = 8;
    const COMMITS: usize = 600;
    let dir = tempfile::tempdir().expect("directory");
    let (store, _) = open(dir.path()).expect("open");
    let states: Vec<StateId> = (0..WRITERS).map(|_| create(&store)).collect();
    thread::scope(|scope| {
        for state in &states {
            let store = store.clone();
            scope.spawn(move || {
                for count in 0..COMMITS {
                    let change =
                        write(*state, format!("key {:05}", count % 400), format!("{count} {}", "x".repeat(100)));
                    store.commit(vec![change]).expect("accepted").wait().expect("durable");
                }
            });
        }
    });
    let frontier = store.frontier();
    assert_eq!(frontier.accepted.0, (WRITERS * (COMMITS + 1)) as u64);
    assert_eq!(frontier.durable, frontier.accepted);
    assert!(frontier.syncs < frontier.accepted.0, "commits share syncs: {frontier:?}");
    store.checkpoint().expect("checkpoint");
    let roots: Vec<_> = states.iter().map(|state| store.view(*state).expect("state").root().expect("root")).collect();
    assert!(store.verify(&mut |_| {}).expect("verify").is_clean());
    // The next segment's Manifest covers the checkpoint; its thread recycles what came before. The same value again and
    // again changes no root.
    let again = write(states[0], "key 00399".to_owned(), format!("399 {}", "x".repeat(100)));
    for _ in 0..1000 {
        store.commit(vec![again.clone()]).expect("accepted").wait().expect("durable");
        if store.info().segments < 4 {
            break;
        }
    }
    assert!(store.info().segments < 4, "segments are recycled: {:?}", store.info());
    drop(store);

    let (store, _) = open(dir.path()).expect("open");
    for (state, root) in states.iter().zip(roots) {
        let view = store.view(*state).expect("state");
        assert_eq!(view.root().expect("root"), root);
        assert_eq!(view.count(Bound::Unbounded, Bound::Unbounded).expect("count"), 400);
        let last = view
            .scan(Bound::Unbounded, Bound::Unbounded, Order::Descending)
            .next()
            .expect("an entry")
            .expect("readable");
        assert_eq!(last.0, bytes("key 00399"));
        assert!(last.1.starts_with(b"399 "));
    }
}

#[test]
fn g06_a_second_open_is_locked_and_says_by_whom() {
    let dir = tempfile::tempdir().expect("directory");
    let (store, _) = open(dir.path()).expect("open");
    let Err(OpenError::Locked { owner }) = open(dir.path()) else { panic!("opened twice") };
    assert!(owner.contains(&std::process::id().to_string()), "{owner}");
    store.close().expect("close");
    open(dir.path()).expect("the lock is free");
}

#[test]
fn g06_a_fenced_writer_is_refused_and_a_fork_is_its_own() {
    let dir = tempfile::tempdir().expect("directory");
    let (store, _) = open(dir.path()).expect("open");
    let state = create(&store);
    let fork = store.new_state();
    let changes = vec![
        write(state, "shared".into(), "1".into()),
        Change::Fork { from: state, to: fork },
        Change::Fence { state, epoch: WriterEpoch(2) },
    ];
    store.commit(changes).expect("accepted").wait().expect("durable");
    let refused = store.commit(vec![write(state, "late".into(), "1".into())]);
    assert!(matches!(refused, Err(CommitError::Fenced { current: WriterEpoch(2), .. })), "{refused:?}");
    store.commit(vec![write(fork, "own".into(), "1".into())]).expect("accepted").wait().expect("durable");
    let keys = |id| store.view(id).expect("state").count(Bound::Unbounded, Bound::Unbounded).expect("count");
    assert_eq!((keys(state), keys(fork)), (1, 2));
    store.commit(vec![Change::Remove { state }]).expect("accepted").wait().expect("durable");
    assert!(store.view(state).is_none());
    let again = store.commit(vec![Change::Create { state }]);
    assert!(matches!(again, Err(CommitError::StateExists { .. })), "{again:?}");
}

#[test]
fn g01_a_commit_larger_than_a_batch_is_one_commit() {
    let dir = tempfile::tempdir().expect("directory");
    let (store, _) = open(dir.path()).expect("open");
    let (one, two) = (create(&store), create(&store));
    let large = "large ".repeat(100_000);
    let changes = vec![write(one, "large".into(), large.clone()), write(two, "small".into(), "2".into())];
    store.commit(changes).expect("accepted").wait().expect("durable");
    drop(store);
    let (store, _) = open(dir.path()).expect("open");
    assert_eq!(store.view(one).expect("state").get(b"large").expect("readable"), Some(bytes(&large)));
    assert_eq!(store.view(two).expect("state").get(b"small").expect("readable"), Some(bytes("2")));
    store.checkpoint().expect("checkpoint");
    store.collect().expect("collect");
    drop(store);
    let (store, _) = open(dir.path()).expect("open");
    assert_eq!(store.view(one).expect("state").get(b"large").expect("readable"), Some(bytes(&large)));
    assert!(store.verify(&mut |_| {}).expect("verify").is_clean());
}

#[test]
fn a_closed_store_refuses_and_reserved_keys_are_the_stores() {
    let dir = tempfile::tempdir().expect("directory");
    let (store, _) = open(dir.path()).expect("open");
    let other = store.clone();
    let reserved = store.commit(vec![write(StateId::CATALOG, "\0header".into(), "1".into())]);
    assert!(matches!(reserved, Err(CommitError::Reserved { .. })), "{reserved:?}");
    let long = store.commit(vec![write(StateId::CATALOG, "k".repeat(5000), "1".into())]);
    assert!(matches!(long, Err(CommitError::TooLarge { .. })), "{long:?}");
    store
        .commit(vec![write(StateId::CATALOG, "\u{1}plugin".into(), "1".into())])
        .expect("accepted")
        .wait()
        .expect("durable");
    store.close().expect("close");
    let refused = other.commit(vec![write(StateId::CATALOG, "\u{1}late".into(), "1".into())]);
    assert!(matches!(refused, Err(CommitError::Closed)), "{refused:?}");
}
