//! Calls are recorded in the commit of their own writes, within bounds, and only while somebody asks for it.

use stead_runtime::{Call, Host, RecordOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_REBUILT, EVOLVE_V1, HOSTILE};

use crate::harness::{bump, bytes, count_of, deploy, open, refused, swap, text, total, u64_, with_plugin};

fn last(calls: u64) -> Option<RecordOptions> {
    Some(RecordOptions { last: calls, bytes: None })
}

fn recorded(host: &Host) -> u64 {
    host.recording("box").unwrap().map_or(0, |recording| recording.calls)
}

#[tokio::test]
async fn g01_a_recorded_call_is_there_with_its_writes_or_neither_is() {
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let (host, _) = open(&disk).await;
        deploy(&host, "box", EVOLVE_V1).await;
        host.record("box", last(100)).await.unwrap();
        disk.crash_after(crash_at);
        let mut acknowledged = 0;
        for sequence in 1..=3 {
            let call = Call::new("box", "bump", vec![text("a")]).with_id("ann", sequence);
            acknowledged += u64::from(host.call(call).await.is_ok());
        }
        let crashed = disk.crashed();
        drop(host);
        let (host, _) = open(&disk.restart(crash_at)).await;
        let found = recorded(&host);
        assert!(found >= acknowledged, "crash at {crash_at}: {found} of {acknowledged} are recorded");
        assert_eq!(host.show("box").unwrap().commits, found + 1, "crash at {crash_at}: the first commit is the deploy");
        assert_eq!(total(&host).await, found, "crash at {crash_at}");
        if !crashed {
            assert_eq!(acknowledged, 3);
            break;
        }
    }
}

#[tokio::test]
async fn g14_the_oldest_leave_by_number_and_by_bytes_also_across_a_restart() {
    let (disk, host) = with_plugin(HOSTILE).await;
    host.record("box", last(5)).await.unwrap();
    let put = |size: usize| host.call(Call::new("box", "put", vec![text("k"), bytes(&vec![7; size])]));
    for _ in 0..9 {
        put(10).await.unwrap();
    }
    let five = host.recording("box").unwrap().unwrap();
    assert_eq!((five.calls, five.last), (5, 5));
    drop(host);
    let (host, _) = open(&disk.restart(1)).await;
    assert_eq!(host.recording("box").unwrap(), Some(five), "a restart lost or made something");

    // Narrower: what is too much leaves at once, and what is there stays within it.
    host.record("box", Some(RecordOptions { last: 3, bytes: Some(4_000) })).await.unwrap();
    assert_eq!(recorded(&host), 3);
    let put = |size: usize| host.call(Call::new("box", "put", vec![text("k"), bytes(&vec![7; size])]));
    for _ in 0..4 {
        put(1_000).await.unwrap();
        let now = host.recording("box").unwrap().unwrap();
        assert!(now.bytes <= 4_000 && now.calls <= 3, "{now:?}");
    }
    assert_eq!(recorded(&host), 1, "one of 2 KB leaves room for no other within 4 KB");
    put(9_000).await.unwrap();
    assert_eq!(recorded(&host), 1, "a call that is larger than all may be pushed the others out");
    for wrong in [last(0), last(u64::MAX), Some(RecordOptions { last: 1, bytes: Some(0) })] {
        assert_eq!(host.record("box", wrong).await.unwrap_err().kind(), "bad-argument");
    }
}

#[tokio::test]
async fn arguments_that_are_too_large_are_left_out_and_the_call_is_recorded() {
    let (_, host) = with_plugin(HOSTILE).await;
    host.record("box", last(5)).await.unwrap();
    let large = bytes(&vec![1; 700_000]);
    host.call(Call::new("box", "put", vec![text("k"), large])).await.unwrap();
    let recording = host.recording("box").unwrap().unwrap();
    assert_eq!(recording.calls, 1);
    assert!(recording.bytes < 200, "{recording:?}");
}

#[tokio::test]
async fn what_is_recorded_is_every_kind_of_call_and_no_refused_one() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    assert_eq!(host.recording("box").unwrap(), None);
    bump(&host, "a").await;
    host.record("box", last(100)).await.unwrap();
    assert_eq!(recorded(&host), 0, "what was before is not recorded");
    bump(&host, "a").await;
    count_of(&host, "a").await;
    host.call(Call::new("box", "count-of", vec![text("a")]).read_only()).await.unwrap();
    host.call(Call::new("box", "bump", vec![text("")])).await.unwrap();
    assert_eq!(recorded(&host), 4);
    assert_eq!(refused(host.call(Call::new("box", "bump", vec![u64_(1)])).await), "arguments");
    assert_eq!(refused(host.call(Call::new("box", "nothing", vec![])).await), "unknown-function");
    let once = || Call::new("box", "bump", vec![text("a")]).with_id("ann", 1);
    host.call(once()).await.unwrap();
    assert!(host.call(once()).await.unwrap().replayed);
    assert_eq!(recorded(&host), 5, "an answer from the record is no call");

    // It is the plugin's, not the version's.
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    bump(&host, "a").await;
    assert_eq!(recorded(&host), 6);
    let (_, hostile) = with_plugin(HOSTILE).await;
    hostile.record("box", last(100)).await.unwrap();
    assert_eq!(refused(hostile.call(Call::new("box", "panic", vec![text("on purpose")])).await), "trapped");
    assert_eq!(recorded(&hostile), 1);
}

#[tokio::test]
async fn off_means_that_nothing_is_written_and_what_there_was_is_gone() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    let writes = |disk: &SimDisk| disk.log().into_iter().filter(|(operation, _)| operation.changes()).count();
    count_of(&host, "a").await;
    let before = writes(&disk);
    count_of(&host, "a").await;
    host.call(Call::new("box", "count-of", vec![text("a")]).read_only()).await.unwrap();
    assert_eq!(writes(&disk), before, "a call that changes nothing was written down");

    host.record("box", last(100)).await.unwrap();
    for _ in 0..3 {
        count_of(&host, "a").await;
    }
    assert_eq!(recorded(&host), 3);
    host.record("box", None).await.unwrap();
    assert_eq!(host.recording("box").unwrap(), None);
    let before = writes(&disk);
    count_of(&host, "a").await;
    assert_eq!(writes(&disk), before);
    drop(host);
    let (host, _) = open(&disk.restart(1)).await;
    assert_eq!(host.recording("box").unwrap(), None);
    host.record("box", last(100)).await.unwrap();
    assert_eq!(recorded(&host), 0, "what was forgotten came back");
}
