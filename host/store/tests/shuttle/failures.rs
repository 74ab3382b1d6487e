//! The disk fails while threads commit and wait: everybody hears of it, and nothing that was told is lost.

use shuttle::rand::{Rng, thread_rng};
use shuttle::thread;
use stead_store::{CommitError, Options};

use crate::history::{History, Refused, Wait, options};
use crate::schedules::under_many_schedules;

/// About as many disk operations as the commits below make.
const OPERATIONS: u64 = 30;

#[test]
fn g02_a_failed_sync_reaches_everybody_who_waits() {
    under_many_schedules("g02_a_failed_sync_reaches", |seed| {
        let (history, store) = History::begin(seed, options());
        history.disk.fail_sync(history.disk.operations() + thread_rng().gen_range(0..8));
        let threads = [
            history.committer(&store, 'a', Wait::Blocking, 4, 10),
            history.committer(&store, 'b', Wait::Polled, 4, 10),
            history.committer(&store, 'c', Wait::Backwards, 4, 10),
        ];
        let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        for refused in ends.into_iter().filter_map(Result::err) {
            let is_poison = matches!(refused, Refused::Commit(CommitError::Poisoned { .. }) | Refused::Unknown { .. });
            assert!(is_poison, "{refused:?}");
        }
        let is_poisoned = store.barrier().wait().is_err();
        let later = history.commit(&store, "later".into(), 10);
        assert_eq!(is_poisoned, matches!(later, Err(Refused::Commit(CommitError::Poisoned { .. }))), "{later:?}");
        drop((later, store));
        history.check(history.disk.restart(seed));
    });
}

#[test]
fn g01_g02_the_power_fails_at_any_time() {
    under_many_schedules("g01_g02_the_power_fails", |seed| {
        let (history, store) = History::begin(seed, Options { checkpoint_bytes: 6000, queue_bytes: 9000, ..options() });
        let threads = [
            history.committer(&store, 'a', Wait::Blocking, 4, 3000),
            history.committer(&store, 'b', Wait::Polled, 3, 6000),
            history.committer(&store, 'c', Wait::Never, 3, 9000),
            history.committer(&store, 'd', Wait::Buffered, 4, 10),
        ];
        history.disk.crash_after(history.disk.operations() + thread_rng().gen_range(0..OPERATIONS));
        for thread in threads {
            drop(thread.join().expect("no panic"));
        }
        drop(store);
        history.check(history.disk.restart(seed));
        history.check_killed(history.disk.kill());
    });
}

#[test]
fn g02_no_room_for_a_spare_refuses_and_wakes() {
    under_many_schedules("g02_no_room_for_a_spare", |seed| {
        let (history, store) = History::begin(seed, Options { queue_bytes: 1, ..options() });
        history.disk.full(Some(0));
        let threads = [
            history.committer(&store, 'a', Wait::Blocking, 5, 9000),
            history.committer(&store, 'b', Wait::Backwards, 5, 9000),
        ];
        let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        assert!(ends.iter().any(Result::is_err), "ten times 9000 bytes do not fit one segment");
        for refused in ends.into_iter().filter_map(Result::err) {
            assert!(matches!(refused, Refused::Commit(CommitError::NoSpace { .. })), "{refused:?}");
        }
        history.disk.full(None);
        let store = thread::spawn(move || store).join().expect("no panic");
        let ticket = history.commit(&store, "later".into(), 9000).expect("there is room again");
        history.wait(&store, ticket, Wait::Blocking).expect("durable");
        history.check(history.disk.restart(seed));
        drop(store);
    });
}
