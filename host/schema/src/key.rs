//! Keys as bytes: their order is the natural order of the WIT values, and no key is a prefix of another.
//!
//! ```text
//! bool                1 byte, 0 or 1
//! uN                  N bits, big-endian
//! sN                  N bits, big-endian, the sign bit flipped
//! char                4 bytes, its scalar value big-endian
//! string, list<u8>    the bytes with 00 written as 00 ff, then 00 00
//! enum                4 bytes, the index of the case big-endian
//! tuple, record       items or fields in the order of the type
//! ```
//!
//! UTF-8 keeps the order of scalar values, so strings sort by them. `00 00` ends a string below every longer one.

mod scalar;

pub use scalar::ScalarKey;

use crate::codec::{CodecError, charge, field_bytes, malformed, take};
use crate::limits::{KEY_BYTES_MAX, TYPE_DEPTH_MAX};
use crate::types::{Path, Segment, Type};
use crate::value::{Parts, Repr, View};

/// A type that cannot be a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path}: `{ty}` cannot be part of a key; a key is a bool, an integer, a char, a string, a list<u8>, an enum, or a \
     tuple or record of these"
)]
pub struct NotAKey {
    /// Where in the key type.
    pub path: Path,
    /// The type found there, as WIT.
    pub ty: String,
}

/// Why a key cannot be encoded or decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Longer than [`KEY_BYTES_MAX`] once encoded.
    #[error("an encoded key of {length} bytes or more; at most {KEY_BYTES_MAX} are allowed")]
    TooLong {
        /// How long it had become when it was refused.
        length: usize,
    },
    /// The value does not fit the type, or the bytes are no key.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The type cannot be a key.
    #[error(transparent)]
    NotAKey(#[from] NotAKey),
}

/// Whether a type can be a key.
pub fn check(ty: &Type) -> Result<(), NotAKey> {
    check_at(ty, &mut Path(vec![Segment::Key]))
}

/// Appends the encoding of a key.
pub fn encode<R: Repr>(ty: &Type, value: &R::Value, out: &mut Vec<u8>) -> Result<(), KeyError> {
    let start = out.len();
    encode_at::<R>(ty, value, out, TYPE_DEPTH_MAX)?;
    check_length(out.len() - start)
}

/// Reads one key from the front of `bytes`.
pub fn decode<R: Repr>(ty: &Type, bytes: &mut &[u8]) -> Result<R::Value, KeyError> {
    decode_within::<R>(ty, bytes, &mut { usize::MAX })
}

/// The same for a key that may take no more than `room` in memory: see [`crate::codec::decode_within`].
pub fn decode_within<R: Repr>(ty: &Type, bytes: &mut &[u8], room: &mut usize) -> Result<R::Value, KeyError> {
    decode_at::<R>(ty, bytes, room, TYPE_DEPTH_MAX)
}

/// Reads a key that is all of `bytes`.
pub fn decode_whole<R: Repr>(ty: &Type, mut bytes: &[u8]) -> Result<R::Value, KeyError> {
    let value = decode::<R>(ty, &mut bytes)?;
    crate::codec::finish(bytes)?;
    Ok(value)
}

/// Appends a `string` key.
pub fn encode_str(text: &str, out: &mut Vec<u8>) -> Result<(), KeyError> {
    encode_bytes(text.as_bytes(), out)
}

/// Reads a `string` key.
pub fn decode_str(bytes: &mut &[u8]) -> Result<String, KeyError> {
    let text = String::from_utf8(take_escaped(bytes)?);
    Ok(text.map_err(|_| malformed("no UTF-8"))?)
}

/// Appends a `list<u8>` key.
pub fn encode_bytes(content: &[u8], out: &mut Vec<u8>) -> Result<(), KeyError> {
    let start = out.len();
    put_escaped(content.iter().copied(), content.len(), out)?;
    check_length(out.len() - start)
}

/// Reads a `list<u8>` key.
pub fn decode_bytes(bytes: &mut &[u8]) -> Result<Vec<u8>, KeyError> {
    Ok(take_escaped(bytes)?)
}

fn check_at(ty: &Type, path: &mut Path) -> Result<(), NotAKey> {
    match ty {
        Type::F32 | Type::F64 | Type::Option(_) | Type::Result { .. } | Type::Variant(_) | Type::Flags(_) => {
            Err(not_a_key(ty, path))
        }
        Type::List(_) if !ty.is_bytes() => Err(not_a_key(ty, path)),
        Type::Tuple(_) | Type::Record(_) => {
            let mut parts = ty.parts().into_iter();
            parts.try_for_each(|(segment, part)| path.within(segment, |path| check_at(part, path)))
        }
        _ => Ok(()),
    }
}

