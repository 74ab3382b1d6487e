//! A second definition of what a new type can read, as plain as can be: a value names its own parts, so read it by them.

use stead_schema::{Case, Field, Parts, Reversible, Type, Value, Verdict};

/// What reading a value under another type may come to.
pub(crate) enum Reading {
    Value(Value),
    /// It uses a case that is gone.
    Gone,
    /// It has no place there.
    Fails,
}

/// The plain definition: a value names its own parts, so try to read it under the new type. `exact` allows nothing to be
/// left over.
pub(crate) fn read(value: &Value, new: &Type, exact: bool) -> Reading {
    use Reading::{Fails, Gone};
    let unknown = || if exact { Fails } else { Gone };
    let all = |readings: Vec<Reading>, make: &dyn Fn(Vec<Value>) -> Parts<Value>| {
        let mut values = Vec::new();
        let mut gone = false;
        for reading in readings {
            match reading {
                Reading::Value(value) => values.push(value),
                Gone => gone = true,
                Fails => return Fails,
            }
        }
        if gone { Gone } else { Reading::Value(Value(make(values))) }
    };
    let boxed = |mut values: Vec<Value>| values.pop().map(Box::new);
    let payload = |value: &Option<Box<Value>>, ty: Option<&Type>| match (value, ty) {
        (None, None) => Some(Vec::new()),
        (Some(value), Some(ty)) => Some(vec![read(value, ty, exact)]),
        _ => None,
    };
    match (&value.0, new) {
        (Parts::Option(None), Type::Option(_)) => Reading::Value(Value::none()),
        (Parts::Option(Some(value)), Type::Option(some)) => {
            all(vec![read(value, some, exact)], &|values| Parts::Option(boxed(values)))
        }
        (_, Type::Option(some)) => all(vec![read(value, some, exact)], &|values| Parts::Option(boxed(values))),
        (Parts::Bool(_), Type::Bool) | (Parts::Char(_), Type::Char) | (Parts::String(_), Type::String) => {
            Reading::Value(value.clone())
        }
        (Parts::F32(_), Type::F32) | (Parts::F64(_), Type::F64) => Reading::Value(value.clone()),
        (Parts::F32(float), Type::F64) => Reading::Value(f64::from(*float).into()),
        (Parts::List(values), Type::List(element)) => {
            all(values.iter().map(|value| read(value, element, exact)).collect(), &Parts::List)
        }
        (Parts::Tuple(values), Type::Tuple(types)) if values.len() == types.len() => {
            all(values.iter().zip(types).map(|(value, ty)| read(value, ty, exact)).collect(), &Parts::Tuple)
        }
        (Parts::Record(values), Type::Record(fields)) => {
            if exact && values.iter().any(|(name, _)| fields.iter().all(|field| field.name != *name)) {
                return Fails;
            }
            let field = |field: &Field| match (values.iter().find(|(name, _)| *name == field.name), &field.ty) {
                (Some((_, value)), ty) => read(value, ty, exact),
                (None, Type::Option(_)) => Reading::Value(Value::none()),
                (None, _) => Fails,
            };
            let named =
                |values: Vec<Value>| Parts::Record(fields.iter().map(|field| field.name.clone()).zip(values).collect());
            all(fields.iter().map(field).collect(), &named)
        }
        (Parts::Enum(name), Type::Enum(names)) => match names.contains(name) {
            true => Reading::Value(value.clone()),
            false => unknown(),
        },
        (Parts::Enum(name), Type::Variant(cases)) => match cases.iter().find(|case| case.name == *name) {
            Some(case) if case.ty.is_none() => Reading::Value(Value(Parts::Variant(name.clone(), None))),
            Some(_) => Fails,
            None => unknown(),
        },
        (Parts::Variant(name, value), Type::Variant(cases)) => {
            match cases.iter().find(|case| case.name == *name).map(|case| payload(value, case.ty.as_ref())) {
                Some(Some(payload)) => all(payload, &|values| Parts::Variant(name.clone(), boxed(values))),
                Some(None) => Fails,
                None => unknown(),
            }
        }
        (Parts::Result(Ok(value)), Type::Result { ok, .. }) => match payload(value, ok.as_deref()) {
            Some(payload) => all(payload, &|values| Parts::Result(Ok(boxed(values)))),
            None => Fails,
        },
        (Parts::Result(Err(value)), Type::Result { err, .. }) => match payload(value, err.as_deref()) {
            Some(payload) => all(payload, &|values| Parts::Result(Err(boxed(values)))),
            None => Fails,
        },
        (Parts::Flags(set), Type::Flags(names)) => {
            if exact && set.iter().any(|flag| !names.contains(flag)) {
                return Fails;
            }
            Reading::Value(Value(Parts::Flags(set.iter().filter(|flag| names.contains(flag)).cloned().collect())))
        }
        _ => match (integer(value), integer_type(new)) {
            (Some(number), Some(make)) => make(number).map_or(Fails, Reading::Value),
            _ => Fails,
        },
    }
}

