//! For how long calls are held while a plugin is replaced, by what has to be done for its state; and what stopping,
//! restarting and replaying costs instead.

use stead_bench::hand_off::{CALLERS, Seen, Stock, quantile};
use stead_bench::plugins::runtime;
use stead_bench::replay;
use stead_bench::report::{self, Budget};
use stead_bench::settings::Settings;
use stead_test_guests::{STOCK_MIGRATE, STOCK_UPGRADE, STOCK_V1, STOCK_WIDENING};

/// Hand-offs of each kind. A thousandth is then the longest of all.
const IDENTICAL: usize = 200;
const OTHERS: [&str; 20] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r", "s", "t"];

const SMALL: u64 = 10_000;
const LARGE: u64 = 1_000_000;

/// A kind of hand-off: what it is called, items, and what comes after the first version.
struct Kind {
    name: &'static str,
    items: u64,
    successor: &'static [u8],
    trials: usize,
}

const KINDS: [Kind; 5] = [
    Kind { name: "widening, 10 000 items", items: SMALL, successor: STOCK_WIDENING, trials: 20 },
    Kind { name: "widening, 1 000 000 items", items: LARGE, successor: STOCK_WIDENING, trials: 5 },
    Kind { name: "`migrate`, 10 000 items", items: SMALL, successor: STOCK_MIGRATE, trials: 10 },
    Kind { name: "entry by entry, 10 000 items", items: SMALL, successor: STOCK_UPGRADE, trials: 10 },
    Kind { name: "entry by entry, 1 000 000 items", items: LARGE, successor: STOCK_UPGRADE, trials: 3 },
];

pub(crate) fn run(settings: &Settings) {
    report::heading(&format!("A plugin is replaced while {CALLERS} callers call it; times in µs, memory in MiB"));
    report::columns(&[
        "hand-offs",
        "pause p50",
        "p99",
        "p999",
        "gate closed in",
        "sealed in",
        "ready in",
        "call p50 before",
        "p99",
        "p99 during",
        "slowest",
        "failed",
        "lost",
        "doubled",
        "memory",
    ]);
    let runtime = runtime();
    let mut worst = Vec::new();
    for items in [SMALL, LARGE] {
        let directory = settings.fresh();
        let seen = runtime.block_on(async {
            let stock = Stock::start(directory.path(), STOCK_V1, items).await;
            let other = rebuilt(STOCK_V1);
            let successors: Vec<&[u8]> = [&other[..], STOCK_V1].into_iter().cycle().take(IDENTICAL).collect();
            let seen = stock.swaps(&successors).await;
            stock.close().await;
            seen
        });
        worst.push(row(&format!("identical, {items} items"), &seen));
    }
    for kind in &KINDS {
        let directory = settings.fresh();
        let seen = runtime.block_on(async {
            let stock = Stock::start(directory.path(), STOCK_V1, kind.items).await;
            let mut all: Option<Seen> = None;
            for name in &OTHERS[..kind.trials] {
                let seen = stock.fork(name).await.swaps(&[kind.successor]).await;
                all = Some(match all {
                    Some(all) => all.and(seen),
                    None => seen,
                });
            }
            stock.close().await;
            all
        });
        worst.extend(seen.map(|seen| row(kind.name, &seen)));
    }
    instead(settings, &runtime);
    report::ratio("identical, 1 000 000 items: pause p99 in ms", worst[1] / 1000.0, Budget::AtMost(5.0));
    report::ratio("widening, 1 000 000 items: pause p99 in ms", worst[3] / 1000.0, Budget::AtMost(5.0));
    report::ratio("entry by entry, 1 000 000 items: pause p99 in ms", worst[6] / 1000.0, Budget::AtMost(5.0));
}

/// What people do who have no hand-off.
fn instead(settings: &Settings, runtime: &tokio::runtime::Runtime) {
    for (name, items, wasm) in [
        ("stop, restart, identical, 10 000 items", SMALL, &rebuilt(STOCK_V1)[..]),
        ("stop, restart, identical, 1 000 000 items", LARGE, &rebuilt(STOCK_V1)[..]),
        ("stop, restart, `migrate`, 10 000 items", SMALL, STOCK_MIGRATE),
    ] {
        let directory = settings.fresh();
        let seen = runtime.block_on(async {
            let stock = Stock::start(directory.path(), STOCK_V1, items).await;
            let seen = stock.restart(wasm).await;
            stock.close().await;
            seen
        });
        row(name, &seen);
    }
    for (name, calls) in [("replay of 10 000 calls", SMALL), ("replay of 1 000 000 calls", LARGE)] {
        let took = replay::replay(STOCK_V1, calls).as_secs_f64() * 1e6;
        report::row(name, &[&[1.0, took, took, took][..], &[f64::NAN; 11]].concat());
    }
}

/// The same code as another component: a section that nobody reads is added.
fn rebuilt(wasm: &[u8]) -> Vec<u8> {
    [wasm, &[0, 6, 5, b'a', b'g', b'a', b'i', b'n']].concat()
}

fn row(name: &str, seen: &Seen) -> f64 {
    let pause = |per_mille| quantile(&seen.pauses, per_mille);
    report::row(
        name,
        &[
            seen.pauses.len() as f64,
            pause(500),
            pause(990),
            pause(999),
            quantile(&seen.parts[0], 500),
            quantile(&seen.parts[1], 500),
            quantile(&seen.parts[2], 500),
            quantile(&seen.before, 500),
            quantile(&seen.before, 990),
            quantile(&seen.during, 990),
            quantile(&seen.during, 1000),
            seen.failed as f64,
            seen.lost as f64,
            seen.doubled as f64,
            seen.memory as f64 / f64::from(1 << 20),
        ],
    );
    pause(990)
}
