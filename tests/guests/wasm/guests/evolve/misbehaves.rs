//! As v1, and says that it is v1, but what `bump` does to some keys is hostile: `loop`, `trap` and `greedy`.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve");

use std::hint::black_box;

use exports::test::evolve::bumps::Guest;
use test::evolve::{
    entries::{self, Item},
    sum,
};

struct Evolve;

impl Guest for Evolve {
    fn bump(key: String) -> Result<u64, String> {
        sum::add(1);
        let mut item = entries::get(&key).unwrap_or_else(|| Item { count: 0, label: format!("label of {key}") });
        item.count += 1;
        entries::set(&key, &item);
        match key.as_str() {
            "loop" => loop {
                black_box(());
            },
            "trap" => panic!("on purpose"),
            "greedy" => {
                let mut blocks = Vec::new();
                loop {
                    blocks.push(black_box(vec![b'x'; 1 << 20]));
                }
            }
            _ => Ok(item.count.into()),
        }
    }

    fn count_of(key: String) -> u64 {
        entries::get(&key).map_or(0, |item| item.count.into())
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        "v1".to_owned()
    }
}

export!(Evolve);
