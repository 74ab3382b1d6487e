//! G1: after any crash, a call's writes are all there or none are.

use stead_store::disk::sim::SimDisk;
use stead_test_guests::EVOLVE_V1;

use crate::harness::{count_of, deploy, open, text, total, try_open};

#[tokio::test]
async fn a_crash_at_any_disk_operation_of_a_call_leaves_all_of_it_or_nothing() {
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let (host, _) = open(&disk).await;
        deploy(&host, "box", EVOLVE_V1).await;
        disk.crash_after(crash_at);
        let mut acknowledged = 0;
        for _ in 0..3 {
            let bump = stead_runtime::Call::new("box", "bump", vec![text("a")]);
            acknowledged += u64::from(host.call(bump).await.is_ok());
        }
        let crashed = disk.crashed();
        drop(host);
        let (host, _) = try_open(&disk.restart(crash_at)).await.expect("it opens after a crash");
        let (count, sum) = (count_of(&host, "a").await, total(&host).await);
        assert_eq!(count, sum, "two collections of one call, crash at {crash_at}");
        assert!(count >= acknowledged, "{acknowledged} acknowledged, {count} there, crash at {crash_at}");
        if !crashed {
            return;
        }
    }
}
