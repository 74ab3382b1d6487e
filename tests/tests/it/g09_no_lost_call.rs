//! G9: calls that arrive during a hand-off wait and are served; none fails, none runs twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use stead_runtime::Call;
use stead_test_guests::{EVOLVE_MIGRATE_ERR, EVOLVE_REBUILT, EVOLVE_V1, EVOLVE_V2, EVOLVE_V3};

use crate::harness::{deploy, keep, open_dir, returned, swap, text, total, version};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_lose_and_double_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let host = open_dir(directory.path()).await;
    deploy(&host, "box", EVOLVE_V1).await;
    let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let (host, stop, served) = (host.clone(), stop.clone(), served.clone());
            tokio::spawn(async move {
                let mut sequence = 0;
                while !stop.load(Ordering::Relaxed) {
                    sequence += 1;
                    let bump = Call::new("box", "bump", vec![text(&format!("key {caller}"))]);
                    returned(host.call(bump.with_id(format!("caller {caller}"), sequence)).await);
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let settle = || tokio::time::sleep(std::time::Duration::from_millis(30));
    settle().await;
    host.swap("box", EVOLVE_REBUILT, swap()).await.unwrap();
    settle().await;
    host.rollback("box", keep()).await.unwrap();
    settle().await;
    assert_eq!(host.swap("box", EVOLVE_MIGRATE_ERR, swap()).await.unwrap_err().kind(), "aborted");
    settle().await;
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    settle().await;
    host.swap("box", EVOLVE_V3, swap()).await.unwrap();
    settle().await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.expect("no call failed");
    }
    assert_eq!(version(&host, "box").await, "v3");
    assert_eq!(total(&host).await, served.load(Ordering::Relaxed));
    host.close().await.unwrap();
    let host = open_dir(directory.path()).await;
    assert_eq!(total(&host).await, served.load(Ordering::Relaxed));
}
