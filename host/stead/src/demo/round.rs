//! One round of the demo, from an empty directory to the comparison.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;
use stead_examples::{WEATHER_CSV, WEATHER_V1, WEATHER_V2};
use stead_runtime::{Activated, HistoryEntry, HistoryEvent, Phase, PluginSummary, Receipt};
use tokio::task::JoinSet;

use super::callers::Stream;
use super::check::{self, Checked, same};
use super::host::{HostProcess, command};
use super::input;
use super::story::Story;
use crate::api::{HealthAnswer, PluginInfo, SwapRequest};
use crate::client::{Body, Client, Target, query};
use crate::console::{Console, count};
use crate::failure::Failure;
use crate::server::socket_path;

/// How the demo is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) callers: usize,
    pub(crate) keep: bool,
    /// Which round it is, from 0: chooses where in the swap the host is killed.
    pub(crate) round: u32,
}

/// What a round measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) calls: u64,
    pub(crate) callers: usize,
    pub(crate) repeated: u64,
    pub(crate) replayed: u64,
    pub(crate) calls_per_second: u64,
    pub(crate) slowest_us: u64,
    pub(crate) commits: u64,
    pub(crate) syncs: u64,
    pub(crate) commits_per_sync: f64,
    pub(crate) kills: u64,
    pub(crate) swap_killed_in: String,
    pub(crate) recovery_us: Vec<u64>,
    /// From starting the process to its ready line, at worst.
    pub(crate) ready_us: u64,
    /// The kill in the swap came late enough that the restarted host carried it to its end.
    pub(crate) resumed: bool,
    /// For how long the swap held calls; if it was resumed, for how long the restarted host worked on it.
    pub(crate) pause_us: u64,
    /// Of a second swap, to the same types.
    pub(crate) pause_identical_us: u64,
    pub(crate) held_calls: u64,
    pub(crate) migrated_entries: u64,
    pub(crate) root_sealed: Option<String>,
    pub(crate) root_migrated: Option<String>,
    pub(crate) root_end: String,
    pub(crate) checked: Checked,
}

/// A round under way.
struct Round {
    story: Story,
    data: PathBuf,
    host: Option<HostProcess>,
    stream: Arc<Stream>,
    callers: JoinSet<Result<(), Failure>>,
    rows: usize,
    report: Report,
}

/// Runs one round; an error is a lost or doubled call, a wrong total, or a host that failed.
pub(crate) async fn run(console: Console, setup: Setup) -> Result<Report, Failure> {
    let scratch = Scratch::create(setup.keep)?;
    let data = scratch.path.join("data");
    std::fs::write(scratch.path.join("weather-v1.wasm"), WEATHER_V1)?;
    std::fs::write(scratch.path.join("weather-v2.wasm"), WEATHER_V2)?;
    let readings = Arc::new(input::read(WEATHER_CSV)?);
    let stream = Stream::new(Arc::clone(&readings), &data);
    let mut round = Round {
        story: Story::new(console),
        data,
        host: None,
        callers: JoinSet::new(),
        rows: readings.len(),
        report: Report { calls: readings.len() as u64, callers: setup.callers, ..Report::default() },
        stream,
    };
    round.story.say(format_args!(
        "{} weather readings of Seattle, {} callers, and a host that is killed in the middle",
        count(readings.len() as u64),
        setup.callers
    ))?;
    round.deploy(&scratch.path)?;
    round.stream_and_kill(setup.callers, &readings[0].typed()).await?;
    round.kill_in_swap(setup.round).await?;
    round.swap_under_load().await?;
    round.finish().await?;
    round.report.checked = check::check(&round.client(), &readings, &round.stream.acknowledged()).await?;
    round.restart_and_verify().await?;
    Ok(round.report)
}

impl Round {
    fn deploy(&mut self, directory: &Path) -> Result<(), Failure> {
        self.story.typed(&format!("cd {} && export STEAD_DATA=data", directory.display()), "")?;
        self.start()?;
        self.run_command(&["deploy", "weather", "weather-v1.wasm", "--label", "1.0.0"])?;
        Ok(())
    }

