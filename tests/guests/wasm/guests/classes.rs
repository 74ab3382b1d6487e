//! Times the functions of maps of many types, from within: what a plugin waits for, its own work included.

stead_guest::bindings!(path: "wit/classes");

use std::hint::black_box;
use std::time::Instant;

use exports::test::classes::timing::{Class, Guest};
use test::classes::types::{Ballot, Colour, Envelope, Letter, Marks, Origin, Shape};
use test::classes::{
    ballots, blobs, colours, letters, numbers, pairs, perhaps, reals, rights, series, shapes, smalls, texts,
};

const KEYS: u64 = 100;
const SMALL: usize = 100;
const LARGE: usize = 4 << 10;

struct Classes;

/// What each class means: its map, its key for a number as the imports take it, and its value, likewise.
macro_rules! with_class {
    ($class:expr, $run:ident, $operations:expr) => {
        match $class {
            Class::U64 => $run!(numbers, $operations, key => key, 1 << 40),
            Class::U8 => $run!(smalls, $operations, key => key, 7),
            Class::F64 => $run!(reals, $operations, key => key, 0.5),
            Class::String => $run!(texts, $operations, key => &text(key), "a text of some forty bytes, as most are"),
            Class::BytesSmall => $run!(blobs, $operations, key => &text(key), &[7; SMALL]),
            Class::BytesLarge => $run!(blobs, $operations, key => &text(key), &[7; LARGE]),
            Class::Record => $run!(ballots, $operations, key => &text(key), &ballot()),
            Class::NestedSmall => $run!(letters, $operations, key => &text(key), &letter(SMALL)),
            Class::NestedLarge => $run!(letters, $operations, key => &text(key), &letter(LARGE)),
            Class::Variant => $run!(shapes, $operations, key => key, &Shape::Circle(3)),
            Class::Enum => $run!(colours, $operations, key => key, Colour::Yellow),
            Class::Flags => $run!(rights, $operations, key => key, Marks::VERIFIED | Marks::PINNED),
            Class::Option => $run!(perhaps, $operations, key => key, Some(1 << 40)),
            Class::TupleKeys => $run!(pairs, $operations, key => (&text(key), key), 1 << 40),
            Class::BigList => $run!(series, $operations, key => key, &vec![1 << 40; 1000]),
        }
    };
}

macro_rules! set {
    ($map:ident, $operations:expr, $number:ident => $key:expr, $value:expr) => {{
        let value = $value;
        timed($operations, |$number| $map::set($key, value))
    }};
}

macro_rules! get {
    ($map:ident, $operations:expr, $number:ident => $key:expr, $value:expr) => {
        timed($operations, |$number| {
            black_box($map::get($key).expect("the key was set"));
        })
    };
}

macro_rules! scan {
    ($map:ident, $operations:expr, $number:ident => $key:expr, $value:expr) => {
        timed($operations / KEYS as u32, |_| assert_eq!(black_box($map::scan(None, KEYS as u32)).len(), KEYS as usize))
    };
}

impl Guest for Classes {
    fn set(class: Class, operations: u32) -> u64 {
        with_class!(class, set, operations)
    }

    fn get(class: Class, operations: u32) -> u64 {
        with_class!(class, get, operations)
    }

    fn scan(class: Class, operations: u32) -> u64 {
        with_class!(class, scan, operations)
    }
}

fn timed(operations: u32, mut operation: impl FnMut(u64)) -> u64 {
    let began = Instant::now();
    for number in 0..operations {
        operation(u64::from(number) % KEYS);
    }
    began.elapsed().as_nanos() as u64
}

fn text(key: u64) -> String {
    format!("key {key}")
}

fn ballot() -> Ballot {
    Ballot {
        voter: "somebody@example.com".to_owned(),
        choice: Colour::Blue,
        weight: 3,
        note: Some("by letter".to_owned()),
        origin: Origin::Api("counter".to_owned()),
        marks: Marks::VERIFIED | Marks::LATE,
        tags: vec![("office".to_owned(), 7), ("round".to_owned(), 2)],
    }
}

fn letter(bytes: usize) -> Letter {
    Letter { number: 12, envelope: Envelope { sender: "somebody@example.com".to_owned(), content: vec![7; bytes] } }
}

export!(Classes);
