//! What is a plugin, and what each other thing is told.

use super::*;
use crate::engine::{ComponentError, LinkTo};

fn refused(bytes: &[u8]) -> ComponentError {
    Program::load(&engine(), bytes).expect_err("not a plugin")
}

/// The refusal of a component, its kind and what its message contains.
#[track_caller]
pub(super) fn check(wat: &str, kind: &str, contains: &[&str]) {
    let error = refused(&wat::parse_str(wat).expect("wat"));
    let message = error.to_string();
    assert_eq!(error.kind(), kind, "{message}");
    for part in contains {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

#[test]
fn what_is_no_component_is_told_what_it_is() {
    assert_eq!(refused(b"hello, this is text").kind(), "not-wasm");
    assert_eq!(refused(b"").kind(), "not-wasm");
    check("(module)", "core-module", &["wasm32-wasip2"]);
    let mut damaged = wat::parse_str("(component)").expect("wat");
    damaged.extend_from_slice(b"\xff\xff\xff");
    assert_eq!(refused(&damaged).kind(), "invalid");
}

#[test]
fn imports_that_are_no_collections_are_refused_by_name() {
    check(r#"(component (import "run" (func)))"#, "bare-import", &["run", "function"]);
    check(r#"(component (import "wasi:http/types@0.2.0" (instance)))"#, "unsupported-wasi", &["wasi:http/types@0.2.0"]);
    for name in ["store@0.2.0", "store@0.2.0-draft3", "store", "watcher@0.2.0-draft", "nothing@0.2.0-draft2"] {
        let wat = format!(r#"(component (import "wasi:keyvalue/{name}" (instance)))"#);
        check(&wat, "unsupported-wasi", &[name, "0.2.0-draft and 0.2.0-draft2"]);
    }
    for name in
        ["config/store@0.2.0", "config/runtime@0.2.0-draft", "logging/logging@0.2.0", "logging/sink@0.1.0-draft"]
    {
        check(
            &format!(r#"(component (import "wasi:{name}" (instance)))"#),
            "unsupported-wasi",
            &[name, "offers wasi:"],
        );
    }
    check(
        r#"(component (import "acme:mail/send@1.0.0" (instance (export "send" (func (param "to" string))))))"#,
        "unshaped",
        &["acme:mail/send@1.0.0", "send"],
    );
    check(
        r#"(component (import "acme:t/files@1.0.0" (instance
            (export "file" (type $file (sub resource)))
            (export "get" (func (result (own $file)))))))"#,
        "resource",
        &["acme:t/files@1.0.0", "file"],
    );
    check(
        r#"(component (import "acme:t/files@1.0.0" (instance (export "file" (type (sub resource))))))"#,
        "resource",
        &["file"],
    );
    check(
        r#"(component (import "stead:plugin/nothing@0.1.0" (instance (export "get" (func (result u32))))))"#,
        "unknown-host-interface",
        &["stead:plugin/nothing"],
    );
}

#[test]
fn g07_two_versions_of_one_track_are_refused() {
    check(
        r#"(component
            (import "acme:t/n@1.0.0" (instance (export "set" (func (param "value" u32)))))
            (import "acme:t/n@1.2.0" (instance (export "set" (func (param "value" u64))))))"#,
        "one-track-twice",
        &["acme:t/n@1.0.0", "acme:t/n@1.2.0"],
    );
}

#[test]
fn interfaces_of_types_only_are_ignored() {
    let program = program(
        r#"(component (import "acme:t/types@1.0.0" (instance
            (type $r (record (field "a" u32))) (export "r" (type (eq $r))))))"#,
    );
    assert!(program.declared().is_empty());
}

#[test]
fn settings_and_log_link_under_every_name_that_is_offered() {
    for version in ["0.2.0-rc.1", "0.2.0-draft-2024-09-27", "0.2.0-draft"] {
        links(&format!(
            r#"(component (import "wasi:config/store@{version}" (instance
                (type $e (variant (case "upstream" string) (case "io" string))) (export "error" (type $error (eq $e)))
                (export "get" (func (param "key" string) (result (result (option string) (error $error)))))
                (export "get-all" (func (result (result (list (tuple string string)) (error $error))))))))"#
        ));
    }
    for name in ["wasi:logging/logging@0.1.0-draft", "wasi:logging/logging"] {
        links(&format!(
            r#"(component (import "{name}" (instance
                (type $l (enum "trace" "debug" "info" "warn" "error" "critical")) (export "level" (type $level (eq $l)))
                (export "log" (func (param "level" $level) (param "context" string) (param "message" string))))))"#
        ));
    }
}

