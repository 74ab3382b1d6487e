//! The collections that a file's entries go to: checked by the plugin's own ledger, encoded under its newest schemas.

use std::collections::HashMap;

use stead_schema::{
    Collection, Conversion, Identity, Kind, Ledger, Owned, Segment, Type, Value, Verdict, codec, compare, layout,
};
use stead_store::{View, Writes};

use super::entries::{Entry, EntryContent, EntryKey};
use super::error::{FileError, ImportError};
use super::format::Head;
use super::import::ImportMode;
use crate::error::HostError;
use crate::host::Typed;

/// What a write takes in memory beside its key and its value.
const WRITE_BYTES: u64 = 64;

/// Where the entries of a file go.
pub(super) struct Target {
    /// By the place of the collection in the file; none for one without entries that the plugin does not know.
    slots: Vec<Option<Slot>>,
    /// The plugin's ledger, with holes filled from the file.
    pub(super) ledger: Ledger,
    mode: ImportMode,
    value_bytes_max: usize,
}

struct Slot {
    number: u32,
    signed: bool,
    schema: u32,
    value: Option<Type>,
    /// From the file's type; none where it is the plugin's own.
    conversion: Option<Conversion>,
    /// From types that single entries name.
    own: HashMap<Type, Option<Conversion>>,
    /// Of a log: first and next index, as they become.
    bounds: Option<(u64, u64)>,
    bounds_before: Option<(u64, u64)>,
}

impl Target {
    /// Refuses what the plugin does not keep, keeps otherwise, or holds already.
    pub(super) fn of(
        view: &View,
        ledger: Ledger,
        heads: &[Head],
        mode: ImportMode,
        value_bytes_max: usize,
    ) -> Result<Target, ImportError> {
        let mut target = Target { slots: Vec::new(), ledger, mode, value_bytes_max };
        let (mut refused, mut taken) = (Vec::new(), Vec::new());
        for head in heads {
            match target.slot(view, head)? {
                Ok(slot) => target.slots.push(slot),
                Err(Taken::Refused(reason)) => refused.push((head.identity.clone(), reason)),
                Err(Taken::NotEmpty(reason)) => taken.push((head.identity.clone(), reason)),
            }
        }
        match (refused.is_empty(), taken.is_empty()) {
            (false, _) => Err(ImportError::Collections(refused)),
            (_, false) => Err(ImportError::NotEmpty(taken)),
            _ => Ok(target),
        }
    }

    fn slot(&mut self, view: &View, head: &Head) -> Result<Result<Option<Slot>, Taken>, HostError> {
        let is_empty = head.entries == Some(0) && head.bounds.is_none_or(|(_, end)| end == 0);
        let known = match self.ledger.collections.get_mut(&head.identity) {
            None if is_empty => return Ok(Ok(None)),
            None => return Ok(Err(Taken::Refused("the plugin does not keep this collection".into()))),
            Some(known) if known.dropped => {
                return Ok(Err(Taken::Refused(format!("it was dropped with version {}", known.writer))));
            }
            Some(known) => known,
        };
        let comparison = compare(&head.schema, known.schema());
        if comparison.verdict == Verdict::Incompatible {
            let differences: Vec<String> = comparison.differences.iter().map(ToString::to_string).collect();
            return Ok(Err(Taken::Refused(differences.join("; "))));
        }
        if let Err(reason) = fill(known, head) {
            return Ok(Err(Taken::Refused(reason)));
        }
        let known = &*known;
        let typed = Typed::new(&head.identity, known)?;
        let bounds = (known.kind == Kind::Log).then(|| typed.log_bounds(view)).transpose()?;
        if self.mode == ImportMode::Empty
            && let Some(reason) = occupied(&typed, view, head, bounds)?
        {
            return Ok(Err(Taken::NotEmpty(reason)));
        }
        Ok(Ok(Some(Slot {
            number: known.number,
            signed: known.schema().signed.unwrap_or(true),
            schema: known.schema_number(),
            value: known.schema().value.clone(),
            conversion: conversion(head.schema.value.as_ref(), known.schema().value.as_ref()),
            own: HashMap::new(),
            bounds: if self.mode == ImportMode::Merge { bounds } else { head.bounds },
            bounds_before: bounds,
        })))
    }

    /// The numbers of the collections that the file has.
    pub(super) fn numbers(&self) -> Vec<u32> {
        self.slots.iter().flatten().map(|slot| slot.number).collect()
    }

    /// Adds what an entry writes, and says how many bytes that takes. `view` is the state before the import.
    pub(super) fn add(
        &mut self,
        view: &View,
        entry: Entry,
        head: &Head,
        writes: &mut Writes,
    ) -> Result<u64, ImportError> {
        let line = entry.line;
        let wrong = |what: String| FileError::refused(line, format!("{}: {what}", head.identity));
        let slot = self.slots[entry.slot].as_mut().ok_or_else(|| wrong("the plugin does not keep it".into()))?;
        if self.mode == ImportMode::Merge
            && let EntryKey::Log(index) = entry.key
        {
            let is_removed = matches!(entry.content, EntryContent::Removed);
            if !slot.move_bounds(index, is_removed).map_err(wrong)? {
                return Ok(0);
            }
        }
        let key = entry.key.state_key(slot.number);
        let stored = match entry.content {
            EntryContent::Removed => None,
            EntryContent::Sums(added, subtracted) => {
                let before = match self.mode {
                    ImportMode::Merge => view.get(&key).map_err(HostError::from)?,
                    _ => None,
                };
                let before = before.map_or(Some((0, 0)), |bytes| layout::decode_counter(&bytes));
                Some(slot.sums(before, added, subtracted).map_err(wrong)?)
            }
            EntryContent::Value(value, own) => {
                let stored = slot.encode(value, own).map_err(wrong)?;
                if stored.len() > self.value_bytes_max {
                    let (bytes, bytes_max) = (stored.len(), self.value_bytes_max);
                    return Err(wrong(format!("a value of {bytes} bytes; `value_bytes_max` is {bytes_max}")).into());
                }
                Some(stored)
            }
        };
        let bytes = key.len() + stored.as_ref().map_or(0, Vec::len);
        writes.insert(key.into(), stored.map(Into::into));
        Ok(WRITE_BYTES + bytes as u64)
    }

