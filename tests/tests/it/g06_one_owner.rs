//! G6: one process holds a data directory.

use stead_runtime::{Host, HostOptions};
use stead_test_guests::EVOLVE_V1;

use crate::harness::{bump, count_of, deploy, engine, open_dir};

#[tokio::test]
async fn a_second_host_is_refused_and_disturbs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let host = open_dir(directory.path()).await;
    deploy(&host, "box", EVOLVE_V1).await;
    let second = Host::open(HostOptions::at(directory.path(), engine())).await;
    assert_eq!(second.err().map(|error| error.kind()), Some("locked"));
    assert_eq!(bump(&host, "a").await, 1);
    host.close().await.unwrap();
    let host = open_dir(directory.path()).await;
    assert_eq!(count_of(&host, "a").await, 1);
}
