//! `cargo stores`: the store beside its peers; or only the sections that are named as arguments: `commits`, `data`,
//! `latency`, `upkeep`.
//!
//! `STEAD_BENCH_SECONDS` is the time of one measurement (2), `STEAD_BENCH_DIR` where the stores lie (the target
//! directory), `STEAD_BENCH_KEYS` how many are loaded (1 000 000).

mod commits;
mod data;
mod latency;
mod upkeep;

fn main() {
    if let Some(contender) = std::env::var_os("STEAD_BENCH_MEMORY_OF") {
        return data::print_memory(&contender.to_string_lossy());
    }
    let sections =
        [("commits", commits::run as fn(&_)), ("data", data::run), ("latency", latency::run), ("upkeep", upkeep::run)];
    stead_bench::settings::run_sections(&sections, env!("CARGO_TARGET_TMPDIR"));
}
