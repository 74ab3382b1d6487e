use clap::Args;

use super::{Context, Missing};
use crate::console::{GOOD, styled};
use crate::failure::Failure;

/// Let the calls of a plugin in again that a probation has stopped
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead resume tally

A version that does worse on probation than the one before may have its calls stopped: they get the error `stopped`, \
none is executed. `stead show` says why. After `resume` it serves on, without a probation; `stead rollback` and \
`stead swap` replace it instead.")]
pub(super) struct Resume {
    /// The plugin
    plugin: String,
}

impl Resume {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let version = session.resume(&self.plugin).await;
        let version = session.close(version).await?;
        context.console.answer(&version, |version| {
            let line =
                format_args!("{} {} serves `{}`", styled(GOOD, "resumed:"), super::swap::name(version), self.plugin);
            context.console.line(line)
        })
    }
}
