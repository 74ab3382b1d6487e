//! Verdicts and conversions: a table by hand, and the rules against a second, plain definition.

use proptest::prelude::*;
use stead_schema::{Conversion, Kind, Parts, Reversible, Schema, Type, Value, Verdict, compare};

use crate::choices::choices;
use crate::wit::ty;

fn cell(value: &Type) -> Schema {
    Schema { kind: Kind::Cell, key: None, value: Some(value.clone()), signed: None }
}

/// What reading a value under another type may come to.
enum Reading {
    Value(Value),
    /// It uses a case that is gone.
    Gone,
    /// It has no place there.
    Fails,
}

/// The plain definition: a value names its own parts, so try to read it under the new type. `exact` allows nothing to be
/// left over.
fn read(value: &Value, new: &Type, exact: bool) -> Reading {
    use Reading::{Fails, Gone};
    let unknown = || if exact { Fails } else { Gone };
    let all = |readings: Vec<Reading>, make: &dyn Fn(Vec<Value>) -> Parts<Value>| {
        let mut values = Vec::new();
        let mut gone = false;
        for reading in readings {
            match reading {
                Reading::Value(value) => values.push(value),
                Gone => gone = true,
                Fails => return Fails,
            }
        }
        if gone { Gone } else { Reading::Value(Value(make(values))) }
    };
    let boxed = |mut values: Vec<Value>| values.pop().map(Box::new);
    let payload = |value: &Option<Box<Value>>, ty: Option<&Type>| match (value, ty) {
        (None, None) => Some(Vec::new()),
        (Some(value), Some(ty)) => Some(vec![read(value, ty, exact)]),
        _ => None,
    };
    match (&value.0, new) {
        (Parts::Option(None), Type::Option(_)) => Reading::Value(Value::none()),
        (Parts::Option(Some(value)), Type::Option(some)) => {
            all(vec![read(value, some, exact)], &|values| Parts::Option(boxed(values)))
        }
        (_, Type::Option(some)) => all(vec![read(value, some, exact)], &|values| Parts::Option(boxed(values))),
        (Parts::Bool(_), Type::Bool) | (Parts::Char(_), Type::Char) | (Parts::String(_), Type::String) => {
            Reading::Value(value.clone())
        }
        (Parts::F32(_), Type::F32) | (Parts::F64(_), Type::F64) => Reading::Value(value.clone()),
        (Parts::F32(float), Type::F64) => Reading::Value(f64::from(*float).into()),
        (Parts::List(values), Type::List(element)) => {
            all(values.iter().map(|value| read(value, element, exact)).collect(), &Parts::List)
        }
        (Parts::Tuple(values), Type::Tuple(types)) if values.len() == types.len() => {
            all(values.iter().zip(types).map(|(value, ty)| read(value, ty, exact)).collect(), &Parts::Tuple)
        }
        (Parts::Record(values), Type::Record(fields)) => {
            if exact && values.iter().any(|(name, _)| fields.iter().all(|field| field.name != *name)) {
                return Fails;
            }
            let field =
                |field: &stead_schema::Field| match (values.iter().find(|(name, _)| *name == field.name), &field.ty) {
                    (Some((_, value)), ty) => read(value, ty, exact),
                    (None, Type::Option(_)) => Reading::Value(Value::none()),
                    (None, _) => Fails,
                };
            let named =
                |values: Vec<Value>| Parts::Record(fields.iter().map(|field| field.name.clone()).zip(values).collect());
            all(fields.iter().map(field).collect(), &named)
        }
        (Parts::Enum(name), Type::Enum(names)) => match names.contains(name) {
            true => Reading::Value(value.clone()),
            false => unknown(),
        },
        (Parts::Enum(name), Type::Variant(cases)) => match cases.iter().find(|case| case.name == *name) {
            Some(case) if case.ty.is_none() => Reading::Value(Value(Parts::Variant(name.clone(), None))),
            Some(_) => Fails,
            None => unknown(),
        },
        (Parts::Variant(name, value), Type::Variant(cases)) => {
            match cases.iter().find(|case| case.name == *name).map(|case| payload(value, case.ty.as_ref())) {
                Some(Some(payload)) => all(payload, &|values| Parts::Variant(name.clone(), boxed(values))),
                Some(None) => Fails,
                None => unknown(),
            }
        }
        (Parts::Result(Ok(value)), Type::Result { ok, .. }) => match payload(value, ok.as_deref()) {
            Some(payload) => all(payload, &|values| Parts::Result(Ok(boxed(values)))),
            None => Fails,
        },
        (Parts::Result(Err(value)), Type::Result { err, .. }) => match payload(value, err.as_deref()) {
            Some(payload) => all(payload, &|values| Parts::Result(Err(boxed(values)))),
            None => Fails,
        },
        (Parts::Flags(set), Type::Flags(names)) => {
            if exact && set.iter().any(|flag| !names.contains(flag)) {
                return Fails;
            }
            Reading::Value(Value(Parts::Flags(set.iter().filter(|flag| names.contains(flag)).cloned().collect())))
        }
        _ => match (integer(value), integer_type(new)) {
            (Some(number), Some(make)) => make(number).map_or(Fails, Reading::Value),
            _ => Fails,
        },
    }
}

