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

#[derive(Clone, Debug, PartialEq, Eq)]
enum Leg {
    Forward(Step),
    /// After a rollback: from a wider type back to a narrower one.
    Back(Step),
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
        todo!()
    }

    /// The conversion from `old` to `new`, if their comparison is identical, widening or lossy.
    pub fn between(old: &Type, new: &Type) -> Option<Conversion> {
        let step = step_between(old, new)?;
        Some(Conversion { legs: Arc::new([Leg::Forward(step)]), first: 0 })
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
        self.legs[self.first..].iter().try_fold(value, |value, leg| match leg {
            Leg::Forward(step) => step.apply(value),
            Leg::Back(step) => step.narrow(value),
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
        self.legs[self.first..].iter().rev().try_fold(value, |value, leg| match leg {
            Leg::Forward(step) => step.narrow(value),
            Leg::Back(step) => step.apply(value),
        })
    }
}

/// Two neighbours in a ledger: forward where the rules allow it, else the second came by a rollback.
fn leg_between(old: &Schema, new: &Schema) -> Option<Leg> {
    let (Some(old), Some(new)) = (&old.value, &new.value) else { return None };
    match step_between(old, new) {
        Some(Step::Same) => None,
        Some(step) => Some(Leg::Forward(step)),
        None => step_between(new, old).map(Leg::Back),
    }
}

fn step_between(old: &Type, new: &Type) -> Option<Step> {
    let relation = relate(old, new, &Path(vec![Segment::Value]));
    let compatible = relation.differences.iter().all(|difference| difference.verdict < Verdict::Incompatible);
    compatible.then_some(relation.step)
}
