//! G7: how a state moves to the next track, and what keeps it from moving.

use std::ops::Bound;
use std::sync::Arc;

use stead_runtime::{Call, DeployOptions, Host, Receipt, SwapError, SwapOptions};
use stead_schema::layout;
use stead_store::disk::sim::SimDisk;
use stead_store::{Order, StateId, Store};
use stead_test_guests::{
    EVOLVE_FROM_LOSSY, EVOLVE_FROM_WIDENING, EVOLVE_MIGRATE_ERR, EVOLVE_MIGRATE_READS, EVOLVE_MIGRATE_TRAPS,
    EVOLVE_MIGRATE_WRITES_OLD, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3, EVOLVE_WIDENING,
};

use crate::harness::{bump, count_of, entries, inline, open, refused, swap, text, total, version, with_plugin};

/// A host whose plugin `box` has a label, and one entry for each of these keys.
async fn labelled(label: Option<&str>, keys: &[&str]) -> Host {
    let (host, _) = open(&SimDisk::new(1)).await;
    let options = DeployOptions { label: label.map(str::to_owned), ..DeployOptions::default() };
    host.deploy("box", EVOLVE_V1, options).await.unwrap();
    for key in keys {
        bump(&host, key).await;
    }
    host
}

async fn swapped(host: &Host, wasm: &[u8]) -> Receipt {
    host.swap("box", wasm, swap()).await.unwrap_or_else(|error| panic!("not swapped: {error}"))
}

/// A swap that must be refused for the state, with all of these words.
async fn refuses(host: &Host, wasm: &[u8], words: &[&str]) {
    match host.swap("box", wasm, swap()).await {
        Err(error @ SwapError::State(_)) => says(&error, words),
        other => panic!("not refused for its state: {other:?}"),
    }
}

/// A swap that must be given up, with all of these words.
async fn aborts(host: &Host, wasm: &[u8], words: &[&str]) {
    match host.swap("box", wasm, swap()).await {
        Err(error @ SwapError::Aborted { .. }) => says(&error, words),
        other => panic!("not given up: {other:?}"),
    }
}

fn says(error: &SwapError, words: &[&str]) {
    let message = error.to_string();
    assert!(words.iter().all(|word| message.contains(word)), "{message} lacks one of {words:?}");
}

/// Old entries that a migration left unread which read what it was told to, of `a` to `e`; the sum was read.
async fn unread(reads: &str) -> u64 {
    let host = labelled(Some(&format!("sum {reads}")), &["a", "b", "c", "d", "e"]).await;
    let accepted = SwapOptions { accept_unread: true, ..swap() };
    let without = host.swap("box", EVOLVE_MIGRATE_READS, swap()).await;
    let receipt = match without {
        Ok(receipt) => receipt,
        Err(error) => {
            says(&error, &["--accept-unread", "test:evolve/entries@1"]);
            host.swap("box", EVOLVE_MIGRATE_READS, accepted).await.unwrap()
        }
    };
    let migrated = receipt.migrated.expect("a migration ran").collections;
    let unread_of = |identity| migrated.iter().find(|counts| counts.identity == identity).expect("counted").unread;
    assert_eq!(unread_of("test:evolve/sum@1"), 0);
    unread_of("test:evolve/entries@1")
}

#[tokio::test]
async fn g07_unread_entries_are_counted_by_entry_not_by_read() {
    for (reads, left) in [
        ("", 5),
        ("scan:+9", 0),
        ("scan:+2 scan:c+9", 0),
        ("scan-back:+9", 0),
        ("scan-back:+2 scan-back:d+9", 0),
        ("get:a get:b get:c get:d get:e", 0),
        ("get:e get:c get:a get:d get:b", 0),
        // Five reads and more that leave something unread.
        ("get:a get:a get:a get:a get:a", 4),
        ("scan:+4 scan:+4 get:d", 1),
        ("scan:b+3 get:c scan-back:d+9", 1),
        ("get:b get:d scan:b+3 get:nothing", 2),
        ("scan:+0 scan:x+9", 5),
        // To know that an entry is there is not to have read it.
        ("contains:a contains:b contains:c contains:d contains:e", 5),
    ] {
        assert_eq!(unread(reads).await, left, "{reads}");
    }
}

