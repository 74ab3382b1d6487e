use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::asked::AskedArgs;
use super::probation::ProbationArgs;
use super::swap::print_answer;
use super::watched::watched;
use super::{Context, Missing};
use crate::api::RollbackRequest;
use crate::console::parse_duration;
use crate::failure::Failure;

/// Go back to the version before
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead rollback tally
  stead rollback tally --discard-to later-writes.jsonl

Where the version before can read everything that was written since, or brings a migration from it \
(`stead:plugin/migrate-back`), the code goes back and all writes stay. Otherwise the rollback is refused, and says what \
would be lost. With --discard-to every later write is first saved to the file, one JSON object a line, and then the \
state returns to what it was at the swap. Once a version serves again that can hold them, \
`stead state import PLUGIN FILE --merge` brings them back.")]
pub(super) struct Rollback {
    /// The plugin
    plugin: String,

    /// Return to the state as it was at the swap, after saving every later write in this new file
    #[arg(long, value_name = "FILE")]
    discard_to: Option<PathBuf>,

    /// Hold calls no longer than this before the commit; past it the rollback is given up
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline: Option<Duration>,

    #[command(flatten)]
    asked: AskedArgs,

    /// Leave behind entries that the migration of the version before never reads
    #[arg(long)]
    accept_unread: bool,

    #[command(flatten)]
    probation: ProbationArgs,
}

impl Rollback {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let discard_to = self
            .discard_to
            .map(std::path::absolute)
            .transpose()
            .map_err(|error| Failure::usage(format!("--discard-to: {error}")))?;
        let request = RollbackRequest {
            discard_to,
            deadline_ms: self.deadline.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            asked_by: Some(self.asked.name()?),
            accept_unread: self.accept_unread,
            probation: self.probation.into(),
        };
        let session = context.session(Missing::Refuse).await?;
        let rollback = session.rollback(&self.plugin, &request);
        let answer = watched(context, &session, &[&self.plugin], rollback).await;
        let answer = session.close(answer).await?;
        context.console.answer(&answer, |answer| {
            print_answer(&context.console, answer)?;
            match &request.discard_to {
                Some(file) if answer.receipt.discarded == 0 => context
                    .console
                    .line(format_args!("no write had to be given up, so {} was not written", file.display())),
                _ => Ok(()),
            }
        })
    }
}
