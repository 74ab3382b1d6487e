use std::collections::BTreeSet;

use clap::Args;
use stead_runtime::{PluginSummary, ProbationStage};

use super::swap::phase_word;
use super::{Context, Missing};
use crate::console::{Table, plural, short, time};
use crate::failure::Failure;

/// List the plugins
#[derive(Debug, Args)]
#[command(
    visible_alias = "ls",
    after_help = "\
Examples:
  stead list
  stead list --data /srv/stead --json"
)]
pub(super) struct List {}

impl List {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let plugins = session.list().await;
        let plugins = session.close(plugins).await?;
        context.console.answer(&plugins, |plugins| {
            if plugins.is_empty() {
                context.console.note("no plugins yet: `stead deploy NAME FILE.wasm`");
                return Ok(());
            }
            let mut table = Table::new(&["PLUGIN", ">VERSION", "LABEL", "COMPONENT", "DEPLOYED", "STATUS"]);
            for plugin in plugins {
                table.row([
                    plugin.name.clone(),
                    plugin.version.generation.to_string(),
                    plugin.version.label.clone().unwrap_or_default(),
                    short(&plugin.version.component),
                    time(plugin.version.deployed_at_ms),
                    status(plugin),
                ]);
            }
            table.print(&context.console)
        })
    }
}

fn status(plugin: &PluginSummary) -> String {
    let links: BTreeSet<&str> = plugin.links.iter().map(|link| link.plugin.as_str()).collect();
    let links: Vec<&str> = links.into_iter().collect();
    match (&plugin.problem, plugin.handoff) {
        (Some(problem), _) => format!("cannot run: {problem}"),
        (None, Some(phase)) => {
            let progress = plugin.progress.filter(|progress| progress.total > 0);
            let part = progress.map(|at| format!(", {} % migrated", at.done.saturating_mul(100) / at.total));
            let held = plugin.under_way.as_ref().map_or(0, |under_way| under_way.held_calls);
            let held = (held > 0).then(|| format!(", {} held", plural(held, "call", "calls")));
            format!("hand-off, {}{}{}", phase_word(phase), part.unwrap_or_default(), held.unwrap_or_default())
        }
        (None, None) => match &plugin.probation {
            None if links.is_empty() => "ready".to_owned(),
            None => format!("ready, calls {}", links.join(", ")),
            Some(ProbationStage::Watching) => "ready, on probation".to_owned(),
            Some(ProbationStage::Breached { reason }) => format!("probation breached: {reason}"),
            Some(ProbationStage::Stopped { reason }) => format!("stopped: {reason}"),
        },
    }
}
