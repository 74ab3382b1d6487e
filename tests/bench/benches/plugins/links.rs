//! What a call through a link costs beside a call from outside.

use stead_bench::load;
use stead_bench::plugins::{diamond, runtime, touch, touch_leaf};
use stead_bench::report;
use stead_bench::settings::Settings;

const CALLS: u64 = 20_000;

/// Calls of the link within one call from outside.
const LINKED: u32 = 1_000;

pub(crate) fn run(settings: &Settings) {
    report::heading("A call through a link, which touches no state");
    report::columns(&["ns"]);

    let directory = settings.fresh();
    let runtime = runtime();
    let host = runtime.block_on(diamond(directory.path()));
    let direct = load::nanoseconds(CALLS, |number| runtime.block_on(touch(&host, number)));
    report::row("from outside, one plugin", &[direct]);
    let none = load::nanoseconds(CALLS, |_| runtime.block_on(touch_leaf(&host, 0)));
    report::row("from outside, with four plugins within reach", &[none]);
    let some = load::nanoseconds(CALLS / 100, |_| runtime.block_on(touch_leaf(&host, LINKED)));
    let linked = (some - none) / f64::from(LINKED);
    report::row("through a link", &[linked]);
    runtime.block_on(host.close()).expect("the host closes");

    report::ratio("through a link, in calls from outside", linked / direct, report::Budget::AtMost(2.0));
}
