//! The plan of a hand-off: whether the successor may take over, and from which state it starts.

use std::collections::BTreeMap;

use stead_schema::{Admission, Admitted, Identity, Ledger, Verdict};
use stead_store::{StateId, View};

use super::hearing::{Heard, Question, hear};
use super::later::count_later;
use super::receipt::{CollectionVerdict, ReceiptKind, Refusal};
use crate::catalog::{PartyRecord, Previous};
use crate::engine::{Linked, Program};
use crate::error::HostError;
use crate::host::Shared;
use crate::plugin::{Serving, read_ledger};

/// What a hand-off is going to do.
#[derive(Clone)]
pub(super) struct Plan {
    /// The state that the successor starts from.
    pub(super) base: Base,
    /// The ledger of that state.
    pub(super) ledger: Ledger,
    pub(super) admitted: Admitted,
    pub(super) linked: Linked,
}

/// The state that a successor starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The live one.
    Live,
    /// The one that was sealed when the version before handed over. Nothing was written since, or what was is given
    /// up.
    Sealed { state: StateId, discarding: bool },
}

/// Why there is no plan.
pub(super) enum NoPlan {
    /// The successor may not take over.
    Refused(Vec<Refusal>),
    /// Going back would lose what was written since.
    WouldLose(Vec<Refusal>),
    /// There is no version before.
    NoPrevious,
    Host(HostError),
}

impl From<HostError> for NoPlan {
    fn from(error: HostError) -> NoPlan {
        NoPlan::Host(error)
    }
}

impl NoPlan {
    /// The reason in one text.
    pub(super) fn reason(self) -> String {
        match self {
            NoPlan::Refused(refusals) | NoPlan::WouldLose(refusals) => {
                let texts: Vec<String> = refusals.into_iter().map(|r| format!("{}: {}", r.subject, r.reason)).collect();
                texts.join("; ")
            }
            NoPlan::NoPrevious => "there is no version before".into(),
            NoPlan::Host(error) => error.to_string(),
        }
    }
}

/// Plans a hand-off over a state. `affirmed` are the collections that the operator of a new swap called state; a plan
/// that is made again asks no more.
pub(super) fn plan(
    host: &Shared,
    serving: &Serving,
    program: &Program,
    record: &PartyRecord,
    live: &View,
    affirmed: Option<&[Identity]>,
) -> Result<Plan, NoPlan> {
    let base = match record.kind {
        ReceiptKind::Swap => Base::Live,
        kind => {
            let previous = serving.plugin.previous.as_ref().ok_or(NoPlan::NoPrevious)?;
            let brings_migration =
                program.migrate().or(program.migrate_back()).is_some() || !program.upgrades().is_empty();
            rollback_base(host, previous, kind == ReceiptKind::RollbackDiscarding, brings_migration, live)?
        }
    };
    let view = match base {
        Base::Live => live.clone(),
        Base::Sealed { state, .. } => host.view(state)?,
    };
    let ledger = read_ledger(&view)?;
    let going_back = base == Base::Live && record.kind != ReceiptKind::Swap;
    let no = |refusals| if going_back { NoPlan::WouldLose(refusals) } else { NoPlan::Refused(refusals) };
    let state = (base == Base::Live).then_some(live);
    let heard = heard(host, serving, program, record, &ledger, state, affirmed)?;
    // What left the state comes back by a migration alone.
    if let Some(previous) = serving.plugin.previous.as_ref().filter(|previous| going_back && previous.rebuilt)
        && heard.refusals.is_empty()
        && heard.admitted.migrated.is_empty()
    {
        let begun = host.view(previous.begun)?;
        return Err(NoPlan::WouldLose(all_written_since(&ledger, &count_later(&begun, live)?)));
    }
    match heard.linked {
        Some(Ok(linked)) => Ok(Plan { base, ledger, admitted: heard.admitted, linked }),
        Some(Err(unlinkable)) => Err(NoPlan::Refused(vec![unlinkable])),
        None => Err(no(heard.refusals)),
    }
}

