//! The version that all others of this family follow.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve");

mod one;

struct Evolve;

fn version() -> &'static str {
    "v1"
}

export!(Evolve);
