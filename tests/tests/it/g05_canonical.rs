//! G5: equal entries have equal roots, whatever the order of writes, the host, or what was checkpointed.

use stead_test_guests::EVOLVE_V1;

use crate::harness::{bump, open, with_plugin};

#[tokio::test]
async fn roots_depend_on_the_contents_alone() {
    let (_, one) = with_plugin(EVOLVE_V1).await;
    let (disk, other) = with_plugin(EVOLVE_V1).await;
    let keys: Vec<String> = (0..60).map(|key| format!("key {key}")).collect();
    for key in &keys {
        bump(&one, key).await;
    }
    for (index, key) in keys.iter().rev().enumerate() {
        bump(&other, key).await;
        if index % 20 == 0 {
            other.checkpoint().await.unwrap();
        }
    }
    let root = one.show("box").unwrap().root;
    assert_eq!(root, other.show("box").unwrap().root);
    drop(other);
    let (other, _) = open(&disk.restart(2)).await;
    assert_eq!(root, other.show("box").unwrap().root);
    bump(&other, "one more").await;
    assert_ne!(root, other.show("box").unwrap().root);
}
