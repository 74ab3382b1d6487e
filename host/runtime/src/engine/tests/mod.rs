//! Components against the engine: what loads, what is refused, what calls do to state, and what stops them.

mod calls;
mod code;
mod hostile;
mod imports;
mod limits;
mod links;
mod load;
mod state;
mod types;
mod ways;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use stead_schema::{Access, Binding, Kind, Parts, Value, layout};
use stead_store::disk::sim::SimDisk;
use stead_store::{Change, Options, StateId, Store, Transaction, Writer, WriterEpoch};

use super::{CallEnd, Engine, EngineOptions, Grants, Instance, Linked, Mode, Program, Settings, Trap, TrapKind};
use crate::limits::{EngineLimits, Limits};

/// One engine for all tests: compilation is what they spend their time on.
fn engine() -> Engine {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        let limits = EngineLimits { instances_max: 64, ..EngineLimits::default() };
        Engine::new(EngineOptions { limits, cache: None }).expect("an engine")
    });
    ENGINE.clone()
}

fn program(wat: &str) -> Program {
    Program::load(&engine(), &wat::parse_str(wat).expect("wat")).expect("a plugin")
}

/// What a first deploy would bind: collections numbered as declared, one schema each.
fn bindings(program: &Program) -> Vec<Binding> {
    let bind = |(number, declared): (usize, &stead_schema::Declared)| Binding {
        identity: declared.identity.clone(),
        interface: declared.interface.clone(),
        number: match declared.shape.kind {
            Some(_) => number as u32,
            None => layout::NOWHERE,
        },
        kind: declared.shape.kind.unwrap_or(Kind::Map),
        key: declared.shape.key.clone(),
        value: declared.shape.value.clone(),
        signed: declared.shape.signed,
        schema: 0,
        conversions: vec![None],
        access: if declared.old { Access::Old } else { Access::Live },
    };
    program.declared().iter().enumerate().map(bind).collect()
}

/// A plugin with a state in a simulated store: calls commit when they return.
struct Plugin {
    linked: Linked,
    store: Store,
    state: StateId,
    instance: Option<Instance>,
    deadline: Duration,
}

impl Plugin {
    fn new(wat: &str) -> Plugin {
        Plugin::with(wat, Limits::default())
    }

    fn with(wat: &str, limits: Limits) -> Plugin {
        let program = program(wat);
        let linked = program
            .link("test", &bindings(&program), &Grants::default(), &Settings::default(), &limits)
            .expect("linked");
        Plugin::of(linked)
    }

    /// A guest that was compiled from Rust.
    fn built(wasm: &[u8], grants: &Grants, limits: Limits) -> Plugin {
        let program = Program::load(&engine(), wasm).expect("a plugin");
        Plugin::of(program.link("test", &bindings(&program), grants, &Settings::default(), &limits).expect("linked"))
    }

    fn of(linked: Linked) -> Plugin {
        let options = Options { segment_bytes: 1 << 20, writer: Writer::Inline, ..Options::default() };
        let (store, _) = Store::open(Arc::new(SimDisk::new(1)), options).expect("a store");
        let state = store.new_state();
        store.commit(vec![Change::Create { state }]).expect("accepted").wait().expect("durable");
        Plugin { linked, store, state, instance: None, deadline: Duration::from_secs(10) }
    }

    fn transaction(&self) -> Transaction {
        Transaction::new(self.store.view(self.state).expect("the state"))
    }

    async fn call_as(&mut self, mode: Mode, function: &str, arguments: &[Value]) -> CallEnd {
        let deadline = Instant::now() + self.deadline;
        let export = self.linked.program().exports().iter().position(|export| export.function == function);
        let export = export.unwrap_or_else(|| panic!("no function {function}"));
        let mut instance = match self.instance.take() {
            Some(instance) => instance,
            None => self.linked.instantiate(deadline).await.expect("an instance"),
        };
        let (end, transaction) = instance.call(export, arguments, self.transaction(), deadline, mode).await;
        if end.keeps_instance() {
            self.instance = Some(instance);
        }
        if let CallEnd::Returned(_) = end {
            let changes = transaction.into_effects().into_changes(self.state, WriterEpoch::FIRST);
            self.store.commit(changes).expect("accepted").wait().expect("durable");
        }
        end
    }

