use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Context, Missing};
use crate::failure::Failure;
use crate::new_file::NewFile;
use crate::pipe::Reader;

/// Write a state as lines of JSON with their types
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead state export tally --to tally.jsonl
  stead state export tally ballots | head -3
  stead state export tally@1 --to before.jsonl       as version 1 left it

The state is that of one moment, also while the host serves; no code of the plugin is needed. The first line says what \
follows and with which types, the last one how much and its BLAKE3, so that `stead state import` refuses a file that was \
changed or cut short. host/docs/format.md describes the lines.")]
pub(super) struct Export {
    /// The plugin, or PLUGIN@N for the state as version N left it
    plugin: String,

    /// Collections, by identity or interface name; all if none is named
    collections: Vec<String>,

    /// Write this new file, under its name only when it is whole and on disk
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

impl Export {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        if let Some(to) = &self.to
            && to.symlink_metadata().is_ok()
        {
            return Err(Failure::usage("the file is there already")
                .at(to.display())
                .help("name a file that is not there"));
        }
        let session = context.session(Missing::Refuse).await?;
        let reader = match session.export(&self.plugin, &self.collections).await {
            Ok(reader) => reader,
            Err(error) => return session.close(Err(error)).await,
        };
        let written = match &self.to {
            None => blocking(move || copy(reader, &mut io::stdout().lock())).await,
            Some(to) => to_file(reader, to).await,
        };
        session.close(Ok(())).await?;
        written?;
        if let Some(to) = &self.to {
            context.console.note(format_args!("written: {}", to.display()));
        }
        Ok(())
    }
}

/// Whatever stops it, Ctrl-C included, leaves no file behind.
async fn to_file(reader: Reader, to: &Path) -> Result<(), Failure> {
    let cannot = |error: io::Error| Failure::host("io", format!("cannot write the file: {error}")).at(to.display());
    let new = NewFile::create(to).map_err(cannot)?;
    let mut file = new.file().try_clone().map_err(cannot)?;
    let copied = blocking(move || copy(reader, &mut file));
    tokio::select! {
        copied = copied => copied.map_err(|failure| failure.at(to.display()))?,
        _ = tokio::signal::ctrl_c() => return Err(Failure::refused("interrupted", "interrupted; no file was written")),
    }
    blocking(move || new.keep().map_err(write_failed)).await.map_err(|failure| failure.at(to.display()))
}

async fn blocking(work: impl FnOnce() -> Result<(), Failure> + Send + 'static) -> Result<(), Failure> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(Failure::host("internal", error)),
    }
}

/// Copies what comes, and tells a source that fails from a sink that does.
pub(in crate::command) fn copy(mut reader: Reader, sink: &mut dyn Write) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        let bytes = io::Read::read(&mut reader, &mut buffer).map_err(|error| {
            Failure::host("io", format!("the answer broke off: {error}")).help("what was written is not whole")
        })?;
        if bytes == 0 {
            return sink.flush().map_err(write_failed);
        }
        sink.write_all(&buffer[..bytes]).map_err(write_failed)?;
    }
}

fn write_failed(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::StorageFull => Failure::host("no-space", format!("cannot write the file: {error}")),
        _ => Failure::from(error),
    }
}
