//! Whole plugin calls with one read and one write, durable before they return.

use stead_bench::load::{self, entry};
use stead_bench::plugins::{bump, callers, record, runtime, start};
use stead_bench::report::{self, Budget};
use stead_bench::settings::Settings;
use stead_bench::stores::{Peer as _, Stead};
use stead_store::Options;

const CALLERS: [u64; 3] = [1, 8, 64];
const PLUGINS: u64 = 64;

/// Recorded calls that each plugin keeps: few enough that most of the time the oldest leave.
const RECORDED: u64 = 1_000;

pub(crate) fn run(settings: &Settings) {
    report::heading("Whole plugin calls per second, one read and one write, over 64 plugins, by callers");
    report::columns(&["1", "8", "64"]);

    let raw = CALLERS.map(|writers| {
        let directory = settings.fresh();
        let stead = Stead::create(directory.path(), Options::default());
        load::rate(writers, settings.time, |_, number| stead.commit(&[entry(number)]))
    });
    report::row("the store alone", &raw);

    let runtime = runtime();
    let rates = |recorded: bool| {
        CALLERS.map(|count| {
            let directory = settings.fresh();
            runtime.block_on(async {
                let host = start(directory.path(), PLUGINS).await;
                if recorded {
                    record(&host, PLUGINS, RECORDED).await;
                }
                let rate = callers(&host, count, PLUGINS, settings.time, bump).await;
                host.close().await.expect("the host closes");
                rate
            })
        })
    };
    let (calls, recorded) = (rates(false), rates(true));
    report::row("plugin calls", &calls);
    report::row("plugin calls, each recorded", &recorded);
    report::ratio("64 callers: plugin calls / store alone", calls[2] / raw[2], Budget::AtLeast(0.5));
}
