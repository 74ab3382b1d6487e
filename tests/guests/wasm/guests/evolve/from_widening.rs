//! The next track; its migration imports the old one as 1.1.0 had it, whichever version of it kept the state.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-1.1", "wit/evolve-2.0"],
    inline: "
        package test:evolve-from;
        world evolve {
            import test:evolve/entries@1.1.0;
            import test:evolve/sum@1.1.0;
            import test:evolve/entries@2.0.0;
            import test:evolve/sum@2.0.0;
            export test:evolve/bumps@2.0.0;
            export stead:plugin/migrate@0.1.0;
        }
    ",
    world: "test:evolve-from/evolve",
);

#[allow(clippy::useless_conversion, reason = "other guests share it, whose old counts are narrower")]
mod carry;
mod two;

use test::evolve1_1_0 as old;

struct Evolve;

fn version() -> &'static str {
    "from-widening"
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        carry::all(|_| Ok(()))
    }
}

export!(Evolve);
