//! Any sequence of steps, without faults, against the oracle. Of one that fails proptest finds the shortest: each step has a
//! seed of its own, so that leaving one out does not change the others.

use proptest::collection::vec;
use proptest::prelude::*;
use stead_store::disk::sim::SimDisk;

use crate::model::{Scratch, Snapshot};
use crate::model_run::{Failed, Random, Run};
use crate::model_steps::{kinds_of_steps, step_of_kind};

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn g05_any_sequence_of_steps_gives_what_the_oracle_says(
        steps in vec((0..kinds_of_steps(), any::<u64>()), 1..40),
    ) {
        let done = take(&steps);
        prop_assert!(done.is_ok(), "{}", done.expect_err("just seen").0);
    }
}

fn take(steps: &[(usize, u64)]) -> Result<(), Failed> {
    let mut run = Run::start(SimDisk::new(1), 1).map_err(|(_, e)| e)?;
    for (kind, seed) in steps {
        run.random = Random(*seed);
        run.take(step_of_kind(*kind))?;
        match Snapshot::of(run.store()).map_err(Failed)?.difference(run.current()) {
            Some(difference) => return Err(Failed(difference)),
            None => Scratch::new().check(run.store(), run.current()).map_err(Failed)?,
        }
    }
    run.wait()?;
    run.open().map(drop)
}
