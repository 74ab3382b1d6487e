//! Values of the schema and of wasmtime, by reflection.

use stead_schema::{Owned, Parts, Path, Repr, Segment, Type, Value, View};
use wasmtime::component::Val;

/// The representation of wasmtime's `Val`.
pub(super) struct Reflected;

impl Repr for Reflected {
    type Value = Val;

    fn view(value: &Val) -> View<'_, Val> {
        match value {
            Val::Bool(v) => View::Bool(*v),
            Val::U8(v) => View::U8(*v),
            Val::U16(v) => View::U16(*v),
            Val::U32(v) => View::U32(*v),
            Val::U64(v) => View::U64(*v),
            Val::S8(v) => View::S8(*v),
            Val::S16(v) => View::S16(*v),
            Val::S32(v) => View::S32(*v),
            Val::S64(v) => View::S64(*v),
            Val::Float32(v) => View::F32(*v),
            Val::Float64(v) => View::F64(*v),
            Val::Char(v) => View::Char(*v),
            Val::String(v) => View::String(v),
            Val::List(v) => View::List(v),
            Val::Record(v) => View::Record(v),
            Val::Tuple(v) => View::Tuple(v),
            Val::Variant(case, payload) => View::Variant(case, payload.as_deref()),
            Val::Enum(case) => View::Enum(case),
            Val::Option(v) => View::Option(v.as_deref()),
            Val::Result(Ok(v)) => View::Result(Ok(v.as_deref())),
            Val::Result(Err(v)) => View::Result(Err(v.as_deref())),
            Val::Flags(v) => View::Flags(v),
            // Types that hold these are refused when the component is loaded; the empty tuple fits no type.
            Val::Map(_)
            | Val::FixedLengthList(_)
            | Val::Resource(_)
            | Val::Future(_)
            | Val::Stream(_)
            | Val::ErrorContext(_) => View::Tuple(&[]),
        }
    }

    fn make(parts: Parts<Val>) -> Val {
        match parts {
            Parts::Bool(v) => Val::Bool(v),
            Parts::U8(v) => Val::U8(v),
            Parts::U16(v) => Val::U16(v),
            Parts::U32(v) => Val::U32(v),
            Parts::U64(v) => Val::U64(v),
            Parts::S8(v) => Val::S8(v),
            Parts::S16(v) => Val::S16(v),
            Parts::S32(v) => Val::S32(v),
            Parts::S64(v) => Val::S64(v),
            Parts::F32(v) => Val::Float32(v),
            Parts::F64(v) => Val::Float64(v),
            Parts::Char(v) => Val::Char(v),
            Parts::String(v) => Val::String(v),
            Parts::List(v) => Val::List(v),
            Parts::Record(v) => Val::Record(v),
            Parts::Tuple(v) => Val::Tuple(v),
            Parts::Variant(case, payload) => Val::Variant(case, payload),
            Parts::Enum(case) => Val::Enum(case),
            Parts::Option(v) => Val::Option(v),
            Parts::Result(v) => Val::Result(v),
            Parts::Flags(v) => Val::Flags(v),
        }
    }
}

/// The value as the schema has it. A value that no type of a signature can hold becomes an empty tuple.
pub(super) fn from_val(value: Val) -> Value {
    let boxed = |value: Option<Box<Val>>| value.map(|value| Box::new(from_val(*value)));
    Owned::make(match value {
        Val::Bool(v) => Parts::Bool(v),
        Val::U8(v) => Parts::U8(v),
        Val::U16(v) => Parts::U16(v),
        Val::U32(v) => Parts::U32(v),
        Val::U64(v) => Parts::U64(v),
        Val::S8(v) => Parts::S8(v),
        Val::S16(v) => Parts::S16(v),
        Val::S32(v) => Parts::S32(v),
        Val::S64(v) => Parts::S64(v),
        Val::Float32(v) => Parts::F32(v),
        Val::Float64(v) => Parts::F64(v),
        Val::Char(v) => Parts::Char(v),
        Val::String(v) => Parts::String(v),
        Val::List(items) => Parts::List(items.into_iter().map(from_val).collect()),
        Val::Tuple(items) => Parts::Tuple(items.into_iter().map(from_val).collect()),
        Val::Record(fields) => Parts::Record(fields.into_iter().map(|(name, value)| (name, from_val(value))).collect()),
        Val::Variant(case, payload) => Parts::Variant(case, boxed(payload)),
        Val::Enum(case) => Parts::Enum(case),
        Val::Option(value) => Parts::Option(boxed(value)),
        Val::Result(Ok(value)) => Parts::Result(Ok(boxed(value))),
        Val::Result(Err(value)) => Parts::Result(Err(boxed(value))),
        Val::Flags(v) => Parts::Flags(v),
        Val::Map(_)
        | Val::FixedLengthList(_)
        | Val::Resource(_)
        | Val::Future(_)
        | Val::Stream(_)
        | Val::ErrorContext(_) => Parts::Tuple(Vec::new()),
    })
}

