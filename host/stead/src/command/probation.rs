//! Probations on the command line: their terms, and how they are told.

use std::fmt::Write;

use clap::Args;
use stead_runtime::{
    CallFigures, Measure, OnBreach, Otherwise, Outlook, Probation, ProbationLength, ProbationReport, ProbationStage,
    ProbationStep, Refusal,
};

use crate::api::ProbationRequest;
use crate::console::{BAD, Console, count, duration, micros, plural, styled};
use crate::failure::Failure;

/// The terms of a probation.
#[derive(Debug, Args)]
#[command(next_help_heading = "Probation")]
pub(super) struct ProbationArgs {
    /// Watch the new version for a time (60s) or a number of calls (1000calls), beside the figures of the one before
    #[arg(long, value_name = "TIME|CALLS")]
    probation: Option<String>,

    /// What to do if it does worse: hand-back to the version before (the default), stop its calls, or go-on with a warning
    #[arg(long, value_name = "WHAT", value_parser = ["hand-back", "stop", "go-on"], requires = "probation")]
    on_breach: Option<String>,

    /// What to do where handing back would lose writes: stop its calls, or go-on with a warning (the default)
    #[arg(long, value_name = "WHAT", value_parser = ["stop", "go-on"], requires = "probation")]
    otherwise: Option<String>,

    /// By how many percentage points more of its calls may trap; 1 if not said
    #[arg(long, value_name = "PERCENT|off", requires = "probation")]
    breach_traps: Option<String>,

    /// By how many percentage points more of its calls may return `err`; 10 if not said
    #[arg(long, value_name = "PERCENT|off", requires = "probation")]
    breach_errors: Option<String>,

    /// How many times as long its calls may take, 95 of 100 of them; 5 if not said
    #[arg(long, value_name = "FACTOR|off", requires = "probation")]
    breach_latency: Option<String>,
}

impl From<ProbationArgs> for ProbationRequest {
    fn from(args: ProbationArgs) -> Self {
        Self {
            length: args.probation,
            on_breach: args.on_breach,
            otherwise: args.otherwise,
            traps: args.breach_traps,
            errors: args.breach_errors,
            latency: args.breach_latency,
        }
    }
}

/// How a probation stands, and what would come of a breach.
pub(super) fn print_probation(console: &Console, plugin: &str, report: &ProbationReport) -> Result<(), Failure> {
    let terms = &report.terms;
    match &report.stage {
        ProbationStage::Watching => console.line(format_args!(
            "  probation  for {}; so far {}, {}",
            length(terms.length),
            plural(report.figures.calls, "call", "calls"),
            micros(report.watched_ms.saturating_mul(1000)),
        ))?,
        ProbationStage::Breached { reason } => {
            console.line(format_args!("  probation  {}: {reason}", styled(BAD, "breached")))?;
        }
        ProbationStage::Stopped { reason } => {
            console.line(format_args!("  {}    {reason}", styled(BAD, "stopped")))?;
            let ways = format!(
                "`stead resume {plugin}` lets its calls in again; `stead rollback {plugin}` and `stead swap` replace it"
            );
            return console.line(format_args!("             {ways}"));
        }
    }
    console.line(format_args!("             on a breach {}", answer(terms, &report.outlook)))?;
    if !report.unjudged.is_empty() {
        let from = |unjudged: &Measure| format!("{} (from {} calls on)", measure(unjudged), unjudged.calls_min());
        let names: Vec<String> = report.unjudged.iter().map(from).collect();
        let calls = plural(report.before.calls, "call", "calls");
        let note = format!("{} not judged: the version before served {calls}", names.join(" and "));
        console.line(format_args!("             {note}"))?;
    }
    Ok(())
}

/// What is going to be done at a breach, with what is known of the way back.
fn answer(terms: &Probation, outlook: &Outlook) -> String {
    let otherwise = match terms.otherwise {
        Otherwise::Stop => "its calls are stopped",
        Otherwise::GoOn => "it goes on with a warning",
    };
    match (terms.on_breach, outlook) {
        (OnBreach::Stop, _) => "its calls are stopped".to_owned(),
        (OnBreach::GoOn, _) => "it goes on with a warning".to_owned(),
        (OnBreach::HandBack, Outlook::Kept) => "the version before takes over again with every write".to_owned(),
        (OnBreach::HandBack, Outlook::KeptByValue { collections }) => format!(
            "the version before takes over again with every write, unless one uses what it does not know (in {}): then \
             {otherwise}",
            collections.join(", ")
        ),
        (OnBreach::HandBack, Outlook::Migrated { collections }) => format!(
            "the version before takes over again by its own migration of {}; if that fails, {otherwise}",
            collections.join(", ")
        ),
        (OnBreach::HandBack, Outlook::Refused { reasons }) => {
            because(format!("the version before cannot take over again, so {otherwise}:"), reasons)
        }
        (OnBreach::HandBack, Outlook::Lost { reasons }) => {
            because(format!("handing back would lose what is written from now on, so {otherwise}:"), reasons)
        }
    }
}

fn because(mut text: String, reasons: &[Refusal]) -> String {
    for reason in reasons {
        let _ = write!(text, "\n             {}: {}", reason.subject, reason.reason);
    }
    text
}

/// Figures of a version's calls on one line.
pub(super) fn figures(figures: &CallFigures) -> String {
    if figures.calls == 0 {
        return "none so far".to_owned();
    }
    format!(
        "{}, {} `err`, {} trapped; half within {}, 95 % {}, 99 % {}",
        count(figures.calls),
        count(figures.errors),
        count(figures.traps),
        micros(figures.p50_us),
        micros(figures.p95_us),
        micros(figures.p99_us)
    )
}

/// One line for a step, for the history.
pub(super) fn step(step: &ProbationStep) -> String {
    match step {
        ProbationStep::Passed { figures, .. } if figures.calls == 0 => {
            "over without a call: nothing was proved".to_owned()
        }
        ProbationStep::Passed { figures: passed, .. } => format!("passed: {}", figures(passed)),
        ProbationStep::Breached { breaches, answer, .. } => {
            let breaches: Vec<String> = breaches.iter().map(ToString::to_string).collect();
            let answer = match answer {
                OnBreach::HandBack => "hand back",
                OnBreach::Stop => "stop",
                OnBreach::GoOn => "go on",
            };
            format!("breached: {}; {answer}", breaches.join("; "))
        }
        ProbationStep::NotHandedBack { reason, otherwise } => {
            let done = match otherwise {
                Otherwise::Stop => "stopped",
                Otherwise::GoOn => "went on",
            };
            format!("not handed back, {done}: {}", reason.lines().next().unwrap_or_default())
        }
        ProbationStep::Resumed => "calls are let in again".to_owned(),
    }
}

fn length(length: ProbationLength) -> String {
    match length {
        ProbationLength::Time(time) => duration(time),
        ProbationLength::Calls(calls) => plural(calls, "call", "calls"),
    }
}

fn measure(measure: &Measure) -> &'static str {
    match measure {
        Measure::Traps => "traps",
        Measure::Errors => "error results",
        Measure::Latency => "times",
    }
}
