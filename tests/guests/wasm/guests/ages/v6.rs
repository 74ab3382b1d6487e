//! A case with a payload more, a field more, wider inside options.

stead_guest::bindings!(path: "wit/ages-6");

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
        extra: None,
    }
}

fn full() -> Item {
    Item {
        count: Some(-5),
        shade: 0.7,
        colour: Colour::Other("teal".to_owned()),
        marks: Marks::D | Marks::B,
        size: Size::Large(1 << 20),
        pair: (60_001, -30_004),
        note: Some(1 << 30),
        tries: vec![Some(1 << 40), None],
        outcome: Err("late".to_owned()),
        label: Some("written by 6".to_owned()),
        extra: Some(("more".to_owned(), 2.5)),
    }
}

fn show(item: &Item) -> String {
    let marks = [(Marks::A, "a"), (Marks::B, "b"), (Marks::C, "c"), (Marks::D, "d")];
    let line = Line {
        count: or_absent(item.count),
        shade: item.shade,
        colour: match &item.colour {
            Colour::Red => "red".to_owned(),
            Colour::Green => "green".to_owned(),
            Colour::Blue => "blue".to_owned(),
            Colour::Other(name) => name.clone(),
        },
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
        extra: or_absent(item.extra.as_ref().map(|(text, number)| format!("{text} {number}"))),
    };
    line.print()
}

export!(Ages);
