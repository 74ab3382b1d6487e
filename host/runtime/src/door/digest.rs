//! One hash of what a state holds, whatever way led there.

use std::ops::Bound;

use serde::{Deserialize, Serialize};
use stead_schema::Digester;
use stead_store::Order;

use super::source::Source;
use crate::error::{HostError, StateError};
use crate::host::{Host, blocking};

/// What a state is, by two hashes in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateDigest {
    /// The normalised digest: equal where the collections, their newest schemas and all typed entries are.
    pub digest: String,
    /// The root: equal where the ledgers and the entries as they are stored are.
    pub root: String,
    /// Commits of the state so far.
    pub commits: u64,
}

impl Host {
    /// Reads a plugin's whole state, or `PLUGIN@N`, and hashes its typed contents. No code of the plugin is needed.
    pub async fn digest(&self, name: &str) -> Result<StateDigest, StateError> {
        let (shared, name) = (self.shared().clone(), name.to_owned());
        blocking(move || Ok(digest(&Source::of(&shared, &name)?)?)).await
    }
}

fn digest(source: &Source) -> Result<StateDigest, HostError> {
    let damaged =
        |error: &dyn std::fmt::Display| HostError::Catalog { what: format!("{}: {error}", source.view.state()) };
    let mut digester = Digester::new(&source.ledger);
    for entry in source.view.scan(Bound::Unbounded, Bound::Unbounded, Order::Ascending) {
        let (key, stored) = entry?;
        digester.entry(&key, &stored).map_err(|error| damaged(&error))?;
    }
    let digest = digester.finish().to_string();
    Ok(StateDigest { digest, root: source.root()?, commits: source.view.commits() })
}
