//! What differs between two states, or exported files of them, in typed values.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::io::{self, BufRead};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use stead_schema::{Conversion, Identity, Type, Value, compare, text};
use stead_store::View;

use super::entries::{Entries, Entry, EntryContent};
use super::error::FileError;
use super::export::{Export, sum_json};
use super::file::ExportFile;
use super::format::{Content, Head, present};
use super::source::Source;
use crate::error::{HostError, StateError};
use crate::host::Host;
use crate::plugin::{Plugin, read_ledger};

/// How much differs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differences {
    /// Entries that only the second has.
    pub added: u64,
    /// Entries that only the first has.
    pub removed: u64,
    /// Entries that hold another value.
    pub changed: u64,
    /// Collections whose types differ, or that only one of the two has.
    pub collections: u64,
}

impl Differences {
    /// The two are equal.
    pub fn is_none(&self) -> bool {
        *self == Differences::default()
    }
}

/// One difference. A key or value is JSON by its type, and WAVE beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DiffLine {
    /// The collection's identity.
    pub collection: String,
    /// In words, where not an entry differs but the collection: its types, its bounds, or that it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub differs: Option<String>,
    /// The key.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub key: Option<Json>,
    /// The key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_wave: Option<String>,
    /// The first one's value; none if it has no such entry.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub was: Option<Json>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was_wave: Option<String>,
    /// The second one's value; none if it has no such entry.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub is: Option<Json>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_wave: Option<String>,
}

/// Two states of one host, frozen, to be compared.
pub struct Diff {
    one: Export,
    other: Export,
}

impl Host {
    /// Freezes two plugins' states to compare them; either may be `PLUGIN@N`, the last state under version N.
    pub async fn diff(&self, one: &str, other: &str) -> Result<Diff, StateError> {
        Ok(Diff { one: self.export(one, &[]).await?, other: self.export(other, &[]).await? })
    }
}

/// Two states that went apart, in the collections that both have, and what only one of them has.
pub(crate) struct Apart {
    pub(crate) common: Diff,
    pub(crate) only: [Vec<Identity>; 2],
}

impl Apart {
    /// Of one plugin. No version is told apart here: the ledgers in the states say what there is.
    pub(crate) fn of(plugin: &Arc<Plugin>, views: [View; 2]) -> Result<Apart, StateError> {
        let version = plugin.serving().version.clone();
        let source = |view: View| -> Result<Source, HostError> {
            let ledger = read_ledger(&view)?;
            Ok(Source { plugin: Arc::clone(plugin), version: version.clone(), view, ledger })
        };
        let [one, other] = views;
        let (one, other) = (source(one)?, source(other)?);
        let live =
            |source: &Source| source.ledger.live().map(|(identity, _)| identity.clone()).collect::<BTreeSet<_>>();
        let (of_one, of_other) = (live(&one), live(&other));
        let common: Vec<String> = of_one.intersection(&of_other).map(ToString::to_string).collect();
        let only = [of_one.difference(&of_other), of_other.difference(&of_one)].map(|only| only.cloned().collect());
        // To name no collection means all of them.
        let export = |source| {
            if common.is_empty() { Ok(Export { source, heads: Vec::new() }) } else { Export::of(source, &common) }
        };
        Ok(Apart { common: Diff { one: export(one)?, other: export(other)? }, only })
    }
}

impl Diff {
    /// Says what differs from the first to the second, in the order of the collections and keys as they are stored. Where
    /// both come from one state, only what differs is read.
    pub fn run(&self, each: &mut dyn FnMut(DiffLine) -> io::Result<()>) -> Result<Differences, FileError> {
        let (one, other) = (&self.one, &self.other);
        if !self.is_aligned() {
            return Comparison::new(&one.heads, &other.heads, each).merge(&mut one.entries()?, &mut other.entries()?);
        }
        let mut comparison = Comparison::new(&one.heads, &other.heads, each);
        comparison.heads()?;
        for difference in one.source.view.diff(&other.source.view) {
            let difference = difference.map_err(HostError::from)?;
            let side = |export: &'_ Export, bytes: Option<Bytes>| match bytes {
                Some(bytes) => export.entry(&difference.key, &bytes),
                None => Ok(None),
            };
            comparison.entries(side(one, difference.old)?, side(other, difference.new)?)?;
        }
        Ok(comparison.found)
    }

    /// A key of the one state means the same in the other.
    fn is_aligned(&self) -> bool {
        let (one, other) = (&self.one.source.ledger, &self.other.source.ledger);
        one.collections.iter().all(|(identity, collection)| {
            let same_name = other.collections.get(identity);
            let same_number = other.by_number(collection.number);
            match (same_name, same_number) {
                (None, None) => true,
                (Some(same), Some((name, _))) => {
                    name == identity
                        && same.kind == collection.kind
                        && same.schema().filled_from(collection.schema()).key
                            == collection.schema().filled_from(same.schema()).key
                }
                _ => false,
            }
        })
    }
}

