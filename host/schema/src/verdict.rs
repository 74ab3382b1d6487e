//! Whether a new schema can read what was written under an old one.

mod relation;

pub(crate) use relation::{is_wider_integer, relate};

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

use crate::ledger::Schema;
use crate::limits::DIFFERENCES_MAX;
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
    /// The differences, in the order of the new type: every one, or the worst [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    /// How many more there are.
    pub unlisted: usize,
}

/// One difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where.
    pub path: Path,
    /// The old type, as WIT in brief; `None` if the member is new.
    pub was: Option<String>,
    /// The new type, as WIT in brief; `None` if the member is gone.
    pub is: Option<String>,
    /// The verdict on this difference.
    pub verdict: Verdict,
}

/// Compares two schemas of one collection; a hole conflicts with nothing.
pub fn compare(old: &Schema, new: &Schema) -> Comparison {
    let mut differences = Differences::default();
    let mut incompatible = |segment, was: String, is: String| {
        differences.note(Verdict::Incompatible, || (Path(vec![segment]), Some(was), Some(is)));
    };
    if old.kind != new.kind {
        incompatible(Segment::Kind, old.kind.to_string(), new.kind.to_string());
        return Comparison::of(differences, Reversible::Never);
    }
    let sum = |signed| if signed { Type::S64 } else { Type::U64 }.to_string();
    if let (Some(old), Some(new)) = (old.signed, new.signed)
        && old != new
    {
        incompatible(Segment::Sum, sum(old), sum(new));
    }
    if let (Some(old), Some(new)) = (&old.key, &new.key) {
        let relation = relate(old, new, &Path(vec![Segment::Key]));
        differences.unlisted += relation.unlisted;
        for Difference { path, was, is, .. } in relation.differences {
            differences.note(Verdict::Incompatible, || (path, was, is));
        }
    }
    let mut reversible = Reversible::Always;
    if let (Some(old), Some(new)) = (&old.value, &new.value) {
        let relation = relate(old, new, &Path(vec![Segment::Value]));
        reversible = relation.reversible;
        differences.unlisted += relation.unlisted;
        for Difference { path, was, is, verdict } in relation.differences {
            differences.note(verdict, || (path, was, is));
        }
    }
    Comparison::of(differences, reversible)
}

impl Comparison {
    fn of(differences: Differences, reversible: Reversible) -> Comparison {
        let Differences { listed, unlisted, worst: verdict } = differences;
        let reversible = if verdict == Verdict::Incompatible { Reversible::Never } else { reversible };
        Comparison { verdict, reversible, differences: listed, unlisted }
    }

    /// The differences that are at least as bad as a verdict, in one sentence.
    pub fn sentence(&self, verdict: Verdict) -> String {
        let bad = self.differences.iter().filter(|difference| difference.verdict >= verdict);
        let mut sentences: Vec<String> = bad.map(Difference::to_string).collect();
        if self.unlisted > 0 {
            sentences.push(format!("and {} more", self.unlisted));
        }
        sentences.join("; ")
    }
}

/// Differences up to a bound, the worst before others.
#[derive(Debug)]
struct Differences {
    listed: Vec<Difference>,
    unlisted: usize,
    worst: Verdict,
}

impl Default for Differences {
    fn default() -> Differences {
        Differences { listed: Vec::new(), unlisted: 0, worst: Verdict::Identical }
    }
}

impl Differences {
    /// Notes one more; its texts are made only if it is listed.
    fn note(&mut self, verdict: Verdict, texts: impl FnOnce() -> (Path, Option<String>, Option<String>)) {
        self.worst = self.worst.max(verdict);
        if self.listed.len() >= DIFFERENCES_MAX {
            self.unlisted += 1;
            match self.listed.iter().rposition(|listed| listed.verdict < verdict) {
                Some(better) => drop(self.listed.remove(better)),
                None => return,
            }
        }
        let (path, was, is) = texts();
        self.listed.push(Difference { path, was, is, verdict });
    }

    fn extend(&mut self, more: Differences) {
        self.unlisted += more.unlisted;
        for Difference { path, was, is, verdict } in more.listed {
            self.note(verdict, || (path, was, is));
        }
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
