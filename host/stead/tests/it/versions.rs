use serde_json::json;

use crate::harness::Bench;

#[test]
fn g07_a_swap_keeps_the_state_and_is_recorded() {
    let bench = Bench::with_tally();
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\""]).succeeds();
    let receipt = bench.stead(&["swap", "tally", "tally-v2.wasm", "--label", "2.0.0", "--json"]).json();
    assert_eq!(receipt["activated"], json!("successor"));
    let state = bench.stead(&["state", "tally", "ballots", "--json"]).json();
    assert_eq!(state["entries"][0]["key"], json!("ann"));
    let history = bench.stead(&["history", "tally"]).succeeds();
    assert!(history.contains("deploy") && history.contains("version 2 (2.0.0)"), "{history}");
}

#[test]
fn a_rollback_without_a_version_before_is_refused() {
    Bench::with_tally().stead(&["rollback", "tally"]).fails(1, &["no version to go back to"]);
}

#[test]
fn a_rollback_with_nothing_written_goes_back() {
    let bench = Bench::with_tally();
    bench.stead(&["swap", "tally", "tally-v2.wasm", "--label", "2.0.0"]).succeeds();
    bench.stead(&["rollback", "tally"]).succeeds();
    let plugin = bench.stead(&["show", "tally", "--json"]).json();
    assert_eq!(plugin["version"]["label"], json!("1.0.0"));
}
