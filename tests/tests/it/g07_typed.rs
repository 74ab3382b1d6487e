//! G7: a version becomes active only if it can read the state, and nothing is dropped without being named.

use std::ops::Bound;
use std::sync::Arc;

use stead_runtime::{DeployOptions, Host, SwapError, SwapOptions};
use stead_store::disk::sim::SimDisk;
use stead_store::{Order, StateId, Store};
use stead_test_guests::{
    EVOLVE_INCOMPATIBLE, EVOLVE_LOSSY, EVOLVE_MIGRATE_PARTLY, EVOLVE_V1, EVOLVE_V3, EVOLVE_WIDENING, UNKNOWN_IMPORT,
};

use crate::harness::{bump, count_of, inline, open, swap, version, with_plugin};

async fn refused(host: &Host, wasm: &[u8]) -> String {
    match host.swap("box", wasm, swap()).await {
        Err(error @ SwapError::State(_)) => error.to_string(),
        other => panic!("not refused for its state: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_plugin_is_refused_at_deploy() {
    let (host, _) = open(&SimDisk::new(1)).await;
    for wasm in [&b"no wasm"[..], b"\0asm\x01\0\0\0", UNKNOWN_IMPORT] {
        let error = host.deploy("box", wasm, DeployOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), "component", "{error}");
    }
    assert!(host.list().unwrap().is_empty());
}

#[tokio::test]
async fn an_incompatible_or_lossy_version_is_refused_and_the_incumbent_serves() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    assert!(refused(&host, EVOLVE_INCOMPATIBLE).await.contains("entries"));
    assert!(refused(&host, EVOLVE_LOSSY).await.contains("label"));
    assert!(!refused(&host, EVOLVE_V3).await.is_empty(), "v3 knows nothing of v1");
    assert_eq!(version(&host, "box").await, "v1");
    assert_eq!(bump(&host, "a").await, 2);
}

#[tokio::test]
async fn a_lossy_change_that_is_named_rewrites_what_was_there() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let named = SwapOptions { accept_lossy: vec!["test:evolve/entries@1".into()], ..swap() };
    host.swap("box", EVOLVE_LOSSY, named).await.unwrap();
    assert_eq!(version(&host, "box").await, "lossy");
    assert_eq!(count_of(&host, "a").await, 1);
    let page = host.state("box", &stead_runtime::ScanOptions { collection: "entries".into(), ..Default::default() });
    let page = format!("{:?}", page.unwrap().entries);
    assert!(!page.contains("label"), "{page}");
}

#[tokio::test]
async fn a_widening_version_reads_what_the_old_one_wrote() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let receipt = host.swap("box", EVOLVE_WIDENING, swap()).await.unwrap();
    assert!(receipt.verdicts.iter().any(|verdict| verdict.verdict == stead_schema::Verdict::Widening));
    assert_eq!(count_of(&host, "a").await, 1);
    assert_eq!(bump(&host, "a").await, 2);
    assert_eq!(version(&host, "box").await, "widening");
}

#[tokio::test]
async fn old_entries_that_a_migration_never_read_need_a_word() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    for key in ["a", "b", "c", "d", "e"] {
        bump(&host, key).await;
    }
    let error = host.swap("box", EVOLVE_MIGRATE_PARTLY, swap()).await.unwrap_err();
    assert_eq!(error.kind(), "aborted", "{error}");
    assert_eq!(bump(&host, "a").await, 2);
    let accepted = SwapOptions { accept_unread: true, ..swap() };
    let receipt = host.swap("box", EVOLVE_MIGRATE_PARTLY, accepted).await.unwrap();
    let migrated = receipt.migrated.expect("a migration ran");
    assert!(migrated.collections.iter().any(|collection| collection.unread > 0), "{migrated:?}");
}

/// How many states on a disk hold the label that v1 writes.
fn states_with_a_label(disk: &SimDisk) -> usize {
    let (store, _) = Store::open(Arc::new(disk.clone()), inline()).unwrap();
    let has_label = |state: &StateId| {
        let view = store.view(*state).expect("a state");
        let mut entries = view.scan(Bound::Unbounded, Bound::Unbounded, Order::Ascending);
        entries.any(|entry| entry.unwrap().1.windows(8).any(|bytes| bytes == b"label of"))
    };
    let found = store.states().iter().filter(|state| has_label(state)).count();
    store.close().unwrap();
    found
}

#[tokio::test]
async fn what_was_dropped_by_name_stays_in_the_sealed_state_alone() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.close().await.unwrap();
    assert_eq!(states_with_a_label(&disk), 1);
    let (host, _) = open(&disk).await;
    let named = SwapOptions { accept_lossy: vec!["test:evolve/entries@1".into()], ..swap() };
    host.swap("box", EVOLVE_LOSSY, named).await.unwrap();
    host.close().await.unwrap();
    assert_eq!(states_with_a_label(&disk), 1, "the state that serves still holds what was dropped");
}
