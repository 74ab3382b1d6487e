//! G8: what a hand-off did is stated in its commit's wake, chained and signed, whatever crashes in between.

use std::sync::Arc;

use stead_receipt::{Envelope, Hash, PublicKey, SecretKey, Statement, Trust, Verified, verify};
use stead_runtime::{DataDir, HistoryEvent, Host, HostOptions, SwapOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_MIGRATE_ERR, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2};

use crate::harness::{bump, deploy, discard, engine, inline, keep, open, swap, try_open, with_plugin};

fn file(host: &Host, plugin: &str) -> Vec<u8> {
    let mut file = Vec::new();
    host.receipts(plugin).unwrap().write_to(&mut file).unwrap();
    file
}

fn checked(host: &Host, plugin: &str, keys: &[PublicKey]) -> Verified {
    let trust = Trust { keys: keys.to_vec(), head: None };
    let verified = verify(&file(host, plugin)[..], &trust).unwrap();
    assert!(verified.is_clean(), "{:?}", verified.findings);
    verified
}

fn statements(host: &Host, plugin: &str) -> Vec<Statement> {
    let text = String::from_utf8(file(host, plugin)).unwrap();
    text.lines().skip(1).map(|line| Statement::read(&Envelope::parse(line).unwrap().payload).unwrap()).collect()
}

fn by(who: &str) -> SwapOptions {
    SwapOptions { asked_by: Some(who.into()), ..swap() }
}

async fn open_with(disk: &SimDisk, key: &SecretKey) -> Host {
    let data = DataDir::Disk(Arc::new(disk.clone()));
    let options = HostOptions { data, engine: engine(), store: inline(), receipt_key: Some(key.clone()) };
    Host::open(options).await.expect("the host opens").0
}

#[tokio::test]
async fn every_end_of_a_hand_off_is_stated_and_the_statements_are_one_chain() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    assert!(checked(&host, "box", &[]).receipts.is_empty());
    bump(&host, "a").await;
    let before = host.show("box").unwrap().root;
    host.swap("box", EVOLVE_MIGRATE_ERR, by("bob")).await.unwrap_err();
    let swapped = host.swap("box", EVOLVE_V2, by("ann")).await.unwrap();
    bump(&host, "b").await;
    host.rollback("box", discard()).await.unwrap();
    host.swap("box", EVOLVE_REBUILT, by("cleo")).await.unwrap();
    host.rollback("box", keep()).await.unwrap();

    let receipts = checked(&host, "box", &[]).receipts;
    let told: Vec<_> = receipts.iter().map(|r| (r.kind.as_str(), r.taken_over, r.asked_by.as_deref())).collect();
    let history = host.history("box").unwrap();
    assert_eq!(told.len(), history.len() - 1, "all but the deploy: {told:?}");
    assert_eq!(told[0], ("swap", false, Some("bob")), "one that is given up is stated too");
    assert_eq!(told[1], ("swap", true, Some("ann")));
    assert_eq!(told[2].0, "rollback-discarding");
    assert_eq!(told[3], ("swap", true, Some("cleo")));

    let first = &receipts[1];
    assert_eq!(first.sealed.unwrap().to_string(), before);
    assert_eq!(first.root.map(|root| root.to_string()), swapped.root);
    assert_eq!(first.from.component.to_string(), swapped.from.component);
    assert_eq!(first.to.component, Hash::of(EVOLVE_V2), "a component is named by the hash of its bytes");
    assert_eq!((first.pause_us, first.held_calls), (swapped.pause_us, swapped.held_calls));
    let stated = statements(&host, "box");
    assert!(stated[1].receipt["verdicts"].as_array().is_some_and(|verdicts| !verdicts.is_empty()));
    for (place, statement) in stated.iter().enumerate() {
        assert_eq!((statement.number, statement.event), (place as u64 + 1, place as u64 + 2));
    }
    assert!(receipts.iter().all(|receipt| receipt.with.is_empty()));
    assert_ne!(receipts[0].id, receipts[1].id);
}

