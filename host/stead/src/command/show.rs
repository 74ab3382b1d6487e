use clap::Args;

use super::inspect::exports;
use super::{Context, Missing};
use crate::api::PluginInfo;
use crate::console::{BAD, BOLD, Console, Table, count, short, styled, time};
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
    console.line(format_args!("  version    {}{label}, since {}", version.generation, time(version.deployed_at_ms)))?;
    console.line(format_args!("  component  {}", version.component))?;
    console.line(format_args!("  root       {}", plugin.root))?;
    console.line(format_args!("  commits    {}", count(plugin.commits)))?;
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
    if let Some(phase) = &plugin.summary.handoff {
        console.line(format_args!("  hand-off   {}", super::swap::phase_word(*phase)))?;
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
