//! Types and values that someone chose to do harm: refused, or bounded in time and in what is said about them.

use std::time::{Duration, Instant};

use stead_schema::codec::{self, CodecError};
use stead_schema::limits::{DIFFERENCES_MAX, FIELDS_LEFT_OUT_MAX, TYPE_DEPTH_MAX, TYPE_PARTS_MAX, TYPE_TEXT_CHARS_MAX};
use stead_schema::text::{json, wave};
use stead_schema::{
    Admission, Case, Collection, Conversion, Declared, Field, Function, Identity, Kind, Ledger, Owned, Parts, Path,
    Schema, Segment, Shape, Type, Value, Verdict, admit, compare, recognise, skeleton,
};

use crate::wit::ty;

/// Far more than a type may have, so that work in the square of it takes minutes.
const MANY: usize = 100_000;

/// What work in proportion takes a small part of, on a busy machine too.
const SOON: Duration = Duration::from_secs(20);

fn cell(value: &Type) -> Schema {
    Schema { kind: Kind::Cell, key: None, value: Some(value.clone()), signed: None }
}

fn names(count: usize) -> impl DoubleEndedIterator<Item = String> + Clone {
    (0..count).map(|index| format!("some-member-{index}"))
}

fn record(names: impl Iterator<Item = String>, ty: &Type) -> Type {
    Type::Record(names.map(|name| Field { name, ty: ty.clone() }).collect())
}

fn variant(names: impl Iterator<Item = String>, ty: &Option<Type>) -> Type {
    Type::Variant(names.map(|name| Case { name, ty: ty.clone() }).collect())
}

fn in_time<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    assert!(start.elapsed() < SOON, "{what} took {:?}", start.elapsed());
    result
}

#[test]
fn g14_comparisons_take_time_in_proportion_to_the_types() {
    let members = || names(MANY);
    let pairs = [
        (record(members(), &Type::U8), record(members().rev(), &Type::U8.option()), Verdict::Widening),
        (record(members(), &Type::U8), record(members().skip(1), &Type::U8), Verdict::Lossy),
        (Type::Enum(members().collect()), Type::Enum(members().rev().collect()), Verdict::Widening),
        (Type::Enum(members().collect()), variant(members().rev(), &None), Verdict::Widening),
        (variant(members(), &Some(Type::U8)), variant(members().rev(), &Some(Type::Char)), Verdict::Incompatible),
        (Type::Flags(members().collect()), Type::Flags(members().rev().skip(1).collect()), Verdict::Lossy),
    ];
    for (old, new, verdict) in pairs {
        let comparison = in_time("compare", || compare(&cell(&old), &cell(&new)));
        assert_eq!(comparison.verdict, verdict);
        assert!(comparison.differences.len() <= DIFFERENCES_MAX);
    }
}

/// Counts are of all differences, and the worst are among those that are listed, wherever they stand.
#[test]
fn g14_differences_are_bounded_and_the_worst_are_listed() {
    let old = record(names(3_000), &Type::U8);
    let Type::Record(mut fields) = record(names(3_000), &Type::U16) else { unreachable!() };
    fields[2_999].ty = Type::Char;
    fields.remove(1_500);
    let comparison = compare(&cell(&old), &cell(&Type::Record(fields)));
    assert_eq!(comparison.verdict, Verdict::Incompatible);
    assert_eq!((comparison.differences.len(), comparison.unlisted), (DIFFERENCES_MAX, 3_000 - DIFFERENCES_MAX));
    let count = |verdict| comparison.differences.iter().filter(|difference| difference.verdict == verdict).count();
    assert_eq!((count(Verdict::Incompatible), count(Verdict::Lossy)), (1, 1));
    assert!(comparison.sentence(Verdict::Lossy).ends_with("is gone; and 2900 more"));
}

