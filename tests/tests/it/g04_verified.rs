//! G4: damage is reported, never served.

use stead_runtime::{Call, ScanOptions};
use stead_store::disk::Disk;
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_REBUILT, EVOLVE_V1};

use crate::harness::{bump, entries, open, refused, swap, text, version, with_plugin};

fn component(disk: &SimDisk) -> String {
    let files = disk.files();
    files.into_iter().find(|file| file.starts_with("components/")).expect("a component is kept")
}

#[tokio::test]
async fn a_damaged_component_stops_calls_but_neither_the_state_nor_a_swap() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.close().await.unwrap();
    disk.flip_bit(&component(&disk), 1_000, 3);

    let (host, _) = open(&disk).await;
    let reply = host.call(Call::new("box", "bump", vec![text("a")])).await;
    assert_eq!(refused(reply), "unavailable");
    let details = host.show("box").unwrap();
    assert!(details.summary.problem.is_some());
    assert_eq!(entries(&host, "box", "entries"), 1);
    let verified = host.verify(|_| {}).await.unwrap();
    assert!(verified.damage.iter().any(|damage| damage.file.starts_with("components/")), "{verified:?}");

    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    assert_eq!(version(&host, "box").await, "rebuilt");
    assert_eq!(bump(&host, "a").await, 2);
}

#[tokio::test]
async fn a_missing_component_is_damage() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    assert!(host.verify(|_| {}).await.unwrap().damage.is_empty());
    disk.remove(&component(&disk)).unwrap();
    let verified = host.verify(|_| {}).await.unwrap();
    assert_eq!(verified.damage.len(), 1, "{verified:?}");
    assert_eq!(verified.damage[0].affects, "version 1 of plugin box");
}

#[tokio::test]
async fn a_flipped_bit_in_a_pack_is_reported_and_not_served() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    for key in 0..400 {
        bump(&host, &format!("key {key}")).await;
    }
    host.checkpoint().await.unwrap();
    host.close().await.unwrap();
    for pack in disk.files().into_iter().filter(|file| file.starts_with("packs/")) {
        disk.flip_bit(&pack, 2_000, 0);
    }
    match crate::harness::try_open(&disk).await {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok((host, _)) => {
            let scan = ScanOptions { collection: "entries".into(), limit: Some(10_000), ..ScanOptions::default() };
            assert!(host.state("box", &scan).is_err(), "damaged entries were served");
            assert!(!host.verify(|_| {}).await.unwrap().is_clean());
        }
    }
}
