//! `wasi:keyvalue` at both versions over one store: what it answers, and that the guarantees hold for it.

use stead_runtime::{Call, DeployOptions, Host, Outcome, Reuse, ScanOptions, SwapOptions};
use stead_schema::text::wave;
use stead_schema::{Parts, Type, Value, Verdict};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{KEYVALUE_COMMAND, KEYVALUE_DRAFT, KEYVALUE_DRAFT2, KEYVALUE_SPIN, PLAIN};

use crate::harness::{deploy, open, refused, swap, try_open, with_plugin};

const ALL: [(&str, &[u8]); 3] = [("draft", KEYVALUE_DRAFT), ("draft2", KEYVALUE_DRAFT2), ("spin", KEYVALUE_SPIN)];
const STORE: &str = "wasi:keyvalue/store";

/// A call of `box` with its arguments as WAVE.
fn asked(host: &Host, function: &str, args: &str) -> Call {
    let signature = host.function("box", function).expect("an exported function");
    let types: Vec<Type> = signature.params.into_iter().map(|(_, ty)| ty).collect();
    Call::new("box", function, wave::parse_arguments(args, &types).expect("arguments"))
}

/// What a call answers: its value as WAVE, or `err: ` and its error's text.
async fn run(host: &Host, call: Call) -> String {
    let reply = host.call(call).await.unwrap_or_else(|error| panic!("the call did not end well: {error}"));
    match (reply.outcome, reply.ty) {
        (Outcome::Ok(Some(value)), Some(ty)) => wave::print(&value, &ty),
        (Outcome::Err(Some(Value(Parts::String(error)))), _) => format!("err: {error}"),
        (Outcome::Ok(None), _) => "ok".into(),
        other => panic!("an answer of no kind: {other:?}"),
    }
}

async fn ask(host: &Host, function: &str, args: &str) -> String {
    run(host, asked(host, function, args)).await
}

/// The pages of a bucket, each asked for in a call of its own, with something done in between.
async fn pages(host: &Host, bucket: &str, mut between: impl AsyncFnMut(&[String])) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut cursor = Value(Parts::Option(None));
    loop {
        let call = Call::new("box", "page", vec![Value::string(bucket), cursor]);
        let Outcome::Ok(Some(Value(Parts::Tuple(page)))) = host.call(call).await.expect("a page").outcome else {
            panic!("no page")
        };
        let [Value(Parts::List(keys)), next] = &page[..] else { panic!("no page: {page:?}") };
        let keys: Vec<String> = keys.iter().map(|key| key.as_str().expect("a text").to_owned()).collect();
        between(&keys).await;
        pages.push(keys);
        if *next == Value(Parts::Option(None)) {
            return pages;
        }
        cursor = next.clone();
    }
}

