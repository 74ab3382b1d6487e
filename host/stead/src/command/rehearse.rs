//! `stead swap --rehearse`: its options and what it prints.

use std::path::Path;
use std::time::Duration;

use clap::Args;
use stead_runtime::{CollectionRehearsal, FunctionRehearsal, Rehearsal, Rehearsed, SideFigures};

use super::deploy::{in_file, read_component};
use super::swap::{name, print_migrated, print_receipt, print_verdicts};
use super::{Context, Missing};
use crate::api::{RehearseRequest, SwapRequest};
use crate::console::{
    BAD, BOLD, Console, DIM, GOOD, Table, bytes, count, micros, parse_duration, plural, styled, time, visible,
};
use crate::failure::{Exit, Failure};

/// How a swap is tried out first.
#[derive(Debug, Args)]
#[command(next_help_heading = "Rehearsal")]
pub(super) struct RehearseArgs {
    /// Try the swap out on a copy of the state, with the recorded calls (`stead record`), and change nothing
    #[arg(long)]
    pub(super) rehearse: bool,

    /// After the rehearsal go on with the swap, if nothing differs that was not accepted
    #[arg(long, requires = "rehearse")]
    then_commit: bool,

    /// A function may answer otherwise than before, or a collection end otherwise, by the name in the report
    #[arg(long, value_name = "NAME", requires = "rehearse")]
    accept_difference: Vec<String>,

    /// Make only so many of the recorded calls again, the last ones
    #[arg(long, value_name = "N", requires = "rehearse")]
    last: Option<u64>,

    /// How long the calls may take in all; 1m if it is not said
    #[arg(long, value_name = "TIME", value_parser = parse_duration, requires = "rehearse")]
    rehearsal_time: Option<Duration>,
}

impl RehearseArgs {
    pub(super) fn request(self, swap: SwapRequest) -> RehearseRequest {
        RehearseRequest {
            swap,
            last: self.last,
            time_ms: self.rehearsal_time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
            accept_difference: self.accept_difference,
            then_commit: self.then_commit,
        }
    }
}

/// Rehearses the swap of one plugin, and prints what was found.
pub(super) async fn run(context: &Context, plugin: &str, file: &Path, request: RehearseRequest) -> Result<(), Failure> {
    let wasm = read_component(file)?;
    let session = context.session(Missing::Refuse).await?;
    let rehearsed = session.rehearse(plugin, wasm, &request).await.map_err(|error| in_file(file, error));
    print(context, &session.close(rehearsed).await?)
}

/// Prints what was found. It is a refusal where a swap would not have followed, or did not succeed.
fn print(context: &Context, rehearsed: &Rehearsed) -> Result<(), Failure> {
    let console = &context.console;
    console.answer(rehearsed, |rehearsed| {
        print_rehearsal(console, &rehearsed.rehearsal)?;
        match &rehearsed.receipt {
            Some(receipt) => console.line("").and_then(|()| print_receipt(console, receipt)),
            None => Ok(()),
        }
    })?;
    let gone_wrong = rehearsed.receipt.as_ref().is_some_and(|receipt| receipt.given_up().is_some());
    if rehearsed.rehearsal.passed && !gone_wrong { Ok(()) } else { Err(Failure::silent(Exit::Refused)) }
}

fn print_rehearsal(console: &Console, found: &Rehearsal) -> Result<(), Failure> {
    let (from, to) = (name(&found.from), name(&found.to));
    console.line(format_args!("rehearsed on a copy: {}, {to} in the place of {from}", styled(BOLD, &found.plugin)))?;
    print_verdicts(console, &found.verdicts, found.migrated.as_ref())?;
    if let Some(migrated) = &found.migrated {
        print_migrated(console, migrated)?;
    }
    console.line(format_args!("prepared in {}", micros(found.prepared_us)))?;
    if let Some(why) = &found.incumbent.unavailable {
        console.line(format_args!("{from} does not run, so there is nothing to compare with: {why}"))?;
    }
    if found.given_up.is_none() {
        print_calls(console, found)?;
    }
    for collection in found.state.iter().flat_map(|state| &state.collections) {
        print_collection(console, collection)?;
    }
    if !found.withheld.is_empty() {
        console.line(format_args!("not granted in a rehearsal: {}", found.withheld.join(", ")))?;
    }
    if !found.accepted.is_empty() {
        console.line(format_args!("accepted: {}", found.accepted.join(", ")))?;
    }
    print_end(console, found)
}

