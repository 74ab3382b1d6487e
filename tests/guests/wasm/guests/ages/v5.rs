//! The enum becomes a variant; changes inside a variant, a tuple and a list.

stead_guest::bindings!(path: "wit/ages-5");

#[path = "every.rs"]
mod every;

use every::{Line, numbers, or_absent};
use test::ages::types::{Colour, Item, Marks, Size};

struct Ages;

fn plain() -> Item {
    Item {
        count: Some(7),
        shade: 1.5,
        colour: Colour::Red,
        marks: Marks::B,
        size: Size::Large(9),
        pair: (1, -1),
        note: None,
        tries: vec![Some(4), Some(5)],
        outcome: Ok(8),
        label: None,
    }
}

fn full() -> Item {
    Item {
        count: Some(65_003),
        shade: 0.3,
        colour: Colour::Blue,
        marks: Marks::D | Marks::B,
        size: Size::Large(1 << 20),
        pair: (60_000, -30_003),
        note: Some(1 << 30),
        tries: vec![None, Some(5)],
        outcome: Err("late".to_owned()),
        label: Some("written by 5".to_owned()),
    }
}

fn show(item: &Item) -> String {
    let marks = [(Marks::A, "a"), (Marks::B, "b"), (Marks::C, "c"), (Marks::D, "d")];
    let line = Line {
        count: or_absent(item.count),
        shade: item.shade,
        colour: match item.colour {
            Colour::Red => "red",
            Colour::Green => "green",
            Colour::Blue => "blue",
        }
        .to_owned(),
        marks: numbers(marks.iter().filter(|(mark, _)| item.marks.contains(*mark)).map(|(_, name)| name)),
        size: match item.size {
            Size::Small => "small".to_owned(),
            Size::Large(size) => format!("large {size}"),
            Size::Huge(size) => format!("huge {size}"),
        },
        pair: (item.pair.0.into(), item.pair.1.into()),
        note: or_absent(item.note),
        tries: numbers(item.tries.iter().map(|number| or_absent(*number))),
        outcome: item.outcome.clone().map(Into::into),
        label: or_absent(item.label.as_ref()),
        extra: or_absent(None::<String>),
    };
    line.print()
}

export!(Ages);
