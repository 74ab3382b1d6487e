//! Skeletons of migrations: their WIT is WIT, and what the golden texts say is what is made. That the Rust compiles is shown by
//! `tests/skeleton/main.rs`.

use std::fs;

use proptest::prelude::*;
use stead_schema::{Declared, Identity, Kind, Schema, Shape, Skeleton, Type, Verdict, skeleton};
use wit_parser::Resolve;

use crate::choices::{Choices, choices};
use crate::package;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/skeleton");

/// Everything that a WIT file declares.
fn declared_in(file: &str) -> Vec<Declared> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(format!("{FOLDER}/{file}")).unwrap();
    let interfaces = resolve.packages[package].interfaces.values();
    let collections = interfaces.filter(|id| !resolve.interfaces[**id].functions.is_empty());
    collections.map(|id| package::declared(&resolve, *id, false)).collect()
}

fn state_of(declared: &[Declared]) -> Vec<(Identity, Schema)> {
    let schema = |declared: &Declared| Schema::of(&declared.shape, declared.shape.kind.unwrap());
    declared.iter().map(|declared| (declared.identity.clone(), schema(declared))).collect()
}

/// Reads the WIT beside `stead:plugin`, and sees that its world is a migration: old interfaces beside new ones.
fn read(wit: &str) -> (Resolve, Vec<Declared>) {
    let mut resolve = Resolve::default();
    resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
    let package = resolve.push_str("skeleton.wit", wit).unwrap_or_else(|error| panic!("{error:?}\n{wit}"));
    let world = &resolve.worlds[*resolve.packages[package].worlds.values().next().unwrap()];
    assert_eq!(world.exports.len(), 1);
    let imports = world.imports.values().map(|item| match item {
        wit_parser::WorldItem::Interface { id, .. } => package::declared(&resolve, *id, false),
        other => panic!("{other:?}"),
    });
    let mut imports: Vec<Declared> = imports.collect();
    let identities: Vec<Identity> = imports.iter().map(|import| import.identity.clone()).collect();
    for import in &mut imports {
        import.old = identities.iter().any(|other| import.identity.is_older_than(other));
    }
    (resolve, imports)
}

const OLD: &str = "acme:tally/ballots@1.0.0";

/// A collection of some kind over generated types.
fn generated(choices: &mut Choices, kind: Kind, interface: &str, edit: Option<&Schema>) -> Declared {
    let mut like = |old: Option<&Type>, fresh: fn(&mut Choices) -> Type| match old {
        Some(old) => choices.edited(old),
        None => fresh(choices),
    };
    let value = (kind != Kind::Counter).then(|| like(edit.and_then(|old| old.value.as_ref()), Choices::ty));
    let key = (kind == Kind::Map).then(|| match edit.and_then(|old| old.key.clone()) {
        Some(old) if choices.one_in(2) => old,
        _ => choices.key_ty(2),
    });
    let signed = (kind == Kind::Counter).then(|| choices.one_in(2));
    let shape = Shape { kind: Some(kind), key, value, signed, operations: Vec::new() };
    Declared { identity: Identity::parse(interface).unwrap(), interface: interface.into(), shape, old: false }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The WIT says exactly the types that were given, and every old import fits the state as it is.
    #[test]
    fn g07_the_wit_of_a_skeleton_is_the_types_that_it_was_made_of(mut choices in choices()) {
        let kinds = [Kind::Map, Kind::Cell, Kind::Log, Kind::Counter];
        let kind = kinds[choices.below(4)];
        let old = state_of(&[generated(&mut choices, kind, OLD, None)]);
        let kind = if choices.one_in(6) { kinds[choices.below(4)] } else { kind };
        let new = generated(&mut choices, kind, "acme:tally/ballots@2.0.0", Some(&old[0].1));
        let made = skeleton(&old, std::slice::from_ref(&new)).unwrap();
        let (_, imports) = read(&made.wit);
        prop_assert_eq!(imports.len(), 2, "{}", made.wit);
        for import in imports {
            let schema = Schema::of(&import.shape, import.shape.kind.unwrap());
            let given = if import.old { &old[0].1 } else { &Schema::of(&new.shape, kind) };
            // A log that is only appended to and a map that is only read show all of their types.
            prop_assert_eq!(&schema, given, "{}", made.wit);
        }
        prop_assert_eq!(made.rust.matches('{').count(), made.rust.matches('}').count());
    }

    /// A skeleton is for what is refused, and nothing else.
    #[test]
    fn g07_a_skeleton_is_made_for_incompatible_changes_only(mut choices in choices()) {
        let old = state_of(&[generated(&mut choices, Kind::Cell, OLD, None)]);
        let new = generated(&mut choices, Kind::Cell, "acme:tally/ballots@1.4.0", Some(&old[0].1));
        let verdict = stead_schema::compare(&old[0].1, &Schema::of(&new.shape, Kind::Cell)).verdict;
        let made = skeleton(&old, std::slice::from_ref(&new));
        prop_assert_eq!(made.is_some(), verdict == Verdict::Incompatible);
        if let Some(made) = made {
            prop_assert!(made.wit.contains("import acme:tally/ballots@1.0.0;"), "{}", made.wit);
            prop_assert!(made.wit.starts_with("package acme:tally@2.0.0;"), "{}", made.wit);
        }
    }
}

