//! G10: no step of an upgrade runs the incumbent's code.

use std::time::Duration;

use stead_runtime::{Call, SwapOptions};
use stead_schema::{Parts, Value};
use stead_test_guests::{EVOLVE_BROKEN, EVOLVE_V1, EVOLVE_V2, HOSTILE};

use crate::harness::{bump, count_of, keep, refused, swap, text, total, version, with_plugin};

#[tokio::test]
async fn a_version_that_traps_on_every_call_is_replaced_with_and_without_migration() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.swap("box", EVOLVE_BROKEN, swap()).await.unwrap();
    assert_eq!(refused(host.call(Call::new("box", "bump", vec![text("a")])).await), "trapped");
    host.rollback("box", keep()).await.unwrap();
    assert_eq!(bump(&host, "a").await, 2);
    host.swap("box", EVOLVE_BROKEN, swap()).await.unwrap();
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    assert_eq!(version(&host, "box").await, "v2");
    assert_eq!((count_of(&host, "a").await, total(&host).await), (2, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g09_g10_calls_that_trap_one_after_another_hold_no_hand_off_up_and_those_behind_it_are_served() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    host.swap("box", EVOLVE_BROKEN, swap()).await.unwrap();
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let host = host.clone();
            tokio::spawn(async move {
                let mut trapped = 0;
                for sequence in 1.. {
                    let bump = Call::new("box", "bump", vec![text("a")]).with_id(format!("caller {caller}"), sequence);
                    match host.call(bump).await {
                        Ok(_) => break,
                        Err(error) => assert_eq!(error.kind(), "trapped", "{error}"),
                    }
                    trapped += 1;
                }
                trapped
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    let mut trapped = 0;
    for caller in callers {
        trapped += caller.await.unwrap();
    }
    assert!(trapped > 0, "the broken version was never called");
    assert_eq!((count_of(&host, "a").await, total(&host).await), (9, 9));
}

/// What the incumbent does in a call never ends by itself, or ends badly; the call has its own time, and then it is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g10_a_version_that_loops_or_takes_all_memory_in_a_call_is_replaced_when_the_call_is_over() {
    for function in ["spin", "exhaust-memory"] {
        let (_, host) = with_plugin(HOSTILE).await;
        let call = Call { deadline: Some(Duration::from_millis(400)), ..Call::new("box", function, vec![]) };
        let running = tokio::spawn({
            let host = host.clone();
            async move { host.call(call).await }
        });
        tokio::time::sleep(Duration::from_millis(30)).await;
        host.swap("box", HOSTILE, SwapOptions { deadline: Some(Duration::from_secs(5)), ..swap() }).await.unwrap();
        assert_eq!(refused(running.await.unwrap()), "trapped");
        let len = host.call(Call::new("box", "len", vec![])).await.unwrap();
        assert_eq!(len.outcome, stead_runtime::Outcome::Ok(Some(Value(Parts::U64(0)))), "{function} left a trace");
    }
}
