//! A plugin: a durable name with state, one active version and a queue of calls.
//!
//! A plugin is an actor: calls run one after another, each on the state that the call before it left. A call that may reach
//! other plugins through links has the turns of all of them. The turn is given
//! on as soon as a call's commit is accepted; its caller waits for durability alone (the output gate).

mod asked;
mod call;
mod cast;
mod closure;
mod conduct;
mod execute;
mod recording;
mod serving;
mod stats;
mod times;
mod turns;
mod under_way;
mod warm;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Mutex, RwLock};
use stead_store::View;

pub use call::{Call, CallId, Outcome, Reply, Reuse};
pub use recording::{RecordOptions, Recording};
pub use stats::CallFigures;
pub use under_way::{Progress, UnderWay};

pub(crate) use asked::digest;
pub(crate) use conduct::Conduct;
pub(crate) use execute::find_error;
pub(crate) use serving::{Serving, link, now_ms, read_ledger, write_ledger};
#[cfg(test)]
pub(crate) use stats::Ending;
pub(crate) use stats::Stats;
pub(crate) use turns::{NoTurn, Turn, Turns};
pub(crate) use under_way::Mark;
pub(crate) use warm::Warm;

use crate::catalog::PluginId;
use crate::error::CallError;
use crate::host::Shared;
use asked::Asked;
use recording::Recorder;
use under_way::Marked;
use warm::WarmKey;

/// Stands in for deadlines that lie beyond what the clock can count.
const DEADLINE_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A deployed plugin.
pub(crate) struct Plugin {
    pub(crate) id: PluginId,
    pub(crate) name: String,
    turns: Arc<Turns<Seat>>,
    /// Changed by [`Plugin::serve`] only.
    serving: RwLock<Arc<Serving>>,
    /// What read-only calls see while a hand-off has the state: the incumbent's last, from its sealing to the commit.
    frozen: RwLock<Option<(Arc<Serving>, View)>>,
    /// The hand-off that is under way.
    hand_off: Mutex<Option<Marked>>,
    recorder: Recorder,
    is_rehearsing: AtomicBool,
}

/// What the holder of the turn holds.
#[derive(Default)]
pub(crate) struct Seat {
    warm: Option<WarmKey>,
}

impl Seat {
    /// Drops the warm instance, which may remember another state or be of another version.
    pub(crate) fn cool(&mut self, host: &Shared) {
        if let Some(instance) = self.warm.take().and_then(|key| host.warm.take(key)) {
            drop(instance);
        }
    }
}

impl Plugin {
    pub(crate) fn new(serving: Serving) -> Plugin {
        Plugin {
            id: serving.plugin.id,
            name: serving.plugin.name.clone(),
            turns: Turns::new(Seat::default()),
            serving: RwLock::new(Arc::new(serving)),
            frozen: RwLock::new(None),
            hand_off: Mutex::new(None),
            recorder: Recorder::default(),
            is_rehearsing: AtomicBool::new(false),
        }
    }

    /// The version that serves.
    pub(crate) fn serving(&self) -> Arc<Serving> {
        Arc::clone(&self.serving.read())
    }

    /// Changes the version that serves; the only place that does. Whoever calls holds the turn, and what `serving` says
    /// is durable.
    pub(crate) fn serve(&self, host: &Shared, seat: &mut Seat, serving: Serving) {
        seat.cool(host);
        *self.serving.write() = Arc::new(serving);
        *self.frozen.write() = None;
    }

    /// Says what read-only calls see until the hand-off ends in [`Plugin::serve`]: the incumbent on its last state.
    pub(crate) fn freeze(&self, last: View) {
        *self.frozen.write() = Some((self.serving(), last));
    }

    /// What read-only calls see while a hand-off has the state.
    fn frozen(&self) -> Option<(Arc<Serving>, View)> {
        self.frozen.read().clone()
    }

    /// Takes the next turn, before all calls that wait.
    pub(crate) async fn close_gate(&self, deadline: Instant) -> Result<Turn<Seat>, NoTurn> {
        self.turns.take_next(deadline).await
    }

    /// Calls that wait for their turn.
    pub(crate) fn waiting(&self) -> usize {
        self.turns.waiting()
    }

    /// Marks a rehearsal as under way, if none is. It keeps no hand-off from being begun.
    pub(crate) fn begin_rehearsal(self: &Arc<Self>) -> Option<Rehearsing> {
        let was = self.is_rehearsing.swap(true, Ordering::Relaxed);
        (!was).then(|| Rehearsing { plugin: Arc::clone(self) })
    }

    /// Runs a call, or answers it from its record.
    pub(crate) async fn call(self: &Arc<Self>, host: &Shared, call: Call) -> Result<Reply, CallError> {
        let serving = self.serving();
        let limits = &serving.plugin.limits;
        let asked_at = Instant::now();
        let patience = call.deadline.unwrap_or(limits.call_time_max);
        // A time that no clock reaches is no deadline.
        let deadline = asked_at.checked_add(patience).unwrap_or_else(|| asked_at + DEADLINE_MAX);
        if call.read {
            return self.read(host, &call, deadline).await;
        }
        let asked = Asked::of(&call)?;
        if let Some(recorded) = self.recorded(host, asked.as_ref())? {
            self.gate(host).await?;
            return recorded;
        }
        self.reached().refuse_stopped()?;
        let held = self.take_turns(host, asked_at, deadline).await?;
        if Instant::now() >= deadline {
            return Err(CallError::Deadline { waited: asked_at.elapsed() });
        }
        // What ran while this call waited may have been the same call: a duplicate is answered, never executed.
        if let Some(recorded) = self.recorded(host, asked.as_ref())? {
            drop(held);
            self.gate(host).await?;
            return recorded;
        }
        held.refuse_stopped()?;
        let (ticket, end) = self.execute(host, &call, asked.as_ref(), held, deadline).await?;
        ticket.await.map_err(CallError::OutcomeUnknown)?;
        crate::crash::point("call.durable");
        end
    }

    /// Waits until everything that a result could have seen is durable.
    async fn gate(&self, host: &Shared) -> Result<(), CallError> {
        host.store.barrier().await.map_err(CallError::OutcomeUnknown)?;
        Ok(())
    }
}

/// Says that a rehearsal is under way for as long as it lives: what one holds in memory is there once for each plugin.
pub(crate) struct Rehearsing {
    plugin: Arc<Plugin>,
}

impl Drop for Rehearsing {
    fn drop(&mut self) {
        self.plugin.is_rehearsing.store(false, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
