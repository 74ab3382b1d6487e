//! What the relation of types keeps, over generated types and values.

use std::collections::HashMap;

use proptest::prelude::*;
use stead_schema::{
    Case, Conversion, Field, Fingerprint, Kind, Owned, Reversible, Schema, Type, Verdict, codec, compare,
};

use crate::choices::choices;
use crate::plain::{cover, ways_back};

fn cell(value: &Type) -> Schema {
    Schema { kind: Kind::Cell, key: None, value: Some(value.clone()), signed: None }
}

fn verdict(old: &Type, new: &Type) -> Verdict {
    compare(&cell(old), &cell(new)).verdict
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Two widening changes in a row are one, and reading through both is reading through it.
    #[test]
    fn g07_widening_composes(mut choices in choices()) {
        let old = choices.ty();
        let middle = choices.widened(&old);
        let new = choices.widened(&middle);
        prop_assert!(verdict(&old, &middle) <= Verdict::Widening, "{} to {}", old, middle);
        prop_assert!(verdict(&middle, &new) <= Verdict::Widening, "{} to {}", middle, new);
        prop_assert!(verdict(&old, &new) <= Verdict::Widening, "{} to {}", old, new);
        let [first, second, both] = [(&old, &middle), (&middle, &new), (&old, &new)]
            .map(|(old, new)| Conversion::between(old, new).unwrap());
        for value in cover(&old).into_iter().chain([choices.value(&old), choices.value(&old)]) {
            let stepwise = second.apply(first.apply(value.clone()).unwrap()).unwrap();
            let mut stored = Vec::new();
            prop_assert!(codec::encode::<Owned>(&new, &stepwise, &mut stored).is_ok(), "{} to {}", old, new);
            prop_assert_eq!(both.apply(value), Ok(stepwise), "{} by {} to {}", old, middle, new);
        }
    }

    /// What is wider both ways has the same members in another order: it goes back always.
    #[test]
    fn g07_wider_both_ways_goes_back_always(mut choices in choices()) {
        let old = choices.ty();
        let new = choices.widened(&old);
        if verdict(&new, &old) <= Verdict::Widening {
            prop_assert_eq!(compare(&cell(&old), &cell(&new)).reversible, Reversible::Always, "{} to {}", old, new);
        }
    }

    /// Always, never and by value are what the values themselves say.
    #[test]
    fn g07_reversible_agrees_with_the_values_that_show_it(mut choices in choices()) {
        let old = choices.ty();
        let new = if choices.one_in(2) { choices.edited(&old) } else { choices.widened(&old) };
        let comparison = compare(&cell(&old), &cell(&new));
        let Some(conversion) = Conversion::between(&old, &new) else {
            prop_assert_eq!(comparison.reversible, Reversible::Never);
            return Ok(());
        };
        let ways = ways_back(&old, &new);
        prop_assert_eq!(comparison.reversible, ways.reversible(), "{} to {}", old, new);
        if let Some(held) = ways.held {
            let narrowed = conversion.narrow(held.clone());
            prop_assert!(narrowed.is_ok(), "{} to {}: {:?}", old, new, held);
            let mut stored = Vec::new();
            prop_assert!(codec::encode::<Owned>(&old, &narrowed.clone().unwrap(), &mut stored).is_ok());
            prop_assert_eq!(conversion.apply(narrowed.unwrap()), Ok(held));
        }
        if let Some(not_held) = ways.not_held {
            let narrowed = conversion.narrow(not_held.clone());
            let comes_back = narrowed.is_ok_and(|narrowed| conversion.apply(narrowed) == Ok(not_held.clone()));
            prop_assert!(!comes_back, "{} to {}: {:?}", old, new, not_held);
        }
    }

    /// A conversion makes one encoding of one value, whichever way it was written before.
    #[test]
    fn g05_what_is_converted_is_encoded_as_what_is_written(mut choices in choices()) {
        let old = choices.ty();
        let new = choices.widened(&old);
        let conversion = Conversion::between(&old, &new).unwrap();
        let converted = conversion.apply(choices.value(&old)).unwrap();
        let mut stored = Vec::new();
        codec::encode::<Owned>(&new, &converted, &mut stored).unwrap();
        prop_assert_eq!(codec::decode_whole::<Owned>(&new, &stored), Ok(converted));
    }
}

