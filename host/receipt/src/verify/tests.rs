use serde_json::{Value, json};

use super::*;
use crate::key::SecretKey;
use crate::limits::LINE_BYTES_MAX;
use crate::statement::About;

const STORE: &str = "000102030405060708090a0b0c0d0e0f";

fn key(seed: u8) -> SecretKey {
    SecretKey::from_bytes(&[seed; 32])
}

fn plugin() -> PluginName {
    PluginName { id: 4, name: "tally".into() }
}

/// As the runtime writes it, with more than is looked at here.
fn receipt(number: u64) -> Value {
    let version = |generation: u64| {
        let component = Hash::of(&generation.to_be_bytes());
        json!({"generation": generation, "label": null, "component": component, "deployed_at_ms": 1})
    };
    json!({
        "plugin": "tally", "kind": "swap", "from": version(number), "to": version(number + 1),
        "activated": "successor",
        "verdicts": [{"identity": "acme:tally/ballots@1", "verdict": "identical", "differences": []}],
        "migrated": null, "sealed": {"state": 9, "commit": 20, "root": Hash::of(b"sealed")},
        "root": Hash::of(b"begun"), "pause_us": 900, "held_calls": 3, "at_ms": 1_700_000_000_000u64 + number,
    })
}

fn about(number: u64) -> About {
    About {
        store: STORE.into(),
        plugin: plugin(),
        id: format!("{number:032x}"),
        with: vec!["other".into()],
        event: number + 1,
        asked_by: Some("ann@host".into()),
        receipt: receipt(number),
    }
}

fn statement(number: u64, previous: Option<Hash>) -> Statement {
    Statement::new(about(number), (number, previous))
}

/// So many receipts, chained and signed.
fn envelopes(count: u64, key: Option<&SecretKey>) -> Vec<Envelope> {
    let mut all: Vec<Envelope> = Vec::new();
    for number in 1..=count {
        let statement = statement(number, all.last().map(Envelope::hash));
        all.push(Envelope::seal(statement.to_bytes(), key));
    }
    all
}

fn lines(envelopes: &[Envelope]) -> Vec<String> {
    let header = Header::new(STORE.into(), plugin(), envelopes.len() as u64, envelopes.last().map(Envelope::hash));
    [header.to_line()].into_iter().chain(envelopes.iter().map(Envelope::to_line)).collect()
}

fn signed_lines() -> Vec<String> {
    lines(&envelopes(5, Some(&key(7))))
}

fn check(lines: &[String], trust: &Trust) -> Verified {
    let file: String = lines.iter().map(|line| format!("{line}\n")).collect();
    verify(file.as_bytes(), trust).unwrap()
}

fn trust() -> Trust {
    Trust { keys: vec![key(7).public()], head: None }
}

fn kinds(verified: &Verified) -> Vec<&'static str> {
    verified.findings.iter().map(Finding::kind).collect()
}

#[test]
fn a_statement_and_its_envelope_have_these_bytes() {
    let bytes = statement(1, None).to_bytes();
    let golden = "{\"asked_by\":\"ann@host\",\"event\":2,\"format\":1,\"id\":\"00000000000000000000000000000001\",\
        \"number\":1,\"plugin\":{\"id\":4,\"name\":\"tally\"},\"previous\":null,\"receipt\":{\"activated\":\"successor\",\"at_ms\":1700000000001,\"from\":{\"component\":";
    assert!(bytes.starts_with(golden.as_bytes()), "{}", String::from_utf8_lossy(&bytes));
    assert!(
        bytes.ends_with(b"},\"shortened\":false,\"store\":\"000102030405060708090a0b0c0d0e0f\",\"with\":[\"other\"]}")
    );
    let envelope = Envelope::seal(bytes, Some(&key(7)));
    assert_eq!(envelope.hash().to_string(), "655554ac961a1de2ecb1792aa56abf1b5187859321378206fe860d3c667e38e9");
    assert_eq!(
        Hash::of(envelope.to_line().as_bytes()).to_string(),
        "27aef853144477ff7dd180f13c7b0bc1838d4087f3dcf3cf07cdaca9db4dd742"
    );
    let header = lines(std::slice::from_ref(&envelope)).remove(0);
    let head = envelope.hash();
    assert_eq!(
        header,
        format!(
            "{{\"stead-receipts\":1,\"store\":\"{STORE}\",\"plugin\":{{\"id\":4,\"name\":\"tally\"}},\"receipts\":1,\"head\":\"{head}\"}}"
        )
    );
}

