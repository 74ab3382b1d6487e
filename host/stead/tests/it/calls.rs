use serde_json::json;

use crate::harness::Bench;

#[test]
fn a_call_prints_its_result_as_wave() {
    let bench = Bench::with_tally();
    assert_eq!(bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\""]).succeeds(), "1\n");
    assert_eq!(bench.stead(&["call", "tally", "vote", "--args-json", "[\"bob\", \"no\"]"]).succeeds(), "2\n");
    let state = bench.stead(&["state", "tally", "ballots"]).succeeds();
    assert!(state.contains("\"ann\"") && state.contains("\"bob\""), "{state}");
}

#[test]
fn an_err_goes_to_standard_error() {
    let bench = Bench::with_tally();
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\""]).succeeds();
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"no\""]).fails(1, &["err(\"ann voted for yes already\")"]);
    assert_eq!(bench.stead(&["call", "tally", "vote", "\"bob\"", "\"no\""]).succeeds(), "2\n");
}

#[test]
fn g12_the_same_id_is_answered_not_run() {
    let bench = Bench::with_tally();
    let call = ["call", "tally", "vote", "\"ann\"", "\"yes\"", "--id", "test:1", "--json"];
    let first = bench.stead(&call).json();
    let second = bench.stead(&call).json();
    assert_eq!((&first["replayed"], &second["replayed"]), (&json!(false), &json!(true)));
    assert_eq!(first["value"], second["value"]);
    bench
        .stead(&["call", "tally", "vote", "\"bob\"", "\"yes\"", "--id", "test:1"])
        .fails(1, &["other arguments", "new sequence number"]);
}

#[test]
fn state_is_paged() {
    let bench = Bench::with_tally();
    for voter in ["\"ann\"", "\"bob\"", "\"cid\""] {
        bench.stead(&["call", "tally", "vote", voter, "\"yes\""]).succeeds();
    }
    let page = bench.stead(&["state", "tally", "ballots", "--limit", "2", "--json"]).json();
    let keys = |page: &serde_json::Value| -> Vec<String> {
        page["entries"].as_array().unwrap().iter().map(|entry| entry["key"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&page), ["ann", "bob"]);
    let next = page["next"].as_str().unwrap();
    let page = bench.stead(&["state", "tally", "ballots", "--from", next, "--json"]).json();
    assert_eq!(keys(&page), ["cid"]);
    let page = bench.stead(&["state", "tally", "ballots", "--back", "--limit", "1", "--json"]).json();
    assert_eq!(keys(&page), ["cid"]);
}

#[test]
fn a_call_whose_time_is_over_is_not_executed() {
    let bench = Bench::with_tally();
    let vote = ["call", "tally", "vote", "\"ann\"", "\"yes\"", "--deadline"];
    bench.stead(&[&vote[..], &["0s"]].concat()).fails(1, &["the deadline passed", "not executed"]);
    assert_eq!(bench.stead(&[&vote[..], &["99999999999999h"]].concat()).succeeds(), "1\n");
}
