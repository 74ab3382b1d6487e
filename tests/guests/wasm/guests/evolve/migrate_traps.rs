//! Its migration panics after the second entry.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0"],
    world: "test:evolve/evolve@2.0.0",
);

mod two;

struct Evolve;

fn version() -> &'static str {
    "migrate-traps"
}

impl exports::stead::plugin::migrate::Guest for Evolve {
    fn migrate(_from: Option<String>) -> Result<(), String> {
        two::carry_over(|done| {
            assert!(done < 2, "panicked after {done} entries");
            Ok(())
        })
    }
}

export!(Evolve);
