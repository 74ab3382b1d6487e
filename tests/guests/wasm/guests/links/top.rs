//! Calls all others.

stead_guest::bindings!(path: ["../../../wit", "wit/links"], world: "test:links/link-top");

mod script;

use exports::test::links::top::Report;
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
        "left" => test::links::left::run(script),
        "right" => test::links::right::run(script),
        "leaf" => test::links::leaf::run(script),
        other => return Err(format!("{other} is not called from here")),
    }?;
    Ok(Report { sum: report.sum, runs: report.runs })
}

impl exports::test::links::top::Guest for Linked {
    fn run(script: String) -> Result<Report, String> {
        script::run(&script)
    }

    fn touch_leaf(times: u32) -> u64 {
        (0..times).fold(0, |by, _| test::links::leaf::touch(by))
    }
}

export!(Linked);
