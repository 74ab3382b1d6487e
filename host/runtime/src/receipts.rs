//! What the host states about hand-offs: one signed statement each, chained by plugin.
//!
//! The commit that ends a hand-off also says that a statement is *due*. It is made when the roots are known, while the
//! winner serves already; after a crash in between, when the data directory is opened. Statements are made in the order of
//! the hand-offs, so each can name the one before it.

use std::io::{self, Write};

use stead_receipt::{About, Envelope, Hash, Header, PluginName, SecretKey, Statement};
use stead_store::{StateId, Writes};

use crate::catalog::{self, Catalog, DueRecord, Key, PluginId, StatementRecord};
use crate::crash;
use crate::error::{HostError, StateError};
use crate::handoff::{Activated, Receipt};
use crate::host::{HistoryEntry, HistoryEvent, Host, Shared, blocking};

/// The statements about a plugin, as of one moment.
pub struct Receipts {
    header: Header,
    plugin: PluginId,
    catalog: Catalog,
}

impl Receipts {
    /// Writes them as a file of receipts: lines of JSON, the header first.
    pub fn write_to(&self, mut out: impl Write) -> io::Result<()> {
        writeln!(out, "{}", self.header.to_line())?;
        for number in 1..=self.header.receipts {
            let envelope = self.catalog.statement(self.plugin, number).map_err(io::Error::other)?;
            writeln!(out, "{}", envelope.to_line())?;
        }
        out.flush()
    }

    /// How many there are, and the hash of the last.
    pub fn header(&self) -> &Header {
        &self.header
    }
}

impl Host {
    /// What is stated about the hand-offs of a plugin.
    pub fn receipts(&self, name: &str) -> Result<Receipts, StateError> {
        let shared = self.shared();
        let plugin = shared.plugin(name).ok_or_else(|| StateError::UnknownPlugin { plugin: name.into() })?;
        let catalog = Catalog::of(&shared.store)?;
        let receipts = catalog.statements(plugin.id)?;
        let head = match receipts {
            0 => None,
            last => Some(catalog.statement(plugin.id, last)?.hash()),
        };
        let named = PluginName { id: plugin.id.0, name: name.into() };
        Ok(Receipts { header: Header::new(store_id(shared), named, receipts, head), plugin: plugin.id, catalog })
    }
}

/// What a hand-off of several plugins shares in the statements about each.
pub(crate) struct HandOffId {
    id: [u8; 16],
    names: Vec<String>,
}

