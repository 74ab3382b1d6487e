//! G14: what a call through links takes has a bound.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stead_runtime::engine::{Engine, EngineOptions};
use stead_runtime::limits::LINK_DEPTH_MAX;
use stead_runtime::{Call, DataDir, DeployOptions, Host, HostOptions, Reuse};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LINK_LEAF, LINK_LEFT, LINK_RING, LINK_TOP};

use super::{DIAMOND, Ran, deploy_linked, diamond, links, numbers, one, ran, run, script, spin, try_link};
use crate::harness::{inline, open, refused};

#[tokio::test]
async fn g14_a_deadline_holds_for_all_plugins_of_a_call() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    let spin = script("top", "(set k 1)(left (set k 1)(leaf (set k 1)(spin)))");
    let began = Instant::now();
    let error = host.call(Call { deadline: Some(Duration::from_millis(200)), ..spin }).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert!(error.to_string().contains("(deadline): linked plugin `left`: linked plugin `leaf`"), "{error}");
    for plugin in ["top", "left", "right", "leaf"] {
        assert_eq!(run(&host, plugin, "(get k)").await, 0, "{plugin} goes on");
    }
}

#[tokio::test]
async fn g14_a_call_that_its_caller_gives_up_lets_go_of_all_plugins() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    for round in 1..=2 {
        spin(&host, "top", "(set k 1)(left (leaf (set k 1)(spin)))").await.abort();
        for plugin in DIAMOND {
            assert_eq!(run(&host, plugin, "(get k)").await, 0, "{plugin} goes on, round {round}");
        }
        assert_eq!(run(&host, "top", "(left (leaf (get k)))").await, 0);
    }
}

#[tokio::test]
async fn g14_a_callee_has_limits_of_its_own() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut hasty = DeployOptions::default();
    hasty.limits.call_time_max = Duration::from_millis(100);
    host.deploy("hasty", LINK_LEAF, hasty).await.unwrap();
    let mut small = DeployOptions::default();
    small.limits.transaction_bytes_max = 400;
    host.deploy("small", LINK_LEAF, small).await.unwrap();
    for (left, leaf) in [("left-hasty", "hasty"), ("left-small", "small")] {
        deploy_linked(&host, left, LINK_LEFT, &[("leaf", leaf)]).await;
    }
    let error = host.call(script("left-hasty", "(leaf (spin))")).await.unwrap_err().to_string();
    assert!(error.contains("deadline") && error.contains("linked plugin `hasty`"), "{error}");
    let many = "(set a 1)(set b 1)(set c 1)(set d 1)(set e 1)(set f 1)(set g 1)(set h 1)";
    let error = host.call(script("left-small", &format!("(leaf {many})"))).await.unwrap_err().to_string();
    assert!(error.contains("`transaction_bytes_max` is 400"), "{error}");
    run(&host, "left-small", many).await;
}

#[tokio::test]
async fn g14_the_first_plugin_s_limit_is_that_of_what_the_whole_call_writes() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
    let mut options = DeployOptions { links: links(&[("leaf", "leaf")]), ..DeployOptions::default() };
    options.limits.transaction_bytes_max = 400;
    host.deploy("left", LINK_LEFT, options).await.unwrap();
    let many = "(set a 1)(set b 1)(set c 1)(set d 1)(set e 1)(set f 1)(set g 1)(set h 1)";
    let error = host.call(script("left", &format!("(leaf {many})"))).await.unwrap_err().to_string();
    assert!(error.contains("written") && error.contains("linked plugins"), "{error}");
    run(&host, "left", "(leaf (set a 1))").await;
    run(&host, "leaf", many).await;
}

#[tokio::test]
async fn g14_a_full_queue_of_a_callee_refuses_the_call_and_holds_nobody() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut options = DeployOptions::default();
    options.limits.waiting_calls_max = 2;
    host.deploy("leaf", LINK_LEAF, options).await.unwrap();
    deploy_linked(&host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
    deploy_linked(&host, "left-2", LINK_LEFT, &[("leaf", "leaf")]).await;
    let spinning = spin(&host, "leaf", "(spin)").await;
    let late = Call { deadline: Some(Duration::from_millis(50)), ..script("left", "(leaf (set k 3))") };
    assert_eq!(refused(host.call(late).await), "deadline");
    let waiting = [1, 2].map(|n| {
        let (host, call) = (host.clone(), script("left", &format!("(leaf (set k{n} {n}))")));
        tokio::spawn(async move { host.call(Call { deadline: Some(Duration::from_secs(600)), ..call }).await })
    });
    while host.show("leaf").unwrap().waiting < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(refused(host.call(script("left-2", "(leaf (set k 2))")).await), "queue-full");
    spinning.abort();
    for waiting in waiting {
        waiting.await.unwrap().expect("those that waited are served");
    }
    assert_eq!(numbers(&host, "leaf"), BTreeMap::from([("k1".into(), 1), ("k2".into(), 2)]));
    run(&host, "left-2", "(leaf (set k 4))").await;
}

