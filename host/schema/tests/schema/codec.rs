//! Encoding and decoding, by type and directly.

use proptest::prelude::*;
use stead_schema::codec::{self, CodecError, Scalar};
use stead_schema::limits::TYPE_DEPTH_MAX;
use stead_schema::{Owned, Type, Value};

use crate::choices::choices;
use crate::wit::ty;

fn encode(ty: &Type, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    codec::encode::<Owned>(ty, value, &mut bytes).unwrap();
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_is_encoded_decodes_to_itself(mut choices in choices()) {
        let ty = choices.ty();
        let value = choices.value(&ty);
        prop_assert_eq!(codec::decode_whole::<Owned>(&ty, &encode(&ty, &value)), Ok(value));
    }

    /// Equal values have equal bytes, so nothing else may decode to them.
    #[test]
    fn g05_bytes_that_decode_are_those_that_are_encoded(
        mut choices in choices(),
        noise in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4),
        cut in any::<usize>(),
    ) {
        let ty = choices.ty();
        let mut bytes = encode(&ty, &choices.value(&ty));
        for (at, byte) in noise {
            let length = bytes.len();
            bytes[at % length] = byte;
        }
        bytes.truncate(cut % (bytes.len() * 4));
        if let Ok(value) = codec::decode_whole::<Owned>(&ty, &bytes) {
            prop_assert_eq!(encode(&ty, &value), bytes);
        }
    }

    #[test]
    fn hostile_bytes_never_panic(mut choices in choices(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let ty = choices.ty();
        let _ = codec::decode::<Owned>(&ty, &mut bytes.as_slice());
    }

    #[test]
    fn numbers_are_postcard(a in any::<u64>(), b in any::<i64>(), c in any::<i16>(), d in any::<char>(), e in any::<f32>()) {
        let mut bytes = Vec::new();
        a.encode(&mut bytes);
        b.encode(&mut bytes);
        c.encode(&mut bytes);
        d.encode(&mut bytes);
        e.encode(&mut bytes);
        prop_assert_eq!(bytes, postcard::to_stdvec(&(a, b, c, d, e)).unwrap());
    }

    /// Direct functions and reflection write the same.
    #[test]
    fn direct_and_reflected_agree(number in any::<i32>(), text in any::<String>(), content in any::<Vec<u8>>()) {
        let mut bytes = Vec::new();
        number.encode(&mut bytes);
        codec::encode_str(&text, &mut bytes);
        codec::encode_bytes(&content, &mut bytes);
        let value = Value(stead_schema::Parts::Tuple(vec![
            number.into(),
            Value::string(text.clone()),
            Value::bytes(&content),
        ]));
        prop_assert_eq!(&bytes, &encode(&ty("tuple<s32, string, list<u8>>"), &value));
        let mut rest = bytes.as_slice();
        prop_assert_eq!(i32::decode(&mut rest), Ok(number));
        prop_assert_eq!(codec::decode_str(&mut rest), Ok(text.as_str()));
        prop_assert_eq!(codec::decode_bytes(&mut rest), Ok(content.as_slice()));
        prop_assert_eq!(codec::finish(rest), Ok(()));
    }

    #[test]
    fn values_of_another_type_are_refused_or_encoded_the_same(mut choices in choices()) {
        let ty = choices.ty();
        let other = choices.edited(&ty);
        let value = choices.value(&ty);
        let mut bytes = Vec::new();
        if codec::encode::<Owned>(&other, &value, &mut bytes).is_ok() {
            prop_assert_eq!(codec::decode_whole::<Owned>(&other, &bytes), Ok(value));
        }
    }
}

