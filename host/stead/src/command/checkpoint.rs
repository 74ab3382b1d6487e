use clap::Args;

use super::{Context, Missing};
use crate::console::{bytes, micros, plural};
use crate::failure::Failure;

/// Write what changed into packs, so that the next start has nothing to replay
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead checkpoint
  stead checkpoint --json

The host makes checkpoints by itself when enough has changed; this one is for a copy or a planned stop.")]
pub(super) struct Checkpoint {}

impl Checkpoint {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let done = session.checkpoint().await;
        session.close(done).await.and_then(|done| {
            context.console.answer(&done, |done| {
                context.console.line(format_args!(
                    "checkpoint of {} at commit {}: {} written in {}",
                    plural(done.states, "state", "states"),
                    done.commit,
                    bytes(done.bytes),
                    micros(done.took_us),
                ))
            })
        })
    }
}