    /// Streams at full speed, and kills the host somewhere between a sixth and a quarter of the rows.
    async fn stream_and_kill(&mut self, callers: usize, first: &str) -> Result<(), Failure> {
        self.story.typed(
            &format!("stead call weather record-reading {first} --id demo-1:1"),
            &format!("and {} more, from {callers} callers at once", count(self.rows as u64 - 1)),
        )?;
        let begin = Instant::now();
        self.stream.allow(self.rows * 4 / 12);
        self.callers = self.stream.start(callers);
        let at = self.rows / 6 + usize::try_from(random(self.rows as u64 / 12)).unwrap_or(0);
        self.until(at).await?;
        let done = self.stream.done();
        self.report.calls_per_second = (done as f64 / begin.elapsed().as_secs_f64()) as u64;
        self.kill(&format!("after {} of {} calls were acknowledged", count(done as u64), count(self.rows as u64)))
            .await?;
        self.start()
    }

    /// Begins the swap under load and kills the host in one of its phases.
    async fn kill_in_swap(&mut self, round: u32) -> Result<(), Failure> {
        const PHASES: [Phase; 4] = [Phase::Negotiating, Phase::AwaitingReady, Phase::Draining, Phase::Sealing];
        let target = PHASES[round as usize % PHASES.len()];
        self.stream.allow(self.rows * 4 / 12);
        self.until(self.rows * 4 / 12).await?;
        self.story.typed("stead swap weather weather-v2.wasm --label 2.0.0 &", "under load")?;
        let swapper = self.client();
        let swap = tokio::spawn(async move {
            let request = SwapRequest { label: Some("2.0.0".to_owned()), ..SwapRequest::default() };
            let path = format!("/v1/plugins/weather/swap{}", query(&request.pairs().0));
            swapper.post::<Receipt>(&path, Body::Component(WEATHER_V2.into())).await
        });
        let kill_now = async {
            let seen = self.wait_for_phase(target, || swap.is_finished()).await;
            if target == Phase::Negotiating {
                tokio::time::sleep(Duration::from_micros(random(60_000))).await;
            }
            seen
        };
        let seen = self.stream.under_load(self.rows * 6 / 12, kill_now).await?;
        self.report.swap_killed_in = seen.map_or("after its end".to_owned(), |phase| phase_name(phase).to_owned());
        self.kill(&format!("in the swap: {}", self.report.swap_killed_in)).await?;
        swap.abort();
        self.start()
    }

    /// Waits until the hand-off has come to a phase; none once it has ended.
    async fn wait_for_phase(&self, target: Phase, ended: impl Fn() -> bool) -> Result<Option<Phase>, Failure> {
        let watcher = self.client();
        while !ended() {
            let plugins: Vec<PluginSummary> = watcher.get("/v1/plugins").await?;
            match plugins.first().and_then(|plugin| plugin.handoff) {
                Some(phase) if order(phase) >= order(target) => return Ok(Some(phase)),
                _ => tokio::task::yield_now().await,
            }
        }
        Ok(None)
    }

    /// The swap again where the kill left version 1, while the callers go on.
    async fn swap_under_load(&mut self) -> Result<(), Failure> {
        let info: PluginInfo = self.client().get("/v1/plugins/weather").await?;
        if info.summary.version.label.as_deref() == Some("2.0.0") {
            self.report.resumed = true;
            self.story.say("  the restarted host has carried the swap to its end: version 2.0.0 serves")?;
        } else {
            self.story.say("  the swap was given up, version 1.0.0 serves on; once more")?;
            self.swap("2.0.0", "", self.rows * 9 / 12).await?;
        }
        let receipt = self.last_receipt().await?;
        self.report.pause_us = receipt.pause_us;
        self.report.held_calls = receipt.held_calls;
        self.report.root_sealed = receipt.sealed.and_then(|sealed| sealed.root);
        self.report.root_migrated = receipt.root;
        let migrated = receipt.migrated.unwrap_or_default();
        self.report.migrated_entries = migrated.collections.iter().map(|collection| collection.written).sum();
        self.swap("2.0.1", "the same types: nothing to migrate", self.rows * 11 / 12).await?;
        self.report.pause_identical_us = self.last_receipt().await?.pause_us;
        Ok(())
    }

    /// One swap from the command line, under load.
    async fn swap(&self, label: &'static str, remark: &str, rows: usize) -> Result<(), Failure> {
        let args = ["swap", "weather", "weather-v2.wasm", "--label", label];
        self.story.typed(&format!("stead {}", args.join(" ")), remark)?;
        let data = self.data.clone();
        let swap = tokio::task::spawn_blocking(move || command(&data, &args));
        let output = self.stream.under_load(rows, swap).await.map_err(|error| Failure::refused("demo", error))??;
        self.story.answered(&output)
    }

