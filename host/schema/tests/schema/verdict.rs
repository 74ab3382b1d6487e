//! Verdicts and conversions: a table by hand, and the rules against a second, plain definition.

use proptest::prelude::*;
use stead_schema::{Conversion, Kind, Parts, Reversible, Schema, Type, Value, Verdict, compare};

use crate::choices::choices;
use crate::plain::{Reading, cover, plain_verdict, read};
use crate::wit::ty;

fn cell(value: &Type) -> Schema {
    Schema { kind: Kind::Cell, key: None, value: Some(value.clone()), signed: None }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn g07_the_rules_agree_with_the_plain_definition(mut choices in choices()) {
        let old = choices.ty();
        let new = choices.edited(&old);
        let comparison = compare(&cell(&old), &cell(&new));
        prop_assert_eq!(comparison.verdict, plain_verdict(&old, &new), "{} to {}", old, new);
        let worst = comparison.differences.iter().map(|difference| difference.verdict).max();
        prop_assert_eq!(worst.unwrap_or(Verdict::Identical), comparison.verdict);
        let conversion = Conversion::between(&old, &new);
        prop_assert_eq!(conversion.is_some(), comparison.verdict < Verdict::Incompatible);
    }

    #[test]
    fn g07_every_type_is_identical_to_itself_and_to_no_other(mut choices in choices()) {
        let ty = choices.ty();
        let other = choices.edited(&ty);
        let comparison = compare(&cell(&ty), &cell(&ty));
        prop_assert_eq!(comparison.verdict, Verdict::Identical);
        prop_assert_eq!(comparison.reversible, Reversible::Always);
        prop_assert!(comparison.differences.is_empty());
        let identical = compare(&cell(&ty), &cell(&other)).verdict == Verdict::Identical;
        prop_assert_eq!(ty == other, identical);
        prop_assert_eq!(ty == other, ty.fingerprint() == other.fingerprint());
        prop_assert_eq!(ty == other, cell(&ty).fingerprint() == cell(&other).fingerprint());
    }

    #[test]
    fn g07_conversion_reads_every_value_as_the_plain_definition_does(mut choices in choices()) {
        let old = choices.ty();
        let new = choices.edited(&old);
        if let Some(conversion) = Conversion::between(&old, &new) {
            for value in cover(&old).into_iter().chain([choices.value(&old), choices.value(&old)]) {
                match read(&value, &new, false) {
                    Reading::Value(expected) => prop_assert_eq!(conversion.apply(value), Ok(expected)),
                    _ => prop_assert!(conversion.apply(value).is_err()),
                }
            }
        }
    }

    #[test]
    fn g07_widening_converts_every_value_and_back(mut choices in choices()) {
        let old = choices.ty();
        let new = choices.edited(&old);
        if compare(&cell(&old), &cell(&new)).verdict > Verdict::Widening {
            return Ok(());
        }
        let conversion = Conversion::between(&old, &new).unwrap();
        for value in cover(&old).into_iter().chain([choices.value(&old), choices.value(&old)]) {
            let widened = conversion.apply(value.clone()).unwrap();
            prop_assert!(!conversion.loses(&value));
            prop_assert_eq!(conversion.narrow(widened), Ok(value), "{} to {}", old, new);
        }
    }

    #[test]
    fn g07_reversible_means_the_way_back_works(mut choices in choices()) {
        let old = choices.ty();
        let new = choices.edited(&old);
        let Some(conversion) = Conversion::between(&old, &new) else { return Ok(()) };
        let values = cover(&new).into_iter().chain([choices.value(&new), choices.value(&new)]);
        let ways_back: Vec<bool> = values
            .map(|value| match conversion.narrow(value.clone()) {
                Ok(narrowed) => conversion.apply(narrowed).is_ok_and(|again| again == value),
                Err(_) => false,
            })
            .collect();
        match compare(&cell(&old), &cell(&new)).reversible {
            Reversible::Always => prop_assert!(ways_back.iter().all(|back| *back), "{} to {}", old, new),
            Reversible::Never => prop_assert!(ways_back.iter().all(|back| !back), "{} to {}", old, new),
            Reversible::ByValue => prop_assert!(ways_back.iter().any(|back| !back), "{} to {}", old, new),
        }
    }

    /// What a conversion does to a value it loses nothing of can be undone.
    #[test]
    fn g07_lossy_says_which_values_lose(mut choices in choices()) {
        let old = choices.ty();
        let new = choices.edited(&old);
        if let Some(conversion) = Conversion::between(&old, &new) {
            let value = choices.value(&old);
            if !conversion.loses(&value) {
                let there = conversion.apply(value.clone()).unwrap();
                prop_assert_eq!(conversion.narrow(there), Ok(value));
            }
        }
    }
}

