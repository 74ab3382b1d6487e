//! Never becomes active: its check writes, and so it traps.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve-ready");

mod one;

struct Evolve;

fn version() -> &'static str {
    "ready-writes"
}

impl exports::stead::plugin::ready::Guest for Evolve {
    fn ready() -> Result<(), String> {
        test::evolve::sum::add(1);
        Ok(())
    }
}

export!(Evolve);
