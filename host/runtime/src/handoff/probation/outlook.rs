//! Whether the version before could take over again with every write: said before it comes to that.

use serde::{Deserialize, Serialize};

use stead_schema::{Admission, admit};

use crate::catalog::Catalog;
use crate::engine::Program;
use crate::error::HostError;
use crate::handoff::Refusal;
use crate::host::{Newcomer, Shared, refusals};
use crate::plugin::{Serving, read_ledger};

/// What handing back would do to what was written since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outlook {
    /// The version before reads whatever is written: every write stays.
    Kept,
    /// It reads whatever is written as long as no value uses what it does not know, in these collections.
    KeptByValue {
        /// By identity.
        collections: Vec<String>,
    },
    /// It brings a migration of its own from these collections, which runs and has to succeed.
    Migrated {
        /// By identity.
        collections: Vec<String>,
    },
    /// It does not come to serve, whatever is written, for these reasons.
    Refused {
        /// Why.
        reasons: Vec<Refusal>,
    },
    /// The first write makes it impossible, for these reasons; until then it takes over the state as it left it.
    Lost {
        /// Why.
        reasons: Vec<Refusal>,
    },
}

/// What handing back would do, as far as types and code tell.
pub(super) fn outlook(host: &Shared, serving: &Serving) -> Result<Outlook, HostError> {
    let because = |subject: &str, reason: String| vec![Refusal { subject: subject.into(), reason }];
    let name = &serving.plugin.name;
    let Some(previous) = &serving.plugin.previous else {
        return Ok(Outlook::Refused { reasons: because(name, "there is no version before".into()) });
    };
    let catalog = Catalog::of(&host.store)?;
    let version = catalog.version(serving.plugin.id, previous.generation)?;
    let links = catalog.links(serving.plugin.id, previous.generation)?.unwrap_or_default();
    let program = match host.store.component(&version.component) {
        Ok(bytes) => Program::load_linked(&host.engine, &bytes, &links.named).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    let program = match program {
        Ok(program) => program,
        Err(reason) => {
            let reasons = because(name, format!("the version before does not load: {reason}"));
            return Ok(Outlook::Refused { reasons });
        }
    };
    // It may have changed hands together with plugins that call it, or that it calls.
    let misfits = host.link_refusals(&[Newcomer { plugin: name, program: &program }]);
    if !misfits.is_empty() {
        return Ok(Outlook::Refused { reasons: misfits });
    }
    let ledger = read_ledger(&host.view(serving.plugin.state)?)?;
    let upgrades = program.upgrades().to_vec();
    let admission =
        Admission { prove: true, back: true, version_label: version.text(), upgrades, ..Admission::default() };
    let admitted = match admit(&ledger, program.declared(), &admission) {
        Ok(admitted) => admitted,
        Err(refused) => return Ok(Outlook::Lost { reasons: refusals(&refused) }),
    };
    let texts = |identities: Vec<&stead_schema::Identity>| identities.into_iter().map(ToString::to_string).collect();
    if !admitted.migrated.is_empty() {
        let collections = texts(admitted.migrated.iter().map(|(identity, _)| identity).collect());
        return Ok(Outlook::Migrated { collections });
    }
    if previous.rebuilt {
        let reason = "entries left the state in the swap, and the version before would miss them".into();
        return Ok(Outlook::Lost { reasons: because(name, reason) });
    }
    match admitted.unproven.is_empty() {
        true => Ok(Outlook::Kept),
        false => Ok(Outlook::KeptByValue { collections: texts(admitted.unproven.iter().collect()) }),
    }
}
