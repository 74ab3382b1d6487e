//! G9: calls that arrive during a hand-off wait and are served; none fails, none runs twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use stead_runtime::{Call, SwapError, SwapOptions};
use stead_test_guests::{
    EVOLVE_MIGRATE_ERR, EVOLVE_READY_LOOPS, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3, HOSTILE,
};

use crate::harness::{deploy, keep, number, open_dir, returned, swap, text, total, version, with_plugin};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_lose_and_double_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let host = open_dir(directory.path()).await;
    deploy(&host, "box", EVOLVE_V1).await;
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (host, stop, served) = (host.clone(), stop.clone(), served.clone());
            tokio::spawn(async move {
                let mut sequence = 0;
                while !stop.load(Ordering::Relaxed) {
                    sequence += 1;
                    let bump = Call::new("box", "bump", vec![text(&format!("key {caller}"))]);
                    returned(host.call(bump.with_id(format!("caller {caller}"), sequence)).await);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let settle = || tokio::time::sleep(Duration::from_millis(30));
    settle().await;
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    settle().await;
    host.rollback("box", keep()).await.unwrap();
    settle().await;
    assert_eq!(host.swap("box", EVOLVE_MIGRATE_ERR, swap()).await.unwrap_err().kind(), "aborted");
    settle().await;
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    settle().await;
    host.swap("box", EVOLVE_V3, swap()).await.unwrap();
    settle().await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("no call failed");
    }
    assert_eq!(version(&host, "box").await, "v3");
    assert_eq!(total(&host).await, served.load(Ordering::Relaxed));
    host.close().await.unwrap();
    let host = open_dir(directory.path()).await;
    assert_eq!(total(&host).await, served.load(Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn read_only_calls_go_on_against_the_sealed_state_while_the_successor_gets_ready() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    crate::harness::bump(&host, "a").await;
    let swapping = tokio::spawn({
        let host = host.clone();
        let hasty = SwapOptions { deadline: Some(Duration::from_secs(3)), ..swap() };
        async move { host.swap("box", EVOLVE_READY_LOOPS, hasty).await }
    });
    while host.list().unwrap()[0].handoff != Some(stead_runtime::Phase::AwaitingReady) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let write = tokio::spawn({
        let host = host.clone();
        async move { host.call(Call::new("box", "bump", vec![text("a")])).await }
    });
    let mut reads = 0;
    while host.list().unwrap()[0].handoff == Some(stead_runtime::Phase::AwaitingReady) {
        let read = Call::new("box", "count-of", vec![text("a")]).read_only();
        let value = number(returned(host.call(read).await));
        assert!(value == 1 || !swapping.is_finished() || value == 2, "{value}");
        reads += 1;
    }
    assert!(reads > 3, "{reads} reads while the gate was closed");
    let error = swapping.await.unwrap().unwrap_err();
    assert!(matches!(error, SwapError::Aborted { phase: stead_runtime::Phase::AwaitingReady, .. }), "{error}");
    assert_eq!(number(returned(write.await.unwrap())), 2, "the call that was held runs on the incumbent");
    let read = Call::new("box", "count-of", vec![text("a")]).read_only();
    assert_eq!(number(returned(host.call(read).await)), 2);
}

#[tokio::test]
async fn a_call_that_does_not_end_in_time_aborts_the_hand_off_and_not_the_other_way_round() {
    let (_, host) = with_plugin(HOSTILE).await;
    let doze = Call::new("box", "doze", vec![stead_schema::Value(stead_schema::Parts::U32(600))]);
    let running = tokio::spawn({
        let host = host.clone();
        async move { host.call(doze).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let waiting = tokio::spawn({
        let host = host.clone();
        async move { host.call(Call::new("box", "len", vec![])).await }
    });
    tokio::task::yield_now().await;
    let hasty = SwapOptions { deadline: Some(Duration::from_millis(100)), ..swap() };
    match host.swap("box", HOSTILE, hasty).await {
        Err(SwapError::Aborted { phase: stead_runtime::Phase::Draining, receipts, .. }) => {
            assert!(receipts[0].pause_us >= 100_000, "calls waited for it: {receipts:?}");
            assert_eq!(receipts[0].held_calls, 1);
        }
        other => panic!("not given up while draining: {other:?}"),
    }
    waiting.await.unwrap().expect("a call that waited is served");
    running.await.unwrap().expect("the running call ends as it would have");
    host.swap("box", HOSTILE, swap()).await.unwrap();
}
