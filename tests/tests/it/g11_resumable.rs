//! G11: a restarted host ends an interrupted hand-off by its journaled phase, without help.

use std::collections::BTreeSet;

use stead_runtime::{Phase, Recovery};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_READY, EVOLVE_V1, EVOLVE_V2};

use crate::harness::{bump, count_of, deploy, open, swap, total, try_open, version};

/// A swap with a crash at every disk operation: one version is active, the state is whole, and a swap works after it.
async fn crash_everywhere(successor: &'static [u8], named: &str) {
    let mut ends = [0; 2];
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let (host, _) = open(&disk).await;
        deploy(&host, "box", EVOLVE_V1).await;
        for key in ["a", "b", "b"] {
            bump(&host, key).await;
        }
        disk.crash_after(crash_at);
        let swapped = host.swap("box", successor, swap()).await.is_ok();
        let crashed = disk.crashed();
        drop(host);
        let disk = disk.restart(crash_at);
        let (host, _) = try_open(&disk).await.unwrap_or_else(|error| panic!("crash at {crash_at}: {error}"));
        let serving = version(&host, "box").await;
        assert!(serving == "v1" && !swapped || serving == named, "{serving} serves, crash at {crash_at}");
        ends[usize::from(serving == named)] += 1;
        assert_eq!((count_of(&host, "b").await, total(&host).await), (2, 3), "{serving}, crash at {crash_at}");
        assert!(host.list().unwrap()[0].handoff.is_none());
        if serving == "v1" {
            host.swap("box", successor, swap()).await.unwrap_or_else(|error| panic!("crash at {crash_at}: {error}"));
        }
        assert_eq!(version(&host, "box").await, named);
        assert_eq!(bump(&host, "b").await, 3);
        if !crashed {
            break;
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "crashes ended in v1 and {named}: {ends:?}");
}

#[tokio::test]
async fn a_crash_anywhere_in_a_migrating_swap_ends_in_one_version() {
    crash_everywhere(EVOLVE_V2, "v2").await;
}

#[tokio::test]
async fn a_crash_anywhere_in_a_plain_swap_ends_in_one_version() {
    crash_everywhere(EVOLVE_READY, "ready").await;
}

/// A disk after a crash in a swap, or none if the swap came to its end before.
async fn crashed_in_a_swap(crash_at: u64) -> Option<SimDisk> {
    let disk = SimDisk::new(crash_at);
    let (host, _) = open(&disk).await;
    deploy(&host, "box", EVOLVE_V1).await;
    bump(&host, "a").await;
    disk.crash_after(crash_at);
    let _ = host.swap("box", EVOLVE_READY, swap()).await;
    disk.crashed().then(|| disk.restart(crash_at))
}

/// In which phase a hand-off was found, and whether its successor won.
fn ended(recovery: &Recovery) -> Option<(Phase, bool)> {
    recovery.handoffs.first().map(|found| (found.phase, found.receipt.given_up().is_none()))
}

#[tokio::test]
async fn an_interrupted_hand_off_ends_as_its_phase_says_and_is_tried_once_more_only() {
    let mut ends = Vec::new();
    let mut asking = None;
    let mut crash_at = 0;
    while let Some(disk) = crashed_in_a_swap(crash_at).await {
        let end = ended(&open(&disk.restart(1)).await.1);
        if end == Some((Phase::AwaitingReady, true)) {
            asking = Some(disk);
        }
        ends.extend(end);
        crash_at += 1;
    }
    for (phase, successor) in
        [(Phase::Negotiating, false), (Phase::Draining, false), (Phase::Sealing, true), (Phase::AwaitingReady, true)]
    {
        assert!(ends.contains(&(phase, successor)), "{phase:?} was never found: {ends:?}");
        assert!(!ends.contains(&(phase, !successor)), "{phase:?} ended both ways: {ends:?}");
    }

    // The host stops again while it asks the successor again.
    let asking = asking.expect("a crash while the successor is asked");
    let mut ends = BTreeSet::new();
    for crash_at in 0.. {
        let disk = asking.restart(crash_at);
        disk.crash_after(crash_at);
        let _ = try_open(&disk).await;
        if !disk.crashed() {
            break;
        }
        let (host, recovery) = open(&disk.restart(crash_at)).await;
        ends.extend(ended(&recovery).map(|(_, successor)| successor));
        assert_eq!(count_of(&host, "a").await, 1);
    }
    assert_eq!(ends, BTreeSet::from([false, true]), "it goes on after one crash, and ends in the incumbent after two");
}
