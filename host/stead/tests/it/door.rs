//! The operator's door as a user runs it, over a running host and on the idle directory.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Bench, ran};

fn with_votes() -> Bench {
    let bench = Bench::with_tally();
    for voter in ["ann", "bob", "eve"] {
        bench.stead(&["call", "tally", "vote", &format!("\"{voter}\""), "\"yes\""]).succeeds();
    }
    bench
}

#[test]
fn a_state_goes_out_and_in_over_a_running_host_and_without_one() {
    let bench = with_votes();
    let idle = bench.stead(&["state", "export", "tally"]).succeeds();
    let serving = bench.serve(&[]);
    assert_eq!(bench.stead(&["state", "export", "tally"]).succeeds(), idle);
    bench.stead(&["state", "export", "tally", "--to", "tally.jsonl"]).succeeds();
    assert_eq!(std::fs::read_to_string(bench.path("tally.jsonl")).unwrap(), idle);
    bench.stead(&["state", "export", "tally", "--to", "tally.jsonl"]).fails(2, &["there already"]);
    for name in ["copy", "idle"] {
        bench.stead(&["deploy", name, "tally-v1.wasm", "--label", "1.0.0"]).succeeds();
    }
    let imported = bench.stead(&["state", "import", "copy", "tally.jsonl", "--reason", "a copy"]).succeeds();
    assert_eq!(imported, "imported: 4 entries of `tally` in `copy`\n");
    assert_eq!(bench.stead(&["state", "diff", "tally", "copy"]).succeeds(), "equal\n");
    bench.stead(&["state", "import", "copy", "tally.jsonl"]).fails(1, &["ballots@1: 3 entries", "--replace"]);
    assert!(bench.stead(&["history", "copy"]).succeeds().contains("4 entries: a copy"));
    drop(serving);
    bench.stead(&["state", "import", "idle", "tally.jsonl"]).succeeds();
    assert_eq!(bench.stead(&["state", "diff", "./tally.jsonl", "idle"]).succeeds(), "equal\n");
}

#[test]
fn a_large_file_that_is_refused_early_is_answered_while_it_is_sent() {
    let bench = with_votes();
    let _serving = bench.serve(&[]);
    let file = bench.stead(&["state", "export", "tally"]).succeeds();
    let (header, rest) = file.split_once('\n').unwrap();
    let wrong = r#"{"collection":"acme:tally/ballots@1","key":"a","value":7}"#;
    std::fs::write(bench.path("wrong.jsonl"), format!("{header}\n{wrong}\n{}", rest.repeat(20_000))).unwrap();
    bench.stead(&["deploy", "copy", "tally-v1.wasm"]).succeeds();
    let refused = bench.stead(&["state", "import", "copy", "wrong.jsonl"]);
    refused.fails(
        1,
        &["wrong.jsonl, line 2", "expected `record { choice: string, at: u64 }`, found 7", "nothing was changed"],
    );
    std::fs::write(bench.path("short.jsonl"), &file[..file.len() - 30]).unwrap();
    bench.stead(&["state", "import", "copy", "short.jsonl"]).fails(1, &["short.jsonl, line 6", "cut short"]);
    std::fs::write(bench.path("other.txt"), "hello\n").unwrap();
    bench.stead(&["state", "import", "copy", "other.txt"]).fails(1, &["no exported state"]);
    bench.stead(&["state", "import", "copy", "absent.jsonl"]).fails(2, &["cannot read the file", "absent.jsonl"]);
    bench.stead(&["state", "import", "copy", "."]).fails(2, &["cannot read the file"]);
    assert!(bench.stead(&["state", "copy", "ballots"]).err.contains("no entries"));
}

#[test]
fn entries_are_edited_with_a_reason() {
    let bench = with_votes();
    let edit = |args: &[&str]| bench.stead(&[&["state", "edit", "tally"], args].concat());
    for serving in [None, Some(bench.serve(&[]))] {
        let edited = edit(&["total", "41", "--expect", "3", "--reason", "counted by hand"]).succeeds();
        assert_eq!(edited, "acme:tally/total@1\n  was  3\n  is   41\n");
        edit(&["total", "3", "--expect", "40", "--reason", "no"])
            .fails(1, &["holds 41, not 40", "nothing was changed"]);
        edit(&["total", "3", "--reason", "back"]).succeeds();
        drop(serving);
    }
    edit(&["ballots", "\"ann\"", "{choice: \"no\", at: 9}", "--reason", "typo"]).succeeds();
    edit(&["ballots", "\"ann\"", "{choice: 7}", "--reason", "typo"]).fails(2, &["expected", "nothing was changed"]);
    edit(&["ballots", "\"ann\"", "--reason", "typo"]).fails(2, &["the value is missing", "KEY VALUE"]);
    edit(&["total", "1", "2", "--reason", "typo"]).fails(2, &["has no keys"]);
    edit(&["ballots", "\"ann\"", "1"]).fails(2, &["--reason"]);
    edit(&["ballots", "\"ann\"", "--remove", "--reason", "forgotten"]).succeeds();
    edit(&["total", "-5", "--reason", "below zero"]).succeeds();
    let state = bench.stead(&["state", "tally", "ballots"]).succeeds();
    assert!(!state.contains("ann") && state.contains("bob"), "{state}");
    let history = bench.stead(&["history", "tally"]).succeeds();
    assert!(history.contains("acme:tally/ballots@1 \"ann\": forgotten"), "{history}");
    let history = bench.stead(&["history", "tally", "--json"]).json();
    assert_eq!(history[1]["event"]["edited"]["edited"]["reason"], "counted by hand");
}

