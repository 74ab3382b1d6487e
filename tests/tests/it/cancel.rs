//! G8, G9: a hand-off that an operator cancels. The incumbent goes on with the state as it was, and the calls that were held
//! run on it.

use std::time::Duration;

use stead_runtime::engine::Settings;
use stead_runtime::{Call, Host, Phase, Receipt, Swap, SwapError, SwapOptions};
use stead_schema::{Parts, Value};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_HOSTILE, EVOLVE_READY_LOOPS, EVOLVE_V1, EVOLVE_V2, HOSTILE, LEDGER_V1, LEDGER_V2};
use tokio::task::JoinHandle;

use crate::harness::{bump, call, deploy, number, open, returned, swap, text, u64_, version, with_plugin};

type Swapping = JoinHandle<Result<Vec<Receipt>, SwapError>>;

/// Enough for any phase: what ends sooner ends because it was cancelled.
const LONG: Duration = Duration::from_secs(3600);

fn patient(options: SwapOptions) -> SwapOptions {
    SwapOptions { deadline: Some(LONG), migration_deadline: Some(LONG), ..options }
}

/// Begins a swap and waits until it is in a phase.
async fn begin(host: &Host, swaps: Vec<Swap>, phase: Phase) -> Swapping {
    let swapping = tokio::spawn({
        let host = host.clone();
        async move { host.swap_all(swaps).await }
    });
    until(host, |host| host.list().unwrap()[0].handoff == Some(phase)).await;
    swapping
}

async fn until(host: &Host, reached: impl Fn(&Host) -> bool) {
    let come = async {
        while !reached(host) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), come).await.expect("the swap never comes there");
}

fn of(plugin: &str, wasm: &[u8], options: SwapOptions) -> Swap {
    Swap { plugin: plugin.into(), wasm: wasm.to_vec(), options: patient(options) }
}

async fn cancel(host: &Host, plugin: &str) -> Receipt {
    let cancelled = tokio::time::timeout(Duration::from_secs(60), host.cancel(plugin)).await;
    cancelled.expect("it goes on in spite of all").unwrap()
}

/// Cancels the swap, of which a phase never ends.
async fn cancelled(host: &Host, swapping: Swapping, phase: Phase) {
    cancelled_by(host, "box", swapping, phase).await;
}

async fn cancelled_by(host: &Host, plugin: &str, swapping: Swapping, phase: Phase) {
    let receipt = cancel(host, plugin).await;
    let (given_up_in, reason) = receipt.given_up().unwrap();
    assert!(given_up_in == phase && reason.contains("cancelled"), "{given_up_in:?}: {reason}");
    let error = swapping.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), "aborted", "{error}");
    assert!(host.list().unwrap().iter().all(|plugin| plugin.handoff.is_none()));
    assert_eq!(host.cancel("box").await.unwrap_err().kind(), "not-under-way");
}

fn loops(setting: &str) -> SwapOptions {
    SwapOptions { settings: Some(Settings([(setting.to_owned(), "loop".to_owned())].into())), ..swap() }
}

#[tokio::test]
async fn g08_a_migration_that_never_ends_is_cancelled() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    bump(&host, "a").await;
    let root = host.show("box").unwrap().root;
    let swapping = begin(&host, vec![of("box", EVOLVE_HOSTILE, loops("migrate"))], Phase::Negotiating).await;
    cancelled(&host, swapping, Phase::Negotiating).await;
    assert_eq!((host.show("box").unwrap().root, bump(&host, "a").await), (root, 2));
    host.swap("box", EVOLVE_V2, swap()).await.unwrap();
    assert_eq!(bump(&host, "a").await, 3);
}

#[tokio::test]
async fn g09_calls_that_were_held_run_on_the_incumbent_of_a_swap_that_is_cancelled() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    let swapping = begin(&host, vec![of("box", EVOLVE_READY_LOOPS, swap())], Phase::AwaitingReady).await;
    let held = tokio::spawn({
        let host = host.clone();
        async move { bump(&host, "a").await }
    });
    until(&host, |host| host.list().unwrap()[0].under_way.as_ref().is_some_and(|it| it.held_calls == 1)).await;
    cancelled(&host, swapping, Phase::AwaitingReady).await;
    assert_eq!((held.await.unwrap(), version(&host, "box").await.as_str()), (1, "v1"));
}

