mod together;

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use clap::Args;
use stead_runtime::{Activated, CollectionVerdict, Migrated, Phase, Receipt, ReceiptKind, VersionSummary};
use stead_schema::Verdict;

use super::asked::AskedArgs;
use super::deploy::{AffirmedArgs, GrantArgs, in_file, read_component};
use super::probation::{ProbationArgs, print_probation};
use super::rehearse::{self, RehearseArgs};
use super::watched::watched;
use super::{Context, Missing};
use crate::api::{CollectionInfo, HandOffAnswer, PluginInfo, SwapRequest};
use crate::console::{BAD, BOLD, Console, DIM, GOOD, Table, count, micros, parse_duration, plural, styled, visible};
use crate::failure::Failure;
use crate::session::Session;
use together::Targets;

/// Replace a plugin's code and keep its state
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead swap tally tally-v2.wasm
  stead swap tally tally-v2.wasm --label 2.0.0 --deadline 5s
  stead swap tally tally-v2.wasm --rehearse     try it out on a copy, with the recorded calls
  stead swap tally tally-v2.wasm --rehearse --then-commit --accept-difference total
  stead swap tally tally-v3.wasm --drop acme:tally/ballots@1
  stead swap tally tally-v3.wasm --accept-lossy acme:tally/notes@1
  stead swap tally=tally-v2.wasm audit=audit-v2.wasm
  stead swap tally=tally-v3.wasm audit=audit-v2.wasm --drop tally=acme:tally/ballots@1
  stead swap tally tally-v2.wasm --probation 10m --otherwise stop

The host first proves from the types that the new code can read the old state, and runs the new code's migration \
where it cannot; `stead check` says beforehand what it would find. A migration first runs beside the calls, \
for up to 10 minutes; calls that arrive in the last step wait; none fails and none is lost. A refusal changes nothing. Ctrl-C ends the waiting, not a swap that a running host has begun.

A rehearsal runs the migration and the calls that `stead record` kept on both versions, on copies that are in memory alone: \
no effect leaves the host, and clocks and random numbers are the same for both. It ends with 1 where a swap would be given up, or \
where something differs that was not accepted.

Several plugins change hands together or not at all. An option that names a collection or a setting then begins with the \
plugin that it is for, as in --drop tally=IDENTITY; the others hold for all of them.")]
#[command(
    override_usage = "stead swap [OPTIONS] <PLUGIN> <FILE.wasm>\n       stead swap [OPTIONS] <PLUGIN=FILE.wasm>..."
)]
pub(super) struct Swap {
    /// The plugin and its new component; or PLUGIN=FILE.wasm for each of several that change hands in one commit
    #[arg(value_name = "PLUGIN FILE.wasm", required = true)]
    what: Vec<OsString>,

    /// Your name for the new version, such as 2.0.0
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,

    /// Hold calls no longer than this before the commit; past it the swap is given up and the old version goes on
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    deadline: Option<Duration>,

    /// Let a migration run no longer than this before calls are held; 10 minutes if not given
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    migration_deadline: Option<Duration>,

    /// Delete a collection, by identity
    #[arg(long, value_name = "IDENTITY")]
    drop: Vec<String>,

    /// Let fields, cases or flags of a collection be lost, by identity
    #[arg(long, value_name = "IDENTITY")]
    accept_lossy: Vec<String>,

    /// Leave behind old entries that the migration never read
    #[arg(long)]
    accept_unread: bool,

    /// A setting that the new version reads through `wasi:config`: those given replace all that there were; given none, it keeps them
    #[arg(long, value_name = "NAME=VALUE")]
    config: Vec<String>,

    #[command(flatten)]
    rehearsal: RehearseArgs,

    #[command(flatten)]
    affirmed: AffirmedArgs,

    #[command(flatten)]
    asked: AskedArgs,

    #[command(flatten)]
    grants: GrantArgs,

    #[command(flatten)]
    probation: ProbationArgs,
}

impl Swap {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let request = SwapRequest {
            label: self.label,
            deadline_ms: self.deadline.map(milliseconds),
            migration_deadline_ms: self.migration_deadline.map(milliseconds),
            drop: self.drop,
            accept_lossy: self.accept_lossy,
            accept_unread: self.accept_unread,
            config: self.config,
            grants: self.grants.into(),
            state: self.affirmed.state,
            links: self.affirmed.links,
            asked_by: Some(self.asked.name()?),
            probation: self.probation.into(),
        };
        match together::parse(&self.what)? {
            Targets::One(plugin, file) if self.rehearsal.rehearse => {
                rehearse::run(context, &plugin, &file, self.rehearsal.request(request)).await
            }
            Targets::One(plugin, file) => one(context, &plugin, &file, &request).await,
            Targets::Several(_) if self.rehearsal.rehearse => Err(Failure::usage("a rehearsal is of one plugin")
                .help("rehearse them one by one: stead swap PLUGIN FILE.wasm --rehearse")),
            Targets::Several(targets) => together::run(context, &targets, &request).await,
        }
    }
}

/// What a hand-off did, and what comes of the probation that it began.
pub(super) fn print_answer(console: &Console, answer: &HandOffAnswer) -> Result<(), Failure> {
    print_receipt(console, &answer.receipt)?;
    match &answer.probation {
        Some(report) => print_probation(console, &answer.receipt.plugin, report),
        None => Ok(()),
    }
}

