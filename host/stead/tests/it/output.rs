use serde_json::Value as Json;

use crate::harness::Bench;

#[test]
fn json_is_json_everywhere() {
    let bench = Bench::with_tally();
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\"", "--json"]).json();
    for args in [
        &["list", "--json"][..],
        &["show", "tally", "--json"],
        &["history", "tally", "--json"],
        &["state", "tally", "--json"],
        &["state", "tally", "ballots", "--json"],
        &["state", "tally", "ballots", "--schema", "--json"],
        &["inspect", "tally-v1.wasm", "--json"],
        &["verify", "--json"],
        &["checkpoint", "--json"],
    ] {
        bench.stead(args).json();
    }
    let failed = bench.stead(&["show", "absent", "--json"]);
    let error: Json = serde_json::from_str(&failed.err).unwrap();
    assert_eq!(error["error"]["kind"], "unknown-plugin");
}

#[test]
fn people_get_tables_without_colour_in_a_pipe() {
    let bench = Bench::with_tally();
    let list = bench.stead(&["list"]).succeeds();
    assert!(list.starts_with("PLUGIN  ") && list.contains("tally"), "{list:?}");
    assert!(bench.stead(&["list", "--color", "always"]).succeeds().contains('\u{1b}'));
    let inspected = bench.stead(&["inspect", "tally-v1.wasm"]).succeeds();
    assert!(inspected.contains("vote: func(voter: string, choice: string) -> result<u64, string>"), "{inspected}");
    assert!(inspected.contains("acme:tally/ballots@1: map<string, "), "{inspected}");
}

#[test]
fn a_wrong_line_is_json_where_json_is_asked_for() {
    let ran = Bench::new().stead(&["call", "--json"]);
    assert_eq!(ran.code, Some(2));
    let error: serde_json::Value = serde_json::from_str(&ran.err).unwrap();
    assert_eq!(error["error"]["kind"], "usage");
    assert!(error["error"]["message"].as_str().unwrap().contains("<PLUGIN>"), "{error}");
}

#[test]
fn words_in_json_are_kebab_case() {
    let receipt = Bench::with_tally().stead(&["swap", "tally", "tally-v2.wasm", "--json"]).json();
    assert_eq!(receipt["verdicts"][0]["verdict"], "widening");
}
