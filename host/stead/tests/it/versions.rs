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

#[test]
fn a_probation_says_what_would_come_of_a_breach_and_goes_on_from_command_to_command() {
    let bench = Bench::with_tally();
    let swap = ["swap", "tally", "tally-v2.wasm", "--probation", "2calls", "--otherwise", "stop"];
    let told = bench.stead(&swap).succeeds();
    for words in
        ["for 2 calls", "on a breach the version before takes over again", "unless one uses", "calls are stopped"]
    {
        assert!(told.contains(words), "{words:?} is not in: {told}");
    }
    assert!(bench.stead(&["list"]).succeeds().contains("ready, on probation"));
    for voter in ["\"ann\"", "\"ben\""] {
        let plugin = bench.stead(&["show", "tally", "--json"]).json();
        assert_eq!(plugin["probation_report"]["stage"], json!("watching"), "{plugin}");
        bench.stead(&["call", "tally", "vote", voter, "\"yes\""]).succeeds();
    }
    let history = bench.stead(&["history", "tally"]).succeeds();
    assert!(history.contains("probation") && history.contains("passed: 2, 0 `err`, 0 trapped"), "{history}");
    let plugin = bench.stead(&["show", "tally", "--json"]).json();
    assert_eq!(plugin["probation_report"], json!(null));
    bench.stead(&["resume", "tally"]).fails(1, &["is not stopped", "stead show tally"]);
    bench.stead(&["cancel", "tally"]).fails(1, &["no hand-off of tally is under way", "stead history tally"]);
    bench.stead(&["swap", "tally", "tally-v1.wasm", "--on-breach", "stop"]).fails(2, &["--probation"]);
    bench.stead(&["swap", "tally", "tally-v1.wasm", "--probation", "often"]).fails(2, &["60s", "1000calls"]);
}

#[test]
fn a_rollback_never_loses_a_write_unsaid() {
    for writes_since in 1..=3 {
        let bench = Bench::new();
        let record = |hour: usize| {
            let at = format!("\"2010-01-01T{hour:02}:00:00\"");
            bench.stead(&["call", "weather", "record-reading", &at, "40", "10166", "38"]).succeeds()
        };
        let readings = |track: u8| {
            let collection = format!("acme:weather/readings@{track}");
            let page = bench.stead(&["state", "weather", &collection, "--json"]).json();
            page["entries"].as_array().unwrap().len()
        };
        bench.stead(&["deploy", "weather", "weather-v1.wasm", "--label", "1.0.0"]).succeeds();
        record(0);
        bench.stead(&["swap", "weather", "weather-v2.wasm", "--label", "2.0.0"]).succeeds();
        for hour in 1..=writes_since {
            record(hour);
        }
        bench.stead(&["rollback", "weather"]).fails(1, &["would lose", "acme:weather/readings@2", "--discard-to"]);
        assert_eq!(readings(2), 1 + writes_since);

        bench.stead(&["rollback", "weather", "--discard-to", "later.jsonl"]).succeeds();
        let saved = std::fs::read_to_string(bench.path("later.jsonl")).unwrap();
        assert!(saved.contains("2010-01-01T01:00:00"), "{saved}");
        for line in saved.lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
        assert_eq!(readings(1), 1);
        bench.stead(&["rollback", "weather", "--discard-to", "later.jsonl"]).fails(2, &["does not exist yet"]);

        // What was given up comes back where there is a place for it again.
        let refused = bench.stead(&["state", "import", "weather", "later.jsonl", "--merge"]);
        refused.fails(1, &["acme:weather/readings@2", "does not keep"]);
        bench.stead(&["swap", "weather", "weather-v2.wasm", "--label", "2.0.1"]).succeeds();
        bench.stead(&["state", "import", "weather", "later.jsonl"]).fails(1, &["--merge"]);
        bench.stead(&["state", "import", "weather", "later.jsonl", "--merge"]).succeeds();
        assert_eq!(readings(2), 1 + writes_since);
        let schema = bench.stead(&["state", "weather", "readings@1", "--schema"]);
        schema.fails(1, &["no collection"]);
        let schema = bench.stead(&["state", "weather", "acme:weather/readings@1", "--schema"]).succeeds();
        assert!(schema.contains("dropped or migrated away with version 2.0.1"), "{schema}");
    }
}

#[test]
fn settings_are_shown_and_stay_until_others_are_given() {
    let bench = Bench::new();
    let deploy = ["deploy", "shop", "tally-v1.wasm", "--config"];
    bench.stead(&[&deploy[..], &["currency"]].concat()).fails(2, &["`currency` is no setting", "NAME=VALUE"]);
    bench.stead(&[&deploy[..], &["currency=EUR", "--config", "query=a=b&c"]].concat()).succeeds();
    let settings = || bench.stead(&["show", "shop", "--json"]).json()["settings"].clone();
    let first = serde_json::json!({ "currency": "EUR", "query": "a=b&c" });
    assert_eq!(settings(), first);
    let shown = bench.stead(&["show", "shop"]).succeeds();
    assert!(shown.contains("config     currency=EUR\n") && shown.contains("query=a=b&c\n"), "{shown}");
    bench.stead(&["swap", "shop", "tally-v1.wasm"]).succeeds();
    assert_eq!(settings(), first);
    let serving = bench.serve(&[]);
    bench.stead(&["swap", "shop", "tally-v1.wasm", "--config", "rows=50 & more"]).succeeds();
    assert_eq!(settings(), serde_json::json!({ "rows": "50 & more" }));
    drop(serving);
}
