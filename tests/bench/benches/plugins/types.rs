//! What a function of a collection costs a plugin, by the class of its types, beside a typed host function written for it.

use stead_bench::plugins::{runtime, start_with, time};
use stead_bench::report;
use stead_bench::settings::Settings;
use stead_bench::typed::{Class, Typed};

/// Name, class, its name in WIT, and how many operations make a run.
const CLASSES: [(&str, Class, &str, u32); 15] = [
    ("`u64`", Class::U64, "u64", 20_000),
    ("`u8`", Class::U8, "u8", 20_000),
    ("`f64`", Class::F64, "f64", 20_000),
    ("`string` by `string`", Class::String, "string", 20_000),
    ("`list<u8>` of 100 B", Class::BytesSmall, "bytes-small", 20_000),
    ("`list<u8>` of 4 KiB", Class::BytesLarge, "bytes-large", 10_000),
    ("`variant`", Class::Variant, "variant", 20_000),
    ("`enum`", Class::Enum, "enum", 20_000),
    ("`flags`", Class::Flags, "flags", 20_000),
    ("`option<u64>`", Class::Option, "option", 20_000),
    ("`u64` by `tuple<string, u64>`", Class::TupleKeys, "tuple-keys", 20_000),
    ("`record` of 7 fields", Class::Record, "record", 10_000),
    ("`record` with `list<u8>` of 100 B", Class::NestedSmall, "nested-small", 5_000),
    ("`record` with `list<u8>` of 4 KiB", Class::NestedLarge, "nested-large", 1_000),
    ("`list<u64>` of 1000", Class::BigList, "big-list", 2_000),
];

const FUNCTIONS: [&str; 3] = ["set", "get", "scan"];
const RUNS: usize = 7;

pub(crate) fn run(settings: &Settings) {
    report::heading("A function of a map by its types, ns in the plugin; a typed function over a `BTreeMap` beside it");
    report::columns(&["set", "typed", "ratio", "get", "typed", "ratio", "scan, an entry", "typed", "ratio"]);

    let mut typed = Typed::new(stead_test_guests::CLASSES);
    let directory = settings.fresh();
    let runtime = runtime();
    let host = runtime.block_on(start_with(directory.path(), "classes", stead_test_guests::CLASSES));
    for (name, class, case, operations) in CLASSES {
        let mut figures = Vec::new();
        for function in FUNCTIONS {
            // In turns, so that a slow moment of the machine meets both.
            let (mut own, mut other) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..RUNS {
                let each = |nanoseconds: u64| nanoseconds as f64 / f64::from(operations);
                own = own.min(each(runtime.block_on(time(&host, function, case, operations))));
                other = other.min(each(typed.time(function, class, operations)));
            }
            figures.extend([own, other, own / other]);
        }
        report::row(name, &figures);
    }
    runtime.block_on(host.close()).expect("the host closes");
}
