//! Real processes that end without warning at each named point, on a real directory.

use std::env;
use std::io::Cursor;
use std::path::Path;
use std::process::Command;

use stead_runtime::{Call, Host, ImportMode, ImportOptions};
use stead_test_guests::{EVOLVE_MIGRATE_ERR, EVOLVE_READY, EVOLVE_V1, EVOLVE_V2};

use crate::harness::{bump, deploy, discard, number, open_dir, returned, swap, text, total, version};

/// Every point that the victim passes, in the order in which it first does.
const POINTS: &[&str] = &[
    "deploy.kept",
    "deploy.durable",
    "call.begun",
    "call.executed",
    "call.committed",
    "call.durable",
    "handoff.negotiating",
    "handoff.aborting",
    "handoff.aborted",
    "receipt.rooted",
    "receipt.stated",
    "handoff.migrated",
    "handoff.negotiated",
    "handoff.draining",
    "handoff.drained",
    "handoff.sealing",
    "handoff.sealed",
    "handoff.attempt",
    "handoff.ready",
    "handoff.committing",
    "handoff.committed",
    "handoff.exported",
    "import.begun",
    "import.filled",
    "import.committing",
    "import.committed",
];

const DIRECTORY: &str = "STEAD_TEST_DIRECTORY";

/// What the process that crashes does: it deploys, calls, fails a swap, swaps with a migration, goes back, swaps again,
/// and takes in its own exported state.
async fn live(directory: &Path) {
    let host = open_dir(directory).await;
    deploy(&host, "box", EVOLVE_V1).await;
    for sequence in 1..=3 {
        host.call(once(sequence)).await.unwrap();
    }
    host.swap("box", EVOLVE_MIGRATE_ERR, swap()).await.unwrap_err();
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    host.call(Call::new("box", "bump", vec![text("later")])).await.unwrap();
    host.rollback("box", discard()).await.unwrap();
    host.swap("box", EVOLVE_READY, swap()).await.unwrap();
    let mut file = Vec::new();
    host.export("box", &[]).await.unwrap().write_to(&mut file).unwrap();
    let options = ImportOptions { mode: ImportMode::Replace, reason: None };
    host.import("box", Box::new(Cursor::new(file)), options).await.unwrap();
}

fn once(sequence: u64) -> Call {
    Call::new("box", "bump", vec![text("a")]).with_id("ann", sequence)
}

/// Run by the test below in processes of its own.
#[test]
#[ignore = "ends its process at the point that it is told"]
fn victim() {
    let Ok(directory) = env::var(DIRECTORY) else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(live(Path::new(&directory)));
}

#[tokio::test]
async fn after_a_crash_at_each_named_point_one_version_serves_and_swapping_goes_on() {
    for point in POINTS {
        let directory = tempfile::tempdir().unwrap();
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", "crash_points::victim", "--ignored", "--quiet"])
            .env("STEAD_CRASH_AT", point)
            .env(DIRECTORY, directory.path())
            .output()
            .unwrap()
            .status;
        assert!(!status.success(), "the victim never came to {point}");
        let host = open_dir(directory.path()).await;
        if host.list().unwrap().is_empty() {
            assert_eq!(*point, "deploy.kept");
            deploy(&host, "box", EVOLVE_V1).await;
        }
        check(&host, point).await;
        host.close().await.unwrap();
        let host = open_dir(directory.path()).await;
        assert_eq!(number(returned(host.call(Call::new("box", "count-of", vec![text("a")])).await)), 4, "{point}");
    }
}

async fn check(host: &Host, point: &str) {
    assert!(host.list().unwrap()[0].handoff.is_none(), "{point}");
    for sequence in 1..=3 {
        host.call(once(sequence)).await.unwrap_or_else(|error| panic!("{point}: {error}"));
    }
    let later = number(returned(host.call(Call::new("box", "count-of", vec![text("later")])).await));
    assert_eq!(total(host).await, 3 + later, "{point}");
    if version(host, "box").await != "v2" {
        host.swap("box", EVOLVE_V2, swap()).await.unwrap_or_else(|error| panic!("{point}: {error}"));
    }
    assert_eq!(version(host, "box").await, "v2");
    assert_eq!(bump(host, "a").await, 4, "{point}");
}
