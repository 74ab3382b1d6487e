//! The plan of a hand-off: whether the successor may take over, and from which state it starts.

use stead_schema::{Admission, Admitted, Identity, Ledger, Verdict, admit};
use stead_store::{StateId, View};

use super::convert::lost;
use super::later::count_later;
use super::receipt::{CollectionVerdict, ReceiptKind, Refusal};
use crate::catalog::{HandOffRecord, PluginRecord, Previous};
use crate::engine::{Linked, Program};
use crate::error::HostError;
use crate::host::{Shared, refusals};
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

/// Plans a hand-off over a state.
pub(super) fn plan(
    host: &Shared,
    serving: &Serving,
    program: &Program,
    journal: &HandOffRecord,
    live: &View,
) -> Result<Plan, NoPlan> {
    let base = match journal.kind {
        ReceiptKind::Swap => Base::Live,
        kind => {
            let previous = serving.plugin.previous.as_ref().ok_or(NoPlan::NoPrevious)?;
            rollback_base(host, previous, kind == ReceiptKind::RollbackDiscarding, live)?
        }
    };
    let view = match base {
        Base::Live => live.clone(),
        Base::Sealed { state, .. } => host.view(state)?,
    };
    let ledger = read_ledger(&view)?;
    let going_back = base == Base::Live && journal.kind != ReceiptKind::Swap;
    let no = |refusals| if going_back { NoPlan::WouldLose(refusals) } else { NoPlan::Refused(refusals) };
    let admitted =
        admit(&ledger, program.declared(), &admission(journal)?).map_err(|refused| no(refusals(&refused)))?;
    let linked = link(program, &admitted, &serving.plugin, journal)
        .map_err(|reason| NoPlan::Refused(vec![Refusal { subject: journal.plugin.clone(), reason }]))?;
    if base == Base::Live {
        let lost = lost(&admitted, live)?;
        if !lost.is_empty() {
            return Err(no(lost));
        }
    }
    Ok(Plan { base, ledger, admitted, linked })
}

/// Where going back starts: at the sealed state if nothing was written since or it is given up, else at the live one,
/// if that is still what the version before had, with writes added.
fn rollback_base(host: &Shared, previous: &Previous, discarding: bool, live: &View) -> Result<Base, NoPlan> {
    let begun = host.view(previous.begun)?;
    let later = count_later(&begun, live)?;
    if later.is_empty() {
        return Ok(Base::Sealed { state: previous.sealed, discarding: false });
    }
    if discarding {
        return Ok(Base::Sealed { state: previous.sealed, discarding: true });
    }
    if !previous.rebuilt {
        return Ok(Base::Live);
    }
    let ledger = read_ledger(live)?;
    Err(NoPlan::WouldLose(later.into_iter().map(|(number, entries)| written_since(&ledger, number, entries)).collect()))
}

fn written_since(ledger: &Ledger, number: u32, entries: u64) -> Refusal {
    let found = ledger.collections.iter().find(|(_, collection)| collection.number == number);
    let subject = found.map_or_else(|| format!("collection {number}"), |(identity, _)| identity.to_string());
    let noun = if entries == 1 { "entry" } else { "entries" };
    Refusal { subject, reason: format!("{entries} {noun} written since, in a state that the version before never had") }
}

/// What the operator allows. What nobody named is admitted on this side's word, which [`lost`] keeps.
fn admission(journal: &HandOffRecord) -> Result<Admission, NoPlan> {
    Ok(Admission {
        drop: named(&journal.drop)?,
        lossy: named(&journal.accept_lossy)?,
        version_label: journal.successor.text(),
        prove: true,
        back: journal.kind != ReceiptKind::Swap,
    })
}

fn named(names: &[String]) -> Result<Vec<Identity>, NoPlan> {
    let refusal = |name: &String, reason| NoPlan::Refused(vec![Refusal { subject: name.clone(), reason }]);
    names.iter().map(|name| Identity::parse(name).map_err(|error| refusal(name, error.to_string()))).collect()
}

fn link(
    program: &Program,
    admitted: &Admitted,
    plugin: &PluginRecord,
    journal: &HandOffRecord,
) -> Result<Linked, String> {
    program
        .link(&plugin.name, &admitted.bindings, &journal.successor.grants, &plugin.limits)
        .map_err(|error| error.to_string())
}

impl Plan {
    /// The verdicts, for the receipt.
    pub(super) fn verdicts(&self) -> Vec<CollectionVerdict> {
        let verdict = |(identity, comparison): &(Identity, stead_schema::Comparison)| CollectionVerdict {
            identity: identity.to_string(),
            verdict: comparison.verdict,
            differences: comparison.differences.iter().map(sentence).collect(),
        };
        self.admitted.verdicts.iter().map(verdict).collect()
    }

    /// Collections whose entries have to be rewritten, so that what was dropped of them cannot come back.
    pub(super) fn lossy(&self) -> impl Iterator<Item = &Identity> {
        let back = matches!(self.base, Base::Sealed { .. });
        let lossy = self.admitted.verdicts.iter().filter(|(_, comparison)| comparison.verdict == Verdict::Lossy);
        lossy.map(|(identity, _)| identity).filter(move |_| !back)
    }

    /// Entries leave the state, so that the version before could not simply go on with it.
    pub(super) fn rebuilds(&self) -> bool {
        self.base != Base::Live
            || !self.admitted.migrated.is_empty()
            || !self.admitted.dropped.is_empty()
            || self.lossy().next().is_some()
    }
}

/// A difference between two schemas in words.
pub(super) fn sentence(difference: &stead_schema::Difference) -> String {
    let side = |side: &Option<String>| side.as_ref().map_or_else(|| "nothing".to_owned(), |ty| format!("`{ty}`"));
    format!("{}: was {}, is {}", difference.path, side(&difference.was), side(&difference.is))
}
