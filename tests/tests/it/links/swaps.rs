//! Versions that come and go while others call them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use stead_runtime::{
    OnBreach, Outlook, Phase, Probation, ProbationLength, ProbationStage, RollbackOptions, Swap, SwapOptions,
};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LINK_LEAF, LINK_LEAF_CHANGED, LINK_LEFT, LINK_LEFT_CHANGED, LINK_RIGHT, LINK_RING, PLAIN};

use super::{Ran, deploy_linked, diamond, links, numbers, one, ran, run, script, spin};
use crate::harness::{open, refused};

fn of(plugin: &str, wasm: &[u8]) -> Swap {
    Swap { plugin: plugin.into(), wasm: wasm.into(), options: SwapOptions::default() }
}

#[tokio::test]
async fn g07_a_swap_that_breaks_a_caller_is_refused_with_its_name_unless_both_go_together() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
    deploy_linked(&host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
    run(&host, "left", "(leaf (set k 1))").await;
    let error = host.swap("leaf", LINK_LEAF_CHANGED, SwapOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), "links");
    for part in ["plugin `left` calls `leaf`", "test:links/leaf@1.0.0#run", "loudly: bool", "swap both together"] {
        assert!(error.to_string().contains(part), "{part} is not in {error}");
    }
    let error = host.swap("left", LINK_LEFT_CHANGED, SwapOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("plugin `leaf`: function `test:links/leaf@1.0.0#run`"), "{error}");
    let error = host.swap("leaf", PLAIN, SwapOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("is not exported"), "{error}");
    assert_eq!(run(&host, "left", "(leaf (get k))").await, 1);
    // Together they have to fit as well, to each other and not to those that they replace.
    for (left, leaf) in [(LINK_LEFT_CHANGED, LINK_LEAF), (LINK_LEFT, LINK_LEAF_CHANGED)] {
        let error = host.swap_all(vec![of("left", left), of("leaf", leaf)]).await.unwrap_err();
        assert_eq!(error.kind(), "links");
        assert!(error.to_string().contains("plugin `leaf`: function `test:links/leaf@1.0.0#run`"), "{error}");
    }
    assert_eq!(host.history("leaf").unwrap().len(), 1, "all that was refused before it began");
    host.swap_all(vec![of("left", LINK_LEFT_CHANGED), of("leaf", LINK_LEAF_CHANGED)]).await.expect("both together");
    assert_eq!(run(&host, "left", "(leaf (get k)(set k 2))").await, 1);
    // The way back is one of both as well.
    let error = host.rollback("leaf", RollbackOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), "links", "refused before it began");
    assert!(error.to_string().contains("plugin `left` calls `leaf`"), "{error}");
    assert_eq!(run(&host, "left", "(leaf (get k))").await, 2);
    host.swap_all(vec![of("leaf", LINK_LEAF), of("left", LINK_LEFT)]).await.expect("both back");
    assert_eq!(run(&host, "left", "(leaf (get k))").await, 2);
}

#[tokio::test]
async fn g08_a_probation_says_beforehand_that_callers_keep_the_version_before_from_taking_over() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
    deploy_linked(&host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
    let on_probation = |swap: Swap| {
        let probation = Some(Probation::of(ProbationLength::Calls(1000)));
        Swap { options: SwapOptions { probation, ..swap.options }, ..swap }
    };
    let outlook = |plugin: &str| host.probation(plugin).unwrap().expect("a probation").outlook;
    host.swap_all(vec![on_probation(of("leaf", LINK_LEAF))]).await.expect("alone");
    assert_eq!(outlook("leaf"), Outlook::Kept);
    let both = vec![of("left", LINK_LEFT_CHANGED), of("leaf", LINK_LEAF_CHANGED)];
    host.swap_all(both.into_iter().map(on_probation).collect()).await.expect("both together");
    for plugin in ["leaf", "left"] {
        let outlook = outlook(plugin);
        let Outlook::Refused { reasons } = &outlook else { panic!("{plugin}: {outlook:?}") };
        assert!(reasons[0].reason.contains("test:links/leaf@1.0.0#run"), "{reasons:?}");
    }
}

#[tokio::test]
async fn g07_links_are_kept_by_a_swap_until_they_are_given_anew() {
    let disk = SimDisk::new(1);
    let (host, _) = open(&disk).await;
    diamond(&host).await;
    deploy_linked(&host, "leaf-2", LINK_LEAF, &[]).await;
    host.swap("left", LINK_LEFT, SwapOptions::default()).await.unwrap();
    run(&host, "top", "(left (leaf (set k 1)))").await;
    assert_eq!(numbers(&host, "leaf"), one("k", 1));
    let anew = SwapOptions { links: Some(links(&[("leaf", "leaf-2")])), ..SwapOptions::default() };
    host.swap("left", LINK_LEFT, anew).await.unwrap();
    run(&host, "top", "(left (leaf (set k 2)))(leaf (set l 2))").await;
    assert_eq!(numbers(&host, "leaf-2"), one("k", 2));
    drop(host);
    let (host, _) = open(&disk.restart(1)).await;
    run(&host, "top", "(left (leaf (set k 3)))").await;
    assert_eq!(numbers(&host, "leaf-2"), one("k", 3));
    host.rollback("left", RollbackOptions::default()).await.unwrap();
    run(&host, "top", "(left (leaf (set k 4)))").await;
    assert_eq!((numbers(&host, "leaf")["k"], numbers(&host, "leaf-2")["k"]), (4, 3), "rollback goes back to its link");
    // A version without the import keeps what was named for the next one.
    host.swap("right", LINK_RIGHT, SwapOptions { links: Some(Vec::new()), ..SwapOptions::default() })
        .await
        .expect_err("it needs its link");
}

