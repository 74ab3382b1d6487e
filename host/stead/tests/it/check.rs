use serde_json::{Value as Json, json};

use crate::harness::{Bench, contents};

/// The answer of a check, whatever it says, and its exit code.
#[track_caller]
fn check(bench: &Bench, args: &[&str]) -> (i32, Json) {
    let ran = bench.stead(&[&["check"], args, &["--json"]].concat());
    let answer = serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:#?}"));
    (ran.code.unwrap(), answer)
}

fn vote(bench: &Bench) {
    bench.stead(&["call", "tally", "vote", "\"ann\"", "\"yes\""]).succeeds();
}

#[test]
fn g07_two_components_are_compared_without_a_data_directory() {
    let bench = Bench::new();
    let (code, answer) = check(&bench, &["tally-v1.wasm", "tally-v2.wasm"]);
    assert_eq!((code, &answer["admitted"]), (0, &json!(true)), "{answer:#}");
    let ballots = &answer["collections"][0];
    assert_eq!(ballots["identity"], json!("acme:tally/ballots@1"));
    assert_eq!(ballots["fate"], json!("kept"));
    assert!(ballots["verdict"].is_string() && ballots["reversible"].is_string(), "{ballots:#}");
    assert_eq!(answer["from"], Json::Null);
    assert!(!bench.data().exists());

    let told = bench.stead(&["check", "tally-v1.wasm", "tally-v2.wasm"]).succeeds();
    for part in
        ["widening", "reversible: by value", "added as", "new ", "callers see other functions", "would be admitted"]
    {
        assert!(told.contains(part), "{part:?} is missing in {told}");
    }

    let (code, answer) = check(&bench, &["tally-v1.wasm", "tally-v1.wasm"]);
    assert_eq!((code, &answer["verdict"], &answer["functions"]), (0, &json!("identical"), &json!([])));
}

#[test]
fn g07_a_migration_is_announced_and_a_downgrade_refused() {
    let bench = Bench::new();
    let (code, answer) = check(&bench, &["weather-v1.wasm", "weather-v2.wasm"]);
    assert_eq!((code, &answer["runs_migration"]), (0, &json!(true)), "{answer:#}");
    let fate = |identity: &str| {
        let all = answer["collections"].as_array().unwrap();
        all.iter().find(|collection| collection["identity"] == identity).map(|found| found["fate"].clone())
    };
    assert_eq!(fate("acme:weather/readings@1"), Some(json!("migrated")));
    assert_eq!(fate("acme:weather/readings@2"), Some(json!("new")));

    let (code, answer) = check(&bench, &["weather-v2.wasm", "weather-v1.wasm"]);
    assert_eq!((code, &answer["admitted"]), (1, &json!(false)), "{answer:#}");
    assert!(answer["refusals"][0]["reason"].as_str().unwrap().contains("downgrade"), "{answer:#}");
    let told = bench.stead(&["check", "weather-v2.wasm", "weather-v1.wasm"]);
    assert!(told.out.contains("ahead") && told.out.contains("refused:"), "{told:#?}");
    assert_eq!((told.code, told.err.as_str()), (Some(1), ""));
}

#[test]
fn g07_a_check_against_a_plugin_changes_nothing_and_is_the_same_on_a_running_host() {
    let bench = Bench::with_tally();
    vote(&bench);
    let journal = || contents(&bench.path("data/components"));
    let (before, history) = (journal(), bench.stead(&["history", "tally", "--json"]).json());
    let (code, idle) = check(&bench, &["tally", "tally-v2.wasm"]);
    assert_eq!((code, &idle["from"]["label"]), (0, &json!("1.0.0")), "{idle:#}");
    assert_eq!(idle["collections"][0]["entries"], json!(1), "{idle:#}");
    assert_eq!(journal(), before);

    let serving = bench.serve(&[]);
    let (code, running) = check(&bench, &["tally", "tally-v2.wasm"]);
    assert_eq!((code, &running), (0, &idle));
    drop(serving);
    assert_eq!(bench.stead(&["history", "tally", "--json"]).json(), history);
    let plugin = bench.stead(&["show", "tally", "--json"]).json();
    assert_eq!(plugin["version"]["label"], json!("1.0.0"));
}

#[test]
fn g07_what_a_check_needs_is_named_on_the_same_command_line_as_a_swap_s() {
    let bench = Bench::new();
    let drop = ["--drop", "acme:tally/ballots@1"];
    let (code, answer) = check(&bench, &["tally-v1.wasm", "weather-v1.wasm"]);
    assert_eq!(code, 0, "{answer:#}");
    assert!(answer["collections"].as_array().unwrap().iter().any(|one| one["fate"] == "dormant"), "{answer:#}");
    let gone = answer["functions"].as_array().unwrap();
    assert!(gone.iter().any(|change| change["is"].is_null()), "{answer:#}");
    let (code, answer) = check(&bench, &[&["tally-v1.wasm", "weather-v1.wasm"], &drop[..]].concat());
    assert_eq!(code, 0, "{answer:#}");
    assert!(answer["collections"].as_array().unwrap().iter().any(|one| one["fate"] == "dropped"), "{answer:#}");
    let (code, answer) = check(&bench, &[&["tally-v1.wasm", "tally-v2.wasm"], &drop[..]].concat());
    assert_eq!(code, 1, "{answer:#}");
    assert!(answer["refusals"][0]["reason"].as_str().unwrap().contains("imports it"), "{answer:#}");
}

