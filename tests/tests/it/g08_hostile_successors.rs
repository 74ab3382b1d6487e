//! G8 and G9: whatever a successor does before it is active, the incumbent serves on and no call is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stead_runtime::engine::Settings;
use stead_runtime::{Call, HistoryEvent, Host, SwapOptions};
use stead_schema::{Parts, Value};
use stead_test_guests::{
    EVOLVE_HOSTILE, EVOLVE_INCOMPATIBLE, EVOLVE_MIGRATE_PARTLY, EVOLVE_MIGRATE_WRITES_OLD, EVOLVE_READY_WRITES,
    EVOLVE_V1, EVOLVE_V2, STOCK_MIGRATE, STOCK_V1,
};

use crate::harness::{bump, count_of, open_dir, returned, swap, total, u64_, version, with_plugin};
use crate::load::{Load, Seen, check, deploy_for_load};

/// How long calls are held for a successor that never ends.
const PATIENCE: Duration = Duration::from_millis(400);

/// A component that imports nothing and does this as it starts.
fn starts(with: &str) -> Vec<u8> {
    let component =
        format!("(component (core module $m (func $start {with}) (start $start)) (core instance (instantiate $m)))");
    wat::parse_str(component).unwrap()
}

/// A component whose map has numbers for keys where the incumbent has strings.
fn rekeyed() -> Vec<u8> {
    let component = r#"(component
        (type $item' (record (field "count" u32) (field "label" string)))
        (import "test:evolve/entries@1.0.0" (instance
            (export "item" (type $item (eq $item')))
            (type $found (option $item))
            (export "get" (func (param "key" u64) (result $found)))
        ))
    )"#;
    wat::parse_str(component).unwrap()
}

fn told(setting: &str, what: &str) -> SwapOptions {
    let settings = Settings([(setting.to_owned(), what.to_owned())].into());
    SwapOptions { settings: Some(settings), deadline: Some(PATIENCE), ..swap() }
}

/// How a swap fails, and what the last entry of the history says of it.
async fn fails(host: &Host, wasm: &[u8], options: SwapOptions) -> (&'static str, String) {
    let about = format!("{options:?}");
    let before = host.history("box").unwrap().len();
    let error = match host.swap("box", wasm, options).await {
        Err(error) => error,
        Ok(receipt) => panic!("it became active: {about} {receipt:?}"),
    };
    let history = host.history("box").unwrap();
    match history.last().map(|entry| &entry.event) {
        Some(HistoryEvent::HandOff { receipt }) if error.kind() == "aborted" => {
            let (_, reason) = receipt.given_up().expect("given up");
            assert!(error.to_string().contains(reason), "{error} is not {reason}");
            assert_eq!(history.len(), before + 1, "{about}");
        }
        _ => assert_eq!(history.len(), before, "{about}: refused before it began"),
    }
    (error.kind(), error.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g08_g09_a_hostile_successor_never_becomes_active_and_costs_no_call() {
    let directory = tempfile::tempdir().unwrap();
    let host = open_dir(directory.path()).await;
    deploy_for_load(&host, "box", EVOLVE_V1).await;
    let seen = Seen::default();
    let load = Load::start(&host, "box", &seen, &BTreeMap::new());
    load.reach(100).await;

    let (trap, forever) = (starts("unreachable"), starts("(loop $again (br $again))"));
    let plain = || SwapOptions { deadline: Some(PATIENCE), ..swap() };
    let soon = |options| SwapOptions { migration_deadline: Some(PATIENCE), ..options };
    let cases: [(&[u8], SwapOptions, &str, &str); 16] = [
        (&trap, plain(), "aborted", "did not start"),
        (&forever, soon(plain()), "aborted", "deadline"),
        (EVOLVE_HOSTILE, soon(told("migrate", "loop")), "aborted", "deadline"),
        (EVOLVE_HOSTILE, soon(told("migrate", "loop:3")), "aborted", "deadline"),
        (EVOLVE_HOSTILE, told("migrate", "err:2"), "aborted", "gave up after 2"),
        (EVOLVE_HOSTILE, told("migrate", "panic"), "aborted", "panicked after 1"),
        (EVOLVE_HOSTILE, told("migrate", "panic:4"), "aborted", "panicked after 4"),
        (EVOLVE_HOSTILE, told("migrate", "exhaust:1"), "aborted", "memory"),
        (EVOLVE_HOSTILE, told("ready", "err"), "aborted", "gave up after 0"),
        (EVOLVE_HOSTILE, told("ready", "panic"), "aborted", "panicked after 0"),
        (EVOLVE_HOSTILE, told("ready", "loop"), "aborted", "deadline"),
        // Whichever comes first: the deadline or the end of its memory.
        (EVOLVE_HOSTILE, told("ready", "exhaust"), "aborted", "the readiness check trapped"),
        (EVOLVE_MIGRATE_WRITES_OLD, plain(), "aborted", "old"),
        (EVOLVE_MIGRATE_PARTLY, plain(), "aborted", "--accept-unread"),
        (EVOLVE_READY_WRITES, plain(), "aborted", "write"),
        (EVOLVE_INCOMPATIBLE, plain(), "state", "count"),
    ];
    for (wasm, options, kind, word) in cases {
        let about = format!("{options:?}");
        let (found, text) = fails(&host, wasm, options).await;
        assert!(found == kind && text.contains(word), "{found}, not {kind} with `{word}`: {text} ({about})");
        let plugin = &host.list().unwrap()[0];
        assert!(plugin.handoff.is_none() && plugin.version.label.as_deref() == Some("1"), "{about}");
        load.reach(30).await;
        assert_eq!(seen.failures(), Vec::<String>::new(), "{about}");
    }
    let (kind, text) = fails(&host, &rekeyed(), plain()).await;
    assert!(kind == "state" && text.contains("key"), "{kind}: {text}");

    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    load.reach(30).await;
    load.stop().await;
    assert_eq!((seen.failures(), version(&host, "box").await.as_str()), (Vec::new(), "v2"));
    check(&host, "box", &seen, false, "after hostile successors").await;
    host.close().await.unwrap();
}

#[tokio::test]
async fn g08_a_migration_that_panics_at_the_thousandth_entry_leaves_the_state_as_it_was() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    for key in 0..1_100 {
        bump(&host, &format!("{key:04}")).await;
    }
    let root = host.show("box").unwrap().root;
    let (kind, text) = fails(&host, EVOLVE_HOSTILE, told("migrate", "panic:1000")).await;
    assert!(kind == "aborted" && text.contains("panicked after 1000"), "{kind}: {text}");
    assert_eq!((host.show("box").unwrap().root, version(&host, "box").await.as_str()), (root, "v1"));
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    assert_eq!((count_of(&host, "1099").await, total(&host).await), (1, 1_100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g08_a_migration_that_does_not_fit_while_calls_are_held_is_given_up_and_says_what_would() {
    const ITEMS: u32 = 100_000;
    let (_, host) = with_plugin(STOCK_V1).await;
    host.call(Call::new("box", "fill", vec![u64_(0), Value(Parts::U32(ITEMS))])).await.unwrap();
    let (stop, caller) = (Arc::new(AtomicBool::new(false)), host.clone());
    let stopped = Arc::clone(&stop);
    let calls = tokio::spawn(async move {
        let mut puts = 0;
        while !stopped.load(Ordering::Relaxed) {
            caller.call(Call::new("box", "put", vec![u64_(puts)])).await.expect("no call is lost");
            puts += 1;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        puts
    });
    let short = || SwapOptions { deadline: Some(Duration::from_millis(100)), ..swap() };
    let (kind, text) = fails(&host, STOCK_MIGRATE, short()).await;
    let words = ["ran again", "100ms", "`--deadline`", "`upgrade-<collection>`"];
    assert!(kind == "aborted" && words.iter().all(|word| text.contains(word)), "{kind}: {text}");
    stop.store(true, Ordering::Relaxed);
    let puts = calls.await.unwrap();
    // With nobody writing, what ran ahead is enough.
    let receipt = host.swap("box", STOCK_MIGRATE, short()).await.unwrap();
    assert_eq!(receipt.migrated.map(|migrated| migrated.runs), Some(1));
    let total = returned(host.call(Call::new("box", "total", vec![])).await);
    assert_eq!(total, Some(Value(Parts::S64(puts as i64))));
}
