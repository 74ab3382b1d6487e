//! One change of a type, applied to values in either direction.

use std::collections::BTreeMap;

use super::Unconvertible;
use crate::types::{Path, Segment, Type};
use crate::value::{Parts, Value};

/// How values of an old type become values of a new one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The types are equal here.
    Same,
    /// An integer type to one that holds all of it: old, new.
    Integer(Type, Type),
    /// `f32` to `f64`
    Float,
    /// `T` to `option<T>`
    Wrap(Box<Step>),
    /// Each element.
    List(Box<Step>),
    /// What is inside `some`.
    Option(Box<Step>),
    /// What is inside `ok` and `err`.
    Result(Box<Step>, Box<Step>),
    /// Each item.
    Tuple(Vec<Step>),
    /// A record.
    Record {
        /// The new fields, each with the index of the old field it comes from and its change; without one it is `none`.
        fields: Vec<(String, Option<(usize, Step)>)>,
        /// The old fields, each with whether it is optional.
        before: Vec<(String, bool)>,
    },
    /// The cases that both types have.
    Cases(Cases, BTreeMap<String, Step>),
    /// Flags.
    Flags {
        /// The old flags.
        before: Vec<String>,
        /// The new flags.
        now: Vec<String>,
    },
}

/// What the cases of a [`Step::Cases`] belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cases {
    Enum,
    Variant,
    EnumToVariant,
}

type Converted = Result<Value, Unconvertible>;

impl Step {
    /// From the old type to the new.
    pub(crate) fn apply(&self, Value(parts): Value) -> Converted {
        let converted = match (self, parts) {
            (Step::Same, parts) => parts,
            (Step::Integer(_, new), parts) => return to_integer(new, &parts),
            (Step::Float, Parts::F32(value)) => Parts::F64(value.into()),
            (Step::Wrap(inner), parts) => Parts::Option(Some(Box::new(inner.apply(Value(parts))?))),
            (Step::Record { fields, before }, Parts::Record(values)) if values.len() == before.len() => {
                return apply_record(fields, values);
            }
            (Step::Cases(Cases::Enum, steps), Parts::Enum(name)) => {
                known_case(steps, &name)?;
                Parts::Enum(name)
            }
            (Step::Cases(Cases::EnumToVariant, steps), Parts::Enum(name)) => {
                known_case(steps, &name)?;
                Parts::Variant(name, None)
            }
            (Step::Flags { now, .. }, Parts::Flags(mut set)) => {
                set.retain(|flag| now.contains(flag));
                Parts::Flags(set)
            }
            (_, parts) => self.through(parts, Step::apply)?,
        };
        Ok(Value(converted))
    }

    /// From the new type back to the old, where the old one can hold all of the value.
    pub(crate) fn narrow(&self, Value(parts): Value) -> Converted {
        let converted = match (self, parts) {
            (Step::Same, parts) => parts,
            (Step::Integer(old, _), parts) => return to_integer(old, &parts),
            (Step::Float, Parts::F64(value)) => Parts::F32(narrow_float(value)?),
            (Step::Wrap(inner), Parts::Option(Some(value))) => return inner.narrow(*value),
            (Step::Wrap(_), Parts::Option(None)) => return refuse("`none` where a value was always there"),
            (Step::Record { fields, before }, Parts::Record(values)) if values.len() == fields.len() => {
                return narrow_record(fields, before, values);
            }
            (Step::Cases(Cases::Enum, steps), Parts::Enum(name)) => {
                known_case(steps, &name)?;
                Parts::Enum(name)
            }
            (Step::Cases(Cases::EnumToVariant, steps), Parts::Variant(name, None)) => {
                known_case(steps, &name)?;
                Parts::Enum(name)
            }
            (Step::Cases(Cases::EnumToVariant, _), Parts::Variant(name, Some(_))) => return unknown_case(&name),
            (Step::Flags { before, .. }, Parts::Flags(set)) => {
                if let Some(flag) = set.iter().find(|flag| !before.contains(flag)) {
                    return refuse(format!("the flag `{flag}` is unknown"));
                }
                Parts::Flags(set)
            }
            (_, parts) => self.through(parts, Step::narrow)?,
        };
        Ok(Value(converted))
    }

    /// The changes that only pass on what is inside, in either direction.
    fn through(&self, parts: Parts<Value>, go: fn(&Step, Value) -> Converted) -> Result<Parts<Value>, Unconvertible> {
        let boxed = |step: &Step, value: Option<Box<Value>>, segment: Segment| {
            let value = value.map(|value| go(step, *value).map(Box::new));
            value.transpose().map_err(|error| error.inside(segment))
        };
        Ok(match (self, parts) {
            (Step::List(inner), Parts::List(values)) => {
                let element = |value| go(inner, value).map_err(|error| error.inside(Segment::Element));
                Parts::List(values.into_iter().map(element).collect::<Result<_, _>>()?)
            }
            (Step::Option(inner), Parts::Option(value)) => Parts::Option(boxed(inner, value, Segment::Some)?),
            (Step::Result(ok, _), Parts::Result(Ok(value))) => Parts::Result(Ok(boxed(ok, value, Segment::Ok)?)),
            (Step::Result(_, err), Parts::Result(Err(value))) => Parts::Result(Err(boxed(err, value, Segment::Err)?)),
            (Step::Tuple(steps), Parts::Tuple(values)) if steps.len() == values.len() => {
                let item = |(index, (step, value))| {
                    go(step, value).map_err(|error: Unconvertible| error.inside(Segment::Item(index)))
                };
                Parts::Tuple(steps.iter().zip(values).enumerate().map(item).collect::<Result<_, _>>()?)
            }
            (Step::Cases(Cases::Variant, steps), Parts::Variant(name, payload)) => {
                let step = known_case(steps, &name)?;
                let payload = boxed(step, payload, Segment::Case(name.clone()))?;
                Parts::Variant(name, payload)
            }
            _ => return Err(unconvertible("a value of another type")),
        })
    }
}

