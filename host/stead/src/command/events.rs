use clap::Args;
use serde::Deserialize;
use stead_runtime::{Event, Happened};

use super::swap::{kind_word, phase_word};
use super::{Context, Missing, probation};
use crate::api::EventsQuery;
use crate::console::{Console, DIM, GOOD, count, micros, plural, styled, time, visible};
use crate::failure::Failure;

/// Show what happens to plugins while a host serves them: phases of hand-offs, progress, deploys, edits
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead events                         what the running host remembers
  stead events tally --follow          what happens from now on, until Ctrl-C
  stead events --follow --json         one JSON object a line

A host remembers the last 1 024 events since it was started; `stead history PLUGIN` has what happened for ever. Who reads \
too slowly is told how many events it missed.")]
pub(super) struct Events {
    /// Of this plugin only
    plugin: Option<String>,

    /// Go on with what is to come
    #[arg(long, short)]
    follow: bool,

    /// Begin after this event
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
}

/// One line of the stream.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Event(Box<Event>),
    Missed { missed: u64 },
}

impl Events {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let query = EventsQuery { plugin: self.plugin, after: self.after, follow: self.follow };
        let mut lines = match session.events(&query).await {
            Ok(lines) => lines,
            Err(error) => return session.close(Err(error)).await,
        };
        loop {
            match lines.next().await {
                Ok(Some(line)) if context.console.is_json() => context.console.line(line)?,
                Ok(Some(line)) => print(&context.console, &line)?,
                Ok(None) => return session.close(Ok(())).await,
                Err(error) => return session.close(Err(error)).await,
            }
        }
    }
}

fn print(console: &Console, line: &str) -> Result<(), Failure> {
    match serde_json::from_str::<Line>(line) {
        Ok(Line::Event(event)) => {
            let at = styled(DIM, time(event.at_ms));
            console.line(format_args!("{at}  {}  {}", event.plugin, words(&event.what)))
        }
        Ok(Line::Missed { missed }) => {
            console.line(format_args!("({} came and went unread)", plural(missed, "event", "events")))
        }
        // A newer host has events that this release has no words for.
        Err(_) => console.line(line.escape_debug()),
    }
}

/// An event in words.
pub(super) fn words(what: &Happened) -> String {
    match what {
        Happened::Phase { phase, kind, to, held_calls } => {
            let kind = kind.map_or("hand-off", kind_word);
            let to = to.map(|to| format!(" to version {to}")).unwrap_or_default();
            let held = match held_calls {
                0 => String::new(),
                held => format!(", {}", plural(*held, "call held", "calls held")),
            };
            format!("{kind}{to}: {}{held}", phase_word(*phase))
        }
        Happened::Progress { progress } => format!(
            "migrating: {} of {}, round {}",
            count(progress.done),
            plural(progress.total, "entry", "entries"),
            progress.round
        ),
        Happened::HandedOff { kind, from, to, serves, reason, pause_us, held_calls } => {
            let held = plural(*held_calls, "call", "calls");
            let pause = format!("{held} held for {}", micros(*pause_us));
            match reason {
                None => format!("{} {} from version {from} to {to}; {pause}", kind_word(*kind), styled(GOOD, "done")),
                Some(reason) => {
                    let reason = visible(reason.lines().next().unwrap_or_default());
                    let held = if *pause_us > 0 { format!("; {pause}") } else { String::new() };
                    format!("{} given up: {reason}; version {serves} goes on{held}", kind_word(*kind))
                }
            }
        }
        Happened::Probation { version, step } => format!("probation of version {version} {}", probation::step(step)),
        Happened::Deployed { version } => format!("deployed, version {version}"),
        Happened::Forked { from } => format!("forked from `{from}`"),
        Happened::Edited { collection } => format!("an entry of {collection} was edited"),
        Happened::Imported { entries } => format!("{} imported", plural(*entries, "entry", "entries")),
    }
}
