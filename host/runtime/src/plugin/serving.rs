//! The version that serves, and how its code is loaded.

use std::ops::Bound;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use stead_schema::{Admission, Ledger, admit, layout};
use stead_store::{Order, View, WriterEpoch, Writes};
use tokio::sync::OnceCell;

use super::Conduct;
use crate::catalog::{Catalog, LinksRecord, PluginRecord, ProbationRecord, VersionRecord};
use crate::engine::{Link, Linked, Program};
use crate::error::HostError;
use crate::host::Shared;

/// The active version of a plugin and its right to write the state.
pub(crate) struct Serving {
    pub(crate) plugin: PluginRecord,
    pub(crate) version: VersionRecord,
    /// Every commit names it; a later hand-off raises the state's and so shuts this version out.
    pub(crate) epoch: WriterEpoch,
    /// Shared by all that serve as the same version in the same era.
    pub(crate) conduct: Arc<Conduct>,
    /// Loaded at the first use. Code that does not load stops calls, nothing else.
    code: OnceCell<Result<Linked, String>>,
    /// Read when they are first asked for.
    links: OnceLock<LinksRecord>,
}

impl Serving {
    /// A version whose code is loaded when it is first needed.
    pub(crate) fn cold(plugin: PluginRecord, version: VersionRecord, epoch: WriterEpoch) -> Serving {
        Serving { plugin, version, epoch, conduct: Arc::default(), code: OnceCell::new(), links: OnceLock::new() }
    }

    /// A version whose code is at hand.
    pub(crate) fn warm(plugin: PluginRecord, version: VersionRecord, epoch: WriterEpoch, linked: Linked) -> Serving {
        let code = OnceCell::new_with(Some(Ok(linked)));
        Serving { plugin, version, epoch, conduct: Arc::default(), code, links: OnceLock::new() }
    }

    /// The same version on probation.
    pub(crate) fn on_probation(self, record: ProbationRecord) -> Serving {
        Serving { conduct: Arc::new(Conduct::on_probation(record)), ..self }
    }

    /// The same version with a new right to write.
    pub(crate) fn under(&self, epoch: WriterEpoch) -> Serving {
        self.on(self.plugin.clone(), epoch)
    }

    /// The same version on another state of the same collections.
    pub(crate) fn on(&self, plugin: PluginRecord, epoch: WriterEpoch) -> Serving {
        let (conduct, code, links) = (Arc::clone(&self.conduct), self.code.clone(), self.links.clone());
        Serving { plugin, version: self.version.clone(), epoch, conduct, code, links }
    }

    /// What the version calls in other plugins.
    pub(crate) fn links(&self, host: &Shared) -> Result<&[Link], HostError> {
        Ok(&self.named_links(host)?.links)
    }

    /// The same with all that the operator named.
    pub(crate) fn named_links(&self, host: &Shared) -> Result<&LinksRecord, HostError> {
        if let Some(links) = self.links.get() {
            return Ok(links);
        }
        let found = Catalog::of(&host.store)?.links(self.plugin.id, self.version.generation)?;
        Ok(self.links.get_or_init(|| found.unwrap_or_default()))
    }

    /// The version's code, or why it cannot run.
    pub(crate) async fn code(&self, host: &Shared) -> Result<&Linked, &str> {
        let load = || async {
            let (host, plugin, version) = (host.clone(), self.plugin.clone(), self.version.clone());
            match tokio::task::spawn_blocking(move || load(&host, &plugin, &version)).await {
                Ok(loaded) => loaded,
                Err(error) => Err(error.to_string()),
            }
        };
        self.code.get_or_init(load).await.as_ref().map_err(String::as_str)
    }

    /// The same, on the caller's thread.
    pub(crate) fn code_blocking(&self, host: &Shared) -> Result<&Linked, &str> {
        if self.code.get().is_none() {
            let loaded = load(host, &self.plugin, &self.version);
            // Somebody else may have been faster; theirs is as good.
            let _ = self.code.set(loaded);
        }
        match self.code.get() {
            Some(code) => code.as_ref().map_err(String::as_str),
            None => Err("the component is being loaded"),
        }
    }

    /// Why its code cannot run, as far as that is known.
    pub(crate) fn problem(&self) -> Option<String> {
        self.code.get()?.as_ref().err().cloned()
    }
}

/// Loads the code of a version that is active: its component and the state's own ledger are all that it takes.
fn load(host: &Shared, plugin: &PluginRecord, version: &VersionRecord) -> Result<Linked, String> {
    let bytes = host.store.component(&version.component).map_err(|error| error.to_string())?;
    let links = Catalog::of(&host.store).and_then(|catalog| catalog.links(plugin.id, version.generation));
    let links = links.map_err(|error| error.to_string())?.unwrap_or_default();
    let program = Program::load_linked(&host.engine, &bytes, &links.named).map_err(|error| error.to_string())?;
    let view = host.view(plugin.state).map_err(|error| error.to_string())?;
    let ledger = read_ledger(&view).map_err(|error| error.to_string())?;
    link(&program, &ledger, plugin, version)
}

/// Links a program to a state that its version was admitted to.
pub(crate) fn link(
    program: &Program,
    ledger: &Ledger,
    plugin: &PluginRecord,
    version: &VersionRecord,
) -> Result<Linked, String> {
    // What was accepted when the version became active holds for as long as it is.
    let admission = Admission { prove: true, version_label: version.text(), back: true, ..Admission::default() };
    let admitted = admit(ledger, program.declared(), &admission).map_err(|refused| refused.to_string())?;
    program
        .link(&plugin.name, &admitted.bindings, &version.grants, &version.settings, &plugin.limits)
        .map_err(|error| error.to_string())
}

/// The ledger that a state holds.
pub(crate) fn read_ledger(view: &View) -> Result<Ledger, HostError> {
    let damaged = |what: String| HostError::Catalog { what: format!("ledger of {}: {what}", view.state()) };
    let (lower, upper) = layout::ledger_range();
    let entries = view.scan(Bound::Included(lower.into()), Bound::Excluded(upper.into()), Order::Ascending);
    let mut found = Vec::new();
    for entry in entries {
        let (key, bytes) = entry?;
        let number = layout::ledger_number(&key).ok_or_else(|| damaged("a key without a number".into()))?;
        found.push((number, bytes));
    }
    Ledger::decode(found.iter().map(|(number, bytes)| (*number, bytes.as_ref())))
        .map_err(|error| damaged(error.to_string()))
}

/// Adds what changes in a ledger to what a commit writes.
pub(crate) fn write_ledger(before: &Ledger, after: &Ledger, writes: &mut Writes) {
    let (before, after) = (before.encode(), after.encode());
    for number in before.keys().filter(|number| !after.contains_key(number)) {
        writes.insert(layout::ledger_key(*number).into(), None);
    }
    for (number, entry) in after {
        if before.get(&number) != Some(&entry) {
            writes.insert(layout::ledger_key(number).into(), Some(Bytes::from(entry)));
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
