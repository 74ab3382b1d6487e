//! One entry, changed by hand between two calls.

use std::sync::Arc;

use stead_runtime::engine::{Engine, EngineOptions};
use stead_runtime::{DataDir, EditError, HistoryEvent, Host, HostOptions, Input};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_V1, EVOLVE_WIDENING, KINDS};

use super::{call_of, edit, set};
use crate::harness::{
    bump, call, count_of, deploy, entries, inline, number, open, swap, text, total, u64_, with_plugin,
};

#[tokio::test]
async fn an_edit_is_seen_by_the_next_call_and_kept_with_its_reason() {
    let disk = SimDisk::new(1);
    // Instances are counted by engine, and the other tests share one.
    let alone = Engine::new(EngineOptions::default()).unwrap();
    let data = DataDir::Disk(Arc::new(disk.clone()));
    let options = HostOptions { data, engine: alone, store: inline(), receipt_key: None };
    let (host, _) = Host::open(options).await.unwrap();
    deploy(&host, "box", EVOLVE_V1).await;
    bump(&host, "a").await;
    assert_eq!(host.info().instances, 1);
    let edited = set(&host, "entries", Some("\"a\""), "{count: 41, label: \"by hand\"}").await.unwrap();
    assert_eq!(edited.collection, "test:evolve/entries@1");
    assert_eq!(host.info().instances, 0, "what an instance remembers is from before");
    assert!(edited.before.as_ref().unwrap().starts_with("{count: 1"), "{edited:?}");
    assert_eq!(bump(&host, "a").await, 42);
    set(&host, "sum", None, "-3").await.unwrap();
    assert_eq!(number(call(&host, "total", vec![]).await.map(|_| u64_(0))), 0);
    set(&host, "sum", None, "42").await.unwrap();
    assert_eq!(total(&host).await, 42);
    drop(host);
    let (host, _) = open(&disk.restart(1)).await;
    let history = host.history("box").unwrap();
    assert_eq!(history.len(), 4);
    assert!(
        matches!(&history[1].event, HistoryEvent::Edited { edited: kept } if **kept == edited && kept.reason == "a test")
    );
    assert_eq!(count_of(&host, "a").await, 42);
}

#[tokio::test]
async fn g07_an_edit_is_checked_by_the_types_of_the_state() {
    let (_, host) = with_plugin(KINDS).await;
    call_of(&host, "box", "lines-append", vec![text("one")]).await;
    let before = host.show("box").unwrap().root;
    for (collection, key, value, message) in [
        ("strings", Some("1"), Some("\"a\""), "key at character 1"),
        ("strings", Some("\"a\""), Some("1"), "value at character 1"),
        ("strings", None, Some("\"a\""), "the key is missing"),
        ("note", Some("\"a\""), Some("\"a\""), "a cell has no keys"),
        ("by-u8", Some("256"), Some("[]"), "key at character 1"),
        ("meter", None, Some("-1"), "value at character 1"),
        ("meter", None, None, "a counter has no entry to remove"),
        ("lines", Some("0"), None, "a log has no gaps"),
        ("lines", Some("1"), Some("\"two\""), "no entry of this index"),
        ("by-colour", Some("pink"), Some("{}"), "key"),
    ] {
        let error = host.edit("box", &edit(collection, key, value)).await.expect_err(message).to_string();
        assert!(error.contains(message), "{collection}: {error}");
    }
    let long = format!("\"{}\"", "k".repeat(5_000));
    assert!(set(&host, "strings", Some(&long), "\"a\"").await.unwrap_err().to_string().contains("4096"));
    let mut unsaid = edit("note", None, Some("\"a\""));
    for reason in ["", " ", "a\nb", &"r".repeat(1_001)] {
        unsaid.reason = reason.into();
        assert!(matches!(host.edit("box", &unsaid).await, Err(EditError::Input { .. })), "{reason:.20?}");
    }
    assert_eq!(host.show("box").unwrap().root, before);
    assert_eq!(host.history("box").unwrap().len(), 1);
    set(&host, "lines", Some("0"), "\"uno\"").await.unwrap();
}

#[tokio::test]
async fn an_edit_that_expects_something_else_changes_nothing() {
    let (_, host) = with_plugin(KINDS).await;
    let wave = |text: &str| Some(Some(Input::Wave(text.into())));
    let mut asked = edit("note", None, Some("\"two\""));
    asked.expect = wave("\"one\"");
    let error = host.edit("box", &asked).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), ("expected", "the entry holds nothing, not \"one\""));
    asked.expect = Some(None);
    host.edit("box", &asked).await.unwrap();
    assert!(host.edit("box", &asked).await.unwrap_err().to_string().contains("holds \"two\", not nothing"));
    asked.expect = wave("\"two\"");
    asked.change = stead_runtime::EditChange::Remove;
    let edited = host.edit("box", &asked).await.unwrap();
    assert_eq!((edited.before.as_deref(), edited.after), (Some("\"two\""), None));
    assert_eq!(entries(&host, "box", "note"), 0);
}

#[tokio::test]
async fn g10_an_edit_needs_no_code() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.close().await.unwrap();
    let component = disk.files().into_iter().find(|file| file.starts_with("components/")).unwrap();
    disk.flip_bit(&component, 1_000, 3);
    let (host, _) = open(&disk).await;
    set(&host, "entries", Some("\"a\""), "{count: 7, label: \"mended\"}").await.unwrap();
    host.edit("box", &edit("entries", Some("\"a\""), None)).await.unwrap();
    assert_eq!(entries(&host, "box", "entries"), 0);
    let ledger = host.ledger("box", None).unwrap();
    assert_eq!(ledger.len(), 2);
    host.fork("box", "fork").await.unwrap();
    assert_eq!(host.show("fork").unwrap().root, host.show("box").unwrap().root);
}

#[tokio::test]
async fn an_edit_writes_under_the_newest_schema() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.swap("box", EVOLVE_WIDENING, swap()).await.unwrap();
    let edited =
        set(&host, "entries", Some("\"a\""), "{count: 5000000000, label: \"\", note: some(\"n\")}").await.unwrap();
    assert!(edited.before.unwrap().starts_with("{count: 1"));
    assert_eq!(bump(&host, "a").await, 5_000_000_001);
}

#[tokio::test]
async fn long_values_are_cut_in_the_history_only() {
    let (_, host) = with_plugin(KINDS).await;
    let long = format!("\"{}\"", "ü".repeat(10_000));
    let edited = set(&host, "note", None, &long).await.unwrap();
    assert_eq!(edited.after.as_deref(), Some(&*long));
    let HistoryEvent::Edited { edited } = host.history("box").unwrap().pop().unwrap().event else { panic!("no edit") };
    let after = edited.after.unwrap();
    assert!(after.len() < 4_200 && after.ends_with("… (20002 bytes in all)"), "{}", after.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_and_edits_come_one_after_another() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let calls: Vec<_> = (0..40)
        .map(|_| {
            let host = host.clone();
            tokio::spawn(async move { bump(&host, "a").await })
        })
        .collect();
    for _ in 0..20 {
        let counted = host.edit("box", &edit("sum", None, Some("1000"))).await.unwrap();
        let before: i64 = counted.before.unwrap().parse().unwrap();
        assert!((1..=1_041).contains(&before), "{before}");
    }
    for call in calls {
        call.await.unwrap();
    }
    assert_eq!(count_of(&host, "a").await, 41);
    assert!((1_000..=1_040).contains(&total(&host).await));
}
