//! `wasi:keyvalue/store`: buckets, and one entry at a time.

use std::sync::Arc;

use stead_schema::key;
use wasmtime::component::{LinkerInstance, Resource, ResourceType, WasmList, WasmStr};
use wasmtime_wasi::WasiView;

use super::pages::{Cursor, KeyResponse};
use super::{Bucket, Error, Failure, Store, answer, bucket_prefix, guest_key, guest_value, push};
use crate::engine::collection::{Collection, Use, map};
use crate::engine::instance::Context;
use crate::engine::native::Octets;
use crate::limits::BUCKET_NAME_BYTES_MAX;

/// Defines the interface.
pub(super) fn define<C: Cursor>(
    linker: &mut LinkerInstance<'_, Context>,
    collection: &Arc<Collection>,
) -> wasmtime::Result<()> {
    linker.resource("bucket", ResourceType::host::<Bucket>(), |mut store, handle| {
        store.data_mut().ctx().table.delete(Resource::<Bucket>::new_own(handle))?;
        Ok(())
    })?;
    linker.func_wrap("open", move |mut store: Store<'_>, (identifier,): (WasmStr,)| {
        answer(open(&mut store, &identifier))
    })?;
    let c = collection.clone();
    linker.func_wrap(
        "[method]bucket.get",
        move |mut store: Store<'_>, (bucket, key): (Resource<Bucket>, WasmStr)| {
            answer(get(&mut store, &c, &bucket, &key))
        },
    )?;
    let c = collection.clone();
    linker.func_wrap(
        "[method]bucket.set",
        move |mut store: Store<'_>, (bucket, key, value): (Resource<Bucket>, WasmStr, WasmList<u8>)| {
            answer(set(&mut store, &c, &bucket, &key, &value))
        },
    )?;
    let c = collection.clone();
    linker.func_wrap(
        "[method]bucket.delete",
        move |mut store: Store<'_>, (bucket, key): (Resource<Bucket>, WasmStr)| {
            answer(delete(&mut store, &c, &bucket, &key))
        },
    )?;
    let c = collection.clone();
    linker.func_wrap(
        "[method]bucket.exists",
        move |mut store: Store<'_>, (bucket, key): (Resource<Bucket>, WasmStr)| {
            answer(exists(&mut store, &c, &bucket, &key))
        },
    )?;
    let c = collection.clone();
    linker.func_wrap(
        "[method]bucket.list-keys",
        move |mut store: Store<'_>, (bucket, cursor): (Resource<Bucket>, Option<C>)| {
            answer(list_keys(&mut store, &c, &bucket, cursor))
        },
    )
}

/// Any name is a bucket of the plugin's own; it holds nothing until something is set in it.
fn open(store: &mut Store<'_>, identifier: &WasmStr) -> Result<Resource<Bucket>, Failure> {
    let identifier = identifier.to_str(&*store)?;
    let mut name = Vec::new();
    if identifier.len() > BUCKET_NAME_BYTES_MAX || key::encode_str(&identifier, &mut name).is_err() {
        return Err(Failure::Guest(Error::NoSuchStore));
    }
    push(store, Bucket { name })
}

fn get(
    store: &mut Store<'_>,
    c: &Collection,
    bucket: &Resource<Bucket>,
    key: &WasmStr,
) -> Result<Option<Vec<u8>>, Failure> {
    let key = guest_key(store, c, bucket, key)?;
    let found = map::get(&mut store.data_mut().entries(c, Use::Read)?, &key)?;
    Ok(found.map(|stored| c.loaded::<Octets>(&stored)).transpose()?)
}

fn set(
    store: &mut Store<'_>,
    c: &Collection,
    bucket: &Resource<Bucket>,
    key: &WasmStr,
    value: &WasmList<u8>,
) -> Result<(), Failure> {
    let key = guest_key(store, c, bucket, key)?;
    let stored = guest_value(store, c, value)?;
    Ok(map::set(&mut store.data_mut().entries(c, Use::Write)?, key, stored)?)
}

fn delete(store: &mut Store<'_>, c: &Collection, bucket: &Resource<Bucket>, key: &WasmStr) -> Result<(), Failure> {
    let key = guest_key(store, c, bucket, key)?;
    map::remove(&mut store.data_mut().entries(c, Use::Write)?, key)?;
    Ok(())
}

fn exists(store: &mut Store<'_>, c: &Collection, bucket: &Resource<Bucket>, key: &WasmStr) -> Result<bool, Failure> {
    let key = guest_key(store, c, bucket, key)?;
    Ok(map::get(&mut store.data_mut().entries(c, Use::Read)?, &key)?.is_some())
}

fn list_keys<C: Cursor>(
    store: &mut Store<'_>,
    c: &Collection,
    bucket: &Resource<Bucket>,
    cursor: Option<C>,
) -> Result<KeyResponse<C>, Failure> {
    let prefix = bucket_prefix(store, c, bucket)?;
    let deadline = store.data().deadline();
    let mut entries = store.data_mut().entries(c, Use::Read)?;
    let page = C::page(&mut entries, &prefix, cursor, deadline)?;
    entries.touched.read += page.keys.len() as u64;
    Ok(page)
}
