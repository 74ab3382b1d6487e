//! Source files: small, finished, and free of what only one machine has.

use crate::{check, texts};

/// A file is one noun. Past this it is two.
const LINES_MAX: usize = 450;

/// Words that mark unfinished work. Written apart, so that this file does not find itself.
const LEFTOVERS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
];

/// Things that belong to one machine or to a registry, not to the project.
const FOREIGN: [&str; 7] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("index.", "crates.io"),
    concat!("registry.", "npmjs"),
    concat!("py", "pi.org"),
    concat!("deb.", "debian"),
];

#[test]
fn files_stay_short() {
    let complaints = texts(&[".rs"])
        .iter()
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(path, lines)| format!("{}: {lines} lines, more than {LINES_MAX}", path.display()))
        .collect();
    check(complaints);
}

#[test]
fn nothing_is_left_undone() {
    check(find(&[".rs", ".toml", ".wit", ".js", ".sh", ".ci/run"], &LEFTOVERS));
}

#[test]
fn nothing_names_a_machine_or_a_registry() {
    check(find(&[".rs", ".toml", ".wit", ".js", ".json", ".md", ".sh", ".ci/run", ".lock"], &FOREIGN));
}

fn find(endings: &[&str], words: &[&str]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (path, text) in texts(endings) {
        for (number, line) in text.lines().enumerate() {
            if let Some(word) =
                words.iter().find(|word| line.contains(**word) && !line.starts_with("source = \"registry+"))
            {
                complaints.push(format!("{}:{}: `{word}`", path.display(), number + 1));
            }
        }
    }
    complaints
}
