use clap::Args;

use super::swap::name;
use super::{Context, Missing};
use crate::console::{GOOD, styled};
use crate::failure::Failure;

/// Make a second plugin that starts from the state of another
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead fork tally trial
  stead fork tally trial && stead swap trial tally-v2.wasm && stead state diff tally trial

The fork has the state, the active version, the grants, the links and the limits that the plugin has between two calls. It costs the \
same whatever the size of the state, and from then on both go their own ways. Results of calls with an id, earlier \
versions and the history stay with the origin.")]
pub(super) struct Fork {
    /// The plugin to start from
    plugin: String,

    /// The name of the new plugin
    new: String,
}

impl Fork {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let version = session.fork(&self.plugin, &self.new).await;
        let version = session.close(version).await?;
        context.console.answer(&version, |version| {
            let (of, new) = (&self.plugin, &self.new);
            context.console.line(format_args!("{} `{new}` from `{of}`, {}", styled(GOOD, "forked:"), name(version)))
        })
    }
}