/// Whatever the types, every message about them is short enough to read.
#[test]
fn g14_messages_are_bounded() {
    const MESSAGE_BYTES_MAX: usize = 64 << 10;
    let long = |mark: &str| mark.repeat(1_000);
    // As many records inside each other as a type may have, with long names, and members at the end.
    let nest = |mut inner: Type| {
        for _ in 0..TYPE_DEPTH_MAX - 2 {
            inner = Type::Record(vec![Field { name: long("a"), ty: inner }]);
        }
        inner
    };
    let members = |ty: &Type| record((0..4_000).map(|index| format!("{}{index}", long("b"))), ty);
    let (old, new) = (nest(members(&Type::U8)), nest(members(&Type::Char)));
    assert_eq!(old.check(), Ok(()));
    let brief = |ty: &Type| assert!(ty.brief().chars().count() <= TYPE_TEXT_CHARS_MAX, "{}", ty.brief());
    brief(&old);
    brief(&members(&Type::U8));
    brief(&Type::Tuple(vec![Type::U64; 5_000]));
    let comparison = in_time("compare", || compare(&cell(&old), &cell(&new)));
    let sentence = comparison.sentence(Verdict::Incompatible);
    assert!(sentence.len() < 2 * MESSAGE_BYTES_MAX, "{} bytes", sentence.len());

    let declared = |value: &Type| {
        let identity = Identity::parse("acme:tally/ballots@1.0.0").unwrap();
        let shape = Shape { kind: Some(Kind::Cell), value: Some(value.clone()), ..Shape::default() };
        Declared { identity, interface: "acme:tally/ballots@1.0.0".into(), shape, old: false }
    };
    let ledger = admit(&Ledger::default(), &[declared(&old)], &Admission::default()).unwrap().ledger;
    let refused = admit(&ledger, &[declared(&new)], &Admission::default()).unwrap_err().to_string();
    assert!(refused.len() < 2 * MESSAGE_BYTES_MAX, "{} bytes", refused.len());

    let function = |name: &str, params: Vec<Type>| Function { name: name.into(), params, result: Some(old.clone()) };
    for functions in [
        vec![function("get", vec![old.clone(); 3])],
        vec![function(&long("x"), vec![Type::U8; 5_000])],
        vec![
            Function { name: "set".into(), params: vec![old.clone()], result: None },
            Function { name: "get".into(), params: Vec::new(), result: Some(new.clone().option()) },
        ],
        vec![
            Function { name: "len".into(), params: vec![], result: Some(Type::U64) },
            function("contains", vec![old.clone()]),
        ],
        vec![Function { name: "contains".into(), params: vec![old.clone().list()], result: Some(Type::Bool) }],
    ] {
        let message = recognise("a:b/c", &functions).unwrap_err().to_string();
        assert!(message.len() < MESSAGE_BYTES_MAX, "{} bytes", message.len());
    }
    for given in [serde_json::json!(1), serde_json::json!({ "x": 1 }), serde_json::json!({})] {
        let message = json::from_json(&members(&Type::U8), &given).unwrap_err().to_string();
        assert!(message.len() < MESSAGE_BYTES_MAX, "{} bytes", message.len());
    }
    let message = codec::encode::<Owned>(&old, &1u8.into(), &mut Vec::new()).unwrap_err().to_string();
    assert!(message.len() < MESSAGE_BYTES_MAX, "{} bytes", message.len());
    let path = Path(vec![Segment::Field(long("c")); 60]);
    assert!(path.to_string().len() < 2_000);
}

#[test]
fn g14_types_that_are_too_deep_or_too_large_are_refused() {
    let get = |ty: Type| [Function { name: "get".into(), params: Vec::new(), result: Some(ty.option()) }];
    let refusal = |ty: Type| recognise("a:b/c", &get(ty)).unwrap_err().to_string();
    let around = |wrap: fn(Type) -> Type| (0..100).fold(Type::U8, |inner, _| wrap(inner));
    let wraps: [fn(Type) -> Type; 6] = [
        Type::list,
        Type::option,
        |inner| Type::Result { ok: None, err: Some(Box::new(inner)) },
        |inner| Type::Tuple(vec![inner]),
        |inner| Type::Record(vec![Field { name: "a".into(), ty: inner }]),
        |inner| Type::Variant(vec![Case { name: "a".into(), ty: Some(inner) }]),
    ];
    for wrap in wraps {
        let deep = around(wrap);
        let message = refusal(deep.clone());
        assert!(message.ends_with(&format!("nested deeper than {TYPE_DEPTH_MAX} levels")), "{message}");
        assert!(message.len() < 1_000, "{message}");
        // The ledger's own reader is as strict.
        let collection = Collection {
            number: 0,
            kind: Kind::Cell,
            schemas: vec![cell(&deep)],
            writer: String::new(),
            dropped: false,
        };
        let ledger = Ledger { collections: [(Identity::parse("a:b/c").unwrap(), collection)].into() };
        assert!(Ledger::decode(ledger.encode()).is_err());
    }
    let large = |count: usize| record(names(count), &Type::U8);
    assert_eq!(large(TYPE_PARTS_MAX / 2 - 1).check(), Ok(()));
    for large in [large(TYPE_PARTS_MAX / 2), large(10_000), Type::Enum(names(10_000).collect())] {
        assert_eq!(refusal(large), format!("`a:b/c`: the type has more than {TYPE_PARTS_MAX} parts"));
    }
}

