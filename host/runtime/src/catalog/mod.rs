//! What the host records of plugins, versions, hand-offs and call results, in state 0 under keys from `0x01` up.
//!
//! ```text
//! 01 <name>                                              plugin
//! 02 <plugin u64 BE> <generation u64 BE>                 version
//! 03 <plugin u64 BE>                                     the hand-off under way, under its first plugin
//! 04 <plugin u64 BE> <number u64 BE>                     history
//! 05 <plugin u64 BE> <client length u16 BE> <client> <sequence u64 BE>   result of a call
//! 06 <plugin u64 BE> <client>                            window of a client's results
//! 07 <plugin u64 BE>                                     the state that an import fills
//! 08 00 <plugin u64 BE>                                  which calls are recorded
//! 08 01 <plugin u64 BE> <number u64 BE> <bytes u32 BE>   a recorded call
//! 09 00 <plugin u64 BE> <number u64 BE>                  a statement about a hand-off that is due
//! 09 01 <plugin u64 BE> <number u64 BE>                  a statement about a hand-off, as it was signed
//! 0a <plugin u64 BE>                                     probation of the active version
//! 0a <plugin u64 BE> 2b                                  probation that the hand-off under way begins
//! 0b <plugin u64 BE>                                     how far a state is converted entry by entry
//! 0c <plugin u64 BE> <generation u64 BE>                 links of a version; none if it has none
//! ```
//!
//! Every record is postcard behind one version byte. Nothing here decides anything: it reads and encodes.

mod key;
mod links;
mod probation;
mod receipt;
mod record;
mod recorded;
#[cfg(test)]
mod tests;
mod upgrade;

use std::collections::BTreeSet;
use std::ops::Bound;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use stead_receipt::Envelope;
use stead_store::{Order, ReadError, StateId, Store, Transaction, View, Writes};

pub(crate) use key::Key;
pub(crate) use links::LinksRecord;
pub(crate) use probation::{ProbationRecord, Stage};
pub(crate) use receipt::{DueRecord, StatementRecord};
pub(crate) use record::{
    End, HandOffRecord, PartyRecord, PluginId, PluginRecord, Previous, ResultRecord, Sealed, StagingRecord, Undone,
    VersionRecord, WindowRecord,
};
pub(crate) use recorded::{CallRecord, RecordedArgs, RecordedEnd, RecordingRecord};

pub(crate) use upgrade::{UpgradeRecord, UpgradedRecord};

use crate::error::HostError;
use crate::host::HistoryEntry;

/// A record of the catalog, with the version that stands before it.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// The version that is written.
    const VERSION: u8 = 1;

    /// Reads one of a version that earlier releases wrote, and what follows it; none if there was no such version.
    fn earlier(version: u8, body: &[u8]) -> Option<postcard::Result<(Self, &[u8])>> {
        let _ = (version, body);
        None
    }
}

impl Record for HistoryEntry {}

/// The catalog as of one moment.
pub(crate) struct Catalog {
    view: View,
}

impl Catalog {
    /// With everything that was accepted so far.
    pub(crate) fn of(store: &Store) -> Result<Catalog, HostError> {
        match store.view(StateId::CATALOG) {
            Some(view) => Ok(Catalog::over(view)),
            None => Err(HostError::Catalog { what: "the store has no state 0".into() }),
        }
    }

    /// As a view of state 0 has it.
    pub(crate) fn over(view: View) -> Catalog {
        Catalog { view }
    }

    /// The plugins whose records can be read, by name. Damage is not reported: whoever asks has done so.
    pub(crate) fn readable_plugins(&self) -> Vec<PluginRecord> {
        let (lower, upper) = Key::plugins();
        let entries = self.view.scan(Bound::Included(lower), Bound::Excluded(upper), Order::Ascending);
        entries.map_while(Result::ok).filter_map(|(key, bytes)| decode(&key, &bytes).ok()).collect()
    }

    /// All plugins, by name.
    pub(crate) fn plugins(&self) -> Result<Vec<PluginRecord>, HostError> {
        self.all(Key::plugins())
    }

    /// A version of a plugin.
    pub(crate) fn version(&self, plugin: PluginId, generation: u64) -> Result<VersionRecord, HostError> {
        let version = self.get(&Key::version(plugin, generation))?;
        version.ok_or_else(|| HostError::Catalog { what: format!("version {generation} of {plugin:?} is missing") })
    }

    /// All versions of a plugin, the oldest first.
    pub(crate) fn versions(&self, plugin: PluginId) -> Result<Vec<VersionRecord>, HostError> {
        self.all(Key::versions(plugin))
    }

    /// All hand-offs that are under way.
    pub(crate) fn hand_offs(&self) -> Result<Vec<HandOffRecord>, HostError> {
        self.all(Key::hand_offs())
    }

