//! Reading an exported file: every line is checked as it comes, and the whole by its trailer.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use serde_json::Value as Json;
use stead_schema::{Kind, Owned, Parts, Type, Value, key, text};

use super::entries::{Entries, Entry, EntryContent, EntryKey};
use super::error::FileError;
use super::export::sum_json;
use super::format::{Content, EntryLine, FORMAT, FORMAT_FIELD, Head, Header, TRAILER_START, trailer};
use crate::limits::{EXPORT_LINE_BYTES_MAX, EXPORT_OWN_TYPES_MAX};

/// An exported file, read once from front to end.
pub(super) struct ExportFile<R> {
    source: R,
    hasher: blake3::Hasher,
    line: Vec<u8>,
    /// Of the line in `line`, counted from 1.
    number: u64,
    pub(super) header: Header,
    heads: Vec<Head>,
    places: HashMap<String, usize>,
    /// Types that single entries name, by their text.
    own_types: HashMap<String, Type>,
    entries: u64,
    /// The collection at hand.
    slot: usize,
    /// Its entries so far.
    of_slot: u64,
    /// Its last key.
    last: Option<Vec<u8>>,
    ended: bool,
}

impl<R: BufRead> ExportFile<R> {
    /// Reads the header.
    pub(super) fn open(source: R) -> Result<ExportFile<R>, FileError> {
        let mut file = ExportFile {
            source,
            hasher: blake3::Hasher::new(),
            line: Vec::new(),
            number: 0,
            header: Header::default(),
            heads: Vec::new(),
            places: HashMap::new(),
            own_types: HashMap::new(),
            entries: 0,
            slot: 0,
            of_slot: 0,
            last: None,
            ended: false,
        };
        file.read_line()?;
        file.header = file.read_header()?;
        file.heads =
            file.header.collections.iter().map(Head::read).collect::<Result<_, _>>().map_err(|e| file.wrong(e))?;
        for (slot, head) in file.heads.iter().enumerate() {
            if file.places.insert(head.identity.to_string(), slot).is_some() {
                return Err(file.wrong(format!("{} is listed twice", head.identity)));
            }
        }
        if file.header.content == Content::State && !file.heads.is_sorted_by(|a, b| a.identity < b.identity) {
            return Err(file.wrong("the collections are not in order"));
        }
        file.hasher.update(&file.line);
        Ok(file)
    }

    fn read_header(&self) -> Result<Header, FileError> {
        let no_export = |error: serde_json::Error| self.wrong(format!("this is no exported state: {error}"));
        let json: Json = serde_json::from_slice(&self.line).map_err(no_export)?;
        match json.get(FORMAT_FIELD).and_then(Json::as_u64) {
            Some(FORMAT) => serde_json::from_value(json).map_err(|error| self.wrong(format!("the header: {error}"))),
            Some(format) => Err(self.wrong(format!("format {format}; this release reads format {FORMAT}"))),
            None => Err(self.wrong(format!("this is no exported state: its first line has no `{FORMAT_FIELD}`"))),
        }
    }

    /// Reads the next line into the buffer, its end included.
    fn read_line(&mut self) -> Result<(), FileError> {
        self.line.clear();
        self.number += 1;
        let bytes_max = EXPORT_LINE_BYTES_MAX as u64;
        (&mut self.source).take(bytes_max + 1).read_until(b'\n', &mut self.line).map_err(FileError::Read)?;
        if self.line.len() as u64 > bytes_max {
            return Err(self.wrong(format!("the line is longer than {bytes_max} bytes")));
        }
        if self.line.last() != Some(&b'\n') {
            return Err(self.wrong("the file ends here, before its trailer: it was cut short"));
        }
        Ok(())
    }

    fn check_trailer(&mut self) -> Result<(), FileError> {
        self.end_slots(self.heads.len())?;
        let hash = self.hasher.finalize();
        if self.line.strip_suffix(b"\n") != Some(trailer(self.entries, hash).as_bytes()) {
            return Err(self.wrong(format!(
                "the trailer does not fit what comes before it ({} entries, BLAKE3 {hash}): the file was changed",
                self.entries
            )));
        }
        let mut more = [0];
        match self.source.read(&mut more).map_err(FileError::Read)? {
            0 => Ok(()),
            _ => Err(FileError::refused(self.number + 1, "something follows the trailer")),
        }
    }

    fn read_entry(&mut self) -> Result<Entry, FileError> {
        let line: EntryLine = serde_json::from_slice(&self.line).map_err(|e| self.wrong(format!("no entry: {e}")))?;
        let slot = self.places.get(&line.collection).copied();
        let slot = slot.ok_or_else(|| self.wrong(format!("{} is not in the header", line.collection)))?;
        let own = line.ty.as_deref().map(|text| self.own_type(text)).transpose()?;
        let entry = Self::entry(slot, &self.heads[slot], line, own, self.number, self.header.content);
        let entry = entry.map_err(|what| self.wrong(format!("{}: {what}", self.heads[slot].identity)))?;
        self.check_order(&entry)?;
        self.entries += 1;
        self.of_slot += 1;
        Ok(entry)
    }

    fn own_type(&mut self, text: &str) -> Result<Type, FileError> {
        if let Some(known) = self.own_types.get(text) {
            return Ok(known.clone());
        }
        if self.own_types.len() == EXPORT_OWN_TYPES_MAX {
            return Err(self.wrong(format!("entries name more than {EXPORT_OWN_TYPES_MAX} types")));
        }
        let ty: Type = text.parse().map_err(|error| self.wrong(format!("type: {error}")))?;
        self.own_types.insert(text.to_owned(), ty.clone());
        Ok(ty)
    }