fn links(wat: &str) {
    let program = program(wat);
    assert!(program.declared().is_empty(), "it keeps nothing");
    let linked = program.link("test", &[], &Grants::default(), &Settings::default(), &Limits::default());
    linked.unwrap_or_else(|error| panic!("{error}: {wat}"));
}

#[test]
fn collections_are_declared_with_their_types() {
    let program = program(&passing("", &["set | (param \"k\" string) (param \"v\" u64) | | i32 i32 i64 | none"]));
    let [declared] = program.declared() else { panic!("one collection") };
    assert_eq!(declared.identity.to_string(), "acme:test/kept@1");
    assert_eq!(declared.shape.kind, Some(Kind::Map));
    assert_eq!(declared.shape.key.as_ref().map(ToString::to_string).as_deref(), Some("string"));
    assert_eq!(declared.shape.value.as_ref().map(ToString::to_string).as_deref(), Some("u64"));
    assert!(!declared.old);
}

#[test]
fn g07_an_import_is_old_only_beside_a_migration_and_a_higher_track() {
    let imports = r#"
        (import "acme:t/n@1.0.0" (instance (export "get" (func (result (option u32))))))
        (import "acme:t/n@2.0.0" (instance (export "set" (func (param "value" u32)))))
        (import "other:t/n@1.0.0" (instance (export "set" (func (param "value" u32)))))"#;
    let old = |program: &Program| program.declared().iter().map(|declared| declared.old).collect::<Vec<_>>();
    assert_eq!(old(&program(&format!("(component {imports})"))), [false, false, false]);
    let migrating = format!("(component {imports} {MIGRATE})");
    assert_eq!(old(&program(&migrating)), [true, false, false]);

    // What it imports or exports on the higher track need not be a collection, but it must be of the same package.
    let alone = r#"(import "acme:t/n@1.0.0" (instance (export "get" (func (result (option u32))))))"#;
    for (beside, is_old) in [
        ("", false),
        (r#"(instance $api) (export "acme:t/api@2.0.0" (instance $api))"#, true),
        (r#"(instance $api) (export "acme:t/api@1.9.0" (instance $api))"#, false),
        (r#"(instance $api) (export "acme:other/api@2.0.0" (instance $api))"#, false),
        (
            r#"(import "acme:t/types@2.0.0" (instance (type $r (record (field "a" u32))) (export "r" (type (eq $r)))))"#,
            true,
        ),
    ] {
        assert_eq!(old(&program(&format!("(component {alone} {beside} {MIGRATE})"))), [is_old], "{beside}");
    }
}

#[test]
fn g05_collections_are_in_one_order_whatever_that_of_the_imports() {
    let import = |name: &str| format!(r#"(import "{name}" (instance (export "set" (func (param "value" u32)))))"#);
    let names = |order: [&str; 3]| {
        let program = program(&format!("(component {})", order.map(import).concat()));
        program.declared().iter().map(|declared| declared.interface.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(["a:t/z@1.0.0", "a:t/n@2.0.0", "a:t/n@1.0.0"]), ["a:t/n@1.0.0", "a:t/n@2.0.0", "a:t/z@1.0.0"]);
    assert_eq!(names(["a:t/n@2.0.0", "a:t/z@1.0.0", "a:t/n@1.0.0"]), ["a:t/n@1.0.0", "a:t/n@2.0.0", "a:t/z@1.0.0"]);
}

#[test]
fn the_key_value_store_is_one_collection_and_never_old() {
    let imports = r#"
        (import "wasi:keyvalue/batch@0.2.0-draft" (instance))
        (import "wasi:keyvalue/store@0.2.0-draft" (instance))
        (import "wasi:keyvalue/store@0.2.0-draft2" (instance))"#;
    let program = program(&format!("(component {imports} {MIGRATE})"));
    let [declared] = program.declared() else { panic!("one collection: {:?}", program.declared()) };
    assert_eq!((declared.identity.to_string().as_str(), declared.old), ("wasi:keyvalue/store", false));
}

pub(super) const MIGRATE: &str = r#"
    (core module $M
      (memory (export "memory") 1)
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 64)
      (func (export "migrate") (param i32 i32 i32) (result i32) i32.const 16))
    (core instance $m (instantiate $M))
    (func $migrate (param "from" (option string)) (result (result (error string)))
      (canon lift (core func $m "migrate") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))))
    (instance $migration (export "migrate" (func $migrate)))
    (export "stead:plugin/migrate@0.1.0" (instance $migration))"#;

#[test]
fn the_plugin_interfaces_are_found_and_checked() {
    let migrating = program(&format!("(component {MIGRATE})"));
    assert!(migrating.migrate().is_some());
    assert!(migrating.ready().is_none());
    let wrong = MIGRATE.replace("(option string)", "string").replace("(param i32 i32 i32)", "(param i32 i32)");
    check(&format!("(component {wrong})"), "plugin-export", &["stead:plugin/migrate@0.1.0#migrate", "option<string>"]);
}

#[test]
fn functions_are_found_by_short_and_full_names() {
    let function = |name: &str| {
        format!(
            r#"(core module $M{name} (func (export "f")))
           (core instance $m{name} (instantiate $M{name}))
           (func $f{name} (canon lift (core func $m{name} "f")))
           (instance $i{name} (export "vote" (func $f{name})) (export "{name}" (func $f{name})))
           (export "acme:tally/{name}@1.0.0" (instance $i{name}))"#
        )
    };
    let program = program(&format!("(component {} {})", function("api"), function("admin")));
    let path = |name: &str| program.find(name).map(|index| program.exports()[index].path.clone());
    assert_eq!(path("admin.vote").as_deref(), Ok("acme:tally/admin@1.0.0#vote"));
    assert_eq!(path("acme:tally/api@1.0.0#vote").as_deref(), Ok("acme:tally/api@1.0.0#vote"));
    assert_eq!(path("api").as_deref(), Ok("acme:tally/api@1.0.0#api"));
    let ambiguous = path("vote").expect_err("two have it").to_string();
    assert!(ambiguous.contains("acme:tally/api@1.0.0#vote") && ambiguous.contains("acme:tally/admin@1.0.0#vote"));
    let unknown = path("veto").expect_err("none has it").to_string();
    assert!(unknown.contains("veto") && unknown.contains("acme:tally/api@1.0.0#vote"), "{unknown}");
}

#[test]
fn what_only_a_hand_off_may_call_is_not_found_under_any_name() {
    let program = Program::load(&engine(), stead_test_guests::EVOLVE_HOSTILE).unwrap();
    for name in ["migrate", "ready", "stead:plugin/migrate@0.1.0#migrate", "stead:plugin/ready@0.1.0#ready"] {
        let unknown = program.find(name).expect_err(name).to_string();
        assert!(unknown.contains("#bump"), "{unknown}");
    }
}

#[test]
fn every_guest_of_the_tests_loads_and_links() {
    let links = ["leaf", "left", "right", "top"]
        .map(|name| LinkTo { interface: format!("test:links/{name}@1"), plugin: name.into() });
    for (name, wasm) in stead_test_guests::ALL {
        match (Program::load_linked(&engine(), wasm, &links), *name) {
            (Ok(program), _) => {
                let linked = program.link(
                    name,
                    &bindings(&program),
                    &Grants::default(),
                    &Settings::default(),
                    &Limits::default(),
                );
                linked.unwrap_or_else(|error| panic!("{name}: {error}"));
            }
            (Err(error), "unknown-import") => assert_eq!(error.kind(), "unshaped"),
            (Err(error), "ledger-twice") => assert_eq!(error.kind(), "upgrade"),
            (Err(error), _) => panic!("{name}: {error}"),
        }
    }
}
