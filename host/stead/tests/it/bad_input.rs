use std::os::unix::fs::PermissionsExt;

use crate::harness::{Bench, contents, ran};

#[test]
fn text_is_no_component() {
    let bench = Bench::new();
    std::fs::write(bench.path("notes.wasm"), "not wasm at all").unwrap();
    bench.stead(&["deploy", "notes", "notes.wasm"]).fails(1, &["error:", "notes.wasm"]);
    bench.stead(&["inspect", "notes.wasm"]).fails(1, &["error:", "notes.wasm"]);
    assert_eq!(bench.stead(&["list", "--json"]).json(), serde_json::json!([]));
}

#[test]
fn a_core_module_is_no_component() {
    let bench = Bench::new();
    std::fs::write(bench.path("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    bench.stead(&["inspect", "core.wasm"]).fails(1, &["core WebAssembly module", "core.wasm"]);
}

#[test]
fn limits_are_named_and_hold() {
    let bench = Bench::new();
    let deploy = |limit| bench.stead(&["deploy", "tally", "tally-v1.wasm", "--limit", limit]);
    deploy("client-max=1").fails(2, &["no limit `client-max`", "clients-max"]);
    deploy("clients-max=1").succeeds();
    let vote = |voter, id| bench.stead(&["call", "tally", "vote", voter, r#""yes""#, "--id", id]);
    vote(r#""ann""#, "one:1").succeeds();
    vote(r#""bob""#, "two:1").fails(1, &["clients-max"]);
    vote(r#""bob""#, "one:2").succeeds();
}

#[test]
fn a_missing_file_is_named() {
    Bench::new().stead(&["deploy", "tally", "absent.wasm"]).fails(2, &["absent.wasm", "cannot read"]);
}

#[test]
fn a_missing_data_directory_is_not_made_by_reading() {
    let bench = Bench::new();
    bench.stead(&["list"]).fails(3, &["no data directory", "data", "--data"]);
    bench.stead(&["verify"]).fails(3, &["no data directory"]);
    assert!(!bench.data().exists());
}

#[test]
fn a_missing_plugin_is_refused() {
    let bench = Bench::with_tally();
    bench.stead(&["call", "tally2", "vote"]).fails(1, &["no plugin `tally2`", "stead list"]);
    bench.stead(&["show", "tally2"]).fails(1, &["no plugin `tally2`"]);
    bench.stead(&["swap", "tally2", "tally-v2.wasm"]).fails(1, &["no plugin `tally2`"]);
}

#[test]
fn a_name_that_is_taken_points_to_swap() {
    Bench::with_tally().stead(&["deploy", "tally", "tally-v2.wasm"]).fails(1, &["already", "stead swap tally"]);
}

#[test]
fn near_names_are_suggested() {
    let bench = Bench::with_tally();
    bench.stead(&["call", "tally", "voet"]).fails(1, &["no function `voet`", "did you mean `vote`?"]);
    bench.stead(&["state", "tally", "balots"]).fails(1, &["no collection `balots`", "ballots"]);
}

#[test]
fn a_bare_string_is_refused_with_what_to_type() {
    let bench = Bench::with_tally();
    bench
        .stead(&["call", "tally", "vote", "ann", "\"yes\""])
        .fails(2, &["argument 1", "voter: string", "type: '\"ann\"'"]);
    bench.stead(&["call", "tally", "vote", "\"ann\""]).fails(2, &["2 arguments, 1 given", "vote: func("]);
    bench.stead(&["call", "tally", "vote", "--args-json", "[1, 2]"]).fails(2, &["argument 1"]);
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\"", "--id", "web"]).fails(2, &["CLIENT:SEQ"]);
}

#[test]
fn a_locked_directory_is_left_alone() {
    let bench = Bench::with_tally();
    let serving = bench.serve(&[]);
    std::fs::remove_file(bench.data().join("control.sock")).unwrap();
    bench.stead(&["list"]).fails(3, &["in use", "control.sock"]);
    bench.stead(&["serve"]).fails(3, &["in use"]);
    drop(serving);
    bench.stead(&["list"]).succeeds();
}

#[test]
fn a_damaged_format_file_is_reported() {
    let bench = Bench::with_tally();
    let path = bench.data().join("FORMAT");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let before = contents(&bench.data().join("journal"));
    bench.stead(&["list"]).fails(3, &["FORMAT"]);
    assert_eq!(before, contents(&bench.data().join("journal")));
    let verified = bench.stead(&["verify"]);
    assert_eq!(verified.code, Some(3), "{verified:?}");
    assert!(format!("{}{}", verified.out, verified.err).contains("FORMAT"), "{verified:?}");
}

#[test]
fn a_newer_format_is_left_to_a_newer_release() {
    let bench = Bench::with_tally();
    let path = bench.data().join("FORMAT");
    let mut bytes = std::fs::read(&path).unwrap();
    // Magic, then the version as a little-endian u32; a hash of all before at the end.
    let hashed = bytes.len() - 32;
    bytes[8..12].copy_from_slice(&99_u32.to_le_bytes());
    let hash = blake3::hash(&bytes[..hashed]);
    bytes[hashed..].copy_from_slice(hash.as_bytes());
    std::fs::write(&path, &bytes).unwrap();
    bench.stead(&["list"]).fails(3, &["format 99", "newer release"]);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[test]
fn flipped_bytes_are_listed_by_verify() {
    let bench = Bench::with_tally();
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\""]).succeeds();
    bench.stead(&["verify"]).succeeds();
    let component = std::fs::read_dir(bench.data().join("components")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&component).unwrap();
    let place = bytes.len() / 2;
    bytes[place] ^= 0x40;
    std::fs::write(&component, bytes).unwrap();
    let verified = bench.stead(&["verify", "--json"]);
    assert_eq!(verified.code, Some(3), "{verified:?}");
    let answer: serde_json::Value = serde_json::from_str(&verified.out).unwrap();
    assert!(answer["damage"][0]["file"].as_str().unwrap().starts_with("components/"), "{answer}");
}

#[test]
fn a_directory_of_something_else_is_refused() {
    let bench = Bench::new();
    std::fs::create_dir(bench.data()).unwrap();
    std::fs::write(bench.data().join("thesis.txt"), "years of work").unwrap();
    bench.stead(&["deploy", "tally", "tally-v1.wasm"]).fails(3, &["data"]);
    assert_eq!(contents(&bench.data()).len(), 1);
}

#[test]
fn a_read_only_directory_is_refused() {
    let bench = Bench::with_tally();
    let read_only = std::fs::Permissions::from_mode(0o555);
    std::fs::set_permissions(bench.data(), read_only).unwrap();
    if std::fs::write(bench.data().join("probe"), "").is_ok() {
        // The superuser writes anyway.
        std::fs::set_permissions(bench.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
        return;
    }
    bench.stead(&["serve"]).fails(3, &["data"]);
    std::fs::set_permissions(bench.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_closed_pipe_is_no_panic() {
    let bench = Bench::with_tally();
    let mut child = bench
        .command(&["show", "tally"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
}

#[test]
fn an_unreachable_host_is_named() {
    let bench = Bench::new();
    let command = bench.command(&["list", "--host", "http://127.0.0.1:9"]);
    ran(command).fails(3, &["127.0.0.1:9", "stead serve"]);
}

#[test]
fn a_second_host_is_told_who_has_the_directory() {
    let bench = Bench::with_tally();
    let _serving = bench.serve(&[]);
    let second = bench.stead(&["serve"]);
    assert!(!second.err.contains("nothing answers"), "{second:#?}");
    second.fails(3, &["in use by process", "one host serves a data directory"]);
}

#[test]
fn a_file_is_no_data_directory() {
    let bench = Bench::new();
    std::fs::write(bench.path("data"), "notes").unwrap();
    for args in [&["list"][..], &["serve"], &["verify"], &["deploy", "tally", "tally-v1.wasm"]] {
        bench.stead(args).fails(3, &["is no directory, but a file", "--data DIR"]);
    }
}

#[test]
fn a_lost_journal_is_damage() {
    let bench = Bench::with_tally();
    std::fs::remove_dir_all(bench.data().join("journal")).unwrap();
    let before = contents(&bench.data());
    bench.stead(&["list"]).fails(3, &["journal is damaged", "affected: every commit", "stead verify"]);
    assert_eq!(contents(&bench.data()), before);
}

#[test]
fn a_damaged_directory_is_repaired() {
    let bench = Bench::with_tally();
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\""]).succeeds();
    let clean = bench.stead(&["repair"]);
    assert_eq!(clean.code, Some(0), "{clean:?}");
    assert!(clean.out.contains("nothing was changed"), "{clean:?}");
    let path = bench.data().join("FORMAT");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    bench.stead(&["list"]).fails(3, &["FORMAT", "stead repair"]);
    let dry = bench.stead(&["repair", "--dry-run", "--json"]);
    assert_eq!(dry.code, Some(4), "{dry:?}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "a dry run changes nothing");
    let repaired = bench.stead(&["repair"]);
    assert_eq!(repaired.code, Some(4), "{repaired:?}");
    assert!(repaired.out.contains("nothing is lost"), "{repaired:?}");
    bench.stead(&["verify"]).succeeds();
    assert!(bench.stead(&["state", "tally", "ballots"]).succeeds().contains("ann"));
    // A component that is damaged has to be deployed again, and this is said.
    let component = std::fs::read_dir(bench.data().join("components")).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&component, "no component").unwrap();
    let repaired = bench.stead(&["repair"]);
    assert_eq!(repaired.code, Some(5), "{repaired:?}");
    assert!(repaired.out.contains("deploy the same component again"), "{repaired:?}");
}

#[test]
fn g04_damage_is_told_by_plugin_collection_and_key() {
    let bench = Bench::with_tally();
    for voter in b'a'..=b'z' {
        let name = format!("\"{}{}\"", voter as char, "-".repeat(400));
        bench.stead(&["call", "tally", "vote", &name, "\"yes\""]).succeeds();
    }
    bench.stead(&["checkpoint"]).succeeds();
    let pack = std::fs::read_dir(bench.data().join("packs")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&pack).unwrap();
    let last = bytes.windows(5).rposition(|part| part == b"z----").expect("the last voter");
    bytes[last] ^= 1;
    std::fs::write(&pack, &bytes).unwrap();
    let told = ["plugin tally: ", " entries after acme:tally/ballots@1 \""];
    let verified = bench.stead(&["verify"]);
    assert!(verified.code == Some(3) && told.iter().all(|part| verified.out.contains(part)), "{verified:?}");
    let json: serde_json::Value = serde_json::from_str(&bench.stead(&["verify", "--json"]).out).unwrap();
    let entries = &json["damage"][0]["entries"][0];
    assert_eq!(entries["plugin"], "tally");
    assert!(told.iter().all(|part| entries["text"].as_str().unwrap().contains(part)), "{entries}");
    // The journal still has what the pack lost.
    let repaired = bench.stead(&["repair"]);
    assert!(repaired.code == Some(4) && told.iter().all(|part| repaired.out.contains(part)), "{repaired:?}");
    assert!(bench.stead(&["state", "tally", "ballots"]).succeeds().contains("\"z---"));
}

#[test]
fn a_label_is_one_short_line() {
    let bench = Bench::with_tally();
    for label in ["", "a\u{1b}[31m", &"x".repeat(65)] {
        bench.stead(&["swap", "tally", "tally-v2.wasm", "--label", label]).fails(2, &["label", "1 to 64 characters"]);
    }
    assert_eq!(bench.stead(&["show", "tally", "--json"]).json()["version"]["label"], "1.0.0");
}

#[test]
fn commands_wait_for_each_other() {
    let bench = Bench::with_tally();
    let votes: Vec<_> = (0..3)
        .map(|voter| bench.command(&["call", "tally", "vote", &format!("\"{voter}\""), "\"yes\""]).spawn().unwrap())
        .collect();
    for mut vote in votes {
        assert!(vote.wait().unwrap().success());
    }
    assert_eq!(bench.stead(&["state", "tally", "total"]).succeeds(), "3\n");
}
