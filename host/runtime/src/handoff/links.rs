//! The links of successors: where they come from, where they stand until the commit, and whether they hold.

use stead_store::Writes;

use super::party::Party;
use super::receipt::{ReceiptKind, Refusal};
use super::{HandOff, Stop};
use crate::catalog::{self, Catalog, Key, PartyRecord};
use crate::engine::{LinkTo, Program};
use crate::error::HostError;
use crate::host::{LinkGate, Newcomer, Shared, blocking};
use crate::plugin::{Plugin, Serving};

/// The links of a new version: those that are given, or else those that the incumbent was given.
pub(super) fn links(host: &Shared, incumbent: &Serving, given: Option<Vec<LinkTo>>) -> Result<Vec<LinkTo>, HostError> {
    match given {
        Some(given) => Ok(given),
        None => Ok(incumbent.named_links(host)?.named.clone()),
    }
}

/// The links of a version that the catalog has: one that served before, or one whose hand-off is under way.
pub(super) fn recorded(host: &Shared, plugin: &Plugin, record: &PartyRecord) -> Result<Vec<LinkTo>, HostError> {
    let found = Catalog::of(&host.store)?.links(plugin.id, record.successor.generation)?;
    Ok(found.unwrap_or_default().named)
}

/// What speaks against the successors' links, or against them on the side of those that call them.
pub(super) async fn misfits(host: &Shared, parties: &[Party]) -> Vec<Refusal> {
    let successor = |party: &Party| {
        party.successor.as_ref().map(|successor| (party.plugin.name.clone(), successor.program.clone()))
    };
    misfits_of(host, parties.iter().filter_map(successor).collect()).await
}

/// The same of successors by the names of their plugins.
pub(super) async fn misfits_of(host: &Shared, programs: Vec<(String, Program)>) -> Vec<Refusal> {
    let host = host.clone();
    blocking(move || {
        let newcomer = |(plugin, program)| Newcomer { plugin, program };
        let newcomers: Vec<_> = programs.iter().map(|(plugin, program)| newcomer((plugin.as_str(), program))).collect();
        host.link_refusals(&newcomers)
    })
    .await
}

impl HandOff {
    /// Lets no link begin or end until the successors serve, if that matters, and looks once more whether theirs hold:
    /// since the plan was made, others may have come to call the incumbents.
    pub(super) async fn close_links(&self) -> Result<LinkGate, Stop> {
        let names: Vec<&str> = self.parties.iter().map(|party| party.plugin.name.as_str()).collect();
        let makes_links = self
            .parties
            .iter()
            .any(|party| party.successor.as_ref().is_some_and(|successor| !successor.program.links().is_empty()));
        let gate = self.host.links.close(&names, makes_links).await;
        if let LinkGate::Alone { .. } = gate {
            let refusals = misfits(&self.host, &self.parties).await;
            if !refusals.is_empty() {
                let texts: Vec<String> = refusals.iter().map(|r| format!("{}: {}", r.subject, r.reason)).collect();
                return Err(Stop::Abort(format!("it does not fit to other plugins: {}", texts.join("; "))));
            }
        }
        Ok(gate)
    }

    /// Adds the links of new versions to what is journaled first: a hand-off that goes on after a crash finds them there.
    pub(super) fn put_links(&self, records: &mut Writes) -> Result<(), HostError> {
        for party in &self.parties {
            let Some(links) = &party.links else { continue };
            match links.named.is_empty() {
                true => party.forget_links(records)?,
                false => catalog::put(records, party.links_key(), links),
            }
        }
        Ok(())
    }
}

impl Party {
    /// Takes the links of a version that does not come to serve out of the catalog.
    pub(super) fn forget_links(&self, records: &mut Writes) -> Result<(), HostError> {
        let is_new = self.record.kind == ReceiptKind::Swap;
        let generation = self.record.successor.generation;
        if is_new && Catalog::of(&self.host.store)?.links(self.plugin.id, generation)?.is_some() {
            catalog::remove(records, self.links_key());
        }
        Ok(())
    }

    fn links_key(&self) -> Key {
        Key::links(self.plugin.id, self.record.successor.generation)
    }
}
