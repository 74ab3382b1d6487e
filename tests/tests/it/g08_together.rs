//! G8 for several plugins: they change hands in one commit, all or none.

use stead_runtime::{Activated, Call, HistoryEvent, Host, Phase, Swap, SwapError, SwapOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_MIGRATE_ERR, EVOLVE_READY_FAILS, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3};

use crate::harness::{deploy, number, open, returned, swap, text, try_open, version};

const PLUGINS: [&str; 2] = ["left", "right"];

fn both(left: &[u8], right: &[u8]) -> Vec<Swap> {
    let swap = |(plugin, wasm): (&str, &[u8])| Swap { plugin: plugin.into(), wasm: wasm.into(), options: swap() };
    // Not in the order of their ids.
    [("right", right), ("left", left)].into_iter().map(swap).collect()
}

async fn bump(host: &Host, plugin: &str, key: &str) -> u64 {
    number(returned(host.call(stead_runtime::Call::new(plugin, "bump", vec![text(key)])).await))
}

async fn versions(host: &Host) -> [String; 2] {
    [version(host, "left").await, version(host, "right").await]
}

async fn with_both(disk: &SimDisk) -> Host {
    let (host, _) = open(disk).await;
    for plugin in PLUGINS {
        deploy(&host, plugin, EVOLVE_V1).await;
        bump(&host, plugin, "a").await;
    }
    host
}

#[tokio::test]
async fn a_crash_anywhere_in_a_hand_off_of_two_ends_in_both_or_neither() {
    let mut ends = [0; 2];
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let host = with_both(&disk).await;
        disk.crash_after(crash_at);
        let swapped = host.swap_all(both(EVOLVE_V2, EVOLVE_REBUILT)).await.is_ok();
        let crashed = disk.crashed();
        drop(host);
        let (host, _) =
            try_open(&disk.restart(crash_at)).await.unwrap_or_else(|error| panic!("at {crash_at}: {error}"));
        let serving = versions(&host).await;
        let done = serving == ["v2", "rebuilt"];
        assert!(done || !swapped && serving == ["v1", "v1"], "{serving:?} serve, crash at {crash_at}");
        ends[usize::from(done)] += 1;
        assert!(host.list().unwrap().iter().all(|plugin| plugin.handoff.is_none()));
        for plugin in PLUGINS {
            assert_eq!(bump(&host, plugin, "a").await, 2, "{plugin}, crash at {crash_at}");
        }
        if !done {
            host.swap_all(both(EVOLVE_V2, EVOLVE_REBUILT)).await.unwrap_or_else(|e| panic!("at {crash_at}: {e}"));
        }
        host.swap_all(both(EVOLVE_V3, EVOLVE_V2)).await.unwrap_or_else(|error| panic!("at {crash_at}: {error}"));
        assert_eq!(versions(&host).await, ["v3", "v2"]);
        if !crashed {
            break;
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}

#[tokio::test]
async fn one_successor_that_fails_keeps_the_other_back() {
    let disk = SimDisk::new(1);
    let host = with_both(&disk).await;
    let error = host.swap_all(both(EVOLVE_REBUILT, EVOLVE_MIGRATE_ERR)).await.unwrap_err();
    assert_eq!(error.kind(), "aborted", "{error}");
    assert_eq!(versions(&host).await, ["v1", "v1"]);
    for plugin in PLUGINS {
        let history = host.history(plugin).unwrap();
        let Some(HistoryEvent::HandOff { receipt }) = history.last().map(|entry| &entry.event) else {
            panic!("no receipt: {history:?}");
        };
        assert!(matches!(receipt.activated, Activated::Incumbent { .. }), "{receipt:?}");
        assert_eq!(bump(&host, plugin, "a").await, 2);
    }
    let receipts = host.swap_all(both(EVOLVE_V2, EVOLVE_REBUILT)).await.unwrap();
    let order: Vec<&str> = receipts.iter().map(|receipt| receipt.plugin.as_str()).collect();
    assert_eq!(order, ["right", "left"], "receipts come in the order asked");
    assert_eq!(versions(&host).await, ["v2", "rebuilt"]);
}

#[tokio::test]
async fn g08_g09_one_successor_that_is_not_ready_after_the_sealing_gives_every_incumbent_its_state_back() {
    for (left, right) in [(EVOLVE_REBUILT, EVOLVE_READY_FAILS), (EVOLVE_READY_FAILS, EVOLVE_V2)] {
        let disk = SimDisk::new(2);
        let host = with_both(&disk).await;
        let error = host.swap_all(both(left, right)).await.unwrap_err();
        assert!(matches!(error, SwapError::Aborted { phase: Phase::AwaitingReady, .. }), "{error}");
        for plugin in PLUGINS {
            let read = Call::new(plugin, "count-of", vec![text("a")]).read_only();
            assert_eq!(number(returned(host.call(read).await)), 1, "{plugin}");
            assert_eq!(bump(&host, plugin, "a").await, 2, "{plugin}");
        }
        drop(host);
        let (host, recovery) = open(&disk.restart(2)).await;
        assert!(recovery.handoffs.is_empty());
        assert_eq!(versions(&host).await, ["v1", "v1"]);
        assert_eq!((bump(&host, "left", "a").await, bump(&host, "right", "a").await), (3, 3));
    }
}

#[tokio::test]
async fn what_cannot_be_asked_of_a_group_is_refused_before_anything_begins() {
    let disk = SimDisk::new(1);
    let host = with_both(&disk).await;
    let named = |plugin: &str| Swap { plugin: plugin.into(), wasm: EVOLVE_V2.into(), options: SwapOptions::default() };
    let kind = |swaps: Vec<Swap>| {
        let host = host.clone();
        async move { host.swap_all(swaps).await.map_err(|error| (error.kind(), error.to_string())) }
    };
    let (twice, text) = kind(vec![named("left"), named("left")]).await.unwrap_err();
    assert!(twice == "refused" && text.contains("left"), "{text}");
    assert_eq!(kind(vec![named("left"), named("middle")]).await.unwrap_err().0, "unknown-plugin");
    let garbage = Swap { wasm: b"no component".to_vec(), ..named("right") };
    let (component, text) = kind(vec![named("left"), garbage]).await.unwrap_err();
    assert!(component == "component" && text.starts_with("right: "), "{text}");
    assert!(kind(Vec::new()).await.unwrap().is_empty());
    let many = (0..=stead_runtime::limits::SWAPS_MAX).map(|n| named(&format!("plugin{n}"))).collect();
    assert_eq!(kind(many).await.unwrap_err().0, "refused");
    // None of that left a mark.
    host.swap_all(vec![named("left"), named("right")]).await.unwrap();
    assert_eq!(versions(&host).await, ["v2", "v2"]);
}
