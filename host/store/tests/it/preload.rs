//! Real system calls fail, or take long, in a real process: `tests/preload/shim.rs` stands between it and libc.
//!
//! The process is this test binary, executed again for [`process_with_faults`] alone. It says on its standard output what it
//! was told; the test then opens the directory without the shim and compares.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use stead_store::{Durability, OpenError, StateId, Store, Writer};

use crate::killed::{WRITERS, check, count_to, made, open, try_open};

const COMMITS: u64 = 25;
const DIRECTORY: &str = "STEAD_PRELOAD_DIRECTORY";
const EIO: i32 = 5;
const ENOSPC: i32 = 28;
/// A fault that stays.
const FOR_EVER: u64 = 1 << 40;

#[test]
fn g02_a_failed_sync_of_a_real_file_poisons_and_loses_nothing_that_was_told() {
    let shim = Shim::build();
    let mut seen = BTreeSet::new();
    for (function, firsts) in [("fdatasync", [1, 2, 5, 11, 23]), ("fsync", [1, 3, 6, 8, 12])] {
        for first in firsts {
            for times in [1, FOR_EVER] {
                seen.extend(shim.run(&format!("{function}:{first}:{times}:{EIO}")));
            }
        }
    }
    for expected in ["open", "unknown", "refused poisoned"] {
        assert!(seen.iter().any(|said| said.starts_with(expected)), "no process said {expected:?}: {seen:?}");
    }
}

#[test]
fn g02_a_failed_write_of_a_real_file_refuses_or_poisons_and_loses_nothing_that_was_told() {
    let shim = Shim::build();
    let mut seen = BTreeSet::new();
    for (errno, function) in [(ENOSPC, "pwrite"), (EIO, "pwrite"), (ENOSPC, "ftruncate")] {
        for first in [1, 3, 4, 5, 6, 9, 14, 30] {
            for times in [1, FOR_EVER] {
                seen.extend(shim.run(&format!("{function}:{first}:{times}:{errno}")));
            }
        }
    }
    for expected in ["open no-space", "refused no-space", "unknown", "refused poisoned"] {
        assert!(seen.iter().any(|said| said.starts_with(expected)), "no process said {expected:?}: {seen:?}");
    }
}

#[test]
fn g02_slow_syncs_of_real_files_only_take_longer() {
    let shim = Shim::build();
    for plan in ["fdatasync:1:1000000:slow3", "fsync:1:1000000:slow5", "pwrite:1:1000000:slow1"] {
        let seen = shim.run(plan);
        assert_eq!(seen, BTreeSet::from(["closed".to_owned()]), "{plan}");
    }
}

/// Library and directory; both go away in the end.
struct Shim {
    directory: tempfile::TempDir,
}

impl Shim {
    fn build() -> Shim {
        let directory = tempfile::tempdir().expect("directory");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/preload/shim.rs");
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let built = Command::new(rustc)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["--edition", "2024", "--crate-type", "cdylib", "-o"])
            .arg(library(directory.path()))
            .arg(source)
            .output()
            .expect("rustc starts");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Shim { directory }
    }

    /// Runs the process over a store of its own, checks what it left, and returns what it said beside what it was told.
    fn run(&self, plan: &str) -> BTreeSet<String> {
        let dir = tempfile::tempdir_in(self.directory.path()).expect("directory");
        let (store, states) = made(dir.path());
        drop(store);
        let done = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", "preload::process_with_faults", "--ignored", "--nocapture", "--test-threads=1"])
            .env(DIRECTORY, dir.path())
            .env("LD_PRELOAD", library(self.directory.path()))
            .env("STEAD_SHIM", plan)
            .stderr(Stdio::inherit())
            .output()
            .expect("the process starts");
        assert!(done.status.success(), "{plan}: {}", done.status);
        let text = String::from_utf8(done.stdout).expect("text");
        // The first one stands behind what libtest says.
        let said: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once("said ")?.1)).collect();

        let (store, _) = open(dir.path(), Writer::Inline);
        for (writer, state) in states.iter().enumerate() {
            let last = |word: &str| {
                let prefix = format!("{word} {writer} ");
                let counts = said.iter().filter_map(|line| line.strip_prefix(&prefix)?.parse::<u64>().ok());
                counts.max().unwrap_or(0)
            };
            let count = check(&store.view(*state).expect("the state"), writer);
            let range = last("told")..=last("told").max(last("accepted"));
            assert!(range.contains(&count), "{plan}: writer {writer} holds {count}, not one of {range:?}");
        }
        assert!(store.verify(&mut |_| {}).expect("verify").is_clean(), "{plan}");
        let is_count = |line: &&&str| line.starts_with("told ") || line.starts_with("accepted ");
        said.iter().filter(|line| !is_count(line)).map(|line| (*line).to_owned()).collect()
    }
}

fn library(directory: &Path) -> PathBuf {
    directory.join("libshim.so")
}

#[test]
#[ignore = "the process that another test gives faults"]
fn process_with_faults() {
    let dir = std::env::var_os(DIRECTORY).expect("another test starts this");
    let store = match try_open(Path::new(&dir), Writer::Thread) {
        Ok((store, _)) => store,
        Err(OpenError::Damaged { what, .. }) => panic!("nothing is damaged: {what}"),
        Err(e) => return say(&format!("open {}", e.kind())),
    };
    let states: Vec<StateId> = store.states().into_iter().filter(|id| *id != StateId::CATALOG).collect();
    assert_eq!(states.len(), WRITERS);
    thread::scope(|scope| {
        for (writer, state) in states.into_iter().enumerate() {
            let store = store.clone();
            scope.spawn(move || write(&store, state, writer));
        }
    });
    match store.close() {
        Ok(()) => say("closed"),
        Err(e) => say(&format!("close {}", e.kind())),
    }
}

/// Commits as long as the store takes commits; after an unknown outcome none may be taken.
fn write(store: &Store, state: StateId, writer: usize) {
    let mut refused = 0;
    let mut count = 1;
    while count <= COMMITS {
        let durability = if count % 3 == 0 { Durability::Buffered } else { Durability::Synced };
        match store.commit_with(vec![count_to(state, writer, count)], durability) {
            Ok(ticket) => {
                say(&format!("accepted {writer} {count}"));
                if ticket.wait().is_err() {
                    say("unknown");
                    let later = store.commit(vec![count_to(state, writer, count + 1)]);
                    assert!(later.is_err(), "a commit was accepted after an unknown outcome");
                    return say(&format!("refused {}", later.expect_err("just seen").kind()));
                }
                say(&format!("told {writer} {count}"));
                count += 1;
            }
            // Nothing of it will be seen: it can be tried again.
            Err(e) => {
                say(&format!("refused {}", e.kind()));
                refused += 1;
                if refused > 3 {
                    return;
                }
            }
        }
    }
}

fn say(what: &str) {
    std::io::stdout().lock().write_all(format!("said {what}\n").as_bytes()).expect("the test listens");
}
