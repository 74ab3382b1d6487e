//! G8: functions that trap, loop, take memory without end, refuse or look around. Each is given up, and the incumbent
//! serves on as if nothing had been.

use std::time::Duration;

use stead_runtime::{DeployOptions, SwapOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LEDGER_V1, LEDGER_V2};

use super::{call, credit, gives_up, ledger, note, open_many, s32, states, upgraded};
use crate::harness::{deploy, entries, open, swap, version};

/// An account that is converted badly; what the reason says.
async fn given_up(bad: &str, words: &[&str]) {
    let host = ledger(&SimDisk::new(1)).await;
    note(&host, "a00000033", bad).await;
    let before = states(&host);
    let options = SwapOptions { migration_deadline: Some(Duration::from_secs(2)), ..swap() };
    gives_up(&host, LEDGER_V2, options, words).await;
    assert_eq!(states(&host), before, "what was made for it is gone");
    assert_eq!((version(&host, "box").await.as_str(), credit(&host, "ann", 1).await), ("v1", 8));
    note(&host, "a00000033", "good").await;
    upgraded(&host).await;
    assert_eq!(credit(&host, "ann", 1).await, 9);
}

#[tokio::test]
async fn g08_an_upgrade_that_panics_is_given_up() {
    given_up("panic", &["upgrade-accounts", r#"entry "a00000033" of test:ledger/accounts@1"#, "what is a00000033?"])
        .await;
}

#[tokio::test]
async fn g08_an_upgrade_that_refuses_is_given_up_with_its_words() {
    given_up("err", &[r#"entry "a00000033""#, "a00000033 is not to be had"]).await;
}

#[tokio::test]
async fn g08_an_upgrade_that_never_ends_is_given_up() {
    given_up("loop", &[r#"entry "a00000033""#, "still running at its deadline"]).await;
}

#[tokio::test]
async fn g08_an_upgrade_that_takes_memory_without_end_is_given_up() {
    given_up("allocate", &[r#"entry "a00000033""#, "memory"]).await;
}

#[tokio::test]
async fn g08_an_upgrade_depends_on_its_entry_alone() {
    given_up("look", &[r#"entry "a00000033""#, "depends on it alone"]).await;
}

#[tokio::test]
async fn g08_what_an_upgrade_makes_has_the_limits_of_a_value() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut options = DeployOptions::default();
    options.limits.value_bytes_max = 1 << 19;
    host.deploy("box", LEDGER_V1, options).await.unwrap();
    note(&host, "ann", "swell").await;
    gives_up(&host, LEDGER_V2, swap(), &[r#"entry "ann""#, "`value_bytes_max` is 524288"]).await;
}

#[tokio::test]
async fn g08_an_entry_of_a_log_cannot_be_dropped() {
    let host = ledger(&SimDisk::new(1)).await;
    call(&host, "write-line", vec![s32(-999)]).await;
    gives_up(&host, LEDGER_V2, swap(), &["entry 2 of test:ledger/journal@1", "none", "log"]).await;
}

#[tokio::test]
async fn g08_the_thousandth_entry_is_as_good_a_place_to_fail() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy(&host, "box", LEDGER_V1).await;
    open_many(&host, 0, 2_000).await;
    note(&host, "a00000999", "panic").await;
    gives_up(&host, LEDGER_V2, swap(), &[r#"entry "a00000999""#]).await;
    assert_eq!(entries(&host, "box", "test:ledger/accounts@1"), 2_000);
    assert!(host.history("box").unwrap().len() > 1, "why is in the history");
}

#[tokio::test]
async fn g08_an_upgrade_that_does_not_fit_its_time_says_how_far_it_came() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy(&host, "box", LEDGER_V1).await;
    open_many(&host, 0, 5_000).await;
    let options = SwapOptions { migration_deadline: Some(Duration::from_millis(5)), ..swap() };
    gives_up(&host, LEDGER_V2, options, &["of 5000 entries of round 1", "--migration-deadline"]).await;
    upgraded(&host).await;
    assert_eq!(version(&host, "box").await, "v2");
}
