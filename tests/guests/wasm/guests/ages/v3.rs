//! Other orders, a colour and a mark more, a wider float.

stead_guest::bindings!(path: "wit/ages-3");

#[path = "every.rs"]
mod every;

use every::{Line, numbers, or_absent};
use test::ages::types::{Colour, Item, Marks, Size};

struct Ages;

fn plain() -> Item {
    Item {
        count: 7,
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
        count: 65_001,
        shade: 0.1,
        colour: Colour::Blue,
        marks: Marks::C | Marks::A,
        size: Size::Large(200),
        pair: (201, -30_001),
        note: Some(99),
        tries: vec![3],
        outcome: Ok(60_000),
        label: Some("written by 3".to_owned()),
    }
}

fn show(item: &Item) -> String {
    let marks = [(Marks::A, "a"), (Marks::B, "b"), (Marks::C, "c")];
    let line = Line {
        count: item.count.to_string(),
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
