//! Track 1 with a way down: takes the state back from 2.0.0.

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

mod down;

struct Evolve;

fn version() -> &'static str {
    "back"
}

impl exports::stead::plugin::migrate_back::Guest for Evolve {
    fn migrate_back(_from: Option<String>) -> Result<(), String> {
        down::entries(u32::MAX)?;
        down::sum();
        Ok(())
    }
}

export!(Evolve);
