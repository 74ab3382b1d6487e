//! Calls the leaf with its other type.

stead_guest::bindings!(path: ["../../../wit", "wit/links-changed"], world: "test:links/link-left-changed");

mod script;

use exports::test::links::left::Report;
use test::links::numbers::{get as stored, set as store};

struct Linked;

fn get(key: &str) -> Option<u64> {
    stored(key)
}

fn set(key: &str, value: u64) {
    store(key, value);
}

fn call(callee: &str, script: &str) -> Result<Report, String> {
    let report = match callee {
        "leaf" => test::links::leaf::run(script, false),
        other => return Err(format!("{other} is not called from here")),
    }?;
    Ok(Report { sum: report.sum, runs: report.runs })
}

impl exports::test::links::left::Guest for Linked {
    fn run(script: String) -> Result<Report, String> {
        script::run(&script)
    }
}

export!(Linked);
