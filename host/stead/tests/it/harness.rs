//! A directory of its own for each test, and the binary in it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value as Json;
use tempfile::TempDir;

/// How long anything may take before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A working directory with the example components and room for a data directory.
pub(crate) struct Bench {
    directory: TempDir,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A running `stead serve`.
pub(crate) struct Serving {
    child: Child,
    pub(crate) announced: String,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in [
            ("tally-v1.wasm", stead_examples::TALLY_V1),
            ("tally-v2.wasm", stead_examples::TALLY_V2),
            ("weather-v1.wasm", stead_examples::WEATHER_V1),
            ("weather-v2.wasm", stead_examples::WEATHER_V2),
        ] {
            std::fs::write(directory.path().join(name), bytes).unwrap();
        }
        Self { directory }
    }

    /// With the ballot box deployed as `tally`, version 1.0.0.
    pub(crate) fn with_tally() -> Self {
        let bench = Self::new();
        bench.stead(&["deploy", "tally", "tally-v1.wasm", "--label", "1.0.0"]).succeeds();
        bench
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stead"));
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("STEAD_DATA", "data")
            .args(args)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn stead(&self, args: &[&str]) -> Ran {
        ran(self.command(args))
    }

    pub(crate) fn serve(&self, args: &[&str]) -> Serving {
        let mut all = vec!["serve"];
        all.extend(args);
        Serving::start(self.command(&all))
    }
}

pub(crate) fn ran(mut command: Command) -> Ran {
    let output = command.output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Ran {
    #[track_caller]
    pub(crate) fn succeeds(self) -> String {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self.out
    }

    #[track_caller]
    pub(crate) fn json(self) -> Json {
        serde_json::from_str(&self.succeeds()).unwrap()
    }

    /// It ends with `code`, and each of the texts stands in what it said on standard error.
    #[track_caller]
    pub(crate) fn fails(self, code: i32, texts: &[&str]) {
        assert_eq!(self.code, Some(code), "{self:#?}");
        for text in texts {
            assert!(self.err.contains(text), "{text:?} is missing in {self:#?}");
        }
        assert!(!self.err.contains("panicked"), "{self:#?}");
    }
}

impl Serving {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut announced = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut announced).unwrap();
        if announced.is_empty() {
            let output = child.wait_with_output().unwrap();
            panic!("the host did not start: {}", String::from_utf8_lossy(&output.stderr));
        }
        Self { child, announced }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// The exit code, once it has ended.
    pub(crate) fn ended(mut self) -> Option<i32> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the host did not end");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// All files below a directory with their contents, to see that nothing changed.
pub(crate) fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(next) = left.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.is_file() {
                all.push((path.clone(), std::fs::read(path).unwrap()));
            }
        }
    }
    all.sort();
    all
}
