//! As v1; a key that starts with `trap` panics, and one that starts with `slow` takes 30 ms.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve");

use std::time::{Duration, Instant};

use exports::test::evolve::bumps::Guest;
use test::evolve::{
    entries::{self, Item},
    sum,
};

struct Evolve;

fn behave(key: &str) {
    assert!(!key.starts_with("trap"), "flaky");
    if key.starts_with("slow") {
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(30) {}
    }
}

impl Guest for Evolve {
    fn bump(key: String) -> Result<u64, String> {
        sum::add(1);
        behave(&key);
        if key.is_empty() {
            return Err("a key is not empty".to_owned());
        }
        let mut item = entries::get(&key).unwrap_or_else(|| Item { count: 0, label: format!("label of {key}") });
        item.count += 1;
        entries::set(&key, &item);
        Ok(item.count.into())
    }

    fn count_of(key: String) -> u64 {
        behave(&key);
        entries::get(&key).map_or(0, |item| item.count.into())
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        "flaky".to_owned()
    }
}

export!(Evolve);
