//! G9: calls that come while a state is converted are served at once, each exactly once, and what they wrote is there after.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stead_runtime::{Call, Edit, EditChange, Host, Input, Progress, ScanOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_V1, LEDGER_V1, LEDGER_V2, LEDGER_V3};

use super::{ask, call, credit, describe, open_many, text, u32_, upgraded};
use crate::harness::{bump, deploy, number, open, open_dir, returned, swap, version};

const ACCOUNTS: u32 = 6_000;
const CLIENTS: u64 = 4;

/// What a client did to accounts of its own: what it credited, by account; none where it closed one.
type Done = BTreeMap<String, Option<u64>>;

/// Credits, opens and closes accounts, and ticks, until it is told to stop; every call must be served. What became of its
/// accounts, its credits, and its ticks.
async fn client(host: Host, number_of: u64, stop: Arc<AtomicBool>) -> (Done, u64, u64) {
    let (mut done, mut credits, mut ticks) = (Done::new(), 0, 0);
    let mut sequence = 0;
    while !stop.load(Ordering::Relaxed) {
        sequence += 1;
        let place = (sequence * 7919 % u64::from(ACCOUNTS / 4)) * CLIENTS + number_of;
        let name = if sequence % 5 == 0 { format!("new {number_of} {sequence}") } else { format!("a{place:08}") };
        let own =
            |function: &str, args| Call::new("box", function, args).with_id(format!("client {number_of}"), sequence);
        if sequence % 3 == 1 {
            // In a collection that nothing converts.
            returned(host.call(own("tick", vec![])).await);
            ticks += 1;
        } else if sequence % 7 == 3 {
            returned(host.call(own("close-account", vec![text(&name)])).await);
            done.insert(name, None);
        } else {
            let balance = number(returned(host.call(own("credit", vec![text(&name), u32_(2)])).await));
            done.insert(name, Some(balance));
            credits += 1;
        }
    }
    (done, credits, ticks)
}

