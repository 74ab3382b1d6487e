//! Widening: counts above 2³², and every bump leaves a note.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.1"], world: "test:evolve/evolve");

use exports::test::evolve::bumps::Guest;
use test::evolve::{
    entries::{self, Item},
    sum,
};

struct Evolve;

impl Guest for Evolve {
    fn bump(key: String) -> Result<u64, String> {
        sum::add(1);
        if key.is_empty() {
            return Err("a key is not empty".to_owned());
        }
        let mut item =
            entries::get(&key).unwrap_or_else(|| Item { count: 0, label: format!("label of {key}"), note: None });
        item.count += 1;
        item.note = Some(format!("bumped to {}", item.count));
        entries::set(&key, &item);
        Ok(item.count)
    }

    fn count_of(key: String) -> u64 {
        entries::get(&key).map_or(0, |item| item.count)
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        "widening".to_owned()
    }
}

export!(Evolve);
