//! Lossy: has no label.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.2"], world: "test:evolve/evolve");

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
        let count = entries::get(&key).map_or(0, |item| item.count) + 1;
        entries::set(&key, Item { count });
        Ok(count.into())
    }

    fn count_of(key: String) -> u64 {
        entries::get(&key).map_or(0, |item| item.count.into())
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        "lossy".to_owned()
    }
}

export!(Evolve);