fn integer(value: &Value) -> Option<i128> {
    Some(match value.0 {
        Parts::U8(v) => v.into(),
        Parts::U16(v) => v.into(),
        Parts::U32(v) => v.into(),
        Parts::U64(v) => v.into(),
        Parts::S8(v) => v.into(),
        Parts::S16(v) => v.into(),
        Parts::S32(v) => v.into(),
        Parts::S64(v) => v.into(),
        _ => return None,
    })
}

fn integer_type(ty: &Type) -> Option<fn(i128) -> Option<Value>> {
    Some(match ty {
        Type::U8 => |number| u8::try_from(number).ok().map(Value::from),
        Type::U16 => |number| u16::try_from(number).ok().map(Value::from),
        Type::U32 => |number| u32::try_from(number).ok().map(Value::from),
        Type::U64 => |number| u64::try_from(number).ok().map(Value::from),
        Type::S8 => |number| i8::try_from(number).ok().map(Value::from),
        Type::S16 => |number| i16::try_from(number).ok().map(Value::from),
        Type::S32 => |number| i32::try_from(number).ok().map(Value::from),
        Type::S64 => |number| i64::try_from(number).ok().map(Value::from),
        _ => return None,
    })
}

/// Values that between them use every part of a type, and the ends of every range.
pub(crate) fn cover(ty: &Type) -> Vec<Value> {
    let one_at_a_time = |types: Vec<&Type>| {
        let covers: Vec<Vec<Value>> = types.into_iter().map(cover).collect();
        let base: Vec<Value> = covers.iter().map(|cover| cover[0].clone()).collect();
        let mut all = vec![base.clone()];
        for (index, cover) in covers.into_iter().enumerate() {
            for value in cover.into_iter().skip(1) {
                all.push(base.clone());
                all.last_mut().expect("just pushed")[index] = value;
            }
        }
        all
    };
    let payloads = |ty: Option<&Type>| match ty {
        None => vec![None],
        Some(ty) => cover(ty).into_iter().map(|value| Some(Box::new(value))).collect(),
    };
    let parts: Vec<Parts<Value>> = match ty {
        Type::Bool => vec![Parts::Bool(false), Parts::Bool(true)],
        Type::U8 => vec![Parts::U8(0), Parts::U8(u8::MAX)],
        Type::U16 => vec![Parts::U16(0), Parts::U16(u16::MAX)],
        Type::U32 => vec![Parts::U32(0), Parts::U32(u32::MAX)],
        Type::U64 => vec![Parts::U64(0), Parts::U64(u64::MAX)],
        Type::S8 => vec![Parts::S8(0), Parts::S8(i8::MIN), Parts::S8(i8::MAX)],
        Type::S16 => vec![Parts::S16(0), Parts::S16(i16::MIN), Parts::S16(i16::MAX)],
        Type::S32 => vec![Parts::S32(0), Parts::S32(i32::MIN), Parts::S32(i32::MAX)],
        Type::S64 => vec![Parts::S64(0), Parts::S64(i64::MIN), Parts::S64(i64::MAX)],
        Type::F32 => vec![Parts::F32(0.0), Parts::F32(0.1), Parts::F32(f32::NAN)],
        Type::F64 => vec![Parts::F64(0.0), Parts::F64(0.1), Parts::F64(f64::NAN)],
        Type::Char => vec![Parts::Char('x')],
        Type::String => vec![Parts::String("x".into())],
        Type::List(element) => {
            let single = cover(element).into_iter().map(|value| Parts::List(vec![value]));
            [Parts::List(Vec::new())].into_iter().chain(single).collect()
        }
        Type::Option(some) => {
            let some = cover(some).into_iter().map(|value| Parts::Option(Some(Box::new(value))));
            [Parts::Option(None)].into_iter().chain(some).collect()
        }
        Type::Result { ok, err } => {
            let ok = payloads(ok.as_deref()).into_iter().map(|payload| Parts::Result(Ok(payload)));
            ok.chain(payloads(err.as_deref()).into_iter().map(|payload| Parts::Result(Err(payload)))).collect()
        }
        Type::Tuple(types) => one_at_a_time(types.iter().collect()).into_iter().map(Parts::Tuple).collect(),
        Type::Record(fields) => {
            let names = || fields.iter().map(|field| field.name.clone());
            let values = one_at_a_time(fields.iter().map(|field| &field.ty).collect()).into_iter();
            values.map(|values| Parts::Record(names().zip(values).collect())).collect()
        }
        Type::Variant(cases) => {
            let of = |case: &Case| {
                let name = case.name.clone();
                let variant = move |payload| Parts::Variant(name.clone(), payload);
                payloads(case.ty.as_ref()).into_iter().map(variant).collect::<Vec<_>>()
            };
            cases.iter().flat_map(of).collect()
        }
        Type::Enum(names) => names.iter().cloned().map(Parts::Enum).collect(),
        Type::Flags(names) => vec![Parts::Flags(Vec::new()), Parts::Flags(names.clone())],
    };
    parts.into_iter().map(Value).collect()
}