fn encode_at<R: Repr>(ty: &Type, value: &R::Value, out: &mut Vec<u8>, depth: usize) -> Result<(), KeyError> {
    let depth = depth.checked_sub(1).ok_or(CodecError::TooDeep)?;
    match (ty, R::view(value)) {
        (Type::Bool, View::Bool(v)) => v.encode_key(out),
        (Type::U8, View::U8(v)) => v.encode_key(out),
        (Type::U16, View::U16(v)) => v.encode_key(out),
        (Type::U32, View::U32(v)) => v.encode_key(out),
        (Type::U64, View::U64(v)) => v.encode_key(out),
        (Type::S8, View::S8(v)) => v.encode_key(out),
        (Type::S16, View::S16(v)) => v.encode_key(out),
        (Type::S32, View::S32(v)) => v.encode_key(out),
        (Type::S64, View::S64(v)) => v.encode_key(out),
        (Type::Char, View::Char(v)) => v.encode_key(out),
        (Type::String, View::String(v)) => put_escaped(v.bytes(), v.len(), out)?,
        (Type::List(_), View::List(values)) if ty.is_bytes() => {
            let byte = |value| match R::view(value) {
                View::U8(byte) => Some(byte),
                _ => None,
            };
            if values.iter().any(|value| byte(value).is_none()) {
                return Err(mismatch(ty).into());
            }
            put_escaped(values.iter().filter_map(byte), values.len(), out)?;
        }
        (Type::Enum(names), View::Enum(name)) => {
            let index = names.iter().position(|n| n == name).ok_or_else(|| mismatch(ty))?;
            (index as u32).encode_key(out);
        }
        (Type::Tuple(types), View::Tuple(values)) if types.len() == values.len() => {
            for (index, (ty, value)) in types.iter().zip(values).enumerate() {
                encode_at::<R>(ty, value, out, depth).map_err(|e| e.inside(Segment::Item(index)))?;
            }
        }
        (Type::Record(fields), View::Record(values)) if fields.len() == values.len() => {
            for (field, (name, value)) in fields.iter().zip(values) {
                if field.name != *name {
                    return Err(mismatch(ty).into());
                }
                encode_at::<R>(&field.ty, value, out, depth)
                    .map_err(|e| e.inside(Segment::Field(field.name.clone())))?;
            }
        }
        _ => {
            check(ty)?;
            return Err(mismatch(ty).into());
        }
    }
    Ok(())
}

fn decode_at<R: Repr>(ty: &Type, bytes: &mut &[u8], room: &mut usize, depth: usize) -> Result<R::Value, KeyError> {
    let depth = depth.checked_sub(1).ok_or(CodecError::TooDeep)?;
    let parts = match ty {
        Type::Bool => Parts::Bool(bool::decode_key(bytes)?),
        Type::U8 => Parts::U8(u8::decode_key(bytes)?),
        Type::U16 => Parts::U16(u16::decode_key(bytes)?),
        Type::U32 => Parts::U32(u32::decode_key(bytes)?),
        Type::U64 => Parts::U64(u64::decode_key(bytes)?),
        Type::S8 => Parts::S8(i8::decode_key(bytes)?),
        Type::S16 => Parts::S16(i16::decode_key(bytes)?),
        Type::S32 => Parts::S32(i32::decode_key(bytes)?),
        Type::S64 => Parts::S64(i64::decode_key(bytes)?),
        Type::Char => Parts::Char(char::decode_key(bytes)?),
        Type::String => {
            let text = decode_str(bytes)?;
            charge(room, text.len())?;
            Parts::String(text)
        }
        Type::List(_) if ty.is_bytes() => {
            let byte = |byte| R::make(Parts::U8(byte));
            let content = take_escaped(bytes)?;
            charge(room, content.len().saturating_mul(size_of::<R::Value>()))?;
            Parts::List(content.into_iter().map(byte).collect())
        }
        Type::Enum(names) => {
            let index = u32::decode_key(bytes)?;
            let name = names.get(index as usize).ok_or_else(|| malformed("no such case"))?;
            charge(room, name.len())?;
            Parts::Enum(name.clone())
        }
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
        _ => return Err(not_a_key(ty, &Path(vec![Segment::Key])).into()),
    };
    Ok(R::make(parts))
}

/// Content that is longer than any key is refused before it is copied.
fn put_escaped(content: impl Iterator<Item = u8>, length: usize, out: &mut Vec<u8>) -> Result<(), KeyError> {
    check_length(length)?;
    for byte in content {
        out.push(byte);
        if byte == 0 {
            out.push(0xff);
        }
    }
    out.extend([0, 0]);
    Ok(())
}

fn take_escaped(bytes: &mut &[u8]) -> Result<Vec<u8>, CodecError> {
    let mut content = Vec::new();
    loop {
        let zero = bytes.iter().position(|byte| *byte == 0).ok_or_else(|| malformed("a text without an end"))?;
        content.extend_from_slice(take(bytes, zero)?);
        match take(bytes, 2)?[1] {
            0 => return Ok(content),
            0xff => content.push(0),
            _ => return Err(malformed("a zero byte that is neither content nor end")),
        }
    }
}

fn check_length(length: usize) -> Result<(), KeyError> {
    match length {
        0..=KEY_BYTES_MAX => Ok(()),
        length => Err(KeyError::TooLong { length }),
    }
}

fn not_a_key(ty: &Type, path: &Path) -> NotAKey {
    NotAKey { path: path.clone(), ty: ty.brief() }
}

fn mismatch(ty: &Type) -> CodecError {
    CodecError::Mismatch { path: Path::default(), expected: ty.brief() }
}

impl KeyError {
    fn inside(self, segment: Segment) -> KeyError {
        match self {
            KeyError::Codec(error) => KeyError::Codec(error.inside(segment)),
            other => other,
        }
    }
}
