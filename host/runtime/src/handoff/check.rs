//! What a swap would find and do, found out without one: against a plugin's state, or between two components.

use std::collections::BTreeSet;
use std::sync::Arc;

use stead_schema::{
    Admission, Comparison, Declared, Identity, Kind, Ledger, Reason, Schema, Skeleton, admit, skeleton,
};
use stead_store::{ComponentHash, View};

use super::group::load;
use super::hearing::{Heard, Question, hear};
use super::links::links;
use super::plan::{NoPlan, heard, identities};
use super::receipt::Refusal;
use super::{CheckOptions, SwapOptions};
use crate::catalog::PartyRecord;
use crate::engine::{Engine, Export, Grants, Program, Settings, Signature};
use crate::error::{DeployError, HostError, SwapError};
use crate::host::{Newcomer, Shared, Typed, VersionSummary, blocking, meaningless, refusals};
use crate::limits::Limits;
use crate::plugin::{Serving, read_ledger};

/// What a swap would find and do.
#[derive(Clone, Debug)]
pub struct Check {
    /// The version that serves; none if two components were compared.
    pub from: Option<VersionSummary>,
    /// The BLAKE3 hash of the component that would take over, in hexadecimal.
    pub component: String,
    /// Every collection that the state or the component knows, by identity.
    pub collections: Vec<Checked>,
    /// Why a swap would be refused; nothing if it would be admitted.
    pub refusals: Vec<Refusal>,
    /// The component brings a migration. It runs in a swap if a collection is [`Fate::Migrated`].
    pub brings_migration: bool,
    /// The migration that is missing, if that is a reason to refuse.
    pub skeleton: Option<Skeleton>,
    /// Exported functions that callers would see change; none if the version that serves cannot be read.
    pub functions: Option<Vec<FunctionChange>>,
}

/// What a swap would do with one collection.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The collection.
    pub identity: Identity,
    /// What becomes of it.
    pub fate: Fate,
    /// Its schema in the state.
    pub was: Option<Schema>,
    /// What the component shows of it; none if it does not import it, or too little to tell its kind.
    pub is: Option<Schema>,
    /// How the two compare.
    pub comparison: Option<Comparison>,
    /// Entries in the state; none without a state.
    pub entries: Option<u64>,
    /// Entries that would lose a part. None without a state, and where the types alone say that none does.
    pub losing: Option<u64>,
    /// The function that converts its entries, if one does.
    pub converted_by: Option<String>,
}

/// What becomes of a collection in a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The component reads and writes what is there.
    Kept,
    /// It starts empty.
    New,
    /// The functions that the component shows fit more than one kind: it stays empty and is not recorded.
    Undecided,
    /// The component does not import it: it is kept as it is.
    Dormant,
    /// The component's migration reads it; then it leaves the state.
    Migrated,
    /// A function of the component converts it, entry by entry; then it leaves the state.
    Upgraded,
    /// The component would migrate it, but the state does not have it.
    Absent,
    /// It is deleted, as the operator said.
    Dropped,
    /// It was dropped or migrated away before.
    Tombstone,
    /// The component is too new for it: nothing that it imports is of this track or below.
    Behind,
    /// The component is too old for it: nothing that it imports is of this track or above.
    Ahead,
}

/// An exported function that differs, as WIT with its interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionChange {
    /// As it is now; none if it is new.
    pub was: Option<String>,
    /// As it would be; none if it is gone.
    pub is: Option<String>,
}

/// Checks a component against a plugin's state.
pub(crate) async fn check(host: &Shared, name: &str, wasm: &[u8], options: CheckOptions) -> Result<Check, SwapError> {
    let plugin = host.plugin(name).ok_or_else(|| SwapError::UnknownPlugin { plugin: name.into() })?;
    let serving = plugin.serving();
    let named = links(host, &serving, options.links.clone())?;
    let program = load(host, wasm.to_vec(), named.clone()).await?;
    let misnamed = if options.links.is_some() { meaningless(&named, &program) } else { Vec::new() };
    let affirmed = identities(&options.state).map_err(SwapError::State)?;
    let swap = SwapOptions { drop: options.drop, accept_lossy: options.accept_lossy, ..SwapOptions::default() };
    let record = PartyRecord::of_swap(&serving, wasm, swap);
    let host = host.clone();
    let checked = blocking(move || over_state(&host, &serving, &program, &record, &affirmed)).await;
    let checked = checked.map(|check| Check { refusals: [misnamed, check.refusals].concat(), ..check });
    checked.map_err(|no| match no {
        NoPlan::Host(error) => SwapError::Host(error),
        NoPlan::Refused(refusals) | NoPlan::WouldLose(refusals) => SwapError::State(refusals),
        NoPlan::NoPrevious => SwapError::UnknownPlugin { plugin: name.into() },
    })
}

