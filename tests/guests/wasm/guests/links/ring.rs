//! A leaf that calls the top.

stead_guest::bindings!(path: ["../../../wit", "wit/links"], world: "test:links/link-ring");

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
    let report = match callee {
        "top" => test::links::top::run(script),
        other => return Err(format!("{other} is not called from here")),
    }?;
    Ok(Report { sum: report.sum, runs: report.runs })
}

impl exports::test::links::leaf::Guest for Linked {
    fn run(script: String) -> Result<Report, String> {
        script::run(&script)
    }

    fn touch(by: u64) -> u64 {
        by + 1
    }
}

export!(Linked);