/// The verdict by the plain definition.
pub(crate) fn plain_verdict(old: &Type, new: &Type) -> Verdict {
    let fails = |exact| cover(old).iter().any(|value| matches!(read(value, new, exact), Reading::Fails));
    match () {
        () if old == new => Verdict::Identical,
        () if fails(false) => Verdict::Incompatible,
        () if fails(true) => Verdict::Lossy,
        () => Verdict::Widening,
    }
}

/// Whether there is a way back, by values that show it: one of the new type that the old one can hold, and one that it cannot.
pub(crate) struct WaysBack {
    pub(crate) held: Option<Value>,
    pub(crate) not_held: Option<Value>,
}

impl WaysBack {
    pub(crate) fn reversible(&self) -> Reversible {
        match (&self.held, &self.not_held) {
            (None, _) => Reversible::Never,
            (Some(_), Some(_)) => Reversible::ByValue,
            (Some(_), None) => Reversible::Always,
        }
    }
}

/// The ways back from a type that is as wide as the old one, or lacks parts of it.
pub(crate) fn ways_back(old: &Type, new: &Type) -> WaysBack {
    let any = |ty: &Type| cover(ty).swap_remove(0);
    let boxed = |value: Value| Some(Box::new(value));
    if old == new {
        return WaysBack { held: Some(any(new)), not_held: None };
    }
    match (old, new) {
        (Type::List(old), Type::List(new)) => {
            let not_held = ways_back(old, new).not_held.map(|value| Value(Parts::List(vec![value])));
            WaysBack { held: Some(Value(Parts::List(Vec::new()))), not_held }
        }
        (Type::Option(old), Type::Option(new)) => {
            WaysBack { held: Some(Value::none()), not_held: ways_back(old, new).not_held.map(Value::some) }
        }
        (old, Type::Option(some)) => {
            WaysBack { held: ways_back(old, some).held.map(Value::some), not_held: Some(Value::none()) }
        }
        (Type::Result { ok, err }, Type::Result { ok: new_ok, err: new_err }) => one_of(vec![
            arm(ok.as_deref(), new_ok.as_deref()).map(|payload| Value(Parts::Result(Ok(payload.map(Box::new))))),
            arm(err.as_deref(), new_err.as_deref()).map(|payload| Value(Parts::Result(Err(payload.map(Box::new))))),
        ]),
        (Type::Tuple(old), Type::Tuple(new)) => {
            let items = old.iter().zip(new).map(|(old, new)| ways_back(old, new)).collect();
            all_of(items, new.iter().map(any).collect(), &Parts::Tuple)
        }
        (Type::Record(old), Type::Record(new)) => {
            let part = |field: &Field| match old.iter().find(|old| old.name == field.name) {
                Some(old) => ways_back(&old.ty, &field.ty),
                None => {
                    let Type::Option(some) = &field.ty else { panic!("a field that was added is an option") };
                    WaysBack { held: Some(Value::none()), not_held: Some(any(some).some()) }
                }
            };
            let named =
                |values: Vec<Value>| Parts::Record(new.iter().map(|field| field.name.clone()).zip(values).collect());
            let parts = new.iter().map(part).collect();
            let ways = all_of(parts, new.iter().map(|field| any(&field.ty)).collect(), &named);
            let is_needed =
                |old: &Field| !matches!(old.ty, Type::Option(_)) && new.iter().all(|field| field.name != old.name);
            match old.iter().any(is_needed) {
                true => WaysBack { held: None, not_held: Some(any(&Type::Record(new.clone()))) },
                false => ways,
            }
        }
        (Type::Flags(old), Type::Flags(new)) => {
            let added = new.iter().find(|name| !old.contains(name));
            let not_held = added.map(|added| Value(Parts::Flags(vec![added.clone()])));
            WaysBack { held: Some(Value(Parts::Flags(Vec::new()))), not_held }
        }
        (Type::F32, Type::F64) => WaysBack { held: Some(0.0f64.into()), not_held: Some(0.1f64.into()) },
        (old, new) => match (cases(old), cases(new)) {
            (Some(old), Some(cases)) => one_of(
                cases
                    .into_iter()
                    .map(|(name, payload)| {
                        let make = |payload: Option<Value>| match new {
                            Type::Enum(_) => Value(Parts::Enum(name.into())),
                            _ => Value(Parts::Variant(name.into(), payload.and_then(boxed))),
                        };
                        match old.iter().find(|(old, _)| *old == name) {
                            Some((_, was)) => arm(*was, payload).map(make),
                            None => Ways { held: None, not_held: Some(make(payload.map(any))) },
                        }
                    })
                    .collect(),
            ),
            // Integers: zero is everywhere, and one end of the wider type is not in the narrower.
            _ => {
                let ends = cover(new);
                let not_held = ends.iter().find(|end| matches!(read(end, old, true), Reading::Fails));
                WaysBack { held: Some(ends[0].clone()), not_held: not_held.cloned() }
            }
        },
    }
}

