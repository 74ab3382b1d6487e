//! G11: real processes that end without warning at each named point of an upgrade, with a client that goes on calling.

use std::env;
use std::path::Path;
use std::process::Command;

use stead_runtime::Call;
use stead_test_guests::{LEDGER_V1, LEDGER_V3};

use super::crash::settled;
use super::{ask, call, describe, open_many, text, u32_, upgraded};
use crate::harness::{deploy, number, open_dir, returned, swap, version};

/// Every point that the victim passes.
pub(crate) const POINTS: &[&str] = &[
    "upgrade.begun",
    "upgrade.converted",
    "upgrade.committed",
    "upgrade.over",
    "upgrade.round",
    "upgrade.settled",
    "handoff.negotiated",
    "handoff.drained",
    "handoff.sealed",
    "handoff.attempt",
    "handoff.carried",
    "handoff.committing",
    "handoff.committed",
];

const DIRECTORY: &str = "STEAD_TEST_DIRECTORY";

fn once(sequence: u64) -> Call {
    Call::new("box", "credit", vec![text("ann"), u32_(1)]).with_id("ann", sequence)
}

/// What the process that ends does: it upgrades while a client calls, so that something is left for the closed gate.
async fn live(directory: &Path) {
    let host = open_dir(directory).await;
    deploy(&host, "box", LEDGER_V1).await;
    open_many(&host, 0, 500).await;
    returned(host.call(once(1)).await);
    let calling = tokio::spawn({
        let host = host.clone();
        async move {
            for sequence in 2.. {
                returned(host.call(once(sequence)).await);
            }
        }
    });
    upgraded(&host).await;
    calling.abort();
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
async fn g11_a_process_killed_at_each_point_of_an_upgrade_leaves_one_version_and_every_credit() {
    for point in POINTS {
        let directory = tempfile::tempdir().unwrap();
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", "upgrade::killed::victim", "--ignored", "--quiet"])
            .env("STEAD_CRASH_AT", point)
            .env(DIRECTORY, directory.path())
            .output()
            .unwrap()
            .status;
        assert!(!status.success(), "the victim never came to {point}");
        let host = open_dir(directory.path()).await;
        settled(&host).await;
        // Nothing stands against it, so it always goes on to its end.
        assert_eq!(version(&host, "box").await, "v2", "{point}");
        let credits = number(call(&host, "journal-end", vec![]).await);
        assert!(credits > 0);
        assert_eq!(ask(&host, "balance", vec![text("ann")]).await, Some(credits.to_string()), "{point}");
        assert_eq!(ask(&host, "turned-over", vec![]).await, Some(credits.to_string()), "{point}");
        // The client's last call is in it or not: asked again, it is in it once.
        let again = host.call(once(credits)).await.unwrap();
        assert!(again.replayed, "{point}");
        assert_eq!(number(call(&host, "how-many", vec![]).await), 501, "{point}");
        assert_eq!(describe(&host, "a00000499").await.as_deref(), Some("a00000499: opened"), "{point}");
        host.swap("box", LEDGER_V3, swap()).await.unwrap_or_else(|error| panic!("{point}: {error}"));
        host.close().await.unwrap();
    }
}
