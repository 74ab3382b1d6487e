//! A guest of Rust that misbehaves, and what it may reach.

use std::net::TcpListener;

use stead_test_guests::HOSTILE;

use super::*;
use crate::engine::DirectoryGrant;

fn hostile() -> Plugin {
    let limits = Limits { memory_bytes_max: 32 << 20, ..Limits::default() };
    Plugin::built(HOSTILE, &Grants::default(), limits)
}

/// The call ends so, says so, leaves no trace, and the plugin serves on.
async fn check(function: &str, arguments: &[Value], kind: TrapKind, contains: &str) {
    let mut plugin = hostile();
    plugin.deadline = Duration::from_secs(5);
    plugin.ok("put", &["before".into(), Value::bytes(b"kept")]).await;
    let trap = plugin.trap(function, arguments).await;
    let text = trap.to_string();
    assert_eq!(trap.kind, kind, "{function}: {text}");
    assert!(text.contains(contains), "{function}: {contains} is not in: {text}");
    assert_eq!(plugin.ok("look-up", &["trace".into()]).await, Some(Value::none()), "{function} left a trace");
    assert_eq!(plugin.ok("len", &[]).await, Some(1u64.into()));
}

#[tokio::test]
async fn g03_g14_every_excess_ends_its_call_only() {
    check("exhaust-memory", &[], TrapKind::Memory, "memory_bytes_max").await;
    check("panic", &["that was it".into()], TrapKind::Guest, "that was it").await;
    check("overflow-counter", &[], TrapKind::Limit, "test:hostile/gauge@1").await;
    check("write-large-value", &[(20u64 << 20).into()], TrapKind::Limit, "value_bytes_max").await;
    check("write-large-value", &[(1u64 << 30).into()], TrapKind::Memory, "memory_bytes_max").await;
    check("write-large-key", &[5000u64.into()], TrapKind::Limit, "test:hostile/entries@1").await;
    check("write-many", &[1000u64.into(), (1u32 << 20).into()], TrapKind::Limit, "transaction_bytes_max").await;
    check("recurse", &[u64::MAX.into()], TrapKind::Guest, "recursion").await;
}

#[tokio::test]
async fn g14_a_call_ends_at_its_deadline_busy_or_asleep() {
    for (function, arguments) in [("spin", vec![]), ("doze", vec![60_000u32.into()])] {
        let mut plugin = hostile();
        plugin.ok("len", &[]).await;
        plugin.deadline = Duration::from_millis(50);
        let started = Instant::now();
        let trap = plugin.trap(function, &arguments).await;
        assert_eq!(trap.kind, TrapKind::Deadline, "{function}: {trap}");
        assert!(started.elapsed() < Duration::from_secs(5), "{function}: {:?}", started.elapsed());
        plugin.deadline = Duration::from_secs(5);
        assert_eq!(plugin.ok("len", &[]).await, Some(0u64.into()), "{function} left a trace");
    }
}

/// The `ok` or `err` that a call ended with.
async fn outcome(plugin: &mut Plugin, function: &str, argument: &str) -> Result<Option<Value>, String> {
    match plugin.call(function, &[argument.into()]).await {
        CallEnd::Returned(value) => Ok(value),
        CallEnd::Failed(value) => Err(value.and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()),
        end => panic!("{function}: {end:?}"),
    }
}

#[tokio::test]
async fn g13_nothing_is_reached_without_a_grant() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let mut plugin = hostile();
    assert!(outcome(&mut plugin, "read-file", "/etc/hostname").await.is_err());
    assert_eq!(outcome(&mut plugin, "environment", "PATH").await, Ok(Some(Value::none())));
    assert!(outcome(&mut plugin, "reach", &address).await.is_err());
}

#[tokio::test]
async fn g13_what_is_granted_is_reached_and_no_more() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("note"), "hello").expect("written");
    std::fs::write(directory.path().parent().expect("a parent").join("stead-outside"), "no").expect("written");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let other = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let grants = Grants {
        env: [("COLOUR".to_owned(), "green".to_owned())].into(),
        directories: vec![DirectoryGrant { host: directory.path().to_owned(), guest: "/data".into(), write: false }],
        addresses: vec![address.parse().expect("an address")],
        ..Grants::default()
    };
    grants.check().expect("the directory is there");
    let mut plugin = Plugin::built(HOSTILE, &grants, Limits::default());
    assert_eq!(outcome(&mut plugin, "read-file", "/data/note").await, Ok(Some("hello".into())));
    assert!(outcome(&mut plugin, "read-file", "/data/../stead-outside").await.is_err());
    assert_eq!(outcome(&mut plugin, "environment", "COLOUR").await, Ok(Some(Value::some("green".into()))));
    assert_eq!(outcome(&mut plugin, "environment", "PATH").await, Ok(Some(Value::none())));
    assert_eq!(outcome(&mut plugin, "reach", &address).await, Ok(None));
    let other = other.local_addr().expect("an address").to_string();
    assert!(outcome(&mut plugin, "reach", &other).await.is_err());
}

#[test]
fn addresses_are_read_and_printed() {
    for text in ["127.0.0.1:5432", "[::1]:80", "10.0.0.1:*", "*:443", "*:*"] {
        let address: crate::engine::AddressGrant = text.parse().expect(text);
        assert_eq!(address.to_string(), text);
    }
    for text in ["", "127.0.0.1", "localhost:80", "1.2.3.4:99999"] {
        assert!(text.parse::<crate::engine::AddressGrant>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn g14_what_crosses_to_the_host_and_what_is_kept_of_standard_error_is_bounded() {
    let limits = Limits { hostcall_bytes_max: 10_000, stderr_tail_bytes_max: 100, ..Limits::default() };
    let mut plugin = Plugin::built(HOSTILE, &Grants::default(), limits);
    plugin.ok("return-large", &[100u64.into()]).await;
    plugin.trap("return-large", &[100_000u64.into()]).await;
    let trap = plugin.trap("panic", &["x".repeat(5_000).into()]).await;
    assert!(!trap.stderr.is_empty() && trap.stderr.len() <= 100, "{} bytes are kept", trap.stderr.len());
}