fn cases(ty: &Type) -> Option<Vec<(&str, Option<&Type>)>> {
    match ty {
        Type::Enum(names) => Some(names.iter().map(|name| (name.as_str(), None)).collect()),
        Type::Variant(cases) => Some(cases.iter().map(|case| (case.name.as_str(), case.ty.as_ref())).collect()),
        _ => None,
    }
}

/// As [`WaysBack`], of something that is a value or the payload of one.
struct Ways<T> {
    held: Option<T>,
    not_held: Option<T>,
}

impl<T> Ways<T> {
    fn map<U>(self, make: impl Fn(T) -> U) -> Ways<U> {
        Ways { held: self.held.map(&make), not_held: self.not_held.map(&make) }
    }
}

fn arm(old: Option<&Type>, new: Option<&Type>) -> Ways<Option<Value>> {
    match (old, new) {
        (Some(old), Some(new)) => {
            let WaysBack { held, not_held } = ways_back(old, new);
            Ways { held: held.map(Some), not_held: not_held.map(Some) }
        }
        _ => Ways { held: Some(None), not_held: None },
    }
}

fn one_of(ways: Vec<Ways<Value>>) -> WaysBack {
    let (held, not_held): (Vec<_>, Vec<_>) = ways.into_iter().map(|ways| (ways.held, ways.not_held)).unzip();
    WaysBack { held: held.into_iter().flatten().next(), not_held: not_held.into_iter().flatten().next() }
}

fn all_of(parts: Vec<WaysBack>, any: Vec<Value>, make: &dyn Fn(Vec<Value>) -> Parts<Value>) -> WaysBack {
    let mut not_held = None;
    for (index, part) in parts.iter().enumerate() {
        if let Some(value) = &part.not_held {
            let mut values = any.clone();
            values[index] = value.clone();
            not_held = Some(Value(make(values)));
        }
    }
    let held: Option<Vec<Value>> = parts.into_iter().map(|part| part.held).collect();
    WaysBack { held: held.map(|held| Value(make(held))), not_held }
}
