//! The guest `plain`, under the host and under wasmtime alone.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stead_runtime::engine::{Engine, EngineOptions, LinkTo};
use stead_runtime::{Call, DeployOptions, Host, HostOptions, Outcome, RecordOptions};
use stead_schema::{Parts, Value};
use tokio::runtime::Runtime;
use wasmtime::component::{Component, Linker, ResourceTable, TypedFunc};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

/// A runtime as the binary has.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("tokio starts")
}

/// A host in a fresh directory with plugins `plain-0`, `plain-1`, …
pub async fn start(path: &Path, plugins: u64) -> Host {
    let engine = Engine::new(EngineOptions::default()).expect("the engine starts");
    let (host, _) = Host::open(HostOptions::at(path, engine)).await.expect("the host opens");
    for plugin in 0..plugins {
        let deployed = host.deploy(&name(plugin), stead_test_guests::PLAIN, DeployOptions::default()).await;
        deployed.expect("the plugin deploys");
    }
    host
}

/// Records the last calls of each plugin.
pub async fn record(host: &Host, plugins: u64, last: u64) {
    for plugin in 0..plugins {
        let options = RecordOptions { last, bytes: None };
        host.record(&name(plugin), Some(options)).await.expect("calls are recorded");
    }
}

/// A host in a fresh directory with one plugin.
pub async fn start_with(path: &Path, name: &str, wasm: &[u8]) -> Host {
    let host = start(path, 0).await;
    host.deploy(name, wasm, DeployOptions::default()).await.expect("the plugin deploys");
    host
}

/// What the guest `classes` measured: nanoseconds for so many operations on a map.
pub async fn time(host: &Host, function: &str, class: &str, operations: u32) -> u64 {
    let args = vec![Value(Parts::Enum(class.to_owned())), Value(Parts::U32(operations))];
    match host.call(Call::new("classes", function, args)).await.expect("the plugin measures").outcome {
        Outcome::Ok(Some(Value(Parts::U64(nanoseconds)))) => nanoseconds,
        other => panic!("no time: {other:?}"),
    }
}

/// Adds one in the first plugin, which touches no state.
pub async fn sum(host: &Host, number: u32, read: bool) -> Outcome {
    let args = vec![Value(Parts::U32(number)), Value(Parts::U32(1))];
    let call = Call { read, ..Call::new(name(0), "sum", args) };
    host.call(call).await.expect("the plugin adds").outcome
}

/// A host in a fresh directory with the linked plugins `leaf`, `left`, `right` and `top`.
pub async fn diamond(path: &Path) -> Host {
    use stead_test_guests::{LINK_LEAF, LINK_LEFT, LINK_RIGHT, LINK_TOP};
    let host = start(path, 0).await;
    let plugins: [(&str, &[u8], &[&str]); 4] = [
        ("leaf", LINK_LEAF, &[]),
        ("left", LINK_LEFT, &["leaf"]),
        ("right", LINK_RIGHT, &["leaf"]),
        ("top", LINK_TOP, &["leaf", "left", "right"]),
    ];
    for (name, wasm, callees) in plugins {
        let link = |callee: &&str| LinkTo { interface: format!("test:links/{callee}@1"), plugin: (*callee).to_owned() };
        let options = DeployOptions { links: callees.iter().map(link).collect(), ..DeployOptions::default() };
        host.deploy(name, wasm, options).await.expect("the plugin deploys");
    }
    host
}

/// Calls the leaf of the diamond, which touches no state.
pub async fn touch(host: &Host, number: u64) -> Outcome {
    let call = Call::new("leaf", "touch", vec![Value(Parts::U64(number))]);
    host.call(call).await.expect("the leaf adds").outcome
}

/// Lets the top call the leaf as often.
pub async fn touch_leaf(host: &Host, times: u32) -> Outcome {
    let call = Call::new("top", "touch-leaf", vec![Value(Parts::U32(times))]);
    host.call(call).await.expect("the top calls").outcome
}

/// Reads and writes one entry.
pub async fn bump(host: Host, plugin: u64, number: u64) {
    let args = vec![Value(Parts::String(format!("key {}", number % 1000)))];
    host.call(Call::new(name(plugin), "bump", args)).await.expect("the plugin bumps");
}

/// Operations per second of tasks that call again and again, each waiting for its reply. It is given the plugin and the
/// number of the task's call.
pub async fn callers<F>(
    host: &Host,
    callers: u64,
    plugins: u64,
    time: Duration,
    operation: impl Fn(Host, u64, u64) -> F + Copy + Send + 'static,
) -> f64
where
    F: Future<Output = ()> + Send,
{
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (host, stop) = (host.clone(), stop.clone());
            tokio::spawn(async move {
                let mut done = 0;
                while !stop.load(Ordering::Relaxed) {
                    operation(host.clone(), caller % plugins, done).await;
                    done += 1;
                }
                done
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut done = 0;
    for task in tasks {
        done += task.await.expect("a caller panicked");
    }
    done as f64 / began.elapsed().as_secs_f64()
}

fn name(plugin: u64) -> String {
    format!("plain-{plugin}")
}

/// The guest under wasmtime alone, with nothing around it.
pub struct Bare {
    store: wasmtime::Store<Context>,
    sum: TypedFunc<(u32, u32), (u32,)>,
}

impl Bare {
    /// Instantiates the guest.
    pub fn new(wasm: &[u8]) -> Bare {
        let engine = wasmtime::Engine::default();
        let component = Component::new(&engine, wasm).expect("the guest compiles");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("WASI links");
        let mut counts = linker.instance("test:plain/counts@1.0.0").expect("the name is new");
        counts.func_wrap("get", |_, (_,): (String,)| Ok((None::<u64>,))).expect("get links");
        counts.func_wrap("set", |_, (_, _): (String, u64)| Ok(())).expect("set links");
        let mut store = wasmtime::Store::new(&engine, Context::default());
        let instance = linker.instantiate(&mut store, &component).expect("the guest starts");
        let sum = instance.get_typed_func(&mut store, "sum").expect("the guest exports sum");
        Bare { store, sum }
    }

    /// Adds one.
    pub fn sum(&mut self, number: u32) -> u32 {
        self.sum.call(&mut self.store, (number, 1)).expect("the guest adds").0
    }
}

/// What WASI needs of a bare store.
pub(crate) struct Context {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl Default for Context {
    fn default() -> Context {
        Context { wasi: WasiCtx::builder().build(), table: ResourceTable::new() }
    }
}

impl WasiView for Context {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}
