//! Several changes in a row as one: stored bytes of the oldest type become values of the newest in one pass, with
//! nothing in between.
//!
//! A plan follows the bytes: it has one node for each part of the old type, also for parts that were dropped on the way.
//! Those are read too, and what their changes would have refused is refused.

use super::step::{Cases, Step, integer_of, integer_to};
use super::{ReadError, Unconvertible};
use crate::codec::{self, Scalar, charge, decode_at, malformed, take_case, take_flags, take_length};
use crate::limits::{ELEMENTS_AHEAD_MAX, TYPE_DEPTH_MAX};
use crate::types::{Path, Segment, Type};
use crate::value::{Owned, Parts, Repr, View};

/// How stored bytes of an old type are read as a value of a new one.
#[derive(Clone, Debug)]
pub(super) enum Plan {
    /// As they are.
    Same(Type),
    /// An integer of one type as one of another.
    Integer(Type, Type),
    /// An `f32` as `f64`.
    Float,
    /// Inside a `some` that was not there.
    Wrap(Box<Plan>),
    List(Box<Plan>),
    Option(Box<Plan>),
    Result(Option<Box<Plan>>, Option<Box<Plan>>),
    Tuple(Vec<Plan>),
    Record {
        /// The old fields in their order.
        reads: Vec<Read>,
        /// The names of the new ones. Those that no old field goes into are `none`.
        fields: Vec<String>,
    },
    /// What becomes of each old case.
    Cases(Vec<Case>),
    /// What each old flag is called; without a name it is dropped.
    Flags(Vec<Option<String>>),
}

/// An old field.
#[derive(Clone, Debug)]
pub(super) struct Read {
    name: String,
    plan: Plan,
    /// The index of the new field that it becomes; without one it was dropped.
    into: Option<usize>,
}

#[derive(Clone, Debug)]
pub(super) enum Case {
    /// Refused where it is met.
    Gone(String),
    Enum(String),
    Variant(String, Option<Plan>),
}

type Reading<T> = Result<T, ReadError>;

impl Plan {
    /// This plan, then one more change. None if the step is not one of the type that the plan makes.
    pub(super) fn then(self, step: &Step) -> Option<Plan> {
        if *step == Step::Same {
            return Some(self);
        }
        let boxed = |plan: Box<Plan>, step: &Step| plan.then(step).map(Box::new);
        Some(match (step, self.opened()) {
            (Step::Wrap(inner), plan) => Plan::Wrap(Box::new(plan.then(inner)?)),
            (Step::Integer(_, new), Plan::Same(old) | Plan::Integer(old, _)) => Plan::Integer(old, new.clone()),
            (Step::Float, Plan::Same(Type::F32)) => Plan::Float,
            (Step::List(inner), Plan::List(plan)) => Plan::List(boxed(plan, inner)?),
            (Step::Option(inner), Plan::Option(plan)) => Plan::Option(boxed(plan, inner)?),
            (Step::Option(inner), Plan::Wrap(plan)) => Plan::Wrap(boxed(plan, inner)?),
            (Step::Result(ok, err), Plan::Result(old_ok, old_err)) => {
                let arm = |plan: Option<Box<Plan>>, step| match plan {
                    Some(plan) => boxed(plan, step).map(Some),
                    None => Some(None),
                };
                Plan::Result(arm(old_ok, ok)?, arm(old_err, err)?)
            }
            (Step::Tuple(steps), Plan::Tuple(plans)) if steps.len() == plans.len() => {
                Plan::Tuple(plans.into_iter().zip(steps).map(|(plan, step)| plan.then(step)).collect::<Option<_>>()?)
            }
            (Step::Record { fields, before }, Plan::Record { reads, fields: now }) if before.len() == now.len() => {
                record_then(reads, fields, before.len())?
            }
            (Step::Cases(kind, steps), Plan::Cases(cases)) => {
                let case = |case| match case {
                    Case::Gone(name) => Some(Case::Gone(name)),
                    Case::Enum(name) => Some(match (steps.get(&name), kind) {
                        (None, _) => Case::Gone(name),
                        (Some(_), Cases::Enum) => Case::Enum(name),
                        (Some(_), Cases::EnumToVariant) => Case::Variant(name, None),
                        (Some(_), Cases::Variant) => return None,
                    }),
                    Case::Variant(name, plan) => Some(match (steps.get(&name), plan) {
                        (None, _) => Case::Gone(name),
                        (Some(_), None) => Case::Variant(name, None),
                        (Some(step), Some(plan)) => Case::Variant(name, Some(plan.then(step)?)),
                    }),
                };
                Plan::Cases(cases.into_iter().map(case).collect::<Option<_>>()?)
            }
            (Step::Flags { now, .. }, Plan::Flags(flags)) => {
                Plan::Flags(flags.into_iter().map(|flag| flag.filter(|flag| now.contains(flag))).collect())
            }
            _ => return None,
        })
    }

