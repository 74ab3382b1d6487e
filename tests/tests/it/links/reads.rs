//! Read-only calls see all states as of one commit.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use stead_store::disk::sim::SimDisk;

use super::{Ran, diamond, numbers, one, ran, run, script};
use crate::harness::{open, open_dir, refused};

#[tokio::test]
async fn g03_a_read_only_call_writes_nowhere() {
    let (host, _) = open(&SimDisk::new(1)).await;
    diamond(&host).await;
    run(&host, "leaf", "(set k 1)").await;
    let reply = host.call(script("top", "(left (leaf (set k 2)))").read_only()).await;
    assert_eq!(refused(reply), "trapped");
    assert_eq!(numbers(&host, "leaf"), one("k", 1));
    let read = ran(&host, script("top", "(left (leaf (get k)))(leaf (get k))").read_only()).await.unwrap();
    assert!(matches!(read, Ran::Ok(2, _)), "{read:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g01_reads_see_a_call_in_all_states_or_in_none() {
    let directory = tempfile::tempdir().unwrap();
    let host = open_dir(directory.path()).await;
    diamond(&host).await;
    run(&host, "top", "(set k 0)(left (set k 0)(leaf (set k 0)))(right (set k 0))").await;
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (host, done) = (host.clone(), done.clone());
            tokio::spawn(async move {
                let (mut reads, mut last) = (0_u32, 0);
                while !done.load(Ordering::Relaxed) || reads == 0 {
                    let call = script("top", "(get k)(left (get k)(leaf (get k)))(right (get k))").read_only();
                    let Ok(Ran::Ok(sum, _)) = ran(&host, call).await else { panic!("a read failed") };
                    assert!(sum % 4 == 0, "states of different times: {sum}");
                    assert!(sum >= last, "back in time");
                    (reads, last) = (reads + 1, sum);
                }
            })
        })
        .collect();
    for n in 1..200 {
        run(&host, "top", &format!("(set k {n})(left (set k {n})(leaf (set k {n})))(right (set k {n}))")).await;
    }
    done.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    host.close().await.unwrap();
}
