use std::time::{Duration, Instant};

use super::{NoTurn, Turns};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

#[tokio::test]
async fn turns_go_in_the_order_asked_and_a_hand_off_first() {
    let turns = Turns::new(Vec::new());
    let first = turns.take(soon(), 10).await.unwrap();
    let mut waiters = Vec::new();
    for name in ["a", "b"] {
        let turns = turns.clone();
        waiters.push(tokio::spawn(async move { turns.take(soon(), 10).await.unwrap().push(name) }));
        tokio::task::yield_now().await;
    }
    let next = tokio::spawn({
        let turns = turns.clone();
        async move { turns.take_next(soon()).await.unwrap().push("hand-off") }
    });
    tokio::task::yield_now().await;
    assert_eq!(turns.waiting(), 2, "a hand-off is no call that waits");
    assert!(matches!(turns.take(soon(), 2).await, Err(NoTurn::Full { waiting: 2 })));
    drop(first);
    next.await.unwrap();
    for waiter in waiters {
        waiter.await.unwrap();
    }
    assert_eq!(*turns.take(soon(), 10).await.unwrap(), ["hand-off", "a", "b"]);
}

#[tokio::test]
async fn a_full_queue_and_a_deadline_refuse_and_free_their_place() {
    let turns = Turns::new(());
    let held = turns.take(soon(), 1).await.unwrap();
    let short = Instant::now() + Duration::from_millis(20);
    let waiter = tokio::spawn({
        let turns = turns.clone();
        async move { turns.take(short, 1).await.map(drop) }
    });
    tokio::task::yield_now().await;
    assert_eq!(turns.take(soon(), 1).await.map(drop), Err(NoTurn::Full { waiting: 1 }));
    assert!(matches!(waiter.await.unwrap(), Err(NoTurn::Deadline { .. })));
    drop(held);
    turns.take(soon(), 1).await.unwrap();
}

#[tokio::test]
async fn a_turn_given_to_one_who_gave_up_goes_on() {
    let turns = Turns::new(());
    let held = turns.take(soon(), 10).await.unwrap();
    let gone = tokio::spawn({
        let turns = turns.clone();
        async move { turns.take(soon(), 10).await.map(drop) }
    });
    tokio::task::yield_now().await;
    let stays = tokio::spawn({
        let turns = turns.clone();
        async move { turns.take(soon(), 10).await.map(drop) }
    });
    tokio::task::yield_now().await;
    gone.abort();
    let _ = gone.await;
    drop(held);
    stays.await.unwrap().unwrap();
}
