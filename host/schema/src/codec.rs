//! Values as bytes: the postcard wire format, directed by the WIT type.

use crate::types::{Path, Type};
use crate::value::Repr;

/// Why a value cannot be encoded, or bytes not decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// The value does not belong to the type.
    #[error("{path}: expected `{expected}`")]
    Mismatch {
        /// Where.
        path: Path,
        /// The type that was expected.
        expected: String,
    },
    /// The bytes end too early.
    #[error("the bytes end within a value")]
    Truncated,
    /// Bytes that no value of the type encodes to.
    #[error("byte {at} from the end: {what}")]
    Malformed {
        /// How many bytes from the end of the input.
        at: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Bytes left over after the value.
    #[error("{count} bytes after the value")]
    Trailing {
        /// How many.
        count: usize,
    },
    /// Type or value nested too deep.
    #[error("nested too deep")]
    TooDeep,
}

/// Appends the encoding of a value.
pub fn encode<R: Repr>(ty: &Type, value: &R::Value, out: &mut Vec<u8>) -> Result<(), CodecError> {
    let _ = (ty, value, out);
    todo!()
}

/// Reads one value from the front of `bytes`.
pub fn decode<R: Repr>(ty: &Type, bytes: &mut &[u8]) -> Result<R::Value, CodecError> {
    let _ = (ty, bytes);
    todo!()
}

/// Reads a value that is all of `bytes`.
pub fn decode_whole<R: Repr>(ty: &Type, bytes: &[u8]) -> Result<R::Value, CodecError> {
    let _ = (ty, bytes);
    todo!()
}

/// Appends the schema number that starts every stored value.
pub fn encode_schema(schema: u32, out: &mut Vec<u8>) {
    u32::encode(schema, out);
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
    let _ = bytes;
    todo!()
}

/// Appends a `list<u8>`.
pub fn encode_bytes(content: &[u8], out: &mut Vec<u8>) {
    let _ = (content, out);
    todo!()
}

/// Reads a `list<u8>`, borrowed.
pub fn decode_bytes<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], CodecError> {
    let _ = bytes;
    todo!()
}

/// A fixed native type that is encoded without a [`Type`] at hand: bool, integers, floats and char.
pub trait Scalar: Copy {
    /// Its WIT type.
    const TYPE: Type;
    /// Appends a value.
    fn encode(self, out: &mut Vec<u8>);
    /// Reads one value from the front of `bytes`.
    fn decode(bytes: &mut &[u8]) -> Result<Self, CodecError>;
}

macro_rules! todo_scalar {
    ($($native:ty => $ty:ident),*) => {$(
        impl Scalar for $native {
            const TYPE: Type = Type::$ty;
            fn encode(self, _: &mut Vec<u8>) { todo!() }
            fn decode(_: &mut &[u8]) -> Result<Self, CodecError> { todo!() }
        }
    )*};
}
todo_scalar!(bool => Bool, u8 => U8, u16 => U16, u32 => U32, u64 => U64, i8 => S8, i16 => S16, i32 => S32, i64 => S64,
    f32 => F32, f64 => F64, char => Char);
