//! G7: every type that can be stored comes back as it went in, and keys stand in the natural order of their values.

use stead_runtime::{Call, Host};
use stead_schema::{Parts, Value};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{FOREST, KINDS};

use crate::harness::{call, open, returned, with_plugin};

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value(Parts::List(items.into_iter().collect()))
}

fn tuple(items: impl IntoIterator<Item = Value>) -> Value {
    Value(Parts::Tuple(items.into_iter().collect()))
}

fn case(name: &str, payload: Option<Value>) -> Value {
    Value(Parts::Variant(name.into(), payload.map(Box::new)))
}

fn ok(value: Option<Value>) -> Value {
    Value(Parts::Result(Ok(value.map(Box::new))))
}

fn err(value: Option<Value>) -> Value {
    Value(Parts::Result(Err(value.map(Box::new))))
}

fn one_of(name: &str) -> Value {
    Value(Parts::Enum(name.into()))
}

fn set_of(names: &[&str]) -> Value {
    Value(Parts::Flags(names.iter().map(|name| (*name).to_owned()).collect()))
}

/// Pseudo-random numbers that repeat.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn some(&mut self, make: impl FnOnce(&mut Numbers) -> Value) -> Value {
        match self.below(3) {
            0 => Value::none(),
            _ => make(self).some(),
        }
    }

    fn many(&mut self, mut make: impl FnMut(&mut Numbers) -> Value) -> Value {
        list((0..self.below(4)).map(|_| make(self)).collect::<Vec<_>>())
    }

    fn double(&mut self) -> Value {
        let special = [f64::NAN, -0.0, f64::INFINITY, f64::MIN_POSITIVE / 2.0, f64::from_bits(0x7ff8_dead_beef_0001)];
        special.get(self.below(8) as usize).copied().unwrap_or(self.next() as f64).into()
    }

    fn leaf(&mut self) -> Value {
        let text = |numbers: &mut Numbers| Value::from(["", "ü\0 \u{10ffff}", "plain"][numbers.below(3) as usize]);
        Value::record([
            ("number", Value::from(self.next() as u8)),
            ("note", self.some(|numbers| numbers.some(|numbers| numbers.some(text)))),
            (
                "outcome",
                match self.below(4) {
                    0 => ok(Some(ok(Some((self.next() as u8).into())))),
                    1 => ok(Some(err(Some(text(self))))),
                    2 => err(Some(Value::none())),
                    _ => err(Some(Value::from('é').some())),
                },
            ),
            ("bare", if self.below(2) == 0 { ok(None) } else { err(None) }),
            (
                "only-ok",
                match self.below(2) {
                    0 => ok(Some(self.many(|numbers| (numbers.next() as i16).into()))),
                    _ => err(None),
                },
            ),
            (
                "only-err",
                match self.below(2) {
                    0 => ok(None),
                    _ => err(Some(tuple([f32::from_bits(self.next() as u32).into(), self.double()]))),
                },
            ),
        ])
    }

    fn node(&mut self) -> Value {
        match self.below(5) {
            0 => case("empty", None),
            1 => case("leaf", Some(self.leaf())),
            2 => case("both", Some(tuple([self.leaf(), self.many(Numbers::leaf)]))),
            3 => case(
                "marks",
                Some(list([set_of(&[]), set_of(&["late"]), set_of(&["early", "late"])].into_iter().cycle().take(7))),
            ),
            _ => case(
                "deep",
                Some(self.some(|numbers| match numbers.below(2) {
                    0 => ok(Some(numbers.many(|numbers| numbers.many(Numbers::double)))),
                    _ => err(Some(tuple([i8::MIN.into(), one_of("spades"), true.into()]))),
                })),
            ),
        }
    }

    fn tree(&mut self) -> Value {
        let named = |numbers: &mut Numbers| tuple([format!("node {}", numbers.below(9)).into(), numbers.node()]);
        let suit = |numbers: &mut Numbers| one_of(["clubs", "hearts", "spades"][numbers.below(3) as usize]);
        let bytes = |numbers: &mut Numbers| Value::bytes(&numbers.next().to_le_bytes()[..numbers.below(9) as usize]);
        let wide = tuple([(self.next() as i32).into(), (self.next() as u32).into()]);
        Value::record([
            ("nodes", self.many(Numbers::node)),
            ("named", self.many(named)),
            ("bytes", self.many(bytes)),
            ("suits", self.many(suit)),
            (
                "pair",
                tuple([
                    tuple([(self.next() as u16).into(), wide]),
                    tuple([(self.next() as i64).into(), self.next().into()]),
                ]),
            ),
        ])
    }
}

