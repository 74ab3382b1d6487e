//! Every decoder of the store, each as a function that takes hostile bytes: it must end without a panic, and what decodes
//! must encode to what decodes to the same again. The fuzzer of `fuzz/` drives these functions, and so do the crate's own
//! tests, over the committed seeds and thousands of changes to each.
//!
//! Hashes would stop every changed input at the door. So most functions also take the input with its hashes made right
//! ([`seal`]): what hides behind a hash has to bear hostile bytes too, for whoever can write a file can hash it.

mod seal;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod tests;

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use crate::disk::sim::SimDisk;
use crate::disk::{Disk, Mode};
use crate::journal::reader::read_segment_of_any;
use crate::journal::record::{EncodedCommit, Frame, Part, Record, encode, encode_close, ops_from_blob};
use crate::journal::{JOURNAL_DIR, QUARANTINE_DIR, segment_number, segment_path};
use crate::pack::{PACK_DIR, PackId, Packs, verify_pack};
use crate::store::format_file::Format;
use crate::store::lock::OwnerRecord;
use crate::store::{Change, ComponentHash, Options, StateId, Store, Writer, Writes, headers, verify_export};
use crate::tree::node::{encode_child, encode_value, finish_node, start_node};
use crate::tree::{Hash, Node, NodeHash, NodeSink, Nodes, Order, Proof, ProofError, Ranges, Root, Tree, ValueHash};

/// Entries that are read of one tree or state: a few nodes may stand for any number of entries.
const ENTRIES_READ_MAX: usize = 1000;
/// The store that sealed files belong to.
const STORE_ID: [u8; 16] = [7; 16];

/// A segment of the journal.
pub fn journal(bytes: &[u8]) {
    let mut sealed = bytes.to_vec();
    seal::segment(&mut sealed, None);
    for bytes in [bytes, &sealed] {
        let disk = disk(&[(&segment_path(1), bytes)]);
        if let Ok(segment) = read_segment_of_any(&disk, 1, u64::MAX) {
            segment.batches().for_each(|(_, _, batch)| records(batch));
        }
    }
}

/// The records of one batch.
pub fn records(bytes: &[u8]) {
    let mut rest = bytes;
    while let Ok(frame) = Frame::take(&mut rest) {
        let Ok(record) = frame.record() else { continue };
        let again = encoded(&frame, &record);
        let mut again_rest = &again[..];
        let again_frame = Frame::take(&mut again_rest).expect("an encoded record is whole");
        assert!(again_rest.is_empty());
        assert_eq!((again_frame.kind, again_frame.number), (frame.kind, frame.number));
        let again_record = again_frame.record().expect("an encoded record decodes");
        assert_eq!(again_record, record);
        assert_eq!(encoded(&again_frame, &again_record), again);
        let _ = frame.packs();
    }
}

fn encoded(frame: &Frame<'_>, record: &Record<'_>) -> Vec<u8> {
    match record {
        Record::Manifest(body) | Record::Checkpoint(body) => encode(frame.kind, frame.number, body),
        Record::Own(body) => encode(frame.kind, frame.number, body),
        Record::PackDrop(body) => encode(frame.kind, frame.number, body),
        Record::Close => encode_close(frame.number),
        Record::Commit(parts) => encoded_commit(frame, parts),
    }
}

fn encoded_commit(frame: &Frame<'_>, parts: &[Part<'_>]) -> Vec<u8> {
    let whats: Vec<_> = parts.iter().map(|part| part.what.clone()).collect();
    let mut commit = EncodedCommit::new(&whats);
    commit.set_number(frame.number);
    parts.iter().enumerate().for_each(|(index, part)| commit.set_version(index, part.version));
    commit.bytes().to_vec()
}

/// A small file or a name; the first byte says which.
pub fn files(bytes: &[u8]) {
    let Some((which, body)) = bytes.split_first() else { return };
    match which % 5 {
        0 => {
            let mut sealed = body.to_vec();
            seal::format(&mut sealed);
            for bytes in [body, &sealed] {
                if let Ok(format) = Format::decode(bytes) {
                    assert_eq!(format.encode(), bytes, "there is one form of FORMAT");
                }
            }
        }
        1 => {
            if let Some(record) = std::str::from_utf8(body).ok().and_then(OwnerRecord::parse) {
                assert_eq!(OwnerRecord::parse(&record.text()), Some(record));
            }
        }
        2 => {
            let (key, value) = body.split_at(body.len().min(9));
            let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
            if let Some(again) = headers::again(&key, &value) {
                assert_eq!(headers::again(&key, &again), Some(again.clone()), "what was encoded encodes to itself");
            }
        }
        3 => {
            let _ = ops_from_blob(body);
        }
        _ => std::str::from_utf8(body).into_iter().for_each(names),
    }
}

