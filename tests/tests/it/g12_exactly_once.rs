//! G12: a call with an id runs at most once, however often and whenever it is asked.

use stead_runtime::{Call, DeployOptions, Outcome, SwapOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_V1, EVOLVE_V2, HOSTILE};

use crate::harness::{bump, discard, open, refused, text, total, u64_, with_plugin};

fn once(key: &str, sequence: u64) -> Call {
    Call::new("box", "bump", vec![text(key)]).with_id("ann", sequence)
}

#[tokio::test]
async fn a_repeated_call_is_answered_from_its_record_also_after_power_loss_and_a_swap() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    let first = host.call(once("a", 1)).await.unwrap();
    assert_eq!((first.outcome.clone(), first.replayed), (Outcome::Ok(Some(u64_(1))), false));
    bump(&host, "a").await;
    let again = host.call(once("a", 1)).await.unwrap();
    assert_eq!((again.outcome, again.replayed), (first.outcome.clone(), true));
    drop(host);
    let (host, _) = open(&disk.restart(5)).await;
    assert_eq!(host.call(once("a", 1)).await.unwrap().outcome, first.outcome);
    host.swap("box", EVOLVE_V2, SwapOptions::default()).await.unwrap();
    assert_eq!(host.call(once("a", 1)).await.unwrap().outcome, first.outcome);
    assert_eq!(total(&host).await, 2);
}

#[tokio::test]
async fn an_err_and_a_trap_are_recorded_too() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    for replayed in [false, true] {
        let reply = host.call(once("", 1)).await.unwrap();
        assert_eq!((reply.outcome, reply.replayed), (Outcome::Err(Some(text("a key is not empty"))), replayed));
    }
    let (_, host) = with_plugin(HOSTILE).await;
    for expected in [false, true] {
        let panic = Call::new("box", "panic", vec![text("on purpose")]).with_id("ann", 1);
        match host.call(panic).await {
            Err(stead_runtime::CallError::Trapped { replayed, .. }) => assert_eq!(replayed, expected),
            other => panic!("not trapped: {other:?}"),
        }
    }
}

#[tokio::test]
async fn other_arguments_under_the_same_id_are_refused() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    host.call(once("a", 1)).await.unwrap();
    assert_eq!(refused(host.call(once("b", 1)).await), "id-reused");
    let other = Call::new("box", "count-of", vec![text("a")]).with_id("ann", 1);
    assert_eq!(refused(host.call(other).await), "id-reused");
    assert_eq!(total(&host).await, 1);
}

#[tokio::test]
async fn duplicates_in_flight_run_once() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { host.call(once("a", 7)).await })
        })
        .collect();
    let mut executed = 0;
    for call in calls {
        let reply = call.await.unwrap().unwrap();
        assert_eq!(reply.outcome, Outcome::Ok(Some(u64_(1))));
        executed += u32::from(!reply.replayed);
    }
    assert_eq!((executed, total(&host).await), (1, 1));
}

#[tokio::test]
async fn below_the_window_a_call_is_refused_and_never_run_again() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut options = DeployOptions::default();
    options.limits.results_per_client_max = 4;
    options.limits.clients_max = 2;
    host.deploy("box", EVOLVE_V1, options).await.unwrap();
    for sequence in 1..=10 {
        host.call(once("a", sequence)).await.unwrap();
    }
    assert_eq!(refused(host.call(once("a", 6)).await), "below-window");
    assert!(host.call(once("a", 7)).await.unwrap().replayed);
    assert_eq!(total(&host).await, 10);
    let other = |client: &str| Call::new("box", "bump", vec![text("a")]).with_id(client, 1);
    host.call(other("bob")).await.unwrap();
    assert_eq!(refused(host.call(other("cid")).await), "clients-full");
}

#[tokio::test]
async fn a_call_that_a_rollback_took_back_says_so() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    host.call(once("a", 1)).await.unwrap();
    host.swap("box", EVOLVE_V2, SwapOptions::default()).await.unwrap();
    host.call(once("a", 2)).await.unwrap();
    host.rollback("box", discard()).await.unwrap();
    assert!(host.call(once("a", 1)).await.unwrap().replayed);
    assert_eq!(refused(host.call(once("a", 2)).await), "undone");
    assert_eq!(total(&host).await, 1);
}

#[tokio::test]
async fn a_crash_at_any_disk_operation_leaves_the_writes_and_their_record_or_neither() {
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let (host, _) = open(&disk).await;
        crate::harness::deploy(&host, "box", EVOLVE_V1).await;
        disk.crash_after(crash_at);
        for sequence in 1..=3 {
            let _ = host.call(once("a", sequence)).await;
        }
        let crashed = disk.crashed();
        drop(host);
        let (host, _) = open(&disk.restart(crash_at)).await;
        for sequence in 1..=3 {
            host.call(once("a", sequence)).await.unwrap();
        }
        assert_eq!(total(&host).await, 3, "crash at {crash_at}");
        if !crashed {
            break;
        }
    }
}
