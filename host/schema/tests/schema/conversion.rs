//! Generated chains of schemas: what is read in one pass is what is decoded first and converted then.

use proptest::prelude::*;
use stead_schema::{Conversion, Kind, Owned, Schema, Type, Verdict, codec, compare};

use crate::choices::{Choices, choices};

fn cell(value: &Type) -> Schema {
    Schema { kind: Kind::Cell, key: None, value: Some(value.clone()), signed: None }
}

/// Up to six versions of a type, each related to the one before; now and then one that only a rollback leads to.
fn versions(choices: &mut Choices) -> Vec<Schema> {
    let mut versions = vec![cell(&choices.ty())];
    for _ in 0..12 {
        let last = &versions[versions.len() - 1];
        let next = cell(&choices.edited(last.value.as_ref().expect("it has a type")));
        let (there, back) = (compare(last, &next).verdict, compare(&next, last).verdict);
        let reached = there < Verdict::Incompatible || (back < Verdict::Incompatible && choices.one_in(8));
        if reached && next != *last && versions.len() < 6 {
            versions.push(next);
        }
    }
    versions
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn g07_reading_in_one_pass_is_decoding_and_converting(mut choices in choices()) {
        let versions = versions(&mut choices);
        for (schema, conversion) in versions.iter().zip(Conversion::chain(&versions)) {
            let (Some(ty), Some(conversion)) = (&schema.value, conversion) else { continue };
            for _ in 0..3 {
                let value = choices.value(ty);
                let mut body = Vec::new();
                codec::encode::<Owned>(ty, &value, &mut body).unwrap();
                let read = conversion.read::<Owned>(&body, &mut { usize::MAX });
                prop_assert_eq!(read.ok(), conversion.apply(value).ok(), "{:?}", versions);
                // The same of bytes that are no value, or another one.
                let place = choices.below(body.len());
                body[place] ^= 1 << choices.below(8);
                let plain = codec::decode_whole::<Owned>(ty, &body).ok().and_then(|value| conversion.apply(value).ok());
                prop_assert_eq!(conversion.read::<Owned>(&body, &mut { usize::MAX }).ok(), plain, "{:?}", versions);
            }
        }
    }
}