/// What speaks for and against a hand-off.
pub(super) fn heard(
    host: &Shared,
    serving: &Serving,
    program: &Program,
    record: &PartyRecord,
    ledger: &Ledger,
    state: Option<&View>,
    affirmed: Option<&[Identity]>,
) -> Result<Heard, NoPlan> {
    let doubts = match affirmed {
        Some(affirmed) => host.doubts(&record.plugin, ledger, program.declared(), affirmed),
        None => Vec::new(),
    };
    Ok(hear(Question {
        plugin: &record.plugin,
        ledger,
        program,
        admission: &admission(record)?,
        state,
        doubts,
        grants: &record.successor.grants,
        settings: &record.successor.settings,
        limits: &serving.plugin.limits,
    })?)
}

/// Where going back starts: at the sealed state if nothing was written since or it is given up, else at the live one,
/// if that is still what the version before had, with writes added, or if the version before may migrate it.
fn rollback_base(
    host: &Shared,
    previous: &Previous,
    discarding: bool,
    brings_migration: bool,
    live: &View,
) -> Result<Base, NoPlan> {
    let begun = host.view(previous.begun)?;
    let later = count_later(&begun, live)?;
    if later.is_empty() {
        return Ok(Base::Sealed { state: previous.sealed, discarding: false });
    }
    if discarding {
        return Ok(Base::Sealed { state: previous.sealed, discarding: true });
    }
    if !previous.rebuilt || brings_migration {
        return Ok(Base::Live);
    }
    Err(NoPlan::WouldLose(all_written_since(&read_ledger(live)?, &later)))
}

fn all_written_since(ledger: &Ledger, later: &BTreeMap<u32, u64>) -> Vec<Refusal> {
    later.iter().map(|(number, entries)| written_since(ledger, *number, *entries)).collect()
}

fn written_since(ledger: &Ledger, number: u32, entries: u64) -> Refusal {
    let found = ledger.collections.iter().find(|(_, collection)| collection.number == number);
    let subject = found.map_or_else(|| format!("collection {number}"), |(identity, _)| identity.to_string());
    let noun = if entries == 1 { "entry" } else { "entries" };
    Refusal { subject, reason: format!("{entries} {noun} written since, in a state that the version before never had") }
}

/// What the operator allows. What nobody named is admitted on this side's word, which [`hear`] keeps.
fn admission(record: &PartyRecord) -> Result<Admission, NoPlan> {
    Ok(Admission {
        drop: identities(&record.drop).map_err(NoPlan::Refused)?,
        lossy: identities(&record.accept_lossy).map_err(NoPlan::Refused)?,
        version_label: record.successor.text(),
        prove: true,
        back: record.kind != ReceiptKind::Swap,
        ..Admission::default()
    })
}

/// Identities as an operator writes them.
pub(crate) fn identities(names: &[String]) -> Result<Vec<Identity>, Vec<Refusal>> {
    let refusal = |name: &String, reason| vec![Refusal { subject: name.clone(), reason }];
    names.iter().map(|name| Identity::parse(name).map_err(|error| refusal(name, error.to_string()))).collect()
}

impl Plan {
    /// The verdicts, for the receipt.
    pub(super) fn verdicts(&self) -> Vec<CollectionVerdict> {
        let verdict = |(identity, comparison): &(Identity, stead_schema::Comparison)| CollectionVerdict {
            identity: identity.to_string(),
            verdict: comparison.verdict,
            differences: comparison.differences.iter().map(ToString::to_string).collect(),
        };
        self.admitted.verdicts.iter().map(verdict).collect()
    }

    /// Collections whose entries have to be rewritten, so that what was dropped of them cannot come back.
    pub(super) fn lossy(&self) -> impl Iterator<Item = &Identity> {
        let back = matches!(self.base, Base::Sealed { .. });
        let lossy = self.admitted.verdicts.iter().filter(|(_, comparison)| comparison.verdict == Verdict::Lossy);
        lossy.map(|(identity, _)| identity).filter(move |_| !back)
    }

    /// Code of the successor makes its state from the incumbent's.
    pub(super) fn runs_code(&self) -> bool {
        !self.admitted.migrated.is_empty()
    }

    /// Entries leave the state, so that the version before could not simply go on with it.
    pub(super) fn rebuilds(&self) -> bool {
        self.base != Base::Live
            || !self.admitted.migrated.is_empty()
            || !self.admitted.dropped.is_empty()
            || self.lossy().next().is_some()
    }
}