#[test]
fn g04_a_whole_file_is_clean_and_says_what_happened() {
    let verified = check(&signed_lines(), &trust());
    assert!(verified.is_clean(), "{:?}", verified.findings);
    assert_eq!(verified.of, Some((STORE.into(), plugin())));
    assert_eq!((verified.receipts.len(), verified.alone), (5, false));
    let second = &verified.receipts[1];
    assert_eq!((second.line, second.number, second.signed, second.taken_over), (3, 2, true, true));
    assert_eq!((second.pause_us, second.held_calls, second.asked_by.as_deref()), (900, 3, Some("ann@host")));
    assert_eq!((second.sealed, second.root), (Some(Hash::of(b"sealed")), Some(Hash::of(b"begun"))));
    assert_eq!(verified.head(), Some(verified.receipts[4].hash));
    let no_key = check(&signed_lines(), &Trust::default());
    assert!(no_key.is_clean() && !no_key.receipts[0].signed, "without a key signatures are not looked at");
    let none = check(&lines(&[]), &trust());
    assert!(none.is_clean() && none.receipts.is_empty());
}

#[test]
fn g04_each_way_of_tampering_is_told_apart() {
    let whole = signed_lines;
    let with = |change: fn(&mut Vec<String>)| {
        let mut changed = whole();
        change(&mut changed);
        kinds(&check(&changed, &trust()))
    };
    assert_eq!(with(|lines| drop(lines.remove(3))), ["missing"]);
    assert_eq!(with(|lines| drop(lines.remove(1))), ["missing"]);
    assert_eq!(with(|lines| drop(lines.pop())), ["truncated"]);
    assert_eq!(with(|lines| lines.truncate(1)), ["truncated"]);
    assert_eq!(with(|lines| lines.swap(2, 3)), ["reordered"]);
    assert_eq!(with(|lines| lines.swap(1, 5)), ["reordered"; 4]);
    assert_eq!(with(|lines| lines.push(lines[2].clone())), ["repeated"]);
    assert_eq!(with(|lines| lines[3].truncate(90)), ["malformed"]);
    assert_eq!(with(|lines| lines.insert(3, "{}".into())), ["malformed"]);
    assert_eq!(with(|lines| lines.insert(3, "x".repeat(LINE_BYTES_MAX + 1))), ["malformed"]);
    assert_eq!(with(|lines| lines.insert(3, String::new())), ["malformed"]);
    assert_eq!(with(|lines| drop(lines.remove(0))), ["no-receipts"]);
    assert_eq!(with(|lines| lines[0] = lines[0].replace("ts\":5", "ts\":4")), ["surplus", "changed"]);
    assert_eq!(with(|lines| lines[0] = lines[0].replace("receipts\":1,", "receipts\":2,")), ["no-receipts"]);
    let all_by = |seed: Option<u8>| lines(&envelopes(5, seed.map(key).as_ref()));
    assert_eq!(kinds(&check(&all_by(Some(8)), &trust())), ["wrong-key"; 5]);
    assert_eq!(kinds(&check(&all_by(None), &trust())), ["unsigned"; 5]);
}

#[test]
fn g04_a_file_that_ends_within_a_line_is_cut_off() {
    let file = signed_lines().join("\n");
    assert!(verify(file.as_bytes(), &trust()).unwrap().is_clean(), "the last line may lack its end");
    let cut = verify(&file.as_bytes()[..file.len() - 9], &trust()).unwrap();
    assert_eq!(cut.findings, [Finding::Truncated { from: 5, receipts: 5 }]);
    let more = format!("{file}\n{{\"payl");
    assert_eq!(kinds(&verify(more.as_bytes(), &trust()).unwrap()), ["malformed"]);
}

/// Changes the statement of one receipt, and leaves its signature or makes another.
fn altered(at: usize, key: Option<&SecretKey>) -> Vec<String> {
    let mut all = envelopes(5, Some(&self::key(7)));
    let mut statement = Statement::read(&all[at].payload).unwrap();
    statement.receipt["pause_us"] = json!(1);
    match key {
        Some(key) => all[at] = Envelope::seal(statement.to_bytes(), Some(key)),
        None => all[at].payload = statement.to_bytes(),
    }
    let mut lines = lines(&all);
    lines[0] = signed_lines().remove(0);
    lines
}

#[test]
fn g04_a_changed_receipt_is_found_by_its_signature_and_by_the_chain() {
    assert_eq!(kinds(&check(&altered(2, None), &trust())), ["forged", "broken"]);
    assert_eq!(kinds(&check(&altered(2, None), &Trust::default())), ["broken"]);
    assert_eq!(kinds(&check(&altered(4, None), &Trust::default())), ["changed"]);
    assert_eq!(kinds(&check(&altered(2, Some(&key(8))), &trust())), ["wrong-key", "broken"]);
    // A forger may name the trusted key; what it did not sign remains forged.
    let mut named = envelopes(1, Some(&key(8)));
    named[0].signatures[0].key = key(7).public().id();
    assert_eq!(kinds(&check(&lines(&named), &trust())), ["forged"]);
}

