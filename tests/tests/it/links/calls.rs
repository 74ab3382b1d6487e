//! What becomes of a call's writes in other plugins.

use std::collections::BTreeMap;

use stead_runtime::Call;
use stead_store::disk::sim::SimDisk;
use stead_test_guests::LINK_LEAF;

use super::{DIAMOND, Ran, deploy_linked, diamond, numbers, one, ran, run, script};
use crate::harness::{number, open, refused, returned, text};

#[tokio::test]
async fn g01_a_call_writes_to_all_plugins_that_it_reached() {
    let disk = SimDisk::new(1);
    let (host, _) = open(&disk).await;
    diamond(&host).await;
    let commands = "(set k 1)(left (set k 2)(leaf (set k 3)))(right (set k 4)(leaf (get k)(set l 5)))(get k)";
    assert_eq!(run(&host, "top", commands).await, 4, "the leaf is entered again with what was written before");
    drop(host);
    let (host, _) = open(&disk.restart(1)).await;
    assert_eq!(numbers(&host, "top"), one("k", 1));
    assert_eq!(numbers(&host, "left"), one("k", 2));
    assert_eq!(numbers(&host, "right"), one("k", 4));
    assert_eq!(numbers(&host, "leaf"), BTreeMap::from([("k".into(), 3), ("l".into(), 5)]));
    assert_eq!(run(&host, "top", "(left (leaf (get k)(get l)))").await, 8, "the links are there after a restart");
}

#[tokio::test]
async fn g01_whatever_a_call_reaches_it_is_one_commit() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    let accepted = || host.info().frontier.accepted.0;
    for commands in ["(set k 1)", "(leaf (set k 1))", "(set k 2)(left (set k 2)(leaf (set k 2)))(right (set k 2))"] {
        let before = accepted();
        run(&host, "top", commands).await;
        assert_eq!(accepted(), before + 1, "{commands}");
    }
}

#[tokio::test]
async fn g03_an_err_of_a_callee_rolls_back_to_where_it_was_called() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    run(&host, "leaf", "(set k 1)").await;
    let commands = "(set a 1)(leaf (set k 2))(try left (set b 2)(leaf (set k 3)(set c 3))(err))(leaf (get k))";
    assert_eq!(run(&host, "top", commands).await, 2, "what was written before the callee that failed is there");
    assert_eq!(numbers(&host, "top"), one("a", 1));
    assert_eq!(numbers(&host, "left"), BTreeMap::new());
    assert_eq!(numbers(&host, "leaf"), one("k", 2));
}

#[tokio::test]
async fn g03_an_err_within_an_err_that_was_passed_over_takes_only_its_own() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    run(&host, "top", "(left (set k 1)(try leaf (set k 1)(err))(leaf (set l 1)))(try right (leaf (set l 2))(err))")
        .await;
    assert_eq!(numbers(&host, "left"), one("k", 1));
    assert_eq!(numbers(&host, "leaf"), one("l", 1));
    assert_eq!(
        ran(&host, script("top", "(left (leaf (set l 7)))(err)")).await.unwrap(),
        Ran::Err("err after 0".into())
    );
    assert_eq!(numbers(&host, "leaf"), one("l", 1), "an err of the first plugin takes all");
}

#[tokio::test]
async fn g03_a_trap_of_a_callee_takes_everything_and_names_it() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    run(&host, "leaf", "(set k 1)").await;
    let error = host.call(script("top", "(set k 2)(right (set k 2))(try left (set k 2)(leaf (set k 2)(trap)))")).await;
    let error = error.unwrap_err();
    let said = error.to_string();
    assert_eq!(error.kind(), "trapped");
    for part in ["top trapped", "linked plugin `left`: linked plugin `leaf`", "on purpose"] {
        assert!(said.contains(part) || format!("{error:?}").contains(part), "{part} is not in {said}");
    }
    assert_eq!(numbers(&host, "leaf"), one("k", 1));
    for plugin in DIAMOND {
        assert_eq!(run(&host, plugin, "(set z 9)(get z)").await, 9, "{plugin} goes on");
    }
}

#[tokio::test]
async fn g03_memory_of_instances_goes_with_what_was_rolled_back() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    let runs = async |commands: &str| match ran(&host, script("top", commands)).await.unwrap() {
        Ran::Ok(_, runs) => runs,
        other => panic!("{other:?}"),
    };
    assert_eq!(runs("(left (leaf (set k 1)))(leaf (set k 2))").await, [1, 1, 1, 2], "an instance stays within a call");
    assert_eq!(runs("(leaf (get k))").await, [2, 3], "and between calls");
    assert_eq!(runs("(try leaf (err))(leaf (get k))").await, [3, 1], "not after an err");
    assert_eq!(runs("(try left (leaf (set k 1))(err))(leaf (get k))").await, [4, 1], "nor if only its caller failed");
    assert!(ran(&host, script("top", "(leaf (trap))")).await.is_err());
    assert_eq!(runs("(leaf (get k))").await, [1, 1], "nor after a trap");
    assert!(matches!(ran(&host, script("top", "(leaf (get k))(err)")).await.unwrap(), Ran::Err(_)));
    assert_eq!(runs("(leaf (get k))").await, [1, 1], "nor if the plugin that was called first failed");
}

#[tokio::test]
async fn g12_the_id_of_a_call_is_the_outermost_plugin_s_alone() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    let call = || script("top", "(left (leaf (get n)(set n 5)))").with_id("ann", 1);
    assert_eq!(ran(&host, call()).await.unwrap(), Ran::Ok(0, vec![1, 1, 1]));
    run(&host, "leaf", "(set n 6)").await;
    let again = host.call(call()).await.unwrap();
    assert!(again.replayed);
    assert_eq!(numbers(&host, "leaf"), one("n", 6), "it did not run again");
    let other = ran(&host, script("leaf", "(get n)").with_id("ann", 1)).await.unwrap();
    assert_eq!(other, Ran::Ok(6, vec![3]), "the same id is another call at another plugin");
    let failed = || script("top", "(left (set k 1))(leaf (err))").with_id("ann", 2);
    for replayed in [false, true] {
        assert_eq!(host.call(failed()).await.unwrap().replayed, replayed);
    }
    assert_eq!(numbers(&host, "left"), BTreeMap::new());
}

#[tokio::test]
async fn g13_a_plugin_reaches_no_other_than_those_that_were_named() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    deploy_linked(&host, "stranger", LINK_LEAF, &[]).await;
    let reply = ran(&host, script("left", "(stranger (set k 1))")).await.unwrap();
    assert_eq!(reply, Ran::Err("stranger is not called from here".into()));
    assert_eq!(numbers(&host, "stranger"), BTreeMap::new());
    // As a guest: whoever is called has the rights and the state of its own, not those of its caller.
    run(&host, "left", "(set mine 1)(leaf (set mine 2))").await;
    assert_eq!((numbers(&host, "left"), numbers(&host, "leaf")), (one("mine", 1), one("mine", 2)));
}

#[tokio::test]
async fn g02_every_call_goes_through_a_link_as_it_is_typed() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    let times = stead_schema::Value(stead_schema::Parts::U32(1_000));
    let reply = host.call(Call::new("top", "touch-leaf", vec![times])).await;
    assert_eq!(number(returned(reply)), 1_000);
    assert_eq!(refused(host.call(Call::new("top", "left.run", vec![text("")])).await), "unknown-function");
}
