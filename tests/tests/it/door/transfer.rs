//! A state that goes out comes in as it was, or not at all.

use stead_runtime::{DeployOptions, HistoryEvent, ImportError, ImportMode};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_BROKEN, EVOLVE_LOSSY, EVOLVE_V1, EVOLVE_V2, EVOLVE_WIDENING, KINDS};

use super::{call_of, export, filled, import, import_as, resealed, root, sealed};
use crate::harness::{bump, call, count_of, deploy, entries, number, open, swap, text, total, u64_, with_plugin};

#[tokio::test]
async fn g05_what_is_exported_and_imported_has_the_same_root() {
    let host = filled().await;
    let file = export(&host, "box").await;
    let imported = import(&host, "copy", &file).await.unwrap_or_else(|error| panic!("{error}\n{file}"));
    assert_eq!(imported.entries as usize, file.lines().count() - 2);
    assert_eq!(root(&host, "box"), root(&host, "copy"), "{file}");
    assert_eq!(imported.from_root, root(&host, "copy"));
    // The plugin goes on where the other one was: its log has an end, its counters a sum.
    assert_eq!(
        number(crate::harness::returned(
            host.call(stead_runtime::Call::new("copy", "lines-append", vec![text("four")])).await
        )),
        3
    );
    let event = host.history("copy").unwrap().pop().unwrap().event;
    assert!(matches!(event, HistoryEvent::Imported { imported: recorded } if *recorded == imported));
}

#[tokio::test]
async fn g05_entries_under_older_schemas_come_in_under_the_newest() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "old").await;
    host.swap("box", EVOLVE_WIDENING, swap()).await.unwrap();
    bump(&host, "new").await;
    let file = export(&host, "box").await;
    assert!(file.contains(r#""key":"old","value":{"count":1,"label":""#), "{file}");
    deploy(&host, "copy", EVOLVE_WIDENING).await;
    import(&host, "copy", &file).await.unwrap();
    assert_ne!(root(&host, "box"), root(&host, "copy"), "one holds an older schema");
    let (one, other) = (host.digest("box").await.unwrap(), host.digest("copy").await.unwrap());
    assert_eq!(one.digest, other.digest);
    assert_eq!(other.root, root(&host, "copy"));
    bump(&host, "new").await;
    assert_ne!(host.digest("box").await.unwrap().digest, other.digest);
    // Header and trailer apart, both have the same lines.
    let lines = |file: &str| file.lines().skip(1).take(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&export(&host, "copy").await), lines(&file));
}

#[tokio::test]
async fn g05_the_ledger_is_bound_into_the_root_and_the_digest_looks_at_types_alone() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let labelled = DeployOptions { label: Some("another".into()), ..DeployOptions::default() };
    host.deploy("other", EVOLVE_V1, labelled).await.unwrap();
    deploy(&host, "wide", EVOLVE_WIDENING).await;
    let [one, other, wide] = ["box", "other", "wide"].map(|name| host.digest(name));
    let (one, other, wide) = (one.await.unwrap(), other.await.unwrap(), wide.await.unwrap());
    // None of them has an entry: what differs is who wrote the ledger, or a type in it.
    assert_ne!(one.root, other.root);
    assert_eq!(one.digest, other.digest);
    assert_ne!((&one.root, &one.digest), (&wide.root, &wide.digest));
    assert_ne!(one.digest, wide.digest);
}

