//! Versions that convert a state entry by entry: what becomes of it, beside calls, through crashes and hostile functions.

mod crash;
mod hostile;
mod kept;
pub(crate) mod killed;
mod refused;
mod served;

use stead_runtime::{Call, Host, Receipt, SwapError, SwapOptions};
use stead_schema::{Parts, Value};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{LEDGER_V1, LEDGER_V2};

use crate::harness::{call, deploy, number, open, swap, text};

pub(super) fn u32_(number: u32) -> Value {
    Value(Parts::U32(number))
}

pub(super) fn s32(number: i32) -> Value {
    Value(Parts::S32(number))
}

pub(super) fn u64_(number: u64) -> Value {
    Value(Parts::U64(number))
}

/// A host whose plugin `box` is the first ledger, with something in every collection: 50 accounts `a00000000` and on, `ann`
/// with 7 in two lines, a motto, and a tick.
pub(super) async fn ledger(disk: &SimDisk) -> Host {
    let (host, _) = open(disk).await;
    deploy(&host, "box", LEDGER_V1).await;
    open_many(&host, 0, 50).await;
    credit(&host, "ann", 3).await;
    credit(&host, "ann", 4).await;
    call(&host, "set-motto", vec![text("größer")]).await;
    call(&host, "tick", vec![]).await;
    host
}

pub(super) async fn open_many(host: &Host, first: u32, count: u32) {
    call(host, "open-many", vec![text("a"), u32_(first), u32_(count)]).await;
}

pub(super) async fn credit(host: &Host, name: &str, amount: u32) -> u64 {
    number(call(host, "credit", vec![text(name), u32_(amount)]).await)
}

pub(super) async fn note(host: &Host, name: &str, note: &str) {
    call(host, "set-note", vec![text(name), text(note)]).await;
}

/// What a function returns of an option, as text; numbers in digits.
pub(super) async fn ask(host: &Host, function: &str, args: Vec<Value>) -> Option<String> {
    match call(host, function, args).await {
        Some(Value(Parts::Option(None))) => None,
        Some(Value(Parts::Option(Some(value)))) => Some(shown(*value)),
        Some(value) => Some(shown(value)),
        None => None,
    }
}

fn shown(value: Value) -> String {
    match value.0 {
        Parts::String(text) => text,
        Parts::U64(number) => number.to_string(),
        Parts::S64(number) => number.to_string(),
        other => panic!("unexpected: {other:?}"),
    }
}

pub(super) async fn describe(host: &Host, name: &str) -> Option<String> {
    ask(host, "describe", vec![text(name)]).await
}

pub(super) async fn upgraded(host: &Host) -> Receipt {
    host.swap("box", LEDGER_V2, swap()).await.unwrap_or_else(|error| panic!("not upgraded: {error}"))
}

/// A swap that must be given up, with all of these words in the reason; the plugin serves on.
pub(super) async fn gives_up(host: &Host, wasm: &[u8], options: SwapOptions, words: &[&str]) {
    let message = match host.swap("box", wasm, options).await {
        Err(error @ SwapError::Aborted { .. }) => error.to_string(),
        other => panic!("not given up: {other:?}"),
    };
    assert!(words.iter().all(|word| message.contains(word)), "{message} lacks one of {words:?}");
    let summary = &host.list().unwrap()[0];
    assert!(summary.handoff.is_none() && summary.progress.is_none());
    host.call(Call::new("box", "tick", vec![])).await.unwrap();
}

/// How many states the store has beside the catalog.
pub(super) fn states(host: &Host) -> u64 {
    host.info().store.states
}
