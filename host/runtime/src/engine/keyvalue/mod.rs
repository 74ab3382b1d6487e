//! `wasi:keyvalue`, at both versions that components are built against, over one map of the plugin's own state.
//!
//! The map is a collection like any other: its identity is `wasi:keyvalue/store` whatever the version, its keys are
//! `tuple<string, string>` (bucket and key), its values `list<u8>`. So it is in the ledger, in the root and in every
//! transaction, and nothing else of the host knows that it is special.
//!
//! What a guest can do something about is the interface's own `error`; a write in a call that may not write, state that
//! cannot be read and a transaction past its limit end the call, as they do for every collection.

mod atomics;
mod batch;
mod pages;
mod store;

use std::sync::Arc;

use stead_schema::{Declared, Identity, Kind, Shape, Type, key};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource, WasmList, WasmStr};
use wasmtime_wasi::WasiView;

use self::atomics::Number;
use self::pages::Cursor;
use super::collection::Collection;
use super::fault::Fault;
use super::instance::Context;
use super::native::{Native, Octets};
use super::program::Program;
use crate::limits::KEY_BYTES_MAX;

/// What the collection is called, in the ledger and for operators.
const IDENTITY: &str = "wasi:keyvalue/store";

/// The interfaces and the versions that are offered. Versions before a release fit only themselves.
pub(super) const INTERFACES: [&str; 3] = ["store", "atomics", "batch"];
pub(super) const VERSIONS: [&str; 2] = ["0.2.0-draft", "0.2.0-draft2"];

/// What a component that imports any of it declares.
pub(super) fn declared() -> Declared {
    let shape = Shape {
        kind: Some(Kind::Map),
        key: Some(Type::Tuple(vec![Type::String, Type::String])),
        value: Some(Type::bytes()),
        ..Shape::default()
    };
    let identity = Identity::parse(IDENTITY).unwrap_or_else(|error| unreachable!("{error}"));
    Declared { identity, interface: IDENTITY.to_owned(), shape, old: false }
}

/// Whether this is what [`declared`] made.
pub(super) fn is(declared: &Declared) -> bool {
    declared.interface == IDENTITY
}

/// Defines the interfaces at both versions, for a component that imports some of them.
pub(super) fn define(
    linker: &mut Linker<Context>,
    program: &Program,
    collection: &Arc<Collection>,
) -> wasmtime::Result<()> {
    define_at::<u64, u64>(linker, program, VERSIONS[0], collection)?;
    define_at::<String, i64>(linker, program, VERSIONS[1], collection)?;
    let mut atomics = linker.instance(&interface("atomics", VERSIONS[1]))?;
    atomics::define_swap(&mut atomics, collection)
}

/// The versions differ in the type of cursors and in what is incremented; the second adds compare-and-swap.
fn define_at<C: Cursor, N: Number>(
    linker: &mut Linker<Context>,
    program: &Program,
    version: &str,
    collection: &Arc<Collection>,
) -> wasmtime::Result<()> {
    store::define::<C>(&mut linker.instance(&interface("store", version))?, collection)?;
    atomics::define::<N>(&mut linker.instance(&interface("atomics", version))?, collection)?;
    let batch = interface("batch", version);
    let spins = batch::is_spins(program, &batch);
    batch::define(&mut linker.instance(&batch)?, collection, spins)
}

fn interface(name: &str, version: &str) -> String {
    format!("wasi:keyvalue/{name}@{version}")
}

type Store<'a> = StoreContextMut<'a, Context>;

/// A handle to a bucket: what the keys of its entries start with, which is its name, encoded.
struct Bucket {
    name: Vec<u8>,
}

/// `error` of `wasi:keyvalue/store`.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(variant)]
enum Error {
    #[component(name = "no-such-store")]
    NoSuchStore,
    /// Part of the type; a plugin is never denied what is its own.
    #[component(name = "access-denied")]
    #[allow(dead_code, reason = "the variant's cases are those of the interface")]
    AccessDenied,
    #[component(name = "other")]
    Other(String),
}

/// How a function fails: with an answer to the guest, or by ending the call.
enum Failure {
    Guest(Error),
    Host(wasmtime::Error),
}

impl Failure {
    fn other(what: impl Into<String>) -> Failure {
        Failure::Guest(Error::Other(what.into()))
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Host(fault.into())
    }
}

impl From<wasmtime::Error> for Failure {
    fn from(error: wasmtime::Error) -> Failure {
        Failure::Host(error)
    }
}

/// What the guest gets.
fn answer<T>(result: Result<T, Failure>) -> wasmtime::Result<(Result<T, Error>,)> {
    match result {
        Ok(value) => Ok((Ok(value),)),
        Err(Failure::Guest(error)) => Ok((Err(error),)),
        Err(Failure::Host(error)) => Err(error),
    }
}

/// Keeps something behind a handle.
fn push<T: Send + 'static>(store: &mut Store<'_>, entry: T) -> Result<Resource<T>, Failure> {
    let resources_max = store.data().limits().resources_max;
    store.data_mut().ctx().table.push(entry).map_err(|error| match error {
        wasmtime::component::ResourceTableError::Full => {
            Failure::other(format!("the plugin holds {resources_max} handles, which is `resources_max`: drop some"))
        }
        error => Failure::Host(error.into()),
    })
}

/// What the state's keys of all entries of a bucket start with.
fn bucket_prefix(store: &mut Store<'_>, c: &Collection, bucket: &Resource<Bucket>) -> Result<Vec<u8>, Failure> {
    let bucket = store.data_mut().ctx().table.get(bucket).map_err(wasmtime::Error::from)?;
    Ok([&*c.prefix, &bucket.name].concat())
}

/// The state's key of an entry of a bucket.
fn entry_key(store: &mut Store<'_>, c: &Collection, bucket: &Resource<Bucket>, name: &str) -> Result<Vec<u8>, Failure> {
    let mut whole = bucket_prefix(store, c, bucket)?;
    let encoded = key::encode_str(name, &mut whole);
    if encoded.is_err() || whole.len() - c.prefix.len() > KEY_BYTES_MAX {
        return Err(key_too_long(name));
    }
    Ok(whole)
}

fn key_too_long(name: &str) -> Failure {
    Failure::other(format!(
        "a key of {} bytes is too long: with the name of its bucket it has at most {KEY_BYTES_MAX} as encoded",
        name.len()
    ))
}

/// The same for a key that still lies in the guest.
fn guest_key(
    store: &mut Store<'_>,
    c: &Collection,
    bucket: &Resource<Bucket>,
    key: &WasmStr,
) -> Result<Vec<u8>, Failure> {
    let key = key.to_str(&*store)?;
    // Asked before it is copied.
    if key.len() > KEY_BYTES_MAX {
        return Err(key_too_long(&key));
    }
    let key = key.into_owned();
    entry_key(store, c, bucket, &key)
}

/// A value of the guest's as it is stored.
fn guest_value(store: &Store<'_>, collection: &Collection, value: &WasmList<u8>) -> Result<Vec<u8>, Failure> {
    check_size(store, value.len())?;
    let stored = collection.stored(|out| Octets::encode(value, store, collection, out))?;
    check_size(store, stored.len())?;
    Ok(stored)
}

fn check_size(store: &Store<'_>, bytes: usize) -> Result<(), Failure> {
    let bytes_max = store.data().limits().value_bytes_max;
    match bytes > bytes_max {
        true => Err(Failure::other(format!("a value of {bytes} bytes; `value_bytes_max` is {bytes_max}"))),
        false => Ok(()),
    }
}