#[tokio::test]
async fn every_function_answers_alike_at_every_version() {
    for (name, wasm) in ALL {
        let (_, host) = with_plugin(wasm).await;
        for (function, args, answer) in [
            ("get", r#""a", "k""#, "none"),
            ("exists", r#""a", "k""#, "false"),
            ("set", r#""a", "k", [1, 2]"#, "ok"),
            ("get", r#""a", "k""#, "some([1, 2])"),
            ("get", r#""b", "k""#, "none"),
            ("get", r#""", "k""#, "none"),
            ("set", r#""a", "k", []"#, "ok"),
            ("get", r#""a", "k""#, "some([])"),
            ("exists", r#""a", "k""#, "true"),
            ("delete", r#""a", "k""#, "ok"),
            ("delete", r#""a", "k""#, "ok"),
            ("exists", r#""a", "k""#, "false"),
            ("set-many", r#""a", [("y", [2]), ("", [1]), ("y", [3])]"#, "ok"),
            (
                "get-many",
                r#""a", ["y", "no", "", "y"]"#,
                r#"[some(("y", [3])), none, some(("", [1])), some(("y", [3]))]"#,
            ),
            ("page", r#""a", none"#, r#"(["", "y"], none)"#),
            ("page", r#""", none"#, "([], none)"),
            ("delete-many", r#""a", ["y", "no", ""]"#, "ok"),
            ("page", r#""a", none"#, "([], none)"),
            ("increment", r#""a", "n", 40"#, r#""40""#),
            ("increment", r#""a", "n", 2"#, r#""42""#),
            ("get", r#""a", "n""#, "some([52, 50])"),
            ("increment", r#""a", "n", 0"#, r#""42""#),
        ] {
            assert_eq!(ask(&host, function, args).await, answer, "{name}: {function}({args})");
        }
    }
}

#[tokio::test]
async fn numbers_are_decimal_text_and_never_wrap() {
    let (_, host) = with_plugin(KEYVALUE_DRAFT2).await;
    let u64_max: Vec<u8> = u64::MAX.to_string().into_bytes();
    for (function, args, answer) in [
        ("increment", r#""b", "n", -3"#.to_owned(), r#""-3""#),
        ("get", r#""b", "n""#.to_owned(), "some([45, 51])"),
        ("increment", r#""b", "n", 9223372036854775807"#.to_owned(), r#""9223372036854775804""#),
        ("increment", r#""b", "n", 4"#.to_owned(), "err: 9223372036854775804 and 4 are more than a s64 holds"),
        (
            "get",
            r#""b", "n""#.to_owned(),
            "some([57, 50, 50, 51, 51, 55, 50, 48, 51, 54, 56, 53, 52, 55, 55, 53, 56, 48, 52])",
        ),
        ("set", r#""b", "text", [104, 105]"#.to_owned(), "ok"),
        (
            "increment",
            r#""b", "text", 1"#.to_owned(),
            "err: the value is no number of type s64 in decimal digits, so it stays as it is",
        ),
        ("set", r#""b", "eight bytes", [1, 0, 0, 0, 0, 0, 0, 0]"#.to_owned(), "ok"),
        (
            "increment",
            r#""b", "eight bytes", 1"#.to_owned(),
            "err: the value is no number of type s64 in decimal digits, so it stays as it is",
        ),
        ("set", format!(r#""b", "large", {u64_max:?}"#), "ok"),
        (
            "increment",
            r#""b", "large", 0"#.to_owned(),
            "err: the value is no number of type s64 in decimal digits, so it stays as it is",
        ),
    ] {
        assert_eq!(ask(&host, function, &args).await, answer, "{function}({args})");
    }
    host.swap("box", KEYVALUE_DRAFT, swap()).await.unwrap();
    assert_eq!(ask(&host, "increment", r#""b", "large", 0"#).await, format!(r#""{}""#, u64::MAX));
    let over = format!("err: {} and 1 are more than a u64 holds", u64::MAX);
    assert_eq!(ask(&host, "increment", r#""b", "large", 1"#).await, over);
    assert_eq!(ask(&host, "increment", r#""b", "n", 1"#).await, r#""9223372036854775805""#);
}

#[tokio::test]
async fn g01_a_crash_at_any_disk_operation_leaves_a_whole_batch_or_nothing() {
    for crash_at in 0.. {
        let disk = SimDisk::new(crash_at);
        let (host, _) = open(&disk).await;
        deploy(&host, "box", KEYVALUE_DRAFT2).await;
        disk.crash_after(crash_at);
        let mut acknowledged = 0;
        for round in 1..=3u8 {
            let entries = format!(r#""a", [("x", [{round}]), ("y", [{round}]), ("z", [{round}])]"#);
            if host.call(asked(&host, "set-many", &entries)).await.is_ok() {
                acknowledged = round;
            }
        }
        let crashed = disk.crashed();
        drop(host);
        let (host, _) = try_open(&disk.restart(crash_at)).await.expect("it opens after a crash");
        let found = ask(&host, "get-many", r#""a", ["x", "y", "z"]"#).await;
        let whole = |round: u8| match round {
            0 => "[none, none, none]".to_owned(),
            _ => format!(r#"[some(("x", [{round}])), some(("y", [{round}])), some(("z", [{round}]))]"#),
        };
        assert!((acknowledged..=3).any(|round| found == whole(round)), "{found}, crash at {crash_at}");
        if !crashed {
            return;
        }
    }
}

#[tokio::test]
async fn g03_an_err_a_trap_and_a_refused_batch_leave_nothing() {
    for (name, wasm) in ALL {
        let (_, host) = with_plugin(wasm).await;
        assert_eq!(ask(&host, "set-and-fail", r#""a", "k""#).await, "err: on purpose", "{name}");
        assert_eq!(ask(&host, "exists", r#""a", "k""#).await, "false", "{name}: an err");
        assert_eq!(refused(host.call(asked(&host, "set-and-trap", r#""a", "k""#)).await), "trapped");
        assert_eq!(ask(&host, "exists", r#""a", "k""#).await, "false", "{name}: a trap");
        let answer = ask(&host, "fill-partly", r#""a""#).await;
        assert!(answer.contains("5000 bytes is too long") && answer.ends_with(", 0)"), "{name}: {answer}");
        for write in [
            asked(&host, "set", r#""a", "k", [1]"#),
            asked(&host, "delete", r#""a", "k""#),
            asked(&host, "increment", r#""a", "k", 1"#),
            asked(&host, "set-many", r#""a", []"#),
            asked(&host, "delete-many", r#""a", ["k"]"#),
        ] {
            assert_eq!(refused(host.call(write.read_only()).await), "trapped", "{name}: a write in a read-only call");
        }
        assert_eq!(run(&host, asked(&host, "page", r#""a", none"#).read_only()).await, "([], none)");
    }
}

#[tokio::test]
async fn g07_every_version_reads_what_every_other_wrote() {
    let (disk, host) = with_plugin(KEYVALUE_DRAFT).await;
    ask(&host, "set", r#""default", "k", [1]"#).await;
    ask(&host, "increment", r#""default", "n", 5"#).await;
    for wasm in [KEYVALUE_DRAFT2, KEYVALUE_SPIN, KEYVALUE_DRAFT] {
        let receipt = host.swap("box", wasm, SwapOptions::default()).await.unwrap();
        let [verdict] = &receipt.verdicts[..] else { panic!("{:?}", receipt.verdicts) };
        assert_eq!((verdict.identity.as_str(), verdict.verdict), (STORE, Verdict::Identical));
        assert_eq!(ask(&host, "get", r#""default", "k""#).await, "some([1])");
        ask(&host, "increment", r#""default", "n", 1"#).await;
    }
    drop(host);
    let (host, _) = open(&disk.restart(3)).await;
    assert_eq!(ask(&host, "increment", r#""default", "n", 0"#).await, r#""8""#);
    let page = host.state("box", &ScanOptions { collection: STORE.into(), ..ScanOptions::default() }).unwrap();
    let (key, value) = (page.collection.key.unwrap(), page.collection.value.unwrap());
    let entries: Vec<String> = page
        .entries
        .iter()
        .map(|entry| {
            format!("{} {}", wave::print(entry.key.as_ref().unwrap(), &key), wave::print(&entry.value, &value))
        })
        .collect();
    assert_eq!(entries, [r#"("default", "k") [1]"#, r#"("default", "n") [56]"#]);
    let inspected = host.inspect(KEYVALUE_DRAFT2).unwrap();
    assert!(inspected.collections.iter().any(|collection| collection.identity == STORE));
}

#[tokio::test]
async fn g07_a_version_without_it_leaves_it_dormant_for_the_next() {
    let (_, host) = with_plugin(KEYVALUE_DRAFT).await;
    ask(&host, "set", r#""default", "k", [1]"#).await;
    host.swap("box", PLAIN, swap()).await.unwrap();
    let dormant = |host: &Host| {
        let shown = host.show("box").unwrap().collections;
        shown.iter().find(|collection| collection.identity == STORE).map(|found| (found.dormant, found.entries))
    };
    assert_eq!(dormant(&host), Some((true, 1)));
    host.swap("box", KEYVALUE_DRAFT2, swap()).await.unwrap();
    assert_eq!(dormant(&host), Some((false, 1)));
    assert_eq!(ask(&host, "get", r#""default", "k""#).await, "some([1])");
    host.swap("box", PLAIN, SwapOptions { drop: vec![STORE.into()], ..swap() }).await.unwrap();
    let error = host.swap("box", KEYVALUE_DRAFT2, swap()).await.unwrap_err().to_string();
    assert!(error.contains(STORE) && error.contains("dropped"), "{error}");
}

#[tokio::test]
async fn g05_equal_contents_have_equal_roots_at_every_version() {
    let mut roots = Vec::new();
    for (_, wasm) in ALL {
        let (_, host) = with_plugin(wasm).await;
        ask(&host, "set", r#""default", "k", [1]"#).await;
        ask(&host, "increment", r#""default", "n", 7"#).await;
        roots.push(host.show("box").unwrap().root);
    }
    roots.dedup();
    assert_eq!(roots.len(), 1, "{roots:?}");
}

#[tokio::test]
async fn g12_an_increment_happens_once_however_often_it_is_asked() {
    let (disk, host) = with_plugin(KEYVALUE_DRAFT2).await;
    let once = |host: &Host| asked(host, "increment", r#""a", "n", 1"#).with_id("ann", 1);
    assert_eq!(run(&host, once(&host)).await, r#""1""#);
    assert_eq!(run(&host, once(&host)).await, r#""1""#);
    drop(host);
    let (host, _) = open(&disk.restart(5)).await;
    assert_eq!(run(&host, once(&host)).await, r#""1""#);
    assert_eq!(ask(&host, "increment", r#""a", "n", 0"#).await, r#""1""#);
}

#[tokio::test]
async fn g13_a_bucket_is_its_plugins_own() {
    let (_, host) = with_plugin(KEYVALUE_DRAFT).await;
    deploy(&host, "other", KEYVALUE_DRAFT).await;
    ask(&host, "set", r#""shared", "k", [1]"#).await;
    let other = Call { plugin: "other".into(), ..asked(&host, "get", r#""shared", "k""#) };
    assert_eq!(run(&host, other).await, "none");
}

#[tokio::test]
async fn g14_names_keys_values_and_handles_have_limits_that_the_guest_is_told() {
    let (host, _) = open(&SimDisk::new(1)).await;
    let mut options = DeployOptions::default();
    options.limits.value_bytes_max = 100;
    options.limits.resources_max = 50;
    options.limits.scan_bytes_max = 250;
    options.limits.scan_entries_max = 5;
    host.deploy("box", KEYVALUE_DRAFT2, options).await.unwrap();
    let (bytes, name) = (|count: usize| format!("{:?}", vec![7u8; count]), "b".repeat(256));
    for (function, args, answer) in [
        ("exists", format!(r#""{name}", "k""#), "false"),
        ("exists", format!(r#""{name}b", "k""#), "err: no-such-store"),
        ("set", format!(r#""b", "{}", []"#, "k".repeat(4_091)), "ok"),
        ("set", format!(r#""b", "{}", []"#, "k".repeat(4_092)), "err: a key of 4092 bytes is too long"),
        ("set", format!(r#""b", "k", {}"#, bytes(98)), "ok"),
        ("set", format!(r#""b", "k", {}"#, bytes(99)), "err: a value of 101 bytes"),
        ("set-many", format!(r#""b", [("l", []), ("k", {})]"#, bytes(101)), "err: a value of 103 bytes"),
        ("exists", r#""b", "l""#.into(), "false"),
        ("get-many", r#""b", ["k", "k"]"#.into(), "[some("),
        ("get-many", r#""b", ["k", "k", "k"]"#.into(), "err: the values have more than 250 bytes"),
        ("get-many", r#""b", ["a", "b", "c", "d", "e", "f"]"#.into(), "err: a batch of 6 is more than 5"),
        ("delete-many", r#""b", ["a", "b", "c", "d", "e", "f"]"#.into(), "err: a batch of 6 is more than 5"),
        ("page", format!(r#""b", some("{}")"#, "k".repeat(5_000)), "err: no page ended at this cursor"),
        ("swap", format!(r#""b", "k", none, {}"#, bytes(99)), "err: a value of 101 bytes"),
        ("hold", "30".into(), "ok"),
        ("hold", "60".into(), "err: the plugin holds 50 handles, which is `resources_max`: drop some"),
        ("hold", "30".into(), "ok"),
    ] {
        let told = ask(&host, function, &args).await;
        assert!(told.starts_with(answer), "{function}: {told} instead of {answer}");
    }
}

#[tokio::test]
async fn pages_hold_every_key_once_over_many_calls_whatever_comes_and_goes() {
    for (name, wasm) in ALL {
        let (host, _) = open(&SimDisk::new(1)).await;
        // Nothing but the cursor goes from one call to the next.
        let options = DeployOptions { reuse: Reuse::PerCall, ..DeployOptions::default() };
        host.deploy("box", wasm, options).await.unwrap();
        ask(&host, "fill", r#""a", 700, 4000"#).await;
        ask(&host, "fill", r#""b", 3, 10"#).await;
        let mut gone: Vec<String> = Vec::new();
        let pages = pages(&host, "a", async |page| {
            let last = page.last().unwrap();
            for key in [&page[0], last] {
                ask(&host, "delete", &format!(r#""a", "{key}""#)).await;
                gone.push(key.clone());
            }
            let new = format!("new-{}", gone.len());
            ask(&host, "set", &format!(r#""a", "{new}", []"#)).await;
        })
        .await;
        assert!(pages.len() >= 3, "{name}: {} pages", pages.len());
        assert!(pages.iter().all(|page| page.iter().map(String::len).sum::<usize>() <= 1 << 20), "{name}");
        let mut listed: Vec<&String> = pages.iter().flatten().filter(|key| !key.starts_with("new")).collect();
        listed.sort_unstable();
        let all: Vec<String> = (0..700).map(|number| format!("{number:0>4000}")).collect();
        assert!(listed.iter().copied().eq(&all), "{name}: {} keys listed", listed.len());
        assert_eq!(ask(&host, "page", r#""b", none"#).await, r#"(["0000000000", "0000000001", "0000000002"], none)"#);
    }
}

#[tokio::test]
async fn pages_hold_every_key_once_within_a_call_that_changes_the_bucket() {
    for (name, wasm) in ALL {
        let (_, host) = with_plugin(wasm).await;
        ask(&host, "fill", r#""a", 25000, 8"#).await;
        let call = Call::new("box", "pages-of-a-moving-bucket", vec![Value::string("a")]);
        let Outcome::Ok(Some(Value(Parts::List(pages)))) = host.call(call).await.unwrap().outcome else { panic!() };
        let mut listed: Vec<String> = Vec::new();
        for page in &pages {
            let Value(Parts::List(keys)) = page else { panic!() };
            assert!(keys.len() <= 10_000, "{name}: a page of {}", keys.len());
            listed
                .extend(keys.iter().filter_map(Value::as_str).filter(|key| !key.starts_with("new")).map(str::to_owned));
        }
        assert!(pages.len() >= 3, "{name}: {} pages", pages.len());
        listed.sort_unstable();
        assert!(
            listed.iter().cloned().eq((0..25_000).map(|number| format!("{number:0>8}"))),
            "{name}: {}",
            listed.len()
        );
    }
}

#[tokio::test]
async fn a_swap_succeeds_only_on_what_its_handle_has_seen() {
    let (_, host) = with_plugin(KEYVALUE_DRAFT2).await;
    for (args, answer) in [
        (r#""a", "k", none, [49]"#, r#"["nothing", "swapped"]"#),
        (r#""a", "k", none, [50]"#, r#"["1", "swapped"]"#),
        (r#""a", "k", some([51]), [52]"#, r#"["2", "failed", "3", "swapped"]"#),
        (r#""a", "k", some([52]), [53]"#, r#"["4", "swapped"]"#),
        (r#""a", "new", some([49]), [50]"#, r#"["nothing", "failed", "1", "swapped"]"#),
    ] {
        assert_eq!(ask(&host, "swap", args).await, answer, "{args}");
    }
    assert_eq!(ask(&host, "get", r#""a", "k""#).await, "some([53])");
    // Handles outlive calls; what other calls did in between counts.
    ask(&host, "watch", r#""a", "k""#).await;
    ask(&host, "set", r#""a", "k", [54]"#).await;
    assert_eq!(ask(&host, "swap-watched", "[55]").await, "false");
    ask(&host, "watch", r#""a", "k""#).await;
    assert_eq!(ask(&host, "swap-watched", "[55]").await, "true");
    assert_eq!(ask(&host, "get", r#""a", "k""#).await, "some([55])");
    ask(&host, "watch", r#""a", "k""#).await;
    ask(&host, "delete", r#""a", "k""#).await;
    assert_eq!(ask(&host, "swap-watched", "[56]").await, "false");
}

#[tokio::test]
async fn a_command_that_was_built_for_other_hosts_runs_as_it_is() {
    for name in ["", "default"] {
        let (host, _) = open(&SimDisk::new(1)).await;
        let mut options = DeployOptions { reuse: Reuse::PerCall, ..DeployOptions::default() };
        options.grants.env.insert("IDENTIFIER".into(), name.into());
        host.deploy("box", KEYVALUE_COMMAND, options).await.unwrap();
        assert_eq!(run(&host, Call::new("box", "run", vec![])).await, "ok");
        let page = host.state("box", &ScanOptions { collection: STORE.into(), ..ScanOptions::default() }).unwrap();
        assert_eq!(page.entries.len(), 2);
        assert_eq!(refused(host.call(Call::new("box", "run", vec![])).await), "trapped", "6 is not 5 any more");
    }
}