    fn entry(
        slot: usize,
        head: &Head,
        line: EntryLine,
        own: Option<Type>,
        number: u64,
        content: Content,
    ) -> Result<Entry, String> {
        let kind = head.schema.kind;
        let key = read_key(head, line.key.as_ref(), line.node)?;
        let entry = |key, content| Ok(Entry { slot, key, content, line: number });
        if line.removed {
            return match (content, &line.value) {
                (Content::Changes, None) => entry(key, EntryContent::Removed),
                (Content::Changes, Some(_)) => Err("a removed entry has no value".into()),
                (Content::State, _) => Err("a whole collection has no removed entries".into()),
            };
        }
        let json = line.value.as_ref().ok_or("the value is missing")?;
        if kind == Kind::Counter {
            let (Some(added), Some(subtracted)) = (line.added, line.subtracted) else {
                return Err("a counter's entry has `added` and `subtracted`".into());
            };
            if sum_json(i128::from(added) - i128::from(subtracted)) != *json {
                return Err(format!("the value {json} is not {added} - {subtracted}"));
            }
            return entry(key, EntryContent::Sums(added, subtracted));
        }
        let ty = own.as_ref().or(head.schema.value.as_ref()).ok_or("nothing shows the type of its values")?;
        let value = text::json::from_json(ty, json).map_err(|error| format!("value {error}"))?;
        entry(key, EntryContent::Value(value, own))
    }

    /// Collections come one after another, and each one's keys ascending: so none comes twice.
    fn check_order(&mut self, entry: &Entry) -> Result<(), FileError> {
        if entry.slot > self.slot {
            self.end_slots(entry.slot)?;
        }
        let order = entry.key.order();
        if entry.slot == self.slot && self.last.as_ref() == Some(&order) {
            return Err(self.wrong("the key stands twice"));
        }
        if entry.slot < self.slot || self.last.as_ref().is_some_and(|last| order < *last) {
            return Err(self.wrong("out of order: entries come in the order of the header, and of the keys within"));
        }
        if let (EntryKey::Log(index), Content::State, Some((first, end))) =
            (&entry.key, self.header.content, self.heads[entry.slot].bounds)
            && (first.checked_add(self.of_slot) != Some(*index) || *index >= end)
        {
            return Err(self.wrong(format!("index {index} does not follow: the log goes from {first} to {end}")));
        }
        self.last = Some(order);
        Ok(())
    }

    /// All that the header said of the collection at hand came, and nothing was to come of those up to the next.
    fn end_slots(&mut self, next: usize) -> Result<(), FileError> {
        for slot in self.slot..next {
            let head = &self.heads[slot];
            if let Some(entries) = head.entries.filter(|entries| *entries != self.of_slot) {
                return Err(self.wrong(format!("{}: {} of {entries} entries came", head.identity, self.of_slot)));
            }
            self.of_slot = 0;
        }
        (self.slot, self.last) = (next, None);
        Ok(())
    }

    fn wrong(&self, what: impl ToString) -> FileError {
        FileError::refused(self.number, what)
    }
}

impl<R: BufRead> Entries for ExportFile<R> {
    fn heads(&self) -> &[Head] {
        &self.heads
    }

    fn next(&mut self) -> Result<Option<Entry>, FileError> {
        if self.ended {
            return Ok(None);
        }
        self.read_line()?;
        if self.line.starts_with(TRAILER_START) {
            self.check_trailer()?;
            self.ended = true;
            return Ok(None);
        }
        let entry = self.read_entry()?;
        self.hasher.update(&self.line);
        Ok(Some(entry))
    }
}

fn read_key(head: &Head, json: Option<&Json>, node: Option<u64>) -> Result<EntryKey, String> {
    let (kind, ty) = (head.schema.kind, head.key_type());
    let value = match (json, &ty) {
        (Some(json), Some(ty)) => Some(text::json::from_json(ty, json).map_err(|error| format!("key {error}"))?),
        (None, None) => None,
        (Some(_), None) if kind == Kind::Map => return Err("nothing shows the type of its keys".into()),
        (Some(_), None) => return Err(format!("a {kind} has no keys")),
        (None, Some(_)) => return Err("the key is missing".into()),
    };
    match (kind, value, node) {
        (Kind::Cell, None, None) => Ok(EntryKey::Cell),
        (Kind::Counter, None, Some(node)) => Ok(EntryKey::Node(node)),
        (Kind::Counter, None, None) => Err("the node is missing".into()),
        (Kind::Log, Some(Value(Parts::U64(index))), None) => Ok(EntryKey::Log(index)),
        (Kind::Map, Some(value), None) => {
            let ty = ty.unwrap_or(Type::String);
            Ok(EntryKey::Map(value.clone(), encoded_key(&ty, &value)?))
        }
        (_, _, Some(_)) => Err(format!("a {kind} has no nodes")),
        _ => Err("the key is missing".into()),
    }
}

/// A map's key as the state has it.
pub(super) fn encoded_key(ty: &Type, value: &Value) -> Result<Vec<u8>, String> {
    let mut encoded = Vec::new();
    key::encode::<Owned>(ty, value, &mut encoded).map_err(|error| format!("key: {error}"))?;
    Ok(encoded)
}
