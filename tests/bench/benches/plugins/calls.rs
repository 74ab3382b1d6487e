//! What the host adds to a call that touches no state.

use stead_bench::load;
use stead_bench::plugins::{Bare, runtime, start, sum};
use stead_bench::report::{self, Budget};
use stead_bench::settings::Settings;

const CALLS: u64 = 20_000;

pub(crate) fn run(settings: &Settings) {
    report::heading("A call that touches no state, resident instance");
    report::columns(&["ns"]);

    let mut bare = Bare::new(stead_test_guests::PLAIN);
    let typed = load::nanoseconds(CALLS, |number| bare.sum(number as u32));
    report::row("wasmtime, typed call", &[typed]);

    let directory = settings.fresh();
    let runtime = runtime();
    let host = runtime.block_on(start(directory.path(), 1));
    let call = |read: bool| load::nanoseconds(CALLS, |number| runtime.block_on(sum(&host, number as u32, read)));
    let (writing, reading) = (call(false), call(true));
    report::row("Stead", &[writing]);
    report::row("Stead, read-only", &[reading]);
    runtime.block_on(host.close()).expect("the host closes");

    report::ratio("microseconds above the typed call", (writing - typed) / 1000.0, Budget::AtMost(1.0));
}
