//! The lines of an exported state; drawn at the head of the module.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value as Json;
use stead_schema::{Identity, Kind, Schema, Type};

/// The format that this release writes.
pub(super) const FORMAT: u64 = 1;

/// The field that makes a first line a header, and says which format follows.
pub(super) const FORMAT_FIELD: &str = "stead-state";

/// How a trailer starts; no entry does.
pub(super) const TRAILER_START: &[u8] = b"{\"end\":";

/// What the entries of a file are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Content {
    /// Whole collections.
    #[default]
    State,
    /// What was written to them since some point: a removed entry says so, and a counter's sums are what was added.
    Changes,
}

/// The first line.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    #[serde(rename = "stead-state")]
    pub(super) format: u64,
    pub(super) plugin: String,
    pub(super) version: VersionHead,
    pub(super) content: Content,
    /// BLAKE3 root of the state that the entries were read from.
    pub(super) root: String,
    /// Commits of that state.
    pub(super) commits: u64,
    pub(super) collections: Vec<CollectionHead>,
}

/// The version that was active.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionHead {
    pub(super) generation: u64,
    pub(super) label: Option<String>,
    pub(super) component: String,
}

/// A collection: its types as WIT text, and how much of it follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CollectionHead {
    pub(super) identity: Identity,
    pub(super) kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    /// Lines that follow; not told for changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) entries: Option<u64>,
    /// A log's first index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) first: Option<u64>,
    /// A log's next index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) end: Option<u64>,
}

/// An entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EntryLine {
    pub(super) collection: String,
    /// Of a map; the index of a log's entry.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<Json>,
    /// Of a counter: the node's part of the sum.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<Json>,
    /// The type of the value where it has no place in the collection's newest schema: that of its own.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub(super) ty: Option<String>,
    /// Of a counter: which node's part it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) node: Option<u64>,
    /// Of a counter: everything that was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) added: Option<u64>,
    /// Of a counter: everything that was subtracted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) subtracted: Option<u64>,
    /// In changes: the entry is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) removed: bool,
}

/// `null` is a value, and not the absence of one.
pub(super) fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Json::deserialize(deserializer).map(Some)
}

/// The last line, without its end.
pub(super) fn trailer(entries: u64, hash: blake3::Hash) -> String {
    format!("{{\"end\":{{\"entries\":{entries},\"blake3\":\"{hash}\"}}}}")
}

/// A collection with its types, as a file's header or a ledger says.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) identity: Identity,
    /// The newest schema.
    pub(super) schema: Schema,
    pub(super) entries: Option<u64>,
    /// Of a log: first and next index.
    pub(super) bounds: Option<(u64, u64)>,
}

impl Head {
    /// The type of what [`EntryLine::key`] holds.
    pub(super) fn key_type(&self) -> Option<Type> {
        match self.schema.kind {
            Kind::Map => self.schema.key.clone(),
            Kind::Log => Some(Type::U64),
            Kind::Cell | Kind::Counter => None,
        }
    }

    /// The type of what [`EntryLine::value`] holds.
    pub(super) fn value_type(&self) -> Option<Type> {
        match (self.schema.kind, self.schema.signed) {
            (Kind::Counter, Some(false)) => Some(Type::U64),
            (Kind::Counter, _) => Some(Type::S64),
            _ => self.schema.value.clone(),
        }
    }

    pub(super) fn line(&self) -> CollectionHead {
        CollectionHead {
            identity: self.identity.clone(),
            kind: self.schema.kind.to_string(),
            key: self.schema.key.as_ref().map(ToString::to_string),
            value: self.value_type().as_ref().map(ToString::to_string),
            entries: self.entries,
            first: self.bounds.map(|(first, _)| first),
            end: self.bounds.map(|(_, end)| end),
        }
    }

    /// Reads the types, or says what is wrong with them.
    pub(super) fn read(line: &CollectionHead) -> Result<Head, String> {
        let identity = &line.identity;
        let kind =
            [Kind::Cell, Kind::Map, Kind::Log, Kind::Counter].into_iter().find(|kind| kind.to_string() == line.kind);
        let kind = kind.ok_or_else(|| format!("{identity}: `{}` is no kind of a collection", line.kind))?;
        let ty = |name: &str, text: &Option<String>| -> Result<Option<Type>, String> {
            let parsed = text.as_ref().map(|text| text.parse()).transpose();
            parsed.map_err(|error| format!("{identity}: {name} type: {error}"))
        };
        let (key, value) = (ty("key", &line.key)?, ty("value", &line.value)?);
        let mut schema = Schema { kind, key, value, signed: None };
        if kind == Kind::Counter {
            schema.signed = match schema.value.take() {
                Some(Type::U64) => Some(false),
                Some(Type::S64) | None => Some(true),
                Some(other) => return Err(format!("{identity}: a counter's sum is `s64` or `u64`, not `{other}`")),
            };
        }
        if let Some(key) = &schema.key {
            if kind != Kind::Map {
                return Err(format!("{identity}: a {kind} has no key type"));
            }
            stead_schema::key::check(key).map_err(|error| format!("{identity}: {error}"))?;
        }
        let bounds = match (kind, line.first, line.end) {
            (Kind::Log, Some(first), Some(end)) if first <= end => Some((first, end)),
            (Kind::Log, _, _) => {
                return Err(format!("{identity}: a log has a `first` index and an `end` not below it"));
            }
            (_, None, None) => None,
            _ => return Err(format!("{identity}: a {kind} has no `first` and no `end`")),
        };
        Ok(Head { identity: identity.clone(), schema, entries: line.entries, bounds })
    }
}
