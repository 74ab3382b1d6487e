//! How a version conducts itself: figures of its calls, and its probation.
//!
//! One lock, taken for some tens of nanoseconds at the end of each call; nothing is allocated for a version that was never
//! called.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::stats::{CallFigures, Ending, Stats};
use crate::catalog::{ProbationRecord, Stage};
use crate::handoff::{Breach, Probation, ProbationLength, breaches};

/// Good calls on probation that a crash may forget; what went wrong is never forgotten.
const UNSAVED_CALLS_MAX: u64 = 64;

/// For how long calls on probation go unsaved while there are some.
const UNSAVED_TIME_MAX: Duration = Duration::from_secs(1);

/// How a version conducts itself.
#[derive(Default)]
pub(crate) struct Conduct {
    kept: Mutex<Kept>,
    /// Calls are refused; looked at without the lock.
    stopped: AtomicBool,
}

#[derive(Default)]
struct Kept {
    stats: Option<Box<Stats>>,
    probation: Option<Box<Watched>>,
}

/// A probation that has not ended.
struct Watched {
    /// As it was stored last.
    record: ProbationRecord,
    since: Instant,
    saved: Instant,
    /// Its end or its breach was noticed.
    noticed: bool,
}

/// What follows from a call on probation.
#[derive(Default)]
pub(crate) struct Noted {
    /// The record to store with the call's own commit.
    pub(crate) save: Option<ProbationRecord>,
    /// It is over, well or not: [`crate::handoff::conclude`] has to decide. Said once.
    pub(crate) over: bool,
}

impl Conduct {
    /// A version that has a probation behind or before it.
    pub(crate) fn on_probation(record: ProbationRecord) -> Conduct {
        let now = Instant::now();
        let stopped = matches!(record.stage, Stage::Stopped(_));
        let stats = (record.stats.calls > 0).then(|| Box::new(record.stats.clone()));
        let watched = Watched { record, since: now, saved: now, noticed: false };
        let kept = Kept { stats, probation: Some(Box::new(watched)) };
        Conduct { kept: Mutex::new(kept), stopped: AtomicBool::new(stopped) }
    }

    /// Counts a call; `commits` says that what is to be stored can go with it.
    pub(crate) fn note(&self, ending: Ending, took: Duration, commits: bool) -> Noted {
        let kept = &mut *self.kept.lock();
        let stats = kept.stats.get_or_insert_default();
        stats.note(ending, took);
        let Some(watched) = &mut kept.probation else { return Noted::default() };
        if watched.record.stage != Stage::Watching {
            return Noted::default();
        }
        let over = !watched.noticed && (watched.is_over(stats) || !watched.breaches(stats, false).is_empty());
        watched.noticed |= over;
        let unsaved = stats.calls - watched.record.stats.calls;
        let bad = ending != Ending::Returned;
        let save = over || bad || unsaved >= UNSAVED_CALLS_MAX || watched.saved.elapsed() >= UNSAVED_TIME_MAX;
        Noted { save: (commits && save).then(|| watched.save(stats)), over }
    }

    /// Why calls are refused, if they are.
    pub(crate) fn stopped(&self) -> Option<String> {
        if !self.stopped.load(Ordering::Acquire) {
            return None;
        }
        match self.kept.lock().probation.as_ref().map(|watched| &watched.record.stage) {
            Some(Stage::Stopped(reason)) => Some(reason.clone()),
            _ => None,
        }
    }

    /// Figures of all calls.
    pub(crate) fn stats(&self) -> Stats {
        self.kept.lock().stats.as_deref().cloned().unwrap_or_default()
    }

    /// The same, as they are reported.
    pub(crate) fn figures(&self) -> CallFigures {
        self.kept.lock().stats.as_deref().map(Stats::report).unwrap_or_default()
    }

    /// The probation as it stands now; none if there is none.
    pub(crate) fn record(&self) -> Option<ProbationRecord> {
        let kept = self.kept.lock();
        let stats = kept.stats.as_deref().cloned().unwrap_or_default();
        kept.probation.as_ref().map(|watched| watched.now(stats))
    }

    /// How far the probation is; none if there is none.
    pub(crate) fn stage(&self) -> Option<Stage> {
        self.kept.lock().probation.as_ref().map(|watched| watched.record.stage.clone())
    }

    /// For how long the version is still to be watched, if that is a question of time.
    pub(crate) fn remaining(&self) -> Option<Duration> {
        let kept = self.kept.lock();
        let watched = kept.probation.as_ref()?;
        match (&watched.record.stage, watched.record.terms.length) {
            (Stage::Watching, ProbationLength::Time(time)) => Some(time.saturating_sub(watched.watched())),
            _ => None,
        }
    }

    /// The verdict as of now: none if the version is to be watched further, else in what it does worse than it may.
    pub(crate) fn verdict(&self) -> Option<Vec<Breach>> {
        let kept = &mut *self.kept.lock();
        let watched = kept.probation.as_mut().filter(|watched| watched.record.stage == Stage::Watching)?;
        let none = Stats::default();
        let stats = kept.stats.as_deref().unwrap_or(&none);
        let over = watched.is_over(stats);
        let breaches = watched.breaches(stats, over);
        watched.noticed = over || !breaches.is_empty();
        watched.noticed.then_some(breaches)
    }

    /// Ends the probation, or says how far it is. Whoever calls holds the turn, and what `record` says is durable.
    pub(crate) fn set(&self, record: Option<ProbationRecord>) {
        let kept = &mut *self.kept.lock();
        let stopped = record.as_ref().is_some_and(|record| matches!(record.stage, Stage::Stopped(_)));
        let noticed = kept.probation.as_ref().is_some_and(|watched| watched.noticed);
        let now = Instant::now();
        kept.probation = record.map(|record| Box::new(Watched { record, since: now, saved: now, noticed }));
        self.stopped.store(stopped, Ordering::Release);
    }
}

impl Watched {
    fn terms(&self) -> &Probation {
        &self.record.terms
    }

    fn watched(&self) -> Duration {
        Duration::from_millis(self.record.watched_ms) + self.since.elapsed()
    }

    fn is_over(&self, stats: &Stats) -> bool {
        match self.terms().length {
            ProbationLength::Time(time) => self.watched() >= time,
            ProbationLength::Calls(calls) => stats.calls >= calls,
        }
    }

    fn breaches(&self, stats: &Stats, last: bool) -> Vec<Breach> {
        breaches(&self.terms().thresholds, &self.record.baseline, stats, last)
    }

    fn now(&self, stats: Stats) -> ProbationRecord {
        let watched_ms = match self.record.stage {
            Stage::Watching => u64::try_from(self.watched().as_millis()).unwrap_or(u64::MAX),
            _ => self.record.watched_ms,
        };
        ProbationRecord { stats, watched_ms, ..self.record.clone() }
    }

    fn save(&mut self, stats: &Stats) -> ProbationRecord {
        self.record = self.now(stats.clone());
        self.since = Instant::now();
        self.saved = self.since;
        self.record.clone()
    }
}
