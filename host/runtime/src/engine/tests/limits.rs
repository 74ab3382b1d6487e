//! What a guest may hold and write.

use super::*;
use crate::engine::InstanceError;

const GROWING: &str = r#"(component
  (core module $M
    (memory (export "memory") 1)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func (export "insist") (param i32) (if (i32.eq (i32.const -1) (memory.grow (local.get 0))) (then unreachable))))
  (core instance $m (instantiate $M))
  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $m "grow")))
  (func (export "insist") (param "pages" u32) (canon lift (core func $m "insist"))))"#;

#[tokio::test]
async fn g14_memory_is_refused_past_its_limit() {
    let limits = Limits { memory_bytes_max: 1 << 20, ..Limits::default() };
    let mut plugin = Plugin::with(GROWING, limits);
    assert_eq!(plugin.ok("grow", &[15u32.into()]).await, Some(1i32.into()));
    assert_eq!(plugin.ok("grow", &[1u32.into()]).await, Some((-1i32).into()));
    let trap = plugin.trap("insist", &[1u32.into()]).await;
    assert_eq!(trap.kind, TrapKind::Memory);
    assert!(trap.message.contains("memory_bytes_max"), "{}", trap.message);
    assert_eq!(plugin.ok("grow", &[0u32.into()]).await, Some(1i32.into()), "a new instance starts small");
}

#[tokio::test]
async fn g14_a_component_that_starts_too_large_is_not_started() {
    let limits = Limits { memory_bytes_max: 1000, ..Limits::default() };
    let plugin = Plugin::with(GROWING, limits);
    match plugin.linked.instantiate(Instant::now() + Duration::from_secs(5)).await {
        Err(InstanceError::Trapped(trap)) => assert_eq!(trap.kind, TrapKind::Memory),
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it started"),
    }
}

#[tokio::test]
async fn g14_instances_are_counted() {
    let limits = EngineLimits { instances_max: 2, ..EngineLimits::default() };
    let engine = Engine::new(EngineOptions { limits, cache: None }).expect("an engine");
    let program = Program::load(&engine, &wat::parse_str(GROWING).expect("wat")).expect("a plugin");
    let linked =
        program.link("test", &[], &Grants::default(), &Settings::default(), &Limits::default()).expect("linked");
    let deadline = Instant::now() + Duration::from_secs(5);
    let first = linked.instantiate(deadline).await.expect("the first");
    let _second = linked.instantiate(deadline).await.expect("the second");
    assert!(matches!(linked.instantiate(deadline).await, Err(InstanceError::Full { max: 2 })));
    drop(first);
    linked.instantiate(deadline).await.expect("a place is free again");
}

const MAP: &[&str] = &[
    "get | (param \"k\" string) | (option (list u8)) | i32 i32 | spilled",
    "set | (param \"k\" string) (param \"v\" (list u8)) | | i32 i32 i32 i32 | none",
    "scan | (param \"s\" (option string)) (param \"n\" u32) | (list (tuple string (list u8))) | i32 i32 i32 i32 | spilled",
    "clear | | | | none",
];

#[tokio::test]
async fn g14_values_keys_pages_and_transactions_have_limits() {
    let limits = Limits {
        value_bytes_max: 1000,
        transaction_bytes_max: 3000,
        scan_entries_max: 3,
        scan_bytes_max: 1500,
        clear_entries_max: 100,
        ..Limits::default()
    };
    let mut plugin = Plugin::with(&passing("", MAP), limits);
    let is_limit = |trap: Trap, name: &str| {
        assert_eq!(trap.kind, TrapKind::Limit, "{trap}");
        assert!(trap.message.contains(name), "{name} is not in: {}", trap.message);
    };
    let value = |bytes: usize| Value::bytes(&vec![7; bytes]);
    is_limit(plugin.trap("set", &["k".into(), value(2000)]).await, "value_bytes_max");
    is_limit(plugin.trap("set", &["k".repeat(5000).into(), value(1)]).await, "4096");
    for key in ["a", "b", "c", "d"] {
        plugin.ok("set", &[key.into(), value(600)]).await;
    }
    plugin.ok("scan", &[Value::none(), 2u32.into()]).await;
    is_limit(plugin.trap("scan", &[Value::none(), 3u32.into()]).await, "scan_bytes_max");
    for key in ["a", "b", "c", "d"] {
        plugin.ok("set", &[key.into(), value(6)]).await;
    }
    plugin.ok("scan", &[Value::none(), 3u32.into()]).await;
    is_limit(plugin.trap("scan", &[Value::none(), u32::MAX.into()]).await, "scan_entries_max");
    for key in 0..96 {
        plugin.ok("set", &[format!("{key}").into(), value(600)]).await;
    }
    // It is one change, which fits a transaction however much goes.
    plugin.ok("clear", &[]).await;
    let none = plugin.ok("scan", &[Value::none(), 0u32.into()]).await;
    assert_eq!(plugin.ok("scan", &[Value::none(), 2u32.into()]).await, none);
    for key in 0..101 {
        plugin.ok("set", &[format!("{key}").into(), value(6)]).await;
    }
    is_limit(plugin.trap("clear", &[]).await, "clear_entries_max");
}

const TABLE: &str = r#"(component
  (core module $M
    (table $t 1 funcref)
    (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))
  (core instance $m (instantiate $M))
  (func (export "grow") (param "elements" u32) (result s32) (canon lift (core func $m "grow"))))"#;

#[tokio::test]
async fn g14_tables_are_refused_past_their_limit() {
    let limits = Limits { table_elements_max: 10, ..Limits::default() };
    let mut plugin = Plugin::with(TABLE, limits);
    assert_eq!(plugin.ok("grow", &[9u32.into()]).await, Some(1i32.into()));
    assert_eq!(plugin.ok("grow", &[1u32.into()]).await, Some((-1i32).into()));
}

#[test]
fn g14_a_component_past_its_limit_is_not_loaded() {
    let wasm = wat::parse_str(TABLE).expect("wat");
    for (component_bytes_max, loads) in [(wasm.len(), true), (wasm.len() - 1, false)] {
        let limits = EngineLimits { component_bytes_max, instances_max: 2, ..EngineLimits::default() };
        let engine = Engine::new(EngineOptions { limits, cache: None }).expect("an engine");
        assert_eq!(Program::load(&engine, &wasm).is_ok(), loads, "{component_bytes_max}");
    }
}
