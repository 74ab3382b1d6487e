//! Types as bytes, in the ledger and under the fingerprint.
//!
//! ```text
//! type    tag u8, then by tag
//!         0–12  bool u8 u16 u32 u64 s8 s16 s32 s64 f32 f64 char string: nothing
//!         13    list: type           14  option: type
//!         15    result: payload, payload
//!         16    tuple: types         17  record: (name, type) …
//!         18    variant: (name, payload) …
//!         19    enum: names          20  flags: names
//! payload 0, or 1 and a type
//! lists   varint count, then the members;   names  varint length, then UTF-8
//! ```

use crate::codec::{CodecError, Scalar, decode_str, encode_str, malformed, put_varint, take_varint};
use crate::limits::{ELEMENTS_AHEAD_MAX, TYPE_DEPTH_MAX};
use crate::types::{Case, Field, Type};

const PRIMITIVES: [Type; 13] = [
    Type::Bool,
    Type::U8,
    Type::U16,
    Type::U32,
    Type::U64,
    Type::S8,
    Type::S16,
    Type::S32,
    Type::S64,
    Type::F32,
    Type::F64,
    Type::Char,
    Type::String,
];

impl Type {
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        if let Some(tag) = PRIMITIVES.iter().position(|primitive| primitive == self) {
            return out.push(tag as u8);
        }
        match self {
            Type::List(element) => {
                out.push(13);
                element.encode(out);
            }
            Type::Option(some) => {
                out.push(14);
                some.encode(out);
            }
            Type::Result { ok, err } => {
                out.push(15);
                encode_payload(ok.as_deref(), out);
                encode_payload(err.as_deref(), out);
            }
            Type::Tuple(items) => encode_members(16, items, out, |item, out| item.encode(out)),
            Type::Record(fields) => encode_members(17, fields, out, |field, out| {
                encode_str(&field.name, out);
                field.ty.encode(out);
            }),
            Type::Variant(cases) => encode_members(18, cases, out, |case, out| {
                encode_str(&case.name, out);
                encode_payload(case.ty.as_ref(), out);
            }),
            Type::Enum(names) => encode_members(19, names, out, |name, out| encode_str(name, out)),
            Type::Flags(names) => encode_members(20, names, out, |name, out| encode_str(name, out)),
            _ => unreachable!("every primitive type has its tag"),
        }
    }
}

pub(crate) fn encode_payload(ty: Option<&Type>, out: &mut Vec<u8>) {
    ty.is_some().encode(out);
    if let Some(ty) = ty {
        ty.encode(out);
    }
}

pub(crate) fn decode_payload(bytes: &mut &[u8]) -> Result<Option<Type>, CodecError> {
    payload_at(bytes, TYPE_DEPTH_MAX)
}

fn encode_members<T>(tag: u8, members: &[T], out: &mut Vec<u8>, encode: impl Fn(&T, &mut Vec<u8>)) {
    out.push(tag);
    put_varint(members.len() as u64, out);
    members.iter().for_each(|member| encode(member, out));
}

fn decode_at(bytes: &mut &[u8], depth: usize) -> Result<Type, CodecError> {
    let depth = depth.checked_sub(1).ok_or(CodecError::TooDeep)?;
    let name = |bytes: &mut &[u8]| decode_str(bytes).map(str::to_owned);
    Ok(match u8::decode(bytes)? {
        tag if usize::from(tag) < PRIMITIVES.len() => PRIMITIVES[usize::from(tag)].clone(),
        13 => decode_at(bytes, depth)?.list(),
        14 => decode_at(bytes, depth)?.option(),
        15 => {
            Type::Result { ok: payload_at(bytes, depth)?.map(Box::new), err: payload_at(bytes, depth)?.map(Box::new) }
        }
        16 => Type::Tuple(decode_members(bytes, |bytes| decode_at(bytes, depth))?),
        17 => {
            Type::Record(decode_members(bytes, |bytes| Ok(Field { name: name(bytes)?, ty: decode_at(bytes, depth)? }))?)
        }
        18 => Type::Variant(decode_members(bytes, |bytes| {
            Ok(Case { name: name(bytes)?, ty: payload_at(bytes, depth)? })
        })?),
        19 => Type::Enum(decode_members(bytes, name)?),
        20 => Type::Flags(decode_members(bytes, name)?),
        _ => return Err(malformed("no such tag of a type")),
    })
}

fn payload_at(bytes: &mut &[u8], depth: usize) -> Result<Option<Type>, CodecError> {
    bool::decode(bytes)?.then(|| decode_at(bytes, depth)).transpose()
}

fn decode_members<T>(
    bytes: &mut &[u8],
    decode: impl Fn(&mut &[u8]) -> Result<T, CodecError>,
) -> Result<Vec<T>, CodecError> {
    let count = take_varint(bytes, 32)? as usize;
    let mut members = Vec::with_capacity(count.min(ELEMENTS_AHEAD_MAX));
    for _ in 0..count {
        members.push(decode(bytes)?);
    }
    Ok(members)
}
