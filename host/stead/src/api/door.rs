//! The operator's door: states out, in, changed by hand and compared.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use stead_runtime::{
    Diff, Differences, Edit, EditChange, EditError, Edited, Export, FileError, ImportError, ImportMode, ImportOptions,
    Imported, Input, StateDigest, VersionSummary,
};

use super::answers::{LedgerAnswer, LedgerInfo};
use super::{Api, ApiError};

/// Which file comes in, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ImportRequest {
    /// `empty`, `replace` or `merge`.
    pub(crate) mode: Option<String>,
    pub(crate) reason: Option<String>,
}

/// One change to one entry. A key or value is JSON by its type, or WAVE under the name that ends in `_wave`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditRequest {
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_wave: Option<String>,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) value: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) value_wave: Option<String>,
    /// The entry goes.
    #[serde(default)]
    pub(crate) remove: bool,
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(crate) expect: Option<Json>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expect_wave: Option<String>,
    /// There must be no such entry.
    #[serde(default)]
    pub(crate) expect_none: bool,
    pub(crate) reason: String,
}

/// The last line of a comparison.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct DiffEnd {
    pub(crate) end: Differences,
}

/// `null` is a value, and not the absence of one.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

impl Api {
    pub(crate) async fn export(&self, plugin: &str, collections: &[String]) -> Result<Export, ApiError> {
        Ok(self.host().export(plugin, collections).await?)
    }

    pub(crate) async fn import(
        &self,
        plugin: &str,
        source: Box<dyn Read + Send>,
        request: &ImportRequest,
    ) -> Result<Imported, ApiError> {
        let mode = match request.mode.as_deref() {
            None | Some("empty") => ImportMode::Empty,
            Some("replace") => ImportMode::Replace,
            Some("merge") => ImportMode::Merge,
            Some(other) => {
                let what = format!("`mode` takes empty, replace or merge, not `{other}`");
                return Err(ApiError::new("bad-request", what));
            }
        };
        Ok(self.host().import(plugin, source, ImportOptions { mode, reason: request.reason.clone() }).await?)
    }

    pub(crate) async fn edit(&self, plugin: &str, collection: &str, request: EditRequest) -> Result<Edited, ApiError> {
        let value = input("value", request.value, request.value_wave)?;
        let change = match (value, request.remove) {
            (Some(value), false) => EditChange::Set(value),
            (None, true) => EditChange::Remove,
            _ => return Err(ApiError::new("bad-request", "an edit has either a value or `remove`")),
        };
        let expect = match (input("expect", request.expect, request.expect_wave)?, request.expect_none) {
            (Some(_), true) => return Err(ApiError::new("bad-request", "`expect_none` expects no value")),
            (None, true) => Some(None),
            (expect, false) => expect.map(Some),
        };
        let key = input("key", request.key, request.key_wave)?;
        let edit = Edit { collection: collection.to_owned(), key, change, expect, reason: request.reason };
        Ok(self.host().edit(plugin, &edit).await?)
    }

    pub(crate) async fn diff(&self, one: &str, other: &str) -> Result<Diff, ApiError> {
        Ok(self.host().diff(one, other).await?)
    }

    pub(crate) async fn digest(&self, plugin: &str) -> Result<StateDigest, ApiError> {
        Ok(self.host().digest(plugin).await?)
    }

    pub(crate) async fn fork(&self, plugin: &str, to: &str) -> Result<VersionSummary, ApiError> {
        Ok(self.host().fork(plugin, to).await?)
    }

    pub(crate) fn schema(&self, plugin: &str, collection: Option<&str>) -> Result<LedgerAnswer, ApiError> {
        let entries = self.host().ledger(plugin, collection)?;
        Ok(LedgerAnswer { collections: entries.into_iter().map(LedgerInfo::from).collect() })
    }
}

/// Writes a comparison as lines of JSON, the figures last.
pub(crate) fn write_diff(diff: &Diff, sink: &mut dyn Write) -> Result<(), ApiError> {
    let mut sink = io::BufWriter::new(sink);
    let end = diff.run(&mut |line| write_line(&mut sink, &line))?;
    let ended = write_line(&mut sink, &DiffEnd { end }).and_then(|()| sink.flush());
    Ok(ended.map_err(FileError::Write)?)
}

pub(crate) fn write_line(sink: &mut dyn Write, line: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *sink, line)?;
    sink.write_all(b"\n")
}

fn input(name: &str, json: Option<Json>, wave: Option<String>) -> Result<Option<Input>, ApiError> {
    match (json, wave) {
        (None, None) => Ok(None),
        (Some(json), None) => Ok(Some(Input::Json(json))),
        (None, Some(wave)) => Ok(Some(Input::Wave(wave))),
        (Some(_), Some(_)) => Err(ApiError::new("bad-request", format!("give `{name}` or `{name}_wave`, not both"))),
    }
}

impl From<FileError> for ApiError {
    fn from(error: FileError) -> Self {
        let kind = error.kind();
        match error {
            FileError::Host(error) => error.into(),
            FileError::Refused { line, what } => Self::new(kind, what).at(format!("line {line}")),
            error => Self::new(kind, &error),
        }
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        const UNCHANGED: &str = "nothing was changed";
        let kind = error.kind();
        let lines = |collections: &[(stead_schema::Identity, String)]| {
            let lines = collections.iter().map(|(identity, reason)| format!("{identity}: {reason}"));
            lines.collect::<Vec<_>>().join("\n")
        };
        match error {
            ImportError::Host(error) => error.into(),
            ImportError::File(error) => Self::from(error).help(UNCHANGED),
            ImportError::UnknownPlugin { plugin } => super::convert::no_plugin(&plugin),
            ImportError::Collections(ref refused) => Self::new(kind, "the plugin cannot take this file")
                .at(lines(refused))
                .help("nothing was changed; `stead state export PLUGIN COLLECTION …` writes single collections"),
            ImportError::NotEmpty(ref taken) => Self::new(kind, "the plugin holds entries in collections of this file")
                .at(lines(taken))
                .help("nothing was changed; --replace gives them up, --merge keeps what the file does not name"),
            ImportError::Content { .. } => Self::new(kind, &error).help("nothing was changed; --merge does that"),
            ImportError::Busy { ref plugin } => {
                Self::new(kind, &error).help(format!("`stead show {plugin}` shows its phase"))
            }
            error => Self::new(kind, &error).help(UNCHANGED),
        }
    }
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        let kind = error.kind();
        match error {
            EditError::State(error) => error.into(),
            error => Self::new(kind, &error).help("nothing was changed"),
        }
    }
}