/// Two components that keep something else under one name and track.
fn with_another_shape() -> Bench {
    let bench = Bench::new();
    for (file, value) in [("one.wasm", "u64"), ("two.wasm", "string")] {
        let get = format!(r#"(export "get" (func (param "key" string) (result (option {value}))))"#);
        let wat = format!(r#"(component (import "acme:kept/texts@1.0.0" (instance {get})))"#);
        std::fs::write(bench.path(file), wat::parse_str(wat).unwrap()).unwrap();
    }
    bench
}

#[test]
fn g07_the_migration_that_is_missing_is_printed_or_written_and_nothing_overwritten() {
    let bench = with_another_shape();
    let (code, answer) = check(&bench, &["one.wasm", "two.wasm"]);
    assert_eq!((code, &answer["verdict"]), (1, &json!("incompatible")), "{answer:#}");
    let skeleton = |side: &str| answer["skeleton"][side].as_str().unwrap().to_owned();
    assert!(
        skeleton("wit").contains("acme:kept@2.0.0") && skeleton("wit").contains("stead:plugin/migrate"),
        "{answer:#}"
    );
    assert!(skeleton("rust").contains("fn migrate"), "{answer:#}");
    let printed = bench.stead(&["check", "one.wasm", "two.wasm"]);
    assert!(printed.out.contains(skeleton("wit").trim_end()) && printed.out.contains(skeleton("rust").trim_end()));

    let write = || bench.stead(&["check", "one.wasm", "two.wasm", "--skeleton", "start/here"]);
    let written = write();
    assert_eq!(written.code, Some(1), "{written:#?}");
    assert!(!written.out.contains("stead:plugin/migrate@"), "{written:#?}");
    let read = |name: &str| std::fs::read_to_string(bench.path("start/here").join(name)).unwrap();
    assert_eq!((read("migration.wit"), read("migrate.rs")), (skeleton("wit"), skeleton("rust")));
    std::fs::write(bench.path("start/here/migrate.rs"), "mine").unwrap();
    std::fs::remove_file(bench.path("start/here/migration.wit")).unwrap();
    write().fails(2, &["nothing was written", "migrate.rs"]);
    assert_eq!(read("migrate.rs"), "mine");
    assert!(!bench.path("start/here/migration.wit").exists());

    let (code, answer) = check(&bench, &["one.wasm", "one.wasm"]);
    assert_eq!((code, &answer["skeleton"]), (0, &Json::Null), "{answer:#}");
}

#[test]
fn g07_a_check_over_http_has_the_options_of_a_swap() {
    let bench = with_another_shape();
    bench.stead(&["deploy", "kept", "one.wasm"]).succeeds();
    let serving = bench.serve(&[]);
    let (code, answer) = check(&bench, &["kept", "two.wasm"]);
    assert_eq!(code, 1, "{answer:#}");
    std::fs::write(bench.path("none.wasm"), wat::parse_str("(component)").unwrap()).unwrap();
    let (code, answer) = check(&bench, &["kept", "none.wasm", "--drop", "acme:kept/texts@1"]);
    assert_eq!((code, &answer["collections"][0]["fate"]), (0, &json!("dropped")), "{answer:#}");
    let (code, answer) = check(&bench, &["kept", "one.wasm", "--state", "acme:kept/absent@1"]);
    assert_eq!(code, 1, "{answer:#}");
    assert_eq!(answer["refusals"][0]["subject"], json!("acme:kept/absent@1"), "{answer:#}");
    drop(serving);
}

#[test]
fn a_check_says_what_it_took_its_first_argument_for() {
    let bench = Bench::with_tally();
    bench
        .stead(&["check", "tali", "tally-v2.wasm"])
        .fails(1, &["`tali`", "taken for a plugin", "does not end in .wasm"]);
    bench.stead(&["check", "tali.wasm", "tally-v2.wasm"]).fails(2, &["cannot read the component", "tali.wasm"]);
    bench.stead(&["check", "tally", "absent.wasm"]).fails(2, &["cannot read the component", "absent.wasm"]);
    bench.stead(&["check", "tally"]).fails(2, &["NEW.wasm"]);
    std::fs::write(bench.path("text.wasm"), "no component").unwrap();
    bench.stead(&["check", "text.wasm", "tally-v2.wasm"]).fails(1, &["not WebAssembly", "text.wasm"]);
    bench.stead(&["check", "tally-v1.wasm", "text.wasm"]).fails(1, &["not WebAssembly", "text.wasm"]);
    let elsewhere = ["check", "tally", "tally-v2.wasm", "--data", "nowhere"];
    bench.stead(&elsewhere).fails(3, &["no data directory", "taken for a plugin"]);
}