fn over_state(
    host: &Shared,
    serving: &Arc<Serving>,
    program: &Program,
    record: &PartyRecord,
    affirmed: &[Identity],
) -> Result<Check, NoPlan> {
    let state = host.view(serving.plugin.state)?;
    let ledger = read_ledger(&state)?;
    let mut heard = heard(host, serving, program, record, &ledger, Some(&state), Some(affirmed))?;
    heard.refusals.extend(host.link_refusals(&[Newcomer { plugin: &record.plugin, program }]));
    let incumbent = serving.code_blocking(host).ok().map(|linked| linked.program());
    let check = Check::of(&ledger, Some(&state), incumbent, program, heard)?;
    Ok(Check { from: Some(serving.version.summary()), ..check })
}

impl Check {
    /// Checks a component against what a first deploy of another would record; no data directory is needed. Without
    /// entries to look at, what could lose a part of them is refused unless it is named.
    pub fn between(engine: &Engine, old: &[u8], new: &[u8], options: &CheckOptions) -> Result<Check, CheckError> {
        let links = options.links.as_deref().unwrap_or_default();
        let incumbent = Program::load_linked(engine, old, links).map_err(|error| CheckError::old(error.into()))?;
        let successor = Program::load_linked(engine, new, links).map_err(|error| CheckError::new(error.into()))?;
        let named = |names: &[String]| identities(names).map_err(|no| CheckError::new(SwapError::State(no)));
        let first = Admission { version_label: "1".to_owned(), ..Admission::default() };
        let deployed = admit(&Ledger::default(), incumbent.declared(), &first)
            .map_err(|refused| CheckError::old(DeployError::State(refusals(&refused))))?;
        let heard = hear(Question {
            plugin: "check",
            ledger: &deployed.ledger,
            program: &successor,
            admission: &Admission {
                drop: named(&options.drop)?,
                lossy: named(&options.accept_lossy)?,
                version_label: "2".to_owned(),
                ..Admission::default()
            },
            state: None,
            doubts: Vec::new(),
            grants: &Grants::default(),
            settings: &Settings::default(),
            limits: &Limits::default(),
        });
        let check = heard.and_then(|heard| Check::of(&deployed.ledger, None, Some(&incumbent), &successor, heard));
        check.map_err(|error| CheckError::new(SwapError::Host(error)))
    }

    /// Whether a swap would be admitted as it is.
    pub fn is_admitted(&self) -> bool {
        self.refusals.is_empty()
    }

    fn of(
        ledger: &Ledger,
        state: Option<&View>,
        incumbent: Option<&Program>,
        program: &Program,
        heard: Heard,
    ) -> Result<Check, HostError> {
        let declared = program.declared();
        let known: BTreeSet<&Identity> =
            ledger.collections.keys().chain(declared.iter().map(|declared| &declared.identity)).collect();
        let collections = known.into_iter().map(|identity| checked(identity, ledger, state, program, &heard));
        let collections = collections.collect::<Result<_, HostError>>()?;
        let mut refusals = heard.refusals;
        refusals.extend(heard.linked.and_then(Result::err));
        Ok(Check {
            from: None,
            component: ComponentHash(*program.hash().as_bytes()).to_string(),
            collections,
            refusals,
            brings_migration: program.migrate().is_some(),
            skeleton: missing(ledger, declared, &heard.reasons),
            functions: incumbent.map(|incumbent| function_changes(incumbent, program)),
        })
    }
}

/// The migration that a refusal asks for.
fn missing(ledger: &Ledger, declared: &[Declared], reasons: &[Reason]) -> Option<Skeleton> {
    let asks = |reason: &Reason| matches!(reason, Reason::Incompatible { .. } | Reason::TrackBehind { .. });
    if !reasons.iter().any(asks) {
        return None;
    }
    let old: Vec<(Identity, Schema)> =
        ledger.live().map(|(identity, collection)| (identity.clone(), collection.schema().clone())).collect();
    let new: Vec<Declared> = declared.iter().filter(|declared| !declared.old).cloned().collect();
    skeleton(&old, &new)
}

/// Which of two components cannot be compared, and why.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The first.
    #[error(transparent)]
    Old(Box<DeployError>),
    /// The second.
    #[error(transparent)]
    New(Box<SwapError>),
}

impl CheckError {
    fn old(error: DeployError) -> CheckError {
        CheckError::Old(Box::new(error))
    }

    fn new(error: SwapError) -> CheckError {
        CheckError::New(Box::new(error))
    }
}

