//! An exported state into a plugin: all of it, or nothing.

use std::io::{BufReader, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use stead_schema::layout;
use stead_store::{Change, StateId, WriterEpoch, Writes};

use super::edit::check_reason;
use super::entries::Entries;
use super::error::ImportError;
use super::file::ExportFile;
use super::format::Content;
use super::staging::Staging;
use super::target::{Target, identities};
use crate::catalog::{self, Catalog, Key, PluginRecord, Sealed};
use crate::crash;
use crate::error::HostError;
use crate::handoff::{SEALED_STATES_MAX, for_each_later};
use crate::host::{Happened, HistoryEntry, HistoryEvent, Host, Shared, blocking};
use crate::limits::IMPORT_BATCH_BYTES;
use crate::plugin::{Mark, Plugin, now_ms, read_ledger, write_ledger};

/// How long an import waits for the running call.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What the plugin may hold already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportMode {
    /// The file's collections are empty.
    #[default]
    Empty,
    /// What they hold goes; the state before is kept as that of the active version.
    Replace,
    /// Entries of the file take the place of those under the same keys, and counters are added to.
    Merge,
}

/// How a file is imported.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ImportOptions {
    /// What the plugin may hold already.
    pub mode: ImportMode,
    /// Why, for the history.
    pub reason: Option<String>,
}

/// What an import did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The plugin that took it.
    pub plugin: String,
    /// The plugin that it was exported from.
    pub from: String,
    /// The root of the state that it was exported from.
    pub from_root: String,
    /// Collections of the file.
    pub collections: Vec<String>,
    /// Entries of the file.
    pub entries: u64,
    /// What the plugin could hold already.
    pub mode: ImportMode,
    /// Why.
    pub reason: Option<String>,
}

impl Host {
    /// Puts an exported state into a plugin, in one commit or not at all; no code of the plugin is needed. Every line is
    /// checked by the types of the plugin's ledger. Calls are served meanwhile and held only for the last step. Once
    /// begun, it goes on to its end whether the future that this returns is polled or not.
    pub async fn import(
        &self,
        name: &str,
        source: Box<dyn Read + Send>,
        options: ImportOptions,
    ) -> Result<Imported, ImportError> {
        let (shared, name) = (self.shared().clone(), name.to_owned());
        match tokio::spawn(async move { run(&shared, &name, source, options).await }).await {
            Ok(imported) => imported,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => Err(HostError::Catalog { what: error.to_string() }.into()),
            },
        }
    }
}

type Source = ExportFile<BufReader<Box<dyn Read + Send>>>;

async fn run(
    host: &Shared,
    name: &str,
    source: Box<dyn Read + Send>,
    options: ImportOptions,
) -> Result<Imported, ImportError> {
    if let Some(reason) = &options.reason {
        check_reason(reason).map_err(|error| ImportError::Reason { what: error.to_string() })?;
    }
    let plugin = host.plugin(name).ok_or_else(|| ImportError::UnknownPlugin { plugin: name.into() })?;
    let mark = plugin.begin_hand_off(&host.events).ok_or_else(|| ImportError::Busy { plugin: name.into() })?;
    let file = blocking(move || ExportFile::open(BufReader::new(source))).await?;
    if file.header.content == Content::Changes && options.mode != ImportMode::Merge {
        let what = "the file holds changes that a rollback gave up, not whole collections: they can only be merged";
        return Err(ImportError::Content { what });
    }
    let imported = Imported {
        plugin: name.into(),
        from: file.header.plugin.clone(),
        from_root: file.header.root.clone(),
        collections: identities(file.heads()).iter().map(ToString::to_string).collect(),
        entries: 0,
        mode: options.mode,
        reason: options.reason,
    };
    let staging = Staging::begin(host, plugin.id, plugin.serving().plugin.state).await?;
    crash::point("import.begun");
    let value_bytes_max = plugin.serving().plugin.limits.value_bytes_max;
    let (staging, filled) = blocking(move || {
        let filled = fill(&staging, file, options.mode, value_bytes_max);
        (staging, filled)
    })
    .await;
    crash::point("import.filled");
    let mut import = Import { host, plugin, _mark: mark, staging, imported };
    let done = match filled {
        Ok((entries, target)) => {
            import.imported.entries = entries;
            import.activate(target).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(import.imported),
        Err(error) => {
            import.staging.give_up().await;
            Err(error)
        }
    }
}

/// Reads the file into the state in the making.
fn fill(
    staging: &Staging,
    mut file: Source,
    mode: ImportMode,
    value_bytes_max: usize,
) -> Result<(u64, Target), ImportError> {
    let ledger = read_ledger(&staging.origin)?;
    let mut target = Target::of(&staging.origin, ledger, file.heads(), mode, value_bytes_max)?;
    if mode == ImportMode::Replace {
        for number in target.numbers() {
            staging.clear(layout::range(number))?;
        }
    }
    let heads = file.heads().to_vec();
    let (mut entries, mut writes, mut bytes) = (0, Writes::new(), 0);
    while let Some(entry) = file.next()? {
        entries += 1;
        let slot = entry.slot;
        bytes += target.add(&staging.origin, entry, &heads[slot], &mut writes)?;
        if bytes > IMPORT_BATCH_BYTES {
            staging.write(std::mem::take(&mut writes))?;
            bytes = 0;
        }
    }
    target.end(&mut writes);
    staging.write(writes)?;
    Ok((entries, target))
}

/// An import whose file was read to its end.
struct Import<'a> {
    host: &'a Shared,
    plugin: Arc<Plugin>,
    _mark: Mark,
    staging: Staging,
    imported: Imported,
}