/// Compares two exported files, the first with the second, from front to end: memory does not depend on how much they
/// hold. Either may come from a running host.
pub fn diff_files(
    one: &mut dyn BufRead,
    other: &mut dyn BufRead,
    each: &mut dyn FnMut(DiffLine) -> io::Result<()>,
) -> Result<Differences, FileError> {
    let (mut one, mut other) = (ExportFile::open(one)?, ExportFile::open(other)?);
    if one.header.content == Content::Changes || other.header.content == Content::Changes {
        return Err(FileError::refused(
            1,
            "the file holds changes, not whole collections: there is nothing to compare",
        ));
    }
    let (one_heads, other_heads) = (one.heads().to_vec(), other.heads().to_vec());
    Comparison::new(&one_heads, &other_heads, each).merge(&mut one, &mut other)
}

struct Comparison<'a> {
    one: &'a [Head],
    other: &'a [Head],
    each: &'a mut dyn FnMut(DiffLine) -> io::Result<()>,
    found: Differences,
}

impl<'a> Comparison<'a> {
    fn new(one: &'a [Head], other: &'a [Head], each: &'a mut dyn FnMut(DiffLine) -> io::Result<()>) -> Comparison<'a> {
        Comparison { one, other, each, found: Differences::default() }
    }

    /// Compares entry by entry, both sides in the same order.
    fn merge(mut self, one: &mut dyn Entries, other: &mut dyn Entries) -> Result<Differences, FileError> {
        self.heads()?;
        let (mut left, mut right) = (one.next()?, other.next()?);
        loop {
            let order = match (&left, &right) {
                (None, None) => return Ok(self.found),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(left), Some(right)) => self.order(left, right),
            };
            let take = |side: &mut Option<Entry>, entries: &mut dyn Entries| -> Result<Option<Entry>, FileError> {
                let next = entries.next()?;
                Ok(std::mem::replace(side, next))
            };
            let was = if order.is_le() { take(&mut left, one)? } else { None };
            let is = if order.is_ge() { take(&mut right, other)? } else { None };
            self.entries(was, is)?;
        }
    }

    fn order(&self, left: &Entry, right: &Entry) -> Ordering {
        let (one, other) = (&self.one[left.slot], &self.other[right.slot]);
        let names = one.identity.cmp(&other.identity);
        // Keys of different types have no common order: then all of the one come first.
        let apart = || if have_same_keys(one, other) { Ordering::Equal } else { Ordering::Less };
        names.then_with(apart).then_with(|| left.key.order().cmp(&right.key.order()))
    }

    /// What differs in the collections as such.
    fn heads(&mut self) -> Result<(), FileError> {
        let (one, other) = (self.one, self.other);
        for head in one {
            match other.iter().find(|other| other.identity == head.identity) {
                None => self.differs(head, "only the first has this collection".into())?,
                Some(same) => self.compare_heads(head, same)?,
            }
        }
        for head in other.iter().filter(|head| one.iter().all(|one| one.identity != head.identity)) {
            self.differs(head, "only the second has this collection".into())?;
        }
        Ok(())
    }

    fn compare_heads(&mut self, one: &Head, other: &Head) -> Result<(), FileError> {
        let differences = compare(&one.schema, &other.schema).differences;
        if !differences.is_empty() {
            let differences: Vec<String> = differences.iter().map(ToString::to_string).collect();
            self.differs(one, differences.join("; "))?;
        }
        if one.bounds != other.bounds {
            let text = |bounds: Option<(u64, u64)>| match bounds {
                Some((first, end)) => format!("from {first} to {end}"),
                None => "nowhere".to_owned(),
            };
            self.differs(
                one,
                format!("the log goes {} in the first, {} in the second", text(one.bounds), text(other.bounds)),
            )?;
        }
        Ok(())
    }

