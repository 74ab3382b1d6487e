//! Two states, compared in typed values.

use std::io::Cursor;

use stead_runtime::{DiffLine, Differences, Host, StateError, diff_files};
use stead_test_guests::{EVOLVE_V1, EVOLVE_V2, EVOLVE_WIDENING};

use super::{EVERYTHING, call_of, edit, export, filled, import, root, set};
use crate::harness::{bump, deploy, returned, swap, text, with_plugin};

async fn diff(host: &Host, one: &str, other: &str) -> (Differences, Vec<DiffLine>) {
    let mut lines = Vec::new();
    let found = host.diff(one, other).await.unwrap().run(&mut |line| {
        lines.push(line);
        Ok(())
    });
    (found.unwrap(), lines)
}

/// The same by way of two exported files.
async fn diff_exported(host: &Host, one: &str, other: &str) -> (Differences, Vec<DiffLine>) {
    let (one, other) = (export(host, one).await, export(host, other).await);
    let mut lines = Vec::new();
    let found = diff_files(&mut Cursor::new(one), &mut Cursor::new(other), &mut |line| {
        lines.push(line);
        Ok(())
    });
    (found.unwrap(), lines)
}

fn sorted(mut lines: Vec<DiffLine>) -> Vec<String> {
    lines.sort_by(|one, other| one.collection.cmp(&other.collection));
    lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect()
}

#[tokio::test]
async fn a_fork_differs_by_what_was_written_since() {
    let host = filled().await;
    host.fork("box", "fork").await.unwrap();
    assert_eq!(root(&host, "box"), root(&host, "fork"));
    assert!(diff(&host, "box", "fork").await.0.is_none());
    set(&host, "strings", Some("\"b\""), "\"changed\"").await.unwrap();
    set(&host, "strings", Some("\"c\""), "\"new\"").await.unwrap();
    set(&host, "perhaps", None, "some(\"x\")").await.unwrap();
    set(&host, "all", None, &EVERYTHING.replace("nan", "1.5")).await.unwrap();
    host.edit("box", &edit("by-char", Some("'z'"), None)).await.unwrap();
    call_of(&host, "box", "lines-append", vec![text("four")]).await;
    call_of(&host, "fork", "meter-add", vec![crate::harness::u64_(1)]).await;
    let (found, lines) = diff(&host, "fork", "box").await;
    assert_eq!(found, Differences { added: 2, removed: 1, changed: 4, collections: 1 });
    let (again, exported) = diff_exported(&host, "fork", "box").await;
    assert_eq!((found, sorted(lines.clone())), (again, sorted(exported)), "both ways find the same");
    let changed = lines.iter().find(|line| line.key_wave.as_deref() == Some("\"b\"")).unwrap();
    assert_eq!((changed.was_wave.as_deref(), changed.is_wave.as_deref()), (Some("\"\\u{0}\""), Some("\"changed\"")));
    let bounds = lines.iter().find_map(|line| line.differs.as_ref()).unwrap();
    assert_eq!(bounds, "the log goes from 1 to 3 in the first, from 1 to 4 in the second");
    let perhaps = lines.iter().find(|line| line.collection == "test:kinds/perhaps@1").unwrap();
    let json = serde_json::to_string(perhaps).unwrap();
    assert!(json.contains(r#""was":null"#) && json.contains(r#""is":"x""#), "{json}");
    assert_eq!(serde_json::from_str::<DiffLine>(&json).unwrap(), *perhaps, "an absent value is not a none");
}

#[tokio::test]
async fn plugins_without_a_common_past_are_compared_by_identity_and_key() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    for key in ["a", "b", "c"] {
        bump(&host, key).await;
    }
    deploy(&host, "copy", EVOLVE_WIDENING).await;
    import(&host, "copy", &export(&host, "box").await).await.unwrap();
    // Another type, and the same values.
    let (found, lines) = diff(&host, "box", "copy").await;
    assert_eq!(found, Differences { collections: 1, ..Differences::default() }, "{lines:?}");
    assert!(lines[0].differs.as_ref().unwrap().contains("field `count`: was `u32`, is `u64`"), "{lines:?}");
    returned(host.call(stead_runtime::Call::new("copy", "bump", vec![text("b")])).await);
    let (found, lines) = diff(&host, "box", "copy").await;
    assert_eq!((found.changed, found.added, found.removed), (2, 0, 0), "{lines:?}");
    assert_eq!(sorted(lines), sorted(diff_exported(&host, "box", "copy").await.1));
}

#[tokio::test]
async fn collections_are_compared_by_identity_wherever_they_lie_in_the_state() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    // The collections of the new track come after those of the old one here, and first where there never was an old one.
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    deploy(&host, "copy", EVOLVE_V2).await;
    import(&host, "copy", &export(&host, "box").await).await.unwrap();
    let (found, lines) = diff(&host, "box", "copy").await;
    assert!(found.is_none(), "{lines:?}");
    returned(host.call(stead_runtime::Call::new("copy", "bump", vec![text("a")])).await);
    let (found, lines) = diff(&host, "box", "copy").await;
    assert_eq!((found.changed, found.added, found.removed), (2, 0, 0), "{lines:?}");
}

#[tokio::test]
async fn the_state_as_an_earlier_version_left_it_is_there_to_compare_with() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    match host.export("box@1", &[]).await {
        Err(StateError::UnknownState { kept, .. }) => assert!(kept.is_empty()),
        other => panic!("there is a state of a version that serves: {}", other.is_ok()),
    }
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    let (found, lines) = diff(&host, "box@1", "box").await;
    assert!(found.removed > 0 && found.added > 0 && found.collections > 0, "{lines:?}");
    assert!(
        lines.iter().any(|line| line.differs.as_deref() == Some("only the first has this collection")),
        "{lines:?}"
    );
    assert!(matches!(host.export("box@7", &[]).await, Err(StateError::UnknownState { .. })));
    assert!(matches!(host.export("box@x", &[]).await, Err(StateError::UnknownPlugin { .. })));
}

#[tokio::test]
async fn a_fork_goes_its_own_way() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.fork("box", "fork").await.unwrap();
    assert!(host.fork("box", "fork").await.is_err(), "the name is taken");
    assert!(host.fork("absent", "x").await.is_err());
    assert!(host.fork("box", "-x").await.is_err());
    call_of(&host, "fork", "bump", vec![text("b")]).await;
    host.swap("fork", EVOLVE_V2, swap()).await.unwrap();
    assert_eq!(bump(&host, "a").await, 2);
    drop(host);
    let (host, _) = crate::harness::open(&disk.restart(1)).await;
    assert_eq!(crate::harness::version(&host, "fork").await, "v2");
    assert_eq!(crate::harness::version(&host, "box").await, "v1");
    assert_eq!(crate::harness::total(&host).await, 2);
}
