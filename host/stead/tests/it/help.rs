use crate::harness::Bench;

const COMMANDS: [&str; 22] = [
    "serve",
    "deploy",
    "call",
    "list",
    "show",
    "check",
    "swap",
    "rollback",
    "cancel",
    "record",
    "resume",
    "history",
    "events",
    "state",
    "fork",
    "inspect",
    "verify",
    "repair",
    "checkpoint",
    "key",
    "demo",
    "completions",
];

#[test]
fn every_help_ends_with_examples() {
    let bench = Bench::new();
    for command in COMMANDS {
        let help = bench.stead(&[command, "--help"]).succeeds();
        assert!(help.contains("Examples:\n  ") && help.contains(&format!("stead {command}")), "{help}");
    }
}

#[test]
fn the_main_help_documents_exit_codes() {
    let help = Bench::new().stead(&["--help"]).succeeds();
    for line in ["0  done", "1  the plugin", "2  the command line", "3  the host"] {
        assert!(help.contains(line), "{line:?} is missing in {help}");
    }
}

#[test]
fn wrong_arguments_are_usage_errors() {
    let bench = Bench::new();
    bench.stead(&[]).fails(2, &["Usage"]);
    bench.stead(&["launch"]).fails(2, &["launch"]);
    bench.stead(&["call", "tally"]).fails(2, &["FUNCTION"]);
    bench.stead(&["call", "tally", "vote", "--deadline", "2"]).fails(2, &["`2s`"]);
    bench.stead(&["call", "tally", "vote", "--args-json", "{}"]).fails(2, &["JSON array"]);
    bench.stead(&["list", "--host", "https://example.org:1"]).fails(2, &["plain HTTP"]);
}

#[test]
fn completions_are_scripts() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish"] {
        assert!(bench.stead(&["completions", shell]).succeeds().contains("rollback"));
    }
}
