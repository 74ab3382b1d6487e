use std::path::PathBuf;

use clap::Args;

use super::Context;
use crate::api::RepairAnswer;
use crate::console::{BAD, Console, GOOD, HINT, micros, styled};
use crate::failure::{Exit, Failure};
use crate::session;

/// Make a damaged data directory one that opens
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead repair --dry-run                      say what a repair would keep and lose
  stead repair
  stead repair /backup/stead-data --json

What is left is restored from the newest whole checkpoint and the journal. What is damaged is set aside in quarantine/, \
with a report; nothing is deleted. The host must not run.

Exit codes:
  0  there was nothing to repair, and nothing was changed
  4  repaired (or, in a dry run, it would be), and nothing is lost
  5  repaired (or it would be), and what is listed is lost
  3  not repaired, and nothing was changed")]
pub(super) struct Repair {
    /// The data directory; without it, that of --data
    dir: Option<PathBuf>,

    /// Say what a repair would do, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Repair {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let console = &context.console;
        let data = self.dir.unwrap_or_else(|| context.global.data.clone());
        let bar = console.progress("reading", 0);
        let answer = session::repair(&data, self.dry_run, move |done, total| {
            bar.total(total);
            bar.set(done);
        })
        .await?;
        console.answer(&answer, |answer| print(console, answer))?;
        match (answer.damage.is_empty(), answer.loses) {
            (true, _) => Ok(()),
            (false, false) => Err(Failure::silent(Exit::Repaired)),
            (false, true) => Err(Failure::silent(Exit::RepairedWithLoss)),
        }
    }
}

fn print(console: &Console, answer: &RepairAnswer) -> Result<(), Failure> {
    if answer.damage.is_empty() {
        return console.line(format_args!("{}: nothing was changed", styled(GOOD, "no damage")));
    }
    for damage in &answer.damage {
        let damaged = styled(BAD, "damaged:");
        console.line(format_args!("{damaged} {} at byte {}: {}", damage.file, damage.offset, damage.what))?;
        console.line(format_args!("  affects: {}", damage.affects))?;
    }
    for aside in &answer.set_aside {
        console.line(format_args!("set aside: {} as {}", aside.file, aside.to))?;
    }
    console.line(format_args!(
        "kept: every commit up to {}, from the checkpoint at commit {}",
        answer.kept, answer.checkpoint
    ))?;
    for lost in &answer.lost {
        console.line(format_args!("{} {lost}", styled(BAD, "lost:")))?;
    }
    let (done, loss) = match (answer.dry_run, answer.loses) {
        (false, false) => ("repaired", "nothing is lost"),
        (false, true) => ("repaired", "what is listed is lost"),
        (true, false) => ("a repair would work", "nothing would be lost"),
        (true, true) => ("a repair would work", "what is listed would be lost"),
    };
    let style = if answer.loses { BAD } else { GOOD };
    console.line(format_args!("{done} in {}: {}", micros(answer.took_us), styled(style, loss)))?;
    if let Some(report) = answer.report.as_ref().filter(|_| !answer.dry_run) {
        console.note(format_args!(
            "{} {report} has all of this, and every key that can still be told",
            styled(HINT, "report:")
        ));
    }
    Ok(())
}
