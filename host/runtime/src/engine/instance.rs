//! A live instance and the calls that it runs.
//!
//! Each instance has a wasmtime store of its own, because a trap spoils the whole store. A call puts its transaction
//! into the store's context, runs, and takes it out again, however it ended.

use std::sync::Arc;
use std::time::Instant;

use stead_schema::{Parts, Type, Value};
use stead_store::Transaction;
use wasmtime::component::{Func, ResourceTable, Val};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use super::Place;
use super::collection::{Collection, Entries, Seen, Touched, Use};
use super::fault::{Fault, explain};
use super::fixed::Fixed;
use super::link::Link;
use super::linked::Linked;
use super::memory::Memory;
use super::outcome::{ArgumentError, CallEnd, Trap, TrapKind};
use super::output::Tail;
use super::program::{Export, Program, Signature};
use super::scope::Scope;
use super::settings::Settings;
use super::value::{checked, from_val};
use crate::limits::Limits;

/// A live instance of a program. It serves one call at a time, and none after a call that was cut short.
pub(crate) struct Instance {
    store: Store<Context>,
    instance: wasmtime::component::Instance,
    program: Program,
    /// By place among the program's exports; looked up once.
    functions: Vec<Option<Func>>,
    params: Vec<Val>,
    spent: bool,
    place: Place,
}

/// What a call may do to state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Read and write live collections.
    ReadWrite,
    /// Read live collections; a write traps.
    ReadOnly,
    /// Read and write live collections and read old ones.
    Migrate,
    /// Use no collection at all: an entry is converted, which depends on nothing else.
    Upgrade,
}

/// Why no instance could be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstanceError {
    /// As many are alive as the process may have: drop one, or wait.
    #[error("{max} instances are alive, which is the limit of this process")]
    Full {
        /// [`crate::limits::EngineLimits::instances_max`].
        max: u32,
    },
    /// The component's own start-up trapped.
    #[error("the component did not start: {0}")]
    Trapped(Trap),
    /// The host could not give it what it needs, such as a granted directory.
    #[error("the component cannot be started: {what}")]
    Host {
        /// What went wrong.
        what: String,
    },
}

/// What the store of an instance holds for the host.
pub(super) struct Context {
    call: Option<Call>,
    touched: Vec<Touched>,
    deadline: Instant,
    plugin: Arc<str>,
    settings: Arc<Settings>,
    limits: Arc<Limits>,
    memory: Memory,
    stderr: Tail,
    /// Time and chance that are given, in a rehearsal.
    fixed: Option<Fixed>,
    wasi: WasiCtx,
    resources: ResourceTable,
}

/// The call that runs.
struct Call {
    transaction: Transaction,
    mode: Mode,
    seen: Seen,
    /// None while a link is called, and where none may be.
    scope: Option<Box<Scope>>,
}

/// What a call works on.
pub(crate) struct Work {
    /// Over its own plugin's state.
    pub(crate) transaction: Transaction,
    /// What it may enter besides; none if no link may be called. It is gone after a call that was cut short in one.
    pub(crate) scope: Option<Box<Scope>>,
}

impl Context {
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The plugin's name.
    pub(super) fn plugin(&self) -> &str {
        &self.plugin
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn fixed(&self) -> Option<&Fixed> {
        self.fixed.as_ref()
    }

    /// When the call that runs is to end.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The entries of a collection, if there is a call and it may use them so.
    pub(super) fn entries<'a>(&'a mut self, collection: &'a Collection, how: Use) -> Result<Entries<'a>, Fault> {
        let Some(call) = &mut self.call else {
            let name = &collection.name;
            return Err(Fault::Forbidden(format!(
                "collection {name} was used outside of a call, while the plugin started"
            )));
        };
        collection.allow(call.mode, how)?;
        Ok(Entries {
            collection,
            transaction: &mut call.transaction,
            touched: &mut self.touched[collection.slot],
            seen: &mut call.seen,
            limits: &self.limits,
            mode: call.mode,
        })
    }

    /// Hands out what the call may enter, because its guest calls a link; [`Context::come_back`] takes it back.
    pub(super) fn leave(&mut self, link: &Link) -> Result<(Box<Scope>, Mode, Instant), Fault> {
        let forbidden = |when| {
            Fault::Forbidden(format!("plugin `{}` cannot be called through `{}` {when}", link.callee, link.interface))
        };
        let deadline = self.deadline;
        let call = self.call.as_mut().ok_or_else(|| forbidden("outside of a call, while the plugin starts"))?;
        let scope = call.scope.take().ok_or_else(|| forbidden("here: only calls of the plugin may use its links"))?;
        Ok((scope, call.mode, deadline))
    }

    pub(super) fn come_back(&mut self, scope: Box<Scope>) {
        if let Some(call) = &mut self.call {
            call.scope = Some(scope);
        }
    }

    fn begin(&mut self, work: Work, mode: Mode, deadline: Instant) {
        let Work { transaction, scope } = work;
        self.call = Some(Call { transaction, mode, seen: Seen::default(), scope });
        self.deadline = deadline;
        self.memory.begin();
        self.stderr.clear();
        for touched in &mut self.touched {
            *touched = Touched { number: touched.number, ..Touched::default() };
        }
    }

    fn end(&mut self) -> Option<Work> {
        self.call.take().map(|call| Work { transaction: call.transaction, scope: call.scope })
    }
}

impl WasiView for Context {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}

impl Linked {
    /// Makes an instance. Needs a tokio runtime.
    pub(crate) async fn instantiate(&self, deadline: Instant) -> Result<Instance, InstanceError> {
        let shared = self.shared();
        let engine = shared.program.engine();
        let place = engine.place().ok_or(InstanceError::Full { max: engine.limits().instances_max })?;
        self.instantiate_in(place, deadline).await
    }