fn golden() -> [(&'static str, Skeleton); 2] {
    let old = state_of(&declared_in("v1.wit"));
    let mut carried = declared_in("v2.wit");
    carried.iter_mut().for_each(|declared| {
        let name = declared.identity.name();
        declared.interface = format!("{name}@2.0.0");
        declared.identity = Identity::parse(&declared.interface).unwrap();
    });
    [("carried", skeleton(&old, &carried).unwrap()), ("decided", skeleton(&old, &declared_in("v3.wit")).unwrap())]
}

/// Run by hand after a change: `cargo test -p stead-schema --test schema write_the_skeletons -- --ignored`.
#[test]
#[ignore = "writes the golden texts"]
fn write_the_skeletons() {
    for (name, Skeleton { wit, rust }) in golden() {
        fs::write(format!("{FOLDER}/{name}.wit"), wit).unwrap();
        fs::write(format!("{FOLDER}/{name}.rs"), rust).unwrap();
    }
}

#[test]
fn g07_golden_skeletons() {
    for (name, Skeleton { wit, rust }) in golden() {
        assert_eq!(fs::read_to_string(format!("{FOLDER}/{name}.wit")).unwrap(), wit);
        assert_eq!(fs::read_to_string(format!("{FOLDER}/{name}.rs")).unwrap(), rust);
    }
}

/// Which tracks are involved, in names.
#[test]
fn g07_versions_follow_the_tracks() {
    let check = |old: &str, new: &str, lines: &[&str]| {
        let declared = |interface: &str, value: Type| Declared {
            identity: Identity::parse(interface).unwrap(),
            interface: interface.into(),
            shape: Shape { kind: Some(Kind::Cell), value: Some(value), ..Shape::default() },
            old: false,
        };
        let made = skeleton(&state_of(&[declared(old, Type::U8)]), &[declared(new, Type::Char)]);
        let Some(Skeleton { wit, rust }) = made else { return assert!(lines.is_empty(), "{old} to {new}") };
        read(&wit);
        for line in lines {
            assert!(wit.contains(line) || rust.contains(line), "{line} in\n{wit}\n{rust}");
        }
    };
    check(
        "a:b/c@1.2.3",
        "a:b/c@1.3.0",
        &["package a:b@2.0.0;", "import a:b/c@1.0.0;", "crate::a::{b1_0_0::c as old, b2_0_0::c"],
    );
    check("a:b/c@0.3.0", "a:b/c@0.3.1", &["package a:b@0.4.0;", "import a:b/c@0.3.0;"]);
    check("a:b/c@0.3.0", "a:b/c@1.5.2", &["package a:b@1.5.2;", "import a:b/c@0.3.0;"]);
    check("a:b/c", "a:b/c", &["package a:b@1.0.0;", "import a:b/c;", "crate::a::{b::c as old, b1_0_0::c as new};"]);
    check(
        "world:interface/func@1.0.0",
        "world:interface/func@1.0.0",
        &["package %world:%interface@2.0.0;", "import %func;"],
    );
    check("a:c/c@1.0.0", "a:c/c@1.0.0", &["world c2 {"]);
    // Inline interfaces have no tracks, and a later track beside what is there already is for the admission to say.
    check("c", "c", &[]);
    check("a:b/c@2.0.0", "a:b/c@1.0.0", &[]);
}

/// What cannot be carried over is said where the author looks.
#[test]
fn g07_what_has_no_successor_is_named() {
    let old = state_of(&declared_in("v1.wit"));
    let new: Vec<Declared> =
        declared_in("v3.wit").into_iter().filter(|one| one.identity.name().ends_with("points")).collect();
    let Skeleton { wit, rust } = skeleton(&old, &new).unwrap();
    read(&wit);
    assert!(wit.contains("// acme:tally/ballots@1.0.0 has no successor here"), "{wit}");
    assert!(!rust.contains("mod ballots"), "{rust}");
}