/// Every small type there is has a fingerprint of its own: names, their order, nesting and arms all count.
#[test]
fn g07_distinct_types_have_distinct_fingerprints() {
    let simple = [Type::Bool, Type::U8, Type::S8, Type::F32, Type::F64, Type::Char, Type::String];
    let mut types: Vec<Type> = simple.to_vec();
    types.extend([Type::U16, Type::U32, Type::U64, Type::S16, Type::S32, Type::S64]);
    let mut level: Vec<Type> = vec![Type::U8, Type::String];
    for _ in 0..2 {
        level = level
            .iter()
            .flat_map(around)
            .chain(level.iter().flat_map(|a| level.iter().flat_map(move |b| beside(a, b))))
            .collect();
        level.sort();
        level.dedup();
        types.extend(level.clone());
        // The first level is combined with itself; the second one is large enough.
        level.truncate(60);
    }
    types.sort();
    types.dedup();
    assert!(types.len() > 10_000, "{}", types.len());
    let mut seen: HashMap<Fingerprint, &Type> = HashMap::new();
    for ty in &types {
        if let Some(other) = seen.insert(ty.fingerprint(), ty) {
            panic!("`{other}` and `{ty}` have one fingerprint");
        }
    }
    let schemas = types.iter().take(2_000).flat_map(|ty| {
        let schema = |kind, key: Option<&Type>, value: Option<&Type>| Schema {
            kind,
            key: key.cloned(),
            value: value.cloned(),
            signed: None,
        };
        [
            schema(Kind::Cell, None, Some(ty)),
            schema(Kind::Log, None, Some(ty)),
            schema(Kind::Map, None, Some(ty)),
            schema(Kind::Map, Some(ty), None),
            schema(Kind::Map, Some(ty), Some(ty)),
        ]
    });
    let fingerprints: Vec<Fingerprint> = schemas.map(|schema| schema.fingerprint()).collect();
    assert_eq!(fingerprints.iter().collect::<std::collections::HashSet<_>>().len(), fingerprints.len());
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Every type directly around one.
fn around(ty: &Type) -> Vec<Type> {
    let boxed = || Some(Box::new(ty.clone()));
    let field = |name: &str| Field { name: name.into(), ty: ty.clone() };
    let case = |name: &str, ty: Option<&Type>| Case { name: name.into(), ty: ty.cloned() };
    vec![
        ty.clone(),
        ty.clone().list(),
        ty.clone().option(),
        Type::Result { ok: None, err: None },
        Type::Result { ok: boxed(), err: None },
        Type::Result { ok: None, err: boxed() },
        Type::Tuple(vec![ty.clone()]),
        Type::Record(vec![field("a")]),
        Type::Record(vec![field("b")]),
        Type::Variant(vec![case("a", None)]),
        Type::Variant(vec![case("a", Some(ty))]),
        Type::Variant(vec![case("a", Some(ty)), case("b", None)]),
        Type::Variant(vec![case("a", None), case("b", Some(ty))]),
        Type::Enum(named(&["a"])),
        Type::Enum(named(&["a", "b"])),
        Type::Enum(named(&["b", "a"])),
        Type::Enum(named(&["ab"])),
        Type::Flags(named(&["a"])),
        Type::Flags(named(&["a", "b"])),
        Type::Flags(named(&["b", "a"])),
    ]
}

/// Every type directly around two.
fn beside(a: &Type, b: &Type) -> Vec<Type> {
    let field = |name: &str, ty: &Type| Field { name: name.into(), ty: ty.clone() };
    let case = |name: &str, ty: &Type| Case { name: name.into(), ty: Some(ty.clone()) };
    vec![
        Type::Result { ok: Some(Box::new(a.clone())), err: Some(Box::new(b.clone())) },
        Type::Tuple(vec![a.clone(), b.clone()]),
        Type::Record(vec![field("a", a), field("b", b)]),
        Type::Record(vec![field("b", a), field("a", b)]),
        Type::Variant(vec![case("a", a), case("b", b)]),
        Type::Variant(vec![case("b", a), case("a", b)]),
    ]
}
