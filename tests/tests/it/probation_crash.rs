//! G11: a crash at every disk operation of a swap on probation, its breach and the hand-back.

use std::time::{Duration, Instant};

use stead_runtime::{
    Call, CallError, HistoryEvent, Host, OnBreach, Otherwise, Probation, ProbationLength, ProbationStage,
    ProbationStep, SwapOptions,
};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_FLAKY, EVOLVE_READY_FAILS, EVOLVE_REBUILT, EVOLVE_V1};

use crate::harness::{bump, count_of, deploy, open, swap, text, try_open};

fn terms(on_breach: OnBreach) -> Probation {
    let otherwise = Otherwise::Stop;
    Probation { on_breach, otherwise, ..Probation::of(ProbationLength::Time(Duration::from_secs(3600))) }
}

fn call(sequence: u64, key: &str) -> Call {
    Call::new("box", "bump", vec![text(key)]).with_id("ann", sequence)
}

/// Whether the breach was answered: the version before serves, or its calls are refused.
fn answered(host: &Host) -> bool {
    let plugin = host.list().unwrap().pop().unwrap();
    let stopped = matches!(plugin.probation, Some(ProbationStage::Stopped { .. }));
    stopped || (plugin.version.generation == 1 && plugin.probation.is_none() && plugin.handoff.is_none())
}

/// Whether the history says so.
fn was_breached(host: &Host) -> bool {
    let history = host.history("box").unwrap();
    history.iter().any(|entry| match &entry.event {
        HistoryEvent::Probation { step, .. } => matches!(**step, ProbationStep::Breached { .. }),
        _ => false,
    })
}

async fn until_answered(host: &Host, disk: &SimDisk) {
    let began = Instant::now();
    while !answered(host) && !disk.crashed() {
        assert!(began.elapsed() < Duration::from_secs(20), "the breach was never answered");
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
}

/// What was seen of the run before the crash.
#[derive(Default, Debug)]
struct Seen {
    swapped: bool,
    bumps: u64,
    traps: u64,
}

async fn run(host: &Host, disk: &SimDisk, on_breach: OnBreach) -> Seen {
    let mut seen = Seen::default();
    let options = SwapOptions { probation: Some(terms(on_breach)), ..swap() };
    seen.swapped = host.swap("box", EVOLVE_FLAKY, options).await.is_ok();
    if !seen.swapped {
        return seen;
    }
    for sequence in 1..=5 {
        match host.call(call(sequence, if sequence < 3 { "a" } else { "trap" })).await {
            Ok(_) => seen.bumps += 1,
            Err(CallError::Trapped { .. }) => seen.traps += 1,
            Err(_) => return seen,
        }
    }
    until_answered(host, disk).await;
    seen
}

async fn crash_everywhere(on_breach: OnBreach) {
    let base = SimDisk::new(5);
    let (host, _) = open(&base).await;
    deploy(&host, "box", EVOLVE_V1).await;
    host.close().await.unwrap();
    let mut at = 0;
    loop {
        let disk = base.restart(at);
        disk.crash_after(at);
        let seen = match try_open(&disk).await {
            Ok((host, _)) => run(&host, &disk, on_breach).await,
            Err(_) => Seen::default(),
        };
        let crashed = disk.crashed();
        let disk = disk.restart(at);
        let (host, _) = open(&disk).await;
        let breached = host.probation("box").unwrap().is_some_and(|report| report.figures.traps == 3);
        if seen.traps == 3 || breached {
            until_answered(&host, &disk).await;
        }
        let before = host.list().unwrap().pop().unwrap();
        let on_probation = before.probation.is_some() || was_breached(&host);
        assert!(!seen.swapped || on_probation, "{seen:?}, crash at {at}");
        if matches!(before.probation, Some(ProbationStage::Stopped { .. })) {
            host.resume("box").await.unwrap();
        }
        for sequence in 1..=seen.bumps {
            assert!(host.call(call(sequence, "a")).await.unwrap().replayed, "{seen:?}, crash at {at}");
        }
        let count = count_of(&host, "a").await;
        assert!(count == seen.bumps || (count == seen.bumps + 1 && crashed), "{count} of {seen:?}, crash at {at}");
        host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap_or_else(|error| panic!("crash at {at}: {error}"));
        assert_eq!(bump(&host, "a").await, count + 1);
        assert!(host.list().unwrap().pop().unwrap().probation.is_none(), "crash at {at}");
        if !crashed {
            assert_eq!((seen.bumps, seen.traps), (2, 3), "the run ends by itself");
            return;
        }
        at += 1;
    }
}

#[tokio::test]
async fn g11_a_crash_at_every_disk_operation_of_a_breach_that_is_handed_back() {
    crash_everywhere(OnBreach::HandBack).await;
}

#[tokio::test]
async fn g11_a_crash_at_every_disk_operation_of_a_breach_that_stops() {
    crash_everywhere(OnBreach::Stop).await;
}

#[tokio::test]
async fn g11_terms_of_a_swap_that_was_given_up_are_not_those_of_a_later_one_that_a_crash_interrupts() {
    let base = SimDisk::new(9);
    let (host, _) = open(&base).await;
    deploy(&host, "box", EVOLVE_V1).await;
    let agreed = SwapOptions { probation: Some(terms(OnBreach::HandBack)), ..swap() };
    assert_eq!(host.swap("box", EVOLVE_READY_FAILS, agreed).await.unwrap_err().kind(), "aborted");
    host.close().await.unwrap();
    let mut went_on = 0;
    for at in 0.. {
        let disk = base.restart(at);
        disk.crash_after(at);
        let swapped = match try_open(&disk).await {
            Ok((host, _)) => host.swap("box", EVOLVE_REBUILT, swap()).await.is_ok(),
            Err(_) => false,
        };
        let crashed = disk.crashed();
        let (host, recovery) = open(&disk.restart(at)).await;
        went_on += u64::from(!recovery.handoffs.is_empty() && host.list().unwrap()[0].version.generation > 1);
        assert!(host.list().unwrap()[0].probation.is_none(), "nobody asked for a probation, crash at {at}");
        if !crashed {
            assert!(swapped && went_on > 0, "{went_on} crashes were followed by a swap that went on");
            return;
        }
    }
}

#[tokio::test]
async fn g11_a_swap_that_goes_on_after_a_crash_begins_with_the_probation_that_was_agreed() {
    let base = SimDisk::new(10);
    let (host, _) = open(&base).await;
    deploy(&host, "box", EVOLVE_V1).await;
    host.close().await.unwrap();
    let mut went_on = 0;
    for at in 0.. {
        let disk = base.restart(at);
        disk.crash_after(at);
        if let Ok((host, _)) = try_open(&disk).await {
            let options = SwapOptions { probation: Some(terms(OnBreach::Stop)), ..swap() };
            let _ = host.swap("box", EVOLVE_FLAKY, options).await;
        }
        let crashed = disk.crashed();
        let (host, recovery) = open(&disk.restart(at)).await;
        let plugin = host.list().unwrap().pop().unwrap();
        let expected = (plugin.version.generation > 1).then_some(ProbationStage::Watching);
        assert_eq!(plugin.probation, expected, "crash at {at}");
        went_on += u64::from(expected.is_some() && !recovery.handoffs.is_empty());
        if !crashed {
            assert!(went_on > 0, "no crash was followed by a swap that went on");
            return;
        }
    }
}
