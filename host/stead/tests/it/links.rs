//! Plugins that call each other, as an operator joins and sees them.

use serde_json::json;

use crate::harness::Bench;

/// Exports `add: func(by: u64) -> u64`, its argument and one.
const LEDGER: &str = r#"(component
    (core module $M (func (export "add") (param i64) (result i64) (i64.add (local.get 0) (i64.const 1))))
    (core instance $m (instantiate $M))
    (func $add (param "by" u64) (result u64) (canon lift (core func $m "add")))
    (instance $api (export "add" (func $add)))
    (export "acme:ledger/api@1.0.0" (instance $api)))"#;

/// The same with another parameter.
const LEDGER_CHANGED: &str = r#"(component
    (core module $M (func (export "add") (param i32) (result i64) (i64.const 1)))
    (core instance $m (instantiate $M))
    (func $add (param "by" u32) (result u64) (canon lift (core func $m "add")))
    (instance $api (export "add" (func $add)))
    (export "acme:ledger/api@1.0.0" (instance $api)))"#;

/// Calls it.
const ORDERS: &str = r#"(component
    (import "acme:ledger/api@1.0.0" (instance $api (export "add" (func (param "by" u64) (result u64)))))
    (alias export $api "add" (func $add))
    (core func $lowered (canon lower (func $add)))
    (core module $M
        (import "l" "add" (func $add (param i64) (result i64)))
        (func (export "run") (param i64) (result i64) (call $add (call $add (local.get 0)))))
    (core instance $m (instantiate $M (with "l" (instance (export "add" (func $lowered))))))
    (func (export "run") (param "by" u64) (result u64) (canon lift (core func $m "run"))))"#;

fn bench() -> Bench {
    let bench = Bench::new();
    for (name, wat) in [("ledger", LEDGER), ("changed", LEDGER_CHANGED), ("orders", ORDERS)] {
        std::fs::write(bench.path(&format!("{name}.wasm")), wat::parse_str(wat).unwrap()).unwrap();
    }
    bench
}

#[test]
fn g13_a_link_is_named_seen_and_held() {
    let bench = bench();
    let told = bench.stead(&["inspect", "orders.wasm"]).succeeds();
    assert!(told.contains("--link acme:ledger/api@1.0.0=PLUGIN") && told.contains("add: func(by: u64)"), "{told}");
    bench.stead(&["deploy", "ledger", "ledger.wasm"]).succeeds();
    bench.stead(&["deploy", "orders", "orders.wasm"]).fails(1, &["acme:ledger/api@1.0.0", "--link"]);
    bench.stead(&["deploy", "orders", "orders.wasm", "--link", "acme:ledger/api@1"]).fails(2, &["INTERFACE=PLUGIN"]);
    let link = ["--link", "acme:ledger/api@1=ledger"];
    let told = bench.stead(&[&["deploy", "orders", "orders.wasm"], &link[..]].concat()).succeeds();
    assert!(told.contains("links  acme:ledger/api@1.0.0 to ledger"), "{told}");
    assert_eq!(bench.stead(&["call", "orders", "run", "40"]).succeeds().trim(), "42");

    assert!(bench.stead(&["show", "ledger"]).succeeds().contains("called by  orders"));
    assert!(bench.stead(&["show", "orders"]).succeeds().contains("link       acme:ledger/api@1.0.0 to ledger"));
    assert!(bench.stead(&["list"]).succeeds().contains("ready, calls ledger"));
    let listed = bench.stead(&["list", "--json"]).json();
    assert_eq!(listed[1]["links"], json!([{ "interface": "acme:ledger/api@1.0.0", "plugin": "ledger" }]), "{listed:#}");

    let broken = ["plugin `orders` calls `ledger`", "acme:ledger/api@1.0.0#add"];
    let checked = bench.stead(&["check", "ledger", "changed.wasm"]);
    assert!(broken.iter().all(|part| checked.out.contains(part)) && checked.code == Some(1), "{checked:#?}");
    bench.stead(&["swap", "ledger", "changed.wasm"]).fails(1, &broken);
    bench.stead(&["swap", "ledger", "ledger.wasm"]).succeeds();
    assert_eq!(bench.stead(&["call", "orders", "run", "1"]).succeeds().trim(), "3");
}

#[test]
fn g13_a_running_host_links_over_its_socket() {
    let bench = bench();
    let serving = bench.serve(&[]);
    bench.stead(&["deploy", "ledger", "ledger.wasm"]).succeeds();
    bench
        .stead(&["deploy", "orders", "orders.wasm", "--link", "acme:ledger/api@1=nobody"])
        .fails(1, &["nobody", "not there"]);
    bench.stead(&["deploy", "orders", "orders.wasm", "--link", "acme:ledger/api@1=ledger"]).succeeds();
    assert_eq!(bench.stead(&["call", "orders", "run", "40", "--read"]).succeeds().trim(), "42");
    drop(serving);
}
