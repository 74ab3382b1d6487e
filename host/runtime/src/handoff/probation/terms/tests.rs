use super::*;
use crate::plugin::Ending;

/// So many calls, of which so many trapped and returned `err`; all ran for the same time.
fn stats(calls: u64, traps: u64, errors: u64, micros: u64) -> Stats {
    let mut stats = Stats::default();
    for call in 0..calls {
        let ending = match call {
            call if call < traps => Ending::Trapped,
            call if call < traps + errors => Ending::Failed,
            _ => Ending::Returned,
        };
        stats.note(ending, Duration::from_micros(micros));
    }
    stats
}

fn found(before: &Stats, now: &Stats, last: bool) -> Vec<Measure> {
    let breaches = breaches(&Thresholds::default(), before, now, last);
    breaches.into_iter().map(|breach| breach.measure).collect()
}

#[test]
fn traps_are_a_breach_from_the_third_on_or_at_the_end() {
    let good = stats(1000, 0, 0, 100);
    assert_eq!(found(&good, &stats(3, 2, 0, 100), false), []);
    assert_eq!(found(&good, &stats(3, 2, 0, 100), true), [Measure::Traps]);
    assert_eq!(found(&good, &stats(3, 3, 0, 100), false), [Measure::Traps]);
    assert_eq!(found(&good, &stats(290, 3, 0, 100), false), [Measure::Traps]);
    assert_eq!(found(&good, &stats(300, 3, 0, 100), false), [], "one percent is allowed");
    assert_eq!(found(&Stats::default(), &stats(3, 3, 0, 100), false), [Measure::Traps], "without figures too");
    let trapping = stats(100, 20, 0, 100);
    assert_eq!(found(&trapping, &stats(100, 21, 0, 100), false), [], "no worse than before");
    assert_eq!(found(&trapping, &stats(100, 22, 0, 100), false), [Measure::Traps]);
}

#[test]
fn error_results_are_judged_beside_those_of_enough_calls_before() {
    let before = stats(50, 0, 10, 100);
    assert_eq!(found(&before, &stats(40, 0, 9, 100), true), []);
    assert_eq!(found(&before, &stats(33, 0, 10, 100), false), [Measure::Errors]);
    assert_eq!(found(&before, &stats(34, 0, 10, 100), false), [], "20 percent before, and ten points more");
    assert_eq!(found(&stats(49, 0, 0, 100), &stats(20, 0, 20, 100), true), [], "too few calls before");
}

#[test]
fn times_are_compared_where_both_have_calls_and_the_difference_can_be_felt() {
    assert_eq!(found(&stats(100, 0, 0, 2_000), &stats(100, 0, 0, 11_000), false), [Measure::Latency]);
    assert_eq!(found(&stats(100, 0, 0, 2_000), &stats(100, 0, 0, 9_000), false), []);
    assert_eq!(found(&stats(100, 0, 0, 10), &stats(100, 0, 0, 4_000), false), [], "within five milliseconds");
    assert_eq!(found(&stats(99, 0, 0, 10), &stats(100, 0, 0, 90_000), true), []);
    assert_eq!(found(&stats(100, 0, 0, 10), &stats(99, 0, 0, 90_000), true), []);
}

#[test]
fn what_is_off_is_not_looked_at_and_what_cannot_be_is_said() {
    let off = Thresholds { traps: None, errors: None, latency: None };
    assert_eq!(breaches(&off, &stats(200, 0, 0, 10), &stats(200, 100, 100, 90_000), true), []);
    assert_eq!(unjudged(&off, &Stats::default()), []);
    assert_eq!(unjudged(&Thresholds::default(), &Stats::default()), [Measure::Errors, Measure::Latency]);
    assert_eq!(unjudged(&Thresholds::default(), &stats(60, 0, 0, 1)), [Measure::Latency]);
    assert_eq!(unjudged(&Thresholds::default(), &stats(100, 0, 0, 1)), []);
}

#[test]
fn a_breach_says_what_was_found_beside_what_is_allowed() {
    let texts = |before: &Stats, now: &Stats| {
        let found = breaches(&Thresholds::default(), before, now, false);
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        texts(&stats(100, 1, 0, 10), &stats(40, 10, 0, 10)),
        ["25.0 % of its calls trapped, before 1.0 %; at most 2.0 % are allowed"]
    );
    assert_eq!(
        texts(&stats(100, 0, 0, 8_000), &stats(100, 0, 0, 80_000)),
        ["its calls took 77.8 ms, those before 7.9 ms; at most 39.7 ms are allowed"]
    );
}
