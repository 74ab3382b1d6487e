//! What the demo prints: the commands a user would type, what they answered, and the figures.

use crate::console::{BOLD, Console, DIM, GOOD, count, micros, short, styled};
use crate::demo::Report;
use crate::failure::Failure;

/// Prints, unless only the report is wanted.
#[derive(Clone, Copy)]
pub(super) struct Story {
    console: Console,
}

impl Story {
    pub(super) fn new(console: Console) -> Self {
        Self { console }
    }

    pub(super) fn say(&self, text: impl std::fmt::Display) -> Result<(), Failure> {
        if self.console.is_json() { Ok(()) } else { self.console.line(text) }
    }

    /// A command as it would be typed, with a remark.
    pub(super) fn typed(&self, command: &str, remark: &str) -> Result<(), Failure> {
        let remark = if remark.is_empty() { String::new() } else { styled(DIM, format!("   # {remark}")) };
        self.say(format_args!("{} {}{remark}", styled(DIM, "$"), styled(BOLD, command)))
    }

    /// What a command printed, indented.
    pub(super) fn answered(&self, output: &str) -> Result<(), Failure> {
        output.lines().try_for_each(|line| self.say(format_args!("  {line}")))
    }
}

/// The figures at the end.
pub(crate) fn figures(console: &Console, report: &Report) -> Result<(), Failure> {
    let row = |name: &str, value: String| console.line(format_args!("  {name:<26}{value}"));
    console.line("")?;
    console.line(format_args!(
        "{} {} calls, none lost, none doubled; {} log entries and {} totals equal those of the file",
        styled(GOOD, "passed:"),
        count(report.calls),
        count(report.checked.log_entries),
        count(report.checked.totals),
    ))?;
    row("calls per second", format!("{} from {} callers", count(report.calls_per_second), report.callers))?;
    row(
        "commits per sync",
        format!("{:.1} ({} commits, {} syncs)", report.commits_per_sync, count(report.commits), count(report.syncs)),
    )?;
    row("kills", format!("{} (SIGKILL), one in the swap: {}", report.kills, report.swap_killed_in))?;
    row(
        "asked again after a kill",
        format!(
            "{} calls; {} of them had been carried out, and were answered from the record",
            count(report.repeated),
            count(report.replayed)
        ),
    )?;
    let recovery: Vec<String> = report.recovery_us.iter().map(|&time| micros(time)).collect();
    row(
        "recovery",
        format!("{} (the host's own part; process start to ready: {})", recovery.join(", "), micros(report.ready_us)),
    )?;
    let entries = count(report.migrated_entries);
    let pause = micros(report.pause_us);
    let held = if report.resumed {
        format!("cut by the kill; the restarted host carried it to its end in {pause}, {entries} entries written")
    } else {
        format!(
            "{pause} with {entries} entries written by the migration; {} calls waited, none failed",
            count(report.held_calls)
        )
    };
    row("pause of the swap", held)?;
    row("pause of the second swap", format!("{}, with nothing to migrate", micros(report.pause_identical_us)))?;
    row("slowest call", format!("{} (swap included, kills not)", micros(report.slowest_us)))?;
    row("root before the swap", report.root_sealed.as_deref().map_or("none".to_owned(), short))?;
    row("root after the swap", report.root_migrated.as_deref().map_or("none".to_owned(), short))?;
    row("root at the end", format!("{}, the same after a kill and a restart", short(&report.root_end)))
}
