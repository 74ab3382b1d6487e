//! A state as lines of JSON with their types.

use std::io::{self, Write};

use serde_json::{Value as Json, json};
use stead_schema::{Identity, Kind, Ledger, Parts, Value, text};
use stead_store::View;

use super::entries::{Entries, Entry, EntryContent, EntryKey, ViewEntries, entry_of, key_of};
use super::error::FileError;
use super::format::{Content, EntryLine, FORMAT, Head, Header, VersionHead, trailer};
use super::source::Source;
use crate::catalog::VersionRecord;
use crate::error::{HostError, StateError};
use crate::host::{Host, Typed, blocking};

/// A state to be written out, frozen at one commit.
pub struct Export {
    pub(super) source: Source,
    pub(super) heads: Vec<Head>,
}

/// What an export wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Entries.
    pub entries: u64,
    /// Bytes, header and trailer included.
    pub bytes: u64,
}

impl Host {
    /// Freezes a plugin's state, or `PLUGIN@N`, the last one under version N, to be written out. Without names it is all
    /// collections that were not dropped. What it holds is durable. No code of the plugin is needed.
    pub async fn export(&self, name: &str, collections: &[String]) -> Result<Export, StateError> {
        let (shared, name, named) = (self.shared().clone(), name.to_owned(), collections.to_vec());
        let barrier = shared.store.clone();
        let export = blocking(move || Export::of(Source::of(&shared, &name)?, &named)).await?;
        // Nothing leaves the host that a power loss could take back.
        barrier.barrier().await.map_err(HostError::from)?;
        Ok(export)
    }
}

impl Export {
    pub(super) fn of(source: Source, named: &[String]) -> Result<Export, StateError> {
        let heads = heads(&source.view, &source.ledger, &source.collections(named)?)?;
        Ok(Export { source, heads })
    }

    /// Writes it, entry by entry: memory does not depend on how many there are.
    pub fn write_to(&self, sink: &mut dyn Write) -> Result<Exported, FileError> {
        let header =
            header(&self.source.plugin.name, &self.source.version, Content::State, &self.source.view, &self.heads);
        let mut lines = Lines::new(sink);
        lines.line(&Header { root: self.source.root()?, ..header })?;
        let mut entries = self.entries()?;
        while let Some(entry) = entries.next()? {
            lines.entry(&entry, &self.heads[entry.slot])?;
        }
        lines.end()
    }

    /// An entry as it is stored; none if it is no collection's that is written out.
    pub(super) fn entry(&self, key: &[u8], bytes: &[u8]) -> Result<Option<Entry>, HostError> {
        let Some(typed) = Typed::of_entry(&self.source.ledger, key)?.filter(|typed| !typed.is_meta(key)) else {
            return Ok(None);
        };
        match self.heads.iter().position(|head| head.identity == *typed.identity()) {
            Some(slot) => Ok(Some(entry_of(&typed, slot, key, bytes)?)),
            None => Ok(None),
        }
    }

    pub(super) fn entries(&self) -> Result<ViewEntries<'_>, HostError> {
        ViewEntries::new(&self.source.view, &self.source.ledger, &self.heads)
    }
}

/// The collections of a view with what a header says of them.
pub(super) fn heads(view: &View, ledger: &Ledger, identities: &[Identity]) -> Result<Vec<Head>, HostError> {
    let head = |identity: &Identity| {
        let (identity, collection) = ledger
            .collections
            .get_key_value(identity)
            .ok_or_else(|| HostError::Catalog { what: format!("{identity} is not in the ledger") })?;
        let typed = Typed::new(identity, collection)?;
        let bounds = (collection.kind == Kind::Log).then(|| typed.log_bounds(view)).transpose()?;
        let entries = Some(typed.entries(view)?);
        Ok(Head { identity: identity.clone(), schema: collection.schema().clone(), entries, bounds })
    };
    identities.iter().map(head).collect()
}

fn header(plugin: &str, version: &VersionRecord, content: Content, view: &View, heads: &[Head]) -> Header {
    Header {
        format: FORMAT,
        plugin: plugin.to_owned(),
        version: VersionHead {
            generation: version.generation,
            label: version.label.clone(),
            component: version.component.to_string(),
        },
        content,
        root: String::new(),
        commits: view.commits(),
        collections: heads.iter().map(Head::line).collect(),
    }
}

/// What was written to a state since some point, in the same form. The keys come as they are stored, ascending.
pub(crate) struct Changes<'a> {
    lines: Lines<'a>,
    ledger: &'a Ledger,
    heads: Vec<Head>,
}