#[tokio::test]
async fn g08_a_swap_of_several_is_cancelled_for_all_by_any_of_them() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    deploy(&host, "other", EVOLVE_V1).await;
    bump(&host, "a").await;
    for plugin in ["box", "other"] {
        let swaps = vec![of("other", EVOLVE_V2, swap()), of("box", EVOLVE_HOSTILE, loops("migrate"))];
        let swapping = begin(&host, swaps, Phase::Negotiating).await;
        cancelled_by(&host, plugin, swapping, Phase::Negotiating).await;
        assert_eq!((version(&host, "box").await.as_str(), version(&host, "other").await.as_str()), ("v1", "v1"));
    }
}

#[tokio::test]
async fn g09_a_swap_that_waits_for_a_running_call_is_cancelled_and_the_call_ends() {
    let (_, host) = with_plugin(HOSTILE).await;
    let running = tokio::spawn({
        let host = host.clone();
        async move { host.call(Call::new("box", "doze", vec![Value(Parts::U32(1500))])).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let swapping = begin(&host, vec![of("box", HOSTILE, swap())], Phase::Draining).await;
    cancelled(&host, swapping, Phase::Draining).await;
    assert!(!running.is_finished(), "nobody waited for the call");
    running.await.unwrap().expect("the running call ends as it would have");
}

/// A ledger with an entry whose conversion never ends, and the swap that comes there.
async fn converting(disk: &SimDisk) -> (Host, u64, Swapping) {
    let (host, _) = open(disk).await;
    deploy(&host, "box", LEDGER_V1).await;
    call(&host, "credit", vec![text("ann"), Value(Parts::U32(7))]).await;
    call(&host, "set-note", vec![text("ann"), text("loop")]).await;
    let states = host.info().store.states;
    let swapping = begin(&host, vec![of("box", LEDGER_V2, swap())], Phase::Negotiating).await;
    until(&host, |host| host.list().unwrap()[0].progress.is_some()).await;
    (host, states, swapping)
}

async fn is_as_before(host: &Host, states: u64) {
    assert_eq!(host.info().store.states, states, "what was converted is gone");
    let credited = host.call(Call::new("box", "credit", vec![text("ann"), Value(Parts::U32(1))])).await;
    assert_eq!((number(returned(credited)), version(host, "box").await.as_str()), (8, "v1"));
    call(host, "set-note", vec![text("ann"), text("good")]).await;
    host.swap("box", LEDGER_V2, swap()).await.unwrap();
    assert_eq!(call(host, "how-many", vec![]).await, Some(u64_(1)));
}

#[tokio::test]
async fn g08_a_conversion_that_never_ends_is_cancelled() {
    let (host, states, swapping) = converting(&SimDisk::new(1)).await;
    cancelled(&host, swapping, Phase::Negotiating).await;
    is_as_before(&host, states).await;
}

#[tokio::test]
async fn g11_a_conversion_that_goes_on_after_a_crash_is_cancelled() {
    let disk = SimDisk::new(1);
    let (host, states, swapping) = converting(&disk).await;
    let disk = disk.restart(2);
    swapping.abort();
    drop(host);
    let (host, _) = open(&disk).await;
    let receipt = cancel(&host, "box").await;
    assert!(receipt.given_up().is_some_and(|(_, reason)| reason.contains("cancelled")), "{receipt:?}");
    is_as_before(&host, states).await;
    drop(host);
    let (host, recovery) = open(&disk.restart(3)).await;
    assert!(recovery.handoffs.is_empty() && host.list().unwrap()[0].handoff.is_none());
}

#[tokio::test]
async fn what_is_not_under_way_is_not_cancelled() {
    let (_, host) = with_plugin(EVOLVE_V1).await;
    assert_eq!(host.cancel("box").await.unwrap_err().kind(), "not-under-way");
    assert_eq!(host.cancel("none").await.unwrap_err().kind(), "unknown-plugin");
}
