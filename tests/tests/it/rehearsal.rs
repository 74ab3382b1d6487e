//! A rehearsal finds out what a swap would do, and changes nothing.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use stead_runtime::engine::{DirectoryGrant, Grants};
use stead_runtime::{
    Call, DeployOptions, Host, RecordOptions, Rehearsal, RehearseOptions, Rehearsed, Swap, SwapOptions,
};
use stead_schema::{Parts, Value};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{
    EVOLVE_BROKEN, EVOLVE_DIFFERS, EVOLVE_INCOMPATIBLE, EVOLVE_MIGRATE_ERR, EVOLVE_MIGRATE_PARTLY,
    EVOLVE_MIGRATE_TRAPS, EVOLVE_MISBEHAVES, EVOLVE_READY_FAILS, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_WIDENING,
    HOSTILE, MOMENT,
};

use crate::harness::{bump, bytes, count_of, open, refused, swap, text, total, version, with_plugin};

fn options() -> RehearseOptions {
    RehearseOptions::default()
}

fn by(wasm: &[u8]) -> Swap {
    Swap { plugin: "box".into(), wasm: wasm.into(), options: swap() }
}

async fn rehearse(host: &Host, wasm: &[u8], options: RehearseOptions) -> Rehearsed {
    host.rehearse(by(wasm), options).await.unwrap_or_else(|error| panic!("not rehearsed: {error}"))
}

async fn found(host: &Host, wasm: &[u8]) -> Rehearsal {
    rehearse(host, wasm, options()).await.rehearsal
}

async fn record(host: &Host) {
    host.record("box", Some(RecordOptions { last: 1_000, bytes: None })).await.unwrap();
}

/// A plugin on v1 with what it was called with recorded.
async fn recorded(keys: &[&str]) -> (SimDisk, Host) {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    record(&host).await;
    for key in keys {
        bump(&host, key).await;
        count_of(&host, key).await;
    }
    (disk, host)
}

fn writes(disk: &SimDisk) -> usize {
    disk.log().into_iter().filter(|(operation, _)| operation.changes()).count()
}

#[tokio::test]
async fn what_answers_the_same_passes_and_what_does_not_is_shown_by_function_and_entry() {
    let (_, host) = recorded(&["a", "b", "a"]).await;
    let same = found(&host, EVOLVE_REBUILT).await;
    assert!(same.passed, "{same:?}");
    assert_eq!((same.calls.recorded, same.calls.made), (6, 6));
    assert_eq!((same.incumbent.returned, same.successor.returned), (6, 6));
    assert_eq!(same.state.as_ref().unwrap().collections, []);
    assert!(same.incumbent.memory_bytes > 0 && same.successor.times.total_us > 0, "{same:?}");

    let other = found(&host, EVOLVE_DIFFERS).await;
    assert!(!other.passed);
    let bumps = "test:evolve/bumps@1.0.0#bump";
    let differing: Vec<&str> = other.differing.iter().map(String::as_str).collect();
    assert_eq!(differing, [bumps, "test:evolve/bumps@1.0.0#count-of", "test:evolve/entries@1"]);
    let bump = other.functions.iter().find(|function| function.function == bumps).unwrap();
    assert_eq!((bump.calls, bump.differing), (3, 3));
    let first = bump.first.as_ref().unwrap();
    assert_eq!((first.number, first.arguments.as_str()), (1, "(\"a\")"));
    // The copy starts with the state as it is now: "a" was bumped twice.
    assert_eq!((first.incumbent.as_str(), first.successor.as_str()), ("3", "4"));
    let state = other.state.unwrap();
    assert_eq!((state.collections[0].changed, state.collections[0].added), (2, 0));
    let entry = &state.collections[0].first[0];
    assert_eq!(entry.key.as_deref(), Some("\"a\""));
    assert_eq!(entry.was.as_deref(), Some("{count: 4, label: \"label of a\"}"));
    assert_eq!(entry.is.as_deref(), Some("{count: 6, label: \"label of a\"}"));
    assert_eq!((count_of(&host, "a").await, version(&host, "box").await), (2, "v1".to_owned()));
}

