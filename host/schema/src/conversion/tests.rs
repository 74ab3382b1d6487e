//! Reading in one pass against decoding first and converting then.

use super::*;
use crate::text::wave;
use crate::types::{Case, Field};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn record(fields: &[(&str, Type)]) -> Type {
    Type::Record(fields.iter().map(|(name, ty)| Field { name: (*name).to_owned(), ty: ty.clone() }).collect())
}

fn variant(cases: &[(&str, Option<Type>)]) -> Type {
    Type::Variant(cases.iter().map(|(name, ty)| Case { name: (*name).to_owned(), ty: ty.clone() }).collect())
}

fn schema(value: &Type) -> Schema {
    Schema { kind: crate::Kind::Cell, key: None, value: Some(value.clone()), signed: None }
}

/// A value written under the first of several types is read under the last as this, in one pass.
#[track_caller]
fn check(types: &[Type], value: &str, expected: Result<&str, &str>) {
    let schemas: Vec<Schema> = types.iter().map(schema).collect();
    let (old, new) = (&types[0], &types[types.len() - 1]);
    let chain = Conversion::chain(&schemas);
    let conversion = chain[0].as_ref().expect("the types differ");
    assert!(conversion.is_one_pass(), "{old} to {new}");
    let value = wave::parse(old, value).expect("a value of the old type");
    let mut body = Vec::new();
    codec::encode::<Owned>(old, &value, &mut body).expect("it is encoded");
    let read = conversion.read::<Owned>(&body, &mut { usize::MAX }).map_err(|error| error.to_string());
    let plain = conversion.apply(value).map_err(|error| error.to_string());
    assert_eq!(read, plain, "{old} to {new}");
    match expected {
        Ok(expected) => assert_eq!(read, Ok(wave::parse(new, expected).expect("a value of the new type"))),
        Err(expected) => assert_eq!(read, Err(expected.to_owned())),
    }
    body.push(0);
    assert!(conversion.read::<Owned>(&body, &mut { usize::MAX }).is_err(), "bytes are left over");
}

