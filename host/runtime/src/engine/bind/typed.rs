//! Bindings by typed functions: what comes from the guest is read where it lies, and copied once.

use std::sync::Arc;

use bytes::Bytes;
use stead_schema::{Operation, RemoveResult};
use wasmtime::StoreContextMut;
use wasmtime::component::LinkerInstance;

use super::{Function, entries, key_fault};
use crate::engine::collection::{Collection, Use, cell, counter, log, map};
use crate::engine::fault::Fault;
use crate::engine::instance::Context;
use crate::engine::native::{Native, NativeKey};

type Linker<'a> = LinkerInstance<'a, Context>;
type Store<'a> = StoreContextMut<'a, Context>;
/// A page of a map.
type Pairs<K, V> = Vec<(<K as Native>::Out, <V as Native>::Out)>;

/// Functions without keys and values.
pub(super) fn plain(linker: &mut Linker<'_>, function: Function<'_>) -> wasmtime::Result<()> {
    let Function { name, operation, collection } = function;
    let c = collection.clone();
    match operation {
        Operation::Len => linker.func_wrap(name, move |mut store: Store<'_>, (): ()| {
            Ok((map::len(&mut entries(&mut store, &c, Use::Read)?)?,))
        }),
        Operation::Clear if c.is_cell() => linker.func_wrap(name, move |mut store: Store<'_>, (): ()| {
            Ok(cell::clear(&mut entries(&mut store, &c, Use::Write)?)?)
        }),
        Operation::Clear => linker.func_wrap(name, move |mut store: Store<'_>, (): ()| {
            Ok(map::clear(&mut entries(&mut store, &c, Use::Write)?)?)
        }),
        Operation::First => linker.func_wrap(name, move |mut store: Store<'_>, (): ()| {
            Ok((log::bounds(&mut entries(&mut store, &c, Use::Read)?)?.0,))
        }),
        Operation::End => linker.func_wrap(name, move |mut store: Store<'_>, (): ()| {
            Ok((log::bounds(&mut entries(&mut store, &c, Use::Read)?)?.1,))
        }),
        _ => linker.func_wrap(name, move |mut store: Store<'_>, (index,): (u64,)| {
            Ok(log::truncate_before(&mut entries(&mut store, &c, Use::Write)?, index)?)
        }),
    }
}

/// Functions of a counter.
pub(super) fn counter(linker: &mut Linker<'_>, function: Function<'_>) -> wasmtime::Result<()> {
    let Function { name, operation, collection } = function;
    let c = collection.clone();
    let outside = |c: &Collection| Fault::value(&c.name, "the sum of a counter does not fit its type");
    match (operation, c.signed) {
        (Operation::Value, true) => linker.func_wrap(name, move |mut store: Store<'_>, (): ()| {
            let value = counter::value(&mut entries(&mut store, &c, Use::Read)?)?;
            Ok((i64::try_from(value).map_err(|_| outside(&c))?,))
        }),
        (Operation::Value, false) => linker.func_wrap(name, move |mut store: Store<'_>, (): ()| {
            let value = counter::value(&mut entries(&mut store, &c, Use::Read)?)?;
            Ok((u64::try_from(value).map_err(|_| outside(&c))?,))
        }),
        (_, true) => linker.func_wrap(name, move |mut store: Store<'_>, (delta,): (i64,)| {
            Ok(counter::add(&mut entries(&mut store, &c, Use::Write)?, delta.into())?)
        }),
        (_, false) => linker.func_wrap(name, move |mut store: Store<'_>, (delta,): (u64,)| {
            Ok(counter::add(&mut entries(&mut store, &c, Use::Write)?, delta.into())?)
        }),
    }
}

/// Functions of a cell with its value.
pub(super) fn cell<V: Native>(linker: &mut Linker<'_>, function: Function<'_>) -> wasmtime::Result<()> {
    let Function { name, operation, collection } = function;
    let c = collection.clone();
    match operation {
        Operation::Get => linker.func_wrap(name, move |mut store: Store<'_>, (): ()| {
            let found = cell::get(&mut entries(&mut store, &c, Use::Read)?)?;
            Ok((loaded::<V>(&c, found)?,))
        }),
        _ => linker.func_wrap(name, move |mut store: Store<'_>, (value,): (V::In,)| {
            let stored = c.stored(|out| V::encode(&value, &store, &c, out))?;
            Ok(cell::set(&mut entries(&mut store, &c, Use::Write)?, stored)?)
        }),
    }
}

/// Functions of a log with its entries.
pub(super) fn log<V: Native>(linker: &mut Linker<'_>, function: Function<'_>) -> wasmtime::Result<()> {
    let Function { name, operation, collection } = function;
    let c = collection.clone();
    match operation {
        Operation::Append => linker.func_wrap(name, move |mut store: Store<'_>, (value,): (V::In,)| {
            let stored = c.stored(|out| V::encode(&value, &store, &c, out))?;
            Ok((log::append(&mut entries(&mut store, &c, Use::Write)?, stored)?,))
        }),
        Operation::At => linker.func_wrap(name, move |mut store: Store<'_>, (index,): (u64,)| {
            let found = log::at(&mut entries(&mut store, &c, Use::Read)?, index)?;
            Ok((loaded::<V>(&c, found)?,))
        }),
        _ => linker.func_wrap(name, move |mut store: Store<'_>, (start, limit): (u64, u32)| {
            let page = log::read(&mut entries(&mut store, &c, Use::Read)?, start, limit)?;
            let page = page.iter().map(|(index, stored)| Ok((*index, c.loaded::<V>(stored)?)));
            Ok((page.collect::<Result<Vec<_>, Fault>>()?,))
        }),
    }
}

