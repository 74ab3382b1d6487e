use clap::Args;
use serde::Serialize;

use super::{Context, Missing};
use crate::api::{CollectionInfo, StateAnswer, StateQuery};
use crate::console::{Console, Table, count};
use crate::failure::Failure;

/// Read the state that a plugin keeps
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead state tally                               the collections
  stead state tally ballots                       the first 100 entries
  stead state tally ballots --from '\"bob\"' --limit 10
  stead state tally ballots --back --limit 5      the last five
  stead state tally acme:tally/ballots@1 --json
  stead state tally ballots --schema              its types

Keys and values are WAVE, with --json JSON. A plugin whose code cannot run shows its state all the same.")]
pub(super) struct State {
    /// The plugin
    plugin: String,

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

    /// Show types instead of entries
    #[arg(long, conflicts_with_all = ["from", "limit", "back"])]
    schema: bool,
}

/// What `--schema` and a missing collection show.
#[derive(Serialize)]
struct Schemas {
    collections: Vec<CollectionInfo>,
}

impl State {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let console = &context.console;
        let session = context.session(Missing::Refuse).await?;
        let Some(collection) = &self.collection else {
            let plugin = session.show(&self.plugin).await;
            let plugin = session.close(plugin).await?;
            let schemas = Schemas { collections: plugin.collections };
            return console.answer(&schemas, |schemas| print_schemas(console, &schemas.collections));
        };
        let limit = if self.schema { Some(1) } else { self.limit };
        let query = StateQuery { from: self.from, limit, back: self.back };
        let page = session.state(&self.plugin, collection, &query).await;
        let page = session.close(page).await?;
        if self.schema {
            let schemas = Schemas { collections: vec![page.collection] };
            return console.answer(&schemas, |schemas| print_schemas(console, &schemas.collections));
        }
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