    async fn call(&mut self, function: &str, arguments: &[Value]) -> CallEnd {
        self.call_as(Mode::ReadWrite, function, arguments).await
    }

    /// A call that must return.
    async fn ok(&mut self, function: &str, arguments: &[Value]) -> Option<Value> {
        match self.call(function, arguments).await {
            CallEnd::Returned(value) => value,
            end => panic!("{function} did not return: {end:?}"),
        }
    }

    /// A call that must trap.
    async fn trap(&mut self, function: &str, arguments: &[Value]) -> Trap {
        trap(self.call(function, arguments).await)
    }
}

fn trap(end: CallEnd) -> Trap {
    match end {
        CallEnd::Trapped(trap) => trap,
        end => panic!("no trap: {end:?}"),
    }
}

fn list(items: impl IntoIterator<Item = Value>) -> Value {
    Value(Parts::List(items.into_iter().collect()))
}

fn pair(first: impl Into<Value>, second: impl Into<Value>) -> Value {
    Value(Parts::Tuple(vec![first.into(), second.into()]))
}

/// A component that imports `acme:test/kept@1.0.0` and exports each of its functions, passed straight through.
///
/// `types` are definitions inside the interface, `functions` are lines `name | params | result | core params | answer`,
/// where the answer is `none`, `flat i32`, `flat i64` (one core value) or `spilled` (a place in memory).
fn passing(types: &str, functions: &[&str]) -> String {
    let mut imported = String::new();
    let mut lowered = String::new();
    let mut core_imports = String::new();
    let mut core_exports = String::new();
    let mut exported = String::new();
    for line in functions {
        let [name, params, result, core, answer] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let result = if result.is_empty() { String::new() } else { format!("(result {result})") };
        let ty = format!("{params} {result}");
        imported += &format!("(export \"{name}\" (func {ty}))\n");
        lowered += &format!(
            "(core func ${name} (canon lower (func $kept \"{name}\") (memory $memory) (realloc (core func $lib \"realloc\"))))\n"
        );
        let gets: String = (0..core.split_whitespace().count()).map(|i| format!("local.get {i} ")).collect();
        let (import_type, body_type, body) = match answer {
            "none" => (format!("(param {core})"), format!("(param {core})"), format!("{gets} call ${name}")),
            "spilled" => (
                format!("(param {core} i32)"),
                format!("(param {core}) (result i32)"),
                format!("{gets} i32.const 16 call ${name} i32.const 16"),
            ),
            flat => {
                let flat = flat.trim_start_matches("flat ");
                let ty = format!("(param {core}) (result {flat})");
                (ty.clone(), ty, format!("{gets} call ${name}"))
            }
        };
        core_imports += &format!("(import \"kept\" \"{name}\" (func ${name} {import_type}))\n");
        core_exports += &format!("(func (export \"{name}\") {body_type} {body})\n");
        exported += &format!(
            "(func (export \"{name}\") {ty} (canon lift (core func $main \"{name}\") (memory $memory) (realloc (core func $lib \"realloc\"))))\n"
        );
    }
    let with: String = functions
        .iter()
        .map(|line| line.split('|').next().unwrap_or_default().trim())
        .map(|name| format!("(export \"{name}\" (func ${name}))"))
        .collect();
    format!(
        r#"(component
          {outer}
          (import "acme:test/kept@1.0.0" (instance $kept {types} {imported}))
          {aliases}
          {LIB}
          {lowered}
          (core module $Main {core_imports} {core_exports})
          (core instance $main (instantiate $Main (with "kept" (instance {with}))))
          {exported})"#,
        outer = "",
        aliases = aliases(types),
    )
}

/// Types that the interface exports, for the exports of the component to use.
fn aliases(types: &str) -> String {
    types
        .split("(export \"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(|name| format!("(alias export $kept \"{name}\" (type ${name}))\n"))
        .collect()
}

/// Memory and an allocator that never frees.
const LIB: &str = r#"
  (core module $Lib
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (block $fits
        (br_if $fits (i32.le_u (global.get $next) (i32.mul (memory.size) (i32.const 65536))))
        (br_if $fits (i32.ne (i32.const -1) (memory.grow
          (i32.add (i32.div_u (local.get 3) (i32.const 65536)) (i32.const 1)))))
        unreachable)
      (local.get $at)))
  (core instance $lib (instantiate $Lib))
  (alias core export $lib "memory" (core memory $memory))
"#;
