//! What all measurements need to know.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of one run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time of one measurement: `STEAD_BENCH_SECONDS`, or two seconds.
    pub time: Duration,
    /// Where the stores lie: `STEAD_BENCH_DIR`, or the target directory.
    pub directory: PathBuf,
}

impl Settings {
    /// The settings, and the sections that are named as arguments.
    pub fn read(directory: &str) -> (Settings, Vec<String>) {
        let seconds = env::var("STEAD_BENCH_SECONDS").ok().and_then(|text| text.parse().ok());
        let settings = Settings {
            time: Duration::from_secs_f64(seconds.unwrap_or(2.0)),
            directory: env::var_os("STEAD_BENCH_DIR").map_or_else(|| directory.into(), PathBuf::from),
        };
        (settings, env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect())
    }

    /// A fresh directory, removed when dropped.
    pub fn fresh(&self) -> tempfile::TempDir {
        tempfile::tempdir_in(&self.directory).expect("a directory for the benchmark")
    }
}

/// A part of a benchmark, with the name by which it is chosen.
pub type Section = (&'static str, fn(&Settings));

/// Runs the sections that were chosen, or all.
pub fn run_sections(sections: &[Section], directory: &str) {
    let (settings, chosen) = Settings::read(directory);
    for (name, run) in sections {
        if chosen.is_empty() || chosen.iter().any(|wanted| wanted == name) {
            run(&settings);
        }
    }
}
