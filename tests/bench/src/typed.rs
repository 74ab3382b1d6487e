//! The guest `classes` under wasmtime alone, its maps written by hand: a [`BTreeMap`] of Rust values each, behind typed
//! functions whose types are derived. What `bindgen!` would make of the WIT is the same.

#![allow(
    unsafe_code,
    missing_docs,
    reason = "wasmtime's macros write unsafe implementations, and constants without words"
)]
#![allow(dead_code, reason = "the guest makes the values")]

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use parking_lot::Mutex;
use wasmtime::Store;
use wasmtime::component::{Component, ComponentType, Instance, Lift, Linker, Lower, TypedFunc, flags};

use crate::plugins::Context;

/// The functions that the guest exports.
pub struct Typed {
    store: Store<Context>,
    instance: Instance,
    interface: wasmtime::component::ComponentExportIndex,
}

#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug)]
#[component(enum)]
#[repr(u8)]
enum Colour {
    #[component(name = "red")]
    Red,
    #[component(name = "green")]
    Green,
    #[component(name = "blue")]
    Blue,
    #[component(name = "cyan")]
    Cyan,
    #[component(name = "magenta")]
    Magenta,
    #[component(name = "yellow")]
    Yellow,
    #[component(name = "black")]
    Black,
    #[component(name = "white")]
    White,
}

flags! {
    Marks {
        #[component(name = "verified")]
        const VERIFIED;
        #[component(name = "late")]
        const LATE;
        #[component(name = "hidden")]
        const HIDDEN;
        #[component(name = "pinned")]
        const PINNED;
    }
}

#[derive(ComponentType, Lift, Lower, Clone, Debug)]
#[component(variant)]
enum Origin {
    #[component(name = "web")]
    Web,
    #[component(name = "api")]
    Api(String),
    #[component(name = "batch")]
    Batch(u64),
}

#[derive(ComponentType, Lift, Lower, Clone, Debug)]
#[component(variant)]
enum Shape {
    #[component(name = "nothing")]
    Nothing,
    #[component(name = "circle")]
    Circle(u32),
    #[component(name = "label")]
    Label(String),
}

#[derive(ComponentType, Lift, Lower, Clone, Debug)]
#[component(record)]
struct Ballot {
    voter: String,
    choice: Colour,
    weight: u32,
    note: Option<String>,
    origin: Origin,
    marks: Marks,
    tags: Vec<(String, u32)>,
}

#[derive(ComponentType, Lift, Lower, Clone, Debug)]
#[component(record)]
struct Envelope {
    sender: String,
    content: Vec<u8>,
}

#[derive(ComponentType, Lift, Lower, Clone, Debug)]
#[component(record)]
struct Letter {
    number: u64,
    envelope: Envelope,
}

/// A class of the guest's `timing` interface.
#[derive(ComponentType, Lift, Lower, Clone, Copy, Debug)]
#[component(enum)]
#[repr(u8)]
pub enum Class {
    #[component(name = "u64")]
    U64,
    #[component(name = "u8")]
    U8,
    #[component(name = "f64")]
    F64,
    #[component(name = "string")]
    String,
    #[component(name = "bytes-small")]
    BytesSmall,
    #[component(name = "bytes-large")]
    BytesLarge,
    #[component(name = "record")]
    Record,
    #[component(name = "nested-small")]
    NestedSmall,
    #[component(name = "nested-large")]
    NestedLarge,
    #[component(name = "variant")]
    Variant,
    #[component(name = "enum")]
    Enum,
    #[component(name = "flags")]
    Flags,
    #[component(name = "option")]
    Option,
    #[component(name = "tuple-keys")]
    TupleKeys,
    #[component(name = "big-list")]
    BigList,
}

impl Typed {
    /// Instantiates the guest.
    pub fn new(wasm: &[u8]) -> Typed {
        let engine = wasmtime::Engine::default();
        let component = Component::new(&engine, wasm).expect("the guest compiles");
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("WASI links");
        map::<u64, u64>(&mut linker, "numbers");
        map::<u64, u8>(&mut linker, "smalls");
        map::<u64, f64>(&mut linker, "reals");
        map::<String, String>(&mut linker, "texts");
        map::<String, Vec<u8>>(&mut linker, "blobs");
        map::<String, Ballot>(&mut linker, "ballots");
        map::<String, Letter>(&mut linker, "letters");
        map::<u64, Shape>(&mut linker, "shapes");
        map::<u64, Colour>(&mut linker, "colours");
        map::<u64, Marks>(&mut linker, "rights");
        map::<u64, Option<u64>>(&mut linker, "perhaps");
        map::<(String, u64), u64>(&mut linker, "pairs");
        map::<u64, Vec<u64>>(&mut linker, "series");
        let mut store = Store::new(&engine, Context::default());
        let instance = linker.instantiate(&mut store, &component).expect("the guest starts");
        let interface = instance
            .get_export_index(&mut store, None, "test:classes/timing@1.0.0")
            .expect("the guest exports its timing");
        Typed { store, instance, interface }
    }

    /// Nanoseconds that so many operations took.
    pub fn time(&mut self, function: &str, class: Class, operations: u32) -> u64 {
        let index = self.instance.get_export_index(&mut self.store, Some(&self.interface), function);
        let index = index.expect("the guest times this");
        let function: TypedFunc<(Class, u32), (u64,)> =
            self.instance.get_typed_func(&mut self.store, index).expect("it takes a class and a number");
        function.call(&mut self.store, (class, operations)).expect("the guest returns").0
    }
}

/// Defines a map as one would by hand.
fn map<K, V>(linker: &mut Linker<Context>, name: &str)
where
    K: Lift + Lower + Ord + Clone + Send + Sync + 'static,
    V: Lift + Lower + Clone + Send + Sync + 'static,
{
    let entries: Arc<Mutex<BTreeMap<K, V>>> = Arc::default();
    let mut instance = linker.instance(&format!("test:classes/{name}@1.0.0")).expect("the name is new");
    let map = entries.clone();
    instance.func_wrap("get", move |_, (key,): (K,)| Ok((map.lock().get(&key).cloned(),))).expect("get links");
    let map = entries.clone();
    instance
        .func_wrap("set", move |_, (key, value): (K, V)| {
            map.lock().insert(key, value);
            Ok(())
        })
        .expect("set links");
    instance
        .func_wrap("scan", move |_, (start, limit): (Option<K>, u32)| {
            let entries = entries.lock();
            let start = start.map_or(Bound::Unbounded, Bound::Included);
            let page = entries.range((start, Bound::Unbounded)).take(limit as usize);
            Ok((page.map(|(key, value)| (key.clone(), value.clone())).collect::<Vec<_>>(),))
        })
        .expect("scan links");
}
