//! G7: entries of six versions in one map, one log and one cell, each read by every later version as it was written.

use std::collections::BTreeMap;

use stead_runtime::Host;
use stead_schema::{Parts, Value, Verdict};
use stead_store::disk::sim::SimDisk;
use stead_test_guests::{AGES_V1, AGES_V2, AGES_V3, AGES_V4, AGES_V5, AGES_V6};

use crate::harness::{call, keep, open, swap, text, with_plugin};

const AGES: [&[u8]; 6] = [AGES_V1, AGES_V2, AGES_V3, AGES_V4, AGES_V5, AGES_V6];

const PLAIN: &str = "count 7, shade 1.5, colour red, marks b, size large 9, pair (1, -1), note absent, tries 4+5, \
                     outcome Ok(8), label absent, extra absent";

fn words(value: Value) -> String {
    match value.0 {
        Parts::String(text) => text,
        Parts::Option(Some(value)) => words(*value),
        other => panic!("no text: {other:?}"),
    }
}

fn items(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value(Parts::List(items))) => items,
        other => panic!("no list: {other:?}"),
    }
}

async fn look(host: &Host, key: &str) -> String {
    words(call(host, "look", vec![text(key)]).await.expect("a result"))
}

async fn page(host: &Host, function: &str, args: Vec<Value>) -> Vec<(String, String)> {
    let pair = |item| match item {
        Value(Parts::Tuple(pair)) => {
            let [key, item] = <[Value; 2]>::try_from(pair).expect("a pair");
            (words(key), words(item))
        }
        other => panic!("no pair: {other:?}"),
    };
    items(call(host, function, args).await).into_iter().map(pair).collect()
}

/// What was written so far, as its writer showed it.
#[derive(Default)]
struct Written {
    map: BTreeMap<String, String>,
    log: Vec<String>,
}

impl Written {
    async fn put(&mut self, host: &Host, function: &str, key: &str) {
        call(host, function, vec![text(key)]).await;
        let shown = look(host, key).await;
        self.map.insert(key.to_owned(), shown.clone());
        self.log.push(shown);
    }

    /// Every way of reading shows every entry as it was written.
    async fn check(&self, host: &Host, reader: &str) {
        for (key, shown) in &self.map {
            assert_eq!(look(host, key).await, *shown, "{key}, read by {reader}");
        }
        let all: Vec<(String, String)> = self.map.clone().into_iter().collect();
        assert_eq!(page(host, "all", vec![]).await, all, "{reader}");
        assert_eq!(page(host, "all-back", vec![]).await, all.iter().rev().cloned().collect::<Vec<_>>(), "{reader}");
        let inner = &all[1..all.len() - 1];
        let bounds = vec![text(&all[1].0), text(&all[all.len() - 1].0)];
        assert_eq!(page(host, "between", bounds).await, inner, "{reader}");
        let logged: Vec<String> = items(call(host, "logged", vec![]).await).into_iter().map(words).collect();
        assert_eq!(logged, self.log, "{reader}");
        let last = call(host, "last", vec![]).await.map(words);
        assert_eq!(last.as_ref(), self.log.last(), "{reader}");
    }
}

/// Deploys the first version and swaps to each later one, opening the host anew in between; `each` runs under every version.
async fn through_the_ages(written: &mut Written) -> (SimDisk, Host) {
    let (disk, mut host) = with_plugin(AGES_V1).await;
    for (age, wasm) in (1..).zip(AGES) {
        if age > 1 {
            let receipt = host.swap("box", wasm, swap()).await.unwrap();
            assert_eq!(receipt.verdicts.len(), 3);
            for verdict in &receipt.verdicts {
                assert_eq!(verdict.verdict, Verdict::Widening, "{verdict:?}");
            }
            written.check(&host, &format!("age {age}")).await;
        }
        for key in ["full", "plain", "rewritten"] {
            let function = if key == "plain" { "put-plain" } else { "put" };
            written.put(&host, function, &format!("{age} {key}")).await;
        }
        assert_eq!(look(&host, &format!("{age} plain")).await, PLAIN);
        // One entry of each age before is read and written back: it has the newest form now, and shows the same.
        for before in 1..age {
            call(&host, "touch", vec![text(&format!("{before} rewritten"))]).await;
        }
        written.check(&host, &format!("age {age}, after it wrote")).await;
        host.close().await.unwrap();
        host = open(&disk).await.0;
        written.check(&host, &format!("age {age}, opened anew")).await;
    }
    (disk, host)
}

#[tokio::test]
async fn g07_six_versions_read_what_each_before_them_wrote() {
    let mut written = Written::default();
    let (_, host) = through_the_ages(&mut written).await;
    assert_eq!(written.map.len(), 18);
    let expected = "count 250, shade 0.25, colour green, marks a+b, size large 200, pair (200, -100), note 99, \
                    tries 1+255, outcome Err(\"late\"), label absent, extra absent";
    assert_eq!(look(&host, "1 full").await, expected);
    let expected = "count -5, shade 0.7, colour teal, marks b+d, size large 1048576, pair (60001, -30004), \
                    note 1073741824, tries 1099511627776+absent, outcome Err(\"late\"), label written by 6, extra more 2.5";
    assert_eq!(look(&host, "6 full").await, expected);
}

#[tokio::test]
async fn g07_a_rollback_reads_what_both_versions_wrote_where_it_fits() {
    let mut written = Written::default();
    let (disk, host) = with_plugin(AGES_V1).await;
    written.put(&host, "put", "1 full").await;
    for wasm in &AGES[1..5] {
        host.swap("box", wasm, swap()).await.unwrap();
    }
    written.put(&host, "put", "5 full").await;
    host.swap("box", AGES_V6, swap()).await.unwrap();
    written.put(&host, "put-plain", "6 plain").await;
    call(&host, "touch", vec![text("1 full")]).await;
    host.rollback("box", keep()).await.unwrap();
    written.check(&host, "the fifth after a rollback").await;
    written.put(&host, "put", "5 again").await;
    host.close().await.unwrap();
    let (host, _) = open(&disk).await;
    written.check(&host, "the fifth, opened anew").await;
    host.swap("box", AGES_V6, swap()).await.unwrap();
    written.check(&host, "the sixth again").await;
    // What only the sixth can hold keeps it from going back.
    written.put(&host, "put", "6 full").await;
    assert!(host.rollback("box", keep()).await.is_err());
    written.check(&host, "the sixth, which stayed").await;
}
