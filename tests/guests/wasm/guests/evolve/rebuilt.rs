//! Other code over the same types: identical.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve");

mod one;

struct Evolve;

fn version() -> &'static str {
    "rebuilt"
}

export!(Evolve);
