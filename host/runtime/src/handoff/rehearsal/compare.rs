//! Values of two versions beside each other: arguments as the other version takes them, results as far as both can say.

use stead_schema::{Parts, Type, Value};

use crate::plugin::digest;

/// A value as one of another type, as the host would read what a caller writes: integers and floats by their amount,
/// records by the names of their fields, absent options as none. None if it has no place in the type.
pub(super) fn fit(value: &Value, ty: &Type) -> Option<Value> {
    let payload = |value: Option<&Value>, ty: Option<&Type>| match (value, ty) {
        (None, None) => Some(None),
        (Some(value), Some(ty)) => Some(Some(Box::new(fit(value, ty)?))),
        _ => None,
    };
    let parts = match (&value.0, ty) {
        (Parts::Option(None), Type::Option(_)) => Parts::Option(None),
        (Parts::Option(Some(value)), Type::Option(ty)) => Parts::Option(Some(Box::new(fit(value, ty)?))),
        (_, Type::Option(ty)) => Parts::Option(Some(Box::new(fit(value, ty)?))),
        (Parts::List(items), Type::List(ty)) => {
            Parts::List(items.iter().map(|item| fit(item, ty)).collect::<Option<_>>()?)
        }
        (Parts::Tuple(items), Type::Tuple(types)) if items.len() == types.len() => {
            Parts::Tuple(items.iter().zip(types).map(|(item, ty)| fit(item, ty)).collect::<Option<_>>()?)
        }
        (Parts::Record(fields), Type::Record(types)) => {
            if fields.iter().any(|(name, _)| types.iter().all(|field| field.name != *name)) {
                return None;
            }
            let fields = types.iter().map(|field| {
                let value = match fields.iter().find(|(name, _)| *name == field.name) {
                    Some((_, value)) => fit(value, &field.ty)?,
                    None if matches!(field.ty, Type::Option(_)) => Value(Parts::Option(None)),
                    None => return None,
                };
                Some((field.name.clone(), value))
            });
            Parts::Record(fields.collect::<Option<_>>()?)
        }
        (Parts::Variant(name, value), Type::Variant(cases)) => {
            let case = cases.iter().find(|case| case.name == *name)?;
            Parts::Variant(name.clone(), payload(value.as_deref(), case.ty.as_ref())?)
        }
        (Parts::Enum(name), Type::Variant(cases)) => {
            cases.iter().find(|case| case.name == *name && case.ty.is_none())?;
            Parts::Variant(name.clone(), None)
        }
        (Parts::Variant(name, None), Type::Enum(names)) | (Parts::Enum(name), Type::Enum(names)) => {
            names.contains(name).then(|| Parts::Enum(name.clone()))?
        }
        (Parts::Flags(set), Type::Flags(names)) => {
            set.iter().all(|flag| names.contains(flag)).then(|| Parts::Flags(set.clone()))?
        }
        (Parts::Result(Ok(value)), Type::Result { ok, .. }) => {
            Parts::Result(Ok(payload(value.as_deref(), ok.as_deref())?))
        }
        (Parts::Result(Err(value)), Type::Result { err, .. }) => {
            Parts::Result(Err(payload(value.as_deref(), err.as_deref())?))
        }
        (Parts::Bool(v), Type::Bool) => Parts::Bool(*v),
        (Parts::Char(v), Type::Char) => Parts::Char(*v),
        (Parts::String(v), Type::String) => Parts::String(v.clone()),
        (Parts::F32(v), Type::F32) => Parts::F32(*v),
        (Parts::F32(v), Type::F64) => Parts::F64(f64::from(*v)),
        (Parts::F64(v), Type::F64) => Parts::F64(*v),
        (Parts::F64(v), Type::F32) => {
            let narrow = *v as f32;
            (v.is_nan() || f64::from(narrow) == *v).then_some(Parts::F32(narrow))?
        }
        (number, ty) => fit_integer(integer(number)?, ty)?,
    };
    Some(Value(parts))
}