fn checked(
    identity: &Identity,
    ledger: &Ledger,
    state: Option<&View>,
    program: &Program,
    heard: &Heard,
) -> Result<Checked, HostError> {
    let declared = program.declared();
    let collection = ledger.collections.get(identity);
    let live = collection.filter(|collection| !collection.dropped);
    let import = declared.iter().find(|declared| declared.identity == *identity);
    let comparison = heard.admitted.verdicts.iter().find(|(compared, _)| compared == identity);
    let entries = match (live, state) {
        (Some(live), Some(state)) => Some(Typed::new(identity, live)?.details(state, false)?.entries),
        _ => None,
    };
    let kind = |import: &Declared| import.shape.kind.or(live.map(|live| live.kind));
    let upgraded = heard.admitted.upgraded.iter().find(|upgraded| upgraded.from == *identity);
    Ok(Checked {
        identity: identity.clone(),
        converted_by: upgraded.and_then(|found| program.upgrades().get(found.upgrade)).map(|by| by.path.clone()),
        fate: fate(identity, live.is_some(), collection.is_some(), import, heard),
        was: live.map(|live| live.schema().clone()),
        is: import.and_then(|import| kind(import).map(|kind: Kind| Schema::of(&import.shape, kind))),
        comparison: comparison.map(|(_, comparison)| comparison.clone()),
        entries,
        losing: heard.losing.iter().find(|(lossy, _)| lossy == identity).map(|(_, losing)| losing.entries),
    })
}

fn fate(identity: &Identity, live: bool, known: bool, import: Option<&Declared>, heard: &Heard) -> Fate {
    match import {
        _ if heard.admitted.upgraded.iter().any(|upgraded| upgraded.from == *identity) => Fate::Upgraded,
        Some(import) if import.old => match live {
            true => Fate::Migrated,
            false => Fate::Absent,
        },
        Some(_) if live => Fate::Kept,
        Some(_) if known && !is_refilled(identity, heard) => Fate::Tombstone,
        Some(import) => match import.shape.kind {
            Some(_) => Fate::New,
            None => Fate::Undecided,
        },
        None if !live => Fate::Tombstone,
        None if heard.admitted.dropped.iter().any(|(dropped, _)| dropped == identity) => Fate::Dropped,
        None => {
            let about = |reason: &&Reason| match reason {
                Reason::TrackBehind { kept, .. } | Reason::Downgrade { kept, .. } => kept == identity,
                _ => false,
            };
            match heard.reasons.iter().find(about) {
                Some(Reason::TrackBehind { .. }) => Fate::Behind,
                Some(_) => Fate::Ahead,
                None => Fate::Dormant,
            }
        }
    }
}

/// Whether a migration takes up a collection that was dropped or migrated away.
fn is_refilled(identity: &Identity, heard: &Heard) -> bool {
    heard.admitted.ledger.collections.get(identity).is_some_and(|collection| !collection.dropped)
}

/// What callers would see of the exported functions. Interfaces of one name and track are the same.
fn function_changes(incumbent: &Program, successor: &Program) -> Vec<FunctionChange> {
    let (before, after) = (callable(incumbent), callable(successor));
    let mut changes = Vec::new();
    for (export, signature) in &before {
        let twin = after.iter().find(|(other, _)| is_same(export, other));
        let same = twin.is_some_and(|(other, now)| {
            other.path == export.path && now.result == signature.result && types(now).eq(types(signature))
        });
        if !same {
            let is = twin.map(|(other, now)| function_text(other, now));
            changes.push(FunctionChange { was: Some(function_text(export, signature)), is });
        }
    }
    for (export, signature) in &after {
        if !before.iter().any(|(other, _)| is_same(export, other)) {
            changes.push(FunctionChange { was: None, is: Some(function_text(export, signature)) });
        }
    }
    changes
}

fn callable(program: &Program) -> Vec<(&Export, &Signature)> {
    let called = program.exports().iter().filter(|export| export.is_callable());
    called.filter_map(|export| Some((export, export.signature.as_ref().ok()?))).collect()
}

fn is_same(export: &Export, other: &Export) -> bool {
    let identity = |export: &Export| export.interface.as_deref().map(Identity::parse);
    export.function == other.function && identity(export) == identity(other)
}

fn types(signature: &Signature) -> impl Iterator<Item = &stead_schema::Type> {
    signature.params.iter().map(|(_, ty)| ty)
}

/// `acme:tally/api@1.0.0#vote: func(voter: string) -> u64`.
fn function_text(export: &Export, signature: &Signature) -> String {
    format!("{}: {signature}", export.path)
}
