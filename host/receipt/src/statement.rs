//! What a host states about one hand-off of one plugin.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;

use crate::canonical;
use crate::limits::{ASKED_BY_CHARS_MAX, PAYLOAD_BYTES_MAX};

/// The version of the format that is written.
const FORMAT: u64 = 1;

/// The BLAKE3 hash of a statement's bytes; 64 digits in hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(blake3::hash(bytes).into())
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Hash, String> {
        let hash = blake3::Hash::from_hex(text).map_err(|_| "a hash has 64 digits in hexadecimal".to_owned())?;
        // One hash has one text.
        if hash.to_hex().as_str() != text {
            return Err("a hash is written in small letters".to_owned());
        }
        Ok(Hash(hash.into()))
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Hash, String> {
        text.parse()
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> String {
        hash.to_string()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(blake3::Hash::from(self.0).to_hex().as_str())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which plugin: its number tells it apart from any other of its store for ever, its name is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginName {
    /// The number.
    pub id: u64,
    /// The name.
    pub name: String,
}

/// What a host states about one hand-off of one plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The version of this format.
    format: u64,
    /// The id of the store, in hexadecimal.
    pub store: String,
    /// The plugin.
    pub plugin: PluginName,
    /// Its place among the statements about the plugin, from 1.
    pub number: u64,
    /// The hand-off: what the statements about all plugins of one hand-off share.
    pub id: String,
    /// The other plugins that changed hands in the same commit, or stayed in the same abort.
    pub with: Vec<String>,
    /// The number of the hand-off in the plugin's history.
    pub event: u64,
    /// The hash of the statement before it; none of the first.
    pub previous: Option<Hash>,
    /// Who asked for the hand-off, as far as the host was told.
    pub asked_by: Option<String>,
    /// Texts or lists of the receipt were too long and are cut.
    shortened: bool,
    /// What the hand-off did: at least [`Facts`].
    pub receipt: Value,
}

/// What a statement is about.
#[derive(Clone, Debug)]
pub struct About {
    /// As [`Statement::store`].
    pub store: String,
    /// As [`Statement::plugin`].
    pub plugin: PluginName,
    /// As [`Statement::id`].
    pub id: String,
    /// As [`Statement::with`].
    pub with: Vec<String>,
    /// As [`Statement::event`].
    pub event: u64,
    /// As [`Statement::asked_by`].
    pub asked_by: Option<String>,
    /// As [`Statement::receipt`].
    pub receipt: Value,
}

/// Why bytes are no statement.
#[derive(Debug, Error)]
pub enum StatementError {
    /// They are more than any statement has.
    #[error("the statement has more than {PAYLOAD_BYTES_MAX} bytes")]
    TooLarge,
    /// They are not canonical JSON.
    #[error("the statement is no canonical JSON: {0}")]
    Json(String),
    /// A release after this one made them.
    #[error("the statement has format {0}; use a newer release")]
    NewerFormat(u64),
    /// A field is missing, of another type or unknown.
    #[error("the statement lacks something or says too much: {0}")]
    Fields(String),
    /// The receipt in it lacks what every receipt says.
    #[error("the receipt in the statement is none: {0}")]
    Facts(String),
}

impl StatementError {
    /// A stable word for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            StatementError::TooLarge => "too-large",
            StatementError::Json(_) => "json",
            StatementError::NewerFormat(_) => "newer-format",
            StatementError::Fields(_) => "fields",
            StatementError::Facts(_) => "facts",
        }
    }
}

impl Statement {
    /// A statement about a hand-off, at its place in the chain. What is longer than a statement may be is cut.
    pub fn new(about: About, (number, previous): (u64, Option<Hash>)) -> Statement {
        let About { store, plugin, id, with, event, asked_by, mut receipt } = about;
        let asked_by = asked_by.map(|who| who.chars().take(ASKED_BY_CHARS_MAX).collect());
        // What stands around the receipt is bounded by far less.
        let shortened = canonical::shorten(&mut receipt, PAYLOAD_BYTES_MAX - (64 << 10));
        Statement { format: FORMAT, store, plugin, number, id, with, event, previous, asked_by, shortened, receipt }
    }

    /// The bytes that are kept, hashed and signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Plain data becomes JSON whatever it holds.
        let value = serde_json::to_value(self).unwrap_or_else(|error| unreachable!("a statement is JSON: {error}"));
        canonical::write(&value)
    }

    /// Reads what [`Statement::to_bytes`] wrote, and nothing else.
    pub fn read(bytes: &[u8]) -> Result<Statement, StatementError> {
        if bytes.len() > PAYLOAD_BYTES_MAX {
            return Err(StatementError::TooLarge);
        }
        let value = canonical::read(bytes).map_err(StatementError::Json)?;
        match value.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(newer) if newer > FORMAT => return Err(StatementError::NewerFormat(newer)),
            _ => return Err(StatementError::Fields("no format that is known".into())),
        }
        let statement: Statement =
            serde_json::from_value(value).map_err(|error| StatementError::Fields(error.to_string()))?;
        if statement.number == 0 || (statement.number == 1) != statement.previous.is_none() {
            return Err(StatementError::Fields("the first of a chain, and only that, has no predecessor".into()));
        }
        statement.facts()?;
        Ok(statement)
    }

    /// Whether texts or lists of the receipt are cut.
    pub fn is_shortened(&self) -> bool {
        self.shortened
    }

    /// What the receipt says.
    pub fn facts(&self) -> Result<Facts, StatementError> {
        let no = |what: String| StatementError::Facts(what);
        let facts = Facts::deserialize(&self.receipt).map_err(|error| no(error.to_string()))?;
        if facts.plugin != self.plugin.name {
            return Err(no("it is about another plugin".into()));
        }
        Ok(facts)
    }
}

/// What every receipt says. Releases add to it; what they add is not looked at here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// The plugin, by its name.
    pub plugin: String,
    /// `swap`, `rollback` and so on.
    pub kind: String,
    /// The incumbent.
    pub from: Version,
    /// The successor.
    pub to: Version,
    /// Which of the two serves.
    pub activated: Ended,
    /// What was found about each collection.
    pub verdicts: Vec<Verdict>,
    /// The incumbent's last state, if it got that far.
    pub sealed: Option<Sealed>,
    /// The root of the state that the successor began with.
    pub root: Option<Hash>,
    /// For how long calls were held, in microseconds.
    pub pause_us: u64,
    /// Calls that waited when the gate was opened.
    pub held_calls: u64,
    /// When it ended, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A version, as receipts name it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its number.
    pub generation: u64,
    /// The operator's name for it.
    pub label: Option<String>,
    /// The hash of its component.
    pub component: Hash,
}

/// How a hand-off ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// The successor serves.
    Successor,
    /// It was given up; the incumbent serves.
    Incumbent {
        /// In which phase.
        phase: String,
        /// Why.
        reason: String,
    },
}

/// A verdict, as far as it is looked at here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Verdict {
    /// The collection.
    pub identity: String,
    /// `identical`, `widening` and so on.
    pub verdict: String,
}

/// A sealed state, as far as it is looked at here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sealed {
    /// Its root; none if it was never computed.
    pub root: Option<Hash>,
}
