//! Values as bytes: the postcard wire format, directed by the WIT type.
//!
//! ```text
//! bool                    1 byte, 0 or 1
//! u8, s8                  1 byte
//! u16 … u64               varint (LEB128)
//! s16 … s64               varint of the zigzag form
//! f32, f64                little-endian bits; every NaN has one form
//! char, string, list<u8>  varint length in bytes, then UTF-8 or the bytes
//! list<T>                 varint count, then the elements
//! option                  0, or 1 and the value
//! result                  0 and what `ok` carries, or 1 and what `err` carries
//! variant, enum           varint index of the case, then its payload
//! tuple, record           items or fields in the order of the type
//! flags                   one bit a flag in the order of the type, lowest first, in ⌈n / 8⌉ bytes
//! ```
//!
//! A stored value is the varint number of its schema, then this. Decoding accepts exactly what encoding makes, so equal
//! values have equal bytes: no longer form of a varint, no other NaN, no bit beyond the last flag.

mod scalar;

pub use scalar::Scalar;
pub(crate) use scalar::{malformed, put_varint, take, take_varint};

use crate::limits::{ELEMENTS_AHEAD_MAX, TYPE_DEPTH_MAX};
use crate::types::{Case, Path, Segment, Type};
use crate::value::{Parts, Repr, View};

/// Why a value cannot be encoded, or bytes not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The value does not belong to the type.
    #[error("{path}: expected a value of `{expected}`")]
    Mismatch {
        /// Where.
        path: Path,
        /// The type that was expected, as WIT.
        expected: String,
    },
    /// Bytes that no value of the type encodes to.
    #[error("{path}: {what}")]
    Malformed {
        /// Where.
        path: Path,
        /// What is wrong.
        what: &'static str,
    },
    /// Bytes left over after the value.
    #[error("{count} bytes left after the value")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// A type nested deeper than [`TYPE_DEPTH_MAX`].
    #[error("nested deeper than {TYPE_DEPTH_MAX} levels")]
    TooDeep,
}

/// Appends the encoding of a value.
pub fn encode<R: Repr>(ty: &Type, value: &R::Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    encode_at::<R>(ty, value, out, TYPE_DEPTH_MAX)
}

/// Reads one value from the front of `bytes`.
pub fn decode<R: Repr>(ty: &Type, bytes: &mut &[u8]) -> Result<R::Value, CodecError> {
    decode_at::<R>(ty, bytes, TYPE_DEPTH_MAX)
}

/// Reads a value that is all of `bytes`.
pub fn decode_whole<R: Repr>(ty: &Type, mut bytes: &[u8]) -> Result<R::Value, CodecError> {
    let value = decode::<R>(ty, &mut bytes)?;
    finish(bytes)?;
    Ok(value)
}

/// Refuses bytes left over after a value.
pub fn finish(rest: &[u8]) -> Result<(), CodecError> {
    match rest.len() {
        0 => Ok(()),
        count => Err(CodecError::Trailing { count }),
    }
}

/// Appends the schema number that starts every stored value.
pub fn encode_schema(schema: u32, out: &mut Vec<u8>) {
    schema.encode(out);
}

/// Reads the schema number from the front of a stored value.
pub fn decode_schema(bytes: &mut &[u8]) -> Result<u32, CodecError> {
    u32::decode(bytes)
}

/// Appends a `string`.
pub fn encode_str(text: &str, out: &mut Vec<u8>) {
    encode_bytes(text.as_bytes(), out);
}

/// Reads a `string`, borrowed.
pub fn decode_str<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, CodecError> {
    std::str::from_utf8(decode_bytes(bytes)?).map_err(|_| malformed("no UTF-8"))
}

/// Appends a `list<u8>`.
pub fn encode_bytes(content: &[u8], out: &mut Vec<u8>) {
    put_varint(content.len() as u64, out);
    out.extend_from_slice(content);
}

