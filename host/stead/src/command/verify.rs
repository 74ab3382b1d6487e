use clap::Args;

use super::Context;
use crate::client::Client;
use crate::console::{BAD, GOOD, bytes, micros, plural, styled};
use crate::failure::{Exit, Failure};
use crate::session;

/// Check every hash on disk
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead verify
  stead verify --data /backup/stead-data --json

Reads every byte of every file, also of a directory that is too damaged to open. Damage is listed with its place and \
what it affects, and the exit code is 3; `stead repair --dry-run` says what of it can be kept.")]
pub(super) struct Verify {}

impl Verify {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let console = &context.console;
        let remote = context.global.host.clone().map(|target| Client::new(target, context.global.token.clone()));
        let bar = console.progress("verifying", 0);
        let verified = session::verify(remote, &context.global.data, move |done, total| {
            bar.total(total);
            bar.set(done);
        })
        .await?;
        console.answer(&verified, |verified| {
            for damage in &verified.damage {
                console.line(format_args!(
                    "{} {} at byte {}: {}",
                    styled(BAD, "damaged:"),
                    damage.file,
                    damage.offset,
                    damage.what
                ))?;
                console.line(format_args!("  affects: {}", damage.affects))?;
            }
            let checked = format!(
                "{} with {} checked in {}",
                plural(verified.files, "file", "files"),
                bytes(verified.bytes),
                micros(verified.took_us)
            );
            let pieces = verified.damage.len() as u64;
            let found = if pieces == 0 {
                styled(GOOD, "no damage")
            } else {
                styled(BAD, plural(pieces, "damaged piece", "damaged pieces"))
            };
            console.line(format_args!("{checked}: {found}"))
        })?;
        if verified.damage.is_empty() { Ok(()) } else { Err(Failure::silent(Exit::Host)) }
    }
}
