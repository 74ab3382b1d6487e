//! Converting stored values from one schema to another, and back.

mod plan;
pub(crate) mod step;
#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use crate::codec::{self, CodecError};
use crate::ledger::Schema;
use crate::limits::CHANGES_AT_ONCE_MAX;
use crate::types::{Path, Segment, Type};
use crate::value::{Owned, Repr, Value};
use crate::verdict::{Verdict, relate};

use plan::Plan;
use step::Step;

/// How values of one type become values of another, by one or several changes in a row. Going through every change keeps what
/// an older version dropped from coming back when a newer one uses its name again.
#[derive(Clone, Debug)]
pub struct Conversion {
    /// The changes up to the newest schema, shared by the conversions from all older ones.
    legs: Arc<[Leg]>,
    /// Where this conversion starts.
    first: usize,
    /// All of its changes as one, made when it is first needed; none if they have to be made one by one.
    plan: OnceLock<Option<Arc<Plan>>>,
}

impl PartialEq for Conversion {
    fn eq(&self, other: &Conversion) -> bool {
        self.legs[self.first..] == other.legs[other.first..]
    }
}

impl Eq for Conversion {}

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

/// Why a stored value cannot be read as one of a newer type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The bytes are no value of the old type, or take too much.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The value has no place in the new type.
    #[error(transparent)]
    Unconvertible(#[from] Unconvertible),
}

impl Conversion {
    fn along(legs: Arc<[Leg]>, first: usize) -> Conversion {
        Conversion { legs, first, plan: OnceLock::new() }
    }

    /// The type of the values that [`Conversion::apply`] takes: a stored value is decoded as this.
    pub fn old(&self) -> &Type {
        &self.legs[self.first].from
    }

    /// The conversion from `old` to `new`, if their comparison is identical, widening or lossy.
    pub fn between(old: &Type, new: &Type) -> Option<Conversion> {
        let way = Way::Forward(step_between(old, new)?);
        Some(Conversion::along(Arc::new([Leg { from: old.clone(), way }]), 0))
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
        let conversion = |first| (first < legs.len()).then(|| Conversion::along(legs.clone(), first));
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

    /// Reads a stored value of the old type as one of the new: what [`codec::decode_whole`] and [`Conversion::apply`] make
    /// of it, in one pass wherever all changes lead forward. What the value takes in memory is taken off `room`, as
    /// [`codec::decode_within`] counts it.
    pub fn read<R: Repr>(&self, mut body: &[u8], room: &mut usize) -> Result<R::Value, ReadError> {
        let value = match self.plan.get_or_init(|| self.make_plan().map(Arc::new)) {
            Some(plan) => plan::read::<R>(plan, &mut body, room)?,
            None => {
                let old = codec::decode_within::<Owned>(self.old(), &mut body, room)?;
                self.apply(old)?.build::<R>()
            }
        };
        codec::finish(body)?;
        Ok(value)
    }

    /// Whether [`Conversion::read`] has all changes as one.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn is_one_pass(&self) -> bool {
        self.make_plan().is_some()
    }

    fn make_plan(&self) -> Option<Plan> {
        let legs = &self.legs[self.first..];
        let mut plan = Plan::Same(self.old().clone());
        for leg in legs {
            plan = match &leg.way {
                Way::Forward(step) if legs.len() <= CHANGES_AT_ONCE_MAX => plan.then(step)?,
                _ => return None,
            };
        }
        Some(plan)
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

impl ReadError {
    fn inside(self, segment: Segment) -> ReadError {
        match self {
            ReadError::Codec(error) => ReadError::Codec(error.inside(segment)),
            ReadError::Unconvertible(error) => ReadError::Unconvertible(error.inside(segment)),
        }
    }
}
