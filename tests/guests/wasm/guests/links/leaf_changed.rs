//! A leaf with another type.

stead_guest::bindings!(path: ["../../../wit", "wit/links-changed"], world: "test:links/link-leaf-changed");

mod script;

use exports::test::links::leaf::Report;
use test::links::numbers::{get as stored, set as store};

struct Linked;

fn get(key: &str) -> Option<u64> {
    stored(key)
}

fn set(key: &str, value: u64) {
    store(key, value);
}

fn call(callee: &str, script: &str) -> Result<Report, String> {
    let _ = script;
    Err(format!("{callee} is not called from here"))
}

impl exports::test::links::leaf::Guest for Linked {
    fn run(script: String, _: bool) -> Result<Report, String> {
        script::run(&script)
    }

    fn touch(by: u64) -> u64 {
        by + 1
    }
}

export!(Linked);