/// Reads a `list<u8>`, borrowed.
pub fn decode_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], CodecError> {
    let length = take_length(bytes)?;
    take(bytes, length)
}

fn encode_at<R: Repr>(ty: &Type, value: &R::Value, out: &mut Vec<u8>, depth: usize) -> Result<(), CodecError> {
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
            for value in values {
                encode_at::<R>(element, value, out, depth).map_err(|e| e.inside(Segment::Element))?;
            }
        }
        (Type::Option(_), View::Option(None)) => out.push(0),
        (Type::Option(some), View::Option(Some(value))) => {
            out.push(1);
            encode_at::<R>(some, value, out, depth).map_err(|e| e.inside(Segment::Some))?;
        }
        (Type::Result { ok, .. }, View::Result(Ok(value))) => {
            out.push(0);
            encode_payload::<R>(ok.as_deref(), value, out, depth).map_err(|e| e.inside(Segment::Ok))?;
        }
        (Type::Result { err, .. }, View::Result(Err(value))) => {
            out.push(1);
            encode_payload::<R>(err.as_deref(), value, out, depth).map_err(|e| e.inside(Segment::Err))?;
        }
        (Type::Tuple(types), View::Tuple(values)) if types.len() == values.len() => {
            for (index, (ty, value)) in types.iter().zip(values).enumerate() {
                encode_at::<R>(ty, value, out, depth).map_err(|e| e.inside(Segment::Item(index)))?;
            }
        }
        (Type::Record(fields), View::Record(values)) if fields.len() == values.len() => {
            for (field, (name, value)) in fields.iter().zip(values) {
                if field.name != *name {
                    return Err(mismatch(ty));
                }
                encode_at::<R>(&field.ty, value, out, depth)
                    .map_err(|e| e.inside(Segment::Field(field.name.clone())))?;
            }
        }
        (Type::Variant(cases), View::Variant(name, value)) => {
            let index = cases.iter().position(|case| case.name == name).ok_or_else(|| mismatch(ty))?;
            put_varint(index as u64, out);
            encode_payload::<R>(cases[index].ty.as_ref(), value, out, depth)
                .map_err(|e| e.inside(Segment::Case(name.into())))?;
        }
        (Type::Enum(names), View::Enum(name)) => {
            let index = names.iter().position(|n| n == name).ok_or_else(|| mismatch(ty))?;
            put_varint(index as u64, out);
        }
        (Type::Flags(names), View::Flags(set)) => {
            let start = out.len();
            out.resize(start + names.len().div_ceil(8), 0);
            for flag in set {
                let index = names.iter().position(|name| name == flag).ok_or_else(|| mismatch(ty))?;
                out[start + index / 8] |= 1 << (index % 8);
            }
        }
        _ => return Err(mismatch(ty)),
    }
    Ok(())
}

fn encode_payload<R: Repr>(
    ty: Option<&Type>,
    value: Option<&R::Value>,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), CodecError> {
    match (ty, value) {
        (Some(ty), Some(value)) => encode_at::<R>(ty, value, out, depth),
        (None, None) => Ok(()),
        (Some(ty), None) => Err(mismatch(ty)),
        (None, Some(_)) => Err(CodecError::Mismatch { path: Path::default(), expected: "_".into() }),
    }
}

