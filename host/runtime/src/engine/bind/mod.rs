//! The functions of imported collections, defined in a linker.
//!
//! Keys and values of the common types ([`Native`]) are bound by typed functions, everything else by reflection.
//! A table of macros picks the typed binding, so that each function stands here once, whatever its types.

mod reflected;
mod typed;

use std::sync::Arc;

use stead_schema::key::KeyError;
use stead_schema::{Operation, Type};
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::collection::{Collection, Entries, Use};
use super::fault::Fault;
use super::instance::Context;
use super::native::{Number, Octets, Text};

/// Defines one function of a collection.
pub(super) fn define(
    linker: &mut LinkerInstance<'_, Context>,
    name: &str,
    operation: Operation,
    collection: &Arc<Collection>,
) -> wasmtime::Result<()> {
    let function = Function { name, operation, collection };
    match operation {
        Operation::Value | Operation::Add => typed::counter(linker, function),
        Operation::Len | Operation::Clear | Operation::First | Operation::End | Operation::TruncateBefore => {
            typed::plain(linker, function)
        }
        _ => by_types(linker, function),
    }
}

/// A function to be defined.
#[derive(Clone, Copy)]
struct Function<'a> {
    name: &'a str,
    operation: Operation,
    collection: &'a Arc<Collection>,
}

/// Runs `$body` with `$T` naming the native type of a schema type, or `$other` if it has none.
macro_rules! native {
    ($ty:expr, $T:ident => $body:expr, $other:expr) => {
        match $ty {
            Some(Type::String) => {
                type $T = Text;
                $body
            }
            Some(Type::U32) => {
                type $T = Number<u32>;
                $body
            }
            Some(Type::U64) => {
                type $T = Number<u64>;
                $body
            }
            Some(Type::S64) => {
                type $T = Number<i64>;
                $body
            }
            Some(ty) if ty.is_bytes() => {
                type $T = Octets;
                $body
            }
            _ => $other,
        }
    };
}

fn by_types(linker: &mut LinkerInstance<'_, Context>, function: Function<'_>) -> wasmtime::Result<()> {
    let Collection { key, value, .. } = &**function.collection;
    let (key, value) = (key.as_ref(), value.as_ref());
    match (function.operation, key) {
        (Operation::At | Operation::Read | Operation::Append, _) => {
            native!(value, V => typed::log::<V>(linker, function), reflected::define(linker, function))
        }
        (Operation::Get | Operation::Set, None) => {
            native!(value, V => typed::cell::<V>(linker, function), reflected::define(linker, function))
        }
        (Operation::Contains, _)
        | (Operation::Remove(stead_schema::RemoveResult::Nothing | stead_schema::RemoveResult::Existed), _) => {
            native!(key, K => typed::keys::<K>(linker, function), reflected::define(linker, function))
        }
        _ => native!(
            key,
            K => native!(value, V => typed::map::<K, V>(linker, function), reflected::define(linker, function)),
            reflected::define(linker, function)
        ),
    }
}

/// The entries of a collection within the call that the store runs.
fn entries<'a>(
    store: &'a mut StoreContextMut<'_, Context>,
    collection: &'a Collection,
    how: Use,
) -> Result<Entries<'a>, Fault> {
    store.data_mut().entries(collection, how)
}

fn key_fault(collection: &Collection, error: KeyError) -> Fault {
    let name = &collection.name;
    match error {
        KeyError::TooLong { length } => Fault::Limit(format!(
            "a key of {length} bytes for collection {name}; at most {} are allowed",
            crate::limits::KEY_BYTES_MAX
        )),
        error => Fault::Host(format!("a key for collection {name}: {error}")),
    }
}
