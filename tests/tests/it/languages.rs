//! The same plugins in Rust, JavaScript and Python: the same calls have the same answers and leave the same state, and a
//! state moves from a version in one language to a version in another.
//!
//! What is not written in Rust is built by `.ci/languages`, which also runs the tests that need it.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use stead_runtime::engine::{Engine, EngineOptions};
use stead_runtime::{Call, DataDir, DeployOptions, Host, HostOptions, Outcome, ScanOptions, limits::EngineLimits};
use stead_schema::text::wave;
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_V1, EVOLVE_V2, KINDS};

use crate::harness::{bump, count_of, deploy, inline, swap, total, version};

/// Where `.ci/languages` puts what it builds.
fn built() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("languages")
}

/// A component that is not written in Rust.
fn component(name: &str) -> Vec<u8> {
    let path = built().join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; `.ci/languages` builds it", path.display()))
}

/// A host whose engine keeps compiled code: the largest of these components take seconds to compile.
async fn host() -> Host {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        let limits = EngineLimits { instances_max: 64, ..EngineLimits::default() };
        Engine::new(EngineOptions { limits, cache: Some(built().join("code")) }).expect("an engine")
    });
    let data = DataDir::Disk(std::sync::Arc::new(SimDisk::new(1)));
    let options = HostOptions { data, engine: ENGINE.clone(), store: inline(), receipt_key: None };
    Host::open(options).await.expect("the host opens").0
}

/// The file with the calls and what is expected of them.
fn transcript() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("languages/kinds.transcript")
}

/// Makes the calls of a transcript, and writes it down as it happened.
async fn happened(wasm: &[u8], transcript: &str) -> String {
    let host = host().await;
    deploy(&host, "box", wasm).await;
    let mut text = String::new();
    let calls = transcript.lines().take_while(|line| !line.starts_with("## "));
    for line in calls.filter(|line| !line.starts_with("= ")) {
        text += &format!("{line}\n");
        if !line.is_empty() && !line.starts_with('#') {
            text += &format!("= {}\n", answer(&host, line).await);
        }
    }
    let details = host.show("box").unwrap();
    text += "## what is kept\n";
    for collection in &details.collections {
        let types = [&collection.key, &collection.value].map(|ty| ty.as_ref().map_or("-".into(), ToString::to_string));
        text += &format!("{}: {:?}, {}, {}\n", collection.identity, collection.kind, types[0], types[1]);
        let scan = ScanOptions { collection: collection.identity.clone(), ..ScanOptions::default() };
        for entry in host.state("box", &scan).unwrap().entries {
            let key = entry.key.map_or(String::new(), |key| wave_of(&key) + ": ");
            text += &format!("  {key}{}\n", wave_of(&entry.value));
        }
    }
    text + &format!("## root\n{}\n", details.root)
}

fn wave_of(value: &stead_schema::Value) -> String {
    // Printing goes by the value alone.
    wave::print(value, &stead_schema::Type::Bool)
}

/// The answer to a call: a value, `err(…)`, or how it ended otherwise.
async fn answer(host: &Host, line: &str) -> String {
    let (function, arguments) = line.split_at(line.find('(').expect("a call"));
    let types: Vec<_> = host.function("box", function).unwrap().params.into_iter().map(|(_, ty)| ty).collect();
    let arguments = wave::parse_arguments(arguments, &types).unwrap_or_else(|error| panic!("{line}: {error}"));
    let value =
        |value: Option<stead_schema::Value>| value.map_or_else(|| "nothing".to_owned(), |value| wave_of(&value));
    match host.call(Call::new("box", function, arguments)).await {
        Ok(reply) => match reply.outcome {
            Outcome::Ok(returned) => value(returned),
            Outcome::Err(failed) => format!("err({})", value(failed)),
        },
        Err(error) => format!("! {}", error.kind()),
    }
}

/// What must happen according to a transcript.
fn check(happened: &str, transcript: &str) {
    let mut call = "";
    for (number, (expected, happened)) in transcript.lines().zip(happened.lines()).enumerate() {
        assert_eq!(happened, expected, "line {} of the transcript, after {call}", number + 1);
        call = expected;
    }
    assert_eq!(happened.lines().count(), transcript.lines().count());
}

