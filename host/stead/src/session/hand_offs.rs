//! What is stated about hand-offs, what happens while they run, and how they are given up.

use stead_runtime::{Receipt, Receipts, VersionSummary};

use super::{Session, path};
use crate::api::{ApiError, EventsQuery, Pairs};
use crate::client::{Body, query};
use crate::lines::Lines;
use crate::pipe::{Reader, Sender, Writer, pipe};

impl Session {
    /// Gives up the hand-off that is under way.
    pub(crate) async fn cancel(&self, plugin: &str) -> Result<Receipt, ApiError> {
        match self {
            Self::Remote(client) => client.post(&path(plugin, "/cancel", &Pairs::default()), Body::Empty).await,
            Self::Local(api) => api.cancel(plugin).await,
        }
    }

    /// Lets the calls of a stopped plugin in again.
    pub(crate) async fn resume(&self, plugin: &str) -> Result<VersionSummary, ApiError> {
        match self {
            Self::Remote(client) => client.post(&path(plugin, "/resume", &Pairs::default()), Body::Empty).await,
            Self::Local(api) => api.resume(plugin).await,
        }
    }

    /// What is stated about hand-offs, as the lines of a file of receipts.
    pub(crate) async fn receipts(&self, plugin: &str) -> Result<Reader, ApiError> {
        let (sender, receiver) = pipe();
        match self {
            Self::Remote(client) => {
                let body = client.stream(&path(plugin, "/receipts", &Pairs::default())).await?;
                tokio::spawn(sender.feed(body));
            }
            Self::Local(api) => {
                let receipts = api.receipts(plugin).await?;
                tokio::task::spawn_blocking(move || write_receipts(&receipts, sender));
            }
        }
        Ok(Reader::new(receiver))
    }

    /// What happens to plugins while a host serves them.
    pub(crate) async fn events(&self, asked: &EventsQuery) -> Result<Lines, ApiError> {
        match self {
            Self::Remote(client) => {
                let path = format!("/v1/events{}", query(&asked.pairs().0));
                Ok(Lines::remote(client.stream(&path).await?))
            }
            Self::Local(_) => {
                Err(ApiError::new("no-host", "no host serves the data directory, so nothing happens to it")
                    .help("`stead history PLUGIN` shows what happened; events are those of a `stead serve`"))
            }
        }
    }

    /// What happens to plugins from now on, wherever their host is.
    pub(crate) async fn watch(&self) -> Result<Lines, ApiError> {
        let query = EventsQuery { follow: true, ..EventsQuery::default() };
        match self {
            Self::Remote(_) => self.events(&query).await,
            Self::Local(api) => Ok(Lines::Local(api.events(&query)?)),
        }
    }
}

/// Writes receipts out on a thread that may block, to whoever reads.
pub(crate) fn write_receipts(receipts: &Receipts, sender: Sender) {
    let mut writer = Writer::new(sender);
    let wrote = receipts.write_to(&mut writer);
    writer.end(wrote);
}