#[tokio::test]
async fn g14_chains_have_a_length() {
    let (host, _) = open(&SimDisk::new(1)).await;
    // top → left → leaf → top → …: the same components one above the other.
    deploy_linked(&host, "0", LINK_LEAF, &[]).await;
    deploy_linked(&host, "right", stead_test_guests::LINK_RIGHT, &[("leaf", "0")]).await;
    let (mut leaf, mut level) = ("0".to_owned(), 0);
    let error = loop {
        let [left, top, next] = [1, 2, 3].map(|step| (level + step).to_string());
        let deployed = match try_link(&host, &left, LINK_LEFT, &[("leaf", &leaf)]).await {
            Ok(_) => {
                match try_link(&host, &top, LINK_TOP, &[("leaf", &leaf), ("left", &left), ("right", "right")]).await {
                    Ok(_) => try_link(&host, &next, LINK_RING, &[("top", &top)]).await,
                    refused => refused,
                }
            }
            refused => refused,
        };
        match deployed {
            Ok(_) => (leaf, level) = (next, level + 3),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), "links");
    assert!(error.to_string().contains(&format!("`LINK_DEPTH_MAX` is {LINK_DEPTH_MAX}")), "{error}");
    assert!(level + 3 >= LINK_DEPTH_MAX && level <= LINK_DEPTH_MAX, "refused after {level} levels");
    // The longest that there may be works to its end.
    let mut commands = "(set deep 7)(get deep)".to_owned();
    for name in (0..level).map(|at| ["leaf", "left", "top"][(at % 3) as usize]) {
        commands = format!("({name} {commands})");
    }
    assert_eq!(run(&host, &level.to_string(), &commands).await, 7, "{commands}");
    assert_eq!(numbers(&host, "0"), one("deep", 7));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g14_calls_that_need_more_instances_than_there_are_wait_for_each_other() {
    let mut options = EngineOptions::default();
    options.limits.instances_max = 4;
    let engine = Engine::new(options).unwrap();
    let data = DataDir::Disk(Arc::new(SimDisk::new(1)));
    let (host, _) = Host::open(HostOptions { data, engine, store: inline(), receipt_key: None }).await.unwrap();
    for pair in 0..6 {
        let (leaf, left) = (format!("leaf-{pair}"), format!("left-{pair}"));
        let reuse = |per_call: bool| if per_call { Reuse::PerCall } else { Reuse::Resident };
        let options = DeployOptions { reuse: reuse(pair % 3 == 0), ..DeployOptions::default() };
        host.deploy(&leaf, LINK_LEAF, options).await.unwrap();
        let reuse = reuse(pair % 2 == 1);
        let options = DeployOptions { links: links(&[("leaf", &leaf)]), reuse, ..DeployOptions::default() };
        host.deploy(&left, LINK_LEFT, options).await.unwrap();
    }
    let calls: Vec<_> = (0..24)
        .map(|n| {
            let host = host.clone();
            tokio::spawn(async move {
                let commands = "(leaf (set k 1))(leaf (get k))(leaf (get k))";
                ran(&host, script(&format!("left-{}", n % 6), commands)).await
            })
        })
        .collect();
    for call in calls {
        let reply = call.await.unwrap();
        assert!(matches!(reply, Ok(Ran::Ok(2, _))), "{reply:?}");
    }
    assert!(host.info().instances <= 4);
}

#[tokio::test]
async fn g14_a_host_closes_with_calls_on_their_way() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    let calls: Vec<_> = (0..20)
        .map(|n| {
            let host = host.clone();
            tokio::spawn(
                async move { host.call(script("top", &format!("(set k {n})(left (leaf (set k {n})))"))).await },
            )
        })
        .collect();
    tokio::task::yield_now().await;
    host.clone().close().await.unwrap();
    for call in calls {
        if let Err(error) = call.await.unwrap() {
            assert!(["closed", "outcome-unknown"].contains(&error.kind()), "{error}");
        }
    }
}
