//! Types whose keys and values go through typed functions.

use std::marker::PhantomData;

use stead_schema::codec::{self, CodecError, Scalar};
use stead_schema::key::{self, KeyError, ScalarKey};
use stead_schema::{Parts, Value};
use wasmtime::StoreContextMut;
use wasmtime::component::{Lift, Lower, WasmList, WasmStr};

use super::collection::{Collection, value_too_large};
use super::instance::Context;

/// A type whose values go through typed functions: no `Val`, and bytes are copied once.
pub(super) trait Native: 'static {
    /// As it comes from the guest; may borrow its memory through the store.
    type In: Lift + Send + Sync + 'static;
    /// As it goes to the guest.
    type Out: Lower + Send + Sync + 'static;

    /// Appends the encoding of a value for a collection.
    fn encode(
        given: &Self::In,
        store: &StoreContextMut<'_, Context>,
        collection: &Collection,
        out: &mut Vec<u8>,
    ) -> wasmtime::Result<()>;

    /// Reads a value that is all of `body`.
    fn decode(body: &[u8]) -> Result<Self::Out, CodecError>;

    /// The same value in another representation; none if it has another type.
    fn from_value(value: Value) -> Option<Self::Out>;
}

/// A [`Native`] type that can be a key.
pub(super) trait NativeKey: Native {
    /// Appends the encoding of a key.
    fn encode_key(
        given: &Self::In,
        store: &StoreContextMut<'_, Context>,
        out: &mut Vec<u8>,
    ) -> wasmtime::Result<Result<(), KeyError>>;

    /// Reads a key from the front of `encoded`.
    fn decode_key(encoded: &mut &[u8]) -> Result<Self::Out, KeyError>;
}

/// `string`
pub(super) struct Text;
/// `list<u8>`
pub(super) struct Octets;
/// An integer.
pub(super) struct Number<T>(PhantomData<fn() -> T>);

impl Native for Text {
    type In = WasmStr;
    type Out = String;

    fn encode(
        given: &WasmStr,
        store: &StoreContextMut<'_, Context>,
        collection: &Collection,
        out: &mut Vec<u8>,
    ) -> wasmtime::Result<()> {
        let text = given.to_str(store)?;
        check_size(text.len(), store, collection)?;
        codec::encode_str(&text, out);
        Ok(())
    }

    fn decode(mut body: &[u8]) -> Result<String, CodecError> {
        let text = codec::decode_str(&mut body)?;
        whole(body).map(|()| text.to_owned())
    }

    fn from_value(value: Value) -> Option<String> {
        match value.0 {
            Parts::String(text) => Some(text),
            _ => None,
        }
    }
}

impl NativeKey for Text {
    fn encode_key(
        given: &WasmStr,
        store: &StoreContextMut<'_, Context>,
        out: &mut Vec<u8>,
    ) -> wasmtime::Result<Result<(), KeyError>> {
        Ok(key::encode_str(&given.to_str(store)?, out))
    }

    fn decode_key(encoded: &mut &[u8]) -> Result<String, KeyError> {
        key::decode_str(encoded)
    }
}

impl Native for Octets {
    type In = WasmList<u8>;
    type Out = Vec<u8>;

    fn encode(
        given: &WasmList<u8>,
        store: &StoreContextMut<'_, Context>,
        collection: &Collection,
        out: &mut Vec<u8>,
    ) -> wasmtime::Result<()> {
        check_size(given.len(), store, collection)?;
        codec::encode_bytes(given.as_le_slice(store), out);
        Ok(())
    }

    fn decode(mut body: &[u8]) -> Result<Vec<u8>, CodecError> {
        let bytes = codec::decode_bytes(&mut body)?;
        whole(body).map(|()| bytes.to_owned())
    }

    fn from_value(value: Value) -> Option<Vec<u8>> {
        value.as_bytes()
    }
}

impl NativeKey for Octets {
    fn encode_key(
        given: &WasmList<u8>,
        store: &StoreContextMut<'_, Context>,
        out: &mut Vec<u8>,
    ) -> wasmtime::Result<Result<(), KeyError>> {
        Ok(key::encode_bytes(given.as_le_slice(store), out))
    }

    fn decode_key(encoded: &mut &[u8]) -> Result<Vec<u8>, KeyError> {
        key::decode_bytes(encoded)
    }
}

/// Integers of the schema that are also numbers of a component.
pub(super) trait Integer: Scalar + ScalarKey + Lift + Lower + Send + Sync + 'static {
    fn from_parts(parts: Parts<Value>) -> Option<Self>;
}

macro_rules! integer {
    ($($native:ty => $part:ident),*) => {$(
        impl Integer for $native {
            fn from_parts(parts: Parts<Value>) -> Option<$native> {
                match parts {
                    Parts::$part(number) => Some(number),
                    _ => None,
                }
            }
        }
    )*};
}

integer!(u8 => U8, u16 => U16, u32 => U32, u64 => U64, i8 => S8, i16 => S16, i32 => S32, i64 => S64);

impl<T: Integer> Native for Number<T> {
    type In = T;
    type Out = T;

    fn encode(given: &T, _: &StoreContextMut<'_, Context>, _: &Collection, out: &mut Vec<u8>) -> wasmtime::Result<()> {
        Scalar::encode(*given, out);
        Ok(())
    }

    fn decode(mut body: &[u8]) -> Result<T, CodecError> {
        let number = <T as Scalar>::decode(&mut body)?;
        whole(body).map(|()| number)
    }

    fn from_value(value: Value) -> Option<T> {
        T::from_parts(value.0)
    }
}

impl<T: Integer> NativeKey for Number<T> {
    fn encode_key(
        given: &T,
        _: &StoreContextMut<'_, Context>,
        out: &mut Vec<u8>,
    ) -> wasmtime::Result<Result<(), KeyError>> {
        given.encode_key(out);
        Ok(Ok(()))
    }

    fn decode_key(encoded: &mut &[u8]) -> Result<T, KeyError> {
        T::decode_key(encoded)
    }
}

/// Asked before a value is copied out of the guest.
fn check_size(bytes: usize, store: &StoreContextMut<'_, Context>, collection: &Collection) -> wasmtime::Result<()> {
    let limits = store.data().limits();
    match bytes > limits.value_bytes_max {
        true => Err(value_too_large(&collection.name, bytes, limits).into()),
        false => Ok(()),
    }
}

fn whole(rest: &[u8]) -> Result<(), CodecError> {
    match rest.len() {
        0 => Ok(()),
        count => Err(CodecError::Trailing { count }),
    }
}
