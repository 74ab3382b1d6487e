//! From bytes to values.

use super::{CodecError, Scalar, decode_str, malformed, take, take_length};
use crate::limits::ELEMENTS_AHEAD_MAX;
use crate::types::{Case, Segment, Type};
use crate::value::{Parts, Repr};

/// `room` is what the values made may still take in memory, counted as [`decode_within`](super::decode_within) says.
pub(crate) fn decode_at<R: Repr>(
    ty: &Type,
    bytes: &mut &[u8],
    room: &mut usize,
    depth: usize,
) -> Result<R::Value, CodecError> {
    let depth = depth.checked_sub(1).ok_or(CodecError::TooDeep)?;
    let parts = match ty {
        Type::Bool => Parts::Bool(bool::decode(bytes)?),
        Type::U8 => Parts::U8(u8::decode(bytes)?),
        Type::U16 => Parts::U16(u16::decode(bytes)?),
        Type::U32 => Parts::U32(u32::decode(bytes)?),
        Type::U64 => Parts::U64(u64::decode(bytes)?),
        Type::S8 => Parts::S8(i8::decode(bytes)?),
        Type::S16 => Parts::S16(i16::decode(bytes)?),
        Type::S32 => Parts::S32(i32::decode(bytes)?),
        Type::S64 => Parts::S64(i64::decode(bytes)?),
        Type::F32 => Parts::F32(f32::decode(bytes)?),
        Type::F64 => Parts::F64(f64::decode(bytes)?),
        Type::Char => Parts::Char(char::decode(bytes)?),
        Type::String => {
            let text = decode_str(bytes)?;
            charge(room, text.len())?;
            Parts::String(text.into())
        }
        Type::List(element) => {
            let count = take_length(bytes)?;
            charge(room, count.saturating_mul(size_of::<R::Value>()))?;
            if **element == Type::U8 {
                let octets = take(bytes, count)?.iter().map(|octet| R::make(Parts::U8(*octet)));
                return Ok(R::make(Parts::List(octets.collect())));
            }
            let mut values = Vec::with_capacity(count.min(ELEMENTS_AHEAD_MAX));
            for _ in 0..count {
                values.push(decode_at::<R>(element, bytes, room, depth).map_err(|e| e.inside(Segment::Element))?);
            }
            Parts::List(values)
        }
        Type::Option(some) => match u8::decode(bytes)? {
            0 => Parts::Option(None),
            1 => {
                charge(room, size_of::<R::Value>())?;
                let value = decode_at::<R>(some, bytes, room, depth).map_err(|e| e.inside(Segment::Some))?;
                Parts::Option(Some(Box::new(value)))
            }
            _ => return Err(malformed("neither none nor some")),
        },
        Type::Result { ok, err } => match u8::decode(bytes)? {
            0 => {
                let payload = decode_payload::<R>(ok.as_deref(), bytes, room, depth);
                Parts::Result(Ok(payload.map_err(|e| e.inside(Segment::Ok))?))
            }
            1 => {
                let payload = decode_payload::<R>(err.as_deref(), bytes, room, depth);
                Parts::Result(Err(payload.map_err(|e| e.inside(Segment::Err))?))
            }
            _ => return Err(malformed("neither ok nor err")),
        },
        Type::Tuple(types) => {
            charge(room, types.len() * size_of::<R::Value>())?;
            let mut values = Vec::with_capacity(types.len());
            for (index, ty) in types.iter().enumerate() {
                values.push(decode_at::<R>(ty, bytes, room, depth).map_err(|e| e.inside(Segment::Item(index)))?);
            }
            Parts::Tuple(values)
        }
        Type::Record(fields) => {
            let mut values = Vec::with_capacity(fields.len());
            for field in fields {
                charge(room, field_bytes::<R>(&field.name))?;
                let value = decode_at::<R>(&field.ty, bytes, room, depth)
                    .map_err(|e| e.inside(Segment::Field(field.name.clone())))?;
                values.push((field.name.clone(), value));
            }
            Parts::Record(values)
        }
        Type::Variant(cases) => {
            let Case { name, ty } = take_case(cases, bytes)?;
            charge(room, name.len())?;
            let payload = decode_payload::<R>(ty.as_ref(), bytes, room, depth);
            Parts::Variant(name.clone(), payload.map_err(|e| e.inside(Segment::Case(name.clone())))?)
        }
        Type::Enum(names) => {
            let name = take_case(names, bytes)?;
            charge(room, name.len())?;
            Parts::Enum(name.clone())
        }
        Type::Flags(names) => {
            let set = take_flags(names.len(), bytes)?.map(|index| &names[index]);
            let set = set.map(|name| charge(room, size_of::<String>() + name.len()).map(|()| name.clone()));
            Parts::Flags(set.collect::<Result<_, _>>()?)
        }
    };
    Ok(R::make(parts))
}

fn decode_payload<R: Repr>(
    ty: Option<&Type>,
    bytes: &mut &[u8],
    room: &mut usize,
    depth: usize,
) -> Result<Option<Box<R::Value>>, CodecError> {
    let Some(ty) = ty else { return Ok(None) };
    charge(room, size_of::<R::Value>())?;
    decode_at::<R>(ty, bytes, room, depth).map(|value| Some(Box::new(value)))
}

pub(crate) fn take_case<'a, T>(cases: &'a [T], bytes: &mut &[u8]) -> Result<&'a T, CodecError> {
    let index = u32::decode(bytes)?;
    cases.get(index as usize).ok_or_else(|| malformed("no such case"))
}

/// The flags that are set, by index.
pub(crate) fn take_flags(count: usize, bytes: &mut &[u8]) -> Result<impl Iterator<Item = usize>, CodecError> {
    let bits = take(bytes, count.div_ceil(8))?;
    let is_set = move |index: &usize| bits[index / 8] & (1 << (index % 8)) != 0;
    if (count..bits.len() * 8).any(|index| is_set(&index)) {
        return Err(malformed("a bit beyond the last flag"));
    }
    Ok((0..count).filter(is_set))
}

/// What a field of a record takes.
pub(crate) fn field_bytes<R: Repr>(name: &str) -> usize {
    size_of::<(String, R::Value)>() + name.len()
}

/// Takes something off the room that is left.
pub(crate) fn charge(room: &mut usize, bytes: usize) -> Result<(), CodecError> {
    *room = room.checked_sub(bytes).ok_or(CodecError::NoRoom)?;
    Ok(())
}
