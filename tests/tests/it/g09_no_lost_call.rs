//! G9: calls that arrive during a hand-off wait and are served; none fails, none runs twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use stead_runtime::{Call, CallError, DeployOptions, Host, Phase, Reply, SwapError, SwapOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{
    EVOLVE_MIGRATE_ERR, EVOLVE_READY_LOOPS, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3, HOSTILE,
};

use tokio::task::JoinHandle;

use crate::harness::{
    deploy, keep, number, open, open_dir, refused, returned, swap, text, total, version, with_plugin,
};

/// Begins a swap whose gate is closed when this returns, and opens to the incumbent after this time.
async fn hold(host: &Host, time: Duration) -> JoinHandle<SwapError> {
    let swapping = tokio::spawn({
        let host = host.clone();
        let hasty = SwapOptions { deadline: Some(time), ..swap() };
        async move { host.swap("box", EVOLVE_READY_LOOPS, hasty).await.expect_err("it never says that it is ready") }
    });
    while !is_held(host) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    swapping
}

fn is_held(host: &Host) -> bool {
    host.list().unwrap()[0].handoff == Some(Phase::AwaitingReady)
}

/// A call that waits at the gate, behind so many others.
async fn wait_behind(host: &Host, others: u64, call: Call) -> JoinHandle<Result<Reply, CallError>> {
    let waiting = tokio::spawn({
        let host = host.clone();
        async move { host.call(call).await }
    });
    while host.show("box").unwrap().waiting <= others {
        assert!(!waiting.is_finished(), "{:?}", waiting.await);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    waiting
}

fn bump() -> Call {
    Call::new("box", "bump", vec![text("a")])
}

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g09_calls_that_a_hand_off_held_are_served_in_the_order_in_which_they_came() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let holding = hold(&host, Duration::from_secs(2)).await;
    let mut waiting = Vec::new();
    for others in 0..5 {
        waiting.push(wait_behind(&host, others, bump()).await);
    }
    assert!(is_held(&host), "the gate opened too early for this test");
    assert_eq!(holding.await.unwrap().kind(), "aborted");
    for (place, call) in waiting.into_iter().enumerate() {
        assert_eq!(number(returned(call.await.unwrap())), place as u64 + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g09_a_deadline_that_passes_at_the_gate_ends_the_call_and_not_the_hand_off() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let holding = hold(&host, Duration::from_secs(3)).await;
    let patient = wait_behind(&host, 0, bump()).await;
    let hasty = Call { deadline: Some(Duration::from_millis(100)), ..bump() }.with_id("ann", 1);
    assert_eq!(refused(host.call(hasty.clone()).await), "deadline");
    assert!(is_held(&host), "it waited for the hand-off and not for its deadline");
    assert_eq!(holding.await.unwrap().kind(), "aborted");
    assert_eq!(number(returned(patient.await.unwrap())), 1);
    let again = host.call(Call { deadline: None, ..hasty }).await.unwrap();
    assert!(!again.replayed, "it had not run");
    assert_eq!(total(&host).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g09_g14_a_hand_off_holds_as_many_calls_as_may_wait_and_refuses_others_at_once() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut options = DeployOptions::default();
    options.limits.waiting_calls_max = 2;
    host.deploy("box", EVOLVE_V1, options).await.unwrap();
    let holding = hold(&host, Duration::from_secs(2)).await;
    let waiting = [wait_behind(&host, 0, bump()).await, wait_behind(&host, 1, bump()).await];
    for _ in 0..3 {
        assert_eq!(refused(host.call(bump()).await), "queue-full");
    }
    assert!(is_held(&host), "the gate opened too early for this test");
    assert_eq!(holding.await.unwrap().kind(), "aborted");
    for (place, call) in waiting.into_iter().enumerate() {
        assert_eq!(number(returned(call.await.unwrap())), place as u64 + 1);
    }
    assert_eq!(total(&host).await, 2);
}