    /// Adds the bounds of logs.
    pub(super) fn end(&self, writes: &mut Writes) {
        for slot in self.slots.iter().flatten() {
            if let Some((first, end)) = slot.bounds.filter(|bounds| Some(*bounds) != slot.bounds_before) {
                let meta = layout::encode_log_meta(first, end).to_vec();
                writes.insert(layout::log_meta(slot.number).into(), Some(meta.into()));
            }
        }
    }
}

/// Why a collection cannot be imported.
enum Taken {
    Refused(String),
    NotEmpty(String),
}

impl Slot {
    /// Where changes are merged into a log: what it truncates goes from the front, and what it appends comes at the end.
    /// False if the entry is gone already.
    fn move_bounds(&mut self, index: u64, is_removed: bool) -> Result<bool, String> {
        let (first, end) = self.bounds.get_or_insert((0, 0));
        match is_removed {
            true if index < *first => Ok(false),
            true if index == *first && index < *end => {
                *first += 1;
                Ok(true)
            }
            true => Err(format!("index {index} cannot go: the log begins at {first}")),
            false if index == *end && index < u64::MAX => {
                *end += 1;
                Ok(true)
            }
            false => Err(format!("index {index} cannot be appended: the log's next index is {end}")),
        }
    }

    fn sums(&self, before: Option<(u64, u64)>, added: u64, subtracted: u64) -> Result<Vec<u8>, String> {
        let (before_added, before_subtracted) = before.ok_or("the counter's own entry is damaged")?;
        let sums = before_added.checked_add(added).zip(before_subtracted.checked_add(subtracted));
        let fits = |(added, subtracted): &(u64, u64)| {
            let sum = i128::from(*added) - i128::from(*subtracted);
            if self.signed { i64::try_from(sum).is_ok() } else { u64::try_from(sum).is_ok() }
        };
        let (added, subtracted) = sums
            .filter(fits)
            .ok_or_else(|| format!("the sum does not fit `{}`", if self.signed { Type::S64 } else { Type::U64 }))?;
        Ok(layout::encode_counter(added, subtracted).to_vec())
    }

    fn encode(&mut self, value: Value, own: Option<Type>) -> Result<Vec<u8>, String> {
        let ty = self.value.as_ref().ok_or("nothing shows the type of its values")?;
        let conversion = match own {
            None => &self.conversion,
            Some(own) if own == *ty => &None,
            Some(own) => {
                let made = self.own.entry(own).or_insert_with_key(|own| Conversion::between(own, ty));
                if made.is_none() {
                    return Err(format!("the entry's own type does not become `{ty}`"));
                }
                made
            }
        };
        let value = match conversion {
            None => value,
            Some(conversion) => converted(conversion, value)?,
        };
        let mut stored = Vec::new();
        codec::encode_schema(self.schema, &mut stored);
        codec::encode::<Owned>(ty, &value, &mut stored).map_err(|error| error.to_string())?;
        Ok(stored)
    }
}

/// A value in the plugin's type; nothing of it may be lost on the way.
fn converted(conversion: &Conversion, value: Value) -> Result<Value, String> {
    let converted = conversion.apply(value.clone()).map_err(|error| error.to_string())?;
    match conversion.loses(&value) {
        true => Err("a part of the value has no place in the plugin's type".into()),
        false => Ok(converted),
    }
}

fn conversion(from: Option<&Type>, to: Option<&Type>) -> Option<Conversion> {
    let (from, to) = from.zip(to)?;
    if from == to { None } else { Conversion::between(from, to) }
}

/// Fills what no version of the plugin has shown. Nothing was ever written under the hole.
fn fill(known: &mut Collection, head: &Head) -> Result<(), String> {
    let filled = known.schema().filled_from(&head.schema);
    if filled == *known.schema() {
        return Ok(());
    }
    for (segment, ty) in [(Segment::Key, &filled.key), (Segment::Value, &filled.value)] {
        let checked = ty.as_ref().map_or(Ok(()), Type::check);
        checked.map_err(|error| format!("{segment}: {error}"))?;
    }
    if let Some(newest) = known.schemas.last_mut() {
        *newest = filled;
    }
    Ok(())
}

/// What a collection holds that should be empty.
fn occupied(
    typed: &Typed<'_>,
    view: &View,
    head: &Head,
    bounds: Option<(u64, u64)>,
) -> Result<Option<String>, HostError> {
    let entries = typed.entries(view)?;
    if entries > 0 {
        return Ok(Some(format!("{entries} {}", if entries == 1 { "entry" } else { "entries" })));
    }
    let (before, after) = (bounds.unwrap_or_default(), head.bounds.unwrap_or_default());
    // An index is never given twice.
    let used = before.1 > 0 && after.0 < before.1;
    Ok(used.then(|| format!("its indices below {} were used before; the file begins at {}", before.1, after.0)))
}

/// The collections of a file, for the history.
pub(super) fn identities(heads: &[Head]) -> Vec<Identity> {
    heads.iter().map(|head| head.identity.clone()).collect()
}
