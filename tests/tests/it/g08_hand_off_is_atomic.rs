//! G8: program, schema, migrated state and the active version change in one commit.

use stead_runtime::{Activated, HistoryEvent};
use stead_test_guests::{
    EVOLVE_MIGRATE_ERR, EVOLVE_MIGRATE_TRAPS, EVOLVE_MIGRATE_WRITES_OLD, EVOLVE_READY, EVOLVE_READY_FAILS,
    EVOLVE_READY_WRITES, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3,
};

use crate::harness::{bump, count_of, entries, open, swap, total, version, with_plugin};

#[tokio::test]
async fn a_migration_moves_the_state_and_upgrades_follow_each_other() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    for key in ["a", "b", "b"] {
        bump(&host, key).await;
    }
    let before = host.show("box").unwrap().root;
    let receipt = host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    assert_eq!(receipt.activated, Activated::Successor);
    assert_eq!(receipt.sealed.as_ref().unwrap().root.as_ref(), Some(&before));
    assert_eq!(receipt.root, Some(host.show("box").unwrap().root));
    assert_eq!(version(&host, "box").await, "v2");
    assert_eq!((count_of(&host, "b").await, total(&host).await), (2, 3));
    assert_eq!(entries(&host, "box", "test:evolve/entries@1"), 0, "the old track left the live state");
    assert_eq!(entries(&host, "box", "test:evolve/entries@2"), 2);

    host.swap("box", EVOLVE_V3, swap()).await.unwrap();
    assert_eq!(version(&host, "box").await, "v3");
    assert_eq!((count_of(&host, "b").await, total(&host).await), (2, 3));
    assert_eq!(bump(&host, "b").await, 3);
    drop(host);
    let (host, _) = open(&disk.restart(3)).await;
    assert_eq!(version(&host, "box").await, "v3");
    assert_eq!((count_of(&host, "b").await, total(&host).await), (3, 4));
    assert_eq!(host.history("box").unwrap().len(), 3);
}

#[tokio::test]
async fn a_successor_that_fails_leaves_the_incumbent_as_it_was() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    for key in ["b", "c", "a"] {
        bump(&host, key).await;
    }
    let root = host.show("box").unwrap().root;
    let failing =
        [EVOLVE_MIGRATE_ERR, EVOLVE_MIGRATE_TRAPS, EVOLVE_MIGRATE_WRITES_OLD, EVOLVE_READY_FAILS, EVOLVE_READY_WRITES];
    for (index, wasm) in failing.into_iter().enumerate() {
        let error = host.swap("box", wasm, swap()).await.unwrap_err();
        assert_eq!(error.kind(), "aborted", "{error}");
        assert_eq!(host.show("box").unwrap().root, root);
        assert_eq!(version(&host, "box").await, "v1");
        let history = host.history("box").unwrap();
        let Some(HistoryEvent::HandOff { receipt }) = history.last().map(|entry| &entry.event) else {
            panic!("no receipt: {history:?}");
        };
        assert!(receipt.given_up().is_some(), "{receipt:?}");
        assert_eq!(history.len(), index + 2);
    }
    assert_eq!(bump(&host, "a").await, 2);
    host.swap("box", EVOLVE_READY, swap()).await.unwrap();
    assert_eq!(bump(&host, "a").await, 3);
    drop(host);
    let (host, recovery) = open(&disk.restart(4)).await;
    assert!(recovery.handoffs.is_empty());
    assert_eq!(count_of(&host, "a").await, 3);
}

#[tokio::test]
async fn an_identical_swap_does_the_same_to_the_disk_whatever_the_size_of_the_state() {
    let mut operations = Vec::new();
    for entries in [1, 2_000] {
        let (disk, host) = with_plugin(EVOLVE_V1).await;
        for key in 0..entries {
            bump(&host, &format!("key {key}")).await;
        }
        let before = disk.operations();
        host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
        // Reads may be short, so their number says nothing.
        let done = disk.log().split_off(before as usize).into_iter().map(|(operation, _)| operation);
        operations.push(done.filter(|operation| operation.changes()).collect::<Vec<_>>());
    }
    assert_eq!(operations[0], operations[1]);
}

#[tokio::test]
async fn a_migration_that_says_err_is_given_up_whatever_may_be_left_unread_and_for_good() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let accepted = stead_runtime::SwapOptions { accept_unread: true, ..swap() };
    let error = host.swap("box", EVOLVE_MIGRATE_ERR, accepted).await.unwrap_err();
    assert_eq!(error.kind(), "aborted", "{error}");
    drop(host);
    let (host, recovery) = open(&disk.restart(9)).await;
    assert!(recovery.handoffs.is_empty(), "what was given up was found again: {:?}", recovery.handoffs);
    assert_eq!(version(&host, "box").await, "v1");
    assert_eq!(bump(&host, "a").await, 2);
}