#[tokio::test]
async fn g07_types_inside_types_come_back_as_they_went_in() {
    let (disk, host) = with_plugin(FOREST).await;
    let mut numbers = Numbers(7);
    let trees: Vec<Value> = (0..60).map(|_| numbers.tree()).collect();
    for (key, tree) in trees.iter().enumerate() {
        call(&host, "trees-set", vec![(key as u8).into(), tree.clone()]).await;
        assert_eq!(call(&host, "grove-append", vec![tree.clone()]).await, Some((key as u64).into()));
    }
    host.close().await.unwrap();
    let (host, _) = open(&disk).await;
    for (key, tree) in trees.iter().enumerate() {
        let expected = Some(tree.clone().some());
        assert_eq!(call(&host, "trees-get", vec![(key as u8).into()]).await, expected);
        assert_eq!(call(&host, "grove-at", vec![(key as u64).into()]).await, expected);
    }
    let entries = trees.iter().enumerate().map(|(key, tree)| tuple([(key as u8).into(), tree.clone()]));
    let scanned = call(&host, "trees-scan", vec![Value::none(), 100u32.into()]).await;
    assert_eq!(scanned, Some(list(entries)));
}

/// A record with one field of every type; the numbers are the least or the greatest of theirs.
fn everything(least: bool) -> Value {
    fn end<T>(least: bool, from: T, to: T) -> Value
    where
        Value: From<T>,
    {
        if least { from.into() } else { to.into() }
    }
    Value::record([
        ("truth", end(least, false, true)),
        ("a", end(least, u8::MIN, u8::MAX)),
        ("b", end(least, u16::MIN, u16::MAX)),
        ("c", end(least, u32::MIN, u32::MAX)),
        ("d", end(least, u64::MIN, u64::MAX)),
        ("e", end(least, i8::MIN, i8::MAX)),
        ("f", end(least, i16::MIN, i16::MAX)),
        ("g", end(least, i32::MIN, i32::MAX)),
        ("h", end(least, i64::MIN, i64::MAX)),
        ("single", end(least, f32::NAN, -0.0)),
        ("double", end(least, f64::NEG_INFINITY, f64::from_bits(1))),
        ("letter", end(least, '\0', char::MAX)),
        ("text", end(least, String::new(), "a\0\u{10ffff}".repeat(500))),
        ("bytes", Value::bytes(if least { &[] } else { &[0, 255, 0] })),
        ("words", list(if least { vec![] } else { vec!["".into(), "b".into()] })),
        ("maybe", if least { Value::none() } else { Value::none().some() }),
        ("outcome", if least { ok(Some("".into())) } else { err(Some(7u32.into())) }),
        ("bare", if least { ok(None) } else { err(None) }),
        ("pair", tuple([end(least, 0u8, 255), "x".into()])),
        ("colour", one_of(if least { "red" } else { "blue" })),
        ("marks", set_of(if least { &[] } else { &["verified", "import"] })),
        ("shape", if least { case("nothing", None) } else { case("circle", Some(u32::MAX.into())) }),
    ])
}

#[tokio::test]
async fn g07_the_ends_of_every_type_come_back() {
    let (_, host) = with_plugin(KINDS).await;
    assert_eq!(call(&host, "all-get", vec![]).await, Some(Value::none()));
    for least in [true, false] {
        call(&host, "all-set", vec![everything(least)]).await;
        assert_eq!(call(&host, "all-get", vec![]).await, Some(everything(least).some()));
    }
    // An empty cell and one that holds `none` are two things.
    assert_eq!(call(&host, "perhaps-get", vec![]).await, Some(Value::none()));
    call(&host, "perhaps-set", vec![Value::none()]).await;
    assert_eq!(call(&host, "perhaps-get", vec![]).await, Some(Value::none().some()));
}

/// Keys that are set in a mixed order are scanned in the given one.
async fn check_order(host: &Host, map: &str, value: Value, keys: Vec<Value>) {
    let set = |key: &Value| Call::new("box", format!("{map}-set"), vec![key.clone(), value.clone()]);
    let mut numbers = Numbers(11);
    let mut mixed: Vec<&Value> = keys.iter().collect();
    mixed.sort_by_key(|_| numbers.next());
    for key in mixed {
        returned(host.call(set(key)).await);
    }
    let entries = |keys: &[Value]| Some(list(keys.iter().map(|key| tuple([key.clone(), value.clone()]))));
    let scan = format!("{map}-scan");
    assert_eq!(call(host, &scan, vec![Value::none(), 1000u32.into()]).await, entries(&keys), "{map}");
    for (place, key) in keys.iter().enumerate() {
        let from = vec![key.clone().some(), 2u32.into()];
        assert_eq!(call(host, &scan, from).await, entries(&keys[place..keys.len().min(place + 2)]), "{map}");
    }
}

