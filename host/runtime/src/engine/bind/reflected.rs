//! Bindings by reflection, for every other type: one function body for each operation, directed by the schema's types.

use bytes::Bytes;
use stead_schema::codec::CodecError;
use stead_schema::key::KeyError;
use stead_schema::{Operation, RemoveResult, Type, codec, key};
use wasmtime::StoreContextMut;
use wasmtime::component::{LinkerInstance, Val};

use super::{Function, entries, key_fault};
use crate::engine::collection::{Collection, Room, Use, cell, log, map};
use crate::engine::fault::Fault;
use crate::engine::instance::Context;
use crate::engine::value::Reflected;

/// Room made for a key: most fit, and the others grow.
const KEY_BYTES: usize = 64;

/// Defines a function whose result, if it has one, is what `run` returns.
pub(super) fn define(linker: &mut LinkerInstance<'_, Context>, function: Function<'_>) -> wasmtime::Result<()> {
    let operation = function.operation;
    let collection = function.collection.clone();
    linker.func_new(function.name, move |mut store, _, params, results| {
        let result = run(operation, &collection, &mut store, params)?;
        if let (Some(place), Some(result)) = (results.first_mut(), result) {
            *place = result;
        }
        Ok(())
    })
}

fn run(
    operation: Operation,
    collection: &Collection,
    store: &mut StoreContextMut<'_, Context>,
    params: &[Val],
) -> Result<Option<Val>, Fault> {
    let how = match operation {
        Operation::Set | Operation::Remove(_) | Operation::Append => Use::Write,
        _ => Use::Read,
    };
    let room = &mut Room::new(store.data().limits());
    let mut entries = entries(store, collection, how)?;
    Ok(match (operation, params) {
        (Operation::Get, []) => Some(optional(collection, room, cell::get(&mut entries)?)?),
        (Operation::Set, [value]) => {
            cell::set(&mut entries, stored(collection, value)?)?;
            None
        }
        (Operation::Append, [value]) => Some(Val::U64(log::append(&mut entries, stored(collection, value)?)?)),
        (Operation::At, [Val::U64(index)]) => Some(optional(collection, room, log::at(&mut entries, *index)?)?),
        (Operation::Read, [Val::U64(start), Val::U32(limit)]) => {
            let page = log::read(&mut entries, *start, *limit)?;
            let pairs = page
                .iter()
                .map(|(index, entry)| Ok(Val::Tuple(vec![Val::U64(*index), loaded(collection, room, entry)?])));
            Some(Val::List(pairs.collect::<Result<_, Fault>>()?))
        }
        (Operation::Get, [key]) => {
            let found = map::get(&mut entries, &whole_key(collection, key)?)?;
            Some(optional(collection, room, found)?)
        }
        (Operation::Set, [key, value]) => {
            map::set(&mut entries, whole_key(collection, key)?, stored(collection, value)?)?;
            None
        }
        (Operation::Contains, [key]) => Some(Val::Bool(map::contains(&mut entries, &whole_key(collection, key)?)?)),
        (Operation::Remove(result), [key]) => {
            let previous = map::remove(&mut entries, whole_key(collection, key)?)?;
            match result {
                RemoveResult::Nothing => None,
                RemoveResult::Existed => Some(Val::Bool(previous.is_some())),
                RemoveResult::Previous => Some(optional(collection, room, previous)?),
            }
        }
        (Operation::Scan, [Val::Option(start), Val::U32(limit)]) => {
            let start = start.as_deref().map(|key| whole_key(collection, key)).transpose()?;
            Some(pairs(collection, room, &map::scan(&mut entries, start, *limit)?)?)
        }
        (Operation::ScanBack, [Val::Option(end), Val::U32(limit)]) => {
            let end = end.as_deref().map(|key| whole_key(collection, key)).transpose()?;
            Some(pairs(collection, room, &map::scan_back(&mut entries, end, *limit)?)?)
        }
        (Operation::ScanAfter, [key, Val::U32(limit)]) => {
            let key = whole_key(collection, key)?;
            Some(pairs(collection, room, &map::scan_after(&mut entries, key, *limit)?)?)
        }
        (Operation::Range, [start, end, Val::U32(limit)]) => {
            let (start, end) = (whole_key(collection, start)?, whole_key(collection, end)?);
            Some(pairs(collection, room, &map::range(&mut entries, start, end, *limit)?)?)
        }
        (operation, _) => {
            return Err(Fault::Host(format!("{operation:?} of collection {} has other parameters", collection.name)));
        }
    })
}

fn key_type(collection: &Collection) -> Result<&Type, Fault> {
    collection.key.as_ref().ok_or_else(|| Fault::Host(format!("collection {} has no key type", collection.name)))
}

fn value_type(collection: &Collection) -> Result<&Type, Fault> {
    collection.value.as_ref().ok_or_else(|| Fault::Host(format!("collection {} has no value type", collection.name)))
}

fn whole_key(collection: &Collection, key: &Val) -> Result<Vec<u8>, Fault> {
    let mut whole = Vec::with_capacity(KEY_BYTES);
    whole.extend_from_slice(&collection.prefix);
    key::encode::<Reflected>(key_type(collection)?, key, &mut whole).map_err(|error| key_fault(collection, error))?;
    Ok(whole)
}

fn stored(collection: &Collection, value: &Val) -> Result<Vec<u8>, Fault> {
    let ty = value_type(collection)?;
    collection.stored(|out| {
        codec::encode::<Reflected>(ty, value, out)
            .map_err(|error| Fault::Host(format!("a value for collection {}: {error}", collection.name)))
    })
}

fn loaded(collection: &Collection, room: &mut Room, stored: &[u8]) -> Result<Val, Fault> {
    collection.loaded_reflected::<Reflected>(value_type(collection)?, stored, room)
}

fn optional(collection: &Collection, room: &mut Room, stored: Option<Bytes>) -> Result<Val, Fault> {
    let value = stored.map(|stored| loaded(collection, room, &stored).map(Box::new)).transpose()?;
    Ok(Val::Option(value))
}

fn pairs(collection: &Collection, room: &mut Room, page: &[(Bytes, Bytes)]) -> Result<Val, Fault> {
    let ty = key_type(collection)?;
    let mut values = Vec::with_capacity(page.len());
    for (key, stored) in page {
        let mut key = collection.own_key(key)?;
        let key = key::decode_within::<Reflected>(ty, &mut key, &mut room.left).map_err(|error| match error {
            KeyError::Codec(CodecError::NoRoom) => room.exhausted(collection),
            error => Fault::value(&collection.name, error),
        })?;
        values.push(Val::Tuple(vec![key, loaded(collection, room, stored)?]));
    }
    Ok(Val::List(values))
}