#[test]
fn differences_set_the_exit_code() {
    let bench = with_votes();
    bench.stead(&["fork", "tally", "trial"]).succeeds();
    bench.stead(&["state", "edit", "trial", "total", "9", "--reason", "to differ"]).succeeds();
    for serving in [None, Some(bench.serve(&[]))] {
        let differ = bench.stead(&["state", "diff", "tally", "trial"]);
        assert_eq!((differ.code, differ.out.as_str()), (Some(1), "~ acme:tally/total@1  3 -> 9\n"));
        let differ = bench.stead(&["state", "diff", "tally", "trial", "--json"]);
        assert_eq!(
            differ.out.lines().last().unwrap(),
            r#"{"end":{"added":0,"removed":0,"changed":1,"collections":0}}"#
        );
        bench.stead(&["state", "diff", "tally", "absent"]).fails(2, &["no plugin `absent`"]);
        bench.stead(&["state", "diff", "./absent.jsonl", "tally"]).fails(2, &["cannot read the file"]);
        drop(serving);
    }
    bench.stead(&["fork", "tally", "trial"]).fails(1, &["there is a plugin `trial` already"]);
    bench.stead(&["fork", "absent", "other"]).fails(1, &["no plugin `absent`"]);
}

#[test]
fn what_the_state_records_is_shown() {
    let bench = with_votes();
    bench.stead(&["swap", "tally", "tally-v2.wasm", "--label", "2.0.0"]).succeeds();
    for serving in [None, Some(bench.serve(&[]))] {
        let schema = bench.stead(&["state", "tally", "ballots", "--schema"]).succeeds();
        let lines: Vec<&str> = schema.lines().collect();
        assert_eq!(lines[0], "acme:tally/ballots@1  map");
        assert_eq!(lines[1], "  3 entries; written by version 2.0.0");
        assert_eq!(lines[2], "  schema  0 map<string, record { choice: string, at: u64 }>");
        assert_eq!(lines[3], "  schema  1 map<string, record { choice: string, at: u64, note: option<string> }>");
        let schema = bench.stead(&["state", "tally", "--schema", "--json"]).json();
        assert_eq!(schema["collections"][0]["schemas"][1]["number"], 1);
        assert_eq!(schema["collections"][2]["writer"], "1.0.0");
        bench.stead(&["state", "tally", "absent", "--schema"]).fails(1, &["no collection `absent`"]);
        drop(serving);
    }
}

#[test]
fn plugins_with_the_names_of_subcommands_are_reached() {
    let bench = Bench::new();
    for name in ["export", "diff"] {
        bench.stead(&["deploy", name, "tally-v1.wasm"]).succeeds();
        bench.stead(&["call", name, "vote", "\"ann\"", "\"yes\""]).succeeds();
        assert!(bench.stead(&["state", "--", name]).succeeds().contains("ballots"));
        assert!(bench.stead(&["state", "--limit", "1", "--", name, "ballots"]).succeeds().contains("ann"));
        assert!(bench.stead(&["state", "export", name]).succeeds().contains("ann"));
    }
    bench.stead(&["state"]).fails(2, &["<PLUGIN>"]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let bench = with_votes();
    let _serving = bench.serve(&[]);
    let mut command = bench.command(&["state", "export", "tally"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn an_interrupted_export_leaves_no_file() {
    let bench = with_votes();
    // A host that answers with a header and then with nothing more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        while request.read_line(&mut line).unwrap() > 2 {
            line.clear();
        }
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n")
            .unwrap();
        stream
    });
    let mut command = bench.command(&["state", "export", "tally", "--to", "out/tally.jsonl", "--host", &url]);
    std::fs::create_dir(bench.path("out")).unwrap();
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let stream = silent.join().unwrap();
    let begin = Instant::now();
    while std::fs::read_dir(bench.path("out")).unwrap().next().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(50));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read_dir(bench.path("out")).unwrap().next().is_none(), "a file was left behind");
    drop(stream);
    // One that breaks off is not taken for a whole one either.
    let broken = ran(bench.command(&["state", "export", "tally", "--to", "out/tally.jsonl", "--host", &url]));
    assert_eq!(broken.code, Some(3), "{broken:#?}");
    assert!(std::fs::read_dir(bench.path("out")).unwrap().next().is_none(), "a file was left behind");
}
