use clap::Args;

use super::swap::{name, phase_word};
use super::{Context, Missing};
use crate::console::{GOOD, styled};
use crate::failure::Failure;

/// Give up a swap or rollback that is under way; the version that serves goes on
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead cancel tally

Nothing is lost: what was migrated so far is thrown away, and the calls that were held run on the version that serves. \
A swap of several plugins is given up for all of them. `stead show` tells what is under way; what was done already is undone \
with `stead rollback`.")]
pub(super) struct Cancel {
    /// The plugin
    plugin: String,
}

impl Cancel {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let receipt = session.cancel(&self.plugin).await;
        let receipt = session.close(receipt).await?;
        context.console.answer(&receipt, |receipt| {
            let phase =
                receipt.given_up().map(|(phase, _)| format!(" while {}", phase_word(phase))).unwrap_or_default();
            let line = format_args!(
                "{} {} was given up{phase}; {} serves `{}`",
                styled(GOOD, "cancelled:"),
                name(&receipt.to),
                name(&receipt.from),
                self.plugin
            );
            context.console.line(line)
        })
    }
}