fn integer(parts: &Parts<Value>) -> Option<i128> {
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

fn fit_integer(number: i128, ty: &Type) -> Option<Parts<Value>> {
    Some(match ty {
        Type::U8 => Parts::U8(number.try_into().ok()?),
        Type::U16 => Parts::U16(number.try_into().ok()?),
        Type::U32 => Parts::U32(number.try_into().ok()?),
        Type::U64 => Parts::U64(number.try_into().ok()?),
        Type::S8 => Parts::S8(number.try_into().ok()?),
        Type::S16 => Parts::S16(number.try_into().ok()?),
        Type::S32 => Parts::S32(number.try_into().ok()?),
        Type::S64 => Parts::S64(number.try_into().ok()?),
        _ => return None,
    })
}

/// A result and its type, where it has one.
pub(super) type Typed<'a> = (Option<&'a Value>, Option<&'a Type>);

/// Two results are the same, as far as their types allow to say so: one is compared as the other's type has it.
pub(super) fn are_same((was, was_type): Typed<'_>, (is, is_type): Typed<'_>) -> bool {
    let reads_as = |value: Option<&Value>, ty: Option<&Type>, other: Option<&Value>| match (value, ty) {
        (Some(value), Some(ty)) => fit(value, ty).is_some_and(|value| digest(Some(&value)) == digest(other)),
        _ => false,
    };
    digest(was) == digest(is) || reads_as(was, is_type, is) || reads_as(is, was_type, was)
}

#[cfg(test)]
mod tests {
    use stead_schema::Field;

    use super::*;

    fn number(number: u32) -> Value {
        Value(Parts::U32(number))
    }

    fn record(fields: &[(&str, Value)]) -> Value {
        Value(Parts::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()))
    }

    fn record_type(fields: &[(&str, Type)]) -> Type {
        let field = |(name, ty): &(&str, Type)| Field { name: (*name).to_owned(), ty: ty.clone() };
        Type::Record(fields.iter().map(field).collect())
    }

    #[test]
    fn arguments_are_read_as_a_caller_would_write_them() {
        assert_eq!(fit(&number(300), &Type::U64), Some(Value(Parts::U64(300))));
        assert_eq!(fit(&number(300), &Type::U8), None, "it does not fit");
        assert_eq!(
            fit(&number(3), &Type::U8.option()),
            Some(Value(Parts::Option(Some(Box::new(Value(Parts::U8(3)))))))
        );
        let wider = record_type(&[("b", Type::U8.option()), ("a", Type::U64)]);
        let fitted = fit(&record(&[("a", number(1))]), &wider);
        assert_eq!(fitted, Some(record(&[("b", Value(Parts::Option(None))), ("a", Value(Parts::U64(1)))])));
        assert_eq!(fit(&record(&[("a", number(1)), ("c", number(1))]), &wider), None, "nothing is left out in silence");
        assert_eq!(fit(&record(&[]), &wider), None, "a field is missing");
        let half = Value(Parts::F64(0.5));
        assert_eq!(fit(&half, &Type::F32), Some(Value(Parts::F32(0.5))));
        assert_eq!(fit(&Value(Parts::F64(0.1)), &Type::F32), None);
        assert_eq!(fit(&Value(Parts::String("a".into())), &Type::U8), None);
    }

    #[test]
    fn results_are_compared_as_either_type_has_them() {
        let (one, other) =
            (record(&[("a", number(1))]), record(&[("a", number(1)), ("b", Value(Parts::Option(None)))]));
        let (narrow, wide) =
            (record_type(&[("a", Type::U32)]), record_type(&[("a", Type::U32), ("b", Type::U8.option())]));
        assert!(are_same((Some(&one), Some(&narrow)), (Some(&other), Some(&wide))));
        assert!(are_same((Some(&other), Some(&wide)), (Some(&one), Some(&narrow))), "also the other way round");
        let said = record(&[("a", number(1)), ("b", Value(Parts::Option(Some(Box::new(Value(Parts::U8(1)))))))]);
        assert!(!are_same((Some(&one), Some(&narrow)), (Some(&said), Some(&wide))));
        assert!(!are_same((Some(&number(1)), Some(&Type::U32)), (Some(&number(2)), Some(&Type::U32))));
        assert!(!are_same((Some(&number(1)), Some(&Type::U32)), (None, None)));
        assert!(are_same((None, None), (None, None)));
    }
}