#[tokio::test]
async fn g08_nothing_of_a_rehearsal_is_written_and_no_call_waits_for_it() {
    let (disk, host) = recorded(&["a", "b", "c"]).await;
    let (root, before) = (host.show("box").unwrap().root, writes(&disk));
    let recording = host.recording("box").unwrap();
    for wasm in [EVOLVE_REBUILT, EVOLVE_DIFFERS, EVOLVE_V2, EVOLVE_MIGRATE_TRAPS, EVOLVE_MISBEHAVES, EVOLVE_WIDENING] {
        found(&host, wasm).await;
    }
    assert_eq!(writes(&disk), before, "a rehearsal wrote to the disk");
    assert_eq!(host.recording("box").unwrap(), recording, "a rehearsal recorded its calls");
    assert_eq!((host.show("box").unwrap().root, host.history("box").unwrap().len()), (root, 1));
    drop(host);
    let (host, recovery) = open(&disk.restart(1)).await;
    assert!(recovery.handoffs.is_empty());
    assert_eq!(bump(&host, "a").await, 2);
}

#[tokio::test]
async fn g07_a_migration_is_run_and_the_calls_are_made_on_what_it_left() {
    let (_, host) = recorded(&["a", "b"]).await;
    let migrated = found(&host, EVOLVE_V2).await;
    assert!(migrated.given_up.is_none(), "{migrated:?}");
    let entries = &migrated.migrated.as_ref().unwrap().collections;
    assert!(entries.iter().any(|of| of.identity == "test:evolve/entries@2" && of.written == 2), "{entries:?}");
    assert!(migrated.passed, "both count alike: {:?}", migrated.differing);
    let state = migrated.state.unwrap();
    assert!(state.only_incumbent.contains(&"test:evolve/entries@1".to_owned()), "{state:?}");
    assert!(state.only_successor.contains(&"test:evolve/entries@2".to_owned()), "{state:?}");

    for (wasm, why) in [
        (EVOLVE_MIGRATE_ERR, "the migration refused"),
        (EVOLVE_MIGRATE_TRAPS, "the migration trapped"),
        (EVOLVE_READY_FAILS, "the readiness check refused"),
    ] {
        let failed = found(&host, wasm).await;
        let given_up = failed.given_up.expect("it would be given up");
        assert!(given_up.reason.contains(why), "{}", given_up.reason);
        assert!(!failed.passed);
    }
    for key in ["c", "d", "e"] {
        bump(&host, key).await;
    }
    let unread = found(&host, EVOLVE_MIGRATE_PARTLY).await.given_up.unwrap();
    assert!(unread.reason.contains("--accept-unread"), "{}", unread.reason);
    let error = host.rehearse(by(EVOLVE_INCOMPATIBLE), options()).await.unwrap_err();
    assert_eq!(error.kind(), "state", "a swap that is refused is not rehearsed");
}

#[tokio::test]
async fn g07_wider_types_are_no_difference_and_what_is_written_into_them_is() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "before").await;
    record(&host).await;
    for key in ["a", "before"] {
        count_of(&host, key).await;
    }
    let wider = found(&host, EVOLVE_WIDENING).await;
    assert!(wider.passed, "{:?} {:?}", wider.functions, wider.state);
    assert_eq!(wider.calls.made, 2);
    bump(&host, "a").await;
    let wider = found(&host, EVOLVE_WIDENING).await;
    // It counts alike, and says so in the field that is new.
    assert_eq!(wider.differing, ["test:evolve/entries@1"], "{:?}", wider.functions);
    let state = wider.state.unwrap();
    let changed = &state.collections[0].first;
    assert_eq!(changed.len(), 1, "an entry that nobody touched is no difference: {changed:?}");
    assert!(changed[0].is.as_ref().unwrap().contains("note: some("), "{changed:?}");
}

#[tokio::test]
async fn a_swap_follows_only_if_nothing_differs_that_was_not_accepted_by_name() {
    let (_, host) = recorded(&["a"]).await;
    let accepting = |names: &[&str]| RehearseOptions {
        accept: names.iter().map(|name| (*name).to_owned()).collect(),
        then_commit: true,
        ..options()
    };
    for names in [&[][..], &["bump"], &["bump", "count-of"], &["test:evolve/entries@1"]] {
        let rehearsed = rehearse(&host, EVOLVE_DIFFERS, accepting(names)).await;
        assert!(rehearsed.receipt.is_none() && !rehearsed.rehearsal.passed, "{names:?}");
        assert_eq!(host.history("box").unwrap().len(), 1);
    }
    let mistyped = host.rehearse(by(EVOLVE_DIFFERS), accepting(&["bumb"])).await.unwrap_err();
    assert_eq!(mistyped.kind(), "bad-argument");
    let all = ["bump", "bumps.count-of", "test:evolve/entries@1"];
    let rehearsed = rehearse(&host, EVOLVE_DIFFERS, accepting(&all)).await;
    assert!(rehearsed.rehearsal.passed);
    assert_eq!(rehearsed.rehearsal.accepted.len(), 3);
    assert!(rehearsed.receipt.unwrap().given_up().is_none());
    assert_eq!(bump(&host, "a").await, 3, "the new version counts twice");

    let back = rehearse(&host, EVOLVE_REBUILT, RehearseOptions { then_commit: true, ..options() }).await;
    assert!(back.receipt.is_none(), "it counts otherwise than the one that serves");
    let failed = rehearse(&host, EVOLVE_MIGRATE_ERR, accepting(&[])).await;
    assert!(failed.receipt.is_none() && failed.rehearsal.given_up.is_some());
}

