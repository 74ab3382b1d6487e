//! G8 to G11 at once: a hand-off with a migration and a check while eight clients call, on a simulated disk that crashes at each
//! operation from the hand-off's first to a few calls after its last. After the restart one version serves, no answer
//! that a client saw is lost or doubled, and another hand-off works while the clients go on.
//!
//! Which calls lie between the operations of the hand-off differs from run to run, so whole sweeps are repeated until
//! the hand-off was interrupted in each of its phases.

use std::collections::BTreeMap;

use stead_runtime::Phase;
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_HOSTILE, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3};

use crate::harness::{open, swap, version};
use crate::load::{Load, Seen, check, deploy_for_load};

/// What was found after a crash: the phase of an interrupted hand-off, and whether its successor won.
type Found = Vec<(Option<Phase>, bool)>;

/// What must be found: an interruption in each phase with the end that belongs to it, and none.
const ENDS: [(Option<Phase>, bool); 6] = [
    (Some(Phase::Negotiating), false),
    (Some(Phase::Draining), false),
    (Some(Phase::Sealing), true),
    (Some(Phase::AwaitingReady), true),
    (None, false),
    (None, true),
];

/// A sweep meets the shortest phase at two or three of its operations.
const SWEEPS_MAX: u64 = 10;

async fn prepared() -> SimDisk {
    let disk = SimDisk::new(5);
    let (host, _) = open(&disk).await;
    deploy_for_load(&host, "box", EVOLVE_V1).await;
    host.close().await.unwrap();
    disk
}

/// One run that crashes after so many operations of the disk from when the hand-off begins; says whether it came to that.
async fn crash(base: &SimDisk, at: u64, seed: u64, found: &mut Found) -> bool {
    let about = format!("crash at {at}, sweep {seed}");
    let disk = base.restart(seed << 32 | at);
    let (host, _) = open(&disk).await;
    let seen = Seen::default();
    let load = Load::start(&host, "box", &seen, &BTreeMap::new());
    load.reach(16).await;
    disk.crash_after(at);
    let swapped = host.swap("box", EVOLVE_HOSTILE, swap()).await.is_ok();
    load.reach(8).await;
    load.stop().await;
    drop(host);
    let crashed = disk.crashed();
    assert!(crashed || swapped && seen.failures().is_empty(), "{:?}, {about}", seen.failures());

    let (host, recovery) = open(&disk.restart(seed)).await;
    assert!(host.list().unwrap()[0].handoff.is_none(), "{about}");
    let serving = version(&host, "box").await;
    assert!(serving == "hostile" || serving == "v1" && !swapped, "{serving} serves, {about}");
    found.push((recovery.handoffs.first().map(|interrupted| interrupted.phase), serving == "hostile"));
    let first = check(&host, "box", &seen, false, &about).await;

    // The failures of before the crash have been looked at.
    let failed = seen.failures().len();
    let load = Load::start(&host, "box", &seen, &first);
    load.reach(8).await;
    let (next, named) = if serving == "v1" { (EVOLVE_V2, "v2") } else { (EVOLVE_V3, "v3") };
    host.swap("box", next, swap()).await.unwrap_or_else(|error| panic!("{about}: {error}"));
    load.reach(8).await;
    load.stop().await;
    assert!(seen.failures()[failed..].is_empty(), "{:?}, {about}", seen.failures());
    assert_eq!(version(&host, "box").await, named, "{about}");
    check(&host, "box", &seen, false, &about).await;
    crashed
}

#[tokio::test]
async fn a_crash_at_any_disk_operation_of_a_hand_off_under_calls_loses_and_doubles_nothing() {
    let (base, mut found) = (prepared().await, Found::new());
    for sweep in 0..SWEEPS_MAX {
        let mut at = 0;
        while crash(&base, at, sweep, &mut found).await {
            at += 1;
        }
        if ENDS.iter().all(|end| found.contains(end)) {
            break;
        }
    }
    for end in ENDS {
        assert!(found.contains(&end), "{end:?} was never found");
    }
    for phase in [Phase::Negotiating, Phase::Draining] {
        assert!(!found.contains(&(Some(phase), true)), "{phase:?} ended in the successor");
    }
}
