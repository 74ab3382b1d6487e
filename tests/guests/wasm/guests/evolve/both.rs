//! Track 2 with both ways: up from 1.0.0 and down from 3.0.0.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0", "wit/evolve-3.0"],
    inline: "
        package test:evolve-both;
        world evolve {
            import test:evolve/entries@1.0.0;
            import test:evolve/sum@1.0.0;
            import test:evolve/entries@2.0.0;
            import test:evolve/sum@2.0.0;
            import test:evolve/entries@3.0.0;
            import test:evolve/sum@3.0.0;
            export test:evolve/bumps@2.0.0;
            export stead:plugin/migrate@0.1.0;
            export stead:plugin/migrate-back@0.1.0;
        }
    ",
    world: "test:evolve-both/evolve",
);

mod carry;
mod two;

use test::{evolve1_0_0 as old, evolve2_0_0 as own, evolve3_0_0 as newer};

struct Evolve;

fn version() -> &'static str {
    "both"
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        carry::all(|_| Ok(()))
    }
}

impl exports::stead::plugin::migrate_back::Guest for Evolve {
    fn migrate_back(_from: Option<String>) -> Result<(), String> {
        for (key, item) in newer::entries::scan(None, u32::MAX) {
            own::entries::set(&key, &own::entries::Item { count: item.count, labels: vec!["back".to_owned()] });
        }
        own::sum::add(newer::sum::value());
        Ok(())
    }
}

export!(Evolve);
