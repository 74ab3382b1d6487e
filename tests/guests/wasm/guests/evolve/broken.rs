//! Traps on every call: it can still be replaced.

stead_guest::bindings!(path: ["../../../wit", "wit/evolve-1.0"], world: "test:evolve/evolve");

use exports::test::evolve::bumps::Guest;
use test::evolve::{entries, sum};

struct Evolve;

impl Guest for Evolve {
    fn bump(key: String) -> Result<u64, String> {
        sum::add(1);
        let item = entries::get(&key).expect("no key that was ever bumped");
        entries::set(&key, &item);
        panic!("broken")
    }

    fn count_of(_key: String) -> u64 {
        panic!("broken")
    }

    fn total() -> i64 {
        panic!("broken")
    }

    fn version() -> String {
        panic!("broken")
    }
}

export!(Evolve);
