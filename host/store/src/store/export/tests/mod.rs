//! The file's bytes, and files that no store wrote.

mod golden;
mod hostile;

use std::sync::Arc;

use bytes::Bytes;

use super::format::ExportHeader;
use super::verify_export;
use crate::disk::sim::SimDisk;
use crate::store::{Change, Options, Store, View, Writer, WriterEpoch};
use crate::tree::{Node, NodeHash, Tree, Weight};

/// A view of a state with these entries, in a store of its own.
fn view(entries: impl IntoIterator<Item = (Bytes, Bytes)>) -> View {
    let options = Options { segment_bytes: 0, writer: Writer::Inline, ..Options::default() };
    let (store, _) = Store::open(Arc::new(SimDisk::new(1)), options).expect("open");
    let state = store.new_state();
    let writes = entries.into_iter().map(|(key, value)| (key, Some(value))).collect();
    let changes = vec![Change::Create { state }, Change::Write { state, epoch: WriterEpoch::FIRST, writes }];
    store.commit(changes).expect("accepted").wait().expect("durable");
    store.checkpoint().expect("checkpoint");
    store.view(state).expect("just made")
}

fn numbered(numbers: std::ops::Range<u32>) -> impl Iterator<Item = (Bytes, Bytes)> {
    numbers.map(|number| (key(number), value(number)))
}

fn key(number: u32) -> Bytes {
    format!("{number:08}").into()
}

fn value(number: u32) -> Bytes {
    vec![number as u8; 100].into()
}

/// A node with its place in its parent, encoded by hand.
#[derive(Clone)]
struct Made {
    key: Bytes,
    bytes: Vec<u8>,
    weight: Weight,
}

fn node(level: u8, entries: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"SN\x01".to_vec();
    bytes.push(level);
    bytes.extend((entries.len() as u32).to_le_bytes());
    bytes.extend(entries.concat());
    bytes
}

fn leaf(entries: impl IntoIterator<Item = (Bytes, Bytes)>) -> Made {
    let entries: Vec<(Bytes, Bytes)> = entries.into_iter().collect();
    let encoded: Vec<Vec<u8>> = entries
        .iter()
        .map(|(key, value)| {
            let lengths = [(key.len() as u16).to_le_bytes(), (value.len() as u16).to_le_bytes()].concat();
            [&lengths[..], key, value].concat()
        })
        .collect();
    let bytes = entries.iter().map(|(key, value)| (key.len() + value.len()) as u64).sum();
    let weight = Weight { entries: entries.len() as u64, bytes, outside: false };
    Made { key: entries.last().expect("an entry").0.clone(), bytes: node(0, &encoded), weight }
}

fn inner(level: u8, children: &[Made]) -> Made {
    let encoded: Vec<Vec<u8>> = children
        .iter()
        .map(|child| {
            let Weight { entries, bytes, outside } = child.weight;
            let head = [(child.key.len() as u16).to_le_bytes(), u16::from(outside).to_le_bytes()].concat();
            let hash = NodeHash::of(child.bytes[3], &child.bytes).0;
            [&head[..], &child.key, &hash, &entries.to_le_bytes(), &bytes.to_le_bytes()].concat()
        })
        .collect();
    let mut weight = Weight::default();
    children.iter().for_each(|child| weight.add(child.weight));
    Made { key: children.last().expect("a child").key.clone(), bytes: node(level, &encoded), weight }
}

/// Whether the chunker ends a node after these entries and not before.
fn ends(made: &Made) -> bool {
    Node::decode(made.bytes.clone().into()).expect("a node").is_canonical(false)
}

/// The numbered entries from one on, as a leaf that ends where it must.
fn next_leaf(from: u32) -> (Made, u32) {
    let found = (from + 1..).map(|to| (leaf(numbered(from..to)), to)).find(|(leaf, _)| ends(leaf));
    found.expect("a boundary")
}

fn header(root: &Made) -> ExportHeader {
    let Weight { entries, bytes, .. } = root.weight;
    let level = root.bytes[3];
    ExportHeader {
        base: None,
        tree: Tree { node: Some(NodeHash::of(level, &root.bytes)), height: level, entries, bytes },
    }
}

fn item(body: &[u8]) -> Vec<u8> {
    [&[1], &(body.len() as u32).to_le_bytes()[..], body].concat()
}

fn file(header: &ExportHeader, items: &[Vec<u8>]) -> Vec<u8> {
    [&header.encode()[..], &items.concat(), &[2]].concat()
}

/// The file of a root node over leaves.
fn file_of(root: &Made, leaves: &[Made]) -> Vec<u8> {
    let nodes: Vec<Vec<u8>> = std::iter::once(root).chain(leaves).map(|made| item(&made.bytes)).collect();
    file(&header(root), &nodes)
}

#[track_caller]
fn check(file: &[u8], base: Option<&View>, kind: &str, what: &str) {
    let error = verify_export(&mut &*file, base).expect_err(what);
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(what), "{error}");
}