    fn differs(&mut self, head: &Head, what: String) -> Result<(), FileError> {
        self.found.collections += 1;
        self.say(DiffLine { collection: head.identity.to_string(), differs: Some(what), ..DiffLine::default() })
    }

    fn entries(&mut self, was: Option<Entry>, is: Option<Entry>) -> Result<(), FileError> {
        let (one, other) = (self.one, self.other);
        let sides = (was.as_ref().map(|was| (was, &one[was.slot])), is.as_ref().map(|is| (is, &other[is.slot])));
        let (key, head) = match sides {
            (Some((entry, head)), _) | (None, Some((entry, head))) => (entry.key.value(), head),
            (None, None) => return Ok(()),
        };
        match sides {
            (Some(was), Some(is)) if are_same(was, is) => return Ok(()),
            (Some((Entry { content: EntryContent::Sums(added, subtracted), .. }, _)), None)
            | (None, Some((Entry { content: EntryContent::Sums(added, subtracted), .. }, _)))
                if added == subtracted =>
            {
                return Ok(());
            }
            (Some(_), Some(_)) => self.found.changed += 1,
            (Some(_), None) => self.found.removed += 1,
            (None, _) => self.found.added += 1,
        }
        let key_type = head.key_type();
        let (was, was_wave) = sides.0.map(shown).unzip();
        let (is, is_wave) = sides.1.map(shown).unzip();
        let line = DiffLine {
            collection: head.identity.to_string(),
            differs: None,
            key_wave: key.as_ref().zip(key_type.as_ref()).map(|(key, ty)| text::wave::print(key, ty)),
            key: key.as_ref().zip(key_type.as_ref()).map(|(key, ty)| text::json::to_json(key, ty)),
            was,
            was_wave,
            is,
            is_wave,
        };
        self.say(line)
    }

    fn say(&mut self, line: DiffLine) -> Result<(), FileError> {
        (self.each)(line).map_err(FileError::Write)
    }
}

fn have_same_keys(one: &Head, other: &Head) -> bool {
    one.schema.kind == other.schema.kind && (one.schema.key == other.schema.key)
}

fn type_of<'a>(content: &'a EntryContent, head: &'a Head) -> Option<&'a Type> {
    match content {
        EntryContent::Value(_, Some(own)) => Some(own),
        _ => head.schema.value.as_ref(),
    }
}

/// Both hold the same, as far as their types allow to say so: a value is compared as the other's type has it.
fn are_same((was, one): (&Entry, &Head), (is, other): (&Entry, &Head)) -> bool {
    let sum = |added: &u64, subtracted: &u64| i128::from(*added) - i128::from(*subtracted);
    match (&was.content, &is.content) {
        (EntryContent::Sums(a, b), EntryContent::Sums(c, d)) => sum(a, b) == sum(c, d),
        (EntryContent::Value(left, _), EntryContent::Value(right, _)) => {
            let types = type_of(&was.content, one).zip(type_of(&is.content, other));
            let Some((old, new)) = types.filter(|(old, new)| old != new) else { return left == right };
            let converted =
                |old: &Type, new: &Type, value: &Value| Conversion::between(old, new)?.apply(value.clone()).ok();
            match converted(old, new, left) {
                Some(left) => left == *right,
                None => converted(new, old, right).is_some_and(|right| right == *left),
            }
        }
        _ => false,
    }
}

/// A value as JSON and as WAVE.
fn shown((entry, head): (&Entry, &Head)) -> (Json, String) {
    match (&entry.content, type_of(&entry.content, head)) {
        (EntryContent::Sums(added, subtracted), _) => {
            let sum = i128::from(*added) - i128::from(*subtracted);
            (sum_json(sum), sum.to_string())
        }
        (EntryContent::Value(value, _), Some(ty)) => (text::json::to_json(value, ty), text::wave::print(value, ty)),
        _ => (Json::Null, String::new()),
    }
}