/// Old type, new type, verdict, the way back, and the first difference at least as bad as the verdict.
const TABLE: &[(&str, &str, Verdict, Reversible, &str)] = {
    use Reversible::*;
    use Verdict::*;
    &[
        ("u32", "u32", Identical, Always, ""),
        ("u8", "u16", Widening, ByValue, "value: was `u8`, is `u16`"),
        ("u8", "s16", Widening, ByValue, "value: was `u8`, is `s16`"),
        ("u32", "s64", Widening, ByValue, "value: was `u32`, is `s64`"),
        ("s8", "s64", Widening, ByValue, "value: was `s8`, is `s64`"),
        ("u8", "s8", Incompatible, Never, "value: was `u8`, is `s8`"),
        ("u64", "s64", Incompatible, Never, "value: was `u64`, is `s64`"),
        ("s8", "u64", Incompatible, Never, "value: was `s8`, is `u64`"),
        ("u64", "u32", Incompatible, Never, "value: was `u64`, is `u32`"),
        ("f32", "f64", Widening, ByValue, "value: was `f32`, is `f64`"),
        ("f64", "f32", Incompatible, Never, "value: was `f64`, is `f32`"),
        ("u32", "f64", Incompatible, Never, "value: was `u32`, is `f64`"),
        ("char", "u32", Incompatible, Never, "value: was `char`, is `u32`"),
        ("char", "string", Incompatible, Never, "value: was `char`, is `string`"),
        ("bool", "u8", Incompatible, Never, "value: was `bool`, is `u8`"),
        ("string", "list<u8>", Incompatible, Never, "value: was `string`, is `list<u8>`"),
        ("string", "option<string>", Widening, ByValue, "value: was `string`, is `option<string>`"),
        ("u8", "option<u16>", Widening, ByValue, "value: was `u8`, is `option<u16>`"),
        ("option<u8>", "u8", Incompatible, Never, "value: was `option<u8>`, is `u8`"),
        ("option<u8>", "option<option<u8>>", Widening, ByValue, "value, inside `some`: was `u8`, is `option<u8>`"),
        ("option<option<u8>>", "option<u8>", Incompatible, Never, "value, inside `some`: was `option<u8>`, is `u8`"),
        ("string", "list<string>", Incompatible, Never, "value: was `string`, is `list<string>`"),
        ("list<u8>", "list<u16>", Widening, ByValue, "value, list element: was `u8`, is `u16`"),
        ("list<bool>", "list<char>", Incompatible, Never, "value, list element: was `bool`, is `char`"),
        ("u8", "tuple<u8>", Incompatible, Never, "value: was `u8`, is `tuple<u8>`"),
        ("tuple<u8>", "u8", Incompatible, Never, "value: was `tuple<u8>`, is `u8`"),
        ("tuple<u8, bool>", "tuple<u16, bool>", Widening, ByValue, "value, tuple item 0: was `u8`, is `u16`"),
        ("tuple<u8, bool>", "tuple<bool, u8>", Incompatible, Never, "value, tuple item 0: was `u8`, is `bool`"),
        (
            "tuple<u8>",
            "tuple<u8, option<u8>>",
            Incompatible,
            Never,
            "value: was `tuple<u8>`, is `tuple<u8, option<u8>>`",
        ),
        ("result<u8, string>", "result<string, u8>", Incompatible, Never, "value, inside `ok`: was `u8`, is `string`"),
        ("result<u8>", "result<_, u8>", Incompatible, Never, "value: was `result<u8>`, is `result<_, u8>`"),
        ("result<u8>", "result<u16>", Widening, ByValue, "value, inside `ok`: was `u8`, is `u16`"),
        ("result", "result<u8>", Incompatible, Never, "value: was `result`, is `result<u8>`"),
        ("record { a: u8 }", "record { b: u8 }", Incompatible, Never, "value, field `b`: added as `u8`"),
        (
            "record { a: u8 }",
            "record { a: u8, b: option<u8> }",
            Widening,
            ByValue,
            "value, field `b`: added as `option<u8>`",
        ),
        ("record { a: u8 }", "record { a: u8, b: u8 }", Incompatible, Never, "value, field `b`: added as `u8`"),
        ("record { a: u8, b: u8 }", "record { a: u8 }", Lossy, Never, "value, field `b`: was `u8`, is gone"),
        (
            "record { a: u8, b: option<u8> }",
            "record { a: u8 }",
            Lossy,
            Always,
            "value, field `b`: was `option<u8>`, is gone",
        ),
        (
            "record { a: u8, b: char }",
            "record { b: char, a: u8 }",
            Widening,
            Always,
            "value: was `record { a: u8, b: char }`, is `record { b: char, a: u8 }`",
        ),
        ("record { a: u8 }", "tuple<u8>", Incompatible, Never, "value: was `record { a: u8 }`, is `tuple<u8>`"),
        (
            "record { choice: string }",
            "record { choice: enum { yes, no } }",
            Incompatible,
            Never,
            "value, field `choice`: was `string`, is `enum { yes, no }`",
        ),
        ("enum { a, b }", "enum { b, a }", Widening, Always, "value: was `enum { a, b }`, is `enum { b, a }`"),
        ("enum { a }", "enum { a, b }", Widening, ByValue, "value, case `b`: added as `b`"),
        ("enum { a, b }", "enum { a }", Lossy, Always, "value, case `b`: was `b`, is gone"),
        ("enum { a }", "enum { b }", Lossy, Never, "value, case `a`: was `a`, is gone"),
        ("enum { a }", "variant { a, b(u8) }", Widening, ByValue, "value, case `b`: added as `b(u8)`"),
        ("enum { a, b }", "variant { b, a }", Widening, Always, "value: was `enum { a, b }`, is `variant { b, a }`"),
        ("enum { a }", "variant { a(u8) }", Incompatible, Never, "value, case `a`: was `a`, is `a(u8)`"),
        ("variant { a }", "enum { a }", Incompatible, Never, "value: was `variant { a }`, is `enum { a }`"),
        ("variant { a(u8) }", "variant { a }", Incompatible, Never, "value, case `a`: was `a(u8)`, is `a`"),
        ("variant { a(u8), b }", "variant { b, a(u16) }", Widening, ByValue, "value, case `a`: was `u8`, is `u16`"),
        ("variant { a(u8), b }", "variant { b }", Lossy, Always, "value, case `a`: was `a(u8)`, is gone"),
        ("flags { a }", "flags { a, b }", Widening, ByValue, "value, flag `b`: added as `b`"),
        ("flags { a, b }", "flags { b, a }", Widening, Always, "value: was `flags { a, b }`, is `flags { b, a }`"),
        ("flags { a, b }", "flags { b }", Lossy, Always, "value, flag `a`: was `a`, is gone"),
        ("flags { a }", "enum { a }", Incompatible, Never, "value: was `flags { a }`, is `enum { a }`"),
    ]
};

