//! The operator's door: states out, in, changed by hand and compared, also without code that runs.

mod crash;
mod damage;
mod diff;
mod edit;
mod merge;
mod transfer;

use std::io::Cursor;

use stead_runtime::{
    Call, Edit, EditChange, EditError, Edited, Host, ImportError, ImportMode, ImportOptions, Imported, Input,
};
use stead_test_guests::KINDS;

use crate::harness::{deploy, returned, text, with_plugin};

/// A plugin's state as lines.
pub(super) async fn export(host: &Host, plugin: &str) -> String {
    let export = host.export(plugin, &[]).await.unwrap_or_else(|error| panic!("{plugin}: {error}"));
    let mut bytes = Vec::new();
    let exported = export.write_to(&mut bytes).unwrap();
    assert_eq!(exported.bytes, bytes.len() as u64);
    String::from_utf8(bytes).unwrap()
}

pub(super) async fn import(host: &Host, plugin: &str, file: &str) -> Result<Imported, ImportError> {
    import_as(host, plugin, file.as_bytes(), ImportMode::Empty).await
}

pub(super) async fn import_as(
    host: &Host,
    plugin: &str,
    file: &[u8],
    mode: ImportMode,
) -> Result<Imported, ImportError> {
    host.import(plugin, Box::new(Cursor::new(file.to_vec())), ImportOptions { mode, reason: None }).await
}

/// The same file with something replaced, and a trailer that fits again.
pub(super) fn resealed(file: &str, from: &str, to: &str) -> String {
    assert!(file.contains(from), "{from} is not in {file}");
    sealed(&file.replacen(from, to, 1))
}

/// Lines with the trailer that fits them in the place of the last one.
pub(super) fn sealed(file: &str) -> String {
    let body: String = file.split_inclusive('\n').filter(|line| !line.starts_with("{\"end\":")).collect();
    let (entries, hash) = (body.lines().count() - 1, blake3::hash(body.as_bytes()));
    format!("{body}{{\"end\":{{\"entries\":{entries},\"blake3\":\"{hash}\"}}}}\n")
}

/// An edit in WAVE.
pub(super) fn edit(collection: &str, key: Option<&str>, value: Option<&str>) -> Edit {
    let wave = |text: &str| Input::Wave(text.into());
    Edit {
        collection: collection.into(),
        key: key.map(wave),
        change: value.map(wave).map_or(EditChange::Remove, EditChange::Set),
        expect: None,
        reason: "a test".into(),
    }
}

pub(super) async fn set(host: &Host, collection: &str, key: Option<&str>, value: &str) -> Result<Edited, EditError> {
    host.edit("box", &edit(collection, key, Some(value))).await
}

pub(super) async fn call_of(host: &Host, plugin: &str, function: &str, args: Vec<stead_schema::Value>) {
    returned(host.call(Call::new(plugin, function, args)).await);
}

pub(super) fn root(host: &Host, plugin: &str) -> String {
    host.show(plugin).unwrap().root
}

/// One value of every type that can be stored.
pub(super) const EVERYTHING: &str = r#"{truth: true, a: 1, b: 2, c: 3, d: 18446744073709551615, e: -1, f: -2, g: -3,
    h: -9223372036854775808, single: 0.1, double: nan, letter: 'ü', text: "line\n\"two\"", bytes: [0, 255, 10],
    words: ["", "x"], maybe: some(none), outcome: err(7), bare: ok, pair: (9, "nine"), colour: blue,
    marks: {late, import}, shape: polygon([{x: -1, y: 2}])}"#;

/// A host with the plugin `box`, in which every kind of collection holds something, and an empty `copy` of it.
pub(super) async fn filled() -> Host {
    let (_, host) = with_plugin(KINDS).await;
    deploy(&host, "copy", KINDS).await;
    for (collection, key, value) in [
        ("strings", Some("\"\""), "\"empty\""),
        ("strings", Some("\"b\""), "\"\\u{0}\""),
        ("strings", Some("\"a\\u{0}b\""), "\"ü\""),
        ("badges", Some("(\"x\", {office: \"o\", rank: -5})"), EVERYTHING),
        ("by-bool", Some("true"), "3"),
        ("by-s64", Some("-9223372036854775808"), "\"least\""),
        ("by-char", Some("'€'"), "-0.0"),
        ("by-char", Some("'z'"), "-inf"),
        ("by-bytes", Some("[0, 255]"), "[1]"),
        ("by-colour", Some("green"), "{verified}"),
        ("note", None, "\"a note\""),
        ("all", None, EVERYTHING),
        ("perhaps", None, "none"),
    ] {
        set(&host, collection, key, value).await.unwrap_or_else(|error| panic!("{collection}: {error}"));
    }
    for line in ["one", "two", "three"] {
        call_of(&host, "box", "lines-append", vec![text(line)]).await;
    }
    call_of(&host, "box", "lines-truncate-before", vec![crate::harness::u64_(1)]).await;
    for delta in [-7, 12] {
        call_of(&host, "box", "gauge-add", vec![stead_schema::Value(stead_schema::Parts::S64(delta))]).await;
    }
    call_of(&host, "box", "meter-add", vec![crate::harness::u64_(5)]).await;
    host
}
