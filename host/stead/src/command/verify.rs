mod receipts;

use std::path::PathBuf;

use clap::Args;
use stead_receipt::Hash;

use super::Context;
use crate::client::Client;
use crate::console::{BAD, GOOD, bytes, micros, plural, styled};
use crate::failure::{Exit, Failure};
use crate::session;

/// Check every hash on disk, or a file of receipts
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead verify
  stead verify --data /backup/stead-data --json
  stead verify --receipt tally.receipts --key stead-receipt-public-1:…
  stead verify --receipt tally.receipts --head HASH      holds it against a receipt that you know

Reads every byte of every file, also of a directory that is too damaged to open. Damage is listed with its place and \
what it affects, and the exit code is 3; `stead repair --dry-run` says what of it can be kept.

With --receipt no data directory is needed: FILE is what `stead history PLUGIN --receipts` wrote, or one line of it. Receipts that \
are forged, changed, missing, out of order, cut off or signed with another key are told apart, and the exit code is 1. Without \
--key it is shown only that nobody changed a part of them.")]
pub(super) struct Verify {
    /// Check this file of receipts instead
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,

    /// A public key, or a file with one, that receipts must be signed with; several for a host that changed its key
    #[arg(long, value_name = "PUBLIC", requires = "receipt")]
    key: Vec<String>,

    /// The hash of a receipt that you know: the file must hold it
    #[arg(long, value_name = "HASH", requires = "receipt")]
    head: Option<Hash>,
}

impl Verify {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        if let Some(file) = &self.receipt {
            return receipts::run(context, file, &self.key, self.head);
        }
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