#[tokio::test]
async fn g07_keys_of_every_type_stand_in_natural_order() {
    fn all<T: Into<Value>>(keys: impl IntoIterator<Item = T>) -> Vec<Value> {
        keys.into_iter().map(Into::into).collect()
    }
    let (_, host) = with_plugin(KINDS).await;
    check_order(&host, "by-bool", 1u8.into(), all([false, true])).await;
    check_order(&host, "by-u8", Value::bytes(b"x"), all([0u8, 1, 127, 128, 255])).await;
    check_order(&host, "by-u64", 1u64.into(), all([0u64, 255, 256, 1 << 32, (1 << 32) + 1, u64::MAX])).await;
    check_order(&host, "by-s64", "x".into(), all([i64::MIN, -256, -255, -1, 0, 1, 255, 256, i64::MAX])).await;
    let letters = ['\0', 'A', 'a', '\u{7f}', '\u{80}', 'é', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', char::MAX];
    check_order(&host, "by-char", 0.5f64.into(), all(letters)).await;
    let bytes: [&[u8]; 9] = [b"", b"\0", b"\0\0", b"\0\0\x01", b"\0\x01", b"\0\xff", b"\x01", b"a", b"a\0"];
    check_order(&host, "by-bytes", Value::bytes(b""), bytes.map(Value::bytes).into()).await;
    check_order(&host, "by-colour", set_of(&["late"]), ["red", "green", "blue"].map(one_of).into()).await;
    let texts = ["", "\0", "\0a", "A", "a", "a\0", "aa", "b", "é", "\u{ffff}", "\u{10000}"];
    check_order(&host, "strings", "x".into(), all(texts)).await;
    let badge = |office: &str, inner: &str, rank: i16| {
        tuple([office.into(), Value::record([("office", inner.into()), ("rank", rank.into())])])
    };
    let badges = vec![
        badge("", "", i16::MIN),
        badge("", "", -1),
        badge("", "", 0),
        badge("", "a", i16::MIN),
        badge("a", "", 1),
        badge("a", "b", -1),
        badge("a\0", "", 0),
        badge("ab", "", i16::MAX),
    ];
    check_order(&host, "badges", everything(true), badges).await;
}

/// A key with a field of every type, from numbers that say where it stands.
fn rank((minus, short, wide): (i8, i16, (i32, u16, u32)), letter: char, flag: bool, raw: &[u8], suit: &str) -> Value {
    Value::record([
        ("minus", minus.into()),
        ("short", short.into()),
        ("wide", tuple([wide.0.into(), tuple([wide.1.into(), wide.2.into()])])),
        ("letter", letter.into()),
        ("flag", flag.into()),
        ("raw", Value::bytes(raw)),
        ("suit", one_of(suit)),
    ])
}

#[tokio::test]
async fn g07_keys_of_nested_types_stand_in_natural_order() {
    let (_, host) = with_plugin(FOREST).await;
    let low = (0, 0, (0, 0, 0));
    let keys = vec![
        rank((-128, 9, (9, 9, 9)), 'z', true, b"z", "spades"),
        rank((-1, 9, (9, 9, 9)), 'z', true, b"z", "spades"),
        rank((0, -300, (9, 9, 9)), 'z', true, b"z", "spades"),
        rank((0, 0, (-70_000, 9, 9)), 'z', true, b"z", "spades"),
        rank((0, 0, (-1, 300, 9)), 'z', true, b"z", "spades"),
        rank(low, 'a', false, b"", "clubs"),
        rank(low, 'a', false, b"", "hearts"),
        rank(low, 'a', false, b"", "spades"),
        rank(low, 'a', false, b"\0", "clubs"),
        rank(low, 'a', false, b"\0\0", "clubs"),
        rank(low, 'a', false, b"\x01", "clubs"),
        rank(low, 'a', true, b"", "clubs"),
        rank(low, 'b', false, b"", "clubs"),
        rank(low, 'é', false, b"", "clubs"),
        rank((0, 0, (0, 0, 1)), 'a', false, b"", "clubs"),
        rank((0, 0, (0, 1, 0)), 'a', false, b"", "clubs"),
        rank((0, 0, (0, 256, 0)), 'a', false, b"", "clubs"),
        rank((127, i16::MIN, (i32::MIN, 0, 0)), '\0', false, b"", "clubs"),
    ];
    check_order(&host, "ranks", 7u32.into(), keys.clone()).await;
    let entries = |keys: &[Value]| Some(list(keys.iter().map(|key| tuple([key.clone(), 7u32.into()]))));
    for (place, key) in keys.iter().enumerate() {
        let after = call(&host, "ranks-scan-after", vec![key.clone(), 3u32.into()]).await;
        assert_eq!(after, entries(&keys[(place + 1).min(keys.len())..keys.len().min(place + 4)]));
        let before = call(&host, "ranks-scan-back", vec![key.clone().some(), 100u32.into()]).await;
        assert_eq!(before, entries(&keys[..place].iter().rev().cloned().collect::<Vec<_>>()));
    }
}

#[tokio::test]
async fn g05_all_nans_are_one_value_in_the_root() {
    let mut roots = Vec::new();
    for bits in [0x7fc0_0000_u32, 0x7fc0_0001, 0xffc0_0000, 0x7f80_0001] {
        let (_, host): (SimDisk, Host) = with_plugin(KINDS).await;
        let mut value = everything(true);
        if let Parts::Record(fields) = &mut value.0 {
            let single = fields.iter_mut().find(|(name, _)| name == "single").expect("a field");
            single.1 = f32::from_bits(bits).into();
        }
        call(&host, "all-set", vec![value]).await;
        roots.push(host.show("box").unwrap().root);
        host.close().await.unwrap();
    }
    assert!(roots.windows(2).all(|pair| pair[0] == pair[1]), "{roots:?}");
}