/// The value as wasmtime has it, checked against its type; the error says where it does not fit and what was expected.
pub(super) fn checked(ty: &Type, value: &Value) -> Result<Val, (Path, String)> {
    check(ty, value, &mut Path::default())
}

fn check(ty: &Type, value: &Value, path: &mut Path) -> Result<Val, (Path, String)> {
    let wrong = |path: &Path| (path.clone(), format!("expected `{ty}`"));
    let inner =
        |path: &mut Path, segment, ty: &Type, value: &Value| path.within(segment, |path| check(ty, value, path));
    let payload = |path: &mut Path, segment, ty: Option<&Type>, value: Option<&Value>| match (ty, value) {
        (None, None) => Ok(None),
        (Some(ty), Some(value)) => Ok(Some(Box::new(inner(path, segment, ty, value)?))),
        _ => Err(wrong(path)),
    };
    Ok(match (ty, &value.0) {
        (Type::Bool, Parts::Bool(v)) => Val::Bool(*v),
        (Type::U8, Parts::U8(v)) => Val::U8(*v),
        (Type::U16, Parts::U16(v)) => Val::U16(*v),
        (Type::U32, Parts::U32(v)) => Val::U32(*v),
        (Type::U64, Parts::U64(v)) => Val::U64(*v),
        (Type::S8, Parts::S8(v)) => Val::S8(*v),
        (Type::S16, Parts::S16(v)) => Val::S16(*v),
        (Type::S32, Parts::S32(v)) => Val::S32(*v),
        (Type::S64, Parts::S64(v)) => Val::S64(*v),
        (Type::F32, Parts::F32(v)) => Val::Float32(*v),
        (Type::F64, Parts::F64(v)) => Val::Float64(*v),
        (Type::Char, Parts::Char(v)) => Val::Char(*v),
        (Type::String, Parts::String(v)) => Val::String(v.clone()),
        (Type::List(ty), Parts::List(items)) => {
            let items = items.iter().map(|item| inner(path, Segment::Element, ty, item));
            Val::List(items.collect::<Result<_, _>>()?)
        }
        (Type::Option(ty), Parts::Option(v)) => {
            Val::Option(v.as_deref().map(|v| inner(path, Segment::Some, ty, v).map(Box::new)).transpose()?)
        }
        (Type::Result { ok, .. }, Parts::Result(Ok(v))) => {
            Val::Result(Ok(payload(path, Segment::Ok, ok.as_deref(), v.as_deref())?))
        }
        (Type::Result { err, .. }, Parts::Result(Err(v))) => {
            Val::Result(Err(payload(path, Segment::Err, err.as_deref(), v.as_deref())?))
        }
        (Type::Tuple(types), Parts::Tuple(items)) if types.len() == items.len() => {
            let items = types.iter().zip(items).enumerate();
            let items = items.map(|(i, (ty, item))| inner(path, Segment::Item(i), ty, item));
            Val::Tuple(items.collect::<Result<_, _>>()?)
        }
        (Type::Record(types), Parts::Record(fields))
            if types.iter().map(|field| &field.name).eq(fields.iter().map(|(name, _)| name)) =>
        {
            let fields = types.iter().zip(fields);
            let fields = fields.map(|(field, (name, value))| {
                Ok((name.clone(), inner(path, Segment::Field(name.clone()), &field.ty, value)?))
            });
            Val::Record(fields.collect::<Result<_, _>>()?)
        }
        (Type::Variant(cases), Parts::Variant(name, v)) => {
            let case = cases.iter().find(|case| case.name == *name).ok_or_else(|| wrong(path))?;
            let v = payload(path, Segment::Case(name.clone()), case.ty.as_ref(), v.as_deref())?;
            Val::Variant(name.clone(), v)
        }
        (Type::Enum(names), Parts::Enum(name)) if names.contains(name) => Val::Enum(name.clone()),
        (Type::Flags(names), Parts::Flags(set)) if set.iter().all(|flag| names.contains(flag)) => {
            Val::Flags(set.clone())
        }
        _ => return Err(wrong(path)),
    })
}
