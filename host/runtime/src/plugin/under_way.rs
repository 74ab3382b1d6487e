//! The hand-off of a plugin that is under way, as others see it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Plugin, now_ms};
use crate::handoff::{Phase, ReceiptKind};
use crate::host::{Events, Happened, VersionSummary};

/// Least time between two events that tell how far a migration has come.
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);

/// Time after which it is told again although less than a hundredth more is done: a long migration does not push all
/// other events out of what a host remembers.
const PROGRESS_PAUSE_MAX: Duration = Duration::from_secs(5);

/// How far a migration has come that converts a state entry by entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Entries that are done in this round.
    pub done: u64,
    /// Entries of this round, as they were counted when it began.
    pub total: u64,
    /// The first round goes over every entry, each later one over what changed since the one before it began.
    pub round: u32,
}

/// Whether so much more is done since it was last told that it is told again.
fn is_news(told: Progress, now: Progress, since: Duration) -> bool {
    let is_end = now.done >= now.total || now.round != told.round;
    let part = now.done.saturating_sub(told.done).saturating_mul(100);
    is_end || since >= PROGRESS_PAUSE_MAX || (since >= PROGRESS_PAUSE && part >= now.total)
}

/// A hand-off that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnderWay {
    /// Which direction it goes; none while the successor is looked at.
    pub kind: Option<ReceiptKind>,
    /// The successor; none while it is looked at.
    pub to: Option<VersionSummary>,
    /// Who asked for it, as far as the host was told.
    pub asked_by: Option<String>,
    /// Since when, in milliseconds since 1970.
    pub since_ms: u64,
    /// Since when it is in this phase.
    pub phase_since_ms: u64,
    /// Calls that wait at the closed gate.
    pub held_calls: u64,
}

/// What a plugin remembers of it.
pub(super) struct Marked {
    shown: UnderWay,
    phase: Phase,
    progress: Option<Progress>,
    /// When progress was last told as an event.
    told: Option<(Instant, Progress)>,
    /// Tells the hand-off that it is cancelled.
    cancel: watch::Sender<bool>,
}

impl Plugin {
    /// Marks a hand-off as under way, if none is; it ends when the mark is dropped.
    pub(crate) fn begin_hand_off(self: &Arc<Self>, events: &Arc<Events>) -> Option<Mark> {
        let mut under_way = self.hand_off.lock();
        if under_way.is_some() {
            return None;
        }
        let (cancel, cancelled) = watch::channel(false);
        let now = now_ms();
        let shown =
            UnderWay { kind: None, to: None, asked_by: None, since_ms: now, phase_since_ms: now, held_calls: 0 };
        *under_way = Some(Marked { shown, phase: Phase::Negotiating, progress: None, told: None, cancel });
        Some(Mark { plugin: Arc::clone(self), events: Arc::clone(events), cancelled })
    }

    /// Cancels the hand-off that is under way: closed once it has ended.
    pub(crate) fn cancel(&self) -> Option<watch::Sender<bool>> {
        self.hand_off.lock().as_ref().map(|under_way| under_way.cancel.clone())
    }

    /// The phase of the hand-off that is under way.
    pub(crate) fn phase(&self) -> Option<Phase> {
        self.hand_off.lock().as_ref().map(|under_way| under_way.phase)
    }

    /// How far its migration has come, while one converts entry by entry.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.hand_off.lock().as_ref().and_then(|under_way| under_way.progress)
    }

    /// The hand-off that is under way.
    pub(crate) fn under_way(&self) -> Option<UnderWay> {
        let (shown, phase) = {
            let marked = self.hand_off.lock();
            let marked = marked.as_ref()?;
            (marked.shown.clone(), marked.phase)
        };
        Some(UnderWay { held_calls: self.held_in(phase), ..shown })
    }

    /// Calls that a hand-off in this phase holds: before its gate is closed, those that wait do so for each other.
    fn held_in(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Negotiating => 0,
            _ => self.waiting() as u64,
        }
    }
}

/// Says that a hand-off is under way for as long as it lives.
pub(crate) struct Mark {
    plugin: Arc<Plugin>,
    events: Arc<Events>,
    cancelled: watch::Receiver<bool>,
}

impl Mark {
    /// Says what it is.
    pub(crate) fn is_for(&self, kind: ReceiptKind, to: VersionSummary, asked_by: Option<String>) {
        if let Some(Marked { shown, .. }) = &mut *self.plugin.hand_off.lock() {
            (shown.kind, shown.to, shown.asked_by) = (Some(kind), Some(to), asked_by);
        }
    }

    /// Whether it is cancelled.
    pub(crate) fn cancelled(&self) -> watch::Receiver<bool> {
        self.cancelled.clone()
    }

    /// Shows the phase to those who ask.
    pub(crate) fn show(&self, phase: Phase) {
        let held_calls = self.plugin.held_in(phase);
        let mut marked = self.plugin.hand_off.lock();
        let Some(marked) = &mut *marked else { return };
        (marked.phase, marked.progress, marked.told) = (phase, None, None);
        marked.shown.phase_since_ms = now_ms();
        let to = marked.shown.to.as_ref().map(|version| version.generation);
        self.events.tell(&self.plugin.name, Happened::Phase { phase, kind: marked.shown.kind, to, held_calls });
    }

    /// Shows how far a migration has come.
    pub(crate) fn show_progress(&self, progress: Progress) {
        let mut marked = self.plugin.hand_off.lock();
        let Some(marked) = &mut *marked else { return };
        marked.progress = Some(progress);
        let now = Instant::now();
        if marked.told.is_some_and(|(at, told)| !is_news(told, progress, now - at)) {
            return;
        }
        marked.told = Some((now, progress));
        self.events.tell(&self.plugin.name, Happened::Progress { progress });
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        *self.plugin.hand_off.lock() = None;
    }
}
