//! A count that may be absent, a wider note, a size more.

stead_guest::bindings!(path: "wit/ages-4");

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
        tries: vec![4, 5],
        outcome: Ok(8),
        label: None,
    }
}

fn full() -> Item {
    Item {
        count: None,
        shade: 0.2,
        colour: Colour::Blue,
        marks: Marks::C | Marks::A,
        size: Size::Huge(1 << 60),
        pair: (202, -30_002),
        note: Some(1 << 30),
        tries: vec![],
        outcome: Err("late".to_owned()),
        label: Some("written by 4".to_owned()),
    }
}

fn show(item: &Item) -> String {
    let marks = [(Marks::A, "a"), (Marks::B, "b"), (Marks::C, "c")];
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
        tries: numbers(&item.tries),
        outcome: item.outcome.clone().map(Into::into),
        label: or_absent(item.label.as_ref()),
        extra: or_absent(None::<String>),
    };
    line.print()
}

export!(Ages);
