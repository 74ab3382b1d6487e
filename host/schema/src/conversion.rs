//! Converting stored values from one schema to another, and back.

pub(crate) mod step;

use std::sync::Arc;

use crate::ledger::Schema;
use crate::types::{Path, Segment, Type};
use crate::value::Value;
use crate::verdict::{Verdict, relate};

use step::Step;

/// How values of one type become values of another, by one or several changes in a row. Going through every change keeps what
/// an older version dropped from coming back when a newer one uses its name again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The changes up to the newest schema, shared by the conversions from all older ones.
    legs: Arc<[Leg]>,
    /// Where this conversion starts.
    first: usize,
}

/// One change: from the values of a type, forward or back along a step.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Leg {
    from: Type,
    way: Way,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Forward(Step),
    /// After a rollback: from a wider type back to a narrower one.
    Back(Step),
    /// Neither: no admission writes two such schemas in a row, and bytes of the one are never read as the other.
    Nowhere,
}

/// A value that has no place in the type it was to be converted to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct Unconvertible {
    /// Where in the value.
    pub path: Path,
    /// What has no place there.
    pub what: String,
}

impl Conversion {
    /// The type of the values that [`Conversion::apply`] takes: a stored value is decoded as this.
    pub fn old(&self) -> &Type {
        &self.legs[self.first].from
    }

    /// The conversion from `old` to `new`, if their comparison is identical, widening or lossy.
    pub fn between(old: &Type, new: &Type) -> Option<Conversion> {
        let way = Way::Forward(step_between(old, new)?);
        Some(Conversion { legs: Arc::new([Leg { from: old.clone(), way }]), first: 0 })
    }

    /// For each of a collection's schemas in turn, how a value written under it becomes one of the last. `None` where it
    /// is one already.
    pub fn chain(schemas: &[Schema]) -> Vec<Option<Conversion>> {
        let mut legs = Vec::new();
        let mut firsts = vec![0];
        for pair in schemas.windows(2) {
            legs.extend(leg_between(&pair[0], &pair[1]));
            firsts.push(legs.len());
        }
        let legs: Arc<[Leg]> = legs.into();
        // A schema's number of legs before it is where its own conversion starts.
        let conversion = |first| (first < legs.len()).then(|| Conversion { legs: legs.clone(), first });
        firsts.into_iter().map(conversion).collect()
    }

    /// Converts a value. A widening conversion never fails on a value of its old type; a lossy one fails on values that use a
    /// case that is gone, and a way back (after a rollback) on values that the older type cannot hold.
    pub fn apply(&self, value: Value) -> Result<Value, Unconvertible> {
        self.legs[self.first..].iter().try_fold(value, |value, leg| match &leg.way {
            Way::Forward(step) => step.apply(value),
            Way::Back(step) => step.narrow(value),
            Way::Nowhere => Err(no_way()),
        })
    }

    /// Whether converting this value drops something of it, or fails because it uses what is gone.
    pub fn loses(&self, value: &Value) -> bool {
        match self.apply(value.clone()) {
            Ok(converted) => self.narrow(converted).as_ref() != Ok(value),
            Err(_) => true,
        }
    }

    /// Converts a value of the new type back, if the old type can hold all of it.
    pub fn narrow(&self, value: Value) -> Result<Value, Unconvertible> {
        self.legs[self.first..].iter().rev().try_fold(value, |value, leg| match &leg.way {
            Way::Forward(step) => step.narrow(value),
            Way::Back(step) => step.apply(value),
            Way::Nowhere => Err(no_way()),
        })
    }
}

/// Two neighbours in a ledger: forward where the rules allow it, else the second came by a rollback.
fn leg_between(old: &Schema, new: &Schema) -> Option<Leg> {
    let (Some(old), Some(new)) = (&old.value, &new.value) else { return None };
    let way = match step_between(old, new) {
        Some(Step::Same) => return None,
        Some(step) => Way::Forward(step),
        None => step_between(new, old).map_or(Way::Nowhere, Way::Back),
    };
    Some(Leg { from: old.clone(), way })
}

fn no_way() -> Unconvertible {
    Unconvertible { path: Path::default(), what: "the ledger has no way from its schema to the next".into() }
}

fn step_between(old: &Type, new: &Type) -> Option<Step> {
    let relation = relate(old, new, &Path(vec![Segment::Value]));
    let compatible = relation.differences.iter().all(|difference| difference.verdict < Verdict::Incompatible);
    compatible.then_some(relation.step)
}
