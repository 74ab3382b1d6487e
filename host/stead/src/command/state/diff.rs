use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use clap::Args;
use stead_runtime::{DiffLine, Differences, diff_files};

use super::super::{Context, Missing};
use crate::api::{ApiError, DiffEnd, write_line};
use crate::console::{Console, DIM, GOOD, count, plural, styled};
use crate::failure::{Exit, Failure};
use crate::session::Session;

/// Compare two states in typed values
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead state diff tally trial
  stead state diff tally@1 tally            since version 1 was replaced
  stead state diff ./monday.jsonl tally     a name with a `/`, or that ends in .jsonl, is an exported file

A line starts with `-` for what only the first has, `+` for what only the second has, `~` for what has another value. \
Where both states come from one, only what differs is read.

Exit codes: 0 equal, 1 different, 2 or 3 trouble.")]
pub(super) struct Diff {
    /// A plugin, PLUGIN@N or an exported file
    one: String,

    /// What it is compared with
    other: String,
}

impl Diff {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        match self.compare(context).await {
            Ok(found) if found.is_none() => {
                if !context.console.is_json() {
                    context.console.line(styled(GOOD, "equal"))?;
                }
                Ok(())
            }
            Ok(found) => {
                if !context.console.is_json() {
                    context.console.note(figures(&found));
                }
                Err(Failure::silent(Exit::Refused))
            }
            // 1 says that they differ.
            Err(mut failure) => {
                if failure.exit == Exit::Refused {
                    failure.exit = Exit::Usage;
                }
                Err(failure)
            }
        }
    }

    async fn compare(&self, context: &Context) -> Result<Differences, Failure> {
        let console = context.console;
        if is_file(&self.one) && is_file(&self.other) {
            let (one, other) = (open(&self.one)?, open(&self.other)?);
            return blocking(move || compare_files(console, one, other)).await;
        }
        let session = context.session(Missing::Refuse).await?;
        let compared = match is_file(&self.one) || is_file(&self.other) {
            false => match session.diff(&self.one, &self.other).await {
                Ok(lines) => blocking(move || print_lines(console, BufReader::new(lines))).await,
                Err(error) => Err(error.into()),
            },
            true => match (side(&session, &self.one).await, side(&session, &self.other).await) {
                (Ok(one), Ok(other)) => blocking(move || compare_files(console, one, other)).await,
                (Err(failure), _) | (_, Err(failure)) => Err(failure),
            },
        };
        session.close(Ok(())).await?;
        compared
    }
}

type Lines = Box<dyn BufRead + Send>;

fn is_file(name: &str) -> bool {
    name.contains('/') || name.ends_with(".jsonl")
}

/// One side as an exported file, from disk or from the host.
async fn side(session: &Session, name: &str) -> Result<Lines, Failure> {
    match is_file(name) {
        true => open(name),
        false => Ok(Box::new(BufReader::new(session.export(name, &[]).await?))),
    }
}

fn open(name: &str) -> Result<Lines, Failure> {
    match File::open(Path::new(name)) {
        Ok(file) => Ok(Box::new(BufReader::new(file))),
        Err(error) => Err(Failure::usage(format!("cannot read the file: {error}")).at(name)),
    }
}

fn compare_files(console: Console, mut one: Lines, mut other: Lines) -> Result<Differences, Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let found = diff_files(&mut one, &mut other, &mut |line| print_line(console, &mut out, &line));
    let found = match found {
        Ok(found) => found,
        Err(stead_runtime::FileError::Write(error)) => return Err(error.into()),
        Err(error) => return Err(ApiError::from(error).into()),
    };
    if console.is_json() {
        write_line(&mut out, &DiffEnd { end: found })?;
    }
    out.flush()?;
    Ok(found)
}

/// Prints what the host found, up to the figures at the end.
fn print_lines(console: Console, lines: impl BufRead) -> Result<Differences, Failure> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let broken = |what: String| Failure::host("io", format!("the comparison broke off: {what}"));
    for line in lines.lines() {
        let line = line.map_err(|error| broken(error.to_string()))?;
        if let Ok(DiffEnd { end }) = serde_json::from_str(&line) {
            if console.is_json() {
                writeln!(out, "{line}")?;
            }
            out.flush()?;
            return Ok(end);
        }
        let difference: DiffLine = serde_json::from_str(&line).map_err(|error| broken(error.to_string()))?;
        print_line(console, &mut out, &difference)?;
    }
    Err(broken("it has no end".to_owned()))
}

fn print_line(console: Console, out: &mut dyn Write, line: &DiffLine) -> io::Result<()> {
    if console.is_json() {
        return write_line(out, line);
    }
    if let Some(differs) = &line.differs {
        return writeln!(out, "* {}: {differs}", line.collection);
    }
    let key = line.key_wave.as_ref().map(|key| format!(" {key}")).unwrap_or_default();
    let (sign, value) = match (&line.was_wave, &line.is_wave) {
        (Some(was), Some(is)) => ('~', format!("{} -> {}", console.cell(was), console.cell(is))),
        (Some(was), None) => ('-', console.cell(was)),
        (None, is) => ('+', console.cell(is.as_deref().unwrap_or_default())),
    };
    writeln!(out, "{sign} {}{key}  {value}", line.collection)
}

fn figures(found: &Differences) -> String {
    let text = format!(
        "{} only in the second, {} only in the first, {} changed{}",
        plural(found.added, "entry", "entries"),
        count(found.removed),
        count(found.changed),
        match found.collections {
            0 => String::new(),
            collections => format!(", {} differ as such", plural(collections, "collection", "collections")),
        }
    );
    styled(DIM, text)
}

async fn blocking(
    work: impl FnOnce() -> Result<Differences, Failure> + Send + 'static,
) -> Result<Differences, Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Failure::host("internal", error)),
    }
}