/// A few bytes of text do not become gigabytes of values.
#[test]
fn g14_json_that_leaves_much_out_is_refused() {
    let ty = record(names(4_000), &Type::U8.option()).list();
    let document = |count: usize| serde_json::Value::Array(vec![serde_json::json!({}); count]);
    assert!(json::from_json(&ty, &document(FIELDS_LEFT_OUT_MAX / 4_000)).is_ok());
    let message = json::from_json(&ty, &document(FIELDS_LEFT_OUT_MAX / 4_000 + 1)).unwrap_err().to_string();
    assert_eq!(message, format!("at $[65]: more than {FIELDS_LEFT_OUT_MAX} fields are left out of the whole document"));
}

#[test]
fn g14_wave_that_leaves_much_out_is_refused() {
    let ty = record(names(4_000), &Type::U8.option()).list();
    let most = FIELDS_LEFT_OUT_MAX / 4_000;
    let text = |count: usize| format!("[{}]", vec!["{:}"; count].join(", "));
    assert!(wave::parse(&ty, &text(most).replace(':', "some-member-0: 1")).is_ok());
    for text in [text(most + 1), text(1_000_000)] {
        let message = wave::parse(&ty, &text).unwrap_err().to_string();
        assert!(message.contains("fields may be left out of the whole text"), "{message}");
        assert!(wave::parse_arguments(&text, std::slice::from_ref(&ty)).unwrap_err().to_string() == message);
    }
    // Braces in texts, characters and comments open no record.
    let two = record(names(4_000).chain(["text".to_owned()]), &Type::String.option());
    let braces = "{".repeat(1_000);
    let given = format!("// {braces}\n{{text: \"\\\"{braces}\", some-member-7: \"\"\"\n  {braces}\n  \"\"\"}}");
    let value = wave::parse(&two, &given).unwrap();
    assert_eq!(wave::parse(&two, &wave::print(&value, &two)), Ok(value));
}

/// A length is believed only as far as its bytes go.
#[test]
fn g14_lengths_that_are_claimed_are_refused() {
    let claims: [&[u8]; 3] = [
        &[0x80, 0x80, 0x80, 0x80, 0x10],
        &[0xff, 0xff, 0xff, 0xff, 0x0f],
        &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
    ];
    for text in ["string", "list<u8>", "list<string>", "list<list<u64>>", "list<record { a: u8, b: string }>", "char"] {
        for claim in claims {
            let bytes = [claim, &[0; 100]].concat();
            let refused = codec::decode_whole::<Owned>(&ty(text), &bytes);
            assert!(matches!(refused, Err(CodecError::Malformed { .. })), "{text}: {refused:?}");
        }
    }
}

#[test]
fn g14_texts_that_are_no_utf_8_are_refused() {
    for text in [&[0xff][..], &[0xc0, 0x80], &[0xed, 0xa0, 0x80], &[0xf4, 0x90, 0x80, 0x80], &[0xe2, 0x82]] {
        let stored = [&[text.len() as u8], text].concat();
        for name in ["string", "char"] {
            let refused = codec::decode_whole::<Owned>(&ty(name), &stored).unwrap_err();
            assert_eq!(refused.to_string(), "value: no UTF-8");
        }
        let key = [text, &[0, 0]].concat();
        assert!(stead_schema::key::decode_whole::<Owned>(&Type::String, &key).is_err());
    }
}

