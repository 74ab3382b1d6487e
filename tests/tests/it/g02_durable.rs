//! G2: what a caller has seen survives power loss.

use stead_runtime::{Call, Outcome};
use stead_test_guests::EVOLVE_V1;

use crate::harness::{bump, count_of, open, refused, returned, text, u64_, with_plugin};

#[tokio::test]
async fn acknowledged_calls_survive_power_loss_without_a_close() {
    let (mut disk, mut host) = with_plugin(EVOLVE_V1).await;
    for round in 1..=5 {
        assert_eq!(bump(&host, "a").await, round);
        drop(host);
        disk = disk.restart(round);
        host = open(&disk).await.0;
        assert_eq!(count_of(&host, "a").await, round);
    }
}

#[tokio::test]
async fn a_read_only_call_sees_only_what_is_durable() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let read = Call::new("box", "count-of", vec![text("a")]).read_only();
    assert_eq!(returned(host.call(read).await), Some(u64_(1)));
}

#[tokio::test]
async fn a_failed_sync_shows_no_result() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    disk.fail_sync(0);
    let reply = host.call(Call::new("box", "bump", vec![text("a")])).await;
    assert!(matches!(reply.as_ref().map_err(|error| error.kind()), Err("outcome-unknown")), "{reply:?}");
    let reply = host.call(Call::new("box", "count-of", vec![text("a")])).await;
    assert!(reply.is_err(), "what the failed sync left behind was shown: {reply:?}");
}

#[tokio::test]
async fn what_a_failed_sync_left_behind_is_neither_replayed_nor_read() {
    let (disk, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    disk.fail_sync(0);
    let once = || Call::new("box", "bump", vec![text("a")]).with_id("ann", 1);
    assert_eq!(refused(host.call(once()).await), "outcome-unknown");
    let again = host.call(once()).await;
    assert!(again.is_err(), "a record that may be lost was shown: {again:?}");
    let read = host.call(Call::new("box", "count-of", vec![text("a")]).read_only()).await;
    if let Ok(reply) = read {
        assert_eq!(reply.outcome, Outcome::Ok(Some(u64_(1))), "a write that may be lost was shown");
    }
}
