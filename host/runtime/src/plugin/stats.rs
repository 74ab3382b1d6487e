//! Figures of a version's calls: how many, how they ended, how long they ran.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::times::Times;

/// How a call ended, as far as figures tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Returned,
    /// It returned `err`.
    Failed,
    /// It trapped, or the version's code could not be started for it.
    Trapped,
}

/// What was counted. A plugin that was never called has none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) calls: u64,
    pub(crate) errors: u64,
    pub(crate) traps: u64,
    times: Times,
}

impl Stats {
    /// Counts one call.
    pub(crate) fn note(&mut self, ending: Ending, took: Duration) {
        self.calls += 1;
        self.errors += u64::from(ending == Ending::Failed);
        self.traps += u64::from(ending == Ending::Trapped);
        self.times.note(took);
    }

    /// The share of calls that trapped, in percent.
    pub(crate) fn trapped_percent(&self) -> f64 {
        percent(self.traps, self.calls)
    }

    /// The share of calls that returned `err`, in percent.
    pub(crate) fn failed_percent(&self) -> f64 {
        percent(self.errors, self.calls)
    }

    /// The time within which this share of the calls ended; zero if there was none.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        self.times.quantile(share).unwrap_or_default()
    }

    pub(crate) fn report(&self) -> CallFigures {
        let micros = |share| u64::try_from(self.quantile(share).as_micros()).unwrap_or(u64::MAX);
        CallFigures {
            calls: self.calls,
            errors: self.errors,
            traps: self.traps,
            p50_us: micros(0.5),
            p95_us: micros(0.95),
            p99_us: micros(0.99),
        }
    }
}

fn percent(part: u64, of: u64) -> f64 {
    if of == 0 { 0.0 } else { part as f64 * 100.0 / of as f64 }
}

/// Figures of a version's calls, since it became active or the host was opened.
///
/// Counted are calls that its code ran for, read-only ones too; not those that were answered from a record, or refused
/// before. Times are those of the code alone, instantiation included: neither waiting for a turn nor the disk is in them.
/// They are off by at most a sixteenth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFigures {
    /// All calls.
    pub calls: u64,
    /// Those that returned `err`.
    pub errors: u64,
    /// Those that trapped.
    pub traps: u64,
    /// Half of the calls ran no longer than this, in microseconds.
    pub p50_us: u64,
    /// 95 of 100 ran no longer, in microseconds.
    pub p95_us: u64,
    /// 99 of 100 ran no longer, in microseconds.
    pub p99_us: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_counted_once_by_how_it_ended() {
        let mut stats = Stats::default();
        let calls = [Ending::Returned, Ending::Failed, Ending::Trapped, Ending::Returned, Ending::Failed];
        for (number, ending) in calls.into_iter().enumerate() {
            stats.note(ending, Duration::from_micros(number as u64));
        }
        assert_eq!((stats.trapped_percent(), stats.failed_percent()), (20.0, 40.0));
        let report = stats.report();
        assert_eq!((report.calls, report.errors, report.traps), (5, 2, 1));
        assert_eq!((report.p50_us, report.p95_us, report.p99_us), (2, 4, 4));
        assert_eq!(Stats::default().report(), CallFigures::default());
    }
}
