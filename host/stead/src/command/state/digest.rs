use clap::Args;

use super::super::{Context, Missing};
use crate::failure::Failure;

/// Print one hash of what a state holds, whatever way led there
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead state digest tally
  stead state digest tally@1 --json

Two states have the same digest where they have the same collections, with the same types, and the same entries: also a \
state whose entries were written under older schemas, and one that took in its export. `stead show` prints the root, \
which tells such states apart.")]
pub(super) struct Digest {
    /// The plugin, or PLUGIN@N for the state as version N left it
    plugin: String,
}

impl Digest {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let digest = session.digest(&self.plugin).await;
        let digest = session.close(digest).await?;
        context.console.answer(&digest, |digest| context.console.line(&digest.digest))
    }
}
