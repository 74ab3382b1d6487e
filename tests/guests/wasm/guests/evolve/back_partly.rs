//! As `back`; it reads two entries and never the sum, and refuses a key that starts with `refuse`.

stead_guest::bindings!(
    path: ["../../../wit", "wit/evolve-1.0", "wit/evolve-2.0"],
    inline: "
        package test:evolve-back;
        world evolve {
            import test:evolve/entries@1.0.0;
            import test:evolve/sum@1.0.0;
            import test:evolve/entries@2.0.0;
            import test:evolve/sum@2.0.0;
            export test:evolve/bumps@1.0.0;
            export stead:plugin/migrate-back@0.1.0;
        }
    ",
    world: "test:evolve-back/evolve",
);

#[allow(dead_code, reason = "other guests share it, which carry the sum too")]
mod down;

struct Evolve;

fn version() -> &'static str {
    "back-partly"
}

impl exports::stead::plugin::migrate_back::Guest for Evolve {
    fn migrate_back(_from: Option<String>) -> Result<(), String> {
        down::entries(2)
    }
}

export!(Evolve);
