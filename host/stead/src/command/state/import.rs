use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Context, Missing};
use crate::api::ImportRequest;
use crate::console::{GOOD, plural, styled};
use crate::failure::Failure;

/// Put an exported state into a plugin: all of it, or nothing
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead deploy copy tally.wasm && stead state import copy tally.jsonl
  stead fork tally trial && stead state import trial tally.jsonl --replace
  stead state import tally later-writes.jsonl --merge --reason \"given up by the rollback of Monday\"
  stead state export tally --host http://10.0.0.2:7070 | stead state import tally -

Every line is checked by the types that the plugin's state records; values of older types become the newer ones as in \
a swap. A file that was changed or cut short is refused, and so is a collection that holds entries already, unless one \
of --replace and --merge says what becomes of them. One commit puts the new state in the place of the old one.")]
pub(super) struct Import {
    /// The plugin
    plugin: String,

    /// The file; - is standard input
    file: PathBuf,

    /// Give up what the file's collections hold; the state before is kept as PLUGIN@N
    #[arg(long, conflicts_with = "merge")]
    replace: bool,

    /// Put the file's entries over those that are there, and add to counters; the state before is kept as PLUGIN@N
    #[arg(long)]
    merge: bool,

    /// Why, for the plugin's history
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Import {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let source = open(&self.file)?;
        let mode = match (self.replace, self.merge) {
            (true, _) => Some("replace".to_owned()),
            (_, true) => Some("merge".to_owned()),
            _ => None,
        };
        let request = ImportRequest { mode, reason: self.reason };
        let session = context.session(Missing::Refuse).await?;
        let imported = session.import(&self.plugin, source, &request).await.map_err(|mut error| {
            if error.kind == "file" {
                let place = error.place.take().unwrap_or_default();
                error.place = Some(format!("{}, {place}", self.file.display()));
            }
            error
        });
        let imported = session.close(imported).await?;
        context.console.answer(&imported, |imported| {
            context.console.line(format_args!(
                "{} {} of `{}` in `{}`",
                styled(GOOD, "imported:"),
                plural(imported.entries, "entry", "entries"),
                imported.from,
                imported.plugin
            ))
        })
    }
}

fn open(file: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin()));
    }
    let opened = File::open(file).and_then(|opened| match opened.metadata()?.is_dir() {
        true => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        false => Ok(opened),
    });
    match opened {
        Ok(opened) => Ok(Box::new(opened)),
        Err(error) => Err(Failure::usage(format!("cannot read the file: {error}")).at(file.display())),
    }
}