fn print_calls(console: &Console, found: &Rehearsal) -> Result<(), Failure> {
    let calls = &found.calls;
    if calls.recorded == 0 {
        return console.line(format_args!(
            "there are no recorded calls, so none was made: `stead record {0}` says whether they are recorded, \
             `stead record {0} --last 1000` begins it",
            found.plugin
        ));
    }
    console.line(format_args!(
        "{} of {} made again on today's state; {} answered {} of them as it did then",
        count(calls.made),
        plural(calls.recorded, "recorded call", "recorded calls"),
        name(&found.from),
        count(calls.as_recorded)
    ))?;
    for skipped in &calls.skipped {
        console.line(format_args!("  {} not made: {}", plural(skipped.calls, "call", "calls"), skipped.reason))?;
    }
    let mut table =
        Table::new(&["  FUNCTION", ">CALLS", ">DIFFER", ">TRAPPED BEFORE", ">TRAPS NOW", ">TIME BEFORE", ">TIME NOW"]);
    for function in &found.functions {
        let answered = function.calls - function.incumbent_trapped.min(function.calls);
        // Only calls that both answered are timed.
        let mean = |total: u64| total.checked_div(answered).filter(|_| total > 0).map(micros).unwrap_or_default();
        table.row([
            format!("  {}", function.function),
            count(function.calls),
            count(function.differing),
            count(function.incumbent_trapped),
            count(function.successor_trapped),
            mean(function.incumbent.total_us),
            mean(function.successor.total_us),
        ]);
    }
    if !found.functions.is_empty() {
        table.print(console)?;
    }
    if found.functions_left_out > 0 {
        let left_out = plural(found.functions_left_out, "further function", "further functions");
        console.line(format_args!("  and {left_out}"))?;
    }
    for function in &found.functions {
        print_example(console, function)?;
    }
    let mut table =
        Table::new(&["", ">RETURNED", ">ERR", ">TRAPPED", ">REFUSED", ">TIME", ">SLOWEST", ">MEMORY", ">WRITTEN"]);
    table.row(side("  before", &found.incumbent));
    table.row(side("  now", &found.successor));
    table.print(console)
}

fn side(word: &str, side: &SideFigures) -> [String; 9] {
    [
        word.to_owned(),
        count(side.returned),
        count(side.failed),
        count(side.trapped),
        count(side.refused),
        micros(side.times.total_us),
        micros(side.times.slowest_us),
        bytes(side.memory_bytes),
        bytes(side.written_bytes),
    ]
}

fn print_example(console: &Console, function: &FunctionRehearsal) -> Result<(), Failure> {
    let Some(first) = &function.first else { return Ok(()) };
    console.line(format_args!(
        "{} {} call {} of {}",
        styled(BAD, "differs:"),
        styled(BOLD, &function.function),
        first.number,
        time(first.at_ms)
    ))?;
    console.line(format_args!("  called with  {}", console.cell(&first.arguments)))?;
    console.line(format_args!("  before       {}", console.cell(&first.incumbent)))?;
    console.line(format_args!("  now          {}", console.cell(&first.successor)))
}

fn print_collection(console: &Console, collection: &CollectionRehearsal) -> Result<(), Failure> {
    console.line(format_args!(
        "{} {} ends with {} added, {} removed, {} changed",
        styled(BAD, "differs:"),
        styled(BOLD, &collection.identity),
        count(collection.added),
        count(collection.removed),
        count(collection.changed)
    ))?;
    for entry in &collection.first {
        let side = |text: &Option<String>| text.as_deref().map_or("nothing".to_owned(), |text| console.cell(text));
        let key = entry.key.as_deref().map(|key| format!("{}: ", console.cell(key))).unwrap_or_default();
        console.line(format_args!("  {key}{} {} {}", side(&entry.was), styled(DIM, "→"), side(&entry.is)))?;
    }
    let more = collection.added + collection.removed + collection.changed - collection.first.len() as u64;
    if more > 0 {
        console.line(format_args!("  and {}", plural(more, "more entry", "more entries")))?;
    }
    Ok(())
}

fn print_end(console: &Console, found: &Rehearsal) -> Result<(), Failure> {
    if let Some(given_up) = &found.given_up {
        let reason = visible(&given_up.reason);
        return console.line(format_args!("{} a swap would be given up: {reason}", styled(BAD, "failed:")));
    }
    if let Some(why) = &found.calls.ended_early {
        console.line(format_args!("{} not all calls were made: {why}", styled(BAD, "ended early:")))?;
    }
    if !found.differing.is_empty() {
        console.line(format_args!(
            "{} {} (what is meant to differ is accepted by name: --accept-difference NAME)",
            styled(BAD, "differs:"),
            found.differing.join(", ")
        ))?;
    }
    if found.passed { console.line(format_args!("{} a swap may follow", styled(GOOD, "passed:"))) } else { Ok(()) }
}
