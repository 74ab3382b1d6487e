use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use rustix::process::Signal;

use crate::harness::{Bench, Serving, ran};

const TOKEN: &str = "0123456789abcdef0123";

#[test]
fn commands_go_through_a_running_host() {
    let bench = Bench::new();
    let serving = bench.serve(&[]);
    assert!(serving.announced.contains("serving data on data/control.sock"), "{}", serving.announced);
    let mode = std::fs::metadata(bench.data().join("control.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    bench.stead(&["deploy", "tally", "tally-v1.wasm"]).succeeds();
    assert_eq!(bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\""]).succeeds(), "1\n");
    bench.stead(&["call", "tally", "vote", "ann", "\"yes\""]).fails(2, &["type: '\"ann\"'"]);
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"no\""]).fails(1, &["err("]);
    bench.stead(&["swap", "tally", "tally-v2.wasm"]).succeeds();
    for args in
        [&["show", "tally"][..], &["history", "tally"], &["state", "tally", "ballots"], &["verify"], &["checkpoint"]]
    {
        bench.stead(args).succeeds();
    }
}

#[test]
fn ctrl_c_closes_the_store() {
    let bench = Bench::with_tally();
    for signal in [Signal::INT, Signal::TERM] {
        let serving = bench.serve(&[]);
        serving.signal(signal);
        assert_eq!(serving.ended(), Some(0));
        assert!(!bench.data().join("control.sock").exists());
    }
    let serving = bench.serve(&[]);
    assert!(serving.announced.contains("closed cleanly"), "{}", serving.announced);
}

#[test]
fn a_killed_host_leaves_nothing_that_hinders_the_next() {
    let bench = Bench::with_tally();
    let serving = bench.serve(&[]);
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\""]).succeeds();
    serving.signal(Signal::KILL);
    assert_eq!(serving.ended(), None);
    assert!(bench.data().join("control.sock").exists());
    assert!(bench.stead(&["state", "tally", "ballots"]).succeeds().contains("\"ann\""));
    let serving = bench.serve(&[]);
    assert!(serving.announced.contains("1 plugin"), "{}", serving.announced);
}

#[test]
fn tcp_requires_a_token() {
    let bench = Bench::with_tally();
    bench.stead(&["serve", "--listen", "127.0.0.1:0"]).fails(2, &["needs a token", "--token-file"]);
    bench.stead(&["serve", "--listen", "127.0.0.1:0", "--token", "short"]).fails(2, &["shorter than 16"]);
    std::fs::write(bench.path("token"), format!("{TOKEN}\n")).unwrap();
    let serving = bench.serve(&["--listen", "127.0.0.1:0", "--token-file", "token", "--json"]);
    let announced: serde_json::Value = serde_json::from_str(&serving.announced).unwrap();
    let url = format!("http://{}", announced["address"].as_str().unwrap());
    // Elsewhere, without the data directory.
    let elsewhere = Bench::new();
    elsewhere.stead(&["list", "--host", &url]).fails(3, &["a token is required"]);
    elsewhere.stead(&["list", "--host", &url, "--token", "0123456789abcdef0124"]).fails(3, &["token is wrong"]);
    assert!(elsewhere.stead(&["list", "--host", &url, "--token", TOKEN]).succeeds().contains("tally"));
    let mut command = elsewhere.command(&["call", "tally", "vote", "\"ann\"", "\"yes\"", "--host", &url]);
    command.env("STEAD_TOKEN", TOKEN);
    assert_eq!(ran(command).succeeds(), "1\n");
    elsewhere
        .stead(&["rollback", "tally", "--discard-to", "x", "--host", &url, "--token", TOKEN])
        .fails(1, &["Unix socket"]);
}

#[test]
fn the_api_answers_in_its_own_errors() {
    let bench = Bench::with_tally();
    let _serving = bench.serve(&[]);
    let get = |request: &str| ask(&bench, request);
    assert!(get("GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n").contains("\"kind\":\"not-found\""));
    assert!(get("DELETE /v1/plugins HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405"));
    assert!(get("GET /v1/plugins/tally/state/ballots?limt=1 HTTP/1.1\r\nHost: x\r\n\r\n").contains("`limt`"));
    let wave = "(\"ann\", \"yes\")";
    let call = format!(
        "POST /v1/plugins/tally/call/vote HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{wave}",
        wave.len()
    );
    assert!(get(&call).contains("\"wave\":\"1\""));
    let huge = "POST /v1/plugins/tally/call/vote HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n";
    assert!(get(huge).starts_with("HTTP/1.1 413"));
}

#[test]
fn a_call_goes_on_when_its_client_leaves() {
    let bench = Bench::with_tally();
    let _serving = bench.serve(&[]);
    let mut stream = UnixStream::connect(bench.data().join("control.sock")).unwrap();
    let body = "[\"ann\", \"yes\"]";
    write!(
        stream,
        "POST /v1/plugins/tally/call/vote?id=gone:1 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    drop(stream);
    let again = bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\"", "--id", "gone:1"]).succeeds();
    assert_eq!(again, "1\n");
}

#[test]
fn a_second_signal_forces_the_end() {
    let bench = Bench::with_tally();
    let serving: Serving = bench.serve(&[]);
    // A client in the middle of a request keeps the host from ending.
    let mut held = UnixStream::connect(bench.data().join("control.sock")).unwrap();
    held.write_all(b"POST /v1/plugins/tally/call/vote HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n[").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(200));
    serving.signal(Signal::INT);
    std::thread::sleep(std::time::Duration::from_millis(200));
    serving.signal(Signal::INT);
    assert_eq!(serving.ended(), Some(3));
    drop(held);
    bench.stead(&["list"]).succeeds();
}

fn ask(bench: &Bench, request: &str) -> String {
    let mut stream = UnixStream::connect(bench.data().join("control.sock")).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream.set_read_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut part) {
        answer.extend_from_slice(&part[..length]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn an_open_port_without_a_request_is_harmless() {
    let bench = Bench::with_tally();
    let serving = bench.serve(&["--listen", "127.0.0.1:0", "--token", TOKEN, "--json"]);
    let announced: serde_json::Value = serde_json::from_str(&serving.announced).unwrap();
    let _idle = TcpStream::connect(announced["address"].as_str().unwrap()).unwrap();
    bench.stead(&["list"]).succeeds();
    serving.signal(Signal::TERM);
    assert_eq!(serving.ended(), Some(0));
}
