//! Order and shape of keys.

use std::cmp::Ordering;

use proptest::prelude::*;
use stead_schema::key::{self, KeyError, ScalarKey};
use stead_schema::limits::KEY_BYTES_MAX;
use stead_schema::{Owned, Parts, Type, Value};

use crate::choices::choices;
use crate::wit::ty;

fn encode(ty: &Type, value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    key::encode::<Owned>(ty, value, &mut bytes).unwrap();
    bytes
}

/// The natural order of two values of a key type.
fn natural(ty: &Type, a: &Value, b: &Value) -> Ordering {
    let lexicographic = |types: Vec<&Type>, a: Vec<&Value>, b: Vec<&Value>| {
        let parts = types.into_iter().zip(a.into_iter().zip(b));
        parts.map(|(ty, (a, b))| natural(ty, a, b)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    match (ty, &a.0, &b.0) {
        (_, Parts::Bool(a), Parts::Bool(b)) => a.cmp(b),
        (_, Parts::U8(a), Parts::U8(b)) => a.cmp(b),
        (_, Parts::U16(a), Parts::U16(b)) => a.cmp(b),
        (_, Parts::U32(a), Parts::U32(b)) => a.cmp(b),
        (_, Parts::U64(a), Parts::U64(b)) => a.cmp(b),
        (_, Parts::S8(a), Parts::S8(b)) => a.cmp(b),
        (_, Parts::S16(a), Parts::S16(b)) => a.cmp(b),
        (_, Parts::S32(a), Parts::S32(b)) => a.cmp(b),
        (_, Parts::S64(a), Parts::S64(b)) => a.cmp(b),
        (_, Parts::Char(a), Parts::Char(b)) => a.cmp(b),
        (_, Parts::String(a), Parts::String(b)) => a.chars().cmp(b.chars()),
        (_, Parts::List(_), Parts::List(_)) => a.as_bytes().cmp(&b.as_bytes()),
        (Type::Enum(names), Parts::Enum(a), Parts::Enum(b)) => {
            let index = |name| names.iter().position(|n| n == name);
            index(a).cmp(&index(b))
        }
        (Type::Tuple(types), Parts::Tuple(a), Parts::Tuple(b)) => {
            lexicographic(types.iter().collect(), a.iter().collect(), b.iter().collect())
        }
        (Type::Record(fields), Parts::Record(a), Parts::Record(b)) => {
            let values = |record: &'_ Vec<(String, Value)>| record.iter().map(|(_, value)| value.clone()).collect();
            let (a, b): (Vec<Value>, Vec<Value>) = (values(a), values(b));
            lexicographic(fields.iter().map(|field| &field.ty).collect(), a.iter().collect(), b.iter().collect())
        }
        _ => unreachable!("two values of one key type"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn order_of_bytes_is_order_of_values(mut choices in choices()) {
        let ty = choices.key_ty(2);
        prop_assert_eq!(key::check(&ty), Ok(()));
        let (a, b) = (choices.value(&ty), choices.value(&ty));
        let (x, y) = (encode(&ty, &a), encode(&ty, &b));
        prop_assert_eq!(x.cmp(&y), natural(&ty, &a, &b), "{:?} and {:?}", x, y);
        prop_assert!(x == y || !(x.starts_with(&y) || y.starts_with(&x)), "one is a prefix of the other");
        prop_assert_eq!(key::decode_whole::<Owned>(&ty, &x), Ok(a));
    }

    #[test]
    fn texts_near_each_other_are_in_order(a in "[\0\u{1}\u{ff}a]{0,5}", b in "[\0\u{1}\u{ff}a]{0,5}") {
        let encoded = |text: &str| {
            let mut bytes = Vec::new();
            key::encode_str(text, &mut bytes).unwrap();
            bytes
        };
        prop_assert_eq!(encoded(&a).cmp(&encoded(&b)), a.cmp(&b));
        prop_assert_eq!(key::decode_str(&mut encoded(&a).as_slice()), Ok(a.clone()));
        prop_assert_eq!(encode(&Type::String, &Value::string(a.clone())), encoded(&a));
        let mut bytes = Vec::new();
        key::encode_bytes(a.as_bytes(), &mut bytes).unwrap();
        prop_assert_eq!(key::decode_bytes(&mut bytes.as_slice()), Ok(a.into_bytes()));
    }

    #[test]
    fn hostile_bytes_never_panic(mut choices in choices(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let ty = choices.key_ty(2);
        if let Ok(value) = key::decode_whole::<Owned>(&ty, &bytes) {
            prop_assert_eq!(encode(&ty, &value), bytes);
        }
    }

    #[test]
    fn direct_and_reflected_agree(number in any::<i64>(), short in any::<u16>(), letter in any::<char>()) {
        let mut bytes = Vec::new();
        number.encode_key(&mut bytes);
        short.encode_key(&mut bytes);
        letter.encode_key(&mut bytes);
        let value = Value(Parts::Tuple(vec![number.into(), short.into(), letter.into()]));
        prop_assert_eq!(&bytes, &encode(&ty("tuple<s64, u16, char>"), &value));
        let mut rest = bytes.as_slice();
        prop_assert_eq!(i64::decode_key(&mut rest), Ok(number));
        prop_assert_eq!(u16::decode_key(&mut rest), Ok(short));
        prop_assert_eq!(char::decode_key(&mut rest), Ok(letter));
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
    check("u16", "258", &[1, 2]);
    check("s8", "-1", &[0x7f]);
    check("s32", "1", &[0x80, 0, 0, 1]);
    check("char", "'a'", &[0, 0, 0, b'a']);
    check("string", r#""ab""#, &[b'a', b'b', 0, 0]);
    check("list<u8>", "[0, 1]", &[0, 0xff, 1, 0, 0]);
    check("enum { a, b }", "b", &[0, 0, 0, 1]);
    check("tuple<string, u8>", r#"("a", 7)"#, &[b'a', 0, 0, 7]);
    check("record { x: bool, y: u8 }", "{x: false, y: 7}", &[0, 7]);
}

#[test]
fn what_has_no_order_is_no_key() {
    let check = |text: &str, expected: &str| {
        let message = key::check(&ty(text)).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{message}");
    };
    check("f64", "key: `f64` cannot be part of a key");
    check("option<u8>", "key: `option<u8>` cannot");
    check("list<u16>", "key: `list<u16>` cannot");
    check("flags { a }", "key: `flags { a }` cannot");
    check("variant { a }", "key: `variant { a }` cannot");
    check("tuple<u8, record { a: result }>", "key, tuple item 1, field `a`: `result` cannot");
}

#[test]
fn g14_keys_are_bounded() {
    let encoded = |length: usize| key::encode_str(&"x".repeat(length), &mut Vec::new());
    assert_eq!(encoded(KEY_BYTES_MAX - 2), Ok(()));
    assert_eq!(encoded(KEY_BYTES_MAX - 1), Err(KeyError::TooLong { length: KEY_BYTES_MAX + 1 }));
    assert!(encoded(1 << 20).is_err());
    let long = Value(Parts::Tuple(vec![Value::string("x".repeat(3000)), Value::string("x".repeat(3000))]));
    assert!(key::encode::<Owned>(&ty("tuple<string, string>"), &long, &mut Vec::new()).is_err());
}
