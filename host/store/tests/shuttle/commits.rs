//! Nothing fails: every commit becomes durable in its order, and everybody who waits hears of it.

use shuttle::thread;
use stead_store::{CommitNumber, Options, Stage};

use crate::history::{History, Wait, observer, options};
use crate::schedules::under_many_schedules;

#[test]
fn g02_everybody_who_waits_is_woken() {
    under_many_schedules("g02_everybody_who_waits", |seed| {
        let (history, store) = History::begin(seed, options());
        let threads = [
            history.committer(&store, 'a', Wait::Blocking, 3, 10),
            history.committer(&store, 'b', Wait::Polled, 2, 10),
            history.committer(&store, 'c', Wait::PolledThenBlocking, 2, 10),
            history.committer(&store, 'd', Wait::Backwards, 3, 10),
        ];
        let observer = observer(&store, 6);
        for thread in threads {
            thread.join().expect("no panic").expect("accepted and durable");
        }
        observer.join().expect("no panic");
        assert_eq!(history.accepted(), 10);
        history.check(history.disk.restart(seed));
        drop(store);
    });
}

/// Syncs run beside writes, and what nobody syncs is synced in the end.
#[test]
fn g02_buffered_commits_are_written_beside_syncs() {
    under_many_schedules("g02_buffered_commits_are_written", |seed| {
        let (history, store) = History::begin(seed, options());
        let next = CommitNumber(store.frontier().accepted.0 + 8);
        let reached = [Stage::Accepted, Stage::Durable].map(|stage| store.reached(stage, next));
        let waiters = reached.map(|reached| thread::spawn(move || reached.wait()));
        let threads = [
            history.committer(&store, 'a', Wait::Buffered, 3, 10),
            history.committer(&store, 'b', Wait::BufferedPolled, 2, 10),
            history.committer(&store, 'c', Wait::Blocking, 2, 10),
            history.committer(&store, 'd', Wait::ByNumber, 2, 10),
        ];
        for waiter in waiters {
            assert_eq!(waiter.join().expect("no panic").expect("reached"), next);
        }
        for thread in threads {
            thread.join().expect("no panic").expect("accepted and durable");
        }
        store.reached(Stage::Durable, CommitNumber(next.0 + 1)).wait().expect("everything becomes durable");
        history.check(history.disk.restart(seed));
        drop(store);
    });
}

/// A few commits fill a segment, and the queue holds one: committers wait for room and for spares all the time.
#[test]
fn g02_segments_change_under_commits_that_wait_for_room() {
    under_many_schedules("g02_segments_change", |seed| {
        let (history, store) = History::begin(seed, Options { queue_bytes: 1, ..options() });
        let threads = [
            history.committer(&store, 'a', Wait::Blocking, 3, 9000),
            history.committer(&store, 'b', Wait::Never, 4, 9000),
            history.committer(&store, 'c', Wait::Backwards, 3, 5000),
        ];
        for thread in threads {
            thread.join().expect("no panic").expect("accepted and durable");
        }
        store.barrier().wait().expect("durable");
        assert!(store.info().segments > 1, "the segments were too large for this test");
        history.check(history.disk.restart(seed));
        drop(store);
    });
}

/// Checkpoints, on demand and in the background, and collections cut the journal and the packs that commits go to.
#[test]
fn g01_checkpoints_and_collections_lose_no_commit() {
    under_many_schedules("g01_checkpoints_and_collections", |seed| {
        let (history, store) = History::begin(seed, Options { checkpoint_bytes: 4000, ..options() });
        let threads = [
            history.committer(&store, 'a', Wait::Blocking, 3, 3000),
            history.committer(&store, 'b', Wait::Polled, 2, 9000),
            history.committer(&store, 'c', Wait::Never, 2, 5000),
        ];
        let chores = {
            let store = store.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    store.checkpoint().expect("checkpoint");
                    store.collect().expect("collection");
                }
            })
        };
        let observer = observer(&store, 6);
        for thread in threads {
            thread.join().expect("no panic").expect("accepted and durable");
        }
        chores.join().expect("no panic");
        observer.join().expect("no panic");
        store.barrier().wait().expect("durable");
        history.check(history.disk.restart(seed));
        drop(store);
    });
}