async fn one(context: &Context, plugin: &str, file: &Path, request: &SwapRequest) -> Result<(), Failure> {
    let wasm = read_component(file)?;
    let session = context.session(Missing::Refuse).await?;
    // For people: what becomes unused is told beside the receipt.
    let before = if context.console.is_json() { None } else { session.show(plugin).await.ok() };
    let swap = session.swap(plugin, wasm, request);
    let answer = watched(context, &session, &[plugin], swap).await.map_err(|error| in_file(file, error));
    let unused = match (&before, &answer) {
        (Some(before), Ok(answer)) => unused_since(&session, before, answer).await,
        _ => Vec::new(),
    };
    let answer = session.close(answer).await?;
    context.console.answer(&answer, |answer| {
        print_answer(&context.console, answer)?;
        print_unused(&context.console, answer, &unused)
    })
}

/// What the version before kept and the new one does not use: seldom meant, and the receipt says nothing of it.
pub(super) async fn unused_since(
    session: &Session,
    before: &PluginInfo,
    answer: &HandOffAnswer,
) -> Vec<CollectionInfo> {
    let Ok(after) = session.show(&answer.receipt.plugin).await else { return Vec::new() };
    let was_used = |identity: &str| before.collections.iter().any(|was| was.identity == identity && !was.dormant);
    let unused = |collection: &CollectionInfo| {
        collection.dormant && !collection.dropped && collection.entries > 0 && was_used(&collection.identity)
    };
    after.collections.into_iter().filter(unused).collect()
}

pub(super) fn print_unused(
    console: &Console,
    answer: &HandOffAnswer,
    unused: &[CollectionInfo],
) -> Result<(), Failure> {
    for collection in unused {
        let entries = plural(collection.entries, "entry", "entries");
        console.line(format_args!("  unused     {}: {entries}, kept", collection.identity))?;
    }
    let receipt = &answer.receipt;
    if !unused.is_empty() && receipt.verdicts.is_empty() {
        console.note(format_args!(
            "warning: {} uses nothing that {} kept: is it the right component? `stead rollback {}` goes back",
            name(&receipt.to),
            name(&receipt.from),
            receipt.plugin
        ));
    }
    Ok(())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A receipt for people: what became of each collection, how long each phase took, and which version serves.
pub(super) fn print_receipt(console: &Console, receipt: &Receipt) -> Result<(), Failure> {
    print_verdicts(console, &receipt.verdicts, receipt.migrated.as_ref())?;
    if let Some(migrated) = &receipt.migrated {
        print_migrated(console, migrated)?;
    }
    for phase in &receipt.phases {
        console.line(format_args!("  {:<22}{}", phase_word(phase.phase), micros(phase.took_us)))?;
    }
    console.line(format_args!(
        "calls were held for {}; {}",
        styled(BOLD, micros(receipt.pause_us)),
        plural(receipt.held_calls, "call waited", "calls waited")
    ))?;
    if receipt.discarded > 0 {
        console
            .line(format_args!("{} exported and given up", plural(receipt.discarded, "later write", "later writes")))?;
    }
    match &receipt.activated {
        Activated::Successor => console.line(format_args!(
            "{} {} serves, in the place of {}",
            styled(GOOD, "done:"),
            name(&receipt.to),
            name(&receipt.from)
        )),
        Activated::Incumbent { phase, reason } => console.line(format_args!(
            "{} in {}: {}; {} goes on",
            styled(BAD, "given up"),
            phase_word(*phase),
            visible(reason),
            name(&receipt.from)
        )),
    }
}

/// What was found for each collection. Of one that was migrated it says little that its types are those that the migration
/// reads: what became of it stands in the table that follows.
pub(super) fn print_verdicts(
    console: &Console,
    verdicts: &[CollectionVerdict],
    migrated: Option<&Migrated>,
) -> Result<(), Failure> {
    let is_migrated =
        |identity: &str| migrated.is_some_and(|migrated| migrated.collections.iter().any(|of| of.identity == identity));
    for collection in verdicts {
        if collection.verdict == Verdict::Identical && is_migrated(&collection.identity) {
            continue;
        }
        console.line(format_args!("{}  {}", verdict(collection.verdict), collection.identity))?;
        for difference in &collection.differences {
            console.line(format_args!("              {}", styled(DIM, difference)))?;
        }
    }
    Ok(())
}

/// What a migration did.
pub(super) fn print_migrated(console: &Console, migrated: &Migrated) -> Result<(), Failure> {
    console.line(format_args!(
        "migrated in {} ({})",
        micros(migrated.took_us),
        plural(u64::from(migrated.runs), "run", "runs")
    ))?;
    let mut table = Table::new(&["  COLLECTION", ">READ", ">WRITTEN", ">UNREAD"]);
    for collection in &migrated.collections {
        table.row([
            format!("  {}", collection.identity),
            count(collection.read),
            count(collection.written),
            count(collection.unread),
        ]);
    }
    table.print(console)
}

/// `version 2 (2.0.0)`.
pub(super) fn name(version: &VersionSummary) -> String {
    let label = version.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    format!("version {}{label}", version.generation)
}

pub(super) fn kind_word(kind: ReceiptKind) -> &'static str {
    match kind {
        ReceiptKind::Swap => "swap",
        ReceiptKind::Rollback => "rollback",
        ReceiptKind::RollbackDiscarding => "rollback, discarding",
    }
}

/// A phase as its documentation calls it.
pub(crate) fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Negotiating => "negotiating",
        Phase::Draining => "draining",
        Phase::Sealing => "sealing",
        Phase::AwaitingReady => "awaiting ready",
        Phase::Committed => "committed",
        Phase::ResumingAfterAbort => "resuming after abort",
    }
}

pub(super) fn verdict(verdict: Verdict) -> String {
    match verdict {
        Verdict::Identical => styled(GOOD, "identical   "),
        Verdict::Widening => styled(GOOD, "widening    "),
        Verdict::Lossy => styled(BAD, "lossy       "),
        Verdict::Incompatible => styled(BAD, "incompatible"),
    }
}
