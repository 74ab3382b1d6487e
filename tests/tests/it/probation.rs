//! G8 on probation: a version that does worse than the one before goes back by itself, and never at the price of a write.

use std::time::{Duration, Instant};

use stead_runtime::{
    Call, CallError, HistoryEvent, Host, OnBreach, Otherwise, Outlook, Probation, ProbationLength, ProbationStage,
    ProbationStep, ReceiptKind, RollbackOptions, SwapOptions, Thresholds,
};
use stead_test_guests::{
    EVOLVE_BACK, EVOLVE_BROKEN, EVOLVE_FLAKY, EVOLVE_READY_FAILS, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_WIDENING,
};

use crate::harness::{bump, count_of, keep, open, refused, swap, text, total, version, with_plugin};

fn calls(calls: u64) -> Probation {
    Probation::of(ProbationLength::Calls(calls))
}

fn time(time: Duration) -> Probation {
    Probation::of(ProbationLength::Time(time))
}

const LONG: Duration = Duration::from_secs(3600);

async fn swapped(host: &Host, wasm: &[u8], probation: Probation) {
    let options = SwapOptions { probation: Some(probation), ..swap() };
    host.swap("box", wasm, options).await.unwrap_or_else(|error| panic!("not swapped: {error}"));
}

/// Calls that trap in the flaky and in the broken version; what they say is of no interest.
async fn trap(host: &Host, times: u32) {
    for _ in 0..times {
        let _ = host.call(Call::new("box", "bump", vec![text("trap")])).await;
    }
}

async fn fail(host: &Host, times: u32) {
    for _ in 0..times {
        host.call(Call::new("box", "bump", vec![text("")])).await.unwrap();
    }
}

/// The steps of probations so far.
fn steps(host: &Host) -> Vec<ProbationStep> {
    let history = host.history("box").unwrap();
    let steps = history.into_iter().filter_map(|entry| match entry.event {
        HistoryEvent::Probation { step, .. } => Some(*step),
        _ => None,
    });
    steps.collect()
}

fn stage(host: &Host) -> Option<ProbationStage> {
    host.list().unwrap().pop().unwrap().probation
}

async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}: in vain");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// The generation that serves.
fn serving(host: &Host) -> u64 {
    host.list().unwrap().pop().unwrap().version.generation
}

#[tokio::test]
async fn figures_count_calls_by_how_they_end_and_begin_anew_with_each_version() {
    let (_, host) = with_plugin(EVOLVE_FLAKY).await;
    assert_eq!(host.show("box").unwrap().figures.calls, 0);
    for _ in 0..5 {
        bump(&host, "a").await;
    }
    fail(&host, 2).await;
    trap(&host, 1).await;
    host.call(Call::new("box", "count-of", vec![text("slow")]).read_only()).await.unwrap();
    // Neither a call that is refused nor one that is answered from the record is one of the version's.
    refused(host.call(Call::new("box", "nothing", vec![])).await);
    let once = Call::new("box", "bump", vec![text("a")]).with_id("ann", 1);
    host.call(once.clone()).await.unwrap();
    assert!(host.call(once).await.unwrap().replayed);
    let figures = host.show("box").unwrap().figures;
    assert_eq!((figures.calls, figures.errors, figures.traps), (10, 2, 1));
    assert!(figures.p99_us >= 25_000 && figures.p50_us < 25_000, "{figures:?}");
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    assert_eq!(host.show("box").unwrap().figures.calls, 0);
}

#[tokio::test]
async fn g08_a_version_that_traps_is_handed_back_with_every_write() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    swapped(&host, EVOLVE_FLAKY, time(LONG)).await;
    assert_eq!(stage(&host), Some(ProbationStage::Watching));
    let report = host.probation("box").unwrap().expect("a probation");
    assert_eq!((report.outlook, report.before.calls), (Outlook::Kept, 1));
    bump(&host, "a").await;
    trap(&host, 2).await;
    assert_eq!(serving(&host), 2, "two traps may be a caller's doing");
    trap(&host, 1).await;
    until("handed back", || serving(&host) == 1).await;
    assert_eq!((version(&host, "box").await.as_str(), count_of(&host, "a").await), ("v1", 2));
    assert_eq!(stage(&host), None);
    match &steps(&host)[..] {
        [ProbationStep::Breached { breaches, figures, answer: OnBreach::HandBack, .. }] => {
            assert_eq!((breaches.len(), figures.traps, figures.calls), (1, 3, 4));
            assert!(breaches[0].to_string().contains("75.0 % of its calls trapped, before 0.0 %"), "{}", breaches[0]);
        }
        other => panic!("{other:?}"),
    }
    let history = host.history("box").unwrap();
    match &history.last().unwrap().event {
        HistoryEvent::HandOff { receipt } => {
            assert_eq!((receipt.kind, receipt.to.generation), (ReceiptKind::Rollback, 1))
        }
        other => panic!("{other:?}"),
    }
    // It has no probation of its own: nothing goes to and fro.
    trap(&host, 5).await;
    drop(host);
    let (host, _) = open(&disk.restart(2)).await;
    assert_eq!((serving(&host), stage(&host), count_of(&host, "a").await), (1, None, 2));
}

