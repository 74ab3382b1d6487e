use clap::Args;
use stead_runtime::Recording;

use super::{Context, Missing};
use crate::api::{RecordAnswer, RecordRequest};
use crate::console::{BOLD, Console, bytes, parse_bytes, plural, styled, time};
use crate::failure::Failure;

/// Record a plugin's calls, so that a swap can be rehearsed with them
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead record tally --last 1000                keep the last 1000 calls
  stead record tally --last 1000 --bytes 16MiB  and no more than 16 MiB of them
  stead record tally                            how many are there?
  stead record tally --off                      no more, and forget those there are
  stead swap tally tally-v2.wasm --rehearse     make them again, on both versions

A call is recorded with its arguments, in the commit of its own writes; the oldest leave. Read-only calls are recorded too, which \
makes each of them a commit. Arguments lie in the data directory as they are: leave this off where they are secret.")]
pub(super) struct Record {
    /// The plugin
    plugin: String,

    /// Keep so many calls, the last ones
    #[arg(long, value_name = "N")]
    last: Option<u64>,

    /// Keep no more bytes than this, such as 16MiB; 64MiB if it is not said
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes, requires = "last")]
    bytes: Option<u64>,

    /// Record no more calls, and forget those there are
    #[arg(long, conflicts_with = "last")]
    off: bool,
}

impl Record {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let answer = match self.last.is_some() || self.off {
            true => {
                let request = RecordRequest { last: self.last, bytes: self.bytes, off: self.off };
                session.record(&self.plugin, request).await
            }
            false => session.recording(&self.plugin).await,
        };
        let answer = session.close(answer).await?;
        context.console.answer(&answer, |answer| print(&context.console, &self.plugin, answer))
    }
}

fn print(console: &Console, plugin: &str, answer: &RecordAnswer) -> Result<(), Failure> {
    let plugin = styled(BOLD, plugin);
    match &answer.recording {
        None => console.line(format_args!("{plugin}: calls are not recorded")),
        Some(recording) => console.line(format_args!("{plugin}: {}", said(recording))),
    }
}

/// `the last 1 000 calls and 64.0 MiB are kept; 12 calls with 1.2 KiB since …`.
pub(super) fn said(recording: &Recording) -> String {
    format!(
        "the last {} are kept, up to {}; there are {} in {}, since {}",
        plural(recording.last, "call", "calls"),
        bytes(recording.bytes_max),
        recording.calls,
        bytes(recording.bytes),
        time(recording.since_ms),
    )
}