#[tokio::test]
async fn a_host_with_a_key_signs_and_goes_on_after_one_without() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    host.close().await.unwrap();
    let key = SecretKey::new().unwrap();
    let host = open_with(&disk, &key).await;
    host.swap("box", EVOLVE_V1, swap()).await.unwrap();
    let file = file(&host, "box");
    let trust = Trust { keys: vec![key.public()], head: None };
    let verified = verify(&file[..], &trust).unwrap();
    let kinds: Vec<_> = verified.findings.iter().map(|finding| finding.kind()).collect();
    assert_eq!(kinds, ["unsigned"], "what was stated without a key stays without");
    assert_eq!(verified.receipts.iter().map(|receipt| receipt.signed).collect::<Vec<_>>(), [false, true]);
    let text = String::from_utf8(file).unwrap().replace("\"sig\":\"", "\"sig\":\"A");
    assert!(!verify(text.as_bytes(), &trust).unwrap().is_clean());
}

#[tokio::test]
async fn plugins_of_one_hand_off_share_its_id() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    deploy(&host, "chest", EVOLVE_V1).await;
    let swaps = ["chest", "box"].map(|plugin| stead_runtime::Swap {
        plugin: plugin.into(),
        wasm: EVOLVE_REBUILT.to_vec(),
        options: by("ann"),
    });
    host.swap_all(swaps.into()).await.unwrap();
    let [one, other] = ["box", "chest"].map(|plugin| checked(&host, plugin, &[]).receipts.remove(0));
    assert_eq!(one.id, other.id);
    assert_eq!((one.with, other.with), (vec!["chest".to_owned()], vec!["box".to_owned()]));
}

/// Crashes at each disk operation of a swap with a migration, and of one that is given up.
#[tokio::test]
async fn g11_a_statement_that_a_crash_prevented_is_made_at_open() {
    let key = SecretKey::new().unwrap();
    let (base, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.close().await.unwrap();
    let (mut lengths, mut at) = ([0; 3], 0);
    loop {
        let disk = base.restart(at);
        disk.crash_after(at);
        if let Ok((host, _)) = try_open(&disk).await {
            let _ = host.swap("box", EVOLVE_MIGRATE_ERR, by("bob")).await;
            let _ = host.swap("box", EVOLVE_V2, by("ann")).await;
        }
        let crashed = disk.crashed();
        let host = open_with(&disk.restart(at), &key).await;
        let ended = host.history("box").unwrap().len() - 1;
        let receipts = checked(&host, "box", &[]).receipts;
        assert_eq!(receipts.len(), ended, "each hand-off that ended is stated, crash at {at}");
        for receipt in receipts.iter().filter(|receipt| receipt.taken_over) {
            assert!(receipt.root.is_some() && receipt.sealed.is_some(), "with its roots, crash at {at}");
            assert_eq!(receipt.root.map(|root| root.to_string()), roots(&host)[receipt.number as usize - 1]);
        }
        lengths[ended] += 1;
        host.swap("box", EVOLVE_V2, by("cleo")).await.unwrap();
        assert_eq!(checked(&host, "box", &[]).receipts.len(), ended + 1, "the chain goes on, crash at {at}");
        if !crashed {
            break;
        }
        at += 1;
    }
    assert!(lengths.iter().all(|crashes| *crashes > 0), "crashes before, between and after: {lengths:?}");
}

/// The roots that the history has of each hand-off's new state.
fn roots(host: &Host) -> Vec<Option<String>> {
    let history = host.history("box").unwrap();
    let root = |entry: stead_runtime::HistoryEntry| match entry.event {
        HistoryEvent::HandOff { receipt } => Some(receipt.root),
        _ => None,
    };
    history.into_iter().filter_map(root).collect()
}

#[tokio::test]
async fn statements_stay_where_they_are_over_restarts() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    host.swap("box", EVOLVE_REBUILT, by("ann")).await.unwrap();
    let before = file(&host, "box");
    host.close().await.unwrap();
    let (host, _) = open(&disk).await;
    assert_eq!(file(&host, "box"), before);
    host.fork("box", "copy").await.unwrap();
    assert!(checked(&host, "copy", &[]).receipts.is_empty(), "a fork has a chain of its own");
}
