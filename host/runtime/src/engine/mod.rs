//! The component side of the runtime: compiled programs, their reflection, the binding of their imports to
//! collections, and instances that run calls.
//!
//! An [`Engine`] is what a process has once; a `Program` is a component, compiled and understood; `Linked` is a
//! program joined to one plugin's collections and grants; an `Instance` runs calls, each over one transaction.
//! Nothing here knows which version is active, who calls, or when a commit is durable.

mod instance;
mod link;
mod linked;
mod outcome;
mod program;
mod refusal;
mod scope;
mod wasi;

mod bind;
mod code;
mod collection;
mod fault;
mod find;
mod fixed;
mod keyvalue;
mod logging;
mod memory;
mod named;
mod native;
mod old;
mod outline;
mod output;
mod reflect;
mod settings;
mod unsupported;
mod upgrade;
mod value;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use wasmtime::component::Linker;
use wasmtime::{Config, InstanceAllocationStrategy, PoolingAllocationConfig};

pub use self::link::LinkTo;
pub use self::outcome::{ArgumentError, Trap, TrapKind, Unreadable};
pub use self::refusal::ComponentError;
pub use self::settings::{Settings, SettingsError};
pub use self::wasi::{AddressGrant, DirectoryGrant, Grants, GrantsError};

pub(crate) use self::collection::Touched;
pub(crate) use self::find::FindError;
pub(crate) use self::fixed::Fixed;
pub(crate) use self::instance::{Instance, InstanceError, Mode, Work};
pub(crate) use self::link::{Link, Misfit};
pub(crate) use self::linked::Linked;
pub(crate) use self::old::Way;
pub(crate) use self::outcome::CallEnd;
pub(crate) use self::outline::Outline;
pub(crate) use self::program::{Export, Program, Signature};
pub(crate) use self::scope::Scope;

#[cfg(test)]
mod tests;

use self::code::Code;
use self::instance::Context;
use crate::limits::EngineLimits;

/// What every host of a process shares: the compiler, the pool of instances and the cache of compiled code.
///
/// Cheap to clone; the clones are one engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    wasmtime: wasmtime::Engine,
    code: Code,
    /// WASI, defined once; each program's linker starts as a copy.
    wasi: Linker<Context>,
    limits: EngineLimits,
    instances: AtomicU32,
}

/// How an [`Engine`] is set up.
#[derive(Clone, Debug, Default)]
pub struct EngineOptions {
    /// Bounds of the process.
    pub limits: EngineLimits,
    /// Where compiled code is kept between runs; it must be private to the user of this process. None: only in memory.
    pub cache: Option<PathBuf>,
}

/// Why an engine could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the wasm engine could not be set up: {source}")]
pub struct EngineError {
    /// What wasmtime said.
    #[source]
    source: wasmtime::Error,
}

impl Engine {
    /// Sets up compiler and pool, and starts the thread that interrupts guests.
    pub fn new(options: EngineOptions) -> Result<Engine, EngineError> {
        let limits = options.limits;
        let wasmtime = wasmtime::Engine::new(&config(&limits)).map_err(|source| EngineError { source })?;
        start_ticker(&wasmtime, &limits).map_err(|source| EngineError { source: source.into() })?;
        let wasi = linked::wasi_linker(&wasmtime).map_err(|source| EngineError { source })?;
        let code = Code::new(&wasmtime, options.cache, limits.programs_idle_max);
        Ok(Engine { shared: Arc::new(Shared { wasmtime, code, wasi, limits, instances: AtomicU32::new(0) }) })
    }

    /// The bounds that it was made with.
    pub fn limits(&self) -> &EngineLimits {
        &self.shared.limits
    }

    /// Instances alive now, of at most [`EngineLimits::instances_max`].
    pub fn instances(&self) -> u32 {
        self.shared.instances.load(Ordering::Relaxed)
    }

    fn wasmtime(&self) -> &wasmtime::Engine {
        &self.shared.wasmtime
    }

    fn code(&self) -> &Code {
        &self.shared.code
    }

    fn wasi_linker(&self) -> Linker<Context> {
        self.shared.wasi.clone()
    }

    /// Takes one of the places for live instances, which is given back when the place is dropped.
    fn place(&self) -> Option<Place> {
        self.places(1)?.pop()
    }

    /// Takes several of them, or none.
    pub(crate) fn places(&self, count: usize) -> Option<Vec<Place>> {
        let (max, count) = (self.shared.limits.instances_max, u32::try_from(count).ok()?);
        let enough = |taken: u32| taken.checked_add(count).filter(|taken| *taken <= max);
        self.shared.instances.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enough).ok()?;
        Some((0..count).map(|_| Place { engine: self.clone() }).collect())
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("instances", &self.instances()).finish_non_exhaustive()
    }
}

/// One of the places for live instances.
pub(crate) struct Place {
    engine: Engine,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.engine.shared.instances.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The pool has room for the worst guest known: script guests have two memories, adapters add core instances.
fn config(limits: &EngineLimits) -> Config {
    let instances = limits.instances_max;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_core_instances(instances.saturating_mul(6))
        .total_memories(instances.saturating_mul(2))
        .total_tables(instances.saturating_mul(3))
        .total_stacks(instances)
        .max_memory_size(limits.memory_bytes_max)
        .max_core_instances_per_component(64)
        .max_memories_per_component(16)
        .max_tables_per_component(64)
        .table_elements(limits.table_elements_max)
        .linear_memory_keep_resident(limits.slot_keep_bytes)
        .table_keep_resident(limits.slot_keep_bytes)
        .max_unused_warm_slots(instances);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .epoch_interruption(true)
        .max_wasm_stack(limits.stack_bytes_max)
        .async_stack_size((2 << 20) + limits.stack_bytes_max)
        .wasm_component_model(true)
        // Imports under a label of the component's own, `import ballots: …`.
        .wasm_component_model_implements(true);
    config
}

/// Raises the epoch once a tick for as long as the engine lives; it holds no engine alive itself.
fn start_ticker(engine: &wasmtime::Engine, limits: &EngineLimits) -> std::io::Result<()> {
    let engine = engine.weak();
    let tick = limits.tick;
    std::thread::Builder::new().name("stead-ticker".into()).spawn(move || {
        loop {
            std::thread::sleep(tick);
            match engine.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    })?;
    Ok(())
}
