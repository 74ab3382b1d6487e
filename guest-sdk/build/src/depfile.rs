//! The files that a compiled guest was made of, from the Makefile rule that Cargo leaves beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The sources named in a `.d` file. Without the file nothing is known, and its own missing path makes Cargo run the
/// build script again.
pub(crate) fn sources(path: &Path) -> Vec<PathBuf> {
    match fs::read_to_string(path) {
        Ok(rule) => parse(&rule),
        Err(_) => vec![path.to_owned()],
    }
}

/// `output: source source …`, a blank in a name being written `\ `.
fn parse(rule: &str) -> Vec<PathBuf> {
    let Some((_, sources)) = rule.split_once(": ") else {
        return Vec::new();
    };
    let mut names = vec![String::new()];
    let mut characters = sources.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.peek() == Some(&' ') => {
                characters.next();
                names.last_mut().expect("never empty").push(' ');
            }
            blank if blank.is_whitespace() => names.push(String::new()),
            other => names.last_mut().expect("never empty").push(other),
        }
    }
    names.into_iter().filter(|name| !name.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_every_source() {
        let rule = "/t/guest/a.wasm: /w/a/src/lib.rs /w/my\\ guests/wit/a.wit\n";
        assert_eq!(parse(rule), ["/w/a/src/lib.rs", "/w/my guests/wit/a.wit"].map(PathBuf::from));
    }

    #[test]
    fn an_absent_file_is_its_own_source() {
        assert_eq!(sources(Path::new("/absent/a.d")), [PathBuf::from("/absent/a.d")]);
    }
}
