//! Which imports are old in a component that can go down, or both ways.

use stead_schema::Identity;

use super::load::{MIGRATE, check};
use super::*;
use crate::engine::Way;

/// The export of `migrate-back`, beside that of `migrate`.
fn back() -> String {
    let back = MIGRATE.replace("plugin/migrate@", "plugin/migrate-back@");
    let back = back.replace(r#"(export "migrate" (func $migrate))"#, r#"(export "migrate-back" (func $migrate))"#);
    ["$M", "$m", "$migrate", "$migration"].iter().fold(back, |back, name| {
        let ends = [" ", ")", "\n"];
        ends.iter().fold(back, |back, end| back.replace(&format!("{name}{end}"), &format!("{name}-back{end}")))
    })
}

fn import(version: &str) -> String {
    format!(r#"(import "acme:t/n@{version}" (instance (export "set" (func (param "value" u32)))))"#)
}

fn export(interface: &str) -> String {
    let name = interface.replace([':', '/', '@', '.'], "-");
    format!(r#"(instance ${name}) (export "{interface}" (instance ${name}))"#)
}

/// The interfaces that are old in a component of these parts.
fn old(parts: &[&str]) -> Vec<String> {
    let program = program(&format!("(component {})", parts.concat()));
    let old = program.declared().iter().filter(|declared| declared.old);
    old.map(|declared| declared.identity.to_string()).collect()
}

#[test]
fn g07_an_import_is_old_beside_a_way_down_and_a_lower_track() {
    let (one, two, three) = (import("1.0.0"), import("2.0.0"), import("3.0.0"));
    assert_eq!(old(&[&one, &two, &back()]), ["acme:t/n@2"]);
    assert_eq!(old(&[&three, &one, &two, &back()]), ["acme:t/n@2", "acme:t/n@3"]);
    assert_eq!(old(&[&two, &back()]), [""; 0]);
    let other = r#"(import "acme:other/n@1.0.0" (instance (export "set" (func (param "value" u32)))))"#;
    assert_eq!(old(&[&two, other, &back()]), [""; 0], "another package says nothing");
    // An interface of an earlier track, for those who still call it, does not make the state old.
    assert_eq!(old(&[&two, &three, &export("acme:t/api@1.0.0"), &back()]), ["acme:t/n@3"]);
}

#[test]
fn g07_with_both_ways_the_exports_say_which_track_is_kept() {
    let (one, two, three) = (import("1.0.0"), import("2.0.0"), import("3.0.0"));
    let (api1, api2) = (export("acme:t/api@1.0.0"), export("acme:t/api@2.1.0"));
    assert_eq!(old(&[&one, &two, &three, &api2, MIGRATE, &back()]), ["acme:t/n@1", "acme:t/n@3"]);
    assert_eq!(old(&[&one, &two, &three, &api1, &api2, MIGRATE, &back()]), ["acme:t/n@1", "acme:t/n@3"]);
    assert_eq!(old(&[&one, &two, &api1, MIGRATE, &back()]), ["acme:t/n@2"]);
    assert_eq!(old(&[&one, MIGRATE, &back()]), [""; 0]);
    assert_eq!(old(&[&one, &api2, MIGRATE, &back()]), ["acme:t/n@1"], "left behind, as with `migrate` alone");
    for unsaid in [vec![&one, &two], vec![&one, &three, &api2]] {
        let parts: String = unsaid.into_iter().cloned().collect();
        let words = ["`stead:plugin/migrate-back`", "several tracks of `acme:t`", "export an interface"];
        check(&format!("(component {parts} {MIGRATE} {})", back()), "both-ways", &words);
    }
}

#[test]
fn each_old_collection_has_the_migration_of_its_way() {
    let (one, two, three) = (import("1.0.0"), import("2.0.0"), import("3.0.0"));
    let api = export("acme:t/api@2.0.0");
    let way = |parts: &[&str], identity: &str| {
        let program = program(&format!("(component {})", parts.concat()));
        let of = program.migration_of(&Identity::parse(identity).expect("an identity"));
        of.map(|(way, export)| (way, program.exports()[export].function.clone()))
    };
    let both = [&*one, &two, &three, &api, MIGRATE, &back()];
    assert_eq!(way(&both, "acme:t/n@1"), Some((Way::Up, "migrate".to_owned())));
    assert_eq!(way(&both, "acme:t/n@3"), Some((Way::Down, "migrate-back".to_owned())));
    assert_eq!(way(&[&one, &two, &back()], "acme:t/n@2"), Some((Way::Down, "migrate-back".to_owned())));
    assert_eq!(way(&[&one, &two], "acme:t/n@1"), None);
}

#[test]
fn a_way_down_has_the_type_of_a_migration() {
    let wrong = back().replace("(option string)", "string").replace("(param i32 i32 i32)", "(param i32 i32)");
    let words = ["stead:plugin/migrate-back@0.1.0#migrate-back", "option<string>"];
    check(&format!("(component {wrong})"), "plugin-export", &words);
}