    /// The links of a version; none if it has none.
    pub(crate) fn links(&self, plugin: PluginId, generation: u64) -> Result<Option<LinksRecord>, HostError> {
        self.get(&Key::links(plugin, generation))
    }

    /// The plugins of which a version has, or had, links.
    pub(crate) fn linked_plugins(&self) -> Result<BTreeSet<PluginId>, HostError> {
        let (lower, upper) = Key::all_links();
        let keys = self.view.scan(Bound::Included(lower), Bound::Excluded(upper), Order::Ascending);
        let plugin = |entry: Result<(Bytes, Bytes), ReadError>| Ok(Key::plugin_of_links(&entry?.0));
        keys.filter_map(|entry| plugin(entry).transpose()).collect()
    }

    /// All states that imports fill.
    pub(crate) fn stagings(&self) -> Result<Vec<StagingRecord>, HostError> {
        self.all(Key::stagings())
    }

    /// How far a plugin's state has been converted entry by entry, if it is being so.
    pub(crate) fn upgrade(&self, plugin: PluginId) -> Result<Option<UpgradeRecord>, HostError> {
        self.get(&Key::upgrade(plugin))
    }

    /// What is recorded of all plugins.
    pub(crate) fn recordings(&self) -> Result<Vec<RecordingRecord>, HostError> {
        self.all(Key::recordings())
    }

    /// Numbers and sizes of the recorded calls of a plugin, the oldest first.
    pub(crate) fn recorded_sizes(&self, plugin: PluginId) -> Result<Vec<(u64, u32)>, HostError> {
        let (lower, upper) = Key::recorded_calls(plugin);
        let keys = Transaction::new(self.view.clone());
        let keys = keys.keys(Bound::Included(lower), Bound::Excluded(upper), Order::Ascending);
        keys.map(|key| {
            let key = key?;
            let unknown = || HostError::Catalog { what: format!("key {} of a recorded call", key.escape_ascii()) };
            Key::read_recorded_call(&key).ok_or_else(unknown)
        })
        .collect()
    }