    /// The same where there is a place for it already.
    pub(crate) async fn instantiate_in(&self, place: Place, deadline: Instant) -> Result<Instance, InstanceError> {
        let shared = self.shared();
        let mut store = self.store(deadline).map_err(|error| InstanceError::Host { what: format!("{error:#}") })?;
        let start = shared.pre.instantiate_async(&mut store);
        let started = tokio::time::timeout_at(deadline.into(), start).await;
        let instance = match started {
            Ok(Ok(instance)) => instance,
            Ok(Err(error)) => return Err(not_started(error, store.data_mut())),
            Err(_) => return Err(InstanceError::Trapped(late(store.data()))),
        };
        Ok(Instance {
            store,
            instance,
            functions: vec![None; shared.program.exports().len()],
            program: shared.program.clone(),
            params: Vec::new(),
            spent: false,
            place,
        })
    }

    fn store(&self, deadline: Instant) -> wasmtime::Result<Store<Context>> {
        let shared = self.shared();
        let limits = &shared.limits;
        let stderr = Tail::default();
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(limits.resources_max);
        let context = Context {
            call: None,
            touched: shared.untouched.clone(),
            deadline,
            plugin: shared.plugin.clone(),
            settings: shared.settings.clone(),
            limits: limits.clone(),
            memory: Memory::new(limits),
            wasi: shared.grants.context(&shared.plugin, limits, &stderr, shared.fixed.as_ref())?,
            stderr,
            fixed: shared.fixed.clone(),
            resources,
        };
        let mut store = Store::new(shared.program.engine().wasmtime(), context);
        store.limiter(|context| &mut context.memory);
        store.set_hostcall_fuel(limits.hostcall_bytes_max);
        store.set_max_component_handles(limits.resources_max);
        store.epoch_deadline_callback(|store| match Instant::now() >= store.data().deadline {
            true => Ok(UpdateDeadline::Interrupt),
            false => Ok(UpdateDeadline::Yield(1)),
        });
        store.set_epoch_deadline(1);
        Ok(store)
    }
}

fn not_started(error: wasmtime::Error, context: &mut Context) -> InstanceError {
    if error.is::<wasmtime::PoolConcurrencyLimitError>() {
        return InstanceError::Host { what: format!("{error:#}") };
    }
    match explain(error, context.memory.take_denied(), context.stderr.text()) {
        CallEnd::Trapped(trap) => InstanceError::Trapped(trap),
        end => InstanceError::Host { what: format!("{end:?}") },
    }
}

/// The trap of a call whose deadline came while the host worked for it, such as in a sleep.
fn late(context: &Context) -> Trap {
    Trap {
        kind: TrapKind::Deadline,
        message: "the plugin was still waiting at its deadline".into(),
        backtrace: Vec::new(),
        stderr: context.stderr.text(),
    }
}

impl Instance {
    /// Calls the export at a place of [`Program::exports`]. The transaction comes back however the call ends; whether
    /// its writes count is for the caller to say. Needs a tokio runtime.
    pub(crate) async fn call(
        &mut self,
        export: usize,
        arguments: &[Value],
        transaction: Transaction,
        deadline: Instant,
        mode: Mode,
    ) -> (CallEnd, Transaction) {
        let work = Work { transaction, scope: None };
        let (end, work) = self.call_within(export, arguments, work, deadline, mode).await;
        (end, work.transaction)
    }

    /// The same for a call that may enter linked plugins.
    pub(crate) async fn call_within(
        &mut self,
        export: usize,
        arguments: &[Value],
        work: Work,
        deadline: Instant,
        mode: Mode,
    ) -> (CallEnd, Work) {
        if let Err(refused) = self.take_arguments(export, arguments) {
            return (CallEnd::Refused(refused), work);
        }
        let mut result = [Val::Bool(false)];
        let has_result = signature(&self.program, export).is_some_and(|signature| signature.result.is_some());
        let results = &mut result[..usize::from(has_result)];
        // Kept, so that its memory is used again.
        let params = std::mem::take(&mut self.params);
        let (ended, work) = self.run(export, &params, results, work, deadline, mode).await;
        self.params = params;
        let end = match ended {
            Ok(()) => {
                let [result] = result;
                ended_well(signature(&self.program, export), has_result.then(|| from_val(result)))
            }
            Err(end) => end,
        };
        (end, work)
    }

