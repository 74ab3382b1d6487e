//! How a state comes back that is kept as the calls that made it: each runs again on the new code, under wasmtime alone,
//! with the state in memory. Nothing is written, and nothing is read but the calls.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::{Duration, Instant};

use wasmtime::component::{Component, ComponentType, Lift, Linker, Lower};
use wasmtime::{Engine, Store, StoreContextMut};

use crate::plugins::Context;

#[derive(ComponentType, Lift, Lower, Clone)]
#[component(record)]
struct Item {
    count: u32,
    name: String,
    shelf: u16,
}

#[derive(Default)]
struct State {
    wasi: Context,
    items: BTreeMap<u64, Item>,
    puts: i64,
}

/// Starts the guest `stock-v1` and runs so many calls: half of them make an item, half put one in.
pub fn replay(wasm: &[u8], calls: u64) -> Duration {
    let engine = Engine::default();
    // Compiled code is at hand on both sides.
    let component = Component::new(&engine, wasm).expect("the guest compiles");
    let began = Instant::now();
    let mut store = Store::new(&engine, State::default());
    let instance = linker(&engine).instantiate(&mut store, &component).expect("the guest starts");
    let interface = instance.get_export_index(&mut store, None, "test:stock/store@1.0.0").expect("the interface");
    let mut export = |name| instance.get_export_index(&mut store, Some(&interface), name).expect("the function");
    let (fill, put) = (export("fill"), export("put"));
    let fill = instance.get_typed_func::<(u64, u32), ()>(&mut store, fill).expect("fill");
    let put = instance.get_typed_func::<(u64,), (u64,)>(&mut store, put).expect("put");
    for number in 0..calls / 2 {
        fill.call(&mut store, (number, 1)).expect("an item is made");
        put.call(&mut store, (number,)).expect("an item is put in");
    }
    assert_eq!((store.data().items.len() as u64, store.data().puts as u64), (calls / 2, calls / 2));
    began.elapsed()
}

fn linker(engine: &Engine) -> Linker<State> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker).expect("WASI links");
    let mut items = linker.instance("test:stock/items@1.0.0").expect("the name is new");
    type In<'a> = StoreContextMut<'a, State>;
    let get = |context: In<'_>, (number,): (u64,)| Ok((context.data().items.get(&number).cloned(),));
    items.func_wrap("get", get).expect("get links");
    let set = |mut context: In<'_>, (number, item): (u64, Item)| {
        context.data_mut().items.insert(number, item);
        Ok(())
    };
    items.func_wrap("set", set).expect("set links");
    let scan = |context: In<'_>, (start, limit): (Option<u64>, u32)| {
        let from = start.map_or(Bound::Unbounded, Bound::Included);
        let entries = context.data().items.range((from, Bound::Unbounded)).take(limit as usize);
        Ok((entries.map(|(number, item)| (*number, item.clone())).collect::<Vec<_>>(),))
    };
    items.func_wrap("scan", scan).expect("scan links");
    let mut puts = linker.instance("test:stock/puts@1.0.0").expect("the name is new");
    puts.func_wrap("value", |context: In<'_>, (): ()| Ok((context.data().puts,))).expect("value links");
    let add = |mut context: In<'_>, (delta,): (i64,)| {
        context.data_mut().puts += delta;
        Ok(())
    };
    puts.func_wrap("add", add).expect("add links");
    linker
}

impl wasmtime_wasi::WasiView for State {
    fn ctx(&mut self) -> wasmtime_wasi::WasiCtxView<'_> {
        self.wasi.ctx()
    }
}