fn integer(value: &Value) -> Option<i128> {
    Some(match value.0 {
        Parts::U8(v) => v.into(),
        Parts::U16(v) => v.into(),
        Parts::U32(v) => v.into(),
        Parts::U64(v) => v.into(),
        Parts::S8(v) => v.into(),
        Parts::S16(v) => v.into(),
        Parts::S32(v) => v.into(),
        Parts::S64(v) => v.into(),
        _ => return None,
    })
}

fn integer_type(ty: &Type) -> Option<fn(i128) -> Option<Value>> {
    Some(match ty {
        Type::U8 => |number| u8::try_from(number).ok().map(Value::from),
        Type::U16 => |number| u16::try_from(number).ok().map(Value::from),
        Type::U32 => |number| u32::try_from(number).ok().map(Value::from),
        Type::U64 => |number| u64::try_from(number).ok().map(Value::from),
        Type::S8 => |number| i8::try_from(number).ok().map(Value::from),
        Type::S16 => |number| i16::try_from(number).ok().map(Value::from),
        Type::S32 => |number| i32::try_from(number).ok().map(Value::from),
        Type::S64 => |number| i64::try_from(number).ok().map(Value::from),
        _ => return None,
    })
}

/// Values that between them use every part of a type, and the ends of every range.
fn cover(ty: &Type) -> Vec<Value> {
    let one_at_a_time = |types: Vec<&Type>| {
        let covers: Vec<Vec<Value>> = types.into_iter().map(cover).collect();
        let base: Vec<Value> = covers.iter().map(|cover| cover[0].clone()).collect();
        let mut all = vec![base.clone()];
        for (index, cover) in covers.into_iter().enumerate() {
            for value in cover.into_iter().skip(1) {
                all.push(base.clone());
                all.last_mut().expect("just pushed")[index] = value;
            }
        }
        all
    };
    let payloads = |ty: Option<&Type>| match ty {
        None => vec![None],
        Some(ty) => cover(ty).into_iter().map(|value| Some(Box::new(value))).collect(),
    };
    let parts: Vec<Parts<Value>> = match ty {
        Type::Bool => vec![Parts::Bool(false), Parts::Bool(true)],
        Type::U8 => vec![Parts::U8(0), Parts::U8(u8::MAX)],
        Type::U16 => vec![Parts::U16(0), Parts::U16(u16::MAX)],
        Type::U32 => vec![Parts::U32(0), Parts::U32(u32::MAX)],
        Type::U64 => vec![Parts::U64(0), Parts::U64(u64::MAX)],
        Type::S8 => vec![Parts::S8(0), Parts::S8(i8::MIN), Parts::S8(i8::MAX)],
        Type::S16 => vec![Parts::S16(0), Parts::S16(i16::MIN), Parts::S16(i16::MAX)],
        Type::S32 => vec![Parts::S32(0), Parts::S32(i32::MIN), Parts::S32(i32::MAX)],
        Type::S64 => vec![Parts::S64(0), Parts::S64(i64::MIN), Parts::S64(i64::MAX)],
        Type::F32 => vec![Parts::F32(0.0), Parts::F32(0.1), Parts::F32(f32::NAN)],
        Type::F64 => vec![Parts::F64(0.0), Parts::F64(0.1), Parts::F64(f64::NAN)],
        Type::Char => vec![Parts::Char('x')],
        Type::String => vec![Parts::String("x".into())],
        Type::List(element) => {
            let single = cover(element).into_iter().map(|value| Parts::List(vec![value]));
            [Parts::List(Vec::new())].into_iter().chain(single).collect()
        }
        Type::Option(some) => {
            let some = cover(some).into_iter().map(|value| Parts::Option(Some(Box::new(value))));
            [Parts::Option(None)].into_iter().chain(some).collect()
        }
        Type::Result { ok, err } => {
            let ok = payloads(ok.as_deref()).into_iter().map(|payload| Parts::Result(Ok(payload)));
            ok.chain(payloads(err.as_deref()).into_iter().map(|payload| Parts::Result(Err(payload)))).collect()
        }
        Type::Tuple(types) => one_at_a_time(types.iter().collect()).into_iter().map(Parts::Tuple).collect(),
        Type::Record(fields) => {
            let names = || fields.iter().map(|field| field.name.clone());
            let values = one_at_a_time(fields.iter().map(|field| &field.ty).collect()).into_iter();
            values.map(|values| Parts::Record(names().zip(values).collect())).collect()
        }
        Type::Variant(cases) => {
            let of = |case: &stead_schema::Case| {
                let name = case.name.clone();
                let variant = move |payload| Parts::Variant(name.clone(), payload);
                payloads(case.ty.as_ref()).into_iter().map(variant).collect::<Vec<_>>()
            };
            cases.iter().flat_map(of).collect()
        }
        Type::Enum(names) => names.iter().cloned().map(Parts::Enum).collect(),
        Type::Flags(names) => vec![Parts::Flags(Vec::new()), Parts::Flags(names.clone())],
    };
    parts.into_iter().map(Value).collect()
}

fn plain_verdict(old: &Type, new: &Type) -> Verdict {
    let fails = |exact| cover(old).iter().any(|value| matches!(read(value, new, exact), Reading::Fails));
    match () {
        () if old == new => Verdict::Identical,
        () if fails(false) => Verdict::Incompatible,
        () if fails(true) => Verdict::Lossy,
        () => Verdict::Widening,
    }
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
