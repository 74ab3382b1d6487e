//! Callers of a plugin that is replaced meanwhile: for how long they are held, and what becomes of their calls.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;
use stead_runtime::engine::{Engine, EngineOptions};
use stead_runtime::limits::Limits;
use stead_runtime::{Call, DeployOptions, Host, HostError, HostOptions, Outcome, Phase, SwapOptions};
use stead_schema::{Parts, Value};
use stead_store::OpenError;
use tokio::task::JoinHandle;

use crate::disk;
use crate::load::mix;

/// As many call one plugin at once.
pub const CALLERS: u64 = 64;

/// Items that one call of `fill` makes.
const FILL_ITEMS: u64 = 50_000;

/// How long callers call before anything else happens, and between two hand-offs.
const SETTLE: Duration = Duration::from_millis(500);
const BETWEEN: Duration = Duration::from_millis(60);

/// A plugin with so many items, the directory that it lies in, and its callers.
pub struct Stock {
    path: PathBuf,
    /// None while it is restarted.
    host: Arc<RwLock<Option<Host>>>,
    plugin: &'static str,
    items: u64,
}

/// What the callers of one plugin saw.
pub struct Seen {
    /// For how long each hand-off held calls, in microseconds, in ascending order.
    pub pauses: Vec<f64>,
    /// Of each pause, how long the gate took to close, the sealing, and what came between that and the commit.
    pub parts: [Vec<f64>; 3],
    /// How long every call took that no hand-off overlapped, in microseconds, in ascending order.
    pub before: Vec<f64>,
    /// And of every call that one did.
    pub during: Vec<f64>,
    /// Attempts that failed.
    pub failed: u64,
    /// Calls that were answered and are not there.
    pub lost: u64,
    /// Calls that are there more often than they were answered.
    pub doubled: u64,
    /// Memory at its height during a hand-off, above what it was before, in bytes.
    pub memory: u64,
}

impl Seen {
    /// What was seen here and there.
    #[must_use]
    pub fn and(mut self, other: Seen) -> Seen {
        let figures =
            [(&mut self.pauses, other.pauses), (&mut self.before, other.before), (&mut self.during, other.during)];
        for (all, more) in figures.into_iter().chain(self.parts.iter_mut().zip(other.parts)) {
            all.extend(more);
            all.sort_by(f64::total_cmp);
        }
        let (failed, lost) = (self.failed + other.failed, self.lost + other.lost);
        Seen { failed, lost, doubled: self.doubled + other.doubled, memory: self.memory.max(other.memory), ..self }
    }
}

struct Calls {
    stop: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<Vec<(Instant, Instant)>>>,
}

impl Stock {
    /// A host in a fresh directory with one plugin and its items.
    pub async fn start(path: &Path, wasm: &[u8], items: u64) -> Stock {
        let host = open(path).await;
        let stock = Stock { path: path.into(), host: Arc::new(RwLock::new(Some(host))), plugin: "stock", items };
        let limits = Limits { call_time_max: Duration::from_secs(300), ..Limits::default() };
        let options = DeployOptions { limits, ..DeployOptions::default() };
        stock.host().deploy(stock.plugin, wasm, options).await.expect("the plugin deploys");
        for first in (0..items).step_by(FILL_ITEMS as usize) {
            let count = FILL_ITEMS.min(items - first);
            let args = vec![Value(Parts::U64(first)), Value(Parts::U32(count as u32))];
            stock.host().call(Call::new(stock.plugin, "fill", args)).await.expect("the plugin fills");
        }
        stock.host().checkpoint().await.expect("a checkpoint");
        stock
    }

    /// The same items in a plugin of its own, at no cost.
    pub async fn fork(&self, name: &'static str) -> Stock {
        self.host().fork(self.plugin, name).await.expect("the plugin forks");
        Stock { path: self.path.clone(), host: self.host.clone(), plugin: name, items: self.items }
    }

    fn host(&self) -> Host {
        self.host.read().clone().expect("the host is open")
    }

    /// Hand-offs to one component after another, under load.
    pub async fn swaps(&self, successors: &[&[u8]]) -> Seen {
        let total = self.total().await;
        let calls = self.calls();
        tokio::time::sleep(SETTLE).await;
        let (mut pauses, mut windows, mut memory) = (Vec::new(), Vec::new(), 0);
        let mut parts = [const { Vec::new() }; 3];
        for wasm in successors {
            let (peak, began) = (Peak::watch(), Instant::now());
            let options = SwapOptions { deadline: Some(Duration::from_secs(60)), ..SwapOptions::default() };
            let receipt = self.host().swap(self.plugin, wasm, options).await.expect("the plugin is replaced");
            windows.push((began, Instant::now()));
            memory = memory.max(peak.stop().await);
            pauses.push(receipt.pause_us as f64);
            for (part, phase) in parts.iter_mut().zip([Phase::Draining, Phase::Sealing, Phase::AwaitingReady]) {
                part.extend(receipt.phases.iter().filter(|time| time.phase == phase).map(|time| time.took_us as f64));
            }
            tokio::time::sleep(BETWEEN).await;
        }
        self.seen(calls, total, (pauses, parts), &windows, memory).await
    }

