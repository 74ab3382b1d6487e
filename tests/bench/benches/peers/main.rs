//! `cargo peers`: everything, or only the sections that are named as arguments: `commits`, `plugins`,
//! `calls`, `reads`, `reopen`.
//!
//! `STEAD_BENCH_SECONDS` is the time of one measurement (2), `STEAD_BENCH_DIR` where the stores lie (the target
//! directory).

mod calls;
mod commits;
mod plugins;
mod reads;
mod reopen;

use std::env;
use std::path::PathBuf;
use std::time::Duration;

/// What all sections need to know.
struct Settings {
    time: Duration,
    directory: PathBuf,
}

impl Settings {
    /// A fresh directory, removed when dropped.
    fn fresh(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(&self.directory).expect("a directory for the benchmark")
    }
}

type Section = (&'static str, fn(&Settings));

const SECTIONS: [Section; 5] = [
    ("commits", commits::run),
    ("plugins", plugins::run),
    ("calls", calls::run),
    ("reads", reads::run),
    ("reopen", reopen::run),
];

fn main() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let settings = Settings {
        time: Duration::from_secs_f64(number("STEAD_BENCH_SECONDS").unwrap_or(2.0)),
        directory: env::var_os("STEAD_BENCH_DIR").map_or_else(|| env!("CARGO_TARGET_TMPDIR").into(), PathBuf::from),
    };
    let chosen: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    for (name, run) in SECTIONS {
        if chosen.is_empty() || chosen.iter().any(|wanted| wanted == name) {
            run(&settings);
        }
    }
}