fn apply_record(fields: &[(String, Option<(usize, Step)>)], values: Vec<(String, Value)>) -> Converted {
    let mut values: Vec<Option<Value>> = values.into_iter().map(|(_, value)| Some(value)).collect();
    let mut record = Vec::with_capacity(fields.len());
    for (name, source) in fields {
        let value = match source {
            None => Value::none(),
            Some((index, step)) => {
                let value = values[*index].take().ok_or_else(|| unconvertible("a field used twice"))?;
                step.apply(value).map_err(|error| error.inside(Segment::Field(name.clone())))?
            }
        };
        record.push((name.clone(), value));
    }
    Ok(Value(Parts::Record(record)))
}

fn narrow_record(
    fields: &[(String, Option<(usize, Step)>)],
    before: &[(String, bool)],
    values: Vec<(String, Value)>,
) -> Converted {
    let mut old: Vec<Option<Value>> = vec![None; before.len()];
    for ((name, source), (_, value)) in fields.iter().zip(values) {
        let here = |error: Unconvertible| error.inside(Segment::Field(name.clone()));
        match source {
            Some((index, step)) => old[*index] = Some(step.narrow(value).map_err(here)?),
            None if value == Value::none() => {}
            None => return Err(here(unconvertible("a value in a field that was added"))),
        }
    }
    let mut record = Vec::with_capacity(before.len());
    for ((name, optional), value) in before.iter().zip(old) {
        match value.or_else(|| optional.then(Value::none)) {
            Some(value) => record.push((name.clone(), value)),
            None => return Err(unconvertible("no value for a field that is gone").inside(Segment::Field(name.clone()))),
        }
    }
    Ok(Value(Parts::Record(record)))
}

fn to_integer(ty: &Type, parts: &Parts<Value>) -> Converted {
    let Some(number) = integer_of(parts) else { return refuse("a value of another type") };
    let converted = integer_to(ty, number);
    converted.map(Value).ok_or_else(|| unconvertible(format!("{number} does not fit `{ty}`")))
}

/// The number that an integer of any type is.
pub(super) fn integer_of<V>(parts: &Parts<V>) -> Option<i128> {
    Some(match parts {
        Parts::U8(v) => i128::from(*v),
        Parts::U16(v) => i128::from(*v),
        Parts::U32(v) => i128::from(*v),
        Parts::U64(v) => i128::from(*v),
        Parts::S8(v) => i128::from(*v),
        Parts::S16(v) => i128::from(*v),
        Parts::S32(v) => i128::from(*v),
        Parts::S64(v) => i128::from(*v),
        _ => return None,
    })
}

/// A number as an integer of a type, if it fits.
pub(super) fn integer_to<V>(ty: &Type, number: i128) -> Option<Parts<V>> {
    match ty {
        Type::U8 => number.try_into().map(Parts::U8).ok(),
        Type::U16 => number.try_into().map(Parts::U16).ok(),
        Type::U32 => number.try_into().map(Parts::U32).ok(),
        Type::U64 => number.try_into().map(Parts::U64).ok(),
        Type::S8 => number.try_into().map(Parts::S8).ok(),
        Type::S16 => number.try_into().map(Parts::S16).ok(),
        Type::S32 => number.try_into().map(Parts::S32).ok(),
        Type::S64 => number.try_into().map(Parts::S64).ok(),
        _ => None,
    }
}

/// Only a float that `f32` holds exactly.
fn narrow_float(value: f64) -> Result<f32, Unconvertible> {
    let narrow = value as f32;
    if value.is_nan() || f64::from(narrow).to_bits() == value.to_bits() {
        Ok(narrow)
    } else {
        Err(unconvertible(format!("{value} does not fit `f32`")))
    }
}

fn known_case<'a>(steps: &'a BTreeMap<String, Step>, name: &str) -> Result<&'a Step, Unconvertible> {
    steps.get(name).ok_or_else(|| Unconvertible::unknown_case(name))
}

fn unknown_case(name: &str) -> Converted {
    Err(Unconvertible::unknown_case(name))
}

fn refuse(what: impl Into<String>) -> Converted {
    Err(unconvertible(what))
}

fn unconvertible(what: impl Into<String>) -> Unconvertible {
    Unconvertible { path: Path::default(), what: what.into() }
}

impl Unconvertible {
    pub(super) fn unknown_case(name: &str) -> Unconvertible {
        unconvertible(format!("the case `{name}` is unknown"))
    }

    pub(super) fn inside(mut self, segment: Segment) -> Unconvertible {
        self.path.0.insert(0, segment);
        self
    }
}
