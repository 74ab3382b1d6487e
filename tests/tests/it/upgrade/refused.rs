//! G7: what keeps a state from being upgraded, and what `check` and `inspect` say.

use stead_runtime::{Check, CheckOptions, Fate, Host, Inspection, SwapError};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_V1, LEDGER_PARTLY, LEDGER_TWICE, LEDGER_V1, LEDGER_V2, LEDGER_V3};

use super::{credit, ledger, upgraded};
use crate::harness::{deploy, engine, open, swap, version};

async fn refuses(host: &Host, wasm: &[u8], words: &[&str]) {
    let message = match host.swap("box", wasm, swap()).await {
        Err(error @ (SwapError::State(_) | SwapError::Component(_))) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    };
    assert!(words.iter().all(|word| message.contains(word)), "{message} lacks one of {words:?}");
    assert_eq!(credit(host, "ann", 0).await, 7, "the incumbent serves on");
}

#[tokio::test]
async fn g07_two_functions_for_one_type_are_refused() {
    let host = ledger(&SimDisk::new(1)).await;
    let words =
        ["test:ledger/from-one@2.0.0#upgrade-motto", "test:ledger/also-from-one@2.0.0#upgrade-motto", "both convert"];
    refuses(&host, LEDGER_TWICE, &words).await;
}

#[tokio::test]
async fn g07_a_migration_does_not_run_beside_functions_for_entries() {
    let host = ledger(&SimDisk::new(1)).await;
    let words = ["test:ledger/journal@1", "`migrate` cannot run beside", "`upgrade-journal`", "`upgrade-turnover`"];
    refuses(&host, LEDGER_PARTLY, &words).await;
}

#[tokio::test]
async fn g07_a_state_behind_or_ahead_of_every_function_is_refused() {
    let host = ledger(&SimDisk::new(1)).await;
    host.swap("box", LEDGER_V3, swap()).await.unwrap_or_else(|error| panic!("{error}"));
    refuses(&host, LEDGER_V2, &["this is a downgrade"]).await;
    assert_eq!(version(&host, "box").await, "v3");
}

#[tokio::test]
async fn check_and_inspect_name_the_functions() {
    let host = ledger(&SimDisk::new(1)).await;
    let check = host.check("box", LEDGER_V2, CheckOptions::default()).await.unwrap();
    assert!(check.is_admitted(), "{:?}", check.refusals);
    let accounts = check.collections.iter().find(|c| c.identity.to_string() == "test:ledger/accounts@1").unwrap();
    assert_eq!((accounts.fate, accounts.entries), (Fate::Upgraded, Some(51)));
    assert_eq!(accounts.converted_by.as_deref(), Some("test:ledger/from-one@2.0.0#upgrade-accounts"));
    let ticks = check.collections.iter().find(|c| c.identity.to_string() == "test:ticks/ticks@1").unwrap();
    assert_eq!((ticks.fate, ticks.converted_by.as_ref()), (Fate::Kept, None));
    let functions = check.functions.as_ref().expect("the incumbent can be read");
    assert!(functions.iter().all(|change| !format!("{change:?}").contains("upgrade-")), "they are not for callers");

    let files = Check::between(&engine(), LEDGER_V1, LEDGER_V2, &CheckOptions::default()).unwrap();
    assert!(files.is_admitted(), "{:?}", files.refusals);
    let fate = |check: &Check| check.collections.iter().filter(|c| c.fate == Fate::Upgraded).count();
    assert_eq!((fate(&files), fate(&check)), (4, 4));

    let inspection = Inspection::of(&engine(), LEDGER_V3).unwrap();
    let accounts: Vec<_> = inspection.upgrades.iter().filter(|u| u.to == "test:ledger/accounts@3").collect();
    assert_eq!(accounts.len(), 2);
    assert_eq!(accounts[0].from, ["test:ledger/accounts@1", "test:ledger/accounts@2"]);
    assert!(inspection.functions.iter().all(|function| !function.path.contains("upgrade-")));

    upgraded(&host).await;
    let function = "test:ledger/from-one@2.0.0#upgrade-turnover";
    assert!(host.function("box", function).is_err(), "and cannot be called");
}

#[tokio::test]
async fn g07_a_component_of_another_state_is_what_it_was() {
    // Functions for entries say nothing about packages that the component does not know.
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy(&host, "box", EVOLVE_V1).await;
    let check = host.check("box", LEDGER_V2, CheckOptions::default()).await.unwrap();
    assert!(check.collections.iter().all(|collection| collection.fate != Fate::Upgraded));
}
