//! G7, G8 and G12 going back: a version that brings a migration from the newer track takes the state over with every
//! write.

use stead_runtime::{Call, Host, ReceiptKind, RollbackError, RollbackOptions, SwapError, SwapOptions};
use stead_test_guests::{
    EVOLVE_BACK, EVOLVE_BACK_PARTLY, EVOLVE_BOTH, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3,
};

use crate::harness::{bump, count_of, discard, entries, keep, open, refused, swap, text, total, version, with_plugin};

async fn swapped(host: &Host, wasm: &[u8]) {
    host.swap("box", wasm, swap()).await.unwrap_or_else(|error| panic!("not swapped: {error}"));
}

#[tokio::test]
async fn g08_a_rollback_by_a_way_down_keeps_every_write() {
    let (disk, host) = with_plugin(EVOLVE_BACK).await;
    bump(&host, "a").await;
    swapped(&host, EVOLVE_V2).await;
    bump(&host, "a").await;
    bump(&host, "later").await;
    let receipt = host.rollback("box", keep()).await.unwrap();
    assert_eq!((receipt.kind, receipt.discarded), (ReceiptKind::Rollback, 0));
    let migrated = receipt.migrated.expect("it migrated back").collections;
    let read = |identity: &str| migrated.iter().find(|counts| counts.identity == identity).map(|counts| counts.read);
    assert_eq!((read("test:evolve/entries@2"), read("test:evolve/sum@2")), (Some(2), Some(1)));
    assert_eq!(version(&host, "box").await, "back");
    assert_eq!((count_of(&host, "a").await, count_of(&host, "later").await, total(&host).await), (2, 1, 3));
    assert_eq!(entries(&host, "box", "test:evolve/entries@2"), 0, "the newer track left the live state");
    assert_eq!(entries(&host, "box", "test:evolve/entries@1"), 2);
    drop(host);
    let (host, _) = open(&disk.restart(2)).await;
    assert_eq!((version(&host, "box").await.as_str(), bump(&host, "later").await), ("back", 2));
}

#[tokio::test]
async fn g08_up_and_down_and_up_again_each_with_its_writes() {
    let (disk, host) = with_plugin(EVOLVE_BACK).await;
    let mut bumped = 0;
    for round in 0..3 {
        bump(&host, "a").await;
        swapped(&host, EVOLVE_V2).await;
        bump(&host, "a").await;
        host.rollback("box", keep()).await.unwrap_or_else(|error| panic!("round {round}: {error}"));
        bump(&host, "a").await;
        // The rollback of the rollback: the version on the newer track migrates up again.
        host.rollback("box", keep()).await.unwrap_or_else(|error| panic!("round {round}, up: {error}"));
        assert_eq!(version(&host, "box").await, "v2");
        bump(&host, "a").await;
        swapped(&host, EVOLVE_BACK).await;
        bumped += 4;
        assert_eq!((count_of(&host, "a").await, total(&host).await), (bumped, bumped), "round {round}");
    }
    drop(host);
    let (host, _) = open(&disk.restart(3)).await;
    assert_eq!((version(&host, "box").await.as_str(), total(&host).await), ("back", 12));
}

#[tokio::test]
async fn g07_a_swap_goes_down_to_a_version_that_brings_the_way() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    swapped(&host, EVOLVE_V2).await;
    bump(&host, "b").await;
    // The version before knows no way down; one that was written since does.
    assert!(matches!(host.rollback("box", keep()).await, Err(RollbackError::WouldLose(_))));
    match host.swap("box", EVOLVE_V1, swap()).await {
        Err(error @ SwapError::State(_)) => {
            let message = error.to_string();
            assert!(
                message.contains("this is a downgrade") && message.contains("`stead:plugin/migrate-back`"),
                "{message}"
            );
        }
        other => panic!("not refused: {other:?}"),
    }
    swapped(&host, EVOLVE_BACK).await;
    assert_eq!((count_of(&host, "a").await, count_of(&host, "b").await, total(&host).await), (1, 1, 2));
    bump(&host, "c").await;
    // Back from there is up again, by the migration of v2.
    host.rollback("box", keep()).await.unwrap();
    assert_eq!((version(&host, "box").await.as_str(), count_of(&host, "c").await), ("v2", 1));
}