/// Every NaN is one value with one encoding, also inside a list and after widening.
#[test]
fn g05_nans_have_one_form() {
    let encode = |ty: &Type, value: &Value| {
        let mut bytes = Vec::new();
        codec::encode::<Owned>(ty, value, &mut bytes).unwrap();
        bytes
    };
    let signals = [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0xff80_0001, 0x7fff_ffff, 0x7fc1_2345].map(f32::from_bits);
    let list = Type::F32.list();
    let widen = Conversion::between(&list, &Type::F64.list()).unwrap();
    for nan in signals {
        let value = Value(Parts::List(vec![nan.into()]));
        assert_eq!(encode(&list, &value), [1, 0, 0, 0xc0, 0x7f]);
        let wide = encode(&Type::F64.list(), &widen.apply(value).unwrap());
        assert_eq!(wide, [1, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f]);
        let stored = nan.to_le_bytes();
        assert_eq!(codec::decode_whole::<Owned>(&Type::F32, &stored).is_ok(), stored == [0, 0, 0xc0, 0x7f]);
    }
}

/// More flags than a component can carry, but not more than a type can have.
#[test]
fn flags_past_64_are_flags() {
    for count in [33, 64, 65, 129] {
        let flags: Vec<String> = names(count).collect();
        let ty = Type::Flags(flags.clone());
        let one_more = compare(&cell(&ty), &cell(&Type::Flags(names(count + 1).collect())));
        assert_eq!((one_more.verdict, one_more.differences.len()), (Verdict::Widening, 1));
        let one_less = compare(&cell(&ty), &cell(&Type::Flags(names(count).skip(1).collect())));
        assert_eq!((one_less.verdict, one_less.differences.len()), (Verdict::Lossy, 1));
        for set in [vec![], flags.clone(), vec![flags[count - 1].clone()], flags.iter().step_by(3).cloned().collect()] {
            let value = Value(Parts::Flags(set));
            let mut bytes = Vec::new();
            codec::encode::<Owned>(&ty, &value, &mut bytes).unwrap();
            assert_eq!(bytes.len(), count.div_ceil(8));
            assert_eq!(codec::decode_whole::<Owned>(&ty, &bytes), Ok(value));
        }
        let mut beyond = vec![0; count.div_ceil(8)];
        beyond[count / 8 - usize::from(count % 8 == 0)] |= if count % 8 == 0 { 0 } else { 1 << (count % 8) };
        assert_eq!(codec::decode_whole::<Owned>(&ty, &beyond).is_err(), count % 8 != 0);
    }
}

/// Neither WIT nor a component has them; a ledger that names them is refused.
#[test]
fn types_without_members_are_refused() {
    for (ty, what) in [
        (Type::Record(Vec::new()), "record"),
        (Type::Tuple(Vec::new()), "tuple"),
        (Type::Variant(Vec::new()), "variant"),
        (Type::Enum(Vec::new()), "enum"),
        (Type::Flags(Vec::new()), "flags"),
    ] {
        let message = ty.clone().list().option().check().unwrap_err().to_string();
        assert_eq!(message, format!("inside `some`, list element: `{what}` without members"));
        let collection =
            Collection { number: 0, kind: Kind::Cell, schemas: vec![cell(&ty)], writer: String::new(), dropped: false };
        let ledger = Ledger { collections: [(Identity::parse("a:b/c").unwrap(), collection)].into() };
        assert!(Ledger::decode(ledger.encode()).is_err());
    }
}

/// The largest types there are make a skeleton in time, and no longer than they are.
#[test]
fn g14_skeletons_of_large_types_are_in_proportion() {
    let ballots = |value: Type| Declared {
        identity: Identity::parse("acme:tally/ballots@1.0.0").unwrap(),
        interface: "acme:tally/ballots@1.0.0".into(),
        shape: Shape { kind: Some(Kind::Cell), value: Some(value), ..Shape::default() },
        old: false,
    };
    let nest = |inner: Type| {
        (0..TYPE_DEPTH_MAX - 2).fold(inner, |inner, _| Type::Record(vec![Field { name: "a".repeat(1_000), ty: inner }]))
    };
    let old = nest(record(names(4_800), &Type::U8));
    let new = ballots(nest(record(names(4_800), &Type::Char)));
    let state = [(Identity::parse("acme:tally/ballots@1").unwrap(), cell(&old))];
    let made = in_time("skeleton", || skeleton(&state, &[new])).unwrap();
    assert!(made.wit.len() + made.rust.len() < 8 << 20, "{} and {} bytes", made.wit.len(), made.rust.len());
}
