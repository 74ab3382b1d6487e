//! Its check never ends, so that calls are held for as long as they may be.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve-ready");

mod one;

struct Evolve;

fn version() -> &'static str {
    "ready-loops"
}

impl exports::stead::plugin::ready::Guest for Evolve {
    fn ready() -> Result<(), String> {
        let mut rounds = 0_u64;
        loop {
            rounds = std::hint::black_box(rounds).wrapping_add(1);
        }
    }
}

export!(Evolve);
