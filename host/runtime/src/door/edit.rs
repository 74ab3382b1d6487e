//! Changing one entry by hand, between two calls, with a reason that is kept.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use stead_schema::{Collection, Identity, Kind, Owned, Parts, Type, Value, codec, layout, text};
use stead_store::{Change, View, Writes};

use super::entries::{EntryContent, EntryKey, entry_of};
use super::error::EditError;
use super::file::encoded_key;
use super::import::PATIENCE;
use crate::catalog::{self, Catalog, Key};
use crate::error::{HostError, StateError};
use crate::host::{Happened, HistoryEntry, HistoryEvent, Host, Typed, find_collection};
use crate::limits::{HISTORY_TEXT_BYTES_MAX, REASON_CHARS_MAX};
use crate::plugin::{now_ms, read_ledger};

/// A key or value as an operator writes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// WAVE text.
    Wave(String),
    /// JSON by the type.
    Json(Json),
}

/// One change to one entry.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The collection: its identity, or its interface name where that is unambiguous.
    pub collection: String,
    /// The key of a map's entry, the index of a log's; none for a cell or a counter.
    pub key: Option<Input>,
    /// What becomes of it.
    pub change: EditChange,
    /// What it must hold now; the inner none means that it must not be there.
    pub expect: Option<Option<Input>>,
    /// Why: kept in the plugin's history.
    pub reason: String,
}

/// What becomes of an entry.
#[derive(Clone, Debug)]
pub enum EditChange {
    /// It gets this value; a counter this sum.
    Set(Input),
    /// It goes.
    Remove,
}

/// What an edit did. Keys and values are WAVE, whole here and cut in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edited {
    /// The collection's identity.
    pub collection: String,
    /// The key.
    pub key: Option<String>,
    /// What was there.
    pub before: Option<String>,
    /// What is there now.
    pub after: Option<String>,
    /// Why.
    pub reason: String,
}

impl Host {
    /// Changes one entry of a plugin's state, in the plugin's turn, so that no call comes between. What was there, what
    /// is there now and why are recorded in the same commit. No code of the plugin is needed.
    pub async fn edit(&self, name: &str, edit: &Edit) -> Result<Edited, EditError> {
        let shared = self.shared();
        check_reason(&edit.reason)?;
        let unknown = || StateError::UnknownPlugin { plugin: name.into() };
        let plugin = shared.plugin(name).ok_or_else(unknown)?;
        let deadline = Instant::now() + PATIENCE;
        let late = |_| EditError::Deadline { plugin: name.into(), patience: PATIENCE };
        let mut turn = plugin.close_gate(deadline).await.map_err(late)?;
        let serving = plugin.serving();
        let view = shared.view(serving.plugin.state)?;
        let (edited, writes) = apply(&view, name, edit, serving.plugin.limits.value_bytes_max)?;
        let mut changes = Vec::new();
        if !writes.is_empty() {
            changes.push(Change::Write { state: serving.plugin.state, epoch: serving.epoch, writes });
        }
        let event = HistoryEvent::Edited { edited: Box::new(shortened(&edited)) };
        // A warm instance may remember what was there.
        turn.cool(shared);
        let ticket = {
            let _numbering = shared.numbering();
            let number = Catalog::of(&shared.store)?.events(plugin.id)? + 1;
            let (entry, mut records) = (HistoryEntry { number, at_ms: now_ms(), event }, Writes::new());
            catalog::put(&mut records, Key::history(plugin.id, number), &entry);
            shared.commit(changes, records).map_err(HostError::from)?
        };
        drop(turn);
        ticket.await.map_err(HostError::from)?;
        shared.events.tell(name, Happened::Edited { collection: edited.collection.clone() });
        Ok(edited)
    }
}

/// The reason that an operator gives is kept, and shown in tables.
pub(super) fn check_reason(reason: &str) -> Result<(), EditError> {
    let what = match reason {
        reason if reason.trim().is_empty() => "a reason says why: it is kept in the history",
        reason if reason.chars().count() > REASON_CHARS_MAX => "a reason has at most 1000 characters",
        reason if reason.chars().any(char::is_control) => "a reason stands on one line, without control characters",
        _ => return Ok(()),
    };
    Err(EditError::input(what))
}