    /// The same plan with its outermost layer as a node of its own, so that a change can reach what is inside.
    fn opened(self) -> Plan {
        let same = |ty: Type| Plan::Same(ty);
        let boxed = |ty: Box<Type>| Box::new(Plan::Same(*ty));
        match self {
            Plan::Same(Type::List(element)) => Plan::List(boxed(element)),
            Plan::Same(Type::Option(some)) => Plan::Option(boxed(some)),
            Plan::Same(Type::Result { ok, err }) => Plan::Result(ok.map(boxed), err.map(boxed)),
            Plan::Same(Type::Tuple(items)) => Plan::Tuple(items.into_iter().map(same).collect()),
            Plan::Same(Type::Record(old)) => {
                let fields = old.iter().map(|field| field.name.clone()).collect();
                let read = |(index, field): (usize, crate::types::Field)| Read {
                    name: field.name,
                    plan: same(field.ty),
                    into: Some(index),
                };
                Plan::Record { reads: old.into_iter().enumerate().map(read).collect(), fields }
            }
            Plan::Same(Type::Enum(names)) => Plan::Cases(names.into_iter().map(Case::Enum).collect()),
            Plan::Same(Type::Variant(cases)) => {
                let case = |case: crate::types::Case| Case::Variant(case.name, case.ty.map(same));
                Plan::Cases(cases.into_iter().map(case).collect())
            }
            Plan::Same(Type::Flags(names)) => Plan::Flags(names.into_iter().map(Some).collect()),
            plan => plan,
        }
    }
}

/// A field that was `none` because no old field goes into it stays so: a step from an option leaves `none` alone.
fn record_then(mut reads: Vec<Read>, fields: &[(String, Option<(usize, Step)>)], before: usize) -> Option<Plan> {
    let mut moved = vec![None; before];
    for (place, (_, source)) in fields.iter().enumerate() {
        if let Some((index, step)) = source {
            *moved.get_mut(*index)? = Some((place, step));
        }
    }
    for read in &mut reads {
        let Some(index) = read.into else { continue };
        read.into = match moved.get(index)? {
            Some((place, step)) => {
                read.plan = std::mem::replace(&mut read.plan, Plan::Float).then(step)?;
                Some(*place)
            }
            None => None,
        };
    }
    Some(Plan::Record { reads, fields: fields.iter().map(|(name, _)| name.clone()).collect() })
}

