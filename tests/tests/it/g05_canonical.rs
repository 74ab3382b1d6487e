//! G5: equal entries have equal roots, whatever the order of writes, the host, or what was checkpointed.

use stead_schema::{Parts, Value};
use stead_test_guests::{EVOLVE_V1, ROOTS};

use crate::harness::{bump, call, open, with_plugin};

#[path = "../../guests/wasm/guests/roots/contents.rs"]
mod contents;

/// What every machine computes, and every later release.
const GOLDEN: [&str; 5] = [
    "725d9f8fe0e6c0c9ff3a5d9e71a3373e7ef6eed1f34892507966d0f21d6f8692",
    "4e7e28f6f50b797c74fbe44e2e4ad30a8f3e476c597e2333fb3c35e1bac95ad9",
    "d17fcf5a17e994f2f3b65234dce099c858fa430d387877bf5e85c88c8e5bd548",
    "87ef8834e53320d16aba441468549591386f2a02cc51009a7a4cfe071aecda2d",
    "857275099593918b63be1e3b40712d8aaecfd7ac59a9ce38cb4dd7a5c0cb1ad8",
];

/// The guest is the store, compiled for 32 bits.
#[tokio::test]
async fn roots_are_the_same_on_32_bits() {
    assert_eq!(contents::roots(), GOLDEN);
    let (_, host) = with_plugin(ROOTS).await;
    let roots = call(&host, "roots", vec![]).await.expect("a result");
    let Value(Parts::List(roots)) = roots else { panic!("no list: {roots:?}") };
    let roots: Vec<&str> = roots.iter().filter_map(Value::as_str).collect();
    assert_eq!(roots, GOLDEN);
}

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
