//! Whether a version may take over a state, and how its collections are bound to what the state holds.

mod reason;

pub use reason::{Reason, Refused};

use crate::conversion::Conversion;
use crate::identity::Identity;
use crate::layout::NOWHERE;
use crate::ledger::{Collection, Ledger, Schema};
use crate::limits::SCHEMAS_MAX;
use crate::shape::{Kind, Shape};
use crate::types::Type;
use crate::upgrade::{self, Upgrade, Upgraded};
use crate::verdict::{Comparison, Verdict, compare};

/// A collection as a component declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its identity.
    pub identity: Identity,
    /// The import's name in the component: `acme:tally/ballots@1.0.0`.
    pub interface: String,
    /// What its functions show.
    pub shape: Shape,
    /// Imported only to migrate from: on another track than the one that the component keeps.
    pub old: bool,
}

/// What the operator allows, and who takes over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// Collections to drop.
    pub drop: Vec<Identity>,
    /// Collections whose lossy change is accepted.
    pub lossy: Vec<Identity>,
    /// Label of the version, recorded as writer.
    pub version_label: String,
    /// Admits lossy changes that nobody named, on the caller's word: see [`Admitted::unproven`].
    pub prove: bool,
    /// A rollback: a schema that the ledger's newest one widens is admitted too, on the caller's word: see
    /// [`Admitted::unproven`].
    pub back: bool,
    /// Functions of the version that convert entries of earlier tracks: see [`Admitted::upgraded`].
    pub upgrades: Vec<Upgrade>,
}

/// A version that may take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The ledger as of the hand-off's commit.
    pub ledger: Ledger,
    /// One binding for each declared collection, in their order; after them, one for each collection that is upgraded and
    /// not declared.
    pub bindings: Vec<Binding>,
    /// How each collection that the ledger knew compares.
    pub verdicts: Vec<(Identity, Comparison)>,
    /// Collections that the version can read only if no stored value says otherwise: the caller has to find that
    /// [`Conversion::loses`] holds for none of their entries, or else refuse. Empty unless [`Admission::prove`] or
    /// [`Admission::back`] asked for it.
    pub unproven: Vec<Identity>,
    /// Collections that the version does not import: kept as they are.
    pub dormant: Vec<Identity>,
    /// Old collections that hold a ledger entry: they have to be migrated, and their entries leave the state in the commit.
    pub migrated: Vec<(Identity, u32)>,
    /// Those of them of which each entry goes through a function of the version.
    pub upgraded: Vec<Upgraded>,
    /// Collections dropped by name: their entries leave the state in the commit.
    pub dropped: Vec<(Identity, u32)>,
}

/// How one declared collection is bound to the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its identity.
    pub identity: Identity,
    /// The import's name in the component.
    pub interface: String,
    /// Its number in the layout; [`layout::NOWHERE`](crate::layout::NOWHERE) if the state has no place for it: an old
    /// collection that the ledger does not know, or one whose kind is undecided. Nothing is ever stored there.
    pub number: u32,
    /// Its kind.
    pub kind: Kind,
    /// Key type of a map, if known.
    pub key: Option<Type>,
    /// Value type, if known.
    pub value: Option<Type>,
    /// Of a counter: `s64` (true) or `u64` (false), if known.
    pub signed: Option<bool>,
    /// The schema number under which it writes.
    pub schema: u32,
    /// By schema number, how a stored value becomes one of `value`; `None` where it is one already.
    pub conversions: Vec<Option<Conversion>>,
    /// What the version may do with it.
    pub access: Access,
}

/// What a version may do with a collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Access {
    /// Read and write in every call.
    Live,
    /// Read while migrating.
    Old,
}

/// Decides whether a version that declares these collections may take over a state with this ledger.
pub fn admit(ledger: &Ledger, declared: &[Declared], options: &Admission) -> Result<Admitted, Refused> {
    let mut hearing = Hearing {
        options,
        reasons: Vec::new(),
        admitted: Admitted {
            ledger: ledger.clone(),
            bindings: Vec::new(),
            verdicts: Vec::new(),
            unproven: Vec::new(),
            dormant: Vec::new(),
            migrated: Vec::new(),
            upgraded: Vec::new(),
            dropped: Vec::new(),
        },
    };
    hearing.refuse_two_of_one_track(declared);
    if hearing.reasons.is_empty() {
        let found = upgrade::find(ledger, declared, &options.upgrades);
        let declared = &*found.declared;
        hearing.reasons.extend(found.reasons);
        hearing.admitted.upgraded = found.upgraded;
        declared.iter().for_each(|one| hearing.bind(ledger, one, is_refilled(ledger, declared, one)));
        hearing.drop_named(ledger, declared);
        hearing.look_at_the_rest(ledger, declared);
    }
    match hearing.reasons {
        reasons if reasons.is_empty() => Ok(hearing.admitted),
        reasons => Err(Refused { reasons, found: Box::new(hearing.admitted) }),
    }
}

