//! Several states, one commit: also where the power fails.

use stead_runtime::{Swap, SwapOptions};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LINK_LEAF, LINK_LEAF_CHANGED, LINK_LEFT, LINK_LEFT_CHANGED};

use super::{DIAMOND, deploy_linked, diamond, numbers, ran, run, script};
use crate::harness::{open, try_open};

#[tokio::test]
async fn g01_a_crash_at_any_disk_operation_leaves_a_call_in_all_states_or_in_none() {
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let (host, _) = open(&disk).await;
        diamond(&host).await;
        run(&host, "top", "(set k 0)(left (set k 0)(leaf (set k 0)))(right (set k 0))").await;
        disk.crash_after(crash_at);
        let mut acknowledged = 0;
        for n in 1..=3 {
            let commands = format!("(set k {n})(left (set k {n})(leaf (set k {n})))(right (set k {n}))");
            if ran(&host, script("top", &commands)).await.is_ok() {
                acknowledged = n;
            }
        }
        let crashed = disk.crashed();
        drop(host);
        let (host, _) = try_open(&disk.restart(crash_at)).await.expect("it opens after a crash");
        let all = DIAMOND.map(|plugin| numbers(&host, plugin)["k"]);
        assert!(all.iter().all(|number| *number == all[0]), "{all:?}, crash at {crash_at}");
        assert!(all[0] >= acknowledged, "{acknowledged} acknowledged, {all:?}, crash at {crash_at}");
        if !crashed {
            return;
        }
    }
}

#[tokio::test]
async fn g08_a_crash_anywhere_in_a_swap_of_caller_and_callee_ends_in_two_that_fit() {
    let mut ends = [0; 2];
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let (host, _) = open(&disk).await;
        deploy_linked(&host, "leaf", LINK_LEAF, &[]).await;
        deploy_linked(&host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
        run(&host, "left", "(set k 1)(leaf (set k 1))").await;
        disk.crash_after(crash_at);
        let swap = |plugin: &str, wasm: &[u8]| Swap {
            plugin: plugin.into(),
            wasm: wasm.into(),
            options: SwapOptions::default(),
        };
        let swaps = || vec![swap("left", LINK_LEFT_CHANGED), swap("leaf", LINK_LEAF_CHANGED)];
        let swapped = host.swap_all(swaps()).await.is_ok();
        let crashed = disk.crashed();
        drop(host);
        let disk = disk.restart(crash_at);
        let (host, _) = try_open(&disk).await.unwrap_or_else(|error| panic!("crash at {crash_at}: {error}"));
        assert_eq!(run(&host, "left", "(get k)(leaf (get k)(set k 2))").await, 2, "crash at {crash_at}");
        let generations = ["left", "leaf"].map(|plugin| host.show(plugin).unwrap().summary.version.generation);
        assert!(
            matches!((generations, swapped), ([2, 2], _) | ([1, 1], false)),
            "{generations:?}, crash at {crash_at}"
        );
        ends[usize::from(generations == [2, 2])] += 1;
        if generations == [1, 1] {
            host.swap_all(swaps()).await.unwrap_or_else(|error| panic!("crash at {crash_at}: {error}"));
        }
        assert_eq!(run(&host, "left", "(leaf (get k))").await, 2);
        if !crashed {
            break;
        }
    }
    assert!(ends.iter().all(|count| *count > 0), "crashes ended in both pairs: {ends:?}");
}
