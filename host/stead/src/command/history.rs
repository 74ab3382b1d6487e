use clap::Args;
use stead_runtime::{Activated, HistoryEntry, HistoryEvent};

use super::state::copy;
use super::swap::{kind_word, name, phase_word};
use super::{Context, Missing};
use crate::console::{Table, micros, plural, time};
use crate::failure::Failure;

/// Show what happened to a plugin: deploy, swaps, rollbacks, probations, edits, imports
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead history tally
  stead history tally --json
  stead history tally --receipts > tally.receipts

With --json each hand-off comes with its whole receipt: verdicts, phases, pause, roots.")]
pub(super) struct History {
    /// The plugin
    plugin: String,

    /// Write what is stated about each hand-off as a file of receipts, for `stead verify --receipt`
    #[arg(long)]
    receipts: bool,
}

impl History {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        if self.receipts {
            let reader = match session.receipts(&self.plugin).await {
                Ok(reader) => reader,
                Err(error) => return session.close(Err(error)).await,
            };
            let written = tokio::task::spawn_blocking(move || copy(reader, &mut std::io::stdout().lock())).await;
            session.close(Ok(())).await?;
            return written.map_err(|error| Failure::host("internal", error))?;
        }
        let history = session.history(&self.plugin).await;
        let history = session.close(history).await?;
        context.console.answer(&history, |history| {
            let mut table = Table::new(&[">#", "WHEN", "WHAT", "FROM", "TO", ">PAUSE", "RESULT"]);
            for entry in history {
                table.row(row(entry));
            }
            table.print(&context.console)
        })
    }
}

fn row(entry: &HistoryEntry) -> [String; 7] {
    let (what, from, to, pause, result) = match &entry.event {
        HistoryEvent::Deployed { version } => {
            ("deploy", String::new(), name(version), String::new(), "done".to_owned())
        }
        HistoryEvent::Forked { from, version } => {
            ("fork", format!("`{from}`"), name(version), String::new(), "done".to_owned())
        }
        HistoryEvent::Edited { edited } => {
            let side = |text: &Option<String>| text.as_ref().map_or("nothing".to_owned(), |text| short_text(text));
            let key = edited.key.as_ref().map(|key| format!(" {}", short_text(key))).unwrap_or_default();
            let result = format!("{}{key}: {}", edited.collection, edited.reason);
            ("edit", side(&edited.before), side(&edited.after), String::new(), result)
        }
        HistoryEvent::Imported { imported } => {
            let what = plural(imported.entries, "entry", "entries");
            let reason = imported.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
            ("import", format!("`{}`", imported.from), String::new(), String::new(), format!("{what}{reason}"))
        }
        HistoryEvent::Probation { version, step } => {
            ("probation", String::new(), name(version), String::new(), super::probation::step(step))
        }
        HistoryEvent::HandOff { receipt } => {
            let result = match &receipt.activated {
                Activated::Successor => "done".to_owned(),
                Activated::Incumbent { phase, reason } => {
                    let reason = reason.lines().next().unwrap_or_default();
                    format!("given up in {}: {reason}", phase_word(*phase))
                }
            };
            // Calls were held in neither case before the gate was closed.
            let pause = if receipt.pause_us > 0 { micros(receipt.pause_us) } else { String::new() };
            (kind_word(receipt.kind), name(&receipt.from), name(&receipt.to), pause, result)
        }
    };
    [entry.number.to_string(), time(entry.at_ms), what.to_owned(), from, to, pause, result]
}

/// A value as far as a table has room for it.
fn short_text(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