    /// What is done without a hand-off: the host stops, starts again, and then the callers that were turned away repeat
    /// their calls. The new version takes over while nobody calls.
    pub async fn restart(&self, wasm: &[u8]) -> Seen {
        let total = self.total().await;
        let calls = self.calls();
        tokio::time::sleep(SETTLE).await;
        let (peak, began) = (Peak::watch(), Instant::now());
        let host = self.host.write().take().expect("the host is open");
        host.close().await.expect("the host closes");
        // The calls that are under way hold the directory until they are refused.
        let host = loop {
            match try_open(&self.path).await {
                Err(HostError::Open(OpenError::Locked { .. })) => tokio::time::sleep(Duration::from_micros(100)).await,
                opened => break opened.expect("the host opens"),
            }
        };
        let options = SwapOptions { deadline: Some(Duration::from_secs(60)), ..SwapOptions::default() };
        host.swap(self.plugin, wasm, options).await.expect("the plugin is replaced");
        *self.host.write() = Some(host);
        let ended = Instant::now();
        let memory = peak.stop().await;
        let pause = ended.duration_since(began).as_secs_f64() * 1e6;
        tokio::time::sleep(BETWEEN).await;
        self.seen(calls, total, (vec![pause], [const { Vec::new() }; 3]), &[(began, ended)], memory).await
    }

    /// Closes the host.
    pub async fn close(self) {
        self.host().close().await.expect("the host closes");
    }

    async fn total(&self) -> i64 {
        match self.host().call(Call::new(self.plugin, "total", vec![])).await.expect("the plugin counts").outcome {
            Outcome::Ok(Some(Value(Parts::S64(total)))) => total,
            other => panic!("no total: {other:?}"),
        }
    }

    fn calls(&self) -> Calls {
        let (stop, failed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let round = Instant::now();
        let tasks = (0..CALLERS).map(|caller| {
            let (host, plugin, items) = (self.host.clone(), self.plugin, self.items);
            let (stop, failed) = (stop.clone(), failed.clone());
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for sequence in 1.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let number = mix(caller << 32 | sequence) % items;
                    let put = Call::new(plugin, "put", vec![Value(Parts::U64(number))]);
                    let put = put.with_id(format!("{caller} since {round:?}"), sequence);
                    let asked = Instant::now();
                    loop {
                        let host = host.read().clone();
                        if let Some(host) = host
                            && host.call(put.clone()).await.is_ok()
                        {
                            break;
                        }
                        failed.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                    answered.push((asked, Instant::now()));
                }
                answered
            })
        });
        Calls { tasks: tasks.collect(), stop, failed }
    }

    async fn seen(
        &self,
        calls: Calls,
        total: i64,
        (mut pauses, mut parts): (Vec<f64>, [Vec<f64>; 3]),
        windows: &[(Instant, Instant)],
        memory: u64,
    ) -> Seen {
        calls.stop.store(true, Ordering::Relaxed);
        let (mut before, mut during, mut answered) = (Vec::new(), Vec::new(), 0);
        for task in calls.tasks {
            for (asked, returned) in task.await.expect("a caller panicked") {
                answered += 1;
                let took = returned.duration_since(asked).as_secs_f64() * 1e6;
                let overlaps = windows.iter().any(|(began, ended)| asked <= *ended && returned >= *began);
                if overlaps { &mut during } else { &mut before }.push(took);
            }
        }
        let there = self.total().await - total;
        for figures in [&mut pauses, &mut before, &mut during].into_iter().chain(&mut parts) {
            figures.sort_by(f64::total_cmp);
        }
        Seen {
            pauses,
            parts,
            before,
            during,
            failed: calls.failed.load(Ordering::Relaxed),
            lost: u64::try_from(answered - there).unwrap_or(0),
            doubled: u64::try_from(there - answered).unwrap_or(0),
            memory,
        }
    }
}

/// The figure below which so many of a thousand lie; none of none.
pub fn quantile(ascending: &[f64], per_mille: usize) -> f64 {
    let place = (ascending.len() * per_mille).div_ceil(1000).max(1) - 1;
    ascending.get(place).copied().unwrap_or(f64::NAN)
}

async fn open(path: &Path) -> Host {
    try_open(path).await.expect("the host opens")
}

async fn try_open(path: &Path) -> Result<Host, HostError> {
    let engine = Engine::new(EngineOptions::default()).expect("the engine starts");
    Ok(Host::open(HostOptions::at(path, engine)).await?.0)
}

/// Watches the memory of this process.
struct Peak {
    before: u64,
    stop: Arc<AtomicBool>,
    task: JoinHandle<u64>,
}

impl Peak {
    fn watch() -> Peak {
        let (before, stop) = (disk::resident_bytes(), Arc::new(AtomicBool::new(false)));
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut peak = before;
            while !stopped.load(Ordering::Relaxed) {
                peak = peak.max(disk::resident_bytes());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            peak
        });
        Peak { before, stop, task }
    }

    async fn stop(self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.expect("memory is watched") - self.before
    }
}
