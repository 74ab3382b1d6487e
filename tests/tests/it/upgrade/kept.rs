//! G7, G8: what an upgrade makes of every kind of collection, and what a rollback finds.

use stead_runtime::{Edit, EditChange, Input, RollbackError};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LEDGER_V1, LEDGER_V2, LEDGER_V3};

use super::{ask, call, credit, describe, ledger, note, open_many, s32, states, text, u64_, upgraded};
use crate::harness::{deploy, discard, entries, keep, number, open, swap, version};

#[tokio::test]
async fn g07_every_entry_of_every_kind_is_converted_and_the_rest_stays() {
    let host = ledger(&SimDisk::new(1)).await;
    note(&host, "a00000007", "drop").await;
    let receipt = upgraded(&host).await;
    assert_eq!(version(&host, "box").await, "v2");
    assert_eq!(describe(&host, "a00000049").await.as_deref(), Some("a00000049: opened"));
    assert_eq!(describe(&host, "a00000007").await, None, "its function made nothing of it");
    assert_eq!(ask(&host, "balance", vec![text("ann")]).await.as_deref(), Some("7"));
    assert_eq!(number(call(&host, "how-many", vec![]).await), 50);
    assert_eq!(ask(&host, "line-at", vec![u64_(1)]).await.as_deref(), Some("1 ann 4"), "its index is what it was");
    assert_eq!(number(call(&host, "journal-end", vec![]).await), 2);
    assert_eq!(ask(&host, "motto-text", vec![]).await.as_deref(), Some("größer (6)"));
    assert_eq!(ask(&host, "turned-over", vec![]).await.as_deref(), Some("7"));
    assert_eq!(number(call(&host, "tick", vec![]).await), 2, "a package that stays is as it was");

    let migrated = receipt.migrated.expect("entries were converted").collections;
    let of = |identity: &str| migrated.iter().find(|counts| counts.identity == identity).expect("counted");
    assert_eq!((of("test:ledger/accounts@1").read, of("test:ledger/accounts@2").written), (51, 50));
    assert_eq!((of("test:ledger/journal@1").read, of("test:ledger/journal@2").written), (2, 2));
    assert_eq!((of("test:ledger/turnover@1").read, of("test:ledger/motto@2").written), (1, 1));
    assert!(migrated.iter().all(|counts| counts.unread == 0));
    assert_eq!(entries(&host, "box", "test:ledger/accounts@1"), 0, "old entries have left");
    // All that it writes from here on is written to the new state.
    assert_eq!(credit(&host, "ann", 1).await, 8);
    assert_eq!(ask(&host, "line-at", vec![u64_(2)]).await.as_deref(), Some("2 ann 1"));
}

#[tokio::test]
async fn g08_the_upgraded_state_is_durable_and_no_other_is_left() {
    let disk = SimDisk::new(2);
    let host = ledger(&disk).await;
    let before = states(&host);
    upgraded(&host).await;
    assert_eq!(states(&host), before + 2, "the sealed state and the one that the successor began with");
    credit(&host, "ann", 1).await;
    host.close().await.unwrap();
    let (host, recovery) = open(&disk).await;
    assert!(recovery.handoffs.is_empty());
    assert_eq!(describe(&host, "a00000001").await.as_deref(), Some("a00000001: opened"));
    assert_eq!(credit(&host, "ann", 1).await, 9);
}

#[tokio::test]
async fn g08_a_rollback_after_an_upgrade_finds_the_sealed_state() {
    let host = ledger(&SimDisk::new(3)).await;
    let sealed = upgraded(&host).await.sealed.expect("the last state is kept").root;
    let receipt = host.rollback("box", keep()).await.unwrap();
    assert_eq!(receipt.root, sealed, "nothing was written since");
    assert_eq!((version(&host, "box").await.as_str(), credit(&host, "ann", 1).await), ("v1", 8));
    upgraded(&host).await;
    assert_eq!(credit(&host, "ann", 1).await, 9);
    // Written since: that is given up by name only.
    match host.rollback("box", keep()).await {
        Err(RollbackError::WouldLose(_)) => {}
        other => panic!("not refused: {other:?}"),
    }
    let receipt = host.rollback("box", discard()).await.unwrap();
    assert!(receipt.discarded > 0);
    assert_eq!((version(&host, "box").await.as_str(), credit(&host, "ann", 1).await), ("v1", 9));
}

#[tokio::test]
async fn g07_a_version_upgrades_from_every_track_that_it_has_a_function_for() {
    for steps in [&[LEDGER_V3][..], &[LEDGER_V2, LEDGER_V3][..]] {
        let host = ledger(&SimDisk::new(4)).await;
        for step in steps {
            host.swap("box", step, swap()).await.unwrap_or_else(|error| panic!("{error}"));
        }
        assert_eq!(version(&host, "box").await, "v3");
        assert_eq!(ask(&host, "balance", vec![text("ann")]).await.as_deref(), Some("7"));
        assert_eq!(ask(&host, "balance", vec![text("a00000031")]).await.as_deref(), Some("31"));
        assert_eq!(ask(&host, "line-at", vec![u64_(0)]).await.as_deref(), Some("3"));
        assert_eq!(ask(&host, "turned-over", vec![]).await.as_deref(), Some("7"), "one function for two tracks");
    }
}

#[tokio::test]
async fn g07_a_log_keeps_its_bounds_and_its_indices() {
    let host = ledger(&SimDisk::new(5)).await;
    for amount in 0..20 {
        call(&host, "write-line", vec![s32(amount)]).await;
    }
    call(&host, "forget-before", vec![u64_(15)]).await;
    upgraded(&host).await;
    assert_eq!(ask(&host, "line-at", vec![u64_(14)]).await, None);
    assert_eq!(ask(&host, "line-at", vec![u64_(15)]).await.as_deref(), Some("15 written 13"));
    assert_eq!(number(call(&host, "write-line", vec![s32(1)]).await), 22);
}

#[tokio::test]
async fn g07_an_upgrade_of_nothing_and_a_first_deploy_are_no_work() {
    let (host, _) = open(&SimDisk::new(6)).await;
    deploy(&host, "box", LEDGER_V1).await;
    upgraded(&host).await;
    open_many(&host, 0, 1).await;
    assert_eq!(number(call(&host, "how-many", vec![]).await), 1);
    let (host, _) = open(&SimDisk::new(6)).await;
    deploy(&host, "box", LEDGER_V2).await;
    assert_eq!(credit(&host, "ann", 5).await, 5);
    // The next version that could upgrade finds nothing to.
    assert!(upgraded(&host).await.migrated.is_none());
    assert_eq!(credit(&host, "ann", 5).await, 10);
}

#[tokio::test]
async fn g07_a_counter_keeps_its_sum_whatever_its_sign() {
    for sum in ["-12", "0", "5000000000"] {
        let host = ledger(&SimDisk::new(7)).await;
        let edit = Edit {
            collection: "turnover".into(),
            key: None,
            change: EditChange::Set(Input::Wave(sum.into())),
            expect: None,
            reason: "a test".into(),
        };
        // What was added before stays beside what is now subtracted.
        host.edit("box", &edit).await.unwrap();
        assert_eq!(ask(&host, "turned-over", vec![]).await.as_deref(), Some(sum));
        upgraded(&host).await;
        assert_eq!(ask(&host, "turned-over", vec![]).await.as_deref(), Some(sum));
    }
}