    /// The newest receipt of a hand-off that a new version came out of.
    async fn last_receipt(&self) -> Result<Receipt, Failure> {
        let history: Vec<HistoryEntry> = self.client().get("/v1/plugins/weather/history").await?;
        let receipt = history.into_iter().rev().find_map(|entry| match entry.event {
            HistoryEvent::HandOff { receipt } if receipt.activated == Activated::Successor => Some(*receipt),
            _ => None,
        });
        receipt.ok_or_else(|| Failure::refused("demo", "the history holds no receipt of the swap"))
    }

    async fn finish(&mut self) -> Result<(), Failure> {
        self.stream.allow(self.rows);
        self.until(self.rows).await?;
        while let Some(ended) = self.callers.join_next().await {
            ended.map_err(|error| Failure::refused("demo", error))??;
        }
        self.report.repeated = self.stream.repeated.load(Ordering::Relaxed);
        self.report.replayed = self.stream.replayed.load(Ordering::Relaxed);
        self.report.slowest_us = self.stream.slowest_us.load(Ordering::Relaxed);
        self.run_command(&["state", "weather", "months", "--limit", "2"])
    }

    /// The root must outlive a kill, and every hash on disk must hold.
    async fn restart_and_verify(&mut self) -> Result<(), Failure> {
        let before: PluginInfo = self.client().get("/v1/plugins/weather").await?;
        self.kill("once more, at the end").await?;
        self.start()?;
        let health: HealthAnswer = self.client().get("/v1/health").await?;
        self.report.recovery_us.push(health.opened_in_us);
        let after: PluginInfo = self.client().get("/v1/plugins/weather").await?;
        same("the root after a kill and a restart", &after.root, &before.root)?;
        self.report.root_end = after.root;
        self.report.commits_per_sync = self.report.commits as f64 / self.report.syncs.max(1) as f64;
        if let Some(host) = self.host.take() {
            self.story.typed(&format!("kill {}", host.id()), "SIGTERM: it closes the store")?;
            host.stop()?;
        }
        self.run_command(&["verify"])
    }

    fn start(&mut self) -> Result<(), Failure> {
        self.story.typed("stead serve &", "")?;
        let host = HostProcess::start(&self.data)?;
        self.story.answered(&host.announced)?;
        let ready_us = u64::try_from(host.ready_in.as_micros()).unwrap_or(u64::MAX);
        self.report.ready_us = self.report.ready_us.max(ready_us);
        self.host = Some(host);
        Ok(())
    }

    /// SIGKILL; the figures of this life of the host are taken just before.
    async fn kill(&mut self, remark: &str) -> Result<(), Failure> {
        let health: HealthAnswer = self.client().get("/v1/health").await?;
        self.report.commits += health.commits_since_open();
        self.report.syncs += health.syncs;
        if self.report.kills > 0 {
            self.report.recovery_us.push(health.opened_in_us);
        }
        if let Some(host) = self.host.take() {
            let id = host.id();
            host.kill()?;
            self.report.kills += 1;
            self.story.typed(&format!("kill -9 {id}"), remark)?;
        }
        Ok(())
    }

    /// Waits until so many calls are acknowledged; a caller that failed ends the round.
    async fn until(&mut self, rows: usize) -> Result<(), Failure> {
        while self.stream.done() < rows {
            if let Some(ended) = self.callers.try_join_next() {
                ended.map_err(|error| Failure::refused("demo", error))??;
                if self.callers.is_empty() && self.stream.done() < rows {
                    return Err(Failure::refused("demo", "the callers ended before the rows did"));
                }
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    fn run_command(&self, args: &[&str]) -> Result<(), Failure> {
        self.story.typed(&format!("stead {}", args.join(" ")), "")?;
        self.story.answered(&command(&self.data, args)?)
    }

    fn client(&self) -> Client {
        Client::new(Target::Unix(socket_path(&self.data)), None)
    }
}

fn order(phase: Phase) -> u8 {
    match phase {
        Phase::Negotiating => 0,
        Phase::Draining => 1,
        Phase::Sealing => 2,
        Phase::AwaitingReady => 3,
        Phase::Committed | Phase::ResumingAfterAbort => 4,
    }
}

fn phase_name(phase: Phase) -> &'static str {
    crate::command::phase_word(phase)
}

/// A number below `bound`; each process and each use draws another.
fn random(bound: u64) -> u64 {
    RandomState::new().build_hasher().finish() % bound.max(1)
}

/// A private directory for one round, removed at its end unless it is to be kept.
struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    fn create(keep: bool) -> Result<Self, Failure> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("stead-demo-{:08x}", random(1 << 32)));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self { path, keep })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed lies in the directory for temporary files.
            drop(std::fs::remove_dir_all(&self.path));
        }
    }
}