/// Reads one value from the front of `bytes`.
pub(super) fn read<R: Repr>(plan: &Plan, bytes: &mut &[u8], room: &mut usize) -> Reading<R::Value> {
    let parts = match plan {
        Plan::Same(ty) => return Ok(decode_at::<R>(ty, bytes, room, TYPE_DEPTH_MAX)?),
        Plan::Integer(old, new) => {
            let number = codec::decode::<Owned>(old, bytes)?;
            integer_of(&number.0).and_then(|number| integer_to(new, number)).ok_or_else(another_type)?
        }
        Plan::Float => Parts::F64(f32::decode(bytes)?.into()),
        Plan::Wrap(inner) => {
            charge(room, size_of::<R::Value>())?;
            Parts::Option(Some(Box::new(read::<R>(inner, bytes, room)?)))
        }
        Plan::List(inner) => {
            let count = take_length(bytes)?;
            charge(room, count.saturating_mul(size_of::<R::Value>()))?;
            let mut values = Vec::with_capacity(count.min(ELEMENTS_AHEAD_MAX));
            for _ in 0..count {
                values.push(read::<R>(inner, bytes, room).map_err(|e| e.inside(Segment::Element))?);
            }
            Parts::List(values)
        }
        Plan::Option(inner) => match u8::decode(bytes)? {
            0 => Parts::Option(None),
            1 => Parts::Option(read_payload::<R>(Some(inner), bytes, room, || Segment::Some)?),
            _ => return Err(malformed("neither none nor some").into()),
        },
        Plan::Result(ok, err) => match u8::decode(bytes)? {
            0 => Parts::Result(Ok(read_payload::<R>(ok.as_deref(), bytes, room, || Segment::Ok)?)),
            1 => Parts::Result(Err(read_payload::<R>(err.as_deref(), bytes, room, || Segment::Err)?)),
            _ => return Err(malformed("neither ok nor err").into()),
        },
        Plan::Tuple(plans) => {
            charge(room, plans.len() * size_of::<R::Value>())?;
            let mut values = Vec::with_capacity(plans.len());
            for (index, plan) in plans.iter().enumerate() {
                values.push(read::<R>(plan, bytes, room).map_err(|e| e.inside(Segment::Item(index)))?);
            }
            Parts::Tuple(values)
        }
        Plan::Record { reads, fields } => read_record::<R>(reads, fields, bytes, room)?,
        Plan::Cases(cases) => match take_case(cases, bytes)? {
            Case::Gone(name) => return Err(Unconvertible::unknown_case(name).into()),
            Case::Enum(name) => {
                charge(room, name.len())?;
                Parts::Enum(name.clone())
            }
            Case::Variant(name, payload) => {
                charge(room, name.len())?;
                let payload = read_payload::<R>(payload.as_ref(), bytes, room, || Segment::Case(name.clone()))?;
                Parts::Variant(name.clone(), payload)
            }
        },
        Plan::Flags(flags) => {
            let mut set = Vec::new();
            for name in take_flags(flags.len(), bytes)?.filter_map(|index| flags[index].as_ref()) {
                charge(room, size_of::<String>() + name.len())?;
                set.push(name.clone());
            }
            Parts::Flags(set)
        }
    };
    Ok(R::make(parts))
}

fn read_record<R: Repr>(
    reads: &[Read],
    fields: &[String],
    bytes: &mut &[u8],
    room: &mut usize,
) -> Reading<Parts<R::Value>> {
    let mut values = Vec::with_capacity(fields.len());
    for name in fields {
        charge(room, codec::field_bytes::<R>(name))?;
        values.push((name.clone(), R::make(Parts::Option(None))));
    }
    for Read { name, plan, into } in reads {
        let here = |error: ReadError| error.inside(Segment::Field(name.clone()));
        match into {
            Some(place) => values[*place].1 = read::<R>(plan, bytes, room).map_err(here)?,
            None => read::<Nothing>(plan, bytes, &mut { usize::MAX }).map_err(here)?,
        }
    }
    Ok(Parts::Record(values))
}

fn read_payload<R: Repr>(
    plan: Option<&Plan>,
    bytes: &mut &[u8],
    room: &mut usize,
    segment: impl FnOnce() -> Segment,
) -> Reading<Option<Box<R::Value>>> {
    let Some(plan) = plan else { return Ok(None) };
    charge(room, size_of::<R::Value>())?;
    match read::<R>(plan, bytes, room) {
        Ok(value) => Ok(Some(Box::new(value))),
        Err(error) => Err(error.inside(segment())),
    }
}

fn another_type() -> ReadError {
    Unconvertible { path: Path::default(), what: "a value of another type".into() }.into()
}

/// The representation of what is read only to be checked.
struct Nothing;

impl Repr for Nothing {
    type Value = ();

    fn view((): &()) -> View<'_, ()> {
        View::Tuple(&[])
    }

    fn make(_: Parts<()>) {}
}