#[tokio::test]
async fn g10_an_incumbent_that_traps_on_every_call_is_reported_and_fails_nothing() {
    let (_, host) = recorded(&["a", "b"]).await;
    host.swap("box", EVOLVE_BROKEN, swap()).await.unwrap();
    assert_eq!(refused(host.call(Call::new("box", "bump", vec![text("a")])).await), "trapped");
    let committing = RehearseOptions { then_commit: true, ..options() };
    let rehearsed = rehearse(&host, EVOLVE_REBUILT, committing).await;
    let found = rehearsed.rehearsal;
    assert_eq!((found.calls.made, found.incumbent.trapped, found.successor.trapped), (5, 5, 0));
    assert!(found.passed, "{:?}", found.differing);
    assert!(found.functions.iter().all(|function| function.incumbent_trapped == function.calls), "{found:?}");
    assert!(rehearsed.receipt.unwrap().given_up().is_none());
    assert_eq!(bump(&host, "a").await, 2);
}

#[tokio::test]
async fn g14_a_hostile_successor_is_found_out_and_leaves_everything_as_it_was() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut deploy = DeployOptions { label: Some("1".into()), ..DeployOptions::default() };
    deploy.limits.call_time_max = Duration::from_millis(300);
    deploy.limits.memory_bytes_max = 64 << 20;
    host.deploy("box", EVOLVE_V1, deploy).await.unwrap();
    record(&host).await;
    for key in ["loop", "trap", "greedy", "plain", "plain"] {
        bump(&host, key).await;
    }
    let root = host.show("box").unwrap().root;
    let found = found(&host, EVOLVE_MISBEHAVES).await;
    assert_eq!(found.calls.ended_early, None);
    assert_eq!((found.calls.made, found.successor.trapped, found.incumbent.trapped), (5, 3, 0));
    let bump_found = &found.functions[0];
    assert_eq!((bump_found.differing, bump_found.successor_trapped), (3, 3));
    assert!(bump_found.first.as_ref().unwrap().successor.starts_with("trapped (deadline)"), "{bump_found:?}");
    assert_eq!(
        found.state.unwrap().collections,
        [],
        "a call that only one answered left something on the other's copy"
    );
    assert_eq!(host.show("box").unwrap().root, root);
    assert_eq!((bump(&host, "plain").await, total(&host).await), (3, 6));
}

#[tokio::test]
async fn g14_a_rehearsal_ends_in_its_time_and_says_that_calls_are_missing() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    record(&host).await;
    for _ in 0..40 {
        bump(&host, "loop").await;
    }
    let began = Instant::now();
    let hasty = RehearseOptions { time: Some(Duration::from_secs(1)), ..options() };
    let found = rehearse(&host, EVOLVE_MISBEHAVES, hasty).await.rehearsal;
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(found.calls.ended_early.is_some() && found.calls.made < 40, "{:?}", found.calls);
    assert!(!found.passed);
    let last = RehearseOptions { last: Some(3), ..options() };
    assert_eq!(rehearse(&host, EVOLVE_REBUILT, last).await.rehearsal.calls.made, 3);
}

#[tokio::test]
async fn g13_what_is_granted_is_not_reached_in_a_rehearsal() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::File::create(directory.path().join("secret")).unwrap().write_all(b"to be read").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let granted = DirectoryGrant { host: directory.path().into(), guest: "/in".into(), write: true };
    let grants = Grants {
        env: BTreeMap::from([("PLACE".to_owned(), "here".to_owned())]),
        directories: vec![granted],
        addresses: vec![address.parse().unwrap()],
        ..Grants::default()
    };
    let (host, _) = open(&SimDisk::new(1)).await;
    let deploy = DeployOptions { grants: grants.clone(), ..DeployOptions::default() };
    host.deploy("box", HOSTILE, deploy).await.unwrap();
    record(&host).await;
    for (function, argument) in [("read-file", "/in/secret"), ("reach", &*address), ("environment", "PLACE")] {
        host.call(Call::new("box", function, vec![text(argument)])).await.unwrap();
    }
    assert!(listener.accept().is_ok(), "the grant was not used");
    // Also what only the successor is granted.
    let more = SwapOptions { grants: Some(Grants { names: true, ..grants }), ..swap() };
    let swap = Swap { plugin: "box".into(), wasm: HOSTILE.into(), options: more };
    let found = host.rehearse(swap, options()).await.unwrap().rehearsal;
    assert_eq!((found.incumbent.failed, found.successor.failed), (2, 2), "{found:?}");
    assert_eq!((found.incumbent.returned, found.successor.returned), (1, 1), "the environment is no effect");
    assert_eq!(found.calls.as_recorded, 1);
    assert!(listener.accept().is_err(), "a rehearsal reached the network");
    assert_eq!(found.withheld, ["directory /in".to_owned(), format!("address {address}"), "name lookup".to_owned()]);
}

