//! `cargo peers`: plugins beside the store alone and bare wasmtime; or only the sections that are named as arguments:
//! `plugins`, `calls`.

mod calls;
mod plugins;

fn main() {
    let sections = [("plugins", plugins::run as fn(&_)), ("calls", calls::run)];
    stead_bench::settings::run_sections(&sections, env!("CARGO_TARGET_TMPDIR"));
}
