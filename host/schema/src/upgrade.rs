//! Functions that convert a collection from an earlier track entry by entry: what a component may export, and which
//! function converts which collection of a state.

mod error;

pub use error::UpgradeError;

use crate::admit::{Declared, Reason};
use crate::identity::{Identity, Track};
use crate::ledger::{Collection, Ledger, Schema};
use crate::shape::{Kind, Shape};
use crate::types::Type;
use crate::verdict::{Comparison, Verdict, compare};

/// What the name of a function that converts entries starts with; the name of the collection's interface follows.
pub const UPGRADE: &str = "upgrade-";

/// An exported function `upgrade-<collection>`: `func(old: V1) -> result<option<V2>, string>`, or with the key of a map or
/// the index of a log before `old`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrader {
    /// Full name of the export.
    pub path: String,
    /// The part of the function's name that names the collection.
    pub collection: String,
    /// Type of the first of two parameters.
    pub key: Option<Type>,
    /// Type of the value that it takes.
    pub old: Type,
    /// Type of the value that it makes.
    pub new: Type,
}

/// An upgrader that fits what the component imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// Full name of the export.
    pub path: String,
    /// The collection that it fills.
    pub to: Identity,
    /// The earlier collections that it may convert: which one, the state's types decide.
    pub from: Vec<Identity>,
    /// Whether it is told the key of a map's entry or the index of a log's.
    pub takes_key: bool,
    /// Type of the value that it takes.
    pub old: Type,
    /// Type of the value that it makes.
    pub new: Type,
}

/// A collection of a state that is converted entry by entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// Place of the function among the component's upgrades.
    pub upgrade: usize,
    /// The collection that leaves.
    pub from: Identity,
    /// The collection that comes in its place.
    pub to: Identity,
}

/// Holds upgraders to what their component declares. `imports` are all interfaces that it imports, also those of which it
/// uses types alone.
pub fn upgrades(
    upgraders: &[Upgrader],
    declared: &[Declared],
    imports: &[Identity],
) -> Result<Vec<Upgrade>, UpgradeError> {
    let upgrades = upgraders.iter().map(|upgrader| upgrader.fit(declared, imports));
    let upgrades = upgrades.collect::<Result<Vec<_>, _>>()?;
    for (index, second) in upgrades.iter().enumerate() {
        let twin = upgrades[..index].iter().find(|first| first.to == second.to && first.old == second.old);
        if let Some(first) = twin {
            let (first, second, old) = (first.path.clone(), second.path.clone(), second.old.to_string());
            return Err(UpgradeError::Twice { first, second, old });
        }
    }
    for old in declared.iter().filter(|declared| declared.old) {
        let of_it = || upgrades.iter().filter(|upgrade| upgrade.from.contains(&old.identity));
        let Some(first) = of_it().next() else { continue };
        if let Some(value) = value_of(&old.shape)
            && of_it().all(|upgrade| upgrade.old != value)
        {
            return Err(UpgradeError::Old {
                function: first.path.clone(),
                is: first.old.to_string(),
                old: old.identity.clone(),
                value: value.to_string(),
            });
        }
    }
    Ok(upgrades)
}

impl Upgrader {
    fn fit(&self, declared: &[Declared], imports: &[Identity]) -> Result<Upgrade, UpgradeError> {
        let function = || self.path.clone();
        let named = |declared: &&Declared| !declared.old && interface(&declared.identity) == self.collection;
        let targets: Vec<&Declared> = declared.iter().filter(named).collect();
        let target = match targets[..] {
            [target] => target,
            [] => {
                let there_are = declared.iter().filter(|declared| !declared.old);
                let there_are = there_are.map(|declared| interface(&declared.identity).to_owned()).collect();
                return Err(UpgradeError::NoCollection {
                    function: function(),
                    collection: self.collection.clone(),
                    there_are,
                });
            }
            [first, second, ..] => {
                return Err(UpgradeError::Ambiguous {
                    function: function(),
                    first: first.identity.clone(),
                    second: second.identity.clone(),
                });
            }
        };
        let to = target.identity.clone();
        let Some(kind) = target.shape.kind else { return Err(UpgradeError::Undecided { function: function(), to }) };
        self.check_value(target, kind)?;
        self.check_key(target, kind)?;
        let from = self.earlier(&to, imports)?;
        for old in declared.iter().filter(|declared| from.contains(&declared.identity)) {
            self.check_pair(old, target, kind)?;
        }
        let (takes_key, old, new) = (self.key.is_some(), self.old.clone(), self.new.clone());
        Ok(Upgrade { path: function(), to, from, takes_key, old, new })
    }