/// Names of files, and hashes as text.
fn names(text: &str) {
    if let Some(number) = segment_number(text) {
        assert_eq!(segment_path(number), format!("{JOURNAL_DIR}/{text}"));
    }
    if let Some(pack) = PackId::from_file_name(text) {
        assert_eq!(pack.path(), format!("{PACK_DIR}/{text}"));
    }
    if let Ok(hash) = text.parse::<ComponentHash>() {
        assert_eq!(hash.to_string(), text.to_lowercase());
    }
    if let Ok(root) = text.parse::<Root>() {
        assert_eq!(root.to_string(), text.to_lowercase());
    }
}

/// A pack: its header, footer and index, and the tree under each of its nodes.
pub fn pack(bytes: &[u8]) {
    let mut indexed = bytes.to_vec();
    seal::pack(&mut indexed, false);
    let mut sealed = bytes.to_vec();
    seal::pack(&mut sealed, true);
    for bytes in [bytes, &indexed, &sealed] {
        let id = PackId(bytes.get(16..24).map_or(0, |id| u64::from_le_bytes(id.try_into().expect("eight bytes"))));
        let disk = Arc::new(disk(&[(&id.path(), bytes)]));
        verify_pack(&*disk, id, &mut |_| ());
        let packs = Packs::new(disk, 1 << 20);
        if packs.add(id).is_ok() {
            packs.nodes(id).into_iter().for_each(|hash| tree(&packs, hash));
        }
    }
}

/// Everything that can be done with a tree whose nodes have the right hashes, and nothing else that is right.
fn tree(packs: &Arc<Packs>, hash: NodeHash) {
    let Ok(node) = packs.node(&hash) else { return };
    let weight = node.weight_of(0..node.len());
    let tree = Tree { node: Some(hash), height: node.level(), entries: weight.entries, bytes: weight.bytes };
    let nodes: Arc<dyn Nodes> = packs.clone();
    let key = Bytes::copy_from_slice(node.key(node.len() / 2));
    for order in [Order::Ascending, Order::Descending] {
        tree.scan(nodes.clone(), Bound::Unbounded, Bound::Unbounded, order).take(ENTRIES_READ_MAX).for_each(drop);
        tree.scan(nodes.clone(), Bound::Included(key.clone()), Bound::Unbounded, order).take(3).for_each(drop);
    }
    let _ = tree.get(&**packs, &key);
    let _ = tree.count(&**packs, Bound::Excluded(&key), Bound::Unbounded);
    let mut left = ENTRIES_READ_MAX;
    let mut visit = |_: &Hash| {
        left = left.saturating_sub(1);
        left > 0
    };
    let _ = tree.mark(&**packs, &mut visit);
    let changes = [(key.clone(), None), (Bytes::from([&key[..], &[0]].concat()), Some(Bytes::from_static(b"new")))];
    if key.len() < crate::limits::KEY_BYTES_MAX
        && let Ok(changed) = tree.apply(&**packs, &Ranges::new(), changes.into_iter(), &mut Nowhere)
    {
        tree.diff(&changed, nodes).take(ENTRIES_READ_MAX).for_each(drop);
    }
}

/// Takes new nodes and forgets them.
struct Nowhere;

impl NodeSink for Nowhere {
    fn node(&mut self, _: NodeHash, bytes: Vec<u8>) {
        Node::decode(bytes.into()).expect("a node that was made here decodes");
    }

    fn value(&mut self, _: ValueHash, _: Bytes) {}
}

/// One node: there is one encoding of one content.
pub fn node(bytes: &[u8]) {
    let Ok(node) = Node::decode(Bytes::copy_from_slice(bytes)) else { return };
    assert_eq!(encoded_node(&node), bytes);
    for index in 0..node.len() {
        assert_eq!(node.search(node.key(index)), Ok(index));
        assert_eq!(node.lower_bound(node.key(index)), index);
        assert_eq!(node.key_bytes(index), node.key(index));
    }
    assert_eq!(node.last_key(), node.key(node.len() - 1));
}