#[tokio::test]
async fn g07_values_of_older_types_widen_and_newer_ones_are_refused() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let old = export(&host, "box").await;
    deploy(&host, "wide", EVOLVE_WIDENING).await;
    import(&host, "wide", &old).await.unwrap();
    let new = export(&host, "wide").await;
    assert!(new.contains("option<string>") && new.contains(r#""note":null"#), "{new}");
    deploy(&host, "narrow", EVOLVE_V1).await;
    let before = root(&host, "narrow");
    match import(&host, "narrow", &new).await {
        Err(ImportError::Collections(refused)) => {
            assert_eq!(refused[0].0.to_string(), "test:evolve/entries@1");
            assert!(refused[0].1.contains("field `count`") && refused[0].1.contains("u64"), "{refused:?}");
        }
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(root(&host, "narrow"), before);
}

#[tokio::test]
async fn g07_no_part_of_a_value_is_lost_on_the_way() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let file = export(&host, "box").await;
    deploy(&host, "lossy", EVOLVE_LOSSY).await;
    let error = import(&host, "lossy", &file).await.unwrap_err().to_string();
    assert!(error.contains("line 2: test:evolve/entries@1: a part of the value has no place"), "{error}");
    assert_eq!(entries(&host, "lossy", "entries"), 0);
}

#[tokio::test]
async fn g07_every_line_is_checked_by_its_type() {
    let host = filled().await;
    let file = export(&host, "box").await;
    let before = root(&host, "copy");
    for (from, to, texts) in [
        (r#""colour":"blue""#, r#""colour":"pink""#, &["line 2", "$.colour", "pink", "all@1"][..]),
        (r#""value":3}"#, r#""value":256}"#, &["by-bool@1", "`u8`"]),
        (r#""key":true"#, r#""key":"true""#, &["key at $", "`bool`"]),
        (r#""rank":-5"#, r#""rank":-50000"#, &["$[1].rank", "`s16`"]),
        (r#""added":5"#, r#""added":6"#, &["meter@1", "the value 5 is not 6 - 0"]),
        (r#""value":"a note""#, r#""valeu":"a note""#, &["valeu"]),
        (r#""key":1,"value":"two""#, r#""key":7,"value":"two""#, &["index 7 does not follow"]),
        (r#""first":1,"end":3"#, r#""first":2,"end":3"#, &["does not follow"]),
        (
            r#""collection":"test:kinds/note@1""#,
            r#""collection":"test:kinds/nota@1""#,
            &["nota@1 is not in the header"],
        ),
        (r#""key":"a\u0000b","value""#, r#""key":"","value""#, &["the key stands twice"]),
        (r#""key":"b","value""#, r#""key":"\u0000","value""#, &["out of order"]),
        (r#""kind":"cell""#, r#""kind":"bell""#, &["line 1", "`bell` is no kind"]),
        (r#""stead-state":1"#, r#""stead-state":2"#, &["format 2"]),
        (r#""stead-state":1"#, r#""stead-state":1,"x":0"#, &["line 1", "`x`"]),
    ] {
        let wrong = resealed(&file, from, to);
        let error = import(&host, "copy", &wrong).await.expect_err(to).to_string();
        assert!(texts.iter().all(|text| error.contains(text)), "{to}: {error}");
        assert_eq!(root(&host, "copy"), before, "{to}");
    }
    let missing: String =
        file.lines().filter(|line| !line.contains("\"key\":\"b\"")).map(|line| format!("{line}\n")).collect();
    let error = import(&host, "copy", &sealed(&missing)).await.unwrap_err().to_string();
    assert!(error.contains("2 of 3 entries came"), "{error}");
    import(&host, "copy", &file).await.unwrap();
}

#[tokio::test]
async fn g07_what_the_plugin_holds_already_is_not_given_up_unasked() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let file = export(&host, "box").await;
    bump(&host, "b").await;
    let before = root(&host, "box");
    match import(&host, "box", &file).await {
        Err(ImportError::NotEmpty(taken)) => assert_eq!(taken.len(), 2, "{taken:?}"),
        other => panic!("not refused: {other:?}"),
    }
    assert_eq!(root(&host, "box"), before);
    import_as(&host, "box", file.as_bytes(), ImportMode::Replace).await.unwrap();
    assert_eq!((count_of(&host, "a").await, count_of(&host, "b").await, total(&host).await), (1, 0, 1));
    // What was replaced is kept, by the version that it was the state of.
    assert!(export(&host, "box@1").await.contains("\"b\""));
    assert_eq!(bump(&host, "b").await, 1);
    drop(host);
    let (host, _) = open(&disk.restart(1)).await;
    assert_eq!((count_of(&host, "b").await, total(&host).await), (1, 2));
    assert_eq!(number(call(&host, "total", vec![]).await), 2);
}

#[tokio::test]
async fn g07_collections_that_the_plugin_does_not_keep_are_named() {
    let (_, host) = with_plugin(KINDS).await;
    call_of(&host, "box", "meter-add", vec![u64_(1)]).await;
    deploy(&host, "other", EVOLVE_V1).await;
    let file = export(&host, "box").await;
    match import(&host, "other", &file).await {
        Err(ImportError::Collections(refused)) => assert_eq!(refused[0].0.to_string(), "test:kinds/meter@1"),
        other => panic!("not refused: {other:?}"),
    }
    // One that was migrated away is a tombstone, and no place to import to.
    bump_other(&host).await;
    let old = export(&host, "other").await;
    host.swap("other", EVOLVE_V2, swap()).await.unwrap();
    match import(&host, "other", &old).await {
        Err(ImportError::Collections(refused)) => assert!(refused[0].1.contains("dropped"), "{refused:?}"),
        other => panic!("not refused: {other:?}"),
    }
}

async fn bump_other(host: &stead_runtime::Host) {
    call_of(host, "other", "bump", vec![text("a")]).await;
}

#[tokio::test]
async fn g10_no_code_is_needed_to_export_and_import() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let file = export(&host, "box").await;
    deploy(&host, "broken", EVOLVE_BROKEN).await;
    import(&host, "broken", &file).await.unwrap();
    assert_eq!(entries(&host, "broken", "entries"), 1);
    assert_eq!(root(&host, "broken"), root(&host, "box"));
}

#[tokio::test]
async fn calls_are_served_while_a_file_comes_in() {
    let disk = SimDisk::new(1);
    let (host, _) = open(&disk).await;
    deploy(&host, "from", EVOLVE_V1).await;
    call_of(&host, "from", "bump", vec![text("a")]).await;
    let export = host.export("from", &["entries".to_owned()]).await.unwrap();
    let mut file = Vec::new();
    export.write_to(&mut file).unwrap();
    deploy(&host, "box", EVOLVE_V1).await;
    // The file stops after its header until a call has run; the call writes to both collections.
    let (sender, receiver) = std::sync::mpsc::channel::<Vec<u8>>();
    let split = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    sender.send(file[..split].to_vec()).unwrap();
    let importing = {
        let host = host.clone();
        tokio::spawn(async move { host.import("box", Box::new(Slow(receiver, Vec::new())), Default::default()).await })
    };
    while host.info().store.states == 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bump(&host, "b").await, 1);
    sender.send(file[split..].to_vec()).unwrap();
    drop(sender);
    match importing.await.unwrap() {
        Err(ImportError::NotEmpty(taken)) => assert!(taken[0].1.contains("a call wrote"), "{taken:?}"),
        other => panic!("a written entry was given up: {other:?}"),
    }
    assert_eq!((bump(&host, "b").await, total(&host).await), (2, 2));
    assert_eq!(host.info().store.states, 3, "the state in the making is gone");
}

/// Gives what it is sent, and waits for more.
struct Slow(std::sync::mpsc::Receiver<Vec<u8>>, Vec<u8>);

impl std::io::Read for Slow {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.1.is_empty() {
            self.1 = self.0.recv().unwrap_or_default();
        }
        let bytes = self.1.len().min(into.len());
        into[..bytes].copy_from_slice(&self.1[..bytes]);
        self.1.drain(..bytes);
        Ok(bytes)
    }
}
