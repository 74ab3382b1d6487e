//! Time and chance that are given: a call that is made again sees the moment at which it was first made, and random
//! numbers that depend on nothing but its place.
//!
//! A look at a clock moves it on by a microsecond, and a wait ends at once and moves the clock to its end, so that code that
//! waits for a time to pass gets there without anybody waiting.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rand_core::TryRng;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::clocks::{HostMonotonicClock, HostWallClock, WasiClocksView as _};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::{WasiCtxBuilder, WasiView as _};

use super::instance::Context;

/// By how much a look at a clock moves it.
const LOOK_NS: u64 = 1_000;

const NS_PER_MS: u64 = 1_000_000;

/// Clocks and random numbers of the instances that share them; its clones are one.
#[derive(Clone)]
pub(crate) struct Fixed {
    now: Arc<Mutex<Now>>,
}

struct Now {
    /// Since 1970.
    wall_ns: u64,
    /// It never goes back, also where a call was recorded after a clock was set back.
    monotonic_ns: u64,
    chance: blake3::OutputReader,
}

impl Fixed {
    pub(crate) fn new(at_ms: u64) -> Fixed {
        let wall_ns = at_ms.saturating_mul(NS_PER_MS);
        Fixed { now: Arc::new(Mutex::new(Now { wall_ns, monotonic_ns: wall_ns, chance: chance(0) })) }
    }

    /// Sets what the next call sees: the moment, and random numbers by its place.
    pub(crate) fn set(&self, at_ms: u64, place: u64) {
        let mut now = self.now.lock();
        now.wall_ns = at_ms.saturating_mul(NS_PER_MS);
        now.monotonic_ns = now.monotonic_ns.max(now.wall_ns);
        now.chance = chance(place);
    }

    /// Gives them to an instance.
    pub(super) fn give(&self, wasi: &mut WasiCtxBuilder) {
        wasi.wall_clock(self.clone()).monotonic_clock(self.clone());
        wasi.secure_random(self.clone()).insecure_random(self.clone()).insecure_random_seed(0);
    }

    fn pass(&self, to_monotonic_ns: u64) {
        let mut now = self.now.lock();
        let passed = to_monotonic_ns.saturating_sub(now.monotonic_ns);
        now.monotonic_ns += passed;
        now.wall_ns = now.wall_ns.saturating_add(passed);
    }
}

fn chance(place: u64) -> blake3::OutputReader {
    blake3::Hasher::new_derive_key("stead rehearsal random numbers v1").update(&place.to_le_bytes()).finalize_xof()
}

impl HostWallClock for Fixed {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(LOOK_NS)
    }

    fn now(&self) -> Duration {
        let mut now = self.now.lock();
        now.wall_ns = now.wall_ns.saturating_add(LOOK_NS);
        Duration::from_nanos(now.wall_ns)
    }
}

impl HostMonotonicClock for Fixed {
    fn resolution(&self) -> u64 {
        LOOK_NS
    }

    fn now(&self) -> u64 {
        let mut now = self.now.lock();
        now.monotonic_ns = now.monotonic_ns.saturating_add(LOOK_NS);
        now.monotonic_ns
    }
}

impl TryRng for Fixed {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.now.lock().chance.fill(bytes);
        Ok(())
    }
}

/// A wait for a given time: over as soon as somebody waits.
struct Wait {
    fixed: Fixed,
    to_monotonic_ns: u64,
}

#[async_trait]
impl Pollable for Wait {
    async fn ready(&mut self) {
        self.fixed.pass(self.to_monotonic_ns);
        // A guest that does nothing but wait lets others run all the same.
        tokio::task::yield_now().await;
    }
}

/// Defines the clock that waits: WASI's own takes given clocks, and still waits by the real one.
pub(super) fn define(linker: &mut Linker<Context>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<Context, HasSelf<Context>>(linker, |context| context)?;
    linker.allow_shadowing(false);
    Ok(())
}

impl Context {
    fn wait(&mut self, fixed: Fixed, to_monotonic_ns: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let table = self.ctx().table;
        let wait = table.push(Wait { fixed, to_monotonic_ns })?;
        subscribe(table, wait)
    }
}

impl monotonic_clock::Host for Context {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.clocks().now()
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        self.clocks().resolution()
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match self.fixed().cloned() {
            Some(fixed) => self.wait(fixed, when),
            None => self.clocks().subscribe_instant(when),
        }
    }

    fn subscribe_duration(&mut self, duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match self.fixed().cloned() {
            Some(fixed) => {
                let to = fixed.now.lock().monotonic_ns.saturating_add(duration);
                self.wait(fixed, to)
            }
            None => self.clocks().subscribe_duration(duration),
        }
    }
}
