//! The next track, with a migration that is right.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0"],
    world: "test:evolve/evolve@2.0.0",
);

mod carry;
mod two;

use test::evolve1_0_0 as old;

struct Evolve;

fn version() -> &'static str {
    "v2"
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        carry::all(|_| Ok(()))
    }
}

export!(Evolve);
