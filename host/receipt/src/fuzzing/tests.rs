//! The readers, over the committed seeds, over what this release writes, and over changed forms of both.

use super::*;

#[path = "../../../../fuzz/mutations.rs"]
#[expect(clippy::print_stderr, reason = "a failing input is named")]
mod mutations;

use crate::{About, Header, PluginName};

type Named = Vec<(String, Vec<u8>)>;

const STORE: &str = "000102030405060708090a0b0c0d0e0f";

fn chain() -> Vec<Envelope> {
    let component = Hash::of(b"a component");
    let version = serde_json::json!({"generation": 1, "label": "1.0.0", "component": component});
    let plugin = || PluginName { id: 4, name: "tally".into() };
    let mut chain: Vec<Envelope> = Vec::new();
    for number in 1..=3 {
        let receipt = serde_json::json!({
            "plugin": "tally", "kind": "rollback", "from": version, "to": version, "activated": "successor",
            "verdicts": [], "sealed": null, "root": component, "pause_us": 1, "held_calls": 0, "at_ms": number,
        });
        let about = About {
            store: STORE.into(),
            plugin: plugin(),
            id: "00".into(),
            with: Vec::new(),
            event: number,
            asked_by: None,
            receipt,
        };
        let statement = Statement::new(about, (number, chain.last().map(Envelope::hash)));
        chain.push(Envelope::seal(statement.to_bytes(), Some(&SecretKey::from_bytes(&[7; 32]))));
    }
    chain
}

fn files() -> Named {
    let chain = chain();
    let plugin = PluginName { id: 4, name: "tally".into() };
    let header = Header::new(STORE.into(), plugin, 3, chain.last().map(Envelope::hash)).to_line();
    let file: String = [header].into_iter().chain(chain.iter().map(Envelope::to_line)).fold(String::new(), line);
    vec![("file".into(), file.into_bytes()), ("alone".into(), chain[0].to_line().into_bytes())]
}

fn line(mut file: String, line: String) -> String {
    file.push_str(&line);
    file.push('\n');
    file
}

fn statements() -> Named {
    let chain = chain();
    let key = SecretKey::from_bytes(&[7; 32]).public().to_string();
    vec![
        ("statement".into(), chain[1].payload.clone()),
        ("key".into(), key.into_bytes()),
        ("hash".into(), chain[1].hash().to_string().into_bytes()),
    ]
}

#[test]
fn g04_hostile_files_of_receipts_are_refused_or_read() {
    mutations::check("receipts", files(), 3_000, receipts);
}

#[test]
fn g04_hostile_statements_are_refused_or_read() {
    mutations::check("statement", statements(), 10_000, statement);
}

/// Run by hand after a format was added: `cargo test -p stead-receipt --lib write_the_seeds -- --ignored`.
#[test]
#[ignore = "writes the seeds of this release beside those of earlier ones"]
fn write_the_seeds() {
    mutations::commit("receipts", files());
    mutations::commit("statement", statements());
}