#[tokio::test]
async fn g07_a_ring_is_refused() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    let ring = |to: &str| SwapOptions { links: Some(links(&[("top", to)])), ..SwapOptions::default() };
    let error = host.swap("leaf", LINK_RING, ring("top")).await.unwrap_err();
    assert_eq!(error.kind(), "links");
    assert!(error.to_string().contains("in a ring: leaf → top → "), "{error}");
    let error = host.swap("leaf", LINK_RING, ring("leaf")).await.unwrap_err();
    assert_eq!(error.kind(), "links", "{error}");
    assert_eq!(run(&host, "top", "(left (leaf (set k 1)(get k)))").await, 1);
    // The same component at another place closes no ring.
    deploy_linked(&host, "above", LINK_RING, &[("top", "top")]).await;
    assert_eq!(run(&host, "above", "(top (left (leaf (get k))))").await, 1);
}

#[tokio::test]
async fn g07_a_fork_calls_whom_its_origin_calls() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    run(&host, "left", "(set k 1)(leaf (set k 1))").await;
    host.fork("left", "left-2").await.unwrap();
    run(&host, "left-2", "(set k 2)(leaf (set k 2))").await;
    assert_eq!((numbers(&host, "left"), numbers(&host, "left-2")), (one("k", 1), one("k", 2)));
    assert_eq!(numbers(&host, "leaf"), one("k", 2));
    assert_eq!(host.show("leaf").unwrap().callers, ["left", "left-2", "right", "top"]);
    host.fork("leaf", "leaf-2").await.unwrap();
    assert_eq!(host.show("leaf-2").unwrap().callers, Vec::<String>::new(), "callers stay with the origin");
}

#[tokio::test]
async fn g10_a_caller_whose_code_is_lost_does_not_hold_its_callee() {
    let disk = SimDisk::new(1);
    let (host, _) = open(&disk).await;
    deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
    deploy_linked(&host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
    run(&host, "left", "(leaf (set k 1))").await;
    let lost = host.show("left").unwrap().summary.version.component;
    host.close().await.unwrap();
    disk.flip_bit(&format!("components/{lost}.wasm"), 1_000, 3);
    let (host, _) = open(&disk).await;
    assert!(host.show("left").unwrap().summary.problem.is_some());
    // Whether it fits is known from the types that were recorded.
    let error = host.swap("leaf", LINK_LEAF_CHANGED, SwapOptions::default()).await.unwrap_err();
    assert!(error.to_string().contains("plugin `left` calls `leaf`"), "{error}");
    host.swap("leaf", LINK_LEAF, SwapOptions::default()).await.unwrap();
    // The caller is replaced without its code, and keeps its links.
    host.swap("left", LINK_LEFT_CHANGED, SwapOptions::default()).await.unwrap_err();
    host.swap_all(vec![of("left", LINK_LEFT_CHANGED), of("leaf", LINK_LEAF_CHANGED)]).await.unwrap();
    assert_eq!(run(&host, "left", "(leaf (get k))").await, 1);
}

#[tokio::test]
async fn g03_a_callee_whose_code_is_lost_makes_its_callers_unavailable_and_nobody_else() {
    let disk = SimDisk::new(1);
    let (host, _) = open(&disk).await;
    diamond(&host).await;
    deploy_linked(&host, "other", LINK_LEAF_CHANGED, &[]).await;
    let lost = host.show("right").unwrap().summary.version.component;
    host.close().await.unwrap();
    disk.flip_bit(&format!("components/{lost}.wasm"), 1_000, 3);
    let (host, _) = open(&disk).await;
    for (plugin, kind) in [("top", Some("unavailable")), ("right", Some("unavailable")), ("left", None), ("leaf", None)]
    {
        let reply = ran(&host, script(plugin, "(set k 1)").with_id("ann", 1)).await;
        assert_eq!(reply.as_ref().err().map(|error| error.kind()), kind, "{plugin}: {reply:?}");
    }
    host.swap("right", LINK_RIGHT, SwapOptions::default()).await.unwrap();
    let reply = ran(&host, script("top", "(set k 1)").with_id("ann", 1)).await.unwrap();
    assert!(matches!(reply, Ran::Ok(0, _)), "what was unavailable was not recorded: {reply:?}");
}

#[tokio::test]
async fn g07_a_caller_that_comes_while_its_callee_changes_hands_is_not_broken() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
    let spinning = spin(&host, "leaf", "(spin)").await;
    let swapping = tokio::spawn({
        let host = host.clone();
        async move { host.swap("leaf", LINK_LEAF_CHANGED, SwapOptions::default()).await }
    });
    while host.show("leaf").unwrap().summary.handoff != Some(Phase::Draining) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    deploy_linked(&host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
    spinning.abort();
    let error = swapping.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), "aborted");
    assert!(error.to_string().contains("plugin `left` calls `leaf`"), "{error}");
    assert_eq!(run(&host, "left", "(leaf (set k 1)(get k))").await, 1);
}

