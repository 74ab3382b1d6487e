//! What people and scripts read: lines, tables, JSON, progress and errors.
//!
//! Results go to standard output, everything else to standard error. Colour and progress appear only on terminals.

mod progress;
mod table;
mod units;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

pub(crate) use progress::{Progress, Steps};
pub(crate) use table::Table;
pub(crate) use units::{bytes, count, duration, micros, parse_bytes, parse_duration, plural, short, time};

use crate::failure::Failure;

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const HINT: Style = AnsiColor::Cyan.on_default();

/// Where the output of a command goes, and in which form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    json: bool,
}

/// Text in a style; the streams drop the codes where there is no terminal.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

impl Console {
    pub(crate) fn new(json: bool, color: anstream::ColorChoice) -> Self {
        color.write_global();
        Self { json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// One line on standard output.
    pub(crate) fn line(&self, text: impl Display) -> Result<(), Failure> {
        let mut out = anstream::stdout().lock();
        writeln!(out, "{text}")?;
        out.flush()?;
        Ok(())
    }

    /// One line on standard error; a closed standard error is nothing to fail for.
    pub(crate) fn note(&self, text: impl Display) {
        let mut err = anstream::stderr().lock();
        drop(writeln!(err, "{text}"));
    }

    /// The answer as JSON where `--json` asks for it, by `human` otherwise.
    pub(crate) fn answer<T: Serialize>(
        &self,
        answer: &T,
        human: impl FnOnce(&T) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if self.json { self.json(answer) } else { human(answer) }
    }

    /// A value as indented JSON on standard output.
    pub(crate) fn json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, value).map_err(io::Error::from)?;
        writeln!(out)?;
        out.flush()?;
        Ok(())
    }

    /// The three parts of an error: what, where, and what to do.
    pub(crate) fn failure(&self, failure: &Failure) {
        if failure.is_quiet() {
            return;
        }
        if self.json {
            let error = serde_json::json!({ "error": {
                "kind": failure.kind, "message": failure.what, "place": failure.place, "help": failure.help,
            }});
            self.note(error);
            return;
        }
        self.note(format_args!("{} {}", styled(BAD, "error:"), visible(&failure.what)));
        if let Some(place) = &failure.place {
            self.note(format_args!("  {}", indented(place)));
        }
        if let Some(help) = &failure.help {
            self.note(format_args!("  {} {}", styled(HINT, "help:"), indented(help)));
        }
    }

    /// Text for a table, cut where a terminal shows it; a pipe gets all of it.
    pub(crate) fn cell(&self, text: &str) -> String {
        const CHARS_MAX: usize = 300;
        match text.char_indices().nth(CHARS_MAX) {
            Some((end, _)) if io::stdout().is_terminal() => {
                format!("{} … ({} in all; --json shows it)", &text[..end], bytes(text.len() as u64))
            }
            _ => text.to_owned(),
        }
    }

    /// Steps of work on standard error, if a person looks at it.
    pub(crate) fn steps(&self) -> Option<Steps> {
        (!self.json && io::stderr().is_terminal()).then(Steps::new)
    }

    /// A progress bar on standard error, which stays silent without a terminal.
    pub(crate) fn progress(&self, what: &str, total: u64) -> Progress {
        Progress::new(what, total, self.json)
    }
}

fn indented(text: &str) -> String {
    visible(text.trim_end()).replace('\n', "\n  ")
}

/// Text with its control characters written out: a plugin has its say in errors, and none in the terminal's state.
pub(crate) fn visible(text: &str) -> String {
    let hidden = |c: char| c.is_control() && c != '\n' && c != '\t';
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plugin_cannot_reach_the_terminal() {
        assert_eq!(visible("a\u{1b}[31mred\r\n\tb ü"), "a\\u{1b}[31mred\\r\n\tb ü");
    }
}