#[tokio::test]
async fn time_and_chance_are_the_same_on_both_sides_and_nobody_waits() {
    let (_, host) = with_plugin(MOMENT).await;
    record(&host).await;
    let ask = |function: &'static str, args: Vec<Value>| host.call(Call::new("box", function, args));
    for _ in 0..3 {
        ask("now", vec![]).await.unwrap();
        ask("chance", vec![]).await.unwrap();
    }
    ask("wait", vec![Value(Parts::U32(1))]).await.unwrap();
    let long =
        Call { deadline: Some(Duration::from_millis(50)), ..Call::new("box", "wait", vec![Value(Parts::U32(5_000))]) };
    assert_eq!(refused(host.call(long).await), "trapped", "in earnest it waits");
    let began = Instant::now();
    let found = found(&host, MOMENT).await;
    assert!(began.elapsed() < Duration::from_secs(4), "a rehearsal waited: {:?}", began.elapsed());
    assert_eq!(found.differing, Vec::<String>::new(), "{:?}", found.functions);
    assert_eq!((found.calls.made, found.incumbent.returned, found.successor.returned), (8, 8, 8));
    assert!(found.calls.as_recorded <= 1, "time and chance came from the machine: {:?}", found.calls);
}

#[tokio::test]
async fn calls_that_cannot_be_made_again_are_counted_with_the_reason() {
    let (_, host) = with_plugin(HOSTILE).await;
    record(&host).await;
    let large = bytes(&vec![1; 700_000]);
    host.call(Call::new("box", "put", vec![text("k"), large])).await.unwrap();
    host.call(Call::new("box", "len", vec![])).await.unwrap();
    let found = found(&host, HOSTILE).await;
    assert_eq!((found.calls.recorded, found.calls.made), (2, 1));
    assert_eq!(found.calls.skipped.len(), 1);
    assert!(found.calls.skipped[0].reason.contains("too large"), "{:?}", found.calls.skipped);
}

#[tokio::test]
async fn one_rehearsal_at_a_time_and_none_without_recorded_calls_is_a_failure() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let nothing = found(&host, EVOLVE_REBUILT).await;
    assert!(nothing.passed && nothing.calls.recorded == 0, "{nothing:?}");
    let [one, other] = [0; 2].map(|_| {
        let host = host.clone();
        tokio::spawn(
            async move { host.rehearse(by(EVOLVE_V2), options()).await.map(|_| ()).map_err(|error| error.kind()) },
        )
    });
    let ended = [one.await.unwrap(), other.await.unwrap()];
    assert!(ended.contains(&Ok(())), "{ended:?}");
    assert!(ended.iter().all(|end| matches!(end, Ok(()) | Err("busy"))), "{ended:?}");
    found(&host, EVOLVE_REBUILT).await;
}

#[tokio::test]
async fn g08_no_swap_follows_where_another_came_between_it_and_what_was_rehearsed() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut deploy = DeployOptions::default();
    deploy.limits.call_time_max = Duration::from_secs(2);
    host.deploy("box", EVOLVE_V1, deploy).await.unwrap();
    record(&host).await;
    bump(&host, "loop").await;
    let accepting = |then_commit| RehearseOptions { accept: vec!["bump".into()], then_commit, ..options() };
    assert!(rehearse(&host, EVOLVE_MISBEHAVES, accepting(false)).await.rehearsal.passed, "but for the other swap");
    let rehearsing = tokio::spawn({
        let (host, options) = (host.clone(), accepting(true));
        async move { host.rehearse(by(EVOLVE_MISBEHAVES), options).await }
    });
    // The recorded call takes all of its two seconds in the successor.
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert!(!rehearsing.is_finished());
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    assert_eq!(rehearsing.await.unwrap().unwrap_err().kind(), "moved");
    assert_eq!((version(&host, "box").await.as_str(), host.history("box").unwrap().len()), ("rebuilt", 2));
}