#[tokio::test]
async fn g08_links_of_a_version_that_did_not_come_to_serve_are_forgotten() {
    let disk = SimDisk::new(1);
    let (host, _) = open(&disk).await;
    diamond(&host).await;
    deploy_linked(&host, "leaf-2", LINK_LEAF, &[]).await;
    let spinning = spin(&host, "left", "(spin)").await;
    let anew = SwapOptions {
        links: Some(links(&[("leaf", "leaf-2")])),
        deadline: Some(Duration::from_millis(50)),
        ..SwapOptions::default()
    };
    assert_eq!(host.swap("left", LINK_LEFT, anew).await.unwrap_err().kind(), "aborted");
    spinning.abort();
    run(&host, "left", "(leaf (set k 1))").await;
    drop(host);
    let (host, _) = open(&disk.restart(1)).await;
    host.swap("left", LINK_LEFT, SwapOptions::default()).await.unwrap();
    run(&host, "left", "(leaf (set k 2))").await;
    assert_eq!((numbers(&host, "leaf"), numbers(&host, "leaf-2")), (one("k", 2), BTreeMap::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g09_no_call_fails_while_those_that_it_reaches_change_hands() {
    let (host, _) = open(&SimDisk::new(1)).await;
    deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
    deploy_linked(&host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
    let (done, called) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|caller| {
            let (host, done, called) = (host.clone(), done.clone(), called.clone());
            tokio::spawn(async move {
                let key = format!("k{caller}");
                let mut n = 0;
                while !done.load(Ordering::Relaxed) {
                    n += 1;
                    let commands = format!("(set {key} {n})(leaf (set {key} {n}))");
                    let reply = ran(&host, script("left", &commands)).await;
                    assert!(matches!(reply, Ok(Ran::Ok(0, _))), "{reply:?}");
                    let read = ran(&host, script("left", &format!("(get {key})(leaf (get {key}))")).read_only()).await;
                    assert!(matches!(read, Ok(Ran::Ok(sum, _)) if sum == 2 * n), "{read:?} after {n}");
                    called.fetch_add(1, Ordering::Relaxed);
                }
                (key, n)
            })
        })
        .collect();
    // They never wait at a gate, and so look at every moment of a hand-off.
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (host, done) = (host.clone(), done.clone());
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let read = ran(&host, script("left", "(get k0)(leaf (get k0))").read_only()).await;
                    assert!(matches!(read, Ok(Ran::Ok(sum, _)) if sum % 2 == 0), "{read:?}");
                }
            })
        })
        .collect();
    for round in 0..6 {
        let (left, leaf) = if round % 2 == 0 { (LINK_LEFT_CHANGED, LINK_LEAF_CHANGED) } else { (LINK_LEFT, LINK_LEAF) };
        host.swap_all(vec![of("left", left), of("leaf", leaf)]).await.expect("both together");
        host.swap("leaf", leaf, SwapOptions::default()).await.expect("the callee alone");
        host.swap("left", left, SwapOptions::default()).await.expect("the caller alone");
    }
    done.store(true, Ordering::Relaxed);
    for caller in callers {
        let (key, n) = caller.await.expect("no call failed");
        assert_eq!((numbers(&host, "left")[&key], numbers(&host, "leaf")[&key]), (n, n));
    }
    for reader in readers {
        reader.await.expect("no read failed");
    }
    assert!(called.load(Ordering::Relaxed) > 0);
}

#[tokio::test]
async fn g08_a_version_that_its_probation_stopped_is_not_reached_through_a_link_either() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    run(&host, "left", "(leaf (set k 1))").await;
    let probation = Probation { on_breach: OnBreach::Stop, ..Probation::of(ProbationLength::Calls(1000)) };
    let watched = SwapOptions { probation: Some(probation), ..SwapOptions::default() };
    host.swap("leaf", LINK_LEAF, watched).await.unwrap();
    for _ in 0..3 {
        host.call(script("leaf", "(trap)")).await.unwrap_err();
    }
    while !matches!(host.show("leaf").unwrap().summary.probation, Some(ProbationStage::Stopped { .. })) {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for plugin in ["left", "top"] {
        let commands = if plugin == "left" { "(leaf (set k 2))" } else { "(left (leaf (set k 2)))" };
        assert_eq!(refused(host.call(script(plugin, commands)).await), "stopped", "{plugin}");
        let read = script(plugin, &commands.replace("set k 2", "get k")).read_only();
        assert_eq!(refused(host.call(read).await), "stopped", "{plugin}, to read");
    }
    assert_eq!(numbers(&host, "leaf"), one("k", 1));
    host.resume("leaf").await.unwrap();
    assert_eq!(run(&host, "top", "(left (leaf (get k)))").await, 1);
}
