//! Plugins that call each other through links: one transaction, one commit, and nothing that was not named.
//!
//! ```text
//!            top
//!          /  │  \
//!      left   │   right
//!          \  │  /
//!            leaf
//! ```

mod calls;
mod crashes;
mod limits;
mod random;
mod reads;
mod swaps;
mod types;

use std::collections::BTreeMap;
use std::time::Duration;

use stead_runtime::engine::LinkTo;
use stead_runtime::{Call, CallError, DeployError, DeployOptions, Deployed, Host, Outcome, ScanOptions};
use stead_schema::{Parts, Value};
use stead_test_guests::{LINK_LEAF, LINK_LEFT, LINK_RIGHT, LINK_TOP};
use tokio::task::JoinHandle;

use crate::harness::text;

/// The plugins of a diamond.
pub(super) const DIAMOND: [&str; 4] = ["leaf", "left", "right", "top"];

/// Links of `test:links`, by the interface's short name and the plugin.
pub(super) fn links(to: &[(&str, &str)]) -> Vec<LinkTo> {
    let link = |(interface, plugin): &(&str, &str)| LinkTo {
        interface: format!("test:links/{interface}@1"),
        plugin: (*plugin).to_owned(),
    };
    to.iter().map(link).collect()
}

pub(super) async fn try_link(
    host: &Host,
    name: &str,
    wasm: &[u8],
    to: &[(&str, &str)],
) -> Result<Deployed, DeployError> {
    host.deploy(name, wasm, DeployOptions { links: links(to), ..DeployOptions::default() }).await
}

pub(super) async fn deploy_linked(host: &Host, name: &str, wasm: &[u8], to: &[(&str, &str)]) {
    try_link(host, name, wasm, to).await.unwrap_or_else(|error| panic!("{name} is not deployed: {error}"));
}

/// Deploys all four.
pub(super) async fn diamond(host: &Host) {
    deploy_linked(host, "leaf", LINK_LEAF, &[]).await;
    deploy_linked(host, "left", LINK_LEFT, &[("leaf", "leaf")]).await;
    deploy_linked(host, "right", LINK_RIGHT, &[("leaf", "leaf")]).await;
    deploy_linked(host, "top", LINK_TOP, &[("leaf", "leaf"), ("left", "left"), ("right", "right")]).await;
}

/// What a run of a script gave: the sum of what it read, and the runs of the instances that took part.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ran {
    Ok(u64, Vec<u32>),
    Err(String),
}

pub(super) async fn ran(host: &Host, call: Call) -> Result<Ran, CallError> {
    Ok(match host.call(call).await?.outcome {
        Outcome::Err(Some(Value(Parts::String(reason)))) => Ran::Err(reason),
        Outcome::Ok(Some(Value(Parts::Record(fields)))) => match &fields[..] {
            [(_, Value(Parts::U64(sum))), (_, Value(Parts::List(runs)))] => {
                let run = |value: &Value| match value.0 {
                    Parts::U32(run) => run,
                    ref other => panic!("no run: {other:?}"),
                };
                Ran::Ok(*sum, runs.iter().map(run).collect())
            }
            other => panic!("no report: {other:?}"),
        },
        other => panic!("no report: {other:?}"),
    })
}

pub(super) fn script(plugin: &str, script: &str) -> Call {
    Call::new(plugin, "run", vec![text(script)])
}

/// Runs a script that must return, and gives what it read.
pub(super) async fn run(host: &Host, plugin: &str, commands: &str) -> u64 {
    match ran(host, script(plugin, commands)).await {
        Ok(Ran::Ok(sum, _)) => sum,
        other => panic!("{plugin}, {commands}: {other:?}"),
    }
}

/// The numbers that a plugin keeps.
pub(super) fn numbers(host: &Host, plugin: &str) -> BTreeMap<String, u64> {
    let scan = ScanOptions { collection: "numbers".into(), limit: Some(10_000), ..ScanOptions::default() };
    let entries = host.state(plugin, &scan).expect("the plugin's numbers").entries;
    let number = |entry: stead_runtime::StateEntry| match (entry.key, entry.value) {
        (Some(Value(Parts::String(key))), Value(Parts::U64(number))) => (key, number),
        other => panic!("no number: {other:?}"),
    };
    entries.into_iter().map(number).collect()
}

pub(super) fn one(key: &str, number: u64) -> BTreeMap<String, u64> {
    BTreeMap::from([(key.to_owned(), number)])
}

/// A call that runs until it is aborted. Once this returns, the plugin was not free for as long as a call waits for it here.
pub(super) async fn spin(host: &Host, plugin: &str, commands: &str) -> JoinHandle<()> {
    let call = Call { deadline: Some(Duration::from_secs(600)), ..script(plugin, commands) };
    let spinning = tokio::spawn({
        let host = host.clone();
        async move { drop(host.call(call).await) }
    });
    let other = || Call { deadline: Some(Duration::from_millis(300)), ..script(plugin, "(get k)") };
    while host.call(other()).await.is_ok() {}
    spinning
}