#[tokio::test]
async fn g07_what_was_not_read_is_left_behind_only_by_name() {
    let host = labelled(Some("get:a get:a sum"), &["a", "b"]).await;
    aborts(&host, EVOLVE_MIGRATE_READS, &["1 of test:evolve/entries@1", "--accept-unread"]).await;
    assert_eq!((version(&host, "box").await.as_str(), count_of(&host, "b").await), ("v1", 1));
    // A collection that was never read at all: the counter.
    let host = labelled(Some("scan:+9"), &["a", "b"]).await;
    aborts(&host, EVOLVE_MIGRATE_READS, &["1 of test:evolve/sum@1"]).await;
}

#[tokio::test]
async fn g07_a_first_deploy_never_migrates() {
    // Both would fail if they ran.
    for wasm in [EVOLVE_MIGRATE_ERR, EVOLVE_MIGRATE_TRAPS] {
        let (_, host) = with_plugin(wasm).await;
        assert_eq!(bump(&host, "a").await, 1);
    }
}

#[tokio::test]
async fn g07_a_version_with_a_migration_follows_one_on_its_own_track_without_it() {
    let (_, host) = with_plugin(EVOLVE_V2).await;
    bump(&host, "a").await;
    let receipt = swapped(&host, EVOLVE_MIGRATE_TRAPS).await;
    assert!(receipt.migrated.is_none(), "there was nothing to migrate");
    assert_eq!((bump(&host, "a").await, total(&host).await), (2, 2));
}

#[tokio::test]
async fn g07_a_migration_does_not_run_where_nothing_was_kept() {
    let host = labelled(None, &[]).await;
    // It would trap at once.
    let receipt = swapped(&host, EVOLVE_MIGRATE_WRITES_OLD).await;
    assert!(receipt.migrated.is_none());
    assert_eq!((bump(&host, "a").await, total(&host).await), (1, 1));
    refuses(&host, EVOLVE_V1, &["this is a downgrade"]).await;
}

#[tokio::test]
async fn g07_a_migration_is_told_the_label_of_the_version_before() {
    let host = labelled(Some("2026-05"), &["a"]).await;
    aborts(&host, EVOLVE_MIGRATE_ERR, &["gave up after 1 of Some(\"2026-05\")"]).await;
    swapped(&host, EVOLVE_REBUILT).await;
    aborts(&host, EVOLVE_MIGRATE_ERR, &["gave up after 1 of Some(\"2\")"]).await;
    let host = labelled(None, &["a"]).await;
    aborts(&host, EVOLVE_MIGRATE_ERR, &["gave up after 1 of None"]).await;
}

#[tokio::test]
async fn g07_old_collections_can_only_be_read_and_only_while_migrating() {
    let host = labelled(Some("sum scan:+9"), &["a", "b"]).await;
    aborts(&host, EVOLVE_MIGRATE_WRITES_OLD, &["test:evolve/sum@1", "is old: a migration can only read it"]).await;
    // It checks that the new track starts empty.
    swapped(&host, EVOLVE_MIGRATE_READS).await;
    assert_eq!(version(&host, "box").await, "migrate-reads");
    for (function, args) in [("count-of", vec![text("a")]), ("total", vec![])] {
        let reply = host.call(Call::new("box", function, args.clone())).await;
        let message = format!("{:?}", reply.as_ref().err());
        assert!(message.contains("is old: it can only be used within a migration"), "{message}");
        assert_eq!(refused(reply), "trapped");
    }
    assert_eq!(bump(&host, "a").await, 1, "the plugin serves on");
}

