//! Whether a component may take over a state, and everything that there is to say about it. A swap and a check ask
//! here, so they can never disagree.

use stead_schema::{Admission, Admitted, Identity, Ledger, Reason, UPGRADE, Verdict, admit};
use stead_store::View;

use super::carry::entries;
use super::convert::{Losing, losing};
use super::receipt::Refusal;
use crate::engine::{Grants, Linked, Program, Settings, Way};
use crate::error::HostError;
use crate::host::refusals;
use crate::limits::Limits;

/// What is asked.
pub(super) struct Question<'a> {
    /// The plugin, by its name.
    pub(super) plugin: &'a str,
    /// What its state records.
    pub(super) ledger: &'a Ledger,
    /// The component that is to take over.
    pub(super) program: &'a Program,
    /// What the operator allows.
    pub(super) admission: &'a Admission,
    /// The state, in which entries are looked for that would lose a part. None if there is none to look in.
    pub(super) state: Option<&'a View>,
    /// What speaks against it apart from the state.
    pub(super) doubts: Vec<Refusal>,
    pub(super) grants: &'a Grants,
    pub(super) settings: &'a Settings,
    pub(super) limits: &'a Limits,
}

/// What was found.
pub(super) struct Heard {
    /// As far as it goes, if something speaks against it.
    pub(super) admitted: Admitted,
    pub(super) reasons: Vec<Reason>,
    /// What speaks against it; nothing if it may take over.
    pub(super) refusals: Vec<Refusal>,
    /// Collections that could lose a part of entries, with what was found in the state.
    pub(super) losing: Vec<(Identity, Losing)>,
    /// The program joined to the state, or why it cannot be; none if there are refusals.
    pub(super) linked: Option<Result<Linked, Refusal>>,
}

/// Finds out.
pub(super) fn hear(question: Question<'_>) -> Result<Heard, HostError> {
    let Question { ledger, program, admission, .. } = question;
    let mut against = question.doubts;
    let admission = &Admission { upgrades: program.upgrades().to_vec(), ..admission.clone() };
    let (admitted, reasons) = match admit(ledger, program.declared(), admission) {
        Ok(admitted) => (admitted, Vec::new()),
        Err(refused) => {
            against.extend(refusals(&refused));
            (*refused.found, refused.reasons)
        }
    };
    let mut losses = Vec::new();
    if let Some(state) = question.state {
        for identity in lossy(&admitted) {
            let losing = losing(&admitted, identity, state)?;
            if admitted.unproven.contains(identity) {
                against.extend(losing.refusal(&admitted, identity).map(|refusal| match admission.back {
                    true => refusal,
                    false => acceptable(refusal),
                }));
            }
            losses.push((identity.clone(), losing));
        }
    }
    against.extend(unconverted(program, &admitted, question.state)?);
    let linked = against.is_empty().then(|| {
        let linked =
            program.link(question.plugin, &admitted.bindings, question.grants, question.settings, question.limits);
        linked.map_err(|error| Refusal { subject: question.plugin.into(), reason: error.to_string() })
    });
    Ok(Heard { admitted, reasons, refusals: against, losing: losses, linked })
}

/// What old collections hold that neither a function converts entry by entry nor a migration carries over. Where some are
/// converted, no migration runs: it would see the state at another moment.
fn unconverted(program: &Program, admitted: &Admitted, state: Option<&View>) -> Result<Vec<Refusal>, HostError> {
    if program.upgrades().is_empty() {
        return Ok(Vec::new());
    }
    let mut refusals = Vec::new();
    for (identity, number) in &admitted.migrated {
        let why = match program.migration_of(identity) {
            Some(_) if admitted.upgraded.is_empty() => continue,
            Some((Way::Up, _)) => {
                "`migrate` cannot run beside functions that convert entries of other collections: export such a function \
                 for every collection that holds something, or none"
            }
            Some((Way::Down, _)) => {
                "`migrate-back` cannot run beside functions that convert entries of other collections: deploy a version \
                 that brings all of the state to one track first"
            }
            None => "no exported function converts its entries, and there is no `stead:plugin/migrate`",
        };
        let is_upgraded = admitted.upgraded.iter().any(|upgraded| upgraded.from == *identity);
        let holds_any = |state: &View| entries(state, *number).next().transpose().map(|entry| entry.is_some());
        if !is_upgraded && state.map_or(Ok(true), holds_any)? {
            let name = identity.name().rsplit('/').next().unwrap_or_default();
            let reason =
                format!("{why} (`{UPGRADE}{name}`); or drop it by name (`--drop {identity}`) and do not import it");
            refusals.push(Refusal { subject: identity.to_string(), reason });
        }
    }
    Ok(refusals)
}

/// A refusal that the operator can overrule by name.
fn acceptable(refusal: Refusal) -> Refusal {
    let Refusal { subject, reason } = refusal;
    let reason = format!("{reason}; keep what is gone, or accept the loss by name (`--accept-lossy {subject}`)");
    Refusal { subject, reason }
}

/// Collections of which entries could lose a part: those that a proof is asked for, and those that the operator named.
fn lossy(admitted: &Admitted) -> impl Iterator<Item = &Identity> {
    let named = admitted.verdicts.iter().filter(|(_, comparison)| comparison.verdict == Verdict::Lossy);
    let named = named.map(|(identity, _)| identity).filter(|identity| !admitted.unproven.contains(identity));
    admitted.unproven.iter().chain(named)
}
