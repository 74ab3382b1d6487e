//! G14: what waits and what is kept has a bound, and a clear error past it.

use std::sync::Arc;
use std::time::Duration;

use stead_runtime::engine::{Engine, EngineOptions};
use stead_runtime::{Call, DataDir, DeployOptions, Host, HostOptions, Reuse};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_V1, EVOLVE_V2, HOSTILE};

use crate::harness::{bump, bytes, deploy, inline, number, open, refused, returned, swap, text, total};

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut options = DeployOptions::default();
    options.limits.waiting_calls_max = 1;
    host.deploy("box", HOSTILE, options).await.unwrap();
    let spin = Call { deadline: Some(Duration::from_secs(2)), ..Call::new("box", "spin", vec![]) };
    let write = || Call::new("box", "put", vec![text("k"), bytes(b"v")]);
    let running = tokio::spawn({
        let host = host.clone();
        async move { host.call(spin).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let waiting = tokio::spawn({
        let (host, write) = (host.clone(), write());
        async move { host.call(write).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(refused(host.call(write()).await), "queue-full");
    assert_eq!(refused(running.await.unwrap()), "trapped");
    waiting.await.unwrap().expect("the one that waited is served");
}

#[tokio::test]
async fn instances_of_a_per_call_plugin_are_not_kept() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let options = DeployOptions { reuse: Reuse::PerCall, ..DeployOptions::default() };
    host.deploy("box", EVOLVE_V1, options).await.unwrap();
    for round in 1..=3 {
        assert_eq!(bump(&host, "a").await, round);
    }
}

#[tokio::test]
async fn names_and_clients_have_a_form() {
    let (host, _) = open(&SimDisk::new(1)).await;
    for name in ["", "-a", "a b", "a/b", &"x".repeat(65)] {
        let error = host.deploy(name, EVOLVE_V1, DeployOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), "name", "{name:?}");
    }
    host.deploy("box", EVOLVE_V1, DeployOptions::default()).await.unwrap();
    for client in ["", &"x".repeat(129)] {
        let call = Call::new("box", "bump", vec![text("a")]).with_id(client, 1);
        assert_eq!(refused(host.call(call).await), "client");
    }
}

#[tokio::test]
async fn more_plugins_than_instances_take_turns_at_being_warm() {
    let mut options = EngineOptions::default();
    options.limits.instances_max = 2;
    let engine = Engine::new(options).unwrap();
    let data = DataDir::Disk(Arc::new(SimDisk::new(1)));
    let options = HostOptions { data, engine: engine.clone(), store: inline(), receipt_key: None };
    let (host, _) = Host::open(options).await.unwrap();
    let names: Vec<String> = (0..5).map(|index| format!("plugin-{index}")).collect();
    for name in &names {
        deploy(&host, name, EVOLVE_V1).await;
    }
    for round in 1..=3 {
        for name in &names {
            let count = returned(host.call(Call::new(name, "bump", vec![text("a")])).await);
            assert_eq!(number(count), round);
            assert!(engine.instances() <= 2);
        }
    }
}

#[tokio::test]
async fn a_call_without_a_deadline_ends_at_that_of_its_plugin() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut options = DeployOptions::default();
    options.limits.call_time_max = Duration::from_millis(300);
    host.deploy("box", HOSTILE, options).await.unwrap();
    let spin = host.call(Call::new("box", "spin", vec![]));
    let ended = tokio::time::timeout(Duration::from_secs(20), spin).await.expect("the call ends");
    assert_eq!(refused(ended), "trapped");
}

#[tokio::test]
async fn a_migration_writes_no_more_than_it_may() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut options = DeployOptions::default();
    options.limits.migration_bytes_max = 500;
    host.deploy("box", EVOLVE_V1, options).await.unwrap();
    for key in 0..20 {
        bump(&host, &format!("key {key}")).await;
    }
    let error = host.swap("box", EVOLVE_V2, swap()).await.unwrap_err();
    assert!(error.to_string().contains("migration_bytes_max"), "{error}");
    assert_eq!(total(&host).await, 20);
}
