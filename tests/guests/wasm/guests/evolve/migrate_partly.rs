//! Its migration reads one page of three entries, writes the first and says ok.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0"],
    world: "test:evolve/evolve@2.0.0",
);

mod carry;
mod two;

use test::evolve1_0_0 as old;

struct Evolve;

fn version() -> &'static str {
    "migrate-partly"
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        carry::all(|_| Err("enough".to_owned())).or(Ok(()))
    }
}

export!(Evolve);