#[tokio::test(flavor = "multi_thread")]
async fn g09_calls_are_served_while_entries_are_converted_and_none_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let host = open_dir(directory.path()).await;
    deploy(&host, "box", LEDGER_V1).await;
    open_many(&host, 0, ACCOUNTS).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS).map(|n| tokio::spawn(client(host.clone(), n, Arc::clone(&stop)))).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let progress = tokio::spawn(watch(host.clone(), Arc::clone(&stop)));
    let first = upgraded(&host).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let second = host.swap("box", LEDGER_V3, swap()).await.unwrap_or_else(|error| panic!("{error}"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.store(true, Ordering::Relaxed);

    let (mut closed, mut opened, mut credits, mut ticks) = (0, 0, 0, 0);
    for client in clients {
        let (done, made, ticked) = client.await.unwrap();
        (credits, ticks) = (credits + made, ticks + ticked);
        for (name, balance) in done {
            let kept = ask(&host, "balance", vec![text(&name)]).await;
            assert_eq!(kept, balance.map(|balance| balance.to_string()), "{name}");
            match (name.starts_with("new"), balance) {
                (true, Some(_)) => opened += 1,
                (false, None) => closed += 1,
                _ => {}
            }
        }
    }
    let left = number(call(&host, "how-many", vec![]).await);
    assert_eq!(left, u64::from(ACCOUNTS) + opened - closed);
    assert_eq!(number(call(&host, "journal-end", vec![]).await), credits, "each credit is one line");
    assert_eq!(number(call(&host, "tick", vec![]).await), ticks + 1, "what is copied is there as well");
    assert_eq!(ask(&host, "turned-over", vec![]).await, Some((2 * credits).to_string()));
    assert_eq!((version(&host, "box").await.as_str(), describe(&host, "nobody").await), ("v3", None));
    assert!(credit(&host, "a00000000", 1).await > 0);

    let seen = progress.await.unwrap();
    assert!(seen.iter().any(|progress| progress.round == 1 && progress.total >= u64::from(ACCOUNTS)), "{seen:?}");
    assert!(seen.iter().any(|progress| progress.round > 1), "calls wrote, so there was more than one round: {seen:?}");
    for receipt in [first, second] {
        let migrated = receipt.migrated.expect("entries were converted");
        assert!(migrated.runs >= 2, "{migrated:?}");
        assert!(receipt.pause_us < 2_000_000, "calls were held for {} µs", receipt.pause_us);
    }
    host.close().await.unwrap();
}

/// What others see of it until told to stop.
async fn watch(host: Host, stop: Arc<AtomicBool>) -> Vec<Progress> {
    let mut seen = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        seen.extend(host.list().unwrap()[0].progress);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    seen.dedup();
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn g09_read_only_calls_see_the_incumbents_state_until_the_commit() {
    let directory = tempfile::tempdir().unwrap();
    let host = open_dir(directory.path()).await;
    deploy(&host, "box", LEDGER_V1).await;
    open_many(&host, 0, 2_000).await;
    let swapping = tokio::spawn({
        let host = host.clone();
        async move { upgraded(&host).await }
    });
    while !swapping.is_finished() {
        let reply = host.call(Call::new("box", "describe", vec![text("a00001999")]).read_only()).await;
        let described = format!("{:?}", returned(reply));
        assert!(described.contains("opened"), "{described}");
    }
    swapping.await.unwrap();
    let after = describe(&host, "a00001999").await;
    assert_eq!(after.as_deref(), Some("a00001999: opened"));
    host.swap("box", LEDGER_V2, swap()).await.unwrap();
    host.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn g08_what_is_changed_by_hand_while_entries_are_converted_stays_changed() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy(&host, "box", EVOLVE_V1).await;
    for key in ["changed", "kept", "removed"] {
        bump(&host, key).await;
    }
    // From here on nothing converts or declares those entries: they are copied.
    host.swap("box", LEDGER_V1, swap()).await.unwrap_or_else(|error| panic!("{error}"));
    open_many(&host, 0, ACCOUNTS).await;
    let swapping = tokio::spawn({
        let host = host.clone();
        async move { upgraded(&host).await }
    });
    while host.list().unwrap()[0].progress.is_none_or(|progress| progress.done == 0) {
        assert!(!swapping.is_finished());
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    let (evolve, accounts) = ("test:evolve/entries@1", "test:ledger/accounts@1");
    let count = "{count: 41, label: \"by hand\"}";
    for (collection, key, value) in [
        (evolve, "changed", Some(count)),
        (evolve, "removed", None),
        (evolve, "new", Some(count)),
        (accounts, "a00000000", Some("{balance: 77, note: \"by hand\"}")),
        (accounts, "a00005999", None),
    ] {
        let change = value.map_or(EditChange::Remove, |value| EditChange::Set(Input::Wave(value.into())));
        let key = Some(Input::Wave(format!("\"{key}\"")));
        let edit = Edit { collection: collection.into(), key, change, expect: None, reason: "a test".into() };
        host.edit("box", &edit).await.unwrap_or_else(|error| panic!("{error}"));
    }
    assert_eq!(host.list().unwrap()[0].version.generation, 2, "it was converted too fast for this test");
    swapping.await.unwrap();
    assert_eq!(ask(&host, "balance", vec![text("a00000000")]).await.as_deref(), Some("77"));
    assert_eq!(number(call(&host, "how-many", vec![]).await), u64::from(ACCOUNTS) - 1);
    let scan = ScanOptions { collection: evolve.into(), ..ScanOptions::default() };
    let found: Vec<String> =
        host.state("box", &scan).unwrap().entries.iter().map(|entry| format!("{entry:?}")).collect();
    assert_eq!(found.len(), 3, "{found:#?}");
    for (entry, key) in found.iter().zip(["changed", "kept", "new"]) {
        assert!(entry.contains(&format!("{key:?}")), "{entry}");
        assert_eq!(entry.contains("41"), key != "kept", "{entry}");
    }
}