impl HandOffId {
    /// Of the plugins that go through it together, with the numbers that it gets in their histories.
    pub(crate) fn of(host: &Shared, parties: &[(PluginId, String, u64)]) -> HandOffId {
        let mut hasher = blake3::Hasher::new_derive_key("stead hand-off id");
        hasher.update(&host.store.info().store_id);
        // One is enough: no plugin ends two hand-offs with one event.
        for (plugin, _, event) in parties.iter().take(1) {
            hasher.update(&plugin.0.to_le_bytes());
            hasher.update(&event.to_le_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        HandOffId { id, names: parties.iter().map(|(_, name, _)| name.clone()).collect() }
    }

    /// The record that a statement about one of the plugins is due.
    pub(crate) fn due(&self, name: &str, event: u64, asked_by: Option<String>, begun: Option<StateId>) -> DueRecord {
        let with = self.names.iter().filter(|other| *other != name).cloned().collect();
        DueRecord { id: self.id, with, event, asked_by, begun }
    }
}

/// Adds that a statement is due to the commit that ends a hand-off.
pub(crate) fn add_due(host: &Shared, plugin: PluginId, due: &DueRecord, records: &mut Writes) -> Result<(), HostError> {
    let catalog = Catalog::of(&host.store)?;
    let number = catalog.statements(plugin)? + catalog.dues(plugin)?.len() as u64 + 1;
    catalog::put(records, Key::due(plugin, number), due);
    Ok(())
}

/// Makes the statement about a hand-off that has just ended, with what could be measured only then. The hand-off stands
/// whatever becomes of it; what cannot be made now is made at the next one, or when the data directory is opened.
pub(crate) async fn finish(host: &Shared, plugin: PluginId, event: u64, receipt: Receipt) -> Receipt {
    match complete(host, plugin, Some((event, receipt.clone()))).await {
        Ok(Some(stated)) => stated,
        Ok(None) => receipt,
        Err(error) => {
            tracing::warn!(plugin = receipt.plugin, %error, "nothing could be stated about a hand-off yet");
            receipt
        }
    }
}

/// Makes what could not be stated about earlier hand-offs, while the states that it takes are still there.
pub(crate) async fn catch_up(host: &Shared, plugin: PluginId) {
    if let Err(error) = complete(host, plugin, None).await {
        tracing::warn!(?plugin, %error, "nothing could be stated about an earlier hand-off yet");
    }
}

/// Makes every statement that is due about a plugin, in order. Of the last hand-off, `measured` says what could be known
/// only after its commit. The receipt of the last one is returned as it was stated.
pub(crate) async fn complete(
    host: &Shared,
    plugin: PluginId,
    measured: Option<(u64, Receipt)>,
) -> Result<Option<Receipt>, HostError> {
    let mut last = None;
    for (number, due) in Catalog::of(&host.store)?.dues(plugin)? {
        let entry = Catalog::of(&host.store)?.event(plugin, due.event)?;
        let HistoryEvent::HandOff { receipt } = entry.event else {
            return Err(HostError::Catalog { what: format!("event {} of {plugin:?} is no hand-off", due.event) });
        };
        let receipt = match &measured {
            Some((event, measured)) if *event == due.event => measured.clone(),
            _ => *receipt,
        };
        last = Some(state(host, plugin, number, due, receipt).await?);
    }
    Ok(last)
}

/// Makes one statement: computes the roots, signs, and records it together with the roots in the history.
async fn state(
    host: &Shared,
    plugin: PluginId,
    number: u64,
    due: DueRecord,
    mut receipt: Receipt,
) -> Result<Receipt, HostError> {
    if receipt.activated == Activated::Successor {
        if let Some(point) = &mut receipt.sealed {
            point.root = root(host, Some(StateId(point.state))).await;
        }
        receipt.root = root(host, due.begun).await;
    }
    crash::point("receipt.rooted");
    let previous = match number {
        1 => None,
        later => Some(Catalog::of(&host.store)?.statement(plugin, later - 1)?.hash()),
    };
    let envelope = sealed(host, plugin, (number, previous), &due, &receipt)?;
    let entry = HistoryEntry {
        number: due.event,
        at_ms: receipt.at_ms,
        event: HistoryEvent::HandOff { receipt: Box::new(receipt.clone()) },
    };
    let mut records = Writes::new();
    catalog::put(&mut records, Key::history(plugin, due.event), &entry);
    catalog::put(&mut records, Key::statement(plugin, number), &StatementRecord::from(&envelope));
    catalog::remove(&mut records, Key::due(plugin, number));
    host.commit_durably(Vec::new(), records).await?;
    crash::point("receipt.stated");
    Ok(receipt)
}

fn sealed(
    host: &Shared,
    plugin: PluginId,
    place: (u64, Option<Hash>),
    due: &DueRecord,
    receipt: &Receipt,
) -> Result<Envelope, HostError> {
    let receipt_json = serde_json::to_value(receipt)
        .map_err(|error| HostError::Catalog { what: format!("a receipt is no JSON: {error}") })?;
    let about = About {
        store: store_id(host),
        plugin: PluginName { id: plugin.0, name: receipt.plugin.clone() },
        id: hex(&due.id),
        with: due.with.clone(),
        event: due.event,
        asked_by: due.asked_by.clone(),
        receipt: receipt_json,
    };
    let key: Option<&SecretKey> = host.receipt_key.as_deref();
    Ok(Envelope::seal(Statement::new(about, place).to_bytes(), key))
}

/// The root of a state; none if the state is gone or damaged, which stops no statement.
async fn root(host: &Shared, state: Option<StateId>) -> Option<String> {
    let state = state?;
    let view = host.store.view(state)?;
    match blocking(move || view.root()).await {
        Ok(root) => Some(root.to_string()),
        Err(error) => {
            tracing::warn!(%state, %error, "the root of a hand-off could not be computed");
            None
        }
    }
}

fn store_id(host: &Shared) -> String {
    hex(&host.store.info().store_id)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