impl<'a> Changes<'a> {
    /// Writes the header.
    pub(crate) fn begin(
        sink: &'a mut dyn Write,
        plugin: &str,
        version: &VersionRecord,
        view: &View,
        ledger: &'a Ledger,
    ) -> Result<Changes<'a>, FileError> {
        let mut live: Vec<_> = ledger.live().collect();
        live.sort_by_key(|(_, collection)| collection.number);
        let live: Vec<Identity> = live.into_iter().map(|(identity, _)| identity.clone()).collect();
        let mut heads = heads(view, ledger, &live)?;
        heads.iter_mut().for_each(|head| head.entries = None);
        let header = header(plugin, version, Content::Changes, view, &heads);
        let root = view.root().map_err(HostError::from)?.to_string();
        let mut lines = Lines::new(sink);
        lines.line(&Header { root, ..header })?;
        Ok(Changes { lines, ledger, heads })
    }

    /// Writes one changed entry. A log's bounds are in the header.
    pub(crate) fn change(&mut self, key: &[u8], before: Option<&[u8]>, after: Option<&[u8]>) -> Result<(), FileError> {
        let typed = Typed::of(self.ledger, key)?;
        let slot =
            typed.as_ref().and_then(|typed| self.heads.iter().position(|head| head.identity == *typed.identity()));
        let (Some(typed), Some(slot)) = (typed, slot) else {
            return Err(HostError::Catalog { what: format!("key {} is of no collection", key.escape_ascii()) }.into());
        };
        if typed.is_meta(key) {
            return Ok(());
        }
        let entry = match after {
            None => Entry { slot, key: key_of(&typed, key)?, content: EntryContent::Removed, line: 0 },
            Some(bytes) => entry_of(&typed, slot, key, bytes)?,
        };
        let entry = match (&entry.key, before) {
            (EntryKey::Node(_), Some(before)) => {
                let before = entry_of(&typed, slot, key, before)?;
                Entry { content: added_since(&before.content, &entry.content), ..entry }
            }
            _ => entry,
        };
        self.lines.entry(&entry, &self.heads[slot])?;
        Ok(())
    }

    /// Writes the trailer and flushes; says how many entries there were.
    pub(crate) fn end(self) -> Result<u64, FileError> {
        Ok(self.lines.end()?.entries)
    }
}

/// What came to a counter since, as sums that can be added to another.
fn added_since(before: &EntryContent, after: &EntryContent) -> EntryContent {
    let net = |content: &EntryContent| match content {
        EntryContent::Sums(added, subtracted) => i128::from(*added) - i128::from(*subtracted),
        _ => 0,
    };
    // Each is within 64 bits, so their difference is within 65, and one side of it within 64.
    let delta = net(after) - net(before);
    let part = |delta: i128| u64::try_from(delta.max(0)).unwrap_or(u64::MAX);
    EntryContent::Sums(part(delta), part(-delta))
}

/// Writes lines, counts and hashes them.
struct Lines<'a> {
    sink: io::BufWriter<&'a mut dyn Write>,
    hasher: blake3::Hasher,
    entries: u64,
    bytes: u64,
    line: Vec<u8>,
}

/// Bytes that are gathered before they are handed on.
const BUFFER_BYTES: usize = 64 << 10;

impl<'a> Lines<'a> {
    fn new(sink: &'a mut dyn Write) -> Lines<'a> {
        let sink = io::BufWriter::with_capacity(BUFFER_BYTES, sink);
        Lines { sink, hasher: blake3::Hasher::new(), entries: 0, bytes: 0, line: Vec::new() }
    }

    fn line(&mut self, line: &impl serde::Serialize) -> Result<(), FileError> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line).map_err(|error| FileError::Write(error.into()))?;
        self.line.push(b'\n');
        self.hasher.update(&self.line);
        self.bytes += self.line.len() as u64;
        self.sink.write_all(&self.line).map_err(FileError::Write)
    }

    fn entry(&mut self, entry: &Entry, head: &Head) -> Result<(), FileError> {
        self.entries += 1;
        self.line(&entry_line(entry, head))
    }

    fn end(mut self) -> Result<Exported, FileError> {
        let trailer = trailer(self.entries, self.hasher.finalize());
        writeln!(self.sink, "{trailer}").and_then(|()| self.sink.flush()).map_err(FileError::Write)?;
        Ok(Exported { entries: self.entries, bytes: self.bytes + trailer.len() as u64 + 1 })
    }
}

fn entry_line(entry: &Entry, head: &Head) -> EntryLine {
    let key = entry.key.value().zip(head.key_type()).map(|(key, ty)| text::json::to_json(&key, &ty));
    let mut line = EntryLine {
        collection: head.identity.to_string(),
        key,
        value: None,
        ty: None,
        node: None,
        added: None,
        subtracted: None,
        removed: false,
    };
    if let EntryKey::Node(node) = entry.key {
        line.node = Some(node);
    }
    match &entry.content {
        EntryContent::Removed => line.removed = true,
        EntryContent::Sums(added, subtracted) => {
            line.value = Some(sum_json(i128::from(*added) - i128::from(*subtracted)));
            (line.added, line.subtracted) = (Some(*added), Some(*subtracted));
        }
        EntryContent::Value(value, own) => {
            let ty = own.clone().or_else(|| head.schema.value.clone());
            line.value = ty.map(|ty| text::json::to_json(value, &ty));
            line.ty = own.as_ref().map(ToString::to_string);
        }
    }
    line
}

/// A sum as the JSON form of `s64` and `u64` has it.
pub(super) fn sum_json(sum: i128) -> Json {
    match i64::try_from(sum) {
        Ok(sum) => text::json::to_json(&Value(Parts::S64(sum)), &stead_schema::Type::S64),
        Err(_) => json!(sum.to_string()),
    }
}