#[test]
fn g04_what_belongs_elsewhere_is_said_to() {
    let mut foreign = statement(2, Some(envelopes(1, None)[0].hash()));
    foreign.plugin.id = 5;
    let mut lines = signed_lines();
    lines[2] = Envelope::seal(foreign.to_bytes(), Some(&key(7))).to_line();
    assert_eq!(kinds(&check(&lines, &trust())), ["foreign", "missing"]);
    foreign.store = "ff".into();
    lines[2] = Envelope::seal(foreign.to_bytes(), Some(&key(7))).to_line();
    let verified = check(&lines, &trust());
    assert!(verified.findings[0].to_string().contains("another store"), "{:?}", verified.findings);
}

#[test]
fn g04_a_head_from_before_holds_a_later_file_to_it() {
    let all = envelopes(5, Some(&key(7)));
    let known = |at: usize| Trust { head: Some(all[at].hash()), ..trust() };
    assert!(check(&lines(&all), &known(2)).is_clean());
    // Cut off together with its header, a file looks whole by itself.
    assert!(check(&lines(&all[..2]), &trust()).is_clean());
    assert_eq!(kinds(&check(&lines(&all[..2]), &known(2))), ["unknown-head"]);
}

#[test]
fn g04_one_receipt_can_be_checked_by_itself() {
    let all = envelopes(3, Some(&key(7)));
    let alone = verify(all[2].to_line().as_bytes(), &trust()).unwrap();
    assert!(alone.is_clean() && alone.alone);
    assert_eq!(alone.receipts[0].number, 3);
    let two = format!("{}\n{}\n", all[1].to_line(), all[2].to_line());
    assert_eq!(kinds(&verify(two.as_bytes(), &trust()).unwrap()), ["no-receipts"]);
}

#[test]
fn g14_hostile_files_end_in_a_bounded_answer() {
    let cases = [
        (String::new(), "no-receipts"),
        ("hello\n".into(), "no-receipts"),
        ("[".repeat(100_000), "no-receipts"),
        ("{\"stead-receipts\":\"x\"}".into(), "no-receipts"),
        ("\n".repeat(200_000), "no-receipts"),
    ];
    for (text, kind) in cases {
        let verified = verify(text.as_bytes(), &trust()).unwrap();
        assert_eq!(verified.findings[0].kind(), kind, "{:?}", &text[..text.len().min(40)]);
        assert!(verified.findings.len() <= FINDINGS_MAX);
    }
    let lines: Vec<String> = signed_lines().into_iter().take(1).chain(vec!["x".into(); 200_000]).collect();
    let verified = check(&lines, &trust());
    assert_eq!(verified.findings.len(), FINDINGS_MAX);
    assert!(verified.more > 90_000);
}

#[test]
fn a_statement_that_lacks_or_adds_something_is_none() {
    let good = serde_json::to_value(statement(1, None)).unwrap();
    let kind = |change: fn(&mut Value)| {
        let mut changed = good.clone();
        change(&mut changed);
        Statement::read(&crate::canonical::write(&changed)).map(drop).map_err(|error| error.kind())
    };
    assert_eq!(kind(|_| {}), Ok(()));
    assert_eq!(kind(|it| it["receipt"]["later"] = json!([1])), Ok(()), "receipts may say more");
    assert_eq!(kind(|it| it["more"] = json!(1)), Err("fields"));
    assert_eq!(kind(|it| it["format"] = json!(2)), Err("newer-format"));
    assert_eq!(kind(|it| it["number"] = json!(0)), Err("fields"));
    assert_eq!(kind(|it| it["number"] = json!(2)), Err("fields"), "only the first has no predecessor");
    assert_eq!(kind(|it| it["previous"] = json!("00")), Err("fields"));
    assert_eq!(kind(|it| it["receipt"]["pause_us"] = json!(-1)), Err("facts"));
    assert_eq!(kind(|it| it["receipt"]["to"]["component"] = json!("00")), Err("facts"));
    assert_eq!(kind(|it| it["receipt"]["plugin"] = json!("other")), Err("facts"));
    let spaced = serde_json::to_vec_pretty(&good).unwrap();
    assert_eq!(Statement::read(&spaced).unwrap_err().kind(), "json");
}

#[test]
fn g14_a_receipt_that_is_too_long_is_cut_to_a_statement_that_fits() {
    let mut long = receipt(1);
    long["activated"] = json!({"incumbent": {"phase": "sealing", "reason": "x".repeat(3 << 20)}});
    let made = Statement::new(About { asked_by: Some("w".repeat(9_000)), receipt: long, ..about(1) }, (1, None));
    let read = Statement::read(&made.to_bytes()).unwrap();
    assert!(read.is_shortened());
    let line = Envelope::seal(made.to_bytes(), Some(&key(7))).to_line();
    assert!(line.len() < LINE_BYTES_MAX);
    assert!(verify(line.as_bytes(), &trust()).unwrap().is_clean());
    assert!(!Statement::read(&statement(1, None).to_bytes()).unwrap().is_shortened());
}
