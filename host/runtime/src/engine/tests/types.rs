//! Components whose types or values are made to hurt: refused with the place of the type, or bounded.

use std::ops::Bound;

use super::*;
use crate::engine::ComponentError;

fn refused(wat: &str) -> ComponentError {
    Program::load(&engine(), &wat::parse_str(wat).expect("wat")).expect_err("not a plugin")
}

/// A component that imports a cell of a type and does nothing; the type is defined outside of the cell's interface or inside.
fn cell_of(outside: &str, inside: &str, ty: &str) -> String {
    let get = format!("(export \"get\" (func (result (option {ty}))))");
    format!(r#"(component {outside} (import "acme:test/kept@1.0.0" (instance {inside} {get})))"#)
}

/// The refusal of a cell of such a type: its kind, and what the message holds.
fn check_refused(outside: &str, inside: &str, ty: &str, kind: &str, contains: &[&str]) {
    let error = refused(&cell_of(outside, inside, ty));
    let message = error.to_string();
    assert_eq!(error.kind(), kind, "{}", &message[..message.len().min(500)]);
    for part in contains {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    assert!(message.len() < 4_000, "a message of {} bytes", message.len());
}

/// Types that each hold the one before, from `u8` up: `$t0`, `$t1`, …
fn tower(levels: usize, around: impl Fn(String) -> String) -> String {
    let level = |level: usize| match level {
        0 => "(type $t0 (tuple u8))".to_owned(),
        _ => format!("(type $t{level} {})", around(format!("$t{}", level - 1))),
    };
    (0..=levels).map(level).collect()
}

#[test]
fn g14_a_type_nested_too_deep_is_refused() {
    let deep = |levels| tower(levels, |inner| format!("(list {inner})"));
    check_refused(&deep(80), "", "$t80", "unstorable", &["acme:test/kept@1.0.0", "get", "nested too deep"]);
    // At a hundred levels wasmtime refuses the component before it is looked at.
    check_refused(&deep(100), "", "$t100", "invalid", &["too deep"]);
    let deep = |levels| tower(levels, |inner| format!("(option {inner})"));
    check_refused(&deep(70), "", "$t70", "unstorable", &["nested too deep"]);
    let inside = tower(40, |inner| format!("(list {inner})"));
    let program = program(&cell_of(&inside, "", "$t40"));
    assert_eq!(program.declared().len(), 1, "forty levels are few enough");
}

#[test]
fn g14_types_that_share_parts_without_end_are_refused() {
    let doubled = |levels| tower(levels, |inner| format!("(tuple {inner} {inner})"));
    check_refused(&doubled(13), "", "$t13", "unstorable", &["too many parts"]);
    // Past a million parts wasmtime refuses the component before it is looked at.
    check_refused(&doubled(40), "", "$t40", "invalid", &[]);
    let program = program(&cell_of(&doubled(8), "", "$t8"));
    assert_eq!(program.declared().len(), 1, "five hundred parts are few enough");
}

fn wide(fields: usize) -> String {
    let fields: String = (0..fields).map(|number| format!("(field \"f{number}\" u8)")).collect();
    format!("(type $wide' (record {fields})) (export \"wide\" (type $wide (eq $wide')))")
}

#[tokio::test]
async fn g14_a_record_is_as_wide_as_the_bound_and_no_wider() {
    check_refused("", &wide(10_000), "$wide", "unstorable", &["too many parts"]);
    check_refused("", &wide(10_001), "$wide", "invalid", &[]);

    let functions = ["set | (param \"v\" $wide) | | i32 | none", "get | | (option $wide) | | spilled"];
    let mut plugin = Plugin::new(&passing(&wide(3_000), &functions));
    let value = Value::record((0..3_000).map(|number| (format!("f{number}"), Value::from(number as u8))));
    plugin.ok("set", std::slice::from_ref(&value)).await;
    assert_eq!(plugin.ok("get", &[]).await, Some(value.some()));
}

#[test]
fn g07_what_cannot_be_stored_is_refused_with_its_place() {
    let resource = r#"(import "acme:test/files@1.0.0" (instance $files (export "file" (type (sub resource)))))
        (alias export $files "file" (type $file))"#;
    // The resource itself belongs to no collection, whoever declares it.
    check_refused(resource, "", "(own $file)", "resource", &["acme:test/files@1.0.0", "file"]);
    let inside = r#"(component (import "acme:test/kept@1.0.0" (instance
        (export "file" (type $file (sub resource)))
        (type $r' (record (field "inner" (list (tuple u8 (own $file))))))
        (export "r" (type $r (eq $r')))
        (export "set" (func (param "value" $r))))))"#;
    let error = refused(inside);
    assert!(matches!(error.kind(), "unstorable" | "resource"), "{error}");
    let message = error.to_string();
    assert!(message.contains("acme:test/kept@1.0.0") && message.contains("resource"), "{message}");
    for (ty, what) in [("(stream u8)", "stream"), ("(future u8)", "future"), ("error-context", "error")] {
        let wat = cell_of(&format!("(type $x {ty})"), "", if ty == "error-context" { ty } else { "$x" });
        let wasm = wat::parse_str(wat).unwrap_or_default();
        let error = Program::load(&engine(), &wasm).expect_err("not a plugin");
        assert!(matches!(error.kind(), "invalid" | "unstorable" | "not-wasm"), "{what}: {error}");
    }
}

/// A component with a cell of a type whose `run` sets it to core values that it makes up. Its memory has two pages, with
/// `\ff` at 512, `a pointer to 0 and a length of 2³² - 1` at 520, and `8` at 528.
fn forging(types: &str, ty: &str, core: &str, values: &str) -> String {
    format!(
        r#"(component
          (import "acme:test/kept@1.0.0" (instance $kept {types} (export "set" (func (param "value" {ty})))))
          {LIB}
          (core func $set (canon lower (func $kept "set") (memory $memory) (realloc (core func $lib "realloc"))))
          (core module $Main
            (import "kept" "set" (func $set (param {core})))
            (import "lib" "memory" (memory 2))
            (data (i32.const 512) "\ff")
            (data (i32.const 520) "\00\00\00\00\ff\ff\ff\ff\08\00\00\00\00\00\00\00")
            (func (export "run") {values} call $set))
          (core instance $main (instantiate $Main
            (with "kept" (instance (export "set" (func $set)))) (with "lib" (instance $lib))))
          (func (export "run") (canon lift (core func $main "run"))))"#
    )
}

fn entries(plugin: &Plugin) -> usize {
    plugin.transaction().scan(Bound::Unbounded, Bound::Unbounded, stead_store::Order::Ascending).count()
}

#[tokio::test]
async fn g03_values_that_a_plugin_makes_up_end_its_call_only() {
    let e = r#"(type $e' (enum "a" "b")) (export "e" (type $e (eq $e')))"#;
    let v = r#"(type $v' (variant (case "a") (case "b" u8))) (export "v" (type $v (eq $v')))"#;
    let far = "i32.const 0 i32.const -1";
    let cases = [
        // Lists and strings that say they are longer than all memory, by typed functions and by reflection.
        ("", "string", "i32 i32", far, "out of bounds"),
        ("", "(list u8)", "i32 i32", far, "out of bounds"),
        ("", "(list u64)", "i32 i32", "i32.const 0 i32.const 0x1fffffff", "out of bounds"),
        ("", "(list bool)", "i32 i32", far, "out of bounds"),
        ("", "(list (tuple u8 string))", "i32 i32", far, "out of bounds"),
        ("", "(option (list u8))", "i32 i32 i32", "i32.const 1 i32.const 0 i32.const -1", "out of bounds"),
        ("", "string", "i32 i32", "i32.const 131070 i32.const 3", "out of bounds"),
        ("", "(list u8)", "i32 i32", "i32.const -1 i32.const 1", "out of bounds"),
        // The same inside a list that is as long as it says.
        ("", "(list string)", "i32 i32", "i32.const 520 i32.const 1", "out of bounds"),
        ("", "(list (list u8))", "i32 i32", "i32.const 520 i32.const 1", "out of bounds"),
        ("", "(list u64)", "i32 i32", "i32.const 1 i32.const 1", "aligned"),
        // Text that is none.
        ("", "string", "i32 i32", "i32.const 512 i32.const 1", "utf-8"),
        ("", "(option string)", "i32 i32 i32", "i32.const 1 i32.const 512 i32.const 1", "utf-8"),
        ("", "char", "i32", "i32.const 0xd800", "char"),
        ("", "(tuple char u8)", "i32 i32", "i32.const 0x110000 i32.const 0", "char"),
        // Cases that the type does not have.
        (e, "$e", "i32", "i32.const 2", "discriminant"),
        (e, "(list $e)", "i32 i32", "i32.const 528 i32.const 1", "discriminant"),
        (v, "$v", "i32 i32", "i32.const 5 i32.const 0", "discriminant"),
        ("", "(option u8)", "i32 i32", "i32.const 2 i32.const 0", "discriminant"),
        ("", "(result u8)", "i32 i32", "i32.const 7 i32.const 0", "discriminant"),
    ];
    let record = r#"(type $r' (record (field "a" u8) (field "b" (list u8)))) (export "r" (type $r (eq $r')))"#;
    let record = [(record, "$r", "i32 i32 i32", "i32.const 0 i32.const 0 i32.const -1", "out of bounds")];
    for (types, ty, core, values, contains) in cases.into_iter().chain(record) {
        let mut plugin = Plugin::new(&forging(types, ty, core, values));
        for _ in 0..2 {
            let trap = plugin.trap("run", &[]).await;
            assert_eq!(trap.kind, TrapKind::Guest, "{ty}: {trap}");
            assert!(trap.message.contains(contains), "{ty}: {contains} is not in: {}", trap.message);
            assert_eq!(entries(&plugin), 0, "{ty}: something was written");
        }
    }
}

#[tokio::test]
async fn g05_what_the_abi_leaves_open_has_one_form() {
    let flags = r#"(type $f' (flags "a" "b")) (export "f" (type $f (eq $f')))"#;
    let cases = [
        ("", "bool", "i32.const 1", "i32.const 2"),
        ("", "u8", "i32.const 7", "i32.const 0x107"),
        (flags, "$f", "i32.const 1", "i32.const 0xfd"),
        ("", "(tuple bool)", "i32.const 1", "i32.const -1"),
    ];
    for (types, ty, plain, odd) in cases {
        let mut stored = Vec::new();
        for values in [plain, odd] {
            let mut plugin = Plugin::new(&forging(types, ty, "i32", values));
            plugin.ok("run", &[]).await;
            let transaction = plugin.transaction();
            let mut all = transaction.scan(Bound::Unbounded, Bound::Unbounded, stead_store::Order::Ascending);
            stored.push(all.next().expect("an entry").expect("readable"));
        }
        assert_eq!(stored[0], stored[1], "{ty}");
    }
}

const LETTER: &str = r#"
    (type $letter' (record (field "number" u32) (field "content" (list u8))))
    (export "letter" (type $letter (eq $letter')))"#;

const LETTERS: &[&str] = &[
    "get | (param \"k\" u32) | (option $letter) | i32 | spilled",
    "set | (param \"k\" u32) (param \"v\" $letter) | | i32 i32 i32 i32 | none",
    "scan | (param \"s\" (option u32)) (param \"n\" u32) | (list (tuple u32 $letter)) | i32 i32 i32 | spilled",
];

#[tokio::test]
async fn g14_bytes_inside_a_record_take_no_more_memory_than_a_host_call_may() {
    let limits = Limits { hostcall_bytes_max: 200_000, scan_entries_max: 30, ..Limits::default() };
    let mut plugin = Plugin::with(&passing(LETTER, LETTERS), limits.clone());
    let letter = |bytes: usize| Value::record([("number", 1u32.into()), ("content", Value::bytes(&vec![7; bytes]))]);
    let is_limit = |trap: Trap, name: &str| {
        assert_eq!(trap.kind, TrapKind::Limit, "{trap}");
        assert!(trap.message.contains(name), "{name} is not in: {}", trap.message);
    };
    // Each byte is a value of its own while it is passed: what is small as stored may be too large then.
    is_limit(plugin.trap("set", &[1u32.into(), letter(10_000)]).await, "hostcall_bytes_max");
    for key in 0..3u32 {
        plugin.ok("set", &[key.into(), letter(1_800)]).await;
    }
    plugin.ok("scan", &[Value::none(), 2u32.into()]).await;
    let trap = plugin.trap("scan", &[Value::none(), 3u32.into()]).await;
    assert!(trap.message.contains("smaller limit") && trap.message.contains("acme:test/kept@1"), "{trap}");
    is_limit(trap, "hostcall_bytes_max");
    // One value may be too large as well, if it was written under a higher limit.
    let program = plugin.linked.program().clone();
    let lower = Limits { hostcall_bytes_max: 50_000, ..limits };
    plugin.linked =
        program.link("test", &bindings(&program), &Grants::default(), &Settings::default(), &lower).expect("linked");
    plugin.instance = None;
    is_limit(plugin.trap("get", &[1u32.into()]).await, "hostcall_bytes_max");
    assert_eq!(plugin.ok("get", &[9u32.into()]).await, Some(Value::none()));
}

#[tokio::test]
async fn g14_pages_of_reflected_types_have_limits() {
    let limits = Limits { scan_entries_max: 5, ..Limits::default() };
    let mut plugin = Plugin::with(&passing(LETTER, LETTERS), limits);
    let letter = Value::record([("number", 1u32.into()), ("content", Value::bytes(b"x"))]);
    for key in 0..5u32 {
        plugin.ok("set", &[key.into(), letter.clone()]).await;
    }
    plugin.ok("scan", &[Value::none(), u32::MAX.into()]).await;
    plugin.ok("set", &[5u32.into(), letter]).await;
    let trap = plugin.trap("scan", &[Value::none(), u32::MAX.into()]).await;
    assert_eq!(trap.kind, TrapKind::Limit);
    assert!(trap.message.contains("scan_entries_max"), "{trap}");
}

const PLACES: &[&str] = &[
    "get | (param \"k\" (tuple string (list u8))) | (option u32) | i32 i32 i32 i32 | spilled",
    "set | (param \"k\" (tuple string (list u8))) (param \"v\" u32) | | i32 i32 i32 i32 i32 | none",
];

#[tokio::test]
async fn g14_keys_of_reflected_types_have_a_limit() {
    let mut plugin = Plugin::new(&passing("", PLACES));
    let key = |text: usize, raw: &[u8]| pair("k".repeat(text), Value::bytes(raw));
    plugin.ok("set", &[key(2_000, &[7; 2_000]), 1u32.into()]).await;
    // Zeros take two bytes in a key: 2 + 2 · 2 045 + 4 fit.
    plugin.ok("set", &[key(2, &[0; 2_045]), 2u32.into()]).await;
    for too_long in [key(5_000, b""), key(0, &[7; 5_000]), key(2_100, &[7; 2_100]), key(2, &[0; 2_046])] {
        for arguments in [vec![too_long.clone(), 3u32.into()], vec![too_long.clone()]] {
            let function = if arguments.len() == 2 { "set" } else { "get" };
            let trap = plugin.trap(function, &arguments).await;
            assert_eq!(trap.kind, TrapKind::Limit, "{trap}");
            assert!(trap.message.contains("4096") && trap.message.contains("acme:test/kept@1"), "{trap}");
        }
    }
    assert_eq!(plugin.ok("get", &[key(2, &[0; 2_045])]).await, Some(Value::some(2u32.into())));
    assert_eq!(entries(&plugin), 2);
}
