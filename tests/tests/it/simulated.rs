//! The simulated run: several plugins, calls with ids, checkpoints, swaps with and without migration and a rollback,
//! with a crash at every disk operation. After each recovery every acknowledged call is there exactly once, every other
//! one is there whole or not at all, each plugin has one version, and swapping goes on.

use stead_runtime::{Call, DeployOptions, Host, Outcome, Reply};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3};

use crate::harness::{keep, number, open, returned, swap, text, try_open, version};

const PLUGINS: [&str; 3] = ["one", "two", "three"];
const CALLS: u64 = 210;

/// What the run does besides calling, by the number of the call before which it does it.
async fn beside(host: &Host, call: u64) -> bool {
    match call {
        40 | 120 | 190 => host.checkpoint().await.is_ok(),
        70 => host.swap("one", EVOLVE_V2, swap()).await.is_ok(),
        90 => host.swap("two", EVOLVE_REBUILT, swap()).await.is_ok(),
        140 => host.rollback("two", keep()).await.is_ok(),
        160 => host.swap("one", EVOLVE_V3, swap()).await.is_ok(),
        _ => true,
    }
}

/// A call of the run: which plugin, and with what. Some of them end in `err`.
fn call(index: u64) -> Call {
    let plugin = PLUGINS[(index % 3) as usize];
    let key = if index % 17 == 5 { String::new() } else { format!("key {}", index % 7) };
    Call::new(plugin, "bump", vec![text(&key)]).with_id(format!("client {}", index % 2), index)
}

/// The data directory that each run starts from.
async fn prepared() -> SimDisk {
    let disk = SimDisk::new(11);
    let (host, _) = open(&disk).await;
    for plugin in PLUGINS {
        let mut options = DeployOptions { label: Some("1".into()), ..DeployOptions::default() };
        options.limits.results_per_client_max = 1_024;
        host.deploy(plugin, EVOLVE_V1, options).await.unwrap();
    }
    host.close().await.unwrap();
    disk
}

/// Runs the workload until the disk crashes; the replies that were seen, by call.
async fn run(host: &Host) -> Vec<Reply> {
    let mut seen = Vec::new();
    for index in 0..CALLS {
        if !beside(host, index).await {
            break;
        }
        match host.call(call(index)).await {
            Ok(reply) => seen.push(reply),
            Err(_) => break,
        }
    }
    seen
}

/// What must hold after a recovery.
async fn check(host: &Host, seen: &[Reply], at: u64) {
    for plugin in host.list().unwrap() {
        assert!(plugin.handoff.is_none(), "{} still hands over, crash at {at}", plugin.name);
        assert!(!version(host, &plugin.name).await.is_empty());
    }
    for (index, reply) in seen.iter().enumerate() {
        let again =
            host.call(call(index as u64)).await.unwrap_or_else(|error| panic!("call {index}, crash at {at}: {error}"));
        assert!(again.replayed, "call {index} was acknowledged and lost, crash at {at}");
        assert_eq!((&again.outcome, &again.ty), (&reply.outcome, &reply.ty), "call {index}, crash at {at}");
    }
    // The call that was under way is there whole or not at all: asked again, it is there exactly once.
    let asked = (seen.len() as u64 + 1).min(CALLS);
    if asked > seen.len() as u64 {
        host.call(call(asked - 1)).await.unwrap_or_else(|error| panic!("crash at {at}: {error}"));
    }
    for (place, plugin) in PLUGINS.into_iter().enumerate() {
        let mine = (0..asked).filter(|index| index % 3 == place as u64 && index % 17 != 5);
        let total = number(returned(host.call(Call::new(plugin, "total", vec![])).await));
        assert_eq!(total, mine.count() as u64, "{plugin}, crash at {at}");
    }
}

/// Whatever serves can be replaced.
async fn swap_again(host: &Host, at: u64) {
    let next = match version(host, "one").await.as_str() {
        "v1" => EVOLVE_V2,
        _ => EVOLVE_V3,
    };
    host.swap("one", next, swap()).await.unwrap_or_else(|error| panic!("swap after a crash at {at}: {error}"));
    let bump = Call::new("one", "bump", vec![text("after")]);
    assert_eq!(host.call(bump).await.unwrap().outcome, Outcome::Ok(Some(crate::harness::u64_(1))));
}

/// Every `step`th crash point from `first` on, to the end of the run.
async fn crash_everywhere(first: u64, step: u64) {
    let base = prepared().await;
    let mut at = first;
    loop {
        let disk = base.restart(at);
        disk.crash_after(at);
        let seen = match try_open(&disk).await {
            Ok((host, _)) => run(&host).await,
            Err(_) => Vec::new(),
        };
        let crashed = disk.crashed();
        let (host, _) = try_open(&disk.restart(at)).await.unwrap_or_else(|error| panic!("crash at {at}: {error}"));
        check(&host, &seen, at).await;
        swap_again(&host, at).await;
        if !crashed {
            assert_eq!(seen.len() as u64, CALLS, "the run ends by itself");
            return;
        }
        at += step;
    }
}

#[tokio::test]
async fn a_crash_at_every_disk_operation_first_part() {
    crash_everywhere(0, 2).await;
}

#[tokio::test]
async fn a_crash_at_every_disk_operation_second_part() {
    crash_everywhere(1, 2).await;
}
