//! Seeds for the fuzzer: what a store that did a bit of everything leaves on its disk.

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;

use super::STORE_ID;
use crate::disk::sim::SimDisk;
use crate::journal::record::ops_to_blob;
use crate::limits::SEGMENT_BYTES_MIN;
use crate::store::format_file::Format;
use crate::store::lock::OwnerRecord;
use crate::store::{Change, ComponentHash, Options, StateId, Store, Writer, WriterEpoch, Writes};
use crate::tree::Order;

/// Named inputs.
type Named = Vec<(String, Vec<u8>)>;

/// Seeds of all targets.
pub(super) struct Seeds {
    disk: SimDisk,
    /// Headers as the catalog holds them.
    headers: Vec<(Bytes, Bytes)>,
    proofs: Named,
    exports: Named,
}

impl Seeds {
    /// A store with states of several sizes, forks, fences, large values, an oversized commit, checkpoints and a close.
    pub(super) fn new() -> Seeds {
        let disk = SimDisk::new(1);
        let options = || Options { segment_bytes: SEGMENT_BYTES_MIN, writer: Writer::Inline, ..Options::default() };
        let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
        let [small, large, other] = [store.new_state(), store.new_state(), store.new_state()];
        let go = |store: &Store, changes| store.commit(changes).expect("accepted").wait().expect("durable");
        go(&store, vec![Change::Create { state: small }, Change::Create { state: large }]);
        go(&store, vec![write(small, 0..3, 10), write(large, 0..40, 150)]);
        go(&store, vec![write(large, 60..62, 1100), Change::Fork { from: small, to: other }]);
        store.checkpoint().expect("checkpoint");
        go(&store, vec![write(large, 10..11, 17_000)]);
        let snapshot = Change::Snapshot { state: large, to: store.new_state(), name: "before".to_owned() };
        go(&store, vec![Change::Fence { state: other, epoch: WriterEpoch(9) }, snapshot]);
        store.checkpoint().expect("checkpoint");
        let view = store.view(large).expect("the state is there");
        let prove = |key: &str| (key.replace(' ', "-"), view.prove(key.as_bytes()).expect("readable").encode());
        let proofs = ["key 0003", "key 0060", "no key"].map(prove).into();
        let export = |(name, state): (&str, StateId)| {
            let mut out = Vec::new();
            store.view(state).expect("the state is there").export(&mut out).expect("exported");
            (name.to_owned(), out)
        };
        let exports = [("small", small), ("large", large)].map(export).into();
        let catalog = store.view(StateId::CATALOG).expect("the catalog");
        let headers = catalog.scan(Bound::Unbounded, Bound::Excluded(Bytes::from_static(&[1])), Order::Ascending);
        let headers = headers.map(|header| header.expect("readable")).collect();
        go(&store, vec![write(small, 2..4, 1), Change::Remove { state: other }]);
        store.close().expect("close");
        let (store, _) = Store::open(Arc::new(disk.clone()), options()).expect("open");
        go(&store, vec![write(small, 4..5, 5)]);
        Seeds { disk, headers, proofs, exports }
    }

    pub(super) fn journal(&self) -> Named {
        self.trimmed("journal/", ".log")
    }

    pub(super) fn records(&self) -> Named {
        let segments = self.trimmed("journal/", ".log");
        segments.into_iter().flat_map(|(name, bytes)| batches(&name, &bytes)).collect()
    }

    pub(super) fn files(&self) -> Named {
        let lock = OwnerRecord { epoch: 3, pid: 77, closed: Some(12) }.text();
        let hash = ComponentHash::of(b"component").to_string();
        let headers = self.headers.iter().map(|(key, value)| ("header", 2, [&key[..], &value[..]].concat()));
        let others = [
            ("format", 0, Format { store_id: STORE_ID }.encode()),
            ("lock", 1, lock.into_bytes()),
            ("ops", 3, ops_to_blob(&writes(0..3, 20))),
            ("segment-name", 4, b"0000000007.log".to_vec()),
            ("pack-name", 4, b"00000000000000ab.pack".to_vec()),
            ("hash", 4, hash.into_bytes()),
        ];
        let all = headers.chain(others).map(|(name, which, body)| (name.to_owned(), [&[which], &body[..]].concat()));
        all.collect()
    }

    pub(super) fn pack(&self) -> Named {
        self.trimmed("packs/", ".pack").into_iter().filter(|(_, bytes)| bytes.len() < 40_000).collect()
    }

    pub(super) fn node(&self) -> Named {
        let packs = self.pack();
        packs.iter().flat_map(|(name, bytes)| nodes(name, bytes)).collect()
    }

    pub(super) fn proof(&self) -> Named {
        self.proofs.clone()
    }

    pub(super) fn export(&self) -> Named {
        self.exports.clone()
    }

    /// All files that matter, as [`seal::directory`](super::seal::directory) takes them.
    pub(super) fn directory(&self) -> Named {
        let segments = self.trimmed("journal/", ".log").into_iter().map(|(_, bytes)| (0, bytes));
        let packs = self.trimmed("packs/", ".pack").into_iter().map(|(_, bytes)| (1, bytes));
        let mut out = Vec::new();
        for (kind, bytes) in segments.chain(packs) {
            out.push(kind);
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(&bytes);
        }
        vec![("store".to_owned(), out)]
    }

    /// Files by the ends of their names; zeros at their end left out but for whole blocks.
    fn trimmed(&self, start: &str, end: &str) -> Named {
        let files = self.disk.files().into_iter().filter(|path| path.starts_with(start) && path.ends_with(end));
        let trimmed = files.enumerate().map(|(index, path)| {
            let mut bytes = self.disk.contents(&path).expect("a file that is listed");
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            bytes.truncate(if end == ".log" { used.next_multiple_of(4096) } else { bytes.len() });
            (format!("{}{index}", start.trim_end_matches('/')), bytes)
        });
        trimmed.collect()
    }
}

fn batches(name: &str, segment: &[u8]) -> Named {
    let mut out = Named::new();
    let mut at = 4096;
    while let Ok(batch) = crate::journal::format::Batch::decode_any(&segment[at..]) {
        out.push((format!("{name}-{}", out.len()), batch.records.to_vec()));
        at += batch.bytes;
    }
    out
}

fn nodes(name: &str, pack: &[u8]) -> Named {
    let starts = pack.windows(3).enumerate().filter(|(_, bytes)| *bytes == b"SN\x01").map(|(at, _)| at);
    let whole = starts.filter_map(|at| {
        // A node does not say how long it is: the shortest part that decodes is it.
        let longest = (pack.len() - at).min(crate::tree::NODE_BYTES_MAX);
        (9..=longest)
            .map(|length| &pack[at..at + length])
            .find(|part| crate::tree::Node::decode(Bytes::copy_from_slice(part)).is_ok())
    });
    whole.enumerate().map(|(index, node)| (format!("{name}-{index}"), node.to_vec())).collect()
}

fn write(state: StateId, keys: std::ops::Range<u32>, value_bytes: usize) -> Change {
    Change::Write { state, epoch: WriterEpoch::FIRST, writes: writes(keys, value_bytes) }
}

fn writes(keys: std::ops::Range<u32>, value_bytes: usize) -> Writes {
    let value = |key: u32| (key % 7 != 5).then(|| Bytes::from(vec![key as u8; value_bytes]));
    keys.map(|key| (Bytes::from(format!("key {key:04}")), value(key))).collect()
}