struct Hearing<'a> {
    options: &'a Admission,
    reasons: Vec<Reason>,
    admitted: Admitted,
}

impl Hearing<'_> {
    fn refuse_two_of_one_track(&mut self, declared: &[Declared]) {
        for (index, second) in declared.iter().enumerate() {
            if let Some(first) = declared[..index].iter().find(|first| first.identity == second.identity) {
                let (first, second_import) = (first.interface.clone(), second.interface.clone());
                let identity = second.identity.clone();
                self.reasons.push(Reason::TwoOfOneTrack { identity, first, second: second_import });
            }
        }
    }

    fn bind(&mut self, ledger: &Ledger, declared: &Declared, refilled: bool) {
        let binding = match ledger.collections.get(&declared.identity) {
            Some(known) if known.dropped && !declared.old && !refilled => {
                let (identity, by) = (declared.identity.clone(), known.writer.clone());
                return self.reasons.push(Reason::Dropped { identity, by });
            }
            Some(known) if !known.dropped => self.bind_known(known, declared),
            _ => match declared.shape.kind {
                Some(kind) if !declared.old => Some(self.bind_new(kind, declared)),
                kind => Some(nowhere(kind.unwrap_or(Kind::Map), declared)),
            },
        };
        self.admitted.bindings.extend(binding);
    }

    fn bind_known(&mut self, known: &Collection, declared: &Declared) -> Option<Binding> {
        // A shape that shows only `clear` fits a cell and a map; any other kind is shown as what it is not.
        let kind = match declared.shape.kind {
            None if matches!(known.kind, Kind::Cell | Kind::Map) => known.kind,
            kind => kind.unwrap_or(Kind::Map),
        };
        let shown = Schema::of(&declared.shape, kind);
        let comparison = compare(known.schema(), &shown);
        let accepted = self.judge(known, declared, &shown, &comparison);
        self.admitted.verdicts.push((declared.identity.clone(), comparison));
        if !accepted {
            return None;
        }
        let current = shown.filled_from(known.schema());
        let mut collection = known.clone();
        collection.take_up(current.clone());
        if collection.schemas.len() > SCHEMAS_MAX {
            self.reasons.push(Reason::TooManySchemas { identity: declared.identity.clone() });
            return None;
        }
        let conversions = Conversion::chain(&collection.schemas);
        let access = if declared.old { Access::Old } else { Access::Live };
        let binding = bound(declared, current, known.number, &collection, conversions, access);
        if declared.old {
            self.admitted.migrated.push((declared.identity.clone(), known.number));
            self.retire(&declared.identity);
        } else if collection != *known {
            collection.writer = self.options.version_label.clone();
            self.admitted.ledger.collections.insert(declared.identity.clone(), collection);
        }
        Some(binding)
    }

    /// Whether the comparison is good enough, with the reason noted if it is not.
    fn judge(&mut self, known: &Collection, declared: &Declared, shown: &Schema, comparison: &Comparison) -> bool {
        let identity = declared.identity.clone();
        let comparison = comparison.clone();
        let widens_back = || compare(shown, known.schema()).verdict <= Verdict::Widening;
        match comparison.verdict {
            Verdict::Identical | Verdict::Widening => return true,
            _ if declared.old => self.reasons.push(Reason::OldDiffers { identity, comparison }),
            Verdict::Lossy if self.options.lossy.contains(&identity) => return true,
            Verdict::Lossy if self.options.prove => {
                self.admitted.unproven.push(identity);
                return true;
            }
            _ if self.options.back && widens_back() => {
                self.admitted.unproven.push(identity);
                return true;
            }
            Verdict::Lossy => self.reasons.push(Reason::Lossy { identity, comparison }),
            Verdict::Incompatible => self.reasons.push(Reason::Incompatible { identity, comparison }),
        }
        false
    }

    /// One that the state does not hold. A tombstone of its name goes: its number is not used again.
    fn bind_new(&mut self, kind: Kind, declared: &Declared) -> Binding {
        let collection = Collection {
            number: self.admitted.ledger.next_number(),
            kind,
            schemas: vec![Schema::of(&declared.shape, kind)],
            writer: self.options.version_label.clone(),
            dropped: false,
        };
        let schema = collection.schema().clone();
        let binding = bound(declared, schema, collection.number, &collection, vec![None], Access::Live);
        self.admitted.ledger.collections.insert(declared.identity.clone(), collection);
        binding
    }

    fn drop_named(&mut self, ledger: &Ledger, declared: &[Declared]) {
        for identity in &self.options.drop {
            if declared.iter().any(|declared| declared.identity == *identity) {
                self.reasons.push(Reason::DropImported { identity: identity.clone() });
            } else if let Some(number) = ledger.live_number(identity) {
                self.admitted.dropped.push((identity.clone(), number));
                self.retire(identity);
            } else {
                self.unknown(ledger, identity);
            }
        }
        for identity in &self.options.lossy {
            if ledger.live_number(identity).is_none() {
                self.unknown(ledger, identity);
            }
        }
    }

    fn unknown(&mut self, ledger: &Ledger, identity: &Identity) {
        let known = ledger.live().map(|(identity, _)| identity.clone()).collect();
        self.reasons.push(Reason::Unknown { identity: identity.clone(), known });
    }

    /// What the version does not import is dormant, unless its package has moved to another track without it.
    fn look_at_the_rest(&mut self, ledger: &Ledger, declared: &[Declared]) {
        for (kept, _) in ledger.live() {
            if self.options.drop.contains(kept) || declared.iter().any(|declared| declared.identity == *kept) {
                continue;
            }
            let mut imports: Vec<&Identity> = declared.iter().map(|declared| &declared.identity).collect();
            imports.retain(|import| kept.package().is_some() && import.package() == kept.package());
            imports.sort_by_key(|import| import.track());
            match (imports.first(), imports.last()) {
                (Some(lowest), _) if kept.track() < lowest.track() => {
                    let (kept, imported) = (kept.clone(), (*lowest).clone());
                    self.reasons.push(Reason::TrackBehind { kept, imported });
                }
                (_, Some(highest)) if kept.track() > highest.track() => {
                    let (kept, imported) = (kept.clone(), (*highest).clone());
                    self.reasons.push(Reason::Downgrade { kept, imported });
                }
                _ => self.admitted.dormant.push(kept.clone()),
            }
        }
    }

    /// Leaves a tombstone in the ledger.
    fn retire(&mut self, identity: &Identity) {
        if let Some(collection) = self.admitted.ledger.collections.get_mut(identity) {
            collection.dropped = true;
            collection.writer = self.options.version_label.clone();
        }
    }
}