#[tokio::test]
async fn g07_a_version_with_both_ways_stands_between_two_tracks() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    for (wasm, name) in [(EVOLVE_BOTH, "both"), (EVOLVE_V3, "v3"), (EVOLVE_BOTH, "both"), (EVOLVE_BACK, "back")] {
        swapped(&host, wasm).await;
        assert_eq!(version(&host, "box").await, name);
        bump(&host, "a").await;
    }
    assert_eq!((count_of(&host, "a").await, total(&host).await), (5, 5));
}

#[tokio::test]
async fn g07_a_first_deploy_and_an_own_track_need_no_way_down() {
    let (_, host) = with_plugin(EVOLVE_BACK_PARTLY).await;
    bump(&host, "refuse").await;
    swapped(&host, EVOLVE_REBUILT).await;
    swapped(&host, EVOLVE_BACK_PARTLY).await;
    assert_eq!((count_of(&host, "refuse").await, total(&host).await), (1, 1));
    let reply = host.call(Call::new("box", "count-of", vec![text("newer a")])).await;
    assert!(format!("{:?}", reply.as_ref().err()).contains("is old: it can only be used within a migration"));
    assert_eq!(refused(reply), "trapped");
}

#[tokio::test]
async fn g08_a_way_down_that_fails_leaves_the_newer_version_as_it_was() {
    let (_, host) = with_plugin(EVOLVE_BACK_PARTLY).await;
    swapped(&host, EVOLVE_V2).await;
    for key in ["a", "b", "c"] {
        bump(&host, key).await;
    }
    let root = host.show("box").unwrap().root;
    let error = host.rollback("box", keep()).await.unwrap_err();
    let message = error.to_string();
    assert_eq!(error.kind(), "aborted", "{message}");
    // The sum is not imported: it is dormant, and stays.
    for words in ["1 of test:evolve/entries@2)", "--accept-unread"] {
        assert!(message.contains(words), "{message}");
    }
    assert_eq!((host.show("box").unwrap().root, version(&host, "box").await.as_str()), (root, "v2"));

    bump(&host, "a refusal is not the end").await;
    bump(&host, "refuse").await;
    host.swap("box", EVOLVE_BACK, swap()).await.unwrap_err();
    assert_eq!(version(&host, "box").await, "v2");
    let accepted = RollbackOptions { accept_unread: true, ..keep() };
    host.rollback("box", accepted).await.unwrap();
    assert_eq!(version(&host, "box").await, "back-partly");
    assert_eq!((count_of(&host, "a").await, total(&host).await), (1, 0));
    let accepted = SwapOptions { accept_unread: true, ..swap() };
    host.swap("box", EVOLVE_V2, accepted).await.unwrap();
    assert_eq!(total(&host).await, 5, "what was dormant meanwhile is there again");
}

#[tokio::test]
async fn g07_where_nothing_was_written_the_sealed_state_is_taken_without_a_migration() {
    let (_, host) = with_plugin(EVOLVE_BACK).await;
    bump(&host, "a").await;
    let root = host.show("box").unwrap().root;
    swapped(&host, EVOLVE_V2).await;
    let receipt = host.rollback("box", keep()).await.unwrap();
    assert!(receipt.migrated.is_none());
    assert_eq!(host.show("box").unwrap().root, root);
}

#[tokio::test]
async fn g12_results_stay_by_a_way_down_and_are_undone_where_writes_are_discarded() {
    let (_, host) = with_plugin(EVOLVE_BACK).await;
    let call = |sequence| Call::new("box", "bump", vec![text("a")]).with_id("ann", sequence);
    host.call(call(1)).await.unwrap();
    swapped(&host, EVOLVE_V2).await;
    host.call(call(2)).await.unwrap();
    host.rollback("box", keep()).await.unwrap();
    for sequence in [1, 2] {
        assert!(host.call(call(sequence)).await.unwrap().replayed, "{sequence} was kept, and so was its result");
    }
    swapped(&host, EVOLVE_V2).await;
    host.call(call(3)).await.unwrap();
    // Named, the writes go even where there is a way to keep them.
    let receipt = host.rollback("box", discard()).await.unwrap();
    assert_eq!(receipt.kind, ReceiptKind::RollbackDiscarding);
    assert_eq!(refused(host.call(call(3)).await), "undone");
    assert!(host.call(call(2)).await.unwrap().replayed);
    assert_eq!((count_of(&host, "a").await, total(&host).await), (2, 2));
}