#[test]
fn g07_verdicts_by_hand() {
    for (old, new, verdict, reversible, difference) in TABLE {
        let comparison = compare(&cell(&ty(old)), &cell(&ty(new)));
        assert_eq!(comparison.verdict, *verdict, "{old} to {new}");
        assert_eq!(comparison.reversible, *reversible, "{old} to {new}");
        let worst = comparison.differences.iter().find(|difference| difference.verdict >= *verdict);
        assert_eq!(worst.map(|worst| worst.to_string()).unwrap_or_default(), *difference, "{old} to {new}");
        assert_eq!(plain_verdict(&ty(old), &ty(new)), *verdict, "{old} to {new}, plainly");
    }
}

#[test]
fn g07_keys_kinds_and_sums_do_not_change() {
    let map = |key: Option<&str>, value: Option<&str>| Schema {
        kind: Kind::Map,
        key: key.map(ty),
        value: value.map(ty),
        signed: None,
    };
    let check = |old: &Schema, new: &Schema, verdict, difference: &str| {
        let comparison = compare(old, new);
        assert_eq!(comparison.verdict, verdict);
        let shown = comparison.differences.first().map(|first| first.to_string());
        assert_eq!(shown.unwrap_or_default(), difference);
    };
    let whole = map(Some("u32"), Some("u8"));
    check(&whole, &map(Some("u64"), Some("u8")), Verdict::Incompatible, "key: was `u32`, is `u64`");
    check(
        &map(Some("tuple<enum { a, b }>"), None),
        &map(Some("tuple<enum { b, a }>"), None),
        Verdict::Incompatible,
        "key, tuple item 0: was `enum { a, b }`, is `enum { b, a }`",
    );
    check(&whole, &map(Some("u32"), Some("u16")), Verdict::Widening, "value: was `u8`, is `u16`");
    check(&whole, &map(None, None), Verdict::Identical, "");
    check(&map(None, Some("u8")), &map(Some("u64"), None), Verdict::Identical, "");
    check(&whole, &cell(&Type::U8), Verdict::Incompatible, "kind: was `map`, is `cell`");
    let counter = |signed| Schema { kind: Kind::Counter, key: None, value: None, signed };
    check(&counter(Some(false)), &counter(Some(true)), Verdict::Incompatible, "sum: was `u64`, is `s64`");
    check(&counter(None), &counter(Some(true)), Verdict::Identical, "");
}

