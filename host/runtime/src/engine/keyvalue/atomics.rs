//! `wasi:keyvalue/atomics`: increments, and compare-and-swap.
//!
//! A number is stored as decimal text, as Redis and the implementation that comes with wasmtime store it: `-12`.

use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;

use stead_schema::codec;
use wasmtime::component::{ComponentType, Lift, LinkerInstance, Lower, Resource, ResourceType, WasmList, WasmStr};
use wasmtime_wasi::WasiView;

use super::{Bucket, Error, Failure, Store, answer, guest_key, guest_value, push};
use crate::engine::collection::{Collection, Use, map};
use crate::engine::instance::Context;
use crate::engine::native::Octets;

/// What a version increments.
pub(super) trait Number:
    ComponentType + Lift + Lower + Copy + Default + Display + FromStr + Send + Sync + 'static
{
    const NAME: &'static str;

    fn sum(self, delta: Self) -> Option<Self>;
}

impl Number for u64 {
    const NAME: &'static str = "u64";

    fn sum(self, delta: u64) -> Option<u64> {
        self.checked_add(delta)
    }
}

impl Number for i64 {
    const NAME: &'static str = "s64";

    fn sum(self, delta: i64) -> Option<i64> {
        self.checked_add(delta)
    }
}

/// Defines what both versions have.
pub(super) fn define<N: Number>(
    linker: &mut LinkerInstance<'_, Context>,
    collection: &Arc<Collection>,
) -> wasmtime::Result<()> {
    let c = collection.clone();
    linker.func_wrap("increment", move |mut store: Store<'_>, (bucket, key, delta): (Resource<Bucket>, WasmStr, N)| {
        answer(increment(&mut store, &c, &bucket, &key, delta))
    })
}

fn increment<N: Number>(
    store: &mut Store<'_>,
    c: &Collection,
    bucket: &Resource<Bucket>,
    key: &WasmStr,
    delta: N,
) -> Result<N, Failure> {
    let key = guest_key(store, c, bucket, key)?;
    let mut entries = store.data_mut().entries(c, Use::Write)?;
    let number = match map::get(&mut entries, &key)? {
        None => N::default(),
        Some(stored) => parsed(&c.loaded::<Octets>(&stored)?).ok_or_else(|| {
            Failure::other(format!(
                "the value is no number of type {} in decimal digits, so it stays as it is",
                N::NAME
            ))
        })?,
    };
    let sum = number
        .sum(delta)
        .ok_or_else(|| Failure::other(format!("{number} and {delta} are more than a {} holds", N::NAME)))?;
    let stored = c.stored(|out| {
        codec::encode_bytes(sum.to_string().as_bytes(), out);
        Ok::<_, Failure>(())
    })?;
    map::set(&mut entries, key, stored)?;
    Ok(sum)
}

fn parsed<N: Number>(value: &[u8]) -> Option<N> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// A handle to a compare-and-swap: an entry, and the digest of the value that the guest knows of, if there was one.
struct Cas {
    key: Vec<u8>,
    seen: Option<blake3::Hash>,
}

/// `cas-error`
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum CasError {
    #[component(name = "store-error")]
    StoreError(Error),
    #[component(name = "cas-failed")]
    CasFailed(Resource<Cas>),
}

/// Defines compare-and-swap. It compares values: one that was changed and changed back is the same.
pub(super) fn define_swap(
    linker: &mut LinkerInstance<'_, Context>,
    collection: &Arc<Collection>,
) -> wasmtime::Result<()> {
    linker.resource("cas", ResourceType::host::<Cas>(), |mut store, handle| {
        store.data_mut().ctx().table.delete(Resource::<Cas>::new_own(handle))?;
        Ok(())
    })?;
    let c = collection.clone();
    linker.func_wrap("[static]cas.new", move |mut store: Store<'_>, (bucket, key): (Resource<Bucket>, WasmStr)| {
        answer(guest_key(&mut store, &c, &bucket, &key).and_then(|key| watch(&mut store, &c, key)))
    })?;
    let c = collection.clone();
    linker.func_wrap("[method]cas.current", move |mut store: Store<'_>, (cas,): (Resource<Cas>,)| {
        answer(current(&mut store, &c, &cas))
    })?;
    let c = collection.clone();
    linker.func_wrap("swap", move |mut store: Store<'_>, (cas, value): (Resource<Cas>, WasmList<u8>)| {
        match swap(&mut store, &c, cas, &value) {
            Ok(None) => Ok((Ok(()),)),
            Ok(Some(again)) => Ok((Err(CasError::CasFailed(again)),)),
            Err(Failure::Guest(error)) => Ok((Err(CasError::StoreError(error)),)),
            Err(Failure::Host(error)) => Err(error),
        }
    })
}

/// A handle that has seen the entry as it is now.
fn watch(store: &mut Store<'_>, c: &Collection, key: Vec<u8>) -> Result<Resource<Cas>, Failure> {
    let value = read(store, c, &key)?;
    push(store, Cas { key, seen: value.as_deref().map(blake3::hash) })
}

/// The value now, which is from here on what the handle has seen.
fn current(store: &mut Store<'_>, c: &Collection, cas: &Resource<Cas>) -> Result<Option<Vec<u8>>, Failure> {
    let key = store.data_mut().ctx().table.get(cas).map_err(wasmtime::Error::from)?.key.clone();
    let value = read(store, c, &key)?;
    store.data_mut().ctx().table.get_mut(cas).map_err(wasmtime::Error::from)?.seen = value.as_deref().map(blake3::hash);
    Ok(value)
}

/// Writes the value if the entry is as the handle has seen it; else returns a handle that has seen it as it is now.
fn swap(
    store: &mut Store<'_>,
    c: &Collection,
    cas: Resource<Cas>,
    value: &WasmList<u8>,
) -> Result<Option<Resource<Cas>>, Failure> {
    let Cas { key, seen } = store.data_mut().ctx().table.delete(cas).map_err(wasmtime::Error::from)?;
    let stored = guest_value(store, c, value)?;
    // A call that may not write ends here, also where the values differ.
    store.data_mut().entries(c, Use::Write)?;
    if read(store, c, &key)?.as_deref().map(blake3::hash) != seen {
        return watch(store, c, key).map(Some);
    }
    map::set(&mut store.data_mut().entries(c, Use::Write)?, key, stored)?;
    Ok(None)
}

fn read(store: &mut Store<'_>, c: &Collection, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
    let found = map::get(&mut store.data_mut().entries(c, Use::Read)?, key)?;
    Ok(found.map(|stored| c.loaded::<Octets>(&stored)).transpose()?)
}
