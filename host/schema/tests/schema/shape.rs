//! Which interfaces are collections.

use stead_schema::{Function, Kind, Operation, RemoveResult, Shape, recognise};

use crate::wit::ty;

/// Reads `get: func(string) -> option<u8>`.
fn function(text: &str) -> Function {
    let (name, signature) = text.split_once(": func(").unwrap();
    let (params, result) = match signature.split_once(") -> ") {
        Some((params, result)) => (params, Some(ty(result))),
        None => (signature.strip_suffix(')').unwrap(), None),
    };
    let params = match params {
        "" => Vec::new(),
        params => match ty(&format!("tuple<{params}>")) {
            stead_schema::Type::Tuple(types) => types,
            _ => unreachable!(),
        },
    };
    Function { name: name.into(), params, result }
}

fn shape(functions: &[&str]) -> Shape {
    let functions: Vec<Function> = functions.iter().map(|text| function(text)).collect();
    recognise("a:b/c", &functions).unwrap()
}

fn refusal(functions: &[&str]) -> String {
    let functions: Vec<Function> = functions.iter().map(|text| function(text)).collect();
    recognise("a:b/c", &functions).unwrap_err().to_string()
}

fn check(functions: &[&str], kind: Option<Kind>, key: Option<&str>, value: Option<&str>) {
    let shape = shape(functions);
    assert_eq!(shape.kind, kind, "{functions:?}");
    assert_eq!(shape.key, key.map(ty), "{functions:?}");
    assert_eq!(shape.value, value.map(ty), "{functions:?}");
}

#[test]
fn every_kind_is_recognised_whole() {
    check(&["get: func() -> option<u8>", "set: func(u8)", "clear: func()"], Some(Kind::Cell), None, Some("u8"));
    let map = [
        "get: func(string) -> option<u8>",
        "set: func(string, u8)",
        "remove: func(string) -> option<u8>",
        "contains: func(string) -> bool",
        "len: func() -> u64",
        "scan: func(option<string>, u32) -> list<tuple<string, u8>>",
        "scan-after: func(string, u32) -> list<tuple<string, u8>>",
        "scan-back: func(option<string>, u32) -> list<tuple<string, u8>>",
        "range: func(string, string, u32) -> list<tuple<string, u8>>",
        "clear: func()",
    ];
    check(&map, Some(Kind::Map), Some("string"), Some("u8"));
    let operations: Vec<Operation> = shape(&map).operations.into_iter().map(|(_, operation)| operation).collect();
    use Operation::*;
    let expected = [Get, Set, Remove(RemoveResult::Previous), Contains, Len, Scan, ScanAfter, ScanBack, Range, Clear];
    assert_eq!(operations, expected);
    let log = [
        "append: func(string) -> u64",
        "at: func(u64) -> option<string>",
        "read: func(u64, u32) -> list<tuple<u64, string>>",
        "first: func() -> u64",
        "end: func() -> u64",
        "truncate-before: func(u64)",
    ];
    check(&log, Some(Kind::Log), None, Some("string"));
    let counter = shape(&["value: func() -> s64", "add: func(s64)"]);
    assert_eq!((counter.kind, counter.signed), (Some(Kind::Counter), Some(true)));
    let grows = shape(&["value: func() -> u64", "add: func(u64)"]);
    assert_eq!((grows.kind, grows.signed), (Some(Kind::Counter), Some(false)));
}

#[test]
fn any_subset_is_recognised_with_holes() {
    check(&["remove: func(string)"], Some(Kind::Map), Some("string"), None);
    check(&["remove: func(string) -> bool"], Some(Kind::Map), Some("string"), None);
    check(&["len: func() -> u64"], Some(Kind::Map), None, None);
    check(&["set: func(u8)"], Some(Kind::Cell), None, Some("u8"));
    check(&["set: func(u8, u16)"], Some(Kind::Map), Some("u8"), Some("u16"));
    check(&["end: func() -> u64"], Some(Kind::Log), None, None);
    check(&["clear: func()"], None, None, None);
    check(&["clear: func()", "len: func() -> u64"], Some(Kind::Map), None, None);
    check(&["get: func() -> option<option<u8>>"], Some(Kind::Cell), None, Some("option<u8>"));
    check(&["get: func(u8) -> option<result<u8>>"], Some(Kind::Map), Some("u8"), Some("result<u8>"));
    check(&[], None, None, None);
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    assert_eq!(
        refusal(&["set: func(string, u8)", "get: func(string) -> u8"]),
        "`a:b/c`: `get: func(string) -> u8` does not fit a collection; nearest is a map, which has \
         `get: func(key: K) -> option<V>`"
    );
    assert_eq!(
        refusal(&["value: func() -> s64", "increment: func()"]),
        "`a:b/c`: `increment: func()` does not fit a collection; nearest is a counter, which has \
         `value: func() -> s64`, `add: func(delta: s64)`"
    );
    assert!(refusal(&["append: func(u8)"]).ends_with("nearest is a log, which has `append: func(entry: T) -> u64`"));
    assert!(refusal(&["get: func(u8) -> result<u8>"]).contains("nearest is a "));
    assert!(refusal(&["set: func(u8, u8) -> result"]).contains("`set: func(u8, u8) -> result` does not fit"));
    assert!(refusal(&["value: func() -> u32"]).contains("nearest is a counter"));
    let mixed = refusal(&["set: func(u8, u8)", "len: func() -> u64", "append: func(u8) -> u64"]);
    assert!(mixed.contains("`append: func(u8) -> u64` does not fit a collection; nearest is a map"), "{mixed}");
}

#[test]
fn functions_must_agree_on_their_types() {
    assert_eq!(
        refusal(&["get: func(string) -> option<u8>", "set: func(string, u16)"]),
        "`a:b/c`: `set` shows the value as `u16`, but `get` shows it as `u8`; they must be the same"
    );
    assert_eq!(
        refusal(&["len: func() -> u64", "remove: func(u8)", "contains: func(u16) -> bool"]),
        "`a:b/c`: `contains` shows the key as `u16`, but `remove` shows it as `u8`; they must be the same"
    );
    assert!(refusal(&["value: func() -> s64", "add: func(u64)"]).contains("shows the sum as `u64`"));
    assert!(refusal(&["scan: func(option<u8>, u32) -> list<tuple<u16, u8>>"]).contains("does not fit"));
}

#[test]
fn keys_must_have_an_order() {
    assert!(refusal(&["contains: func(f64) -> bool"]).starts_with("`a:b/c`: key: `f64` cannot be part of a key"));
}
