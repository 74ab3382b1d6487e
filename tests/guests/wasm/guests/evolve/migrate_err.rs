//! Its migration gives up after the first entry, having written it.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0"],
    world: "test:evolve/evolve@2.0.0",
);

mod carry;
mod two;

use test::evolve1_0_0 as old;

struct Evolve;

fn version() -> &'static str {
    "migrate-err"
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(from: Option<String>) -> Result<(), String> {
        carry::all(|done| Err(format!("gave up after {done} of {from:?}")))
    }
}

export!(Evolve);
