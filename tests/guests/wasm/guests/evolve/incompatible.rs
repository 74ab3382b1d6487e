//! Incompatible: writes the count as text.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.3"], world: "test:evolve/evolve");

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
        let count = entries::get(&key).map_or(0, |item| item.count.parse().unwrap_or(0)) + 1;
        let label = format!("label of {key}");
        entries::set(&key, &Item { count: count.to_string(), label });
        Ok(count)
    }

    fn count_of(key: String) -> u64 {
        entries::get(&key).map_or(0, |item| item.count.parse().unwrap_or(0))
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        "incompatible".to_owned()
    }
}

export!(Evolve);
