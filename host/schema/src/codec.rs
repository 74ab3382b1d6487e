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

mod decode;
mod encode;
mod scalar;

pub(crate) use decode::{charge, decode_at, field_bytes, take_case, take_flags};
pub use scalar::Scalar;
pub(crate) use scalar::{malformed, put_varint, take, take_varint};

use crate::limits::TYPE_DEPTH_MAX;
use crate::types::{Path, Segment, Type};
use crate::value::Repr;

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
    /// More than was allowed to [`decode_within`].
    #[error("the value takes more memory than it may")]
    NoRoom,
}

/// Appends the encoding of a value.
pub fn encode<R: Repr>(ty: &Type, value: &R::Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    encode::encode_at::<R>(ty, value, out, &mut encode::Finder::default(), TYPE_DEPTH_MAX)
}

/// Reads one value from the front of `bytes`.
pub fn decode<R: Repr>(ty: &Type, bytes: &mut &[u8]) -> Result<R::Value, CodecError> {
    decode_within::<R>(ty, bytes, &mut { usize::MAX })
}

/// The same for a value that may take no more than `room` in memory, in bytes: an element of a `list<u8>` is one byte
/// here and may be forty once it is a value. What it takes is counted as wasmtime counts what comes from a guest (values
/// within others, names and text), and taken off `room`; past it, the error is [`CodecError::NoRoom`].
pub fn decode_within<R: Repr>(ty: &Type, bytes: &mut &[u8], room: &mut usize) -> Result<R::Value, CodecError> {
    decode_at::<R>(ty, bytes, room, TYPE_DEPTH_MAX)
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

/// A count of bytes or elements. Every WIT value takes at least one byte, so a count beyond the bytes left is false.
pub(crate) fn take_length(bytes: &mut &[u8]) -> Result<usize, CodecError> {
    let length = take_varint(bytes, 64)?;
    match usize::try_from(length) {
        Ok(length) if length <= bytes.len() => Ok(length),
        _ => Err(malformed("a length beyond the end of the bytes")),
    }
}

fn mismatch(ty: &Type) -> CodecError {
    CodecError::Mismatch { path: Path::default(), expected: ty.brief() }
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
