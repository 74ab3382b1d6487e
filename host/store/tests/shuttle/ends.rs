//! The store ends while threads commit, wait, make checkpoints and hold tickets.

use shuttle::thread;
use stead_store::{CommitError, Options};

use crate::history::{History, Refused, Wait, options};
use crate::schedules::under_many_schedules;

#[test]
fn g02_a_close_lets_nobody_wait_for_ever() {
    under_many_schedules("g02_a_close_lets_nobody", |seed| {
        let (history, store) = History::begin(seed, Options { checkpoint_bytes: 8000, ..options() });
        let threads = [
            history.committer(&store, 'a', Wait::Blocking, 3, 3000),
            history.committer(&store, 'b', Wait::Backwards, 3, 10),
        ];
        let other = store.clone();
        let checkpoint = thread::spawn(move || drop(other.checkpoint()));
        store.close().expect("closed");
        for thread in threads {
            if let Err(refused) = thread.join().expect("no panic") {
                assert!(matches!(refused, Refused::Commit(CommitError::Closed)), "{refused:?}");
            }
        }
        checkpoint.join().expect("no panic");
        history.check(history.disk.restart(seed));
    });
}

/// The last clone goes while its tickets are still waited for elsewhere: what was accepted becomes durable.
#[test]
fn g02_tickets_outlive_the_store() {
    under_many_schedules("g02_tickets_outlive", |seed| {
        let (history, store) = History::begin(seed, Options { checkpoint_bytes: 3000, ..options() });
        let tickets: Vec<_> = ["one", "two", "three"]
            .into_iter()
            .map(|key| history.commit(&store, key.into(), 2000).expect("accepted"))
            .collect();
        let waiting: Vec<_> = tickets.into_iter().map(|ticket| thread::spawn(move || ticket.wait())).collect();
        drop(store);
        for (thread, number) in waiting.into_iter().zip(2..) {
            assert_eq!(thread.join().expect("no panic").expect("made durable before the end").0, number);
        }
        history.check(history.disk.restart(seed));
    });
}
