//! G3: what ends badly leaves nothing behind, and the plugin goes on.

use std::time::Duration;

use stead_runtime::{Call, Outcome};
use stead_test_guests::{EVOLVE_V1, HOSTILE, PLAIN};

use crate::harness::{bump, bytes, call, deploy, refused, text, total, u64_, with_plugin};

#[tokio::test]
async fn an_err_rolls_back_what_was_written_before_it() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    assert_eq!(bump(&host, "a").await, 1);
    let reply = host.call(Call::new("box", "bump", vec![text("")])).await.unwrap();
    assert_eq!(reply.outcome, Outcome::Err(Some(text("a key is not empty"))));
    assert_eq!(total(&host).await, 1, "the sum was raised before the err");
    assert_eq!(bump(&host, "a").await, 2);
}

#[tokio::test]
async fn a_trap_of_any_kind_leaves_no_trace_and_touches_no_other_plugin() {
    let (_, host) = with_plugin(HOSTILE).await;
    deploy(&host, "other", PLAIN).await;
    for (function, args) in [
        ("spin", vec![]),
        ("exhaust-memory", vec![]),
        ("recurse", vec![u64_(1 << 40)]),
        ("panic", vec![text("on purpose")]),
        ("overflow-counter", vec![]),
        ("write-large-key", vec![u64_(5_000)]),
        ("write-large-value", vec![u64_(20 << 20)]),
    ] {
        let deadline = Some(Duration::from_millis(if function == "spin" { 100 } else { 10_000 }));
        let reply = host.call(Call { deadline, ..Call::new("box", function, args) }).await;
        assert_eq!(refused(reply), "trapped", "{function}");
        assert_eq!(call(&host, "len", vec![]).await, Some(u64_(0)), "{function} left a trace");
        host.call(Call::new("other", "bump", vec![text("x")])).await.unwrap();
    }
    call(&host, "put", vec![text("k"), bytes(b"v")]).await;
    assert_eq!(call(&host, "len", vec![]).await, Some(u64_(1)));
}

#[tokio::test]
async fn a_deadline_that_passes_in_the_queue_leaves_the_call_unexecuted() {
    let (_, host) = with_plugin(HOSTILE).await;
    let long = Call { deadline: Some(Duration::from_secs(2)), ..Call::new("box", "spin", vec![]) };
    let long = tokio::spawn({
        let host = host.clone();
        async move { host.call(long).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    let write = Call::new("box", "put", vec![text("k"), bytes(b"v")]);
    let reply = host.call(Call { deadline: Some(Duration::from_millis(50)), ..write }).await;
    assert_eq!(refused(reply), "deadline");
    assert_eq!(refused(long.await.unwrap()), "trapped");
    assert_eq!(call(&host, "len", vec![]).await, Some(u64_(0)));
}

#[tokio::test]
async fn a_read_only_call_that_writes_traps_and_writes_nothing() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let reply = host.call(Call::new("box", "bump", vec![text("a")]).read_only()).await;
    assert_eq!(refused(reply), "trapped");
    assert_eq!(total(&host).await, 1);
}
