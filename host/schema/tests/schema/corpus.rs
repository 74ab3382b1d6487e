//! The corpus of verdicts, `tests/corpus/*.wit`: pairs of types, each with what is expected of it above it.
//!
//! An interface is one case. `old` and `new` are the value of a cell, `old-key` and `new-key` the key of a map, `v1`, `v2` … versions of
//! a value; two interfaces `name-old` and `name-new` with functions are a collection before and after. The comment gives the verdict
//! and the way back, `widening, by value`, and then every difference, one a line, as it is printed. For versions each pair starts with
//! a line `v1 to v2: lossy, never`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use stead_schema::{Kind, Schema, Type, compare};
use wit_parser::{Interface, Resolve};

use crate::package;
use crate::plain::plain_verdict;

/// One pair of the corpus.
struct Pair {
    name: String,
    old: Schema,
    new: Schema,
    /// Verdict and way back, then the differences.
    expected: Vec<String>,
}

fn pairs() -> Vec<Pair> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(pairs_of).collect()
}

fn pairs_of(file: &PathBuf) -> Vec<Pair> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_path(file).unwrap_or_else(|error| panic!("{}: {error:?}", file.display()));
    let theme = file.file_stem().unwrap().to_string_lossy().into_owned();
    let interfaces = &resolve.packages[package].interfaces;
    let mut pairs = Vec::new();
    for (name, id) in interfaces {
        let interface = &resolve.interfaces[*id];
        let expected = expected(interface);
        if expected.is_empty() {
            continue;
        }
        for (versions, expected) in expected {
            let (old, new) = match (versions, name.strip_suffix("-new")) {
                (Some((old, new)), _) => (value(&resolve, interface, &old), value(&resolve, interface, &new)),
                (None, Some(case)) => (shown(&resolve, interfaces[&format!("{case}-old")]), shown(&resolve, *id)),
                (None, None) => (schema(&resolve, interface, "old"), schema(&resolve, interface, "new")),
            };
            pairs.push(Pair { name: format!("{theme}/{name}"), old, new, expected });
        }
    }
    pairs
}

type Expected = (Option<(String, String)>, Vec<String>);

/// What the comment of an interface says: for each pair of versions, or for the one pair without.
fn expected(interface: &Interface) -> Vec<Expected> {
    let mut all: Vec<Expected> = Vec::new();
    for line in interface.docs.contents.as_deref().unwrap_or_default().lines() {
        let (versions, rest) = match line.split_once(": ").map(|(head, rest)| (head.split_once(" to "), rest)) {
            Some((Some((old, new)), rest)) if old.starts_with('v') && new.starts_with('v') => {
                (Some((old.to_owned(), new.to_owned())), rest)
            }
            _ => (None, line),
        };
        let is_verdict = rest.split_once(", ").is_some_and(|(verdict, way_back)| {
            ["identical", "widening", "lossy", "incompatible"].contains(&verdict)
                && ["always", "by value", "never"].contains(&way_back)
        });
        match all.last_mut() {
            _ if is_verdict => all.push((versions, vec![rest.to_owned()])),
            Some((_, lines)) if !line.is_empty() => lines.push(line.to_owned()),
            _ => {}
        }
    }
    all
}

fn shown(resolve: &Resolve, interface: wit_parser::InterfaceId) -> Schema {
    let declared = package::declared(resolve, interface, false);
    Schema::of(&declared.shape, declared.shape.kind.expect("a kind"))
}

fn named(resolve: &Resolve, interface: &Interface, name: &str) -> Option<Type> {
    interface.types.get(name).map(|id| package::defined(resolve, *id))
}

fn value(resolve: &Resolve, interface: &Interface, name: &str) -> Schema {
    let value = named(resolve, interface, name);
    assert!(value.is_some(), "{:?} has no type {name}", interface.name);
    Schema { kind: Kind::Cell, key: None, value, signed: None }
}

fn schema(resolve: &Resolve, interface: &Interface, side: &str) -> Schema {
    match named(resolve, interface, &format!("{side}-key")) {
        Some(key) => Schema { kind: Kind::Map, key: Some(key), value: named(resolve, interface, side), signed: None },
        None => value(resolve, interface, side),
    }
}

#[test]
fn g07_every_pair_of_the_corpus_is_what_it_says() {
    let mut failures = Vec::new();
    for Pair { name, old, new, expected } in pairs() {
        let comparison = compare(&old, &new);
        let mut found = vec![format!("{}, {}", comparison.verdict, comparison.reversible)];
        found.extend(comparison.differences.iter().map(ToString::to_string));
        if found != expected {
            failures.push(format!(
                "{name}\n  expected  {}\n  found     {}",
                expected.join("\n            "),
                found.join("\n            ")
            ));
        }
        if let (None, Some(old), Some(new)) = (&old.key, &old.value, &new.value) {
            let plain = plain_verdict(old, new);
            if old_kind_is_kept(&expected) && plain != comparison.verdict {
                failures.push(format!("{name}\n  plainly   {plain}\n  found     {}", comparison.verdict));
            }
        }
    }
    assert!(failures.is_empty(), "{} pairs:\n{}", failures.len(), failures.join("\n"));
}

/// The plain definition knows values alone.
fn old_kind_is_kept(expected: &[String]) -> bool {
    !expected.iter().any(|line| line.starts_with("kind: "))
}

fn constructor(ty: &Type) -> &'static str {
    match ty {
        Type::Bool => "bool",
        Type::U8 => "u8",
        Type::U16 => "u16",
        Type::U32 => "u32",
        Type::U64 => "u64",
        Type::S8 => "s8",
        Type::S16 => "s16",
        Type::S32 => "s32",
        Type::S64 => "s64",
        Type::F32 => "f32",
        Type::F64 => "f64",
        Type::Char => "char",
        Type::String => "string",
        Type::List(_) => "list",
        Type::Option(_) => "option",
        Type::Result { .. } => "result",
        Type::Tuple(_) => "tuple",
        Type::Record(_) => "record",
        Type::Variant(_) => "variant",
        Type::Enum(_) => "enum",
        Type::Flags(_) => "flags",
    }
}

/// Each constructor in each verdict that it can have. A number or text has no parts that could go: it is never lossy.
#[test]
fn g07_the_corpus_is_complete() {
    let pairs = pairs();
    assert!(pairs.len() >= 150, "{} pairs", pairs.len());
    let mut verdicts: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for pair in &pairs {
        if let Some(value) = &pair.old.value {
            let (verdict, _) = pair.expected[0].split_once(',').unwrap();
            verdicts.entry(constructor(value)).or_default().insert(verdict);
        }
    }
    let simple = BTreeSet::from(["identical", "incompatible", "widening"]);
    let compound = BTreeSet::from(["identical", "incompatible", "lossy", "widening"]);
    let has_parts = ["list", "option", "result", "tuple", "record", "variant", "enum", "flags"];
    assert_eq!(verdicts.len(), 21);
    for (constructor, found) in verdicts {
        assert_eq!(
            found,
            if has_parts.contains(&constructor) { compound.clone() } else { simple.clone() },
            "{constructor}"
        );
    }
    let expectations: BTreeSet<&str> = pairs.iter().map(|pair| pair.expected[0].as_str()).collect();
    // Identical goes back always; incompatible never does.
    assert_eq!(expectations.len(), 1 + 2 + 3 + 1, "{expectations:?}");
}
