//! Whether a new schema can read what was written under an old one.

mod relation;

pub(crate) use relation::{is_wider_integer, relate};

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::ledger::Schema;
use crate::types::{Path, Segment, Type};

/// How a new schema relates to an old one, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Same structure.
    Identical,
    /// Every old value has its place in the new schema.
    Widening,
    /// As widening, but a field, case or flag is gone.
    Lossy,
    /// Anything else.
    Incompatible,
}

/// Whether the old schema could read what is written under the new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reversible {
    /// Every value.
    Always,
    /// Some values.
    ByValue,
    /// No value.
    Never,
}

/// The result of [`compare`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The worst verdict of all differences.
    pub verdict: Verdict,
    /// Whether there is a way back.
    pub reversible: Reversible,
    /// Every difference, in the order of the new type.
    pub differences: Vec<Difference>,
}

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: Path,
    /// The old type, as WIT; `None` if the member is new.
    pub was: Option<String>,
    /// The new type, as WIT; `None` if the member is gone.
    pub is: Option<String>,
    /// The verdict on this difference.
    pub verdict: Verdict,
}

/// Compares two schemas of one collection; a hole conflicts with nothing.
pub fn compare(old: &Schema, new: &Schema) -> Comparison {
    let mut differences = Vec::new();
    let mut incompatible = |segment, was: String, is: String| {
        let (was, is, verdict) = (Some(was), Some(is), Verdict::Incompatible);
        differences.push(Difference { path: Path(vec![segment]), was, is, verdict });
    };
    if old.kind != new.kind {
        incompatible(Segment::Kind, old.kind.to_string(), new.kind.to_string());
        return Comparison { verdict: Verdict::Incompatible, reversible: Reversible::Never, differences };
    }
    let sum = |signed| if signed { Type::S64 } else { Type::U64 }.to_string();
    if let (Some(old), Some(new)) = (old.signed, new.signed)
        && old != new
    {
        incompatible(Segment::Sum, sum(old), sum(new));
    }
    if let (Some(old), Some(new)) = (&old.key, &new.key) {
        let relation = relate(old, new, &Path(vec![Segment::Key]));
        let as_key = |difference| Difference { verdict: Verdict::Incompatible, ..difference };
        differences.extend(relation.differences.into_iter().map(as_key));
    }
    let mut reversible = Reversible::Always;
    if let (Some(old), Some(new)) = (&old.value, &new.value) {
        let relation = relate(old, new, &Path(vec![Segment::Value]));
        reversible = relation.reversible;
        differences.extend(relation.differences);
    }
    Comparison::of(differences, reversible)
}

impl Comparison {
    fn of(differences: Vec<Difference>, reversible: Reversible) -> Comparison {
        let verdict = differences.iter().map(|difference| difference.verdict).max().unwrap_or(Verdict::Identical);
        let reversible = if verdict == Verdict::Incompatible { Reversible::Never } else { reversible };
        Comparison { verdict, reversible, differences }
    }
}

impl Difference {
    /// What a person has to decide, of types that cannot be converted.
    pub(crate) fn between(path: Path, was: Option<String>, is: Option<String>) -> Difference {
        Difference { path, was, is, verdict: Verdict::Incompatible }
    }

    /// The difference as a sentence of its own: ``"`acme:tally/ballots` value, field `choice`: was `string`, is `u8`"``.
    /// `Display` leaves the collection out.
    pub fn of(&self, collection: &str) -> String {
        format!("`{collection}` {self}")
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match (&self.was, &self.is) {
            (Some(was), Some(is)) => write!(f, "was `{was}`, is `{is}`"),
            (None, Some(is)) => write!(f, "added as `{is}`"),
            (Some(was), None) => write!(f, "was `{was}`, is gone"),
            (None, None) => f.write_str("differs"),
        }
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Identical => "identical",
            Verdict::Widening => "widening",
            Verdict::Lossy => "lossy",
            Verdict::Incompatible => "incompatible",
        })
    }
}

impl Display for Reversible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reversible::Always => "always",
            Reversible::ByValue => "by value",
            Reversible::Never => "never",
        })
    }
}