fn apply(view: &View, plugin: &str, edit: &Edit, value_bytes_max: usize) -> Result<(Edited, Writes), EditError> {
    let ledger = read_ledger(view)?;
    let found = find_collection(&ledger, &edit.collection).filter(|(_, collection)| !collection.dropped);
    let (identity, collection) = found.ok_or_else(|| StateError::UnknownCollection {
        plugin: plugin.into(),
        collection: edit.collection.clone(),
        collections: ledger.live().map(|(identity, _)| identity.to_string()).collect(),
    })?;
    let typed = Typed::new(identity, collection)?;
    let entry = Entry { identity, collection, typed, view };
    entry.apply(edit, value_bytes_max)
}

/// One entry, and where it lies.
struct Entry<'a> {
    identity: &'a Identity,
    collection: &'a Collection,
    typed: Typed<'a>,
    view: &'a View,
}

impl Entry<'_> {
    fn apply(&self, edit: &Edit, value_bytes_max: usize) -> Result<(Edited, Writes), EditError> {
        let kind = self.collection.kind;
        let key = self.key(edit.key.as_ref())?;
        let state_key = key.state_key(self.collection.number);
        let before = match kind {
            Kind::Counter => self.typed.sum(self.view)?.map(|sum| (sum.value, None)),
            _ => self.stored(&state_key)?,
        };
        if let Some(expected) = &edit.expect {
            self.check_expected(expected.as_ref(), before.as_ref())?;
        }
        let (after, stored) = match (&edit.change, kind) {
            (EditChange::Remove, Kind::Counter) => {
                return Err(EditError::input(format!(
                    "{}: a counter has no entry to remove; set its sum",
                    self.identity
                )));
            }
            (EditChange::Remove, Kind::Log) => {
                return Err(EditError::input(format!("{}: a log has no gaps; set the entry's value", self.identity)));
            }
            (EditChange::Remove, _) => (None, None),
            (EditChange::Set(input), Kind::Counter) => {
                let value = self.value(input)?;
                let stored = self.counter(&state_key, before.as_ref().map(|(sum, _)| sum), &value)?;
                (Some(value), Some(stored))
            }
            (EditChange::Set(input), _) => {
                if kind == Kind::Log && before.is_none() {
                    return Err(EditError::input(format!("{}: the log has no entry of this index", self.identity)));
                }
                let value = self.value(input)?;
                let stored = self.encode(&value, value_bytes_max)?;
                (Some(value), Some(stored))
            }
        };
        let mut writes = Writes::new();
        if stored.is_some() || before.is_some() {
            writes.insert(state_key.into(), stored.map(Into::into));
        }
        let wave = |value: &Value, ty: Option<Type>| match ty {
            Some(ty) => text::wave::print(value, &ty),
            None => String::new(),
        };
        let edited = Edited {
            collection: self.identity.to_string(),
            key: key.value().map(|key| wave(&key, self.typed.key_type())),
            before: before.map(|(value, own)| wave(&value, own.or_else(|| self.typed.value_type()))),
            after: after.map(|value| wave(&value, self.typed.value_type())),
            reason: edit.reason.clone(),
        };
        Ok((edited, writes))
    }

    fn key(&self, input: Option<&Input>) -> Result<EntryKey, EditError> {
        let kind = self.collection.kind;
        let ty = self.typed.key_type();
        let value = match (input, &ty) {
            (None, None) => None,
            (Some(input), Some(ty)) => Some(read(input, ty, "key")?),
            (None, Some(ty)) => return Err(EditError::input(format!("{}: the key is missing: `{ty}`", self.identity))),
            (Some(_), None) => return Err(EditError::input(format!("{}: a {kind} has no keys", self.identity))),
        };
        Ok(match (kind, value) {
            (Kind::Cell, _) => EntryKey::Cell,
            (Kind::Counter, _) => EntryKey::Node(NODE),
            (_, Some(Value(Parts::U64(index)))) if kind == Kind::Log => EntryKey::Log(index),
            (_, Some(value)) => {
                let encoded = encoded_key(&ty.unwrap_or(Type::String), &value).map_err(EditError::input)?;
                EntryKey::Map(value, encoded)
            }
            (_, None) => {
                return Err(EditError::input(format!("{}: nothing shows the type of its keys", self.identity)));
            }
        })
    }

    fn value(&self, input: &Input) -> Result<Value, EditError> {
        let unknown = || EditError::input(format!("{}: nothing shows the type of its values", self.identity));
        read(input, &self.typed.value_type().ok_or_else(unknown)?, "value")
    }

    fn stored(&self, state_key: &[u8]) -> Result<Option<(Value, Option<Type>)>, EditError> {
        let Some(bytes) = self.view.get(state_key).map_err(HostError::from)? else { return Ok(None) };
        match entry_of(&self.typed, 0, state_key, &bytes)?.content {
            EntryContent::Value(value, own) => Ok(Some((value, own))),
            _ => Ok(None),
        }
    }

    fn check_expected(&self, expected: Option<&Input>, found: Option<&(Value, Option<Type>)>) -> Result<(), EditError> {
        let expected = expected.map(|input| self.value(input)).transpose()?;
        if expected.as_ref() == found.map(|(value, _)| value) {
            return Ok(());
        }
        let shown = |value: Option<&Value>, ty: Option<Type>| match value.zip(ty) {
            Some((value, ty)) => cut(text::wave::print(value, &ty)),
            None => "nothing".to_owned(),
        };
        let ty = self.typed.value_type();
        let own = found.and_then(|(_, own)| own.clone()).or_else(|| ty.clone());
        Err(EditError::Expected {
            expected: shown(expected.as_ref(), ty),
            found: shown(found.map(|(value, _)| value), own),
        })
    }

    fn encode(&self, value: &Value, value_bytes_max: usize) -> Result<Vec<u8>, EditError> {
        let unknown = || EditError::input(format!("{}: nothing shows the type of its values", self.identity));
        let ty = self.collection.schema().value.as_ref().ok_or_else(unknown)?;
        let mut stored = Vec::new();
        codec::encode_schema(self.collection.schema_number(), &mut stored);
        codec::encode::<Owned>(ty, value, &mut stored).map_err(|error| EditError::input(format!("value: {error}")))?;
        if stored.len() > value_bytes_max {
            let bytes = stored.len();
            return Err(EditError::input(format!("a value of {bytes} bytes; `value_bytes_max` is {value_bytes_max}")));
        }
        Ok(stored)
    }

    /// This host's sums, so that all nodes together come to the sum that is asked for.
    fn counter(&self, state_key: &[u8], before: Option<&Value>, after: &Value) -> Result<Vec<u8>, EditError> {
        let sum = |value: Option<&Value>| match value {
            Some(Value(Parts::S64(sum))) => i128::from(*sum),
            Some(Value(Parts::U64(sum))) => i128::from(*sum),
            _ => 0,
        };
        let sums = match self.view.get(state_key).map_err(HostError::from)? {
            Some(bytes) => layout::decode_counter(&bytes).ok_or_else(|| self.typed.damaged("a counter"))?,
            None => (0, 0),
        };
        let delta = sum(Some(after)) - sum(before);
        let added = u64::try_from(delta.max(0)).ok().and_then(|more| sums.0.checked_add(more));
        let subtracted = u64::try_from((-delta).max(0)).ok().and_then(|more| sums.1.checked_add(more));
        match added.zip(subtracted) {
            Some((added, subtracted)) => Ok(layout::encode_counter(added, subtracted).to_vec()),
            None => Err(EditError::input(format!(
                "{}: the sums that lead to {} have no room",
                self.identity,
                sum(Some(after))
            ))),
        }
    }
}

/// The node that this host is in a counter.
const NODE: u64 = 0;

fn read(input: &Input, ty: &Type, what: &str) -> Result<Value, EditError> {
    let value = match input {
        Input::Wave(wave) => text::wave::parse(ty, wave),
        Input::Json(json) => text::json::from_json(ty, json),
    };
    value.map_err(|error| EditError::input(format!("{what} {error}")))
}

fn shortened(edited: &Edited) -> Edited {
    let cut = |text: &Option<String>| text.clone().map(cut);
    Edited { key: cut(&edited.key), before: cut(&edited.before), after: cut(&edited.after), ..edited.clone() }
}

/// A text with its end left out if it is long.
fn cut(text: String) -> String {
    if text.len() <= HISTORY_TEXT_BYTES_MAX {
        return text;
    }
    let end = (0..=HISTORY_TEXT_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    format!("{}… ({} bytes in all)", &text[..end], text.len())
}
