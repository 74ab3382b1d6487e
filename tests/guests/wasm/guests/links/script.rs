//! What the linked guests run. A script is a list of commands in parentheses:
//!
//! ```text
//! (set K N)  (get K)       its own numbers; what is read counts towards the sum
//! (leaf …)  (left …)  (right …)  (top …)   the script goes on there; an `err` there is one here
//! (try leaf …)             the same, but an `err` there is passed over
//! (err)  (trap)  (spin)    how a run ends otherwise
//! ```

use std::cell::Cell;

use crate::{Report, call, get, set};

thread_local! {
    /// What the memory of this instance remembers.
    static RUNS: Cell<u32> = const { Cell::new(0) };
}

pub(crate) fn run(script: &str) -> Result<Report, String> {
    let runs = RUNS.get() + 1;
    RUNS.set(runs);
    let mut report = Report { sum: 0, runs: vec![runs] };
    for command in commands(script) {
        let (word, rest) = command.split_once(' ').unwrap_or((command, ""));
        match word {
            "set" => {
                let (key, value) = rest.split_once(' ').ok_or("set takes a key and a number")?;
                set(key, value.parse().map_err(|_| "no number")?);
            }
            "get" => report.sum += get(rest).unwrap_or(0),
            "err" => return Err(format!("err after {}", report.sum)),
            "trap" => panic!("on purpose"),
            "spin" => loop {
                std::hint::black_box(());
            },
            "try" => {
                let (callee, rest) = rest.split_once(' ').unwrap_or((rest, ""));
                if let Ok(there) = call(callee, rest) {
                    add(&mut report, there);
                }
            }
            callee => add(&mut report, call(callee, rest)?),
        }
    }
    Ok(report)
}

fn add(report: &mut Report, there: Report) {
    report.sum += there.sum;
    report.runs.extend(there.runs);
}

/// The contents of the outermost parentheses.
fn commands(script: &str) -> Vec<&str> {
    let (mut found, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, character) in script.char_indices() {
        match character {
            '(' => {
                depth += 1;
                if depth == 1 {
                    from = at + 1;
                }
            }
            ')' => {
                depth -= 1;
                if depth == 0 {
                    found.push(&script[from..at]);
                }
            }
            _ => {}
        }
    }
    found
}
