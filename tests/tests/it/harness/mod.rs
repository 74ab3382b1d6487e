//! A host to test, and short words for what tests do with it.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use stead_runtime::engine::{Engine, EngineOptions};
use stead_runtime::{
    Call, CallError, DataDir, DeployOptions, Host, HostError, HostOptions, Outcome, Recovery, Reply, RollbackOptions,
    ScanOptions, SwapOptions,
};
use stead_schema::{Parts, Value};
use stead_store::disk::sim::SimDisk;
use stead_store::{Options, Writer};

/// One engine for all tests: each guest is compiled once.
pub(crate) fn engine() -> Engine {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(EngineOptions::default()).expect("an engine"));
    ENGINE.clone()
}

/// A store without threads and with small segments, so that runs repeat and segments change often.
pub(crate) fn inline() -> Options {
    Options { segment_bytes: 1 << 20, writer: Writer::Inline, ..Options::default() }
}

/// Opens a host on a simulated disk.
pub(crate) async fn try_open(disk: &SimDisk) -> Result<(Host, Recovery), HostError> {
    let data = DataDir::Disk(Arc::new(disk.clone()));
    Host::open(HostOptions { data, engine: engine(), store: inline(), receipt_key: None }).await
}

/// Opens a host on a simulated disk that must open.
pub(crate) async fn open(disk: &SimDisk) -> (Host, Recovery) {
    try_open(disk).await.unwrap_or_else(|error| panic!("the host does not open: {error}"))
}

/// Opens a host on a real directory, with the threads that it has in production.
pub(crate) async fn open_dir(path: &Path) -> Host {
    Host::open(HostOptions::at(path, engine())).await.expect("the directory opens").0
}

/// A host on a fresh simulated disk with one plugin, `box`.
pub(crate) async fn with_plugin(wasm: &[u8]) -> (SimDisk, Host) {
    let disk = SimDisk::new(1);
    let (host, _) = open(&disk).await;
    deploy(&host, "box", wasm).await;
    (disk, host)
}

/// Deploys a plugin that must be accepted.
pub(crate) async fn deploy(host: &Host, name: &str, wasm: &[u8]) {
    let options = DeployOptions { label: Some("1".into()), ..DeployOptions::default() };
    host.deploy(name, wasm, options).await.unwrap_or_else(|error| panic!("{name} is not deployed: {error}"));
}

/// Options of a swap that allow nothing.
pub(crate) fn swap() -> SwapOptions {
    SwapOptions { label: Some("2".into()), ..SwapOptions::default() }
}

/// Options of a rollback that discards nothing.
pub(crate) fn keep() -> RollbackOptions {
    RollbackOptions::default()
}

/// Options of a rollback that discards later writes into nowhere.
pub(crate) fn discard() -> RollbackOptions {
    RollbackOptions { discard: Some(Box::new(std::io::sink())), ..RollbackOptions::default() }
}

pub(crate) fn text(text: &str) -> Value {
    Value(Parts::String(text.into()))
}

pub(crate) fn u64_(number: u64) -> Value {
    Value(Parts::U64(number))
}

pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value(Parts::List(bytes.iter().map(|byte| Value(Parts::U8(*byte))).collect()))
}

/// What a call returned that must have returned.
pub(crate) fn returned(reply: Result<Reply, CallError>) -> Option<Value> {
    match reply {
        Ok(Reply { outcome: Outcome::Ok(value), .. }) => value,
        other => panic!("the call did not return: {other:?}"),
    }
}

/// The kind of the error that a call must have ended in.
pub(crate) fn refused(reply: Result<Reply, CallError>) -> &'static str {
    match reply {
        Err(error) => error.kind(),
        Ok(reply) => panic!("the call returned: {reply:?}"),
    }
}

/// Calls a function of `box` that must return.
pub(crate) async fn call(host: &Host, function: &str, args: Vec<Value>) -> Option<Value> {
    returned(host.call(Call::new("box", function, args)).await)
}

/// Bumps a key of `box`.
pub(crate) async fn bump(host: &Host, key: &str) -> u64 {
    number(call(host, "bump", vec![text(key)]).await)
}

/// How often a key of `box` was bumped.
pub(crate) async fn count_of(host: &Host, key: &str) -> u64 {
    number(call(host, "count-of", vec![text(key)]).await)
}

/// The sum of all bumps of `box`.
pub(crate) async fn total(host: &Host) -> u64 {
    number(call(host, "total", vec![]).await)
}

/// Which guest serves.
pub(crate) async fn version(host: &Host, plugin: &str) -> String {
    match returned(host.call(Call::new(plugin, "version", vec![])).await) {
        Some(Value(Parts::String(version))) => version,
        other => panic!("no version: {other:?}"),
    }
}

/// Reads a number.
pub(crate) fn number(value: Option<Value>) -> u64 {
    match value {
        Some(Value(Parts::U64(number))) => number,
        Some(Value(Parts::S64(number))) => number.try_into().expect("no negative number"),
        other => panic!("no number: {other:?}"),
    }
}

/// How many entries a collection of a plugin has.
pub(crate) fn entries(host: &Host, plugin: &str, collection: &str) -> usize {
    let scan = ScanOptions { collection: collection.into(), limit: Some(10_000), ..ScanOptions::default() };
    host.state(plugin, &scan).map_or(0, |page| page.entries.len())
}