    fn check_value(&self, target: &Declared, kind: Kind) -> Result<(), UpgradeError> {
        let fits = match value_of(&target.shape) {
            Some(value) => value == self.new,
            None => kind != Kind::Counter || is_sum(&self.new),
        };
        if fits && (kind != Kind::Counter || is_sum(&self.old)) {
            return Ok(());
        }
        let is = if fits { &self.old } else { &self.new };
        let must = value_of(&target.shape).map_or_else(|| "s64` or `u64".to_owned(), |value| value.to_string());
        let (function, is, to) = (self.path.clone(), is.to_string(), target.identity.clone());
        Err(UpgradeError::New { function, is, to, must })
    }

    fn check_key(&self, target: &Declared, kind: Kind) -> Result<(), UpgradeError> {
        let Some(key) = &self.key else { return Ok(()) };
        let must = match kind {
            Kind::Map => target.shape.key.clone(),
            Kind::Log => Some(Type::U64),
            Kind::Cell | Kind::Counter => {
                return Err(UpgradeError::NoKey { function: self.path.clone(), to: target.identity.clone(), kind });
            }
        };
        match must {
            Some(must) if must != *key => Err(UpgradeError::Key {
                function: self.path.clone(),
                is: key.to_string(),
                to: target.identity.clone(),
                must: must.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// The earlier tracks that the component knows of: tools leave out what a component never calls, so that of an old
    /// package there may be only the interface that holds its types.
    fn earlier(&self, to: &Identity, imports: &[Identity]) -> Result<Vec<Identity>, UpgradeError> {
        let older = imports.iter().filter(|import| import.is_older_than(to));
        let mut tracks: Vec<Track> = older.map(Identity::track).collect();
        tracks.sort_unstable();
        tracks.dedup();
        match tracks.is_empty() {
            true => Err(UpgradeError::NoOld { function: self.path.clone(), to: to.clone() }),
            false => Ok(tracks.into_iter().map(|track| to.on_track(track)).collect()),
        }
    }

    fn check_pair(&self, old: &Declared, target: &Declared, kind: Kind) -> Result<(), UpgradeError> {
        let differ = |what: &'static str, was: String, is: String| {
            let (function, old, to) = (self.path.clone(), old.identity.clone(), target.identity.clone());
            Err(UpgradeError::Differ { function, old: old.into(), to: to.into(), what, was, is })
        };
        if let Some(was) = old.shape.kind.filter(|was| *was != kind) {
            return differ("kind", was.to_string(), kind.to_string());
        }
        match (&old.shape.key, &target.shape.key) {
            (Some(was), Some(is)) if was != is => differ("key", was.to_string(), is.to_string()),
            _ => Ok(()),
        }
    }
}

/// What is added to a component's declarations so that a state's earlier collections are bound as its upgrades read them.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The declarations, with those of earlier collections that no import shows after them.
    pub(crate) declared: Vec<Declared>,
    pub(crate) upgraded: Vec<Upgraded>,
    pub(crate) reasons: Vec<Reason>,
}

/// Finds which function converts which collection of a state.
pub(crate) fn find(ledger: &Ledger, declared: &[Declared], upgrades: &[Upgrade]) -> Found {
    let mut found = Found { declared: declared.to_vec(), ..Found::default() };
    for (kept, collection) in ledger.live() {
        let candidates = upgrades.iter().enumerate().filter(|(_, upgrade)| upgrade.from.contains(kept));
        let candidates: Vec<(usize, &Upgrade)> = candidates.collect();
        let Some((_, first)) = candidates.first() else { continue };
        let Some(target) = found.declared.iter().position(|declared| declared.identity == first.to) else { continue };
        if let Err(reason) = keeps_keys(kept, collection, &found.declared[target]) {
            found.reasons.push(reason);
            continue;
        }
        let import = declared.iter().find(|declared| declared.identity == *kept);
        match choose(kept, collection, import, &candidates) {
            Ok((index, upgrade)) => {
                found.bind(kept, collection, upgrade, target);
                found.upgraded.push(Upgraded { upgrade: index, from: kept.clone(), to: upgrade.to.clone() });
            }
            Err(reason) => found.reasons.push(reason),
        }
    }
    for (index, second) in found.upgraded.iter().enumerate() {
        if let Some(first) = found.upgraded[..index].iter().find(|first| first.to == second.to) {
            let (first, second, to) = (first.from.clone(), second.from.clone(), second.to.clone());
            found.reasons.push(Reason::TwoIntoOne { first, second, to });
        }
    }
    found
}

impl Found {
    /// Declares the earlier collection as the function reads it, and fills what the imports of both leave open.
    fn bind(&mut self, kept: &Identity, collection: &Collection, upgrade: &Upgrade, target: usize) {
        let is_sum = collection.kind == Kind::Counter;
        let known = collection.schema();
        let shape = &mut self.declared[target].shape;
        shape.key = shape.key.take().or_else(|| known.key.clone());
        if !is_sum {
            shape.value = Some(upgrade.new.clone());
        }
        let shape = Shape {
            kind: Some(collection.kind),
            key: known.key.clone(),
            value: (!is_sum).then(|| upgrade.old.clone()),
            signed: is_sum.then(|| upgrade.old == Type::S64),
            operations: Vec::new(),
        };
        match self.declared.iter_mut().find(|declared| declared.identity == *kept) {
            Some(import) => {
                let operations = std::mem::take(&mut import.shape.operations);
                import.shape = Shape { operations, ..shape };
            }
            None => {
                let (identity, interface) = (kept.clone(), kept.to_string());
                self.declared.push(Declared { identity, interface, shape, old: true });
            }
        }
    }
}

fn keeps_keys(kept: &Identity, collection: &Collection, target: &Declared) -> Result<(), Reason> {
    let differ = |what, was: String, is: String| {
        let (kept, to) = (Box::new(kept.clone()), Box::new(target.identity.clone()));
        Err(Reason::UpgradeDiffers { kept, to, what, was, is })
    };
    match target.shape.kind {
        Some(kind) if kind != collection.kind => {
            return differ("kind", collection.kind.to_string(), kind.to_string());
        }
        _ => {}
    }
    match (&collection.schema().key, &target.shape.key) {
        (Some(was), Some(is)) if was != is => differ("key", was.to_string(), is.to_string()),
        _ => Ok(()),
    }
}

/// The function whose `old` is what the collection holds; else the only one that can hold all of it.
fn choose<'a>(
    kept: &Identity,
    collection: &Collection,
    import: Option<&Declared>,
    candidates: &[(usize, &'a Upgrade)],
) -> Result<(usize, &'a Upgrade), Reason> {
    let known = collection.schema();
    let shown = import.and_then(|import| value_of(&import.shape));
    let fitting = candidates.iter().filter(|(_, upgrade)| shown.as_ref().is_none_or(|shown| *shown == upgrade.old));
    let mut wider = Vec::new();
    let mut differing: Vec<(String, Comparison)> = Vec::new();
    for (index, upgrade) in fitting {
        let comparison = compare(known, &taken(known, upgrade));
        match comparison.verdict {
            Verdict::Identical => return Ok((*index, upgrade)),
            Verdict::Widening => wider.push((*index, *upgrade)),
            _ => differing.push((upgrade.path.clone(), comparison)),
        }
    }
    match wider[..] {
        [only] => Ok(only),
        [] => Err(Reason::NoUpgrade { kept: kept.clone(), differing }),
        [first, second, ..] => {
            let (first, second) = (first.1.path.clone(), second.1.path.clone());
            Err(Reason::AmbiguousUpgrade { kept: kept.clone(), first, second })
        }
    }
}

/// The schema under which a function reads a collection.
fn taken(known: &Schema, upgrade: &Upgrade) -> Schema {
    match known.kind {
        Kind::Counter => Schema { signed: Some(upgrade.old == Type::S64), ..known.clone() },
        _ => Schema { value: Some(upgrade.old.clone()), ..known.clone() },
    }
}

/// What an entry of the collection is to a function: a counter's is its sum.
fn value_of(shape: &Shape) -> Option<Type> {
    match shape.signed {
        Some(true) => Some(Type::S64),
        Some(false) => Some(Type::U64),
        None => shape.value.clone(),
    }
}

fn is_sum(ty: &Type) -> bool {
    matches!(ty, Type::S64 | Type::U64)
}

fn interface(identity: &Identity) -> &str {
    identity.name().rsplit_once('/').map_or(identity.name(), |(_, interface)| interface)
}
