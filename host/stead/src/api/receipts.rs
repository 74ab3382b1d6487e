//! What is stated about hand-offs, and what happens right now.

use stead_receipt::limits::ASKED_BY_CHARS_MAX;
use stead_runtime::{EventReader, Receipts};

use super::pairs::{Pairs, flag, number};
use super::{Api, ApiError};

/// Which events to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EventsQuery {
    /// Of this plugin only.
    pub(crate) plugin: Option<String>,
    /// Those after this number. None is from the oldest that is kept, or, following, from now on.
    pub(crate) after: Option<u64>,
    /// Go on with what is to come.
    pub(crate) follow: bool,
}

impl EventsQuery {
    pub(crate) fn pairs(&self) -> Pairs {
        let mut pairs = Pairs::default();
        pairs.add_some("plugin", self.plugin.as_ref());
        pairs.add_some("after", self.after);
        pairs.add_flag("follow", self.follow);
        pairs
    }

    pub(crate) fn parse(pairs: Pairs) -> Result<Self, ApiError> {
        let mut query = Self::default();
        pairs.each(|name, value| {
            match name {
                "plugin" => query.plugin = Some(value),
                "after" => query.after = Some(number(name, &value)?),
                "follow" => query.follow = flag(name, &value)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(query)
    }
}

impl Api {
    pub(crate) async fn receipts(&self, plugin: &str) -> Result<Receipts, ApiError> {
        let (host, plugin) = (self.host().clone(), plugin.to_owned());
        let found = tokio::task::spawn_blocking(move || host.receipts(&plugin)).await;
        Ok(found.map_err(|error| ApiError::new("internal", error))??)
    }

    pub(crate) fn events(&self, query: &EventsQuery) -> Result<EventReader, ApiError> {
        if let Some(plugin) = &query.plugin
            && !self.host().list()?.iter().any(|known| known.name == *plugin)
        {
            return Err(ApiError::new("unknown-plugin", format!("there is no plugin `{plugin}`"))
                .help("`stead list` shows the plugins"));
        }
        Ok(match (query.after, query.follow) {
            (Some(number), _) => self.host().events_after(number),
            (None, true) => self.host().events(),
            (None, false) => self.host().events_after(0),
        })
    }
}

/// Who asks, which stands in receipts and tables.
pub(crate) fn asked_by(text: String) -> Result<String, ApiError> {
    if text.trim().is_empty() || text.chars().count() > ASKED_BY_CHARS_MAX || text.chars().any(char::is_control) {
        return Err(ApiError::new("bad-argument", "this cannot be the name of who asks")
            .at(format!("{:?}", text.chars().take(80).collect::<String>()))
            .help(format!("a name has 1 to {ASKED_BY_CHARS_MAX} characters on one line, for instance ann@laptop")));
    }
    Ok(text)
}
