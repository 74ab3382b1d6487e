//! Never becomes active: its check says so.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve-ready");

mod one;

struct Evolve;

fn version() -> &'static str {
    "ready-fails"
}

impl exports::stead::plugin::ready::Guest for Evolve {
    fn ready() -> Result<(), String> {
        Err("not ready, and never will be".to_owned())
    }
}

export!(Evolve);
