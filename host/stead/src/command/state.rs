mod diff;
mod digest;
mod edit;
mod export;
mod import;
mod schema;

use clap::{Args, Subcommand};
use serde::Serialize;

pub(super) use export::copy;

use super::{Context, Missing};
use crate::api::{CollectionInfo, StateAnswer, StateQuery};
use crate::console::{Console, Table, count};
use crate::failure::Failure;

/// Read the state that a plugin keeps; export, import, edit and compare it
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  stead state tally                               the collections
  stead state tally ballots                       the first 100 entries
  stead state tally ballots --from '\"bob\"' --limit 10
  stead state tally ballots --back --limit 5      the last five
  stead state tally acme:tally/ballots@1 --json
  stead state tally --schema                      what the state records: every schema, dormant and dropped collections
  stead state export tally --to tally.jsonl       `stead state export --help` shows more; so for import, edit, diff
  stead state -- export                           a plugin that is called `export`

Keys and values are WAVE, with --json JSON. A plugin whose code cannot run shows its state all the same. PLUGIN@N is \
the state as version N left it, for `export` and `diff`.")]
pub(super) struct State {
    #[command(subcommand)]
    door: Option<Door>,

    /// The plugin
    #[arg(required = true)]
    plugin: Option<String>,

    /// The collection: its identity, or its interface name where that is unambiguous
    collection: Option<String>,

    /// The key to start at, as WAVE; the index in a log
    #[arg(long, value_name = "KEY", requires = "collection", allow_hyphen_values = true)]
    from: Option<String>,

    /// At most this many entries
    #[arg(long, value_name = "N", requires = "collection", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,

    /// From the end; the key of --from is then left out
    #[arg(long, requires = "collection")]
    back: bool,

    /// Show what the state records about its collections instead of entries
    #[arg(long, conflicts_with_all = ["from", "limit", "back"])]
    schema: bool,
}

/// What a missing collection shows.
#[derive(Serialize)]
struct Schemas {
    collections: Vec<CollectionInfo>,
}

#[derive(Debug, Subcommand)]
enum Door {
    Export(export::Export),
    Import(import::Import),
    Edit(edit::Edit),
    Diff(diff::Diff),
    Digest(digest::Digest),
}

impl State {
    pub(super) async fn run(mut self, context: &Context) -> Result<(), Failure> {
        match self.door.take() {
            None => self.read(context).await,
            Some(Door::Export(command)) => command.run(context).await,
            Some(Door::Import(command)) => command.run(context).await,
            Some(Door::Edit(command)) => command.run(context).await,
            Some(Door::Diff(command)) => command.run(context).await,
            Some(Door::Digest(command)) => command.run(context).await,
        }
    }

    async fn read(self, context: &Context) -> Result<(), Failure> {
        let console = &context.console;
        let plugin = self.plugin.unwrap_or_default();
        if self.schema {
            let session = context.session(Missing::Refuse).await?;
            let answer = session.schema(&plugin, self.collection.as_deref()).await;
            let answer = session.close(answer).await?;
            return console.answer(&answer, |answer| schema::print(console, answer));
        }
        let session = context.session(Missing::Refuse).await?;
        let Some(collection) = &self.collection else {
            let plugin = session.show(&plugin).await;
            let plugin = session.close(plugin).await?;
            let schemas = Schemas { collections: plugin.collections };
            return console.answer(&schemas, |schemas| print_schemas(console, &schemas.collections));
        };
        let query = StateQuery { from: self.from, limit: self.limit, back: self.back };
        let page = session.state(&plugin, collection, &query).await;
        let page = session.close(page).await?;
        console.answer(&page, |page| print_page(console, page, self.back))
    }
}

fn print_schemas(console: &Console, collections: &[CollectionInfo]) -> Result<(), Failure> {
    if collections.is_empty() {
        console.note("keeps no state yet");
        return Ok(());
    }
    let mut table = Table::new(&["COLLECTION", "TYPE", ">ENTRIES"]);
    for collection in collections {
        table.row([collection.identity.clone(), collection.shape(), count(collection.entries)]);
    }
    table.print(console)
}

fn print_page(console: &Console, page: &StateAnswer, back: bool) -> Result<(), Failure> {
    if page.entries.iter().any(|entry| entry.key_wave.is_some()) {
        let mut table = Table::new(&["KEY", "VALUE"]);
        for entry in &page.entries {
            table.row([entry.key_wave.clone().unwrap_or_default(), console.cell(&entry.value_wave)]);
        }
        table.print(console)?;
    } else {
        for entry in &page.entries {
            console.line(console.cell(&entry.value_wave))?;
        }
    }
    if page.entries.is_empty() {
        console.note("no entries");
    }
    if let Some(next) = &page.next {
        let back = if back { " --back" } else { "" };
        console.note(format_args!("more: --from '{}'{back}", next.replace('\'', r"'\''")));
    }
    Ok(())
}
