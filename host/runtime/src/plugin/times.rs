//! How long calls ran, as a histogram of bounded size from which quantiles are read.
//!
//! ```text
//! below 8 µs    one bucket a microsecond
//! above         8 buckets an octave: a quantile is off by at most 1/16 of itself
//! ```

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Buckets of an octave, as a power of two.
const SPLIT_BITS: u32 = 3;

/// Octaves that are told apart: longer times count as 2³¹ µs, 36 minutes.
const TIME_BITS: u32 = 31;

const BUCKETS: usize = ((TIME_BITS - SPLIT_BITS + 1) << SPLIT_BITS) as usize;

/// Times of calls. Takes 1 KB, whatever was noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Sparse", into = "Sparse")]
pub(crate) struct Times {
    buckets: Box<[u32; BUCKETS]>,
}

impl Default for Times {
    fn default() -> Times {
        Times { buckets: Box::new([0; BUCKETS]) }
    }
}

impl Times {
    /// Counts one call.
    pub(crate) fn note(&mut self, took: Duration) {
        let bucket = bucket(took);
        if self.buckets[bucket] == u32::MAX {
            // Only proportions matter.
            self.buckets.iter_mut().for_each(|count| *count /= 2);
        }
        self.buckets[bucket] += 1;
    }

    /// The time within which this share of the calls ended; none if there was no call.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        let all: u64 = self.buckets.iter().map(|count| u64::from(*count)).sum();
        let rank = ((all as f64 * share).ceil() as u64).clamp(1, all.max(1));
        let mut passed = 0;
        self.buckets.iter().enumerate().find_map(|(bucket, count)| {
            passed += u64::from(*count);
            (passed >= rank).then(|| middle(bucket))
        })
    }
}

fn bucket(took: Duration) -> usize {
    let micros = took.as_micros().min((1 << TIME_BITS) - 1) as u64;
    let octave = micros.checked_ilog2().unwrap_or(0);
    match octave.checked_sub(SPLIT_BITS) {
        None => micros as usize,
        Some(shift) => ((u64::from(shift) << SPLIT_BITS) + (micros >> shift)) as usize,
    }
}

/// The middle of a bucket.
fn middle(bucket: usize) -> Duration {
    let split = 1u64 << SPLIT_BITS;
    let bucket = bucket as u64;
    if bucket < 2 * split {
        return Duration::from_micros(bucket);
    }
    let shift = bucket / split - 1;
    let from = (split + bucket % split) << shift;
    Duration::from_micros(from + (1 << shift) / 2)
}

/// As it is stored: the buckets that are not empty.
#[derive(Serialize, Deserialize)]
struct Sparse(Vec<(u16, u32)>);

impl From<Times> for Sparse {
    fn from(times: Times) -> Sparse {
        let counted = times.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        Sparse(counted.map(|(bucket, count)| (bucket as u16, *count)).collect())
    }
}

impl From<Sparse> for Times {
    /// A bucket that there is not is left out: what was stored by another release is a little less precise then.
    fn from(Sparse(counted): Sparse) -> Times {
        let mut times = Times::default();
        for (bucket, count) in counted {
            if let Some(known) = times.buckets.get_mut(usize::from(bucket)) {
                *known = count;
            }
        }
        times
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_within_a_sixteenth_of_the_truth() {
        for (count, step) in [(1000, 1), (1000, 37), (5000, 1009), (300, 7_000_003)] {
            let mut times = Times::default();
            let mut exact: Vec<u64> = (0..count).map(|n| (n * n % 977 + 1) * step).collect();
            exact.iter().for_each(|micros| times.note(Duration::from_micros(*micros)));
            exact.sort_unstable();
            for share in [0.01, 0.5, 0.95, 0.99, 1.0] {
                let rank = ((count as f64 * share).ceil() as usize).max(1) - 1;
                let truth = exact[rank].min((1 << TIME_BITS) - 1) as f64;
                let found = times.quantile(share).expect("there were calls").as_micros() as f64;
                assert!((found - truth).abs() <= truth / 16.0 + 0.5, "{share} of {count}: {found}, not {truth}");
            }
        }
    }

    #[test]
    fn every_time_has_a_bucket_and_buckets_are_in_order() {
        assert_eq!(Times::default().quantile(0.5), None);
        let mut last = 0;
        for micros in (0..200_000).chain((18..80).map(|bits| 1u64.checked_shl(bits).unwrap_or(u64::MAX))) {
            let of = bucket(Duration::from_micros(micros));
            assert!(of == last || of == last + 1 || micros >= 200_000, "{micros}: {of} after {last}");
            last = of;
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
        assert_eq!(bucket(Duration::ZERO), 0);
    }

    #[test]
    fn a_full_bucket_keeps_the_proportions() {
        let mut times = Times::default();
        times.buckets[5] = u32::MAX;
        times.buckets[9] = u32::MAX / 2;
        times.note(Duration::from_micros(5));
        assert_eq!(times.buckets[5], u32::MAX / 2 + 1);
        assert_eq!(times.buckets[9], u32::MAX / 4);
    }

    #[test]
    fn what_is_stored_is_what_is_read() {
        let mut times = Times::default();
        for micros in [0, 3, 3, 900, 70_000, u64::MAX] {
            times.note(Duration::from_micros(micros));
        }
        let bytes = postcard::to_stdvec(&times).expect("encodes");
        assert!(bytes.len() < 32, "{} bytes", bytes.len());
        assert_eq!(postcard::from_bytes::<Times>(&bytes), Ok(times));
        let foreign = postcard::to_stdvec(&vec![(u16::MAX, 1u32), (3, 1)]).expect("encodes");
        assert_eq!(postcard::from_bytes::<Times>(&foreign).map(|times| times.buckets[3]), Ok(1));
    }
}
