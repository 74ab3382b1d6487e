//! Concurrent callers that stream the data set and never give a call up: what is not acknowledged is asked again
//! under the same id.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::input::Reading;
use crate::api::{ApiError, CallAnswer, CallOptions, Outcome};
use crate::client::{Body, Client, Target, query};
use crate::failure::Failure;
use crate::server::socket_path;

/// How long a caller asks again before it gives the host up.
const PATIENCE: Duration = Duration::from_secs(60);

/// How many rows are let through every 2 ms while something else is done: some 2000 calls a second.
const ROWS_PER_TICK: usize = 4;

/// A call that the host acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Acknowledged {
    pub(super) row: usize,
    pub(super) id: String,
    /// The index in the log that the plugin answered.
    pub(super) index: u64,
}

/// What the callers share.
pub(super) struct Stream {
    readings: Arc<Vec<Reading>>,
    socket: PathBuf,
    next: AtomicUsize,
    /// Rows below it may be called; holds the rest back for what comes later in the round.
    allowed: watch::Sender<usize>,
    done: AtomicUsize,
    acknowledged: Mutex<Vec<Acknowledged>>,
    /// Calls that were asked again.
    pub(super) repeated: AtomicU64,
    /// Repeated calls that had been carried out before the kill: answered from the record.
    pub(super) replayed: AtomicU64,
    /// The longest time between asking and acknowledgement, in microseconds, without those that a kill cut.
    pub(super) slowest_us: AtomicU64,
}

impl Stream {
    pub(super) fn new(readings: Arc<Vec<Reading>>, data: &Path) -> Arc<Self> {
        Arc::new(Self {
            readings,
            socket: socket_path(data),
            next: AtomicUsize::new(0),
            allowed: watch::Sender::new(0),
            done: AtomicUsize::new(0),
            acknowledged: Mutex::new(Vec::new()),
            repeated: AtomicU64::new(0),
            replayed: AtomicU64::new(0),
            slowest_us: AtomicU64::new(0),
        })
    }

    /// Starts the callers.
    pub(super) fn start(self: &Arc<Self>, callers: usize) -> JoinSet<Result<(), Failure>> {
        let mut set = JoinSet::new();
        for caller in 1..=callers {
            let stream = Arc::clone(self);
            set.spawn(async move { stream.call_until_done(caller).await });
        }
        set
    }

    /// Lets the callers go on up to this row.
    pub(super) fn allow(&self, rows: usize) {
        self.allowed.send_replace(rows);
    }

    /// Does `work` while the callers go on at a steady pace, so that there are rows left for as long as it takes.
    pub(super) async fn under_load<T>(&self, rows: usize, work: impl Future<Output = T>) -> T {
        let mut tick = tokio::time::interval(Duration::from_millis(2));
        tokio::pin!(work);
        loop {
            tokio::select! {
                result = work.as_mut() => return result,
                _ = tick.tick() => {
                    let next = self.next.load(Ordering::Relaxed).min(*self.allowed.borrow());
                    self.allow((next + ROWS_PER_TICK).min(rows));
                }
            }
        }
    }

    /// Calls acknowledged so far.
    pub(super) fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    pub(super) fn acknowledged(&self) -> Vec<Acknowledged> {
        self.acknowledged.lock().clone()
    }

    async fn call_until_done(&self, caller: usize) -> Result<(), Failure> {
        let client = Client::new(Target::Unix(self.socket.clone()), None);
        let mut allowed = self.allowed.subscribe();
        for sequence in 1_u64.. {
            let row = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(reading) = self.readings.get(row) else { break };
            if allowed.wait_for(|&rows| row < rows).await.is_err() {
                break;
            }
            let id = format!("demo-{caller}:{sequence}");
            let index = self.acknowledge(&client, reading, &id).await?;
            self.acknowledged.lock().push(Acknowledged { row, id, index });
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Asks until the host answers.
    async fn acknowledge(&self, client: &Client, reading: &Reading, id: &str) -> Result<u64, Failure> {
        let begin = Instant::now();
        let mut repeated = false;
        loop {
            match record(client, reading, id).await {
                Ok(answer) => {
                    if answer.replayed {
                        self.replayed.fetch_add(1, Ordering::Relaxed);
                    }
                    if !repeated {
                        let took = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
                        self.slowest_us.fetch_max(took, Ordering::Relaxed);
                    }
                    return index(&answer)
                        .ok_or_else(|| Failure::refused("demo", format!("call {id} was answered with {answer:?}")));
                }
                Err(error) if host_is_away(&error) && begin.elapsed() < PATIENCE => {
                    if !repeated {
                        self.repeated.fetch_add(1, Ordering::Relaxed);
                    }
                    repeated = true;
                    tokio::time::sleep(Duration::from_millis(3)).await;
                }
                Err(error) => return Err(Failure::from(error).at(format!("call {id}"))),
            }
        }
    }
}

/// One call of `record-reading`.
pub(super) async fn record(client: &Client, reading: &Reading, id: &str) -> Result<CallAnswer, ApiError> {
    let options = CallOptions { id: Some(id.to_owned()), ..CallOptions::default() };
    let path = format!("/v1/plugins/weather/call/record-reading{}", query(&options.pairs().0));
    client.post(&path, Body::Json(reading.arguments())).await
}

/// The index in an `ok` answer.
pub(super) fn index(answer: &CallAnswer) -> Option<u64> {
    if answer.outcome != Outcome::Ok {
        return None;
    }
    answer.wave.as_ref()?.parse().ok()
}

fn host_is_away(error: &ApiError) -> bool {
    matches!(error.kind.as_str(), "unreachable" | "outcome-unknown" | "closed" | "closing")
}