    /// A recorded call, if it is still there.
    pub(crate) fn recorded_call(
        &self,
        plugin: PluginId,
        (number, bytes): (u64, u32),
    ) -> Result<Option<CallRecord<'static>>, HostError> {
        self.get(&Key::recorded_call(plugin, number, bytes))
    }

    /// All probations, agreed ones too.
    pub(crate) fn probations(&self) -> Result<Vec<ProbationRecord>, HostError> {
        self.all(Key::probations())
    }

    /// The probation that begins with the hand-off of a plugin that is under way.
    pub(crate) fn probation_agreed(&self, plugin: PluginId) -> Result<Option<ProbationRecord>, HostError> {
        self.get(&Key::probation_agreed(plugin))
    }

    /// What happened to a plugin, the oldest first.
    pub(crate) fn history(&self, plugin: PluginId) -> Result<Vec<HistoryEntry>, HostError> {
        self.all(Key::history_of(plugin))
    }

    /// How many events a plugin's history has.
    pub(crate) fn events(&self, plugin: PluginId) -> Result<u64, HostError> {
        self.last_number(Key::history_of(plugin))
    }

    /// One event of a plugin's history.
    pub(crate) fn event(&self, plugin: PluginId, number: u64) -> Result<HistoryEntry, HostError> {
        let entry = self.get(&Key::history(plugin, number))?;
        entry.ok_or_else(|| HostError::Catalog { what: format!("event {number} of {plugin:?} is missing") })
    }

    /// How many statements there are about a plugin.
    pub(crate) fn statements(&self, plugin: PluginId) -> Result<u64, HostError> {
        self.last_number(Key::statements(plugin))
    }

    /// A statement about a plugin.
    pub(crate) fn statement(&self, plugin: PluginId, number: u64) -> Result<Envelope, HostError> {
        let record: Option<StatementRecord> = self.get(&Key::statement(plugin, number))?;
        let missing = || HostError::Catalog { what: format!("statement {number} of {plugin:?} is missing") };
        record.and_then(StatementRecord::envelope).ok_or_else(missing)
    }

    /// The statements that are due about a plugin, with their numbers, in order.
    pub(crate) fn dues(&self, plugin: PluginId) -> Result<Vec<(u64, DueRecord)>, HostError> {
        let dues = self.due_in(Key::dues(plugin))?;
        Ok(dues.into_iter().map(|(_, number, due)| (number, due)).collect())
    }

    /// The plugins about which statements are due.
    pub(crate) fn all_dues(&self) -> Result<BTreeSet<PluginId>, HostError> {
        Ok(self.due_in(Key::all_dues())?.into_iter().map(|(plugin, _, _)| plugin).collect())
    }

    fn due_in(&self, (lower, upper): (Bytes, Bytes)) -> Result<Vec<(PluginId, u64, DueRecord)>, HostError> {
        let entries = self.view.scan(Bound::Included(lower), Bound::Excluded(upper), Order::Ascending);
        let read = |(key, bytes): (Bytes, Bytes)| {
            let damaged =
                || HostError::Catalog { what: format!("record {} has no key of its kind", key.escape_ascii()) };
            let (plugin, number) = Key::receipt_of(&key).ok_or_else(damaged)?;
            Ok((plugin, number, decode(&key, &bytes)?))
        };
        entries.map(|entry| read(entry?)).collect()
    }

    /// The recorded result of a call.
    pub(crate) fn result(
        &self,
        plugin: PluginId,
        client: &str,
        sequence: u64,
    ) -> Result<Option<ResultRecord>, HostError> {
        self.get(&Key::result(plugin, client, sequence))
    }

    /// Keys of a client's results below a sequence.
    pub(crate) fn results_below(&self, plugin: PluginId, client: &str, floor: u64) -> Result<Vec<Bytes>, HostError> {
        let lower = Bound::Included(Key::result(plugin, client, 0).into_bytes());
        let upper = Bound::Excluded(Key::result(plugin, client, floor).into_bytes());
        let entries = self.view.scan(lower, upper, Order::Ascending);
        entries.map(|entry| Ok(entry?.0)).collect()
    }

    /// The window of a client's results.
    pub(crate) fn window(&self, plugin: PluginId, client: &str) -> Result<Option<WindowRecord>, HostError> {
        self.get(&Key::window(plugin, client))
    }

    /// How many clients a plugin keeps results for.
    pub(crate) fn clients(&self, plugin: PluginId) -> Result<u64, HostError> {
        let (lower, upper) = Key::windows(plugin);
        Ok(self.view.count(Bound::Included(lower), Bound::Excluded(upper))?)
    }

    fn get<R: Record>(&self, key: &Key) -> Result<Option<R>, HostError> {
        self.view.get(key.as_bytes())?.map(|bytes| decode(key.as_bytes(), &bytes)).transpose()
    }

    /// The number that the last of these keys ends with; 0 if there is none. They are numbered from 1 without a gap, and to
    /// count them would cost what calls wrote to the catalog since the last count, while calls are held.
    fn last_number(&self, (lower, upper): (Bytes, Bytes)) -> Result<u64, HostError> {
        let mut keys = self.view.scan(Bound::Included(lower), Bound::Excluded(upper), Order::Descending);
        let Some(last) = keys.next().transpose()? else { return Ok(0) };
        let (key, _) = last;
        let number = key.last_chunk().map(|number| u64::from_be_bytes(*number));
        number.ok_or_else(|| HostError::Catalog { what: format!("record {} has no number", key.escape_ascii()) })
    }

    fn all<R: Record>(&self, (lower, upper): (Bytes, Bytes)) -> Result<Vec<R>, HostError> {
        let entries = self.view.scan(Bound::Included(lower), Bound::Excluded(upper), Order::Ascending);
        entries
            .map(|entry| {
                let (key, bytes) = entry?;
                decode(&key, &bytes)
            })
            .collect()
    }
}

/// Adds a record to what a commit writes.
pub(crate) fn put<R: Record>(writes: &mut Writes, key: Key, record: &R) {
    writes.insert(key.into_bytes(), Some(encode(record)));
}

/// A record as it is stored.
pub(crate) fn encode<R: Record>(record: &R) -> Bytes {
    let mut bytes = vec![R::VERSION];
    // Serializing plain data into memory has nothing that could fail.
    let body = postcard::to_stdvec(record).unwrap_or_else(|error| unreachable!("a record does not encode: {error}"));
    bytes.extend(body);
    bytes.into()
}

/// Removes a record in what a commit writes.
pub(crate) fn remove(writes: &mut Writes, key: Key) {
    writes.insert(key.into_bytes(), None);
}

fn decode<R: Record>(key: &[u8], bytes: &[u8]) -> Result<R, HostError> {
    let damaged = |what: String| HostError::Catalog { what: format!("record {}: {what}", key.escape_ascii()) };
    let Some((&version, body)) = bytes.split_first() else { return Err(damaged("it is empty".into())) };
    let read = match version == R::VERSION {
        true => Some(postcard::take_from_bytes(body)),
        false => R::earlier(version, body),
    };
    match read {
        Some(Ok((record, []))) => Ok(record),
        Some(Ok((_, rest))) => Err(damaged(format!("{} bytes too many", rest.len()))),
        Some(Err(error)) => Err(damaged(error.to_string())),
        None => Err(HostError::NewerRecord { record: key.escape_ascii().to_string(), version }),
    }
}
