//! Looks at the state before it becomes active, and is content once something was bumped.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve-ready");

mod one;

struct Evolve;

fn version() -> &'static str {
    "ready"
}

impl exports::stead::plugin::ready::Guest for Evolve {
    fn ready() -> Result<(), String> {
        match test::evolve::sum::value() {
            0 => Err("nothing was ever bumped".to_owned()),
            _ => Ok(()),
        }
    }
}

export!(Evolve);
