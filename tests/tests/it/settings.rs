//! `wasi:config`: what an operator sets is what the version reads, and nothing else.

use stead_runtime::engine::Settings;
use stead_runtime::{Call, DeployOptions, Host, Outcome, SwapOptions};
use stead_schema::Value;
use stead_schema::text::wave;
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{EVOLVE_V1, SETTINGS};

use crate::harness::{keep, open, returned, with_plugin};

fn settings<const N: usize>(pairs: [(&str, &str); N]) -> Settings {
    Settings(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

/// All that `box` reads, as WAVE.
async fn all(host: &Host) -> String {
    let reply = host.call(Call::new("box", "all", vec![])).await.expect("a reply");
    match (reply.outcome, reply.ty) {
        (Outcome::Ok(Some(value)), Some(ty)) => wave::print(&value, &ty),
        other => panic!("no settings: {other:?}"),
    }
}

async fn get(host: &Host, name: &str) -> Option<Value> {
    returned(host.call(Call::new("box", "get", vec![Value::string(name)])).await)
}

#[tokio::test]
async fn g13_there_are_no_settings_but_those_that_were_given() {
    let (_, host) = with_plugin(SETTINGS).await;
    assert_eq!(all(&host).await, "[]");
    assert_eq!(get(&host, "PATH").await, Some(Value::none()));
    assert!(host.show("box").unwrap().settings.0.is_empty());
    host.call(Call::new("box", "log", vec![Value::string("c"), Value::string("m")])).await.expect("it logs");
}

#[tokio::test]
async fn settings_belong_to_a_version_and_go_on_to_the_next_unless_others_are_given() {
    let disk = SimDisk::new(1);
    let (host, _) = open(&disk).await;
    let given = settings([("mode", "slow"), ("currency", "EUR"), ("empty", "")]);
    let options = DeployOptions { settings: given.clone(), ..DeployOptions::default() };
    host.deploy("box", SETTINGS, options).await.unwrap();
    let first = r#"[("currency", "EUR"), ("empty", ""), ("mode", "slow")]"#;
    assert_eq!(all(&host).await, first);
    assert_eq!(get(&host, "mode").await, Some(Value::string("slow").some()));
    assert_eq!(get(&host, "empty").await, Some(Value::string("").some()));
    assert_eq!(get(&host, "Mode").await, Some(Value::none()));
    assert_eq!(host.show("box").unwrap().settings, given);

    host.swap("box", SETTINGS, SwapOptions::default()).await.unwrap();
    assert_eq!(all(&host).await, first, "a swap that says nothing keeps them");
    let others = Some(settings([("mode", "fast")]));
    host.swap("box", SETTINGS, SwapOptions { settings: others, ..SwapOptions::default() }).await.unwrap();
    assert_eq!(all(&host).await, r#"[("mode", "fast")]"#, "those given replace all");
    drop(host);
    let (host, _) = open(&disk.restart(2)).await;
    assert_eq!(all(&host).await, r#"[("mode", "fast")]"#, "after a restart");
    host.rollback("box", keep()).await.unwrap();
    assert_eq!(all(&host).await, first, "the version before has its own");
}

#[tokio::test]
async fn g14_settings_have_names_and_a_size() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let large = "x".repeat(16 << 10);
    for (given, says) in [(settings([("", "x")]), "no name"), (settings([("n", &large)]), "16385 bytes, at most 16384")]
    {
        let options = DeployOptions { settings: given.clone(), ..DeployOptions::default() };
        let error = host.deploy("box", SETTINGS, options).await.unwrap_err();
        assert_eq!(error.kind(), "settings");
        assert!(error.to_string().contains(says), "{error}");
        if host.list().unwrap().is_empty() {
            host.deploy("kept", EVOLVE_V1, DeployOptions::default()).await.unwrap();
        }
        let options = SwapOptions { settings: Some(given), ..SwapOptions::default() };
        assert_eq!(host.swap("kept", SETTINGS, options).await.unwrap_err().kind(), "settings");
    }
}
