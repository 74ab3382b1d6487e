//! G6: one process holds a data directory.

use std::sync::Arc;

use stead_runtime::{Host, HostOptions};
use stead_store::disk::sim::SimDisk;
use stead_store::{StateId, Store};
use stead_test_guests::{EVOLVE_REBUILT, EVOLVE_V1};

use crate::harness::{bump, count_of, deploy, engine, inline, open, open_dir, swap, with_plugin};

#[tokio::test]
async fn a_second_host_is_refused_and_disturbs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let host = open_dir(directory.path()).await;
    deploy(&host, "box", EVOLVE_V1).await;
    let second = Host::open(HostOptions::at(directory.path(), engine())).await;
    assert_eq!(second.err().map(|error| error.kind()), Some("locked"));
    assert_eq!(bump(&host, "a").await, 1);
    host.close().await.unwrap();
    let host = open_dir(directory.path()).await;
    assert_eq!(count_of(&host, "a").await, 1);
}

/// The highest writer epoch of any plugin's state.
fn highest_epoch(disk: &SimDisk) -> u64 {
    let (store, _) = Store::open(Arc::new(disk.clone()), inline()).unwrap();
    let states = store.states().into_iter().filter(|state| *state != StateId::CATALOG);
    let highest = states.filter_map(|state| store.epoch(state)).map(|epoch| epoch.0).max();
    store.close().unwrap();
    highest.expect("a plugin has a state")
}

#[tokio::test]
async fn a_hand_off_fences_the_version_before() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.close().await.unwrap();
    let before = highest_epoch(&disk);
    let (host, _) = open(&disk).await;
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    host.close().await.unwrap();
    assert!(highest_epoch(&disk) > before, "the version before could still write");
}
