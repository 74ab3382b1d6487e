//! Whether a version may take over a state, and how its collections are bound to what the state holds.

use crate::conversion::Conversion;
use crate::identity::Identity;
use crate::ledger::Ledger;
use crate::shape::{Kind, Shape};
use crate::types::Type;
use crate::verdict::Comparison;

/// A collection as a component declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its identity.
    pub identity: Identity,
    /// The import's name in the component: `acme:tally/ballots@1.0.0`.
    pub interface: String,
    /// What its functions show.
    pub shape: Shape,
    /// Imported only to migrate from: see [`Identity::is_older_than`].
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
    /// A rollback: a schema that the ledger's newest one widens is accepted too. The caller then proves, entry by entry with
    /// [`Binding::conversions`], that each stored value has a way back.
    pub back: bool,
}

/// A version that may take over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The ledger as of the hand-off's commit.
    pub ledger: Ledger,
    /// One binding for each declared collection, in their order.
    pub bindings: Vec<Binding>,
    /// How each collection that the ledger knew compares.
    pub verdicts: Vec<(Identity, Comparison)>,
    /// Collections that the version does not import: kept as they are.
    pub dormant: Vec<Identity>,
    /// Old collections that hold a ledger entry: `migrate` has to run, and their entries leave the state in the commit.
    pub migrated: Vec<(Identity, u32)>,
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

/// Why a version may not take over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", reasons.iter().map(|r| r.to_string()).collect::<Vec<_>>().join("\n"))]
pub struct Refused {
    /// Every reason.
    pub reasons: Vec<Reason>,
}

/// One reason to refuse a version; `Display` says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Placeholder.
    #[error("placeholder")]
    Placeholder,
}

/// Decides whether a version that declares these collections may take over a state with this ledger.
pub fn admit(ledger: &Ledger, declared: &[Declared], options: &Admission) -> Result<Admitted, Refused> {
    let _ = (ledger, declared, options);
    todo!()
}
