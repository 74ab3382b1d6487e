//! Going back: never a silent loss of later writes.

use std::io::Write;
use std::sync::{Arc, Mutex};

use stead_runtime::{ReceiptKind, RollbackError, RollbackOptions};
use stead_test_guests::{EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_WIDENING};

use crate::harness::{bump, count_of, discard, keep, open, swap, total, try_open, version, with_plugin};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A place that is full after so many bytes.
struct Full {
    left: usize,
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let taken = bytes.len().min(self.left);
        self.left -= taken;
        match taken {
            0 => Err(std::io::ErrorKind::StorageFull.into()),
            taken => Ok(taken),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn there_is_nothing_to_go_back_to_after_a_deploy() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    assert!(matches!(host.rollback("box", keep()).await, Err(RollbackError::NoPrevious { .. })));
}

#[tokio::test]
async fn where_the_version_before_reads_everything_all_writes_stay() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    bump(&host, "a").await;
    let receipt = host.rollback("box", keep()).await.unwrap();
    assert_eq!((receipt.kind, receipt.discarded), (ReceiptKind::Rollback, 0));
    assert_eq!(version(&host, "box").await, "v1");
    assert_eq!(bump(&host, "a").await, 3);
    // Rolling back the rollback, and swapping again after it.
    host.rollback("box", keep()).await.unwrap();
    assert_eq!(version(&host, "box").await, "rebuilt");
    assert_eq!(bump(&host, "a").await, 4);
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    assert_eq!((count_of(&host, "a").await, total(&host).await), (4, 4));
}

#[tokio::test]
async fn an_untouched_migration_goes_back_to_the_sealed_state_and_forth_again() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let before = host.show("box").unwrap().root;
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    host.rollback("box", keep()).await.unwrap();
    assert_eq!(host.show("box").unwrap().root, before);
    assert_eq!(version(&host, "box").await, "v1");
    host.rollback("box", keep()).await.unwrap();
    assert_eq!(version(&host, "box").await, "v2");
    assert_eq!(bump(&host, "a").await, 2);
    drop(host);
    let (host, _) = open(&disk.restart(6)).await;
    assert_eq!(count_of(&host, "a").await, 2);
}

#[tokio::test]
async fn what_the_version_before_cannot_hold_is_named_and_exported_before_it_is_given_up() {
    for successor in [EVOLVE_V2, EVOLVE_WIDENING] {
        let (disk, host) = with_plugin(EVOLVE_V1).await;
        bump(&host, "a").await;
        let before = host.show("box").unwrap().root;
        host.swap("box", successor, swap()).await.unwrap();
        bump(&host, "later").await;
        match host.rollback("box", keep()).await {
            Err(RollbackError::WouldLose(lost)) => assert!(!lost.is_empty()),
            other => panic!("not refused: {other:?}"),
        }
        assert_eq!(bump(&host, "later").await, 2, "the successor goes on serving");

        let lines = Lines::default();
        let options = RollbackOptions { discard: Some(Box::new(lines.clone())), ..RollbackOptions::default() };
        let receipt = host.rollback("box", options).await.unwrap();
        assert_eq!(receipt.kind, ReceiptKind::RollbackDiscarding);
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        // A header and a trailer stand around the entries.
        assert_eq!(text.lines().count() as u64, receipt.discarded + 2);
        assert!(text.contains("later") && text.contains(r#""content":"changes""#), "{text}");
        assert_eq!(host.show("box").unwrap().root, before);
        assert_eq!(version(&host, "box").await, "v1");
        assert_eq!((count_of(&host, "later").await, total(&host).await), (0, 1));
        // And again: swap after the rollback, with its writes kept.
        host.swap("box", successor, swap()).await.unwrap();
        assert_eq!(bump(&host, "a").await, 2);
        drop(host);
        let (host, _) = open(&disk.restart(7)).await;
        assert_eq!(total(&host).await, 2);
        host.rollback("box", discard()).await.unwrap();
        assert_eq!(version(&host, "box").await, "v1");
    }
}

#[tokio::test]
async fn g08_writes_that_cannot_be_exported_are_not_given_up() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    for _ in 0..2 {
        bump(&host, "later").await;
    }
    for left in [0, 100] {
        let options = RollbackOptions { discard: Some(Box::new(Full { left })), ..RollbackOptions::default() };
        let error = host.rollback("box", options).await.unwrap_err();
        assert_eq!(error.kind(), "aborted", "{error}");
        assert!(error.to_string().contains("later writes could not be exported"), "{error}");
        assert_eq!((version(&host, "box").await.as_str(), count_of(&host, "later").await), ("v2", 2));
    }
    assert_eq!(bump(&host, "later").await, 3);
}

#[tokio::test]
async fn g08_g11_after_a_crash_in_a_rollback_that_discards_every_write_is_exported_or_in_its_place() {
    let (base, host) = with_plugin(EVOLVE_V1).await;
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    bump(&host, "later").await;
    host.close().await.unwrap();
    let mut ends = [0; 2];
    for at in 0.. {
        let (disk, lines) = (base.restart(at), Lines::default());
        disk.crash_after(at);
        if let Ok((host, _)) = try_open(&disk).await {
            let options = RollbackOptions { discard: Some(Box::new(lines.clone())), ..RollbackOptions::default() };
            let _ = host.rollback("box", options).await;
        }
        let crashed = disk.crashed();
        let (host, _) = open(&disk.restart(at)).await;
        let kept = version(&host, "box").await == "v2";
        ends[usize::from(kept)] += 1;
        assert_eq!(total(&host).await, u64::from(kept), "crash at {at}");
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let exported = text.contains("later") && text.lines().last().is_some_and(|line| line.starts_with("{\"end\""));
        assert!(kept || exported, "crash at {at}: {text}");
        if !crashed {
            break;
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}
