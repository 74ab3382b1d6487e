//! The track after the next, with a migration from 2.0.0: an upgrade after an upgrade.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0", "wit/evolve-3.0"],
    world: "test:evolve/evolve@3.0.0",
);

use exports::test::evolve3_0_0::bumps::Guest;
use test::{
    evolve2_0_0 as old,
    evolve3_0_0::{
        entries::{self, Item},
        sum,
    },
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
        Ok(count)
    }

    fn count_of(key: String) -> u64 {
        entries::get(&key).map_or(0, |item| item.count)
    }

    fn total() -> i64 {
        sum::value()
    }

    fn version() -> String {
        "v3".to_owned()
    }
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        for (key, item) in old::entries::scan(None, u32::MAX) {
            entries::set(&key, Item { count: item.count });
        }
        sum::add(old::sum::value());
        Ok(())
    }
}

export!(Evolve);
