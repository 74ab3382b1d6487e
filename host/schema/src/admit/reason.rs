//! Why a version may not take over, and what to do about it.

use super::Admitted;
use crate::identity::Identity;
use crate::limits::SCHEMAS_MAX;
use crate::skeleton;
use crate::verdict::{Comparison, Verdict};

/// Why a version may not take over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", list(reasons))]
pub struct Refused {
    /// Every reason.
    pub reasons: Vec<Reason>,
    /// What was found all the same: verdicts of all collections, bindings of those that could be bound. For reports.
    pub found: Box<Admitted>,
}

/// One reason to refuse a version; `Display` says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Two imports that are one collection.
    #[error("`{first}` and `{second}` are the same collection, `{identity}`: import one version of a track")]
    TwoOfOneTrack {
        /// The collection.
        identity: Identity,
        /// The first import.
        first: String,
        /// The second import.
        second: String,
    },
    /// The new version cannot read what is stored.
    #[error(
        "`{identity}` cannot be read by this version: {}; {}",
        comparison.sentence(Verdict::Incompatible),
        next_shape(identity)
    )]
    Incompatible {
        /// The collection.
        identity: Identity,
        /// Every difference.
        comparison: Comparison,
    },
    /// The new version drops a part of what is stored.
    #[error(
        "`{identity}` would lose data: {}; keep what is gone, or accept the loss by name (`--accept-lossy {identity}`)",
        comparison.sentence(Verdict::Lossy)
    )]
    Lossy {
        /// The collection.
        identity: Identity,
        /// Every difference.
        comparison: Comparison,
    },
    /// The old interface of a migration is not what the state holds.
    #[error(
        "`{identity}`, imported to migrate from, differs from what the state holds: {}; import it as the version before \
         had it",
        comparison.sentence(Verdict::Lossy)
    )]
    OldDiffers {
        /// The collection.
        identity: Identity,
        /// Every difference.
        comparison: Comparison,
    },
    /// The state is on a track below every import.
    #[error(
        "the state keeps `{kept}`, and this version imports nothing below `{imported}`: deploy a version on track {} \
         first that imports `{kept}` too and exports `stead:plugin/migrate`, or drop it by name (`--drop {kept}`)",
        imported.track()
    )]
    TrackBehind {
        /// What the state keeps.
        kept: Identity,
        /// The lowest import of the package.
        imported: Identity,
    },
    /// The state is on a track above every import.
    #[error(
        "this is a downgrade: the state keeps `{kept}`, and this version imports nothing above `{imported}`; deploy a \
         version that imports `{kept}` too and exports `stead:plugin/migrate-back`, or roll back"
    )]
    Downgrade {
        /// What the state keeps.
        kept: Identity,
        /// The highest import of the package.
        imported: Identity,
    },
    /// The collection was dropped or migrated away.
    #[error(
        "`{identity}` was dropped or migrated away by version `{by}` and is not taken again: use {}",
        next_name(identity)
    )]
    Dropped {
        /// The collection.
        identity: Identity,
        /// Label of the version with which it went.
        by: String,
    },
    /// A collection to drop is imported.
    #[error("`{identity}` is to be dropped, but this version imports it")]
    DropImported {
        /// The collection.
        identity: Identity,
    },
    /// The operator named a collection that is not there.
    #[error("`{identity}` was named, but the state has no such collection; it has {}", names(known))]
    Unknown {
        /// What was named.
        identity: Identity,
        /// What the state has.
        known: Vec<Identity>,
    },
    /// What is converted entry by entry changes more than its values.
    #[error(
        "the {what} of `{kept}` in the state is `{was}` and that of `{to}` is `{is}`; entry by entry only values change: \
         keep the {what}, or export `stead:plugin/migrate` instead"
    )]
    UpgradeDiffers {
        /// What the state keeps.
        kept: Box<Identity>,
        /// What would take its place.
        to: Box<Identity>,
        /// Kind or key.
        what: &'static str,
        /// In the state.
        was: String,
        /// In the version.
        is: String,
    },
    /// No function takes what the state keeps.
    #[error("no function converts the entries of `{kept}` as the state keeps them: {}", each(differing))]
    NoUpgrade {
        /// What the state keeps.
        kept: Identity,
        /// Functions, and how what they take differs.
        differing: Vec<(String, Comparison)>,
    },
    /// Several functions could take what the state keeps.
    #[error(
        "`{first}` and `{second}` could both convert the entries of `{kept}`, and neither takes exactly what the state \
         keeps: give one the type of the version before"
    )]
    AmbiguousUpgrade {
        /// What the state keeps.
        kept: Identity,
        /// The one.
        first: String,
        /// The other.
        second: String,
    },
    /// Two collections would become one.
    #[error("the entries of `{first}` and of `{second}` would both become `{to}`: drop one by name (`--drop`)")]
    TwoIntoOne {
        /// The one.
        first: Identity,
        /// The other.
        second: Identity,
        /// What both would become.
        to: Identity,
    },
    /// The collection changed too often.
    #[error("`{identity}` has changed {SCHEMAS_MAX} times, which is the most: migrate it to {}", next_name(identity))]
    TooManySchemas {
        /// The collection.
        identity: Identity,
    },
}

fn list(reasons: &[Reason]) -> String {
    reasons.iter().map(Reason::to_string).collect::<Vec<_>>().join("\n")
}

fn names(identities: &[Identity]) -> String {
    match identities {
        [] => "none".into(),
        _ => identities.iter().map(|identity| format!("`{identity}`")).collect::<Vec<_>>().join(", "),
    }
}

/// For each function, how what it takes differs.
fn each(differing: &[(String, Comparison)]) -> String {
    let sentence = |(function, comparison): &(String, Comparison)| {
        format!("`{function}` differs in {}", comparison.sentence(Verdict::Lossy))
    };
    match differing {
        [] => "their imports show other types".to_owned(),
        _ => differing.iter().map(sentence).collect::<Vec<_>>().join("; "),
    }
}

/// Where an author puts a shape that cannot read what is stored.
fn next_shape(identity: &Identity) -> String {
    match identity.package() {
        Some(_) => format!(
            "publish the new shape as `{}` and bring a migration (export `stead:plugin/migrate`)",
            next_version(identity)
        ),
        None => {
            "an inline interface has no tracks to migrate between: keep the shape, or give the new one another name \
                 and drop this one by name"
                .to_owned()
        }
    }
}

/// Where an author finds a name that was never taken.
fn next_name(identity: &Identity) -> String {
    match identity.package() {
        Some(_) => format!(
            "the next track, `{}`, or a migration that fills it from a track that the state keeps",
            next_version(identity)
        ),
        None => "another name".to_owned(),
    }
}

fn next_version(identity: &Identity) -> String {
    format!("{}@{}", identity.name(), skeleton::next_version(identity.track()))
}
