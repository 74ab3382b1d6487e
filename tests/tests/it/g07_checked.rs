//! G7: what a check says beforehand is what a swap does, and an import that may be meant as a link is no collection
//! unsaid.

use stead_runtime::Call;
use stead_runtime::{Check, CheckError, CheckOptions, DeployError, DeployOptions, Fate, Host, SwapError, SwapOptions};
use stead_schema::Verdict;
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{
    EVOLVE_BROKEN, EVOLVE_INCOMPATIBLE, EVOLVE_LOSSY, EVOLVE_MIGRATE_ERR, EVOLVE_MIGRATE_PARTLY, EVOLVE_READY_FAILS,
    EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3, EVOLVE_WIDENING, KINDS, PLAIN, UNKNOWN_IMPORT,
};

use crate::harness::{bump, engine, open, swap, text, with_plugin};

const GUESTS: [(&str, &[u8]); 13] = [
    ("v1", EVOLVE_V1),
    ("rebuilt", EVOLVE_REBUILT),
    ("broken", EVOLVE_BROKEN),
    ("ready-fails", EVOLVE_READY_FAILS),
    ("widening", EVOLVE_WIDENING),
    ("lossy", EVOLVE_LOSSY),
    ("incompatible", EVOLVE_INCOMPATIBLE),
    ("v2", EVOLVE_V2),
    ("migrate-err", EVOLVE_MIGRATE_ERR),
    ("migrate-partly", EVOLVE_MIGRATE_PARTLY),
    ("v3", EVOLVE_V3),
    ("plain", PLAIN),
    ("kinds", KINDS),
];

/// What an operator may allow.
fn allowances() -> [CheckOptions; 3] {
    let entries = || vec!["test:evolve/entries@1".to_owned()];
    [
        CheckOptions::default(),
        CheckOptions { drop: entries(), ..CheckOptions::default() },
        CheckOptions { accept_lossy: entries(), ..CheckOptions::default() },
    ]
}

/// What a swap refuses, as it stands; nothing if it is begun.
async fn refusals(host: &Host, plugin: &str, wasm: &[u8], allowed: &CheckOptions) -> String {
    let CheckOptions { drop, accept_lossy, state, links } = allowed.clone();
    match host.swap(plugin, wasm, SwapOptions { drop, accept_lossy, state, links, ..swap() }).await {
        // A migration that fails and a successor that is not ready are found by running them.
        Ok(_) | Err(SwapError::Aborted { .. }) => String::new(),
        Err(SwapError::State(refusals)) => format!("{refusals:?}"),
        Err(error) => panic!("{plugin}: {error}"),
    }
}

fn refused(check: &Check) -> String {
    if check.is_admitted() { String::new() } else { format!("{:?}", check.refusals) }
}

#[tokio::test]
async fn g07_a_check_says_what_a_swap_does() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let (mut admitted, mut turned_down) = (0, 0);
    for (old_name, old) in GUESTS {
        for (new_name, new) in GUESTS {
            for (number, allowed) in allowances().iter().enumerate() {
                let plugin = format!("{old_name}-{new_name}-{number}");
                host.deploy(&plugin, old, DeployOptions::default()).await.unwrap();
                // Entries of which a part can be lost; the guests that cannot write them have none.
                let _ = host.call(Call::new(&plugin, "bump", vec![text("a")])).await;
                let before = host.show(&plugin).unwrap();
                let check = host.check(&plugin, new, allowed.clone()).await.unwrap();
                let after = host.show(&plugin).unwrap();
                assert_eq!((before.root, before.commits), (after.root, after.commits), "{plugin}");
                assert_eq!(host.history(&plugin).unwrap().len(), 1, "{plugin}");
                assert_eq!(refused(&check), refusals(&host, &plugin, new, allowed).await, "{plugin}");
                *(if check.is_admitted() { &mut admitted } else { &mut turned_down }) += 1;
            }
        }
    }
    assert!(admitted > 100 && turned_down > 100, "{admitted} admitted, {turned_down} turned down");
}

#[tokio::test]
async fn g07_a_check_counts_entries_that_use_what_is_gone() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let entries = |check: &Check| {
        let found = check.collections.iter().find(|checked| checked.identity.to_string() == "test:evolve/entries@1");
        found.cloned().expect("the collection")
    };
    let lossy = host.check("box", EVOLVE_LOSSY, CheckOptions::default()).await.unwrap();
    assert!(lossy.is_admitted(), "no entry uses what is gone: {:?}", lossy.refusals);
    assert_eq!((entries(&lossy).losing, entries(&lossy).entries), (Some(0), Some(0)));
    assert_eq!(entries(&lossy).comparison.unwrap().verdict, Verdict::Lossy);

    bump(&host, "a").await;
    bump(&host, "b").await;
    let lossy = host.check("box", EVOLVE_LOSSY, CheckOptions::default()).await.unwrap();
    assert_eq!((entries(&lossy).losing, entries(&lossy).entries), (Some(2), Some(2)));
    let said = refused(&lossy);
    assert!(said.contains("2 entries") && said.contains("--accept-lossy test:evolve/entries@1"), "{said}");
    let [_, _, named] = allowances();
    let lossy = host.check("box", EVOLVE_LOSSY, named).await.unwrap();
    assert!(lossy.is_admitted());
    assert_eq!(entries(&lossy).losing, Some(2), "what is accepted is counted all the same");
}

