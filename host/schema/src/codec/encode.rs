//! From values to bytes.

use std::collections::HashMap;

use super::{CodecError, Scalar, encode_str, mismatch, put_varint};
use crate::limits::CASES_SEARCHED_MAX;
use crate::types::{Case, Path, Segment, Type};
use crate::value::{Repr, View};

pub(super) fn encode_at<'t, R: Repr>(
    ty: &'t Type,
    value: &R::Value,
    out: &mut Vec<u8>,
    finder: &mut Finder<'t>,
    depth: usize,
) -> Result<(), CodecError> {
    let depth = depth.checked_sub(1).ok_or(CodecError::TooDeep)?;
    match (ty, R::view(value)) {
        (Type::Bool, View::Bool(v)) => v.encode(out),
        (Type::U8, View::U8(v)) => v.encode(out),
        (Type::U16, View::U16(v)) => v.encode(out),
        (Type::U32, View::U32(v)) => v.encode(out),
        (Type::U64, View::U64(v)) => v.encode(out),
        (Type::S8, View::S8(v)) => v.encode(out),
        (Type::S16, View::S16(v)) => v.encode(out),
        (Type::S32, View::S32(v)) => v.encode(out),
        (Type::S64, View::S64(v)) => v.encode(out),
        (Type::F32, View::F32(v)) => v.encode(out),
        (Type::F64, View::F64(v)) => v.encode(out),
        (Type::Char, View::Char(v)) => v.encode(out),
        (Type::String, View::String(v)) => encode_str(v, out),
        (Type::List(element), View::List(values)) => {
            put_varint(values.len() as u64, out);
            if **element == Type::U8 {
                return encode_octets::<R>(element, values, out);
            }
            for value in values {
                encode_at::<R>(element, value, out, finder, depth).map_err(|e| e.inside(Segment::Element))?;
            }
        }
        (Type::Option(_), View::Option(None)) => out.push(0),
        (Type::Option(some), View::Option(Some(value))) => {
            out.push(1);
            encode_at::<R>(some, value, out, finder, depth).map_err(|e| e.inside(Segment::Some))?;
        }
        (Type::Result { ok, .. }, View::Result(Ok(value))) => {
            out.push(0);
            encode_payload::<R>(ok.as_deref(), value, out, finder, depth).map_err(|e| e.inside(Segment::Ok))?;
        }
        (Type::Result { err, .. }, View::Result(Err(value))) => {
            out.push(1);
            encode_payload::<R>(err.as_deref(), value, out, finder, depth).map_err(|e| e.inside(Segment::Err))?;
        }
        (Type::Tuple(types), View::Tuple(values)) if types.len() == values.len() => {
            for (index, (ty, value)) in types.iter().zip(values).enumerate() {
                encode_at::<R>(ty, value, out, finder, depth).map_err(|e| e.inside(Segment::Item(index)))?;
            }
        }
        (Type::Record(fields), View::Record(values)) if fields.len() == values.len() => {
            for (field, (name, value)) in fields.iter().zip(values) {
                if field.name != *name {
                    return Err(mismatch(ty));
                }
                encode_at::<R>(&field.ty, value, out, finder, depth)
                    .map_err(|e| e.inside(Segment::Field(field.name.clone())))?;
            }
        }
        (Type::Variant(cases), View::Variant(name, value)) => {
            let index = finder.find(cases, |case: &Case| &case.name, name).ok_or_else(|| mismatch(ty))?;
            put_varint(index as u64, out);
            encode_payload::<R>(cases[index].ty.as_ref(), value, out, finder, depth)
                .map_err(|e| e.inside(Segment::Case(name.into())))?;
        }
        (Type::Enum(names), View::Enum(name)) => {
            let index = finder.find(names, String::as_str, name).ok_or_else(|| mismatch(ty))?;
            put_varint(index as u64, out);
        }
        (Type::Flags(names), View::Flags(set)) => {
            let start = out.len();
            out.resize(start + names.len().div_ceil(8), 0);
            for flag in set {
                let index = finder.find(names, String::as_str, flag).ok_or_else(|| mismatch(ty))?;
                out[start + index / 8] |= 1 << (index % 8);
            }
        }
        _ => return Err(mismatch(ty)),
    }
    Ok(())
}

fn encode_payload<'t, R: Repr>(
    ty: Option<&'t Type>,
    value: Option<&R::Value>,
    out: &mut Vec<u8>,
    finder: &mut Finder<'t>,
    depth: usize,
) -> Result<(), CodecError> {
    match (ty, value) {
        (Some(ty), Some(value)) => encode_at::<R>(ty, value, out, finder, depth),
        (None, None) => Ok(()),
        (Some(ty), None) => Err(mismatch(ty)),
        (None, Some(_)) => Err(CodecError::Mismatch { path: Path::default(), expected: "_".into() }),
    }
}

/// The elements of a `list<u8>`, without a call for each.
fn encode_octets<R: Repr>(element: &Type, values: &[R::Value], out: &mut Vec<u8>) -> Result<(), CodecError> {
    let start = out.len();
    out.resize(start + values.len(), 0);
    for (place, value) in out[start..].iter_mut().zip(values) {
        match R::view(value) {
            View::U8(octet) => *place = octet,
            _ => return Err(mismatch(element).inside(Segment::Element)),
        }
    }
    Ok(())
}

/// Finds the index of a case by its name.
///
/// One case in thousands is found by search; a long list of such values would search them again and again, and is
/// answered from a table that is made once it pays.
#[derive(Default)]
pub(super) struct Finder<'t> {
    /// By the address of a type's cases, which stay where they are while this borrows them.
    large: HashMap<usize, Large<'t>>,
}

#[derive(Default)]
struct Large<'t> {
    searches: usize,
    table: HashMap<&'t str, usize>,
}

/// Searches after which a table pays.
const SEARCHES: usize = 16;

impl<'t> Finder<'t> {
    fn find<T>(&mut self, cases: &'t [T], name: fn(&T) -> &str, wanted: &str) -> Option<usize> {
        let search = || cases.iter().position(|case| name(case) == wanted);
        if cases.len() <= CASES_SEARCHED_MAX {
            return search();
        }
        let large = self.large.entry(cases.as_ptr().addr()).or_default();
        if large.searches < SEARCHES {
            large.searches += 1;
            return search();
        }
        if large.table.is_empty() {
            large.table = cases.iter().map(name).zip(0..).collect();
        }
        large.table.get(wanted).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g14_a_name_among_thousands_is_searched_a_few_times_only() {
        let names: Vec<String> = (0..5_000).map(|number| format!("case-{number}")).collect();
        let mut finder = Finder::default();
        for (index, name) in names.iter().enumerate().rev() {
            assert_eq!(finder.find(&names, String::as_str, name), Some(index));
        }
        assert_eq!(finder.find(&names, String::as_str, "none such"), None);
        let [large] = &finder.large.values().collect::<Vec<_>>()[..] else { panic!("one type") };
        assert_eq!(large.searches, SEARCHES);
    }
}