/// The bytes of every release: these never change.
#[test]
fn golden_bytes() {
    let check = |text: &str, wave: &str, expected: &[u8]| {
        let ty = ty(text);
        let value = stead_schema::text::wave::parse(&ty, wave).unwrap();
        assert_eq!(encode(&ty, &value), expected, "{wave} as {text}");
    };
    check("bool", "true", &[1]);
    check("u8", "200", &[200]);
    check("s8", "-1", &[0xff]);
    check("u16", "300", &[0xac, 2]);
    check("u64", "18446744073709551615", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]);
    check("s16", "-300", &[0xd7, 4]);
    check("s64", "-1", &[1]);
    check("f32", "1.5", &[0, 0, 0xc0, 0x3f]);
    check("f32", "nan", &[0, 0, 0xc0, 0x7f]);
    check("f64", "nan", &[0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
    check("char", "'é'", &[2, 0xc3, 0xa9]);
    check("string", r#""ab""#, &[2, b'a', b'b']);
    check("list<u8>", "[1, 2, 255]", &[3, 1, 2, 255]);
    check("option<u8>", "none", &[0]);
    check("option<u8>", "some(7)", &[1, 7]);
    check("result<u8, string>", "ok(7)", &[0, 7]);
    check("result<u8, string>", r#"err("x")"#, &[1, 1, b'x']);
    check("result", "err", &[1]);
    check("tuple<u8, bool>", "(1, true)", &[1, 1]);
    check("record { choice: string, at: u64 }", r#"{choice: "y", at: 200}"#, &[1, b'y', 0xc8, 1]);
    check("variant { a, b(u8) }", "b(9)", &[1, 9]);
    check("enum { a, b, c }", "c", &[2]);
    check("flags { a, b, c, d, e, f, g, h, i }", "{a, c, i}", &[0b101, 1]);
}

#[test]
fn a_stored_value_starts_with_its_schema() {
    let mut bytes = Vec::new();
    codec::encode_schema(300, &mut bytes);
    codec::encode_str("x", &mut bytes);
    assert_eq!(bytes, [0xac, 2, 1, b'x']);
    let mut rest = bytes.as_slice();
    assert_eq!(codec::decode_schema(&mut rest), Ok(300));
    assert_eq!(codec::decode_str(&mut rest), Ok("x"));
}

#[test]
fn false_bytes_are_named() {
    let check = |text: &str, bytes: &[u8], expected: &str| {
        let error = codec::decode_whole::<Owned>(&ty(text), bytes).unwrap_err();
        assert_eq!(error.to_string(), expected);
    };
    check("u8", &[], "value: the bytes end within the value");
    check("u8", &[1, 2], "1 bytes left after the value");
    check("u16", &[0xff, 0xff, 0x04], "value: a number too large for its type");
    check("u16", &[0x80, 0], "value: a number not in its shortest form");
    check("u64", &[0xff; 11], "value: a number too large for its type");
    check("bool", &[2], "value: neither true nor false");
    check("list<string>", &[1, 1, 0xff], "list element: no UTF-8");
    check("list<u64>", &[0xff, 0xff, 0xff, 0xff, 0x0f], "value: a length beyond the end of the bytes");
    check("record { a: option<u8> }", &[2], "field `a`: neither none nor some");
    check("variant { a, b(bool) }", &[1, 3], "case `b`: neither true nor false");
    check("enum { a }", &[1], "value: no such case");
    check("flags { a }", &[2], "value: a bit beyond the last flag");
    check("f32", &[1, 0, 0xc0, 0x7f], "value: a NaN that is not the canonical one");
    check("char", &[2, b'a', b'b'], "value: not one char");
}

#[test]
fn values_of_another_type_are_named() {
    let value = Value::record([("choice", Value::from(7u8))]);
    let error = codec::encode::<Owned>(&ty("record { choice: string }"), &value, &mut Vec::new()).unwrap_err();
    assert_eq!(error.to_string(), "field `choice`: expected a value of `string`");
}

#[test]
fn g14_depth_is_bounded() {
    let nested = |levels| (1..levels).fold(Type::U8, |ty, _| ty.option());
    assert_eq!(nested(TYPE_DEPTH_MAX).check(), Ok(()));
    assert!(nested(TYPE_DEPTH_MAX + 1).check().is_err());
    let bytes = [1; TYPE_DEPTH_MAX + 1];
    assert_eq!(codec::decode_whole::<Owned>(&nested(TYPE_DEPTH_MAX + 1), &bytes), Err(CodecError::TooDeep));
    assert!(codec::decode_whole::<Owned>(&nested(TYPE_DEPTH_MAX), &bytes[..TYPE_DEPTH_MAX]).is_ok());
}
