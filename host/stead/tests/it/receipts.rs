use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value as Json, json};

use crate::harness::{Bench, ran};

/// Three hand-offs that are signed: the file of their receipts, and the public key.
fn with_receipts() -> (Bench, String) {
    let bench = Bench::with_tally();
    let public = bench.stead(&["key", "new", "host.key"]).succeeds().trim().to_owned();
    let signed = |args: &[&str]| bench.stead(&[args, &["--receipt-key", "host.key"]].concat());
    signed(&["swap", "tally", "tally-v2.wasm", "--as", "ann"]).succeeds();
    signed(&["rollback", "tally", "--as", "the night job"]).succeeds();
    signed(&["swap", "tally", "tally-v2.wasm"]).succeeds();
    let file = signed(&["history", "tally", "--receipts"]).succeeds();
    std::fs::write(bench.path("receipts"), file).unwrap();
    (bench, public)
}

fn verify(bench: &Bench, rest: &[&str]) -> (Option<i32>, Json) {
    let ran = bench.stead(&[&["verify", "--json", "--receipt"], rest].concat());
    (ran.code, serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:#?}")))
}

fn kinds(answer: &Json) -> Vec<&str> {
    answer["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap()).collect()
}

#[test]
fn g08_receipts_are_checked_on_a_machine_without_the_store() {
    let (bench, public) = with_receipts();
    let elsewhere = Bench::new();
    std::fs::copy(bench.path("receipts"), elsewhere.path("receipts")).unwrap();
    let (code, answer) = verify(&elsewhere, &["receipts", "--key", &public]);
    assert_eq!(code, Some(0), "{answer:#}");
    let receipts = answer["receipts"].as_array().unwrap();
    assert_eq!(receipts.len(), 3);
    assert_eq!((&receipts[0]["asked_by"], &receipts[1]["asked_by"]), (&json!("ann"), &json!("the night job")));
    assert!(receipts[2]["asked_by"].as_str().unwrap().contains('@'), "user@host by itself: {answer:#}");
    assert!(receipts.iter().all(|receipt| receipt["signed"] == json!(true) && receipt["root"].is_string()));
    let head = answer["head"].as_str().unwrap();
    assert_eq!(verify(&elsewhere, &["receipts", "--head", head]).0, Some(0));
    let text = elsewhere.stead(&["verify", "--receipt", "receipts", "--key", &public]).succeeds();
    assert!(text.contains("ok:") && text.contains("the night job") && text.contains(head), "{text}");
    assert!(!elsewhere.data().exists());
    // A key in a file does as well.
    std::fs::write(elsewhere.path("public"), format!("{public}\n")).unwrap();
    assert_eq!(verify(&elsewhere, &["receipts", "--key", "public"]).0, Some(0));
}

#[test]
fn g04_receipts_that_were_tampered_with_are_told_apart() {
    let (bench, public) = with_receipts();
    let whole = std::fs::read_to_string(bench.path("receipts")).unwrap();
    let lines: Vec<&str> = whole.lines().collect();
    let other = bench.stead(&["key", "new", "other.key"]).succeeds().trim().to_owned();
    let found = |lines: &[&str], key: &str| {
        std::fs::write(bench.path("tampered"), lines.join("\n") + "\n").unwrap();
        let (code, answer) = verify(&bench, &["tampered", "--key", key]);
        assert_eq!(code, Some(1), "{answer:#}");
        kinds(&answer).join(" ")
    };
    let unsigned = lines[3].split("\"signatures\"").next().unwrap().to_owned() + "\"signatures\":[]}";
    assert_eq!(found(&lines[..3], &public), "truncated");
    assert_eq!(found(&[lines[0], lines[1], lines[3]], &public), "missing");
    assert_eq!(found(&[lines[0], lines[2], lines[1], lines[3]], &public), "reordered");
    assert_eq!(found(&[lines[0], lines[1], lines[2], &lines[3][..200]], &public), "malformed");
    assert_eq!(found(&[lines[0], lines[1], lines[2], &unsigned], &public), "unsigned");
    assert_eq!(found(&lines, &other), "wrong-key wrong-key wrong-key");
    let (of_first, of_last) = (signature(lines[1]), signature(lines[3]));
    assert_eq!(found(&[lines[0], lines[1], lines[2], &lines[3].replace(&of_last, &of_first)], &public), "forged");
    assert_eq!(found(&["hello"], &public), "no-receipts");
}

/// Whoever restores a copy of a store has two histories of it, each signed with the host's key.
#[test]
fn g04_signed_receipts_of_another_history_of_the_same_store_break_the_chain() {
    let bench = Bench::with_tally();
    let public = bench.stead(&["key", "new", "host.key"]).succeeds().trim().to_owned();
    bench.stead(&["swap", "tally", "tally-v2.wasm", "--receipt-key", "host.key"]).succeeds();
    copy(&bench.data(), &bench.path("copy"));
    let [one, other] = ["data", "copy"].map(|data| {
        let signed = |args: &[&str]| {
            let mut command = bench.command(&[args, &["--receipt-key", "host.key"]].concat());
            command.env("STEAD_DATA", data);
            ran(command).succeeds()
        };
        signed(&["rollback", "tally", "--as", data]);
        signed(&["swap", "tally", "tally-v2.wasm"]);
        let receipts = signed(&["history", "tally", "--receipts"]);
        receipts.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    assert_eq!((one.len(), &one[1]), (4, &other[1]));
    let found = |lines: [&String; 4]| {
        std::fs::write(bench.path("mixed"), lines.map(|line| format!("{line}\n")).concat()).unwrap();
        let (code, answer) = verify(&bench, &["mixed", "--key", &public]);
        assert!(answer["receipts"].as_array().unwrap().iter().all(|receipt| receipt["signed"] == json!(true)));
        (code, kinds(&answer).join(" "))
    };
    assert_eq!(found([&one[0], &one[1], &one[2], &one[3]]), (Some(0), String::new()));
    assert_eq!(found([&one[0], &one[1], &other[2], &one[3]]), (Some(1), "broken".into()));
    assert_eq!(found([&one[0], &one[1], &one[2], &other[3]]), (Some(1), "broken changed".into()));
    assert_eq!(found([&one[0], &one[1], &other[2], &other[3]]), (Some(1), "changed".into()));
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        match path.is_dir() {
            true => copy(&path, &to),
            false => drop(std::fs::copy(&path, &to).unwrap()),
        }
    }
}

fn signature(line: &str) -> String {
    let envelope: Json = serde_json::from_str(line).unwrap();
    envelope["signatures"][0]["sig"].as_str().unwrap().to_owned()
}

#[test]
fn a_key_is_its_owners_alone_and_is_said_what_it_is() {
    let bench = Bench::with_tally();
    let public = bench.stead(&["key", "new", "host.key"]).succeeds();
    assert_eq!(bench.stead(&["key", "show", "host.key"]).succeeds(), public);
    let mode = |mode| std::fs::set_permissions(bench.path("host.key"), std::fs::Permissions::from_mode(mode)).unwrap();
    assert_eq!(std::fs::metadata(bench.path("host.key")).unwrap().permissions().mode() & 0o777, 0o600);
    bench.stead(&["key", "new", "host.key"]).fails(2, &["does not exist yet"]);
    let secret = std::fs::read_to_string(bench.path("host.key")).unwrap();
    let ran = bench.stead(&["verify", "--receipt", "host.key", "--key", secret.trim()]);
    assert!(!ran.err.contains(secret.trim()), "a secret is not repeated: {ran:#?}");
    ran.fails(2, &["secret key"]);
    mode(0o640);
    for args in [&["swap", "tally", "tally-v2.wasm"][..], &["serve"], &["key", "show", "host.key"]] {
        bench.stead(&[args, &["--receipt-key", "host.key"]].concat()).fails(2, &["other users", "chmod 600"]);
    }
    std::fs::write(bench.path("wrong"), &public).unwrap();
    std::fs::set_permissions(bench.path("wrong"), std::fs::Permissions::from_mode(0o600)).unwrap();
    bench.stead(&["list", "--receipt-key", "wrong"]).fails(2, &["public key"]);
    bench.stead(&["list", "--receipt-key", "none"]).fails(2, &["cannot read the key"]);
    bench.stead(&["swap", "tally", "tally-v2.wasm", "--as", "a\nb"]).fails(2, &["name of who asks"]);
}

#[test]
fn a_host_signs_with_its_own_key_and_says_who_came_how() {
    let bench = Bench::with_tally();
    let public = bench.stead(&["key", "new", "host.key"]).succeeds().trim().to_owned();
    let token = "0123456789abcdef0123";
    let args = ["--receipt-key", "host.key", "--listen", "127.0.0.1:0", "--token", token, "--json"];
    let serving = bench.serve(&args);
    let announced: Json = serde_json::from_str(&serving.announced).unwrap();
    let url = format!("http://{}", announced["address"].as_str().unwrap());
    bench.stead(&["swap", "tally", "tally-v2.wasm", "--as", "ann"]).succeeds();
    bench.stead(&["rollback", "tally", "--as", "ann", "--host", &url, "--token", token]).succeeds();
    std::fs::write(bench.path("receipts"), bench.stead(&["history", "tally", "--receipts"]).succeeds()).unwrap();
    let (code, answer) = verify(&bench, &["receipts", "--key", &public]);
    assert_eq!(code, Some(0), "{answer:#}");
    assert_eq!(answer["receipts"][0]["asked_by"], json!("ann (owner)"));
    assert_eq!(answer["receipts"][1]["asked_by"], json!("ann (token)"));
}

#[test]
fn events_are_seen_from_a_second_terminal_as_they_happen() {
    let bench = Bench::with_tally();
    bench.stead(&["events"]).fails(1, &["no host serves"]);
    let _serving = bench.serve(&[]);
    let mut following = bench.command(&["events", "tally", "--follow", "--after", "0", "--json"]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Json>(&lines.next().unwrap().unwrap()).unwrap();
    bench.stead(&["deploy", "other", "tally-v1.wasm"]).succeeds();
    bench.stead(&["swap", "tally", "tally-v2.wasm"]).succeeds();
    for phase in ["negotiating", "draining", "sealing", "awaiting-ready", "committed"] {
        let event = next();
        assert_eq!((&event["event"], &event["phase"]), (&json!("phase"), &json!(phase)), "{event}");
        assert_eq!((&event["plugin"], &event["to"]), (&json!("tally"), &json!(2)), "{event}");
    }
    let event = next();
    assert_eq!((&event["event"], &event["serves"]), (&json!("handed-off"), &json!(2)), "{event}");
    let text = bench.stead(&["events"]).succeeds();
    assert!(text.contains("swap to version 2: draining") && text.contains("deployed, version 1"), "{text}");
    assert_eq!(bench.stead(&["events", "tally", "--json", "--after", "5"]).succeeds().lines().count(), 2);
    bench.stead(&["events", "nobody"]).fails(1, &["nobody"]);
    following.kill().unwrap();
    following.wait().unwrap();
}

#[test]
fn whoever_follows_events_does_not_keep_the_host_from_ending() {
    let bench = Bench::with_tally();
    let serving = bench.serve(&[]);
    let mut following = bench.command(&["events", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let begun = std::time::Instant::now();
    serving.signal(rustix::process::Signal::TERM);
    assert_eq!(serving.ended(), Some(0));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    assert_eq!(following.wait().unwrap().code(), Some(0), "the stream ended as streams do");
}
