//! `wasi:keyvalue/batch`: many entries at a time, all of them or none.
//!
//! What a batch is refused for is found before anything of it is written, and what ends the call takes back all of it.

use std::sync::Arc;

use stead_schema::codec;
use wasmtime::component::types::{ComponentItem, Type};
use wasmtime::component::{LinkerInstance, Resource};

use super::{Bucket, Failure, Store, answer, check_size, entry_key};
use crate::engine::collection::{Collection, Use, map};
use crate::engine::instance::Context;
use crate::engine::native::Octets;
use crate::engine::program::Program;

/// What was found: for each key, itself and its value if it has one.
type Found = Vec<(String, Option<Vec<u8>>)>;

/// Whether a component has `get-many` as Spin does, under the same name and version: it returns
/// `list<tuple<string, option<list<u8>>>>` there, and `list<option<tuple<string, list<u8>>>>` where it was published.
pub(super) fn is_spins(program: &Program, interface: &str) -> bool {
    let (component, engine) = (program.component().component_type(), program.engine().wasmtime());
    let Some(ComponentItem::ComponentInstance(batch)) = component.get_import(engine, interface).map(|found| found.ty)
    else {
        return false;
    };
    let Some(ComponentItem::ComponentFunc(get_many)) = batch.get_export(engine, "get-many").map(|found| found.ty)
    else {
        return false;
    };
    let Some(Type::Result(result)) = get_many.results().next() else { return false };
    match result.ok() {
        Some(Type::List(list)) => matches!(list.ty(), Type::Tuple(_)),
        _ => false,
    }
}

/// Defines the interface.
pub(super) fn define(
    linker: &mut LinkerInstance<'_, Context>,
    collection: &Arc<Collection>,
    spins: bool,
) -> wasmtime::Result<()> {
    let c = collection.clone();
    let found = move |mut store: Store<'_>, (bucket, keys): (Resource<Bucket>, Vec<String>)| {
        get_many(&mut store, &c, &bucket, keys)
    };
    match spins {
        true => linker.func_wrap("get-many", move |store: Store<'_>, asked| answer(found(store, asked)))?,
        false => linker.func_wrap("get-many", move |store: Store<'_>, asked| {
            let found = found(store, asked).map(|found| {
                let found = found.into_iter().map(|(key, value)| value.map(|value| (key, value)));
                found.collect::<Vec<_>>()
            });
            answer(found)
        })?,
    }
    let c = collection.clone();
    linker.func_wrap(
        "set-many",
        move |mut store: Store<'_>, (bucket, entries): (Resource<Bucket>, Vec<(String, Vec<u8>)>)| {
            answer(set_many(&mut store, &c, &bucket, entries))
        },
    )?;
    let c = collection.clone();
    linker.func_wrap("delete-many", move |mut store: Store<'_>, (bucket, keys): (Resource<Bucket>, Vec<String>)| {
        answer(delete_many(&mut store, &c, &bucket, keys))
    })
}

fn get_many(
    store: &mut Store<'_>,
    c: &Collection,
    bucket: &Resource<Bucket>,
    keys: Vec<String>,
) -> Result<Found, Failure> {
    check_count(store, keys.len())?;
    let bytes_max = store.data().limits().scan_bytes_max;
    let mut found = Vec::with_capacity(keys.len());
    let mut bytes = 0;
    for name in keys {
        let key = entry_key(store, c, bucket, &name)?;
        let stored = map::get(&mut store.data_mut().entries(c, Use::Read)?, &key)?;
        let has_some = bytes > 0;
        bytes += stored.as_ref().map_or(0, |stored| name.len() + stored.len());
        if bytes > bytes_max && has_some {
            return Err(Failure::other(format!(
                "the values have more than {bytes_max} bytes, which is `scan_bytes_max`: ask for fewer at once"
            )));
        }
        found.push((name, stored.map(|stored| c.loaded::<Octets>(&stored)).transpose()?));
    }
    Ok(found)
}

fn set_many(
    store: &mut Store<'_>,
    c: &Collection,
    bucket: &Resource<Bucket>,
    entries: Vec<(String, Vec<u8>)>,
) -> Result<(), Failure> {
    check_count(store, entries.len())?;
    let mut batch = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let key = entry_key(store, c, bucket, &name)?;
        let stored = c.stored(|out| {
            codec::encode_bytes(&value, out);
            Ok::<_, Failure>(())
        })?;
        check_size(store, stored.len())?;
        batch.push((key, stored));
    }
    let mut entries = store.data_mut().entries(c, Use::Write)?;
    for (key, stored) in batch {
        map::set(&mut entries, key, stored)?;
    }
    Ok(())
}

fn delete_many(
    store: &mut Store<'_>,
    c: &Collection,
    bucket: &Resource<Bucket>,
    keys: Vec<String>,
) -> Result<(), Failure> {
    check_count(store, keys.len())?;
    let keys = keys.iter().map(|name| entry_key(store, c, bucket, name)).collect::<Result<Vec<_>, _>>()?;
    let mut entries = store.data_mut().entries(c, Use::Write)?;
    for key in keys {
        map::remove(&mut entries, key)?;
    }
    Ok(())
}

/// A batch is one host call, which nothing interrupts.
fn check_count(store: &Store<'_>, count: usize) -> Result<(), Failure> {
    let count_max = store.data().limits().scan_entries_max as usize;
    match count > count_max {
        true => Err(Failure::other(format!(
            "a batch of {count} is more than {count_max}, which is `scan_entries_max`: make several of it"
        ))),
        false => Ok(()),
    }
}