fn encoded_node(node: &Node) -> Vec<u8> {
    let mut out = Vec::new();
    start_node(node.level(), &mut out);
    for index in 0..node.len() {
        match node.level() {
            0 => encode_value(node.key(index), &node.value(index), &mut out),
            _ => encode_child(node.key(index), &node.child(index), &mut out),
        }
    }
    finish_node(node.len() as u32, &mut out);
    out
}

/// A proof: there is one encoding of one proof, and it shows at most one thing of a key under one root.
pub fn proof(bytes: &[u8]) {
    let Ok(proof) = Proof::decode(bytes) else { return };
    assert_eq!(proof.encode(), bytes);
    let Err(ProofError::OtherRoot { proves }) = proof.verify(&Root::from([0; 32]), b"key") else { return };
    for key in [&b"key"[..], b"key 0003", b"key 0060", b"no key", b""] {
        let _ = proof.verify(&proves, key);
    }
}

/// An exported state.
pub fn export(bytes: &[u8]) {
    let mut sealed = bytes.to_vec();
    seal::export(&mut sealed);
    for bytes in [bytes, &sealed] {
        let mut rest = bytes;
        if let Ok(header) = verify_export(&mut rest, None) {
            assert!(rest.is_empty() && bytes.starts_with(&header.encode()), "there is one form of an exported state");
        }
    }
}

/// A whole data directory, as [`seal::directory`] draws it: opening, verifying, reading and going on writing.
pub fn directory(bytes: &[u8]) {
    let files = seal::directory(bytes);
    let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (&path[..], &bytes[..])).collect();
    let disk: Arc<dyn Disk> = Arc::new(disk(&files));
    let _ = Store::verify_idle(disk.clone(), &mut |_| ());
    let options = || Options { segment_bytes: 0, cache_bytes: 1 << 20, writer: Writer::Inline, ..Options::default() };
    let Ok((store, _)) = Store::open(disk.clone(), options()) else { return };
    let _ = store.verify(&mut |_| ());
    store.states().into_iter().for_each(|state| read(&store, state));
    let gone_on = go_on(&store);
    drop(store);
    if gone_on.is_some() {
        // What this release wrote, it opens.
        let (store, _) = Store::open(disk, options()).expect("a store that was opened and closed opens again");
        store.states().into_iter().for_each(|state| read(&store, state));
    }
}

fn read(store: &Store, state: StateId) {
    let Some(view) = store.view(state) else { return };
    for order in [Order::Ascending, Order::Descending] {
        view.scan(Bound::Unbounded, Bound::Unbounded, order).take(ENTRIES_READ_MAX).for_each(drop);
    }
    let _ = (view.count(Bound::Unbounded, Bound::Unbounded), view.root());
}

/// Commits to a new state and, if there is one, to an old one, checkpoints and collects. None if something refused.
fn go_on(store: &Store) -> Option<()> {
    let new = store.new_state();
    let old = store.states().into_iter().find(|state| *state != StateId::CATALOG);
    let mut changes = vec![Change::Create { state: new }];
    for state in old.into_iter().chain([new]) {
        let epoch = store.epoch(state).unwrap_or(crate::WriterEpoch::FIRST);
        let writes = Writes::from([(Bytes::from_static(b"fuzz"), Some(Bytes::from(vec![1; 2000])))]);
        changes.push(Change::Write { state, epoch, writes });
    }
    store.commit(changes).ok()?.wait().ok()?;
    store.checkpoint().ok()?;
    store.collect().ok().map(drop)
}

/// A disk with some files, and the directories of a store.
fn disk(files: &[(&str, &[u8])]) -> SimDisk {
    let disk = SimDisk::new(0);
    for dir in [JOURNAL_DIR, PACK_DIR, "components", QUARANTINE_DIR] {
        disk.create_dir(dir).expect("a fresh disk takes a directory");
    }
    for (path, bytes) in files {
        if let Ok(file) = disk.open(path, Mode::CreateNew) {
            file.write_at(0, bytes).expect("a fresh disk takes bytes");
        }
    }
    disk
}