#[tokio::test]
async fn g10_a_version_that_cannot_answer_at_all_is_handed_back() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    swapped(&host, EVOLVE_BROKEN, calls(1000)).await;
    trap(&host, 3).await;
    until("handed back", || serving(&host) == 1).await;
    assert_eq!(total(&host).await, 1);
}

#[tokio::test]
async fn g08_a_migrated_state_is_handed_back_by_the_way_down_with_its_writes() {
    let (_, host) = with_plugin(EVOLVE_BACK).await;
    for _ in 0..60 {
        bump(&host, "a").await;
    }
    swapped(&host, EVOLVE_V2, time(LONG)).await;
    let outlook = host.probation("box").unwrap().expect("a probation").outlook;
    assert!(matches!(&outlook, Outlook::Migrated { collections } if collections.len() == 2), "{outlook:?}");
    bump(&host, "later").await;
    fail(&host, 10).await;
    until("handed back", || serving(&host) == 1).await;
    assert_eq!((version(&host, "box").await.as_str(), count_of(&host, "later").await), ("back", 1));
    assert_eq!((count_of(&host, "a").await, total(&host).await), (60, 61));
}

#[tokio::test]
async fn g08_what_would_lose_writes_is_never_handed_back_but_stopped_or_let_go_on_as_agreed() {
    for otherwise in [Otherwise::Stop, Otherwise::GoOn] {
        let (disk, host) = with_plugin(EVOLVE_V1).await;
        for _ in 0..60 {
            bump(&host, "a").await;
        }
        swapped(&host, EVOLVE_V2, Probation { otherwise, ..time(LONG) }).await;
        let outlook = host.probation("box").unwrap().expect("a probation").outlook;
        assert!(matches!(&outlook, Outlook::Lost { reasons } if !reasons.is_empty()), "said in advance: {outlook:?}");
        bump(&host, "later").await;
        fail(&host, 10).await;
        let answering = || matches!(stage(&host), Some(ProbationStage::Watching | ProbationStage::Breached { .. }));
        until("answered", || steps(&host).len() == 2 && !answering()).await;
        match &steps(&host)[1] {
            ProbationStep::NotHandedBack { reason, otherwise: done } => {
                assert!(reason.contains("lose what was written since"), "{reason}");
                assert_eq!(*done, otherwise);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(serving(&host), 2);
        drop(host);
        let (host, _) = open(&disk.restart(3)).await;
        if otherwise == Otherwise::Stop {
            let reply = host.call(Call::new("box", "count-of", vec![text("later")])).await;
            assert_eq!(refused(reply), "stopped");
            host.resume("box").await.unwrap();
        }
        assert_eq!((stage(&host), count_of(&host, "later").await, total(&host).await), (None, 1, 61));
        assert_eq!(host.resume("box").await.unwrap_err().kind(), "not-stopped");
    }
}

#[tokio::test]
async fn g08_the_version_before_takes_over_by_value_where_it_can_read_what_was_written() {
    // The widening version leaves a note with every bump, which v1 cannot hold.
    for (writes, handed_back) in [(false, true), (true, false)] {
        let (_, host) = with_plugin(EVOLVE_V1).await;
        for _ in 0..60 {
            bump(&host, "a").await;
        }
        swapped(&host, EVOLVE_WIDENING, time(LONG)).await;
        let outlook = host.probation("box").unwrap().expect("a probation").outlook;
        assert!(matches!(&outlook, Outlook::KeptByValue { collections } if collections == &["test:evolve/entries@1"]));
        if writes {
            bump(&host, "noted").await;
        }
        fail(&host, 10).await;
        until("answered", || steps(&host).len() == 2 || serving(&host) == 1).await;
        assert_eq!(serving(&host) == 1, handed_back);
        assert_eq!(total(&host).await, 60 + u64::from(writes));
    }
}

#[tokio::test]
async fn a_stopped_version_refuses_calls_until_it_is_resumed_or_replaced() {
    for how in ["resume", "rollback", "swap"] {
        let (disk, host) = with_plugin(EVOLVE_V1).await;
        bump(&host, "a").await;
        swapped(&host, EVOLVE_FLAKY, Probation { on_breach: OnBreach::Stop, ..calls(1000) }).await;
        let once = Call::new("box", "bump", vec![text("a")]).with_id("ann", 1);
        host.call(once.clone()).await.unwrap();
        trap(&host, 3).await;
        until("stopped", || matches!(stage(&host), Some(ProbationStage::Stopped { .. }))).await;
        let (disk, host) = match how {
            "resume" => (disk, host),
            _ => {
                drop(host);
                let disk = disk.restart(4);
                let (host, _) = open(&disk).await;
                (disk, host)
            }
        };
        for call in [Call::new("box", "bump", vec![text("a")]), Call::new("box", "total", vec![]).read_only()] {
            match host.call(call).await {
                Err(CallError::Stopped { plugin, reason }) => {
                    assert!(plugin == "box" && reason.contains("trapped"), "{reason}");
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(host.call(once.clone()).await.unwrap().replayed, "what was executed is answered from its record");
        match how {
            "resume" => {
                assert_eq!(host.resume("box").await.unwrap().generation, 2);
                assert!(matches!(steps(&host)[..], [ProbationStep::Breached { .. }, ProbationStep::Resumed]));
            }
            "rollback" => drop(host.rollback("box", keep()).await.unwrap()),
            _ => drop(host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap()),
        }
        assert_eq!((stage(&host), count_of(&host, "a").await), (None, 2));
        trap(&host, 4).await;
        assert_eq!(bump(&host, "a").await, 3, "there is no probation any more");
        drop(host);
        let (host, _) = open(&disk.restart(5)).await;
        assert_eq!((stage(&host), count_of(&host, "a").await), (None, 3));
    }
}

#[tokio::test]
async fn a_version_that_may_go_on_is_warned_about_once() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    swapped(&host, EVOLVE_FLAKY, Probation { on_breach: OnBreach::GoOn, ..calls(1000) }).await;
    trap(&host, 3).await;
    until("noted", || stage(&host).is_none()).await;
    trap(&host, 6).await;
    assert_eq!(bump(&host, "a").await, 1);
    assert!(matches!(steps(&host)[..], [ProbationStep::Breached { answer: OnBreach::GoOn, .. }]));
    assert_eq!(serving(&host), 2);
}

#[tokio::test]
async fn a_probation_passes_by_calls_and_by_time_also_without_a_call() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    swapped(&host, EVOLVE_REBUILT, calls(5)).await;
    for _ in 0..4 {
        bump(&host, "a").await;
    }
    assert_eq!(stage(&host), Some(ProbationStage::Watching));
    bump(&host, "a").await;
    until("passed", || stage(&host).is_none()).await;
    assert!(matches!(steps(&host)[..], [ProbationStep::Passed { figures, .. }] if figures.calls == 5));

    swapped(&host, EVOLVE_V1, time(Duration::from_millis(30))).await;
    until("passed", || stage(&host).is_none()).await;
    assert!(matches!(steps(&host)[1..], [ProbationStep::Passed { figures, .. }] if figures.calls == 0));
    // At the end a single trap counts.
    swapped(&host, EVOLVE_FLAKY, calls(2)).await;
    bump(&host, "a").await;
    trap(&host, 1).await;
    until("handed back", || serving(&host) == 3).await;
}

#[tokio::test]
async fn g11_a_probation_goes_on_after_a_crash_and_forgets_nothing_bad() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    swapped(&host, EVOLVE_FLAKY, time(LONG)).await;
    trap(&host, 2).await;
    drop(host);
    let (host, _) = open(&disk.restart(6)).await;
    let report = host.probation("box").unwrap().expect("it goes on");
    assert_eq!((report.stage, report.figures.traps, report.before.calls), (ProbationStage::Watching, 2, 1));
    trap(&host, 1).await;
    until("handed back", || serving(&host) == 1).await;
    assert_eq!(count_of(&host, "a").await, 1);
}

#[tokio::test]
async fn g11_closing_saves_what_was_seen_and_the_time_nobody_watched_does_not_count() {
    const CLOSED: Duration = Duration::from_millis(1500);
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    let began = Instant::now();
    swapped(&host, EVOLVE_REBUILT, time(Duration::from_secs(3))).await;
    bump(&host, "a").await;
    host.close().await.unwrap();
    tokio::time::sleep(CLOSED).await;
    let (host, _) = open(&disk).await;
    let report = host.probation("box").unwrap().expect("it goes on");
    let watched = Duration::from_millis(report.watched_ms);
    assert!(watched + CLOSED <= began.elapsed(), "nobody watched meanwhile, and {watched:?} were counted");
    assert_eq!(report.figures.calls, 1);
    until("passed", || stage(&host).is_none()).await;
}

#[tokio::test]
async fn another_swap_ends_a_probation_and_begins_its_own_and_one_that_is_given_up_does_not() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    swapped(&host, EVOLVE_FLAKY, time(LONG)).await;
    trap(&host, 2).await;
    let seven = SwapOptions { probation: Some(calls(7)), ..swap() };
    host.swap("box", EVOLVE_REBUILT, seven.clone()).await.unwrap();
    assert_eq!(host.probation("box").unwrap().expect("its own").terms.length, ProbationLength::Calls(7));
    assert_eq!(host.probation("box").unwrap().expect("its own").before.traps, 2, "judged by the version on probation");
    bump(&host, "a").await;
    assert_eq!(host.swap("box", EVOLVE_READY_FAILS, seven).await.unwrap_err().kind(), "aborted");
    assert_eq!(host.probation("box").unwrap().expect("the same").figures.calls, 1);
    drop(host);
    let (host, _) = open(&disk.restart(7)).await;
    assert_eq!(host.probation("box").unwrap().expect("the same").terms.length, ProbationLength::Calls(7));
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    assert_eq!(stage(&host), None);
}

#[tokio::test]
async fn a_rollback_may_be_on_probation_too() {
    let (_, host) = with_plugin(EVOLVE_FLAKY).await;
    bump(&host, "a").await;
    host.swap("box", EVOLVE_V1, swap()).await.unwrap();
    let options = RollbackOptions { probation: Some(calls(100)), ..keep() };
    host.rollback("box", options).await.unwrap();
    assert_eq!((serving(&host), stage(&host)), (1, Some(ProbationStage::Watching)));
    trap(&host, 3).await;
    until("handed forth", || serving(&host) == 2).await;
    assert_eq!((version(&host, "box").await.as_str(), count_of(&host, "a").await), ("v1", 1));
}

#[tokio::test]
async fn slow_calls_are_a_breach_beside_fast_ones() {
    let (_, host) = with_plugin(EVOLVE_FLAKY).await;
    for _ in 0..110 {
        host.call(Call::new("box", "count-of", vec![text("a")])).await.unwrap();
    }
    let thresholds = Thresholds { latency: Some(1.5), ..Thresholds::default() };
    swapped(&host, EVOLVE_FLAKY, Probation { thresholds, ..calls(100) }).await;
    for number in 0..100 {
        let key = if number < 88 { "a" } else { "slow" };
        host.call(Call::new("box", "count-of", vec![text(key)])).await.unwrap();
    }
    until("handed back", || serving(&host) == 1).await;
    match &steps(&host)[..] {
        [ProbationStep::Breached { breaches, .. }] => assert!(breaches[0].to_string().contains("its calls took")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn g08_a_probation_that_another_swap_ended_is_not_found_again() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    swapped(&host, EVOLVE_FLAKY, time(LONG)).await;
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    // The version that was on probation serves again, without one.
    host.rollback("box", keep()).await.unwrap();
    assert_eq!((serving(&host), stage(&host)), (2, None));
    drop(host);
    let (host, _) = open(&disk.restart(8)).await;
    assert_eq!((serving(&host), stage(&host)), (2, None));
    trap(&host, 4).await;
    assert_eq!((bump(&host, "a").await, serving(&host)), (1, 2));
}

#[tokio::test]
async fn g08_calls_that_waited_while_a_version_was_stopped_are_refused() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    swapped(&host, EVOLVE_FLAKY, Probation { on_breach: OnBreach::Stop, ..calls(1000) }).await;
    trap(&host, 2).await;
    let calling = |key: &'static str| {
        let host = host.clone();
        tokio::spawn(async move { host.call(Call::new("box", "bump", vec![text(key)])).await })
    };
    let last_trap = calling("trap");
    let waiting: Vec<_> = (0..10).map(|_| calling("slow")).collect();
    last_trap.await.unwrap().unwrap_err();
    let (mut bumps, mut last) = (0, None);
    for call in waiting {
        let reply = call.await.unwrap();
        bumps += u64::from(reply.is_ok());
        last = Some(reply);
    }
    assert_eq!(last.map(refused), Some("stopped"), "{bumps} ran");
    host.resume("box").await.unwrap();
    assert_eq!(total(&host).await, bumps);
}
