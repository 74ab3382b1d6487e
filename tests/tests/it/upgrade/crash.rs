//! G11: a crash at any moment of an upgrade. While entries are converted it goes on in the background from where it was, and
//! the incumbent serves; later it ends as its phase says. No help is needed.

use std::collections::BTreeSet;
use std::time::Duration;

use stead_runtime::{Call, HistoryEvent, Host, Outcome, Reply};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LEDGER_V2, LEDGER_V3};

use super::{ask, call, credit, describe, ledger, open_many, states, text, u32_, upgraded};
use crate::harness::{number, open, swap, try_open, version};

/// Waits until no hand-off is under way.
pub(super) async fn settled(host: &Host) {
    for _ in 0..10_000 {
        if host.list().unwrap()[0].handoff.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the hand-off does not end");
}

fn once(sequence: u64) -> Call {
    Call::new("box", "credit", vec![text(&format!("c{}", sequence % 3)), u32_(1)]).with_id("ann", sequence)
}

/// Calls until the disk crashes or it is told to stop; what was acknowledged.
async fn calling(host: Host, up_to: u64) -> Vec<Reply> {
    let mut seen = Vec::new();
    while (seen.len() as u64) < up_to {
        match host.call(once(seen.len() as u64 + 1)).await {
            Ok(reply) => seen.push(reply),
            Err(_) => break,
        }
        tokio::task::yield_now().await;
    }
    seen
}

/// An upgrade with calls beside it and a crash at every `step`th disk operation; then everything is there exactly once, one
/// version serves, and the next upgrade works.
async fn crash_everywhere(first: u64, step: u64) {
    let base = SimDisk::new(21);
    ledger(&base).await.close().await.unwrap();
    let mut ends = BTreeSet::new();
    for at in (first..).step_by(step as usize) {
        let disk = base.restart(at);
        let (host, _) = open(&disk).await;
        disk.crash_after(at);
        let calls = tokio::spawn(calling(host.clone(), 40));
        let swapped = host.swap("box", LEDGER_V2, swap()).await.is_ok();
        let seen = calls.await.unwrap();
        let crashed = disk.crashed();
        drop(host);

        let disk = disk.restart(at);
        let (host, _) = try_open(&disk).await.unwrap_or_else(|error| panic!("crash at {at}: {error}"));
        let at_open = version(&host, "box").await;
        for (index, reply) in seen.iter().enumerate() {
            let again =
                host.call(once(index as u64 + 1)).await.unwrap_or_else(|error| panic!("crash at {at}: {error}"));
            assert!(again.replayed && again.outcome == reply.outcome, "call {index}, crash at {at}");
        }
        settled(&host).await;
        let serving = version(&host, "box").await;
        assert!(serving == "v2" || !swapped, "a swap that was acknowledged is undone, crash at {at}");
        ends.insert((at_open.clone(), serving.clone()));
        // The call that was under way is there whole or not at all.
        let asked = seen.len() as u64 + 1;
        host.call(once(asked)).await.unwrap_or_else(|error| panic!("crash at {at}: {error}"));
        assert_eq!(ask(&host, "turned-over", vec![]).await, Some((7 + asked).to_string()), "crash at {at}");
        assert_eq!(number(call(&host, "journal-end", vec![]).await), 2 + asked, "crash at {at}");
        assert_eq!(
            ask(&host, "balance", vec![text("c1")]).await,
            Some((asked.div_ceil(3)).to_string()),
            "crash at {at}"
        );
        let described = describe(&host, "a00000049").await.unwrap();
        assert_eq!(described, if serving == "v1" { "opened" } else { "a00000049: opened" }, "crash at {at}");

        if serving == "v1" {
            upgraded(&host).await;
        }
        host.swap("box", LEDGER_V3, swap()).await.unwrap_or_else(|error| panic!("crash at {at}: {error}"));
        assert_eq!(ask(&host, "balance", vec![text("a00000049")]).await.as_deref(), Some("49"), "crash at {at}");
        assert_eq!(credit(&host, "c0", 1).await, asked / 3 + 1, "crash at {at}");
        if !crashed {
            assert!(swapped);
            break;
        }
    }
    let went_on = ("v1".to_owned(), "v2".to_owned());
    assert!(ends.contains(&went_on), "no crash was followed by an upgrade that went on by itself: {ends:?}");
    assert!(ends.contains(&("v1".to_owned(), "v1".to_owned())), "{ends:?}");
}

#[tokio::test]
async fn g11_a_crash_at_every_disk_operation_of_an_upgrade_first_part() {
    crash_everywhere(0, 2).await;
}

#[tokio::test]
async fn g11_a_crash_at_every_disk_operation_of_an_upgrade_second_part() {
    crash_everywhere(1, 2).await;
}

#[tokio::test]
async fn g11_an_interrupted_upgrade_goes_on_where_it_was_while_the_incumbent_serves() {
    let base = SimDisk::new(31);
    let host = ledger(&base).await;
    open_many(&host, 100, 20_000).await;
    let before = states(&host);
    host.close().await.unwrap();
    // A crash in the middle of the first round.
    let mut interrupted = None;
    for at in (20..).step_by(20) {
        let disk = base.restart(at);
        let (host, _) = open(&disk).await;
        disk.crash_after(at);
        if host.swap("box", LEDGER_V2, swap()).await.is_ok() {
            break;
        }
        let (host, _) = open(&disk.restart(at)).await;
        let progress = first_progress(&host).await;
        if progress.is_some_and(|progress| progress.round == 1 && progress.done > 1_000) {
            interrupted = progress.zip(Some(host));
            break;
        }
    }
    let (progress, host) = interrupted.expect("a crash in the first round, after some of it was durable");
    assert!(progress.done < progress.total, "{progress:?}");
    // It serves while the rest is converted, and what is written now is not lost.
    assert_eq!(version(&host, "box").await, "v1");
    assert_eq!(credit(&host, "ann", 1).await, 8);
    assert_eq!(credit(&host, "a00000000", 1).await, 1);
    settled(&host).await;
    assert_eq!((version(&host, "box").await.as_str(), credit(&host, "ann", 1).await), ("v2", 9));
    assert_eq!(describe(&host, "a00000000").await.as_deref(), Some("a00000000: opened"));
    assert_eq!(number(call(&host, "how-many", vec![]).await), 51 + 20_000);
    assert_eq!(states(&host), before + 2, "nothing of it is left");
    let history = host.history("box").unwrap();
    let Some(HistoryEvent::HandOff { receipt }) = history.last().map(|entry| &entry.event) else {
        panic!("how it ended is not in the history: {history:?}");
    };
    let counts = &receipt.migrated.as_ref().expect("entries were converted").collections;
    let accounts = counts.iter().find(|counts| counts.identity == "test:ledger/accounts@1").expect("counted");
    assert!((20_051..20_100).contains(&accounts.read), "each entry is converted once: {accounts:?}");
    let reply = host.call(Call::new("box", "balance", vec![text("a00000000")])).await.unwrap();
    assert!(matches!(reply.outcome, Outcome::Ok(_)));
}

/// How far an upgrade had come that goes on; none if none does.
async fn first_progress(host: &Host) -> Option<stead_runtime::Progress> {
    for _ in 0..1_000 {
        let summary = host.list().unwrap().remove(0);
        if summary.handoff.is_none() || summary.progress.is_some() {
            return summary.progress;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    None
}

#[tokio::test]
async fn g11_an_upgrade_goes_on_after_the_host_was_closed_in_the_middle_of_it() {
    let disk = SimDisk::new(41);
    let host = ledger(&disk).await;
    open_many(&host, 100, 20_000).await;
    let swapping = tokio::spawn({
        let host = host.clone();
        async move { host.swap("box", LEDGER_V2, swap()).await }
    });
    while host.list().unwrap()[0].progress.is_none_or(|progress| progress.done == 0) {
        assert!(!swapping.is_finished());
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    host.close().await.unwrap();
    assert!(swapping.await.unwrap().is_err());
    let (host, _) = open(&disk).await;
    assert_eq!(version(&host, "box").await, "v1");
    settled(&host).await;
    assert_eq!(version(&host, "box").await, "v2");
    assert_eq!(number(call(&host, "how-many", vec![]).await), 51 + 20_000);
}