/// Functions of a map that pass no value.
pub(super) fn keys<K: NativeKey>(linker: &mut Linker<'_>, function: Function<'_>) -> wasmtime::Result<()> {
    let Function { name, operation, collection } = function;
    let c = collection.clone();
    match operation {
        Operation::Contains => linker.func_wrap(name, move |mut store: Store<'_>, (key,): (K::In,)| {
            let key = whole_key::<K>(&c, &store, &key)?;
            Ok((map::contains(&mut entries(&mut store, &c, Use::Read)?, &key)?,))
        }),
        Operation::Remove(RemoveResult::Existed) => {
            linker.func_wrap(name, move |mut store: Store<'_>, (key,): (K::In,)| {
                let key = whole_key::<K>(&c, &store, &key)?;
                Ok((map::remove(&mut entries(&mut store, &c, Use::Write)?, key)?.is_some(),))
            })
        }
        _ => linker.func_wrap(name, move |mut store: Store<'_>, (key,): (K::In,)| {
            let key = whole_key::<K>(&c, &store, &key)?;
            map::remove(&mut entries(&mut store, &c, Use::Write)?, key)?;
            Ok(())
        }),
    }
}

/// Functions of a map with keys and values.
pub(super) fn map<K: NativeKey, V: Native>(linker: &mut Linker<'_>, function: Function<'_>) -> wasmtime::Result<()> {
    let Function { name, operation, collection } = function;
    let c = collection.clone();
    match operation {
        Operation::Get => linker.func_wrap(name, move |mut store: Store<'_>, (key,): (K::In,)| {
            let key = whole_key::<K>(&c, &store, &key)?;
            let found = map::get(&mut entries(&mut store, &c, Use::Read)?, &key)?;
            Ok((loaded::<V>(&c, found)?,))
        }),
        Operation::Set => linker.func_wrap(name, move |mut store: Store<'_>, (key, value): (K::In, V::In)| {
            let key = whole_key::<K>(&c, &store, &key)?;
            let stored = c.stored(|out| V::encode(&value, &store, &c, out))?;
            Ok(map::set(&mut entries(&mut store, &c, Use::Write)?, key, stored)?)
        }),
        Operation::Remove(_) => linker.func_wrap(name, move |mut store: Store<'_>, (key,): (K::In,)| {
            let key = whole_key::<K>(&c, &store, &key)?;
            let previous = map::remove(&mut entries(&mut store, &c, Use::Write)?, key)?;
            Ok((loaded::<V>(&c, previous)?,))
        }),
        Operation::Scan | Operation::ScanBack => {
            linker.func_wrap(name, move |mut store: Store<'_>, (bound, limit): (Option<K::In>, u32)| {
                let bound = bound.map(|key| whole_key::<K>(&c, &store, &key)).transpose()?;
                let mut entries = entries(&mut store, &c, Use::Read)?;
                let page = match operation {
                    Operation::Scan => map::scan(&mut entries, bound, limit)?,
                    _ => map::scan_back(&mut entries, bound, limit)?,
                };
                Ok((pairs::<K, V>(&c, &page)?,))
            })
        }
        Operation::ScanAfter => linker.func_wrap(name, move |mut store: Store<'_>, (key, limit): (K::In, u32)| {
            let key = whole_key::<K>(&c, &store, &key)?;
            let page = map::scan_after(&mut entries(&mut store, &c, Use::Read)?, key, limit)?;
            Ok((pairs::<K, V>(&c, &page)?,))
        }),
        _ => linker.func_wrap(name, move |mut store: Store<'_>, (start, end, limit): (K::In, K::In, u32)| {
            let start = whole_key::<K>(&c, &store, &start)?;
            let end = whole_key::<K>(&c, &store, &end)?;
            let page = map::range(&mut entries(&mut store, &c, Use::Read)?, start, end, limit)?;
            Ok((pairs::<K, V>(&c, &page)?,))
        }),
    }
}

/// The state's key for a map's key.
fn whole_key<K: NativeKey>(collection: &Arc<Collection>, store: &Store<'_>, key: &K::In) -> wasmtime::Result<Vec<u8>> {
    let mut whole = Vec::with_capacity(64);
    whole.extend_from_slice(&collection.prefix);
    K::encode_key(key, store, &mut whole)?.map_err(|error| key_fault(collection, error))?;
    Ok(whole)
}

fn loaded<V: Native>(collection: &Collection, stored: Option<Bytes>) -> Result<Option<V::Out>, Fault> {
    stored.map(|stored| collection.loaded::<V>(&stored)).transpose()
}

fn pairs<K: NativeKey, V: Native>(collection: &Collection, page: &[(Bytes, Bytes)]) -> Result<Pairs<K, V>, Fault> {
    let pair = |(key, stored): &(Bytes, Bytes)| {
        let mut key = collection.own_key(key)?;
        let key = K::decode_key(&mut key).map_err(|error| Fault::value(&collection.name, error))?;
        Ok((key, collection.loaded::<V>(stored)?))
    };
    page.iter().map(pair).collect()
}