fn read_transcript() -> String {
    std::fs::read_to_string(transcript()).expect("the transcript is part of the repository")
}

#[tokio::test]
async fn g05_rust_keeps_every_kind() {
    let expected = read_transcript();
    let happened = happened(KINDS, &expected).await;
    match std::env::var_os("STEAD_BLESS") {
        Some(_) => std::fs::write(transcript(), &happened).unwrap(),
        None => check(&happened, &expected),
    }
}

/// No compiler of JavaScript carries every 64-bit number: componentize-qjs 0.4.5 makes floats of them, componentize-js 0.23.0
/// traps on negative ones. The plugin is held to all else.
#[tokio::test]
#[ignore = "`.ci/languages` builds the component"]
async fn g05_javascript_keeps_every_kind() {
    let whole = read_transcript();
    let paragraphs = whole.split("\n\n").filter(|paragraph| !paragraph.starts_with("# Beyond 2^53"));
    let calls = paragraphs.collect::<Vec<_>>().join("\n\n");
    assert!(calls.len() < whole.len());
    let expected = happened(KINDS, &calls).await;
    check(&happened(&component("kinds-js"), &calls).await, &expected);
}

#[tokio::test]
#[ignore = "`.ci/languages` builds the component"]
async fn g05_python_keeps_every_kind() {
    let expected = read_transcript();
    check(&happened(&component("kinds-py"), &expected).await, &expected);
}

/// From any language to any other: the same answers, and the same state to the last bit.
#[tokio::test]
#[ignore = "`.ci/languages` builds the components"]
async fn g07_a_state_moves_to_the_next_track_from_any_language_to_any_other() {
    let firsts = [EVOLVE_V1.to_vec(), component("evolve-v1-js"), component("evolve-v1-py")];
    let seconds = [EVOLVE_V2.to_vec(), component("evolve-v2-js"), component("evolve-v2-py")];
    let mut roots = Vec::new();
    for first in &firsts {
        for second in &seconds {
            let host = host().await;
            deploy(&host, "box", first).await;
            for key in ["a", "b", "c", "d", "e", "b"] {
                bump(&host, key).await;
            }
            let refused = host.call(Call::new("box", "bump", vec![crate::harness::text("")])).await.unwrap();
            assert!(matches!(refused.outcome, Outcome::Err(_)), "{refused:?}");
            let receipt = host.swap("box", second, swap()).await.unwrap();
            let counts = receipt.migrated.expect("a migration ran").collections;
            assert!(counts.iter().all(|collection| collection.unread == 0), "{counts:?}");
            roots.push((receipt.sealed.and_then(|sealed| sealed.root), receipt.root));
            assert_eq!((count_of(&host, "b").await, total(&host).await), (2, 6));
            assert_eq!((bump(&host, "b").await, version(&host, "box").await.as_str()), (3, "v2"));
            host.rollback("box", crate::harness::discard()).await.unwrap();
            assert_eq!((bump(&host, "b").await, version(&host, "box").await.as_str()), (3, "v1"));
        }
    }
    assert_eq!(roots.len(), 9);
    assert!(roots.iter().all(|root| *root == roots[0] && root.0.is_some() && root.1.is_some()), "{roots:?}");
}

/// An `err` of a migration, and what it wrote before, in every language.
#[tokio::test]
#[ignore = "`.ci/languages` builds the components"]
async fn g08_a_migration_that_refuses_changes_nothing_in_any_language() {
    for second in ["evolve-v2-js", "evolve-v2-py"] {
        let host = host().await;
        let options = DeployOptions { label: Some("refuse".into()), ..DeployOptions::default() };
        host.deploy("box", EVOLVE_V1, options).await.unwrap();
        bump(&host, "a").await;
        let root = host.show("box").unwrap().root;
        let error = host.swap("box", &component(second), swap()).await.unwrap_err().to_string();
        assert!(error.contains("the migration refused: not from refuse"), "{second}: {error}");
        assert_eq!((host.show("box").unwrap().root, version(&host, "box").await.as_str()), (root, "v1"));
    }
}