#[test]
fn g07_every_change_is_read_in_one_pass() {
    check(&[Type::U8, Type::S32], "200", Ok("200"));
    check(&[Type::S8, Type::S16, Type::S64], "-7", Ok("-7"));
    check(&[Type::F32, Type::F64], "1.5", Ok("1.5"));
    check(&[Type::U8, Type::U8.option(), Type::U64.option()], "7", Ok("some(7)"));
    check(&[Type::U8.list(), Type::U16.list()], "[1, 2]", Ok("[1, 2]"));
    check(&[Type::U8.option(), Type::U16.option()], "none", Ok("none"));
    check(&[Type::U8.option(), Type::U16.option()], "some(3)", Ok("some(3)"));
    let result = |ok, err: Option<Type>| Type::Result { ok, err: err.map(Box::new) };
    check(&[result(None, Some(Type::U8)), result(None, Some(Type::U16))], "err(3)", Ok("err(3)"));
    check(&[result(None, Some(Type::U8)), result(None, Some(Type::U16))], "ok", Ok("ok"));
    let pair = |ty| Type::Tuple(vec![Type::String, ty]);
    check(&[pair(Type::U8), pair(Type::U16)], r#"("a", 1)"#, Ok(r#"("a", 1)"#));
    let colours = |list: &[&str]| Type::Enum(names(list));
    check(&[colours(&["a", "b"]), colours(&["c", "b", "a"])], "b", Ok("b"));
    check(&[colours(&["a", "b"]), colours(&["a"])], "b", Err("value: the case `b` is unknown"));
    let shape = variant(&[("b", None), ("a", None), ("d", Some(Type::U8))]);
    let wider = variant(&[("d", Some(Type::U16)), ("b", None), ("a", None)]);
    check(&[colours(&["a", "b"]), shape.clone(), wider.clone()], "b", Ok("b"));
    check(&[shape, wider], "d(9)", Ok("d(9)"));
    let flags = |list: &[&str]| Type::Flags(names(list));
    check(&[flags(&["a", "b"]), flags(&["b", "c", "a"])], "{b}", Ok("{b}"));
}

#[test]
fn g07_what_was_dropped_stays_away_in_one_pass() {
    let text = || Type::String.option();
    let both = record(&[("a", Type::U8), ("b", text())]);
    let one = record(&[("a", Type::U8)]);
    let back = record(&[("b", text()), ("a", Type::U32)]);
    check(&[both.clone(), one, back], r#"{a: 1, b: some("x")}"#, Ok("{b: none, a: 1}"));
    let flags = |list: &[&str]| Type::Flags(names(list));
    check(&[flags(&["a", "b"]), flags(&["a"]), flags(&["a", "b"])], "{a, b}", Ok("{a}"));
    let colours = |list: &[&str]| Type::Enum(names(list));
    let gone = Err("value: the case `b` is unknown");
    check(&[colours(&["a", "b"]), colours(&["a"]), colours(&["a", "b"])], "b", gone);
    // A change inside a field that is dropped later refuses what it always refused.
    let inner = |names: &[&str]| record(&[("a", Type::U8), ("e", colours(names))]);
    let without = record(&[("a", Type::U8)]);
    let chain = [inner(&["x", "y"]), inner(&["x"]), without];
    check(&chain, "{a: 1, e: y}", Err("field `e`: the case `y` is unknown"));
    check(&chain, "{a: 1, e: x}", Ok("{a: 1}"));
}

#[test]
fn a_way_back_and_a_long_chain_are_converted_change_by_change() {
    let schemas: Vec<Schema> = [Type::U8, Type::U32, Type::U8].iter().map(schema).collect();
    let chain = Conversion::chain(&schemas);
    let back = chain[1].as_ref().expect("a conversion");
    assert!(!back.is_one_pass());
    let read = |number: u32| {
        let mut body = Vec::new();
        codec::Scalar::encode(number, &mut body);
        back.read::<Owned>(&body, &mut { usize::MAX }).map_err(|error| error.to_string())
    };
    assert_eq!(read(200), Ok(200u8.into()));
    assert_eq!(read(300), Err("value: 300 does not fit `u8`".to_owned()));

    // One case more in each version.
    let all: Vec<String> = (0..=CHANGES_AT_ONCE_MAX + 1).map(|number| format!("c{number}")).collect();
    let schemas: Vec<Schema> = (1..=all.len()).map(|count| schema(&Type::Enum(all[..count].to_vec()))).collect();
    let chain = Conversion::chain(&schemas);
    let one_pass = |index: usize| chain[index].as_ref().map(Conversion::is_one_pass);
    assert_eq!((one_pass(0), one_pass(1)), (Some(false), Some(true)));
    for conversion in chain.iter().flatten() {
        assert_eq!(conversion.read::<Owned>(&[0], &mut { usize::MAX }), Ok(Value(crate::Parts::Enum("c0".into()))));
    }
}

#[test]
fn g14_room_is_counted_while_values_are_read() {
    let (old, new) = (Type::bytes(), Type::U16.list());
    let conversion = Conversion::between(&old, &new).expect("wider");
    let mut body = Vec::new();
    codec::encode::<Owned>(&old, &Value::bytes(&[7; 100]), &mut body).expect("encoded");
    let needed = 100 * size_of::<Value>();
    for (room, enough) in [(needed, true), (needed - 1, false)] {
        let mut left = room;
        let same = codec::decode_within::<Owned>(&old, &mut &body[..], &mut left);
        assert_eq!(same.is_ok(), enough);
        let converted = conversion.read::<Owned>(&body, &mut { room });
        assert_eq!(converted.is_ok(), enough);
        if enough {
            assert_eq!(left, 0);
        } else {
            assert_eq!(converted, Err(ReadError::Codec(CodecError::NoRoom)));
        }
    }
}