/// Whether a migration fills the collection anew, from another track of its package that the state holds: then it starts
/// empty, whatever became of it before.
fn is_refilled(ledger: &Ledger, all: &[Declared], declared: &Declared) -> bool {
    let package = declared.identity.package();
    let sources = all.iter().filter(|other| other.old && package.is_some() && other.identity.package() == package);
    sources.map(|source| &source.identity).any(|source| ledger.live_number(source).is_some())
}

impl Collection {
    /// Makes `current` the newest schema. One that only fills holes takes the place of the one before, under which nothing
    /// that it adds can have been written.
    fn take_up(&mut self, current: Schema) {
        if self.schema().filled_from(&current) == current {
            self.schemas.pop();
        }
        self.schemas.push(current);
    }
}

impl Ledger {
    fn live_number(&self, identity: &Identity) -> Option<u32> {
        self.collections.get(identity).filter(|collection| !collection.dropped).map(|collection| collection.number)
    }
}

fn bound(
    declared: &Declared,
    current: Schema,
    number: u32,
    collection: &Collection,
    conversions: Vec<Option<Conversion>>,
    access: Access,
) -> Binding {
    Binding {
        identity: declared.identity.clone(),
        interface: declared.interface.clone(),
        number,
        kind: current.kind,
        key: current.key,
        value: current.value,
        signed: current.signed,
        schema: collection.schema_number(),
        conversions,
        access,
    }
}

fn nowhere(kind: Kind, declared: &Declared) -> Binding {
    let Shape { key, value, signed, .. } = declared.shape.clone();
    Binding {
        identity: declared.identity.clone(),
        interface: declared.interface.clone(),
        number: NOWHERE,
        kind,
        key,
        value,
        signed,
        schema: 0,
        conversions: Vec::new(),
        access: if declared.old { Access::Old } else { Access::Live },
    }
}