#[test]
fn g07_a_chain_does_not_bring_back_what_was_dropped() {
    let schemas = [
        "record { a: u8, b: option<string> }",
        "record { a: u8 }",
        "record { a: u16 }",
        "record { a: u16, b: option<string> }",
    ];
    let schemas: Vec<Schema> = schemas.iter().map(|schema| cell(&ty(schema))).collect();
    let chain = Conversion::chain(&schemas);
    assert_eq!(chain.len(), 4);
    assert_eq!(chain[3], None);
    let oldest = Value::record([("a", Value::from(1u8)), ("b", Value::from("dropped").some())]);
    let newest = Value::record([("a", Value::from(1u16)), ("b", Value::none())]);
    let first = chain[0].as_ref().unwrap();
    assert!(first.loses(&oldest));
    assert_eq!(first.apply(oldest), Ok(newest.clone()));
    let second = Value::record([("a", Value::from(1u8))]);
    assert_eq!(chain[1].as_ref().unwrap().apply(second), Ok(newest));
}

#[test]
fn g07_a_chain_that_goes_back_refuses_what_does_not_fit() {
    let schemas: Vec<Schema> = ["u8", "u32", "u8"].iter().map(|schema| cell(&ty(schema))).collect();
    let chain = Conversion::chain(&schemas);
    let wide = chain[1].as_ref().unwrap();
    assert_eq!(wide.old(), &Type::U32);
    assert_eq!(wide.apply(200u32.into()), Ok(200u8.into()));
    assert!(wide.loses(&300u32.into()));
    assert_eq!(wide.apply(300u32.into()).unwrap_err().to_string(), "value: 300 does not fit `u8`");
    assert_eq!(chain[0].as_ref().unwrap().apply(7u8.into()), Ok(7u8.into()));
}

#[test]
fn g07_a_chain_with_a_gap_converts_nothing() {
    let schemas: Vec<Schema> = ["u8", "string"].iter().map(|schema| cell(&ty(schema))).collect();
    let chain = Conversion::chain(&schemas);
    assert!(chain[0].as_ref().unwrap().apply(7u8.into()).is_err());
}

#[test]
fn g07_what_cannot_be_converted_is_named() {
    let conversion =
        Conversion::between(&ty("list<record { e: enum { a, b } }>"), &ty("list<record { e: enum { a } }>"));
    let value = Value(Parts::List(vec![Value::record([("e", Value(Parts::Enum("b".into())))])]));
    let error = conversion.unwrap().apply(value).unwrap_err();
    assert_eq!(error.to_string(), "list element, field `e`: the case `b` is unknown");
}
