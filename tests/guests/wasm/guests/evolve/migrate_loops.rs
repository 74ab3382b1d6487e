//! Its migration writes the first entry and then never ends.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0"],
    world: "test:evolve/evolve@2.0.0",
);

mod carry;
mod two;

use test::evolve1_0_0 as old;

struct Evolve;

fn version() -> &'static str {
    "migrate-loops"
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        carry::all(|done| {
            loop {
                std::hint::black_box(done);
            }
        })
    }
}

export!(Evolve);
