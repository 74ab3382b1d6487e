//! Keys as bytes: their order is the natural order of the WIT values, and no key is a prefix of another.

use crate::codec::CodecError;
use crate::types::{Path, Type};
use crate::value::Repr;

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
    /// Longer than [`KEY_BYTES_MAX`](crate::limits::KEY_BYTES_MAX) once encoded.
    #[error(
        "a key of {length} bytes; at most {} are allowed",
        crate::limits::KEY_BYTES_MAX
    )]
    TooLong {
        /// Its encoded length.
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
    let _ = ty;
    todo!()
}

/// Appends the encoding of a key.
pub fn encode<R: Repr>(ty: &Type, value: &R::Value, out: &mut Vec<u8>) -> Result<(), KeyError> {
    let _ = (ty, value, out);
    todo!()
}

/// Reads one key from the front of `bytes`.
pub fn decode<R: Repr>(ty: &Type, bytes: &mut &[u8]) -> Result<R::Value, KeyError> {
    let _ = (ty, bytes);
    todo!()
}

/// Appends a `string` key.
pub fn encode_str(text: &str, out: &mut Vec<u8>) -> Result<(), KeyError> {
    encode_bytes(text.as_bytes(), out)
}

/// Reads a `string` key.
pub fn decode_str(bytes: &mut &[u8]) -> Result<String, KeyError> {
    let _ = bytes;
    todo!()
}

/// Appends a `list<u8>` key.
pub fn encode_bytes(content: &[u8], out: &mut Vec<u8>) -> Result<(), KeyError> {
    let _ = (content, out);
    todo!()
}

/// Reads a `list<u8>` key.
pub fn decode_bytes(bytes: &mut &[u8]) -> Result<Vec<u8>, KeyError> {
    let _ = bytes;
    todo!()
}

/// A native type that can be a key by itself: bool, integers and char.
pub trait ScalarKey: crate::codec::Scalar {
    /// Appends a key.
    fn encode_key(self, out: &mut Vec<u8>);
    /// Reads one key from the front of `bytes`.
    fn decode_key(bytes: &mut &[u8]) -> Result<Self, KeyError>;
}

macro_rules! todo_scalar {
    ($($native:ty),*) => {$(
        impl ScalarKey for $native {
            fn encode_key(self, _: &mut Vec<u8>) { todo!() }
            fn decode_key(_: &mut &[u8]) -> Result<Self, KeyError> { todo!() }
        }
    )*};
}
todo_scalar!(bool, u8, u16, u32, u64, i8, i16, i32, i64, char);