fn decode_at<R: Repr>(ty: &Type, bytes: &mut &[u8], depth: usize) -> Result<R::Value, CodecError> {
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
        Type::String => Parts::String(decode_str(bytes)?.into()),
        Type::List(element) => {
            let count = take_length(bytes)?;
            let mut values = Vec::with_capacity(count.min(ELEMENTS_AHEAD_MAX));
            for _ in 0..count {
                values.push(decode_at::<R>(element, bytes, depth).map_err(|e| e.inside(Segment::Element))?);
            }
            Parts::List(values)
        }
        Type::Option(some) => match u8::decode(bytes)? {
            0 => Parts::Option(None),
            1 => {
                let value = decode_at::<R>(some, bytes, depth).map_err(|e| e.inside(Segment::Some))?;
                Parts::Option(Some(Box::new(value)))
            }
            _ => return Err(malformed("neither none nor some")),
        },
        Type::Result { ok, err } => match u8::decode(bytes)? {
            0 => {
                let payload = decode_payload::<R>(ok.as_deref(), bytes, depth);
                Parts::Result(Ok(payload.map_err(|e| e.inside(Segment::Ok))?))
            }
            1 => {
                let payload = decode_payload::<R>(err.as_deref(), bytes, depth);
                Parts::Result(Err(payload.map_err(|e| e.inside(Segment::Err))?))
            }
            _ => return Err(malformed("neither ok nor err")),
        },
        Type::Tuple(types) => {
            let mut values = Vec::with_capacity(types.len());
            for (index, ty) in types.iter().enumerate() {
                values.push(decode_at::<R>(ty, bytes, depth).map_err(|e| e.inside(Segment::Item(index)))?);
            }
            Parts::Tuple(values)
        }
        Type::Record(fields) => {
            let mut values = Vec::with_capacity(fields.len());
            for field in fields {
                let value = decode_at::<R>(&field.ty, bytes, depth)
                    .map_err(|e| e.inside(Segment::Field(field.name.clone())))?;
                values.push((field.name.clone(), value));
            }
            Parts::Record(values)
        }
        Type::Variant(cases) => {
            let Case { name, ty } = take_case(cases, bytes)?;
            let payload = decode_payload::<R>(ty.as_ref(), bytes, depth);
            Parts::Variant(name.clone(), payload.map_err(|e| e.inside(Segment::Case(name.clone())))?)
        }
        Type::Enum(names) => Parts::Enum(take_case(names, bytes)?.clone()),
        Type::Flags(names) => Parts::Flags(take_flags(names, bytes)?),
    };
    Ok(R::make(parts))
}

fn decode_payload<R: Repr>(
    ty: Option<&Type>,
    bytes: &mut &[u8],
    depth: usize,
) -> Result<Option<Box<R::Value>>, CodecError> {
    ty.map(|ty| decode_at::<R>(ty, bytes, depth).map(Box::new)).transpose()
}

/// A count of bytes or elements. Every WIT value takes at least one byte, so a count beyond the bytes left is false.
fn take_length(bytes: &mut &[u8]) -> Result<usize, CodecError> {
    let length = take_varint(bytes, 64)?;
    match usize::try_from(length) {
        Ok(length) if length <= bytes.len() => Ok(length),
        _ => Err(malformed("a length beyond the end of the bytes")),
    }
}

fn take_case<'a, T>(cases: &'a [T], bytes: &mut &[u8]) -> Result<&'a T, CodecError> {
    let index = u32::decode(bytes)?;
    cases.get(index as usize).ok_or_else(|| malformed("no such case"))
}

fn take_flags(names: &[String], bytes: &mut &[u8]) -> Result<Vec<String>, CodecError> {
    let bits = take(bytes, names.len().div_ceil(8))?;
    let is_set = |index: &usize| bits[index / 8] & (1 << (index % 8)) != 0;
    if (names.len()..bits.len() * 8).any(|index| is_set(&index)) {
        return Err(malformed("a bit beyond the last flag"));
    }
    Ok((0..names.len()).filter(is_set).map(|index| names[index].clone()).collect())
}

fn mismatch(ty: &Type) -> CodecError {
    CodecError::Mismatch { path: Path::default(), expected: ty.to_string() }
}

impl CodecError {
    /// The same error, seen from one type further out.
    pub(crate) fn inside(mut self, segment: Segment) -> CodecError {
        if let CodecError::Mismatch { path, .. } | CodecError::Malformed { path, .. } = &mut self {
            path.0.insert(0, segment);
        }
        self
    }
}
