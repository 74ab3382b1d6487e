//! What a plugin keeps between calls.

use std::sync::Arc;

use stead_store::disk::sim::SimDisk;

use crate::engine::{Engine, EngineOptions};
use crate::limits::EngineLimits;
use crate::{Call, DataDir, DeployOptions, Host, HostOptions, Outcome};

/// Says `err` at the first call of an instance and `ok` at every other.
const ERR_ONCE: &str = r#"(component
  (core module $M
    (global $calls (mut i32) (i32.const 0))
    (func (export "step") (result i32)
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (i32.eq (global.get $calls) (i32.const 1))))
  (core instance $m (instantiate $M))
  (func (export "step") (result (result)) (canon lift (core func $m "step"))))"#;

#[tokio::test]
async fn g03_memory_of_a_call_that_was_rolled_back_goes_with_its_instance() {
    let limits = EngineLimits { instances_max: 4, ..EngineLimits::default() };
    let engine = Engine::new(EngineOptions { limits, cache: None }).unwrap();
    let data = DataDir::Disk(Arc::new(SimDisk::new(1)));
    let (host, _) = Host::open(HostOptions { data, engine, store: stead_store::Options::default(), receipt_key: None })
        .await
        .unwrap();
    host.deploy("box", &wat::parse_str(ERR_ONCE).unwrap(), DeployOptions::default()).await.unwrap();
    for _ in 0..3 {
        let reply = host.call(Call::new("box", "step", Vec::new())).await.unwrap();
        assert_eq!(reply.outcome, Outcome::Err(None), "an instance lived on after a rollback");
    }
}
