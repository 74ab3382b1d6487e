//! `cargo peers`: plugins beside the store alone and bare wasmtime; or only the sections that are named as arguments:
//! `plugins`, `calls`, `links`, `types`, `handoff`.

mod calls;
mod handoff;
mod links;
mod plugins;
mod types;

fn main() {
    let sections = [
        ("plugins", plugins::run as fn(&_)),
        ("calls", calls::run),
        ("links", links::run),
        ("types", types::run),
        ("handoff", handoff::run),
    ];
    stead_bench::settings::run_sections(&sections, env!("CARGO_TARGET_TMPDIR"));
}
