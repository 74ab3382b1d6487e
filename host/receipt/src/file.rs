//! A file of receipts: a header that says what is to come, then one envelope a line.

use serde::{Deserialize, Serialize};

use crate::statement::{Hash, PluginName};

/// The version of the file's format that is written.
const FORMAT: u64 = 1;

/// The first line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    #[serde(rename = "stead-receipts")]
    format: u64,
    /// The id of the store, in hexadecimal.
    pub store: String,
    /// The plugin.
    pub plugin: PluginName,
    /// How many receipts follow, from the first on.
    pub receipts: u64,
    /// The hash of the last statement; none if none follows.
    pub head: Option<Hash>,
}

impl Header {
    /// Of a file with so many receipts.
    pub fn new(store: String, plugin: PluginName, receipts: u64, head: Option<Hash>) -> Header {
        Header { format: FORMAT, store, plugin, receipts, head }
    }

    /// As one line of JSON, without its end.
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| unreachable!("a header is JSON: {error}"))
    }

    /// Reads a first line. None if it does not claim to be a header.
    pub(crate) fn parse(line: &str) -> Option<Result<Header, String>> {
        let format = serde_json::from_str::<serde_json::Value>(line).ok()?.get("stead-receipts")?.as_u64();
        Some(match format {
            Some(FORMAT) => serde_json::from_str(line).map_err(|error| error.to_string()),
            Some(newer) => Err(format!("the file has format {newer}; use a newer release")),
            None => Err("its format is no number".into()),
        })
    }
}