#[tokio::test]
async fn g07_a_plugin_that_cannot_run_is_checked_all_the_same() {
    let (_, host) = with_plugin(EVOLVE_BROKEN).await;
    let check = host.check("box", EVOLVE_V1, CheckOptions::default()).await.unwrap();
    assert!(check.is_admitted() && check.functions.is_some());
    assert_eq!(host.check("absent", EVOLVE_V1, CheckOptions::default()).await.unwrap_err().kind(), "unknown-plugin");
    let error = host.check("box", UNKNOWN_IMPORT, CheckOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), "component");
}

#[test]
fn g07_two_components_are_checked_as_a_swap_over_types_alone() {
    let between = |old: &[u8], new: &[u8]| Check::between(&engine(), old, new, &CheckOptions::default());
    for (name, guest) in GUESTS {
        let same = between(guest, guest).unwrap();
        assert!(same.is_admitted(), "{name}: {:?}", same.refusals);
        assert_eq!(same.functions.as_deref(), Some(&[][..]), "{name}");
    }
    let lossy = between(EVOLVE_V1, EVOLVE_LOSSY).unwrap();
    assert!(refused(&lossy).contains("--accept-lossy"), "{lossy:?}");
    let migrated = between(EVOLVE_V1, EVOLVE_V2).unwrap();
    assert!(migrated.is_admitted() && migrated.brings_migration);
    assert!(migrated.collections.iter().any(|checked| checked.fate == Fate::Migrated));
    let skipped = between(EVOLVE_V1, EVOLVE_V3).unwrap();
    assert!(skipped.collections.iter().any(|checked| checked.fate == Fate::Behind), "{skipped:?}");
    let back = between(EVOLVE_V3, EVOLVE_V1).unwrap();
    assert!(back.collections.iter().any(|checked| checked.fate == Fate::Ahead), "{back:?}");
    assert!(matches!(between(b"text", EVOLVE_V1), Err(CheckError::Old(_))));
    assert!(matches!(between(EVOLVE_V1, b"text"), Err(CheckError::New(_))));
}

/// Exports `acme:links/kept@1.0.0`, in the shape of a map.
const EXPORTER: &str = r#"(component
    (core module $M (func (export "len") (result i64) i64.const 0))
    (core instance $m (instantiate $M))
    (func $len (result u64) (canon lift (core func $m "len")))
    (instance $kept (export "len" (func $len)))
    (export "acme:links/kept@1.0.0" (instance $kept)))"#;

/// Imports what [`EXPORTER`] exports.
const IMPORTER: &str = r#"(component (import "acme:links/kept@1.1.0" (instance (export "len" (func (result u64))))))"#;

fn wasm(wat: &str) -> Vec<u8> {
    wat::parse_str(wat).expect("wat")
}

fn affirmed() -> Vec<String> {
    vec!["acme:links/kept@1".to_owned()]
}

#[tokio::test]
async fn g07_a_shape_whose_name_a_plugin_exports_is_state_only_if_it_is_said() {
    let (_, host) = with_plugin(&wasm(EXPORTER)).await;
    let error = host.deploy("user", &wasm(IMPORTER), DeployOptions::default()).await.unwrap_err();
    assert!(matches!(error, DeployError::State(_)), "{error}");
    let said = error.to_string();
    assert!(said.contains("`box` exports") && said.contains("--state acme:links/kept@1"), "{said}");
    assert!(said.contains("--link acme:links/kept@1=box"), "{said}");
    host.deploy("user", &wasm(IMPORTER), DeployOptions { state: affirmed(), ..Default::default() }).await.unwrap();

    // What the state knows as a collection is one, whatever is deployed beside it.
    host.swap("user", &wasm(IMPORTER), swap()).await.unwrap();
    // A plugin's own exports are no links of its own.
    host.swap("box", &wasm(&IMPORTER.replace("(component", &EXPORTER[..EXPORTER.len() - 1])), swap()).await.unwrap();

    host.deploy("other", &wasm("(component)"), DeployOptions::default()).await.unwrap();
    for (allowed, contains) in [
        (CheckOptions::default(), "--state"),
        (CheckOptions { state: affirmed(), ..CheckOptions::default() }, ""),
        (CheckOptions { state: vec!["acme:links/absent@1".into()], ..CheckOptions::default() }, "no such collection"),
    ] {
        let check = host.check("other", &wasm(IMPORTER), allowed.clone()).await.unwrap();
        assert_eq!(check.is_admitted(), contains.is_empty(), "{check:?}");
        assert!(refused(&check).contains(contains), "{check:?}");
    }
    let unsaid = refusals(&host, "other", &wasm(IMPORTER), &CheckOptions::default()).await;
    assert!(unsaid.contains("--state"), "{unsaid}");
    let said = CheckOptions { state: affirmed(), ..CheckOptions::default() };
    assert_eq!(refusals(&host, "other", &wasm(IMPORTER), &said).await, "");
}
