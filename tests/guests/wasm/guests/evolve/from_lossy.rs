//! The next track; its migration imports the old one as 1.2.0 had it, which lacks a field.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-1.2", "wit/evolve-2.0"],
    inline: "
        package test:evolve-from;
        world evolve {
            import test:evolve/entries@1.2.0;
            import test:evolve/entries@2.0.0;
            import test:evolve/sum@2.0.0;
            export test:evolve/bumps@2.0.0;
            export stead:plugin/migrate@0.1.0;
        }
    ",
    world: "test:evolve-from/evolve",
);

mod two;

use test::{
    evolve1_2_0 as old,
    evolve2_0_0::entries::{self, Item},
};

struct Evolve;

fn version() -> &'static str {
    "from-lossy"
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        for (key, item) in old::entries::scan(None, u32::MAX) {
            entries::set(&key, &Item { count: item.count.into(), labels: Vec::new() });
        }
        Ok(())
    }
}

export!(Evolve);
