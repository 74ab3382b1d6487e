use clap::Args;

use super::super::{Context, Missing};
use crate::api::{EditRequest, StateQuery};
use crate::failure::Failure;

/// Change one entry by hand
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  stead state edit tally ballots '\"ann\"' '{choice: \"yes\", at: 12}' --reason \"typo, ticket 71\"
  stead state edit tally ballots '\"ann\"' --remove --reason \"asked to be forgotten\"
  stead state edit tally total 41 --expect 42 --reason \"counted twice\"

Keys and values are WAVE, checked by the types that the state records; a cell and a counter have no KEY. The edit is \
made between two calls, also where the plugin's code cannot run. What was there, what is there now and why are kept in \
`stead history`.")]
pub(super) struct Edit {
    /// The plugin
    plugin: String,

    /// The collection: its identity, or its interface name where that is unambiguous
    collection: String,

    /// The key of a map's entry or the index of a log's; of a cell or counter the value
    #[arg(value_name = "KEY", allow_negative_numbers = true)]
    first: Option<String>,

    /// The value
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
    second: Option<String>,

    /// Remove the entry
    #[arg(long)]
    remove: bool,

    /// Change it only if it holds this value
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, conflicts_with = "expect_none")]
    expect: Option<String>,

    /// Change it only if it is not there
    #[arg(long)]
    expect_none: bool,

    /// Why, for the plugin's history
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Edit {
    pub(super) async fn run(self, context: &Context) -> Result<(), Failure> {
        let session = context.session(Missing::Refuse).await?;
        let query = StateQuery { limit: Some(1), ..StateQuery::default() };
        let kind = match session.state(&self.plugin, &self.collection, &query).await {
            Ok(page) => page.collection.kind,
            Err(error) => return session.close(Err(error)).await,
        };
        let has_key = matches!(kind.as_str(), "map" | "log");
        let too_many = !has_key && self.second.is_some();
        let (key_wave, value_wave) = if has_key { (self.first, self.second) } else { (None, self.first) };
        let missing = match (has_key && key_wave.is_none(), value_wave.is_none(), self.remove) {
            (true, ..) => Some("the key is missing"),
            (_, true, false) => Some("the value is missing"),
            (_, false, true) => Some("--remove takes no value"),
            _ if too_many => Some("a value too many: this collection has no keys"),
            _ => None,
        };
        if let Some(what) = missing {
            session.close(Ok(())).await?;
            let shape = if has_key { "KEY VALUE, or KEY --remove" } else { "VALUE" };
            return Err(Failure::usage(what).at(&self.collection).help(format!("a {kind} takes {shape}")));
        }
        let request = EditRequest {
            key_wave,
            value_wave,
            remove: self.remove,
            expect_wave: self.expect,
            expect_none: self.expect_none,
            reason: self.reason,
            ..EditRequest::default()
        };
        let edited = session.edit(&self.plugin, &self.collection, request).await;
        let edited = session.close(edited).await?;
        context.console.answer(&edited, |edited| {
            let console = &context.console;
            let key = edited.key.as_ref().map(|key| format!(" {key}")).unwrap_or_default();
            let side = |text: &Option<String>| text.as_ref().map_or("nothing".to_owned(), |text| console.cell(text));
            console.line(format_args!("{}{key}", edited.collection))?;
            console.line(format_args!("  was  {}", side(&edited.before)))?;
            console.line(format_args!("  is   {}", side(&edited.after)))
        })
    }
}