    /// Calls an export for another plugin, whose types are the same. True if it returned, false if it returned `err`.
    pub(super) async fn enter(
        &mut self,
        export: usize,
        params: &[Val],
        results: &mut [Val],
        work: Work,
        deadline: Instant,
        mode: Mode,
    ) -> (Result<bool, CallEnd>, Work) {
        let (ended, work) = self.run(export, params, results, work, deadline, mode).await;
        let may_fail = signature(&self.program, export)
            .is_some_and(|signature| matches!(signature.result, Some(Type::Result { .. })));
        let failed = may_fail && matches!(results, [Val::Result(Err(_))]);
        (ended.map(|()| !failed), work)
    }

    async fn run(
        &mut self,
        export: usize,
        params: &[Val],
        results: &mut [Val],
        work: Work,
        deadline: Instant,
        mode: Mode,
    ) -> (Result<(), CallEnd>, Work) {
        let function = match self.function(export) {
            Ok(function) => function,
            Err(trap) => return (Err(CallEnd::Trapped(trap)), work),
        };
        self.store.data_mut().begin(work, mode, deadline);
        self.store.set_epoch_deadline(1);
        // Until the call has ended well, the store counts as spoilt: also if this future is dropped.
        self.spent = true;
        let run = function.call_async(&mut self.store, params, results);
        let ended = tokio::time::timeout_at(deadline.into(), run).await;
        let context = self.store.data_mut();
        let Some(work) = context.end() else { unreachable!("only this function takes the call away") };
        let ended = match ended {
            Ok(Ok(())) => {
                self.spent = false;
                Ok(())
            }
            Ok(Err(error)) => Err(explain(error, context.memory.take_denied(), context.stderr.text())),
            Err(_) => Err(CallEnd::Trapped(late(context))),
        };
        (ended, work)
    }

    /// Ends the instance and gives its place to another.
    pub(super) fn into_place(self) -> Place {
        let Instance { store, place, .. } = self;
        drop(store);
        place
    }

    /// Entries that the last call read and wrote, by collection.
    pub(crate) fn touched(&self) -> &[Touched] {
        &self.store.data().touched
    }

    /// Linear memory that the instance has, in bytes; it never shrinks.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.store.data().memory.bytes()
    }

    /// Turns arguments into what wasmtime takes, in a buffer that is kept between calls.
    fn take_arguments(&mut self, export: usize, arguments: &[Value]) -> Result<(), ArgumentError> {
        self.params.clear();
        let Some(signature) = signature(&self.program, export) else { return Ok(()) };
        let function = || self.program.exports()[export].path.clone();
        let (takes, given) = (signature.params.len(), arguments.len());
        if takes != given {
            return Err(ArgumentError::Count { function: function(), takes, given });
        }
        for ((parameter, ty), argument) in signature.params.iter().zip(arguments) {
            let value = checked(ty, argument).map_err(|(path, what)| ArgumentError::Type {
                function: function(),
                parameter: parameter.clone(),
                path: path.to_string(),
                what,
            })?;
            self.params.push(value);
        }
        Ok(())
    }

    fn function(&mut self, export: usize) -> Result<Func, Trap> {
        let host =
            |message: String| Trap { kind: TrapKind::Host, message, backtrace: Vec::new(), stderr: String::new() };
        if self.spent {
            return Err(host("the instance was cut short before and serves no more calls".into()));
        }
        if let Some(function) = self.functions.get(export).copied().flatten() {
            return Ok(function);
        }
        let found = match self.program.exports().get(export) {
            Some(Export { path, signature: Err(what), .. }) => Err(host(format!("{path} cannot be called: {what}"))),
            Some(named) => self
                .instance
                .get_func(&mut self.store, named.index)
                .ok_or_else(|| host(format!("the component has no function {}", named.path))),
            None => Err(host(format!("the component has no export number {export}"))),
        }?;
        self.functions[export] = Some(found);
        Ok(found)
    }
}

fn signature(program: &Program, export: usize) -> Option<&Signature> {
    program.exports().get(export)?.signature.as_ref().ok()
}

/// A `result` decides by its side; every other result is a return.
fn ended_well(signature: Option<&Signature>, result: Option<Value>) -> CallEnd {
    match (signature.and_then(|signature| signature.result.as_ref()), result) {
        (Some(Type::Result { .. }), Some(Value(Parts::Result(Ok(value))))) => CallEnd::Returned(value.map(|v| *v)),
        (Some(Type::Result { .. }), Some(Value(Parts::Result(Err(value))))) => CallEnd::Failed(value.map(|v| *v)),
        (_, result) => CallEnd::Returned(result),
    }
}
