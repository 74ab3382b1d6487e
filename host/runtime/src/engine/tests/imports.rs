//! G7: which imports are collections. One test a rule, each over small components.

use super::load::check;
use super::*;
use crate::engine::Outline;

/// A component that imports one interface, `acme:t/n@1.0.0`.
fn importing(functions: &str) -> String {
    format!(r#"(component (import "acme:t/n@1.0.0" (instance {functions})))"#)
}

/// A function of an imported interface: parameters and result as in the text format.
fn function(name: &str, ty: &str) -> String {
    format!(r#"(export "{name}" (func {ty}))"#)
}

/// The one collection that a component declares.
fn declared(wat: &str) -> stead_schema::Declared {
    match program(wat).declared() {
        [declared] => declared.clone(),
        all => panic!("{} collections", all.len()),
    }
}

/// An interface of these functions is refused; the message names the nearest kind and what would fit.
#[track_caller]
fn misfits(functions: &[(&str, &str)], nearest: &str, contains: &[&str]) {
    let all: String = functions.iter().map(|(name, ty)| function(name, ty)).collect();
    check(&importing(&all), "unshaped", &[&["acme:t/n@1.0.0", &format!("nearest is a {nearest}")], contains].concat());
}

#[test]
fn g07_wasi_and_stead_are_the_host_s() {
    let program = program(
        r#"(component (import "wasi:random/random@0.2.6" (instance (export "get" (func (result (option u64)))))))"#,
    );
    assert!(program.declared().is_empty(), "in the shape of a cell, but the host's");
    check(
        r#"(component (import "wasi:nothing/such@1.0.0" (instance (export "get" (func (result (option u64)))))))"#,
        "unsupported-wasi",
        &["wasi:nothing/such@1.0.0"],
    );
    check(
        r#"(component (import "stead:box/cell@1.0.0" (instance (export "get" (func (result (option u64)))))))"#,
        "unknown-host-interface",
        &["stead:box/cell@1.0.0"],
    );
}

#[test]
fn g07_interfaces_of_types_alone_and_imported_types_are_ignored() {
    let program = program(
        r#"(component
            (import "acme:t/types@1.0.0" (instance $types (type $r (record (field "a" u32))) (export "r" (type (eq $r)))))
            (alias export $types "r" (type $r))
            (import "r" (type (eq $r)))
            (import "stead:plugin/types@0.1.0" (instance (type $e (enum "a")) (export "e" (type (eq $e)))))
            (import "acme:t/none@1.0.0" (instance)))"#,
    );
    assert!(program.declared().is_empty());
}

#[test]
fn g07_a_function_that_fits_no_kind_is_named_with_what_would_fit() {
    for (functions, nearest, contains) in [
        (vec![("send", r#"(param "to" string)"#)], "", vec!["`send: func(string)`", "which has `"]),
        (vec![("get", r#"(param "k" string) (result u64)"#)], "", vec!["`get: func(string) -> u64`", "option<"]),
        (
            vec![
                ("get", r#"(param "k" string) (result (option u64))"#),
                ("set", r#"(param "k" string) (result bool)"#),
            ],
            "map",
            vec!["`set: func(string) -> bool`", "`set: func(key: K, value: V)`"],
        ),
        (
            vec![
                ("append", r#"(param "e" string) (result u64)"#),
                ("read", r#"(param "from" u64) (result (list string))"#),
            ],
            "log",
            vec!["`read: func(u64) -> list<string>`", "`read: func(start: u64, limit: u32) -> list<tuple<u64, T>>`"],
        ),
        (
            vec![("value", "(result s64)"), ("add", r#"(param "delta" s32)"#)],
            "counter",
            vec!["`add: func(s32)`", "`add: func(delta: s64)`"],
        ),
        (
            vec![
                ("get", "(result (option u64))"),
                ("set", r#"(param "v" u64)"#),
                ("append", r#"(param "v" u64) (result u64)"#),
            ],
            "cell",
            vec!["`append: func(u64) -> u64`", "`get: func() -> option<T>`"],
        ),
    ] {
        misfits(&functions, nearest, &contains);
    }
}

#[test]
fn g07_functions_that_return_a_result_never_fit() {
    misfits(
        &[("get", r#"(param "k" string) (result (result (option u64) (error string)))"#)],
        "",
        &["`get: func(string) -> result<option<u64>, string>`"],
    );
    misfits(
        &[("len", "(result u64)"), ("set", r#"(param "k" string) (param "v" u64) (result (result (error string)))"#)],
        "map",
        &["`set: func(string, u64) -> result<_, string>`", "`set: func(key: K, value: V)`"],
    );
}

#[test]
fn g07_what_is_no_interface_is_refused() {
    check(r#"(component (import "run" (func)))"#, "bare-import", &["`run`", "function"]);
    check(r#"(component (import "m" (core module)))"#, "bare-import", &["`m`", "module"]);
    check(r#"(component (import "c" (component)))"#, "bare-import", &["`c`", "component"]);
    check(r#"(component (import "r" (type (sub resource))))"#, "bare-import", &["`r`", "resource"]);
}

#[test]
fn g07_resources_in_an_interface_are_refused() {
    check(
        &importing(
            r#"(export "file" (type $file (sub resource))) (export "get" (func (result (option (own $file)))))"#,
        ),
        "resource",
        &["acme:t/n@1.0.0", "`file`"],
    );
    // Beside functions that all fit.
    let beside = format!(r#"(export "file" (type (sub resource))) {}"#, function("len", "(result u64)"));
    check(&importing(&beside), "resource", &["acme:t/n@1.0.0", "`file`"]);
}

#[test]
fn g07_a_component_may_show_a_part_of_a_kind() {
    for (name, ty, kind) in [
        ("remove", r#"(param "k" string)"#, Some(Kind::Map)),
        ("remove", r#"(param "k" string) (result bool)"#, Some(Kind::Map)),
        ("len", "(result u64)", Some(Kind::Map)),
        ("contains", r#"(param "k" (tuple string u32)) (result bool)"#, Some(Kind::Map)),
        ("set", r#"(param "v" (list u8))"#, Some(Kind::Cell)),
        ("first", "(result u64)", Some(Kind::Log)),
        ("truncate-before", r#"(param "index" u64)"#, Some(Kind::Log)),
        ("add", r#"(param "delta" u64)"#, Some(Kind::Counter)),
        ("clear", "", None),
    ] {
        let declared = declared(&importing(&function(name, ty)));
        assert_eq!(declared.shape.kind, kind, "{name}");
        let holes = [&declared.shape.key, &declared.shape.value].iter().filter(|ty| ty.is_none()).count();
        let shows = match (name, kind) {
            ("remove" | "contains", _) | ("set", _) => 1,
            _ => 0,
        };
        assert_eq!(holes, 2 - shows, "{name}");
    }
}

#[test]
fn g07_two_versions_of_one_track_in_one_component_are_refused() {
    for (first, second) in [("1.0.0", "1.2.0"), ("0.3.0", "0.3.9"), ("2.0.0", "2.0.1")] {
        let import =
            |version: &str| format!(r#"(import "acme:t/n@{version}" (instance {}))"#, function("len", "(result u64)"));
        let (one, two) = (format!("acme:t/n@{first}"), format!("acme:t/n@{second}"));
        check(&format!("(component {} {})", import(first), import(second)), "one-track-twice", &[&one, &two]);
    }
    let two = r#"(component
        (import "acme:t/n@0.3.0" (instance (export "len" (func (result u64)))))
        (import "acme:t/n@0.4.0" (instance (export "len" (func (result u64))))))"#;
    assert_eq!(program(two).declared().len(), 2, "two tracks");
}

#[test]
fn g07_keys_and_values_must_be_the_same_in_all_functions() {
    misfit_of(
        "value",
        &[("get", r#"(param "k" u32) (result (option u64))"#), ("set", r#"(param "k" u32) (param "v" s64)"#)],
    );
    misfit_of("key", &[("contains", r#"(param "k" u32) (result bool)"#), ("remove", r#"(param "k" u64)"#)]);
    misfit_of("sum", &[("value", "(result u64)"), ("add", r#"(param "delta" s64)"#)]);
    check(&importing(&function("remove", r#"(param "k" f64)"#)), "unshaped", &["acme:t/n@1.0.0", "f64"]);
}

#[track_caller]
fn misfit_of(role: &str, functions: &[(&str, &str)]) {
    let all: String = functions.iter().map(|(name, ty)| function(name, ty)).collect();
    check(&importing(&all), "unshaped", &[functions[0].0, functions[1].0, role, "must be the same"]);
}

#[test]
fn g07_an_import_under_a_label_is_a_collection_of_that_name() {
    let named = |label: &str, attributes: &str, functions: &str| {
        format!(r#"(import "{label}" (implements "acme:stores/texts@1.2.0") {attributes} (instance {functions}))"#)
    };
    let (get, clear) = (function("get", r#"(param "k" string) (result (option string))"#), function("clear", ""));
    let program = program(&format!(
        "(component {} {} {} {})",
        named("ballots", r#"(external-id "stead:map")"#, &get),
        named("notes", r#"(external-id "slot:notes?ttl=30")"#, &get),
        named("undecided", "", &clear),
        named("decided", r#"(external-id "stead:cell")"#, &clear),
    ));
    let found: Vec<_> = program.declared().iter().map(|one| (one.identity.to_string(), one.shape.kind)).collect();
    let expected =
        [("ballots", Some(Kind::Map)), ("decided", Some(Kind::Cell)), ("notes", Some(Kind::Map)), ("undecided", None)];
    assert_eq!(found, expected.map(|(name, kind)| (name.to_owned(), kind)));
    program
        .link("test", &bindings(&program), &Grants::default(), &Settings::default(), &Limits::default())
        .expect("linked by its label");

    let refused = |import: &str, kind: &str, contains: &[&str]| check(&format!("(component {import})"), kind, contains);
    refused(
        &named("b", r#"(external-id "stead:queue")"#, &get),
        "external-id",
        &["`b`", "`stead:queue`", "`stead:log`"],
    );
    refused(
        &named("b", r#"(external-id "stead:log")"#, &get),
        "external-id",
        &["`b`", "`stead:log`", "those of a map"],
    );
    refused(&named("b", r#"(external-id "stead:log")"#, &clear), "external-id", &["`b`", "a cell or a map"]);
    refused(
        &named("b", "", &get).replace("acme:stores/texts@1.2.0", "wasi:config/store@0.2.0-rc.1"),
        "named-host-import",
        &["`b`", "wasi:config/store@0.2.0-rc.1", "without a label"],
    );
}

#[test]
fn g07_async_functions_and_streams_are_refused_by_name() {
    let text = importing(r#"(export "get" (func async (param "k" string) (result (option u64))))"#);
    check(&text, "async", &["acme:t/n@1.0.0", "`get`", "async", "nearest is a map"]);
    for (ty, what) in [("(stream u8)", "a stream"), ("(future u8)", "a future")] {
        let text = importing(&format!(r#"(type $t {ty}) (export "set" (func (param "value" (list $t))))"#));
        check(&text, "unstorable", &["acme:t/n@1.0.0", "`set`", "element", what]);
    }
}

#[test]
fn an_outline_is_of_the_outermost_component_alone() {
    let wat = r#"(component
        (component (import "acme:in/a@1.0.0" (instance $i)) (export "acme:in/b@1.0.0" (instance $i)))
        (core module)
        (import "acme:out/a@1.0.0" (instance $i))
        (export "acme:out/b@1.0.0" (instance $i)))"#;
    let wasm = wat::parse_str(wat).expect("wat");
    let outline = Outline::of(&wasm);
    assert_eq!(outline.imports, ["acme:out/a@1.0.0"]);
    assert_eq!(outline.exported_interfaces, ["acme:out/b@1.0.0"]);
    // Bytes that end anywhere are read as far as they go.
    for end in 0..wasm.len() {
        assert!(Outline::of(&wasm[..end]).imports.len() <= 1);
    }
}
