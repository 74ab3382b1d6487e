//! The encodings of single numbers, and the varint beneath everything.

use super::{CodecError, decode_str, encode_str};
use crate::types::{Path, Type};

/// A native type that is encoded without a [`Type`] at hand: bool, integers, floats and char.
pub trait Scalar: Copy {
    /// Its WIT type.
    const TYPE: Type;
    /// Appends a value.
    fn encode(self, out: &mut Vec<u8>);
    /// Reads one value from the front of `bytes`.
    fn decode(bytes: &mut &[u8]) -> Result<Self, CodecError>;
}

impl Scalar for bool {
    const TYPE: Type = Type::Bool;

    fn encode(self, out: &mut Vec<u8>) {
        out.push(self.into());
    }

    fn decode(bytes: &mut &[u8]) -> Result<bool, CodecError> {
        match u8::decode(bytes)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(malformed("neither true nor false")),
        }
    }
}

impl Scalar for u8 {
    const TYPE: Type = Type::U8;

    fn encode(self, out: &mut Vec<u8>) {
        out.push(self);
    }

    fn decode(bytes: &mut &[u8]) -> Result<u8, CodecError> {
        Ok(take(bytes, 1)?[0])
    }
}

impl Scalar for i8 {
    const TYPE: Type = Type::S8;

    fn encode(self, out: &mut Vec<u8>) {
        self.cast_unsigned().encode(out);
    }

    fn decode(bytes: &mut &[u8]) -> Result<i8, CodecError> {
        Ok(u8::decode(bytes)?.cast_signed())
    }
}

macro_rules! varint_scalar {
    ($($unsigned:ident $unsigned_type:ident, $signed:ident $signed_type:ident;)*) => {$(
        impl Scalar for $unsigned {
            const TYPE: Type = Type::$unsigned_type;

            fn encode(self, out: &mut Vec<u8>) {
                put_varint(self.into(), out);
            }

            fn decode(bytes: &mut &[u8]) -> Result<$unsigned, CodecError> {
                let value = take_varint(bytes, $unsigned::BITS)?;
                $unsigned::try_from(value).map_err(|_| malformed("a number too large for its type"))
            }
        }

        impl Scalar for $signed {
            const TYPE: Type = Type::$signed_type;

            fn encode(self, out: &mut Vec<u8>) {
                let zigzag = (self << 1) ^ (self >> ($signed::BITS - 1));
                zigzag.cast_unsigned().encode(out);
            }

            fn decode(bytes: &mut &[u8]) -> Result<$signed, CodecError> {
                let zigzag = $unsigned::decode(bytes)?;
                Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
            }
        }
    )*};
}

varint_scalar! {
    u16 U16, i16 S16;
    u32 U32, i32 S32;
    u64 U64, i64 S64;
}

macro_rules! float_scalar {
    ($($float:ident $ty:ident $nan:literal;)*) => {$(
        impl Scalar for $float {
            const TYPE: Type = Type::$ty;

            fn encode(self, out: &mut Vec<u8>) {
                let canonical = if self.is_nan() { $float::from_bits($nan) } else { self };
                out.extend_from_slice(&canonical.to_le_bytes());
            }

            fn decode(bytes: &mut &[u8]) -> Result<$float, CodecError> {
                let bits = take(bytes, size_of::<$float>())?;
                let value = $float::from_le_bytes(bits.try_into().expect("the length was asked for"));
                if value.is_nan() && value.to_bits() != $nan {
                    return Err(malformed("a NaN that is not the canonical one"));
                }
                Ok(value)
            }
        }
    )*};
}

float_scalar! {
    f32 F32 0x7fc0_0000;
    f64 F64 0x7ff8_0000_0000_0000;
}

impl Scalar for char {
    const TYPE: Type = Type::Char;

    fn encode(self, out: &mut Vec<u8>) {
        encode_str(self.encode_utf8(&mut [0; 4]), out);
    }

    fn decode(bytes: &mut &[u8]) -> Result<char, CodecError> {
        let mut chars = decode_str(bytes)?.chars();
        match (chars.next(), chars.next()) {
            (Some(char), None) => Ok(char),
            _ => Err(malformed("not one char")),
        }
    }
}

pub(crate) fn malformed(what: &'static str) -> CodecError {
    CodecError::Malformed { path: Path::default(), what }
}

pub(crate) fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Result<&'a [u8], CodecError> {
    let (taken, rest) = bytes.split_at_checked(count).ok_or_else(|| malformed("the bytes end within the value"))?;
    *bytes = rest;
    Ok(taken)
}

pub(crate) fn put_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads a varint of at most `bits` bits, in its shortest form only.
pub(crate) fn take_varint(bytes: &mut &[u8], bits: u32) -> Result<u64, CodecError> {
    let mut value = 0;
    for shift in (0..bits).step_by(7) {
        let byte = u8::decode(bytes)?;
        let low = u64::from(byte & 0x7f);
        if (low << shift) >> shift != low {
            break;
        }
        value |= low << shift;
        if byte < 0x80 {
            return match byte {
                0 if shift > 0 => Err(malformed("a number not in its shortest form")),
                _ => Ok(value),
            };
        }
    }
    Err(malformed("a number too large for its type"))
}
