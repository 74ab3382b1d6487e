//! G7: a component shows of a collection only what it uses. What no version has shown is a hole, and conflicts with
//! nothing.

use stead_runtime::{CollectionDetails, DeployOptions, Host, SwapError};
use stead_schema::Kind;
use stead_store::disk::sim::SimDisk;

use crate::harness::{open, swap};

/// Imports `acme:holes/kept@1.0.0` with these functions.
fn importing(functions: &str) -> Vec<u8> {
    let wat = format!(r#"(component (import "acme:holes/kept@1.0.0" (instance {functions})))"#);
    wat::parse_str(wat).expect("wat")
}

const LEN: &str = r#"(export "len" (func (result u64)))"#;
const REMOVE: &str = r#"(export "remove" (func (param "k" string)))"#;
const CLEAR: &str = r#"(export "clear" (func))"#;
const GET: &str = r#"(export "get" (func (param "k" string) (result (option u64))))"#;

async fn deployed(functions: &str) -> Host {
    let (host, _) = open(&SimDisk::new(1)).await;
    host.deploy("box", &importing(functions), DeployOptions::default()).await.unwrap();
    host
}

/// The one collection that the ledger knows; none if it knows none.
fn recorded(host: &Host) -> Option<CollectionDetails> {
    let mut collections = host.show("box").unwrap().collections;
    assert!(collections.len() <= 1, "{collections:?}");
    collections.pop()
}

/// Key and value of the recorded map, as far as a version has shown them.
fn types(host: &Host) -> (Option<String>, Option<String>) {
    let map = recorded(host).expect("it is recorded");
    assert_eq!(map.kind, Kind::Map);
    (map.key.map(|ty| ty.to_string()), map.value.map(|ty| ty.to_string()))
}

async fn takes(host: &Host, functions: &str) {
    host.swap("box", &importing(functions), swap()).await.unwrap_or_else(|error| panic!("{functions}: {error}"));
}

async fn refuses(host: &Host, functions: &str, contains: &[&str]) {
    match host.swap("box", &importing(functions), swap()).await {
        Err(error @ SwapError::State(_)) => {
            let said = error.to_string();
            assert!(contains.iter().all(|part| said.contains(part)), "{said}");
        }
        other => panic!("not refused for its state: {other:?}"),
    }
}

#[tokio::test]
async fn g07_a_hole_is_filled_by_the_first_version_that_shows_it() {
    let host = deployed(LEN).await;
    assert_eq!(types(&host), (None, None));
    takes(&host, REMOVE).await;
    assert_eq!(types(&host), (Some("string".into()), None));
    refuses(&host, r#"(export "contains" (func (param "k" u32) (result bool)))"#, &["key", "`string`", "`u32`"]).await;
    takes(&host, GET).await;
    assert_eq!(types(&host), (Some("string".into()), Some("u64".into())));
    let other = r#"(export "get" (func (param "k" string) (result (option string))))"#;
    refuses(&host, other, &["value", "`u64`", "`string`"]).await;
    // A later version that shows less takes nothing back.
    takes(&host, LEN).await;
    assert_eq!(types(&host), (Some("string".into()), Some("u64".into())));
    assert_eq!(recorded(&host).unwrap().schemas, 1, "filling a hole is no new schema");
}

#[tokio::test]
async fn g07_while_the_kind_is_undecided_nothing_is_recorded() {
    for decided in [GET, r#"(export "set" (func (param "v" u32)))"#] {
        let host = deployed(CLEAR).await;
        assert!(recorded(&host).is_none());
        takes(&host, CLEAR).await;
        assert!(recorded(&host).is_none());
        takes(&host, &format!("{CLEAR} {decided}")).await;
        let kind = recorded(&host).unwrap().kind;
        assert_eq!(kind, if decided == GET { Kind::Map } else { Kind::Cell });
        takes(&host, CLEAR).await;
        assert_eq!(recorded(&host).unwrap().kind, kind, "`clear` alone fits what is recorded");
    }
}

#[tokio::test]
async fn g07_another_kind_than_the_ledger_s_is_refused() {
    let host = deployed(GET).await;
    let cell = r#"(export "get" (func (result (option u64))))"#;
    refuses(&host, cell, &["acme:holes/kept@1", "`map`", "`cell`", "acme:holes/kept@2.0.0"]).await;
    let log = r#"(export "end" (func (result u64)))"#;
    refuses(&host, log, &["`map`", "`log`"]).await;
    let counter = r#"(export "value" (func (result u64)))"#;
    refuses(&host, counter, &["`map`", "`counter`"]).await;
    let host = deployed(log).await;
    refuses(&host, CLEAR, &["`log`"]).await;
}

#[tokio::test]
async fn g07_an_import_under_a_label_keeps_its_state_across_what_it_implements() {
    let named = |version: &str, functions: &str| {
        let implements = format!(r#"(implements "acme:stores/texts@{version}")"#);
        let wat = format!(r#"(component (import "ballots" {implements} (instance {functions})))"#);
        wat::parse_str(wat).expect("wat")
    };
    let (host, _) = open(&SimDisk::new(1)).await;
    host.deploy("box", &named("1.0.0", GET), DeployOptions::default()).await.unwrap();
    assert_eq!(recorded(&host).unwrap().identity, "ballots");
    let receipt = host.swap("box", &named("3.0.0", GET), swap()).await.unwrap();
    assert_eq!(receipt.verdicts.len(), 1, "the label is the identity");
    let other = r#"(export "get" (func (param "k" u8) (result (option u64))))"#;
    let error = host.swap("box", &named("3.0.0", other), swap()).await.unwrap_err();
    assert!(error.to_string().contains("`ballots`"), "{error}");
}
