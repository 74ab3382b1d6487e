//! What an operator says about a probation, and what counts as a breach.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plugin::Stats;

/// A breach by traps takes at least this many, as long as the probation lasts: one alone may be a caller's doing.
const TRAPS_MIN: u64 = 3;

/// A breach by error results takes at least this many: they may be an honest answer.
const ERRORS_MIN: u64 = 10;

/// Calls that the version before must have served for its share of error results to mean something.
const ERRORS_BASELINE_MIN: u64 = 50;

/// Calls that each version must have served for their times to be compared.
const TIMES_MIN: u64 = 100;

/// Calls that are slower by less than this are no breach, whatever the factor: that much is noise.
const SLOWER_MIN: Duration = Duration::from_millis(5);

/// The quantile of the times that is compared.
const COMPARED: f64 = 0.95;

/// A version that just became active is watched, and what happens if it does worse than the one before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Probation {
    /// For how long.
    pub length: ProbationLength,
    /// What is done at a breach.
    pub on_breach: OnBreach,
    /// What is done where handing back would lose writes, or fails.
    pub otherwise: Otherwise,
    /// What a breach is.
    pub thresholds: Thresholds,
}

impl Probation {
    /// A probation of this length, with every other term at its default.
    pub fn of(length: ProbationLength) -> Probation {
        Probation {
            length,
            on_breach: OnBreach::default(),
            otherwise: Otherwise::default(),
            thresholds: Thresholds::default(),
        }
    }
}

/// How long a version is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProbationLength {
    /// For a time. The time for which no host has the data directory open does not count.
    Time(Duration),
    /// Until it has served this many calls.
    Calls(u64),
}

/// What is done with a version that breaches its probation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnBreach {
    /// The version before takes over again where that keeps every write; else [`Probation::otherwise`].
    #[default]
    HandBack,
    /// Calls are refused until an operator decides.
    Stop,
    /// It goes on, with a warning.
    GoOn,
}

/// What is done with it where the version before cannot take over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Otherwise {
    /// Calls are refused until an operator decides.
    Stop,
    /// It goes on, with a warning: what a call that traps or returns `err` wrote is rolled back anyhow, and the others are
    /// served.
    #[default]
    GoOn,
}

/// How much worse than the version before counts as a breach. `None` is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// By how many percentage points more of its calls may trap. Default 1.
    pub traps: Option<f64>,
    /// By how many percentage points more of its calls may return `err`. Default 10. Not looked at if the version before
    /// served fewer than 50 calls.
    pub errors: Option<f64>,
    /// How many times as long its calls may take (95 of 100 of them). Default 5. Not looked at if either version served
    /// fewer than 100 calls.
    pub latency: Option<f64>,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { traps: Some(1.0), errors: Some(10.0), latency: Some(5.0) }
    }
}

/// In what a version did worse than it may.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// What was measured.
    pub measure: Measure,
    /// Of the version before: percent, or microseconds.
    pub before: f64,
    /// Of this one.
    pub now: f64,
    /// The most that it may have been.
    pub allowed: f64,
}

/// What a probation looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// The share of calls that trap.
    Traps,
    /// The share of calls that return `err`.
    Errors,
    /// The time within which 95 of 100 calls end.
    Latency,
}

impl Measure {
    /// How many calls the version before must have served for it to be judged.
    #[must_use]
    pub const fn calls_min(self) -> u64 {
        match self {
            Measure::Traps => 0,
            Measure::Errors => ERRORS_BASELINE_MIN,
            Measure::Latency => TIMES_MIN,
        }
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Breach { measure, before, now, allowed } = self;
        match measure {
            Measure::Traps => write!(f, "{now:.1} % of its calls trapped")?,
            Measure::Errors => write!(f, "{now:.1} % of its calls returned `err`")?,
            Measure::Latency => {
                let [now, before, allowed] = [now, before, allowed].map(|micros| micros / 1e3);
                return write!(
                    f,
                    "its calls took {now:.1} ms, those before {before:.1} ms; at most {allowed:.1} ms are allowed"
                );
            }
        }
        write!(f, ", before {before:.1} %; at most {allowed:.1} % are allowed")
    }
}

/// In what a version does worse than it may; `last` is the look at the end, after which there is none.
pub(crate) fn breaches(thresholds: &Thresholds, before: &Stats, now: &Stats, last: bool) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut judge = |measure, before: f64, now: f64, allowed: f64| {
        if now > allowed {
            breaches.push(Breach { measure, before, now, allowed });
        }
    };
    let traps_min = if last { 1 } else { TRAPS_MIN };
    if let Some(points) = thresholds.traps
        && now.traps >= traps_min
    {
        let share = before.trapped_percent();
        judge(Measure::Traps, share, now.trapped_percent(), share + points);
    }
    if let Some(points) = thresholds.errors
        && now.errors >= ERRORS_MIN
        && before.calls >= ERRORS_BASELINE_MIN
    {
        let share = before.failed_percent();
        judge(Measure::Errors, share, now.failed_percent(), share + points);
    }
    if let Some(factor) = thresholds.latency
        && now.calls >= TIMES_MIN
        && before.calls >= TIMES_MIN
    {
        let [before, now] = [before, now].map(|stats| stats.quantile(COMPARED));
        let allowed = before.mul_f64(factor.clamp(1.0, 1e6)).max(before + SLOWER_MIN);
        let micros = |time: Duration| time.as_secs_f64() * 1e6;
        judge(Measure::Latency, micros(before), micros(now), micros(allowed));
    }
    breaches
}

/// What cannot be judged for want of figures of the version before.
pub(crate) fn unjudged(thresholds: &Thresholds, before: &Stats) -> Vec<Measure> {
    let errors = (thresholds.errors.is_some() && before.calls < ERRORS_BASELINE_MIN).then_some(Measure::Errors);
    let latency = (thresholds.latency.is_some() && before.calls < TIMES_MIN).then_some(Measure::Latency);
    errors.into_iter().chain(latency).collect()
}

#[cfg(test)]
mod tests;