#[tokio::test]
async fn g07_an_old_import_reads_entries_of_every_age_on_its_track() {
    let host = labelled(None, &["a", "b"]).await;
    swapped(&host, EVOLVE_WIDENING).await;
    bump(&host, "b").await;
    bump(&host, "c").await;
    // Imports the old track as it was before it was widened: what was written since cannot be read so.
    refuses(&host, EVOLVE_V2, &["`test:evolve/entries@1`, imported to migrate from", "field `count`", "u64"]).await;
    let receipt = swapped(&host, EVOLVE_FROM_WIDENING).await;
    assert!(receipt.migrated.unwrap().collections.iter().all(|collection| collection.unread == 0));
    let counts = [count_of(&host, "a").await, count_of(&host, "b").await, count_of(&host, "c").await];
    assert_eq!((counts, total(&host).await), ([1, 2, 1], 4));
}

#[tokio::test]
async fn g07_an_old_import_may_widen_what_the_ledger_knows_but_not_lose_a_part() {
    let host = labelled(None, &["a"]).await;
    refuses(&host, EVOLVE_FROM_LOSSY, &["imported to migrate from", "field `label`", "is gone"]).await;
    let named = SwapOptions { accept_lossy: vec!["test:evolve/entries@1".into()], ..swap() };
    let error = host.swap("box", EVOLVE_FROM_LOSSY, named).await.unwrap_err();
    says(&error, &["imported to migrate from", "field `label`"]);
    swapped(&host, EVOLVE_FROM_WIDENING).await;
    assert_eq!((count_of(&host, "a").await, version(&host, "box").await.as_str()), (1, "from-widening"));
}

#[tokio::test]
async fn g07_a_track_that_was_skipped_is_named_and_a_downgrade_is_called_one() {
    let host = labelled(None, &["a"]).await;
    refuses(
        &host,
        EVOLVE_V3,
        &["keeps `test:evolve/entries@1`", "a version on track 2 first", "`stead:plugin/migrate`"],
    )
    .await;
    swapped(&host, EVOLVE_V2).await;
    refuses(&host, EVOLVE_V1, &["this is a downgrade", "keeps `test:evolve/entries@2`"]).await;
    swapped(&host, EVOLVE_V3).await;
    refuses(&host, EVOLVE_V2, &["this is a downgrade", "keeps `test:evolve/entries@3`"]).await;
    refuses(&host, EVOLVE_V1, &["this is a downgrade"]).await;
    assert_eq!((bump(&host, "a").await, total(&host).await), (2, 2));
}

/// For each state on a disk that has entries of the first two collections: how many.
fn states_with_entries(disk: &SimDisk) -> Vec<usize> {
    let (store, _) = Store::open(Arc::new(disk.clone()), inline()).unwrap();
    let count = |state: &StateId| {
        let view = store.view(*state).expect("a state");
        let ranges = [layout::range(0), layout::range(1)];
        let found = ranges.into_iter().map(|(from, to)| {
            view.scan(Bound::Included(from.into()), Bound::Excluded(to.into()), Order::Ascending).count()
        });
        found.sum::<usize>()
    };
    let counts = store.states().iter().filter(|state| state.0 != 0).map(count).filter(|count| *count > 0).collect();
    store.close().unwrap();
    counts
}

#[tokio::test]
async fn g07_a_migrated_track_stays_in_the_sealed_state_alone() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    for key in ["a", "b", "c"] {
        bump(&host, key).await;
    }
    host.close().await.unwrap();
    assert_eq!(states_with_entries(&disk), [4]);
    let (host, _) = open(&disk).await;
    let sealed = swapped(&host, EVOLVE_V2).await.sealed.expect("the incumbent's last state is kept");
    assert!(sealed.root.is_some());
    host.close().await.unwrap();
    assert_eq!(states_with_entries(&disk), [4], "only the sealed state has what was migrated");
    let (host, _) = open(&disk).await;
    assert_eq!((count_of(&host, "a").await, entries(&host, "box", "entries")), (1, 3));
    let receipt = host.rollback("box", crate::harness::keep()).await.unwrap();
    assert_eq!(receipt.root, sealed.root, "nothing was written since: the state is the sealed one");
    assert_eq!((version(&host, "box").await.as_str(), count_of(&host, "a").await), ("v1", 1));
}
