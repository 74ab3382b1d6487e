//! The keys of single numbers.

use super::KeyError;
use crate::codec::{Scalar, malformed, take};

/// A native type that can be a key by itself: bool, integers and char.
pub trait ScalarKey: Scalar {
    /// Appends a key.
    fn encode_key(self, out: &mut Vec<u8>);
    /// Reads one key from the front of `bytes`.
    fn decode_key(bytes: &mut &[u8]) -> Result<Self, KeyError>;
}

macro_rules! integer_key {
    ($($unsigned:ident $signed:ident),*) => {$(
        impl ScalarKey for $unsigned {
            fn encode_key(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_be_bytes());
            }

            fn decode_key(bytes: &mut &[u8]) -> Result<$unsigned, KeyError> {
                let taken = take(bytes, size_of::<$unsigned>())?;
                Ok($unsigned::from_be_bytes(taken.try_into().expect("the length was asked for")))
            }
        }

        impl ScalarKey for $signed {
            fn encode_key(self, out: &mut Vec<u8>) {
                (self ^ $signed::MIN).cast_unsigned().encode_key(out);
            }

            fn decode_key(bytes: &mut &[u8]) -> Result<$signed, KeyError> {
                Ok($unsigned::decode_key(bytes)?.cast_signed() ^ $signed::MIN)
            }
        }
    )*};
}

integer_key!(u8 i8, u16 i16, u32 i32, u64 i64);

impl ScalarKey for bool {
    fn encode_key(self, out: &mut Vec<u8>) {
        self.encode(out);
    }

    fn decode_key(bytes: &mut &[u8]) -> Result<bool, KeyError> {
        Ok(bool::decode(bytes)?)
    }
}

impl ScalarKey for char {
    fn encode_key(self, out: &mut Vec<u8>) {
        u32::from(self).encode_key(out);
    }

    fn decode_key(bytes: &mut &[u8]) -> Result<char, KeyError> {
        let scalar = u32::decode_key(bytes)?;
        Ok(char::from_u32(scalar).ok_or_else(|| malformed("no Unicode scalar value"))?)
    }
}