impl Import<'_> {
    /// Puts the new state in the place of the old one.
    async fn activate(&mut self, target: Target) -> Result<(), ImportError> {
        let deadline = Instant::now() + PATIENCE;
        let mut turn = self
            .plugin
            .close_gate(deadline)
            .await
            .map_err(|_| ImportError::Deadline { plugin: self.plugin.name.clone(), patience: PATIENCE })?;
        let serving = self.plugin.serving();
        let (live, epoch) = (serving.plugin.state, WriterEpoch::FIRST);
        let mut writes = self.written_meanwhile(live, &target)?;
        write_ledger(&read_ledger(&self.staging.origin)?, &target.ledger, &mut writes);
        let mut changes = Vec::new();
        if !writes.is_empty() {
            changes.push(self.staging.change(writes));
        }
        let record = self.next_record(&serving.plugin, &mut changes);
        let mut records = Writes::new();
        self.staging.end(&mut records);
        catalog::put(&mut records, Key::plugin(&record.name), &record);
        let event = HistoryEvent::Imported { imported: Box::new(self.imported.clone()) };
        crash::point("import.committing");
        let ticket = {
            let _numbering = self.host.numbering();
            let number = Catalog::of(&self.host.store)?.events(self.plugin.id)? + 1;
            let entry = HistoryEntry { number, at_ms: now_ms(), event };
            catalog::put(&mut records, Key::history(self.plugin.id, number), &entry);
            self.host.commit(changes, records).map_err(HostError::from)?
        };
        ticket.await.map_err(HostError::from)?;
        crash::point("import.committed");
        self.plugin.serve(self.host, &mut turn, serving.on(record, epoch));
        self.host.events.tell(&self.plugin.name, Happened::Imported { entries: self.imported.entries });
        Ok(())
    }

    /// What calls wrote since the import began, to other collections than those of the file.
    fn written_meanwhile(&self, live: StateId, target: &Target) -> Result<Writes, ImportError> {
        let (numbers, mut writes) = (target.numbers(), Writes::new());
        let (mut taken, live) = (None, self.host.view(live)?);
        for_each_later(&self.staging.origin, &live, |later| {
            match later.collection().filter(|number| numbers.contains(number)) {
                Some(number) => taken = Some(number),
                None => drop(writes.insert(later.key, later.after)),
            }
            Ok(())
        })?;
        match taken.and_then(|number| target.ledger.by_number(number)) {
            None => Ok(writes),
            Some((identity, _)) => Err(ImportError::NotEmpty(vec![(
                identity.clone(),
                "a call wrote to it while the file was read".into(),
            )])),
        }
    }

    /// The plugin on its new state. What was replaced is kept as the active version's last state.
    fn next_record(&self, before: &PluginRecord, changes: &mut Vec<Change>) -> PluginRecord {
        let mut record = before.clone();
        record.state = self.staging.state;
        if self.imported.mode == ImportMode::Empty {
            changes.push(Change::Remove { state: before.state });
            return record;
        }
        record.sealed.push(Sealed { era: before.era, generation: before.active, state: before.state });
        if record.sealed.len() > SEALED_STATES_MAX {
            // A rollback needs the last state of the version before.
            let needed = record.previous.as_ref().map(|previous| previous.sealed);
            let oldest = record.sealed.iter().position(|sealed| Some(sealed.state) != needed).unwrap_or_default();
            changes.push(Change::Remove { state: record.sealed.remove(oldest).state });
        }
        record
    }
}
