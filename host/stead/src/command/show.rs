use clap::Args;
use stead_runtime::{Phase, PluginSummary};

use super::inspect::exports;
use super::swap::{kind_word, name, phase_word};
use super::{Context, Missing};
use crate::api::PluginInfo;
use crate::console::{BAD, BOLD, Console, Table, count, plural, short, styled, time};
use crate::failure::Failure;

/// Show a plugin: its version, functions, collections and root
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead show tally
  stead show tally --json | jq -r .root")]
pub(super) struct Show {
    /// The plugin
    plugin: String,
}

impl Show {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let plugin = session.show(&self.plugin).await;
        let plugin = session.close(plugin).await?;
        context.console.answer(&plugin, |plugin| print(&context.console, plugin))
    }
}

fn print(console: &Console, plugin: &PluginInfo) -> Result<(), Failure> {
    let version = &plugin.summary.version;
    let label = version.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
    console.line(styled(BOLD, &plugin.summary.name))?;
    console.line(format_args!(
        "  version    {}{label}, deployed {}",
        version.generation,
        time(version.deployed_at_ms)
    ))?;
    console.line(format_args!("  component  {}", version.component))?;
    console.line(format_args!("  root       {}", plugin.root))?;
    console.line(format_args!("  commits    {}", count(plugin.commits)))?;
    console.line(format_args!("  calls      {}", super::probation::figures(&plugin.figures)))?;
    if plugin.waiting > 0 {
        console.line(format_args!("  waiting    {} calls", count(plugin.waiting)))?;
    }
    for (name, value) in &plugin.settings.0 {
        console.line(format_args!("  config     {}={}", name.escape_debug(), value.escape_debug()))?;
    }
    for link in &plugin.summary.links {
        console.line(format_args!("  link       {} to {}", link.interface, link.plugin))?;
    }
    for link in &plugin.unused_links {
        console.line(format_args!("  link       {} to {}, not used by this version", link.interface, link.plugin))?;
    }
    if !plugin.callers.is_empty() {
        console.line(format_args!("  called by  {}", plugin.callers.join(", ")))?;
    }
    if let Some(recording) = &plugin.recording {
        console.line(format_args!("  recording  {}", super::record::said(recording)))?;
    }
    if let Some(previous) = &plugin.previous {
        let label = previous.label.as_ref().map(|label| format!(" ({label})")).unwrap_or_default();
        console.line(format_args!(
            "  before     {}{label}: `stead rollback {}`",
            previous.generation, plugin.summary.name
        ))?;
    }
    if let Some(phase) = plugin.summary.handoff {
        hand_off(console, phase, &plugin.summary)?;
    }
    if let Some(report) = &plugin.probation_report {
        super::probation::print_probation(console, &plugin.summary.name, report)?;
    }
    if let Some(problem) = &plugin.summary.problem {
        console.line(format_args!("  {}    {problem}", styled(BAD, "problem")))?;
    }
    exports(console, &plugin.functions)?;
    if plugin.collections.is_empty() {
        return console.line("\nkeeps no state yet");
    }
    console.line("")?;
    collections(console, plugin)?;
    if plugin.versions.len() > 1 {
        console.line("")?;
        versions(console, plugin)?;
    }
    Ok(())
}

/// The hand-off that is under way: where it is, since when, and what it holds.
fn hand_off(console: &Console, phase: Phase, plugin: &PluginSummary) -> Result<(), Failure> {
    let Some(under_way) = &plugin.under_way else {
        return console.line(format_args!("  hand-off   {}", phase_word(phase)));
    };
    let kind = under_way.kind.map_or("hand-off", kind_word);
    let to = under_way.to.as_ref().map(|to| format!(" to {}", name(to))).unwrap_or_default();
    let asked_by =
        under_way.asked_by.as_ref().map(|who| format!(", asked for by {}", who.escape_debug())).unwrap_or_default();
    console.line(format_args!("  hand-off   {kind}{to} since {}{asked_by}", time(under_way.since_ms)))?;
    console.line(format_args!("             {} since {}", phase_word(phase), time(under_way.phase_since_ms)))?;
    if let Some(progress) = plugin.progress {
        let entries = plural(progress.total, "entry", "entries");
        console.line(format_args!(
            "             {} of {entries} migrated, round {}",
            count(progress.done),
            progress.round
        ))?;
    }
    if under_way.held_calls > 0 {
        console.line(format_args!("             {} held", plural(under_way.held_calls, "call", "calls")))?;
    }
    Ok(())
}

fn collections(console: &Console, plugin: &PluginInfo) -> Result<(), Failure> {
    let mut table = Table::new(&["COLLECTION", "TYPE", ">ENTRIES", ""]);
    for collection in &plugin.collections {
        let note = if collection.dropped {
            "dropped"
        } else if collection.dormant {
            "dormant: kept, not used by this version"
        } else {
            ""
        };
        table.row([collection.identity.clone(), collection.shape(), count(collection.entries), note.to_owned()]);
    }
    table.print(console)
}

fn versions(console: &Console, plugin: &PluginInfo) -> Result<(), Failure> {
    let mut table = Table::new(&[">VERSION", "LABEL", "COMPONENT", "DEPLOYED"]);
    for version in &plugin.versions {
        table.row([
            version.generation.to_string(),
            version.label.clone().unwrap_or_default(),
            short(&version.component),
            time(version.deployed_at_ms),
        ]);
    }
    table.print(console)
}
