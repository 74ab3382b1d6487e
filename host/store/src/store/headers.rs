//! What the catalog keeps about the other states: entries of state 0 under keys that start with a zero byte.
//!
//! ```text
//! key    00 | state id, u64 big-endian
//! value  version, 2 | postcard of (header, entries, snapshot)
//!                     entries: all of them, if the state is small and has no tree
//!                     snapshot: if the state is one, the state that it is of, and its name
//!        version 1 ends after the entries, and is no snapshot
//! ```

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::ReadError;
use crate::journal::record::{Header, Ops};
use crate::pack::Packs;
use crate::store::StateId;
use crate::store::snapshots::SnapshotOf;
use crate::store::table::{Key, Table};
use crate::tree::{Lost, Order, Tree};

/// A state up to this size lies in its header and has no tree.
pub(crate) const INLINE_BYTES_MAX: u64 = 4096;

const VERSION: u8 = 2;
/// The version that knew no snapshots.
const VERSION_PLAIN: u8 = 1;

/// What the catalog keeps about a state.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) id: StateId,
    pub(crate) header: Header,
    /// All entries of a state that has no tree.
    pub(crate) entries: Table,
    pub(crate) snapshot: Option<Arc<SnapshotOf>>,
}

#[derive(Serialize, Deserialize)]
struct Plain<'a> {
    header: Header,
    #[serde(borrow)]
    entries: Ops<'a>,
}

/// The key of a state's header.
pub(crate) fn key(state: StateId) -> Bytes {
    let mut key = [0; 9];
    key[1..].copy_from_slice(&state.0.to_be_bytes());
    Bytes::copy_from_slice(&key)
}

/// The stored form of a header, and of the entries of a state without a tree.
pub(crate) fn encode(header: Header, entries: &Table, snapshot: Option<&SnapshotOf>) -> Bytes {
    let live: Vec<(Bytes, Bytes)> = entries.iter().filter_map(|(key, value)| Some((key, value?))).collect();
    let entries = Ops(live.iter().map(|(key, value)| (&key[..], Some(&value[..]))).collect());
    let stored = (Plain { header, entries }, snapshot);
    let out = postcard::to_extend(&stored, vec![VERSION]).expect("postcard writes every header to memory");
    out.into()
}

fn decode(key: &Bytes, value: &Bytes) -> Option<Stored> {
    let id = StateId(u64::from_be_bytes(key.get(1..)?.try_into().ok()?));
    let (version, body) = value.split_first()?;
    let (plain, rest): (Plain<'_>, _) = postcard::take_from_bytes(body).ok()?;
    let (snapshot, rest): (Option<SnapshotOf>, _) = match *version {
        VERSION_PLAIN => (None, rest),
        VERSION => postcard::take_from_bytes(rest).ok()?,
        _ => return None,
    };
    let entries = plain.entries.0.iter();
    let entries = entries.map(|(key, value)| (Key::new(key), value.map(Bytes::copy_from_slice)));
    let stored = Stored { id, header: plain.header, entries: entries.collect(), snapshot: snapshot.map(Arc::new) };
    rest.is_empty().then_some(stored)
}

/// Every header in the catalog's tree, with the entries of a state that has no tree.
pub(crate) fn read_all(catalog: &Tree, packs: &Arc<Packs>) -> impl Iterator<Item = Result<Stored, ReadError>> {
    let from = Bound::Included(Bytes::from_static(&[0]));
    let to = Bound::Excluded(Bytes::from_static(&[1]));
    catalog
        .scan(packs.clone(), from, to, Order::Ascending)
        .map(|entry| entry.and_then(|(key, value)| read_one(&key, &value)))
}

/// The headers that a catalog's tree has and an earlier one had not.
pub(crate) fn read_changed(
    before: &Tree,
    catalog: &Tree,
    packs: &Arc<Packs>,
) -> impl Iterator<Item = Result<Stored, ReadError>> {
    let changes = before.diff(catalog, packs.clone()).take_while(|change| {
        // What follows belongs to the catalog's users.
        change.as_ref().map_or(true, |change| change.key.first() == Some(&0))
    });
    changes.filter_map(|change| match change {
        Ok(change) => change.new.map(|value| read_one(&change.key, &value)),
        Err(error) => Some(Err(error)),
    })
}

/// The header of one state, if the catalog's tree has it.
pub(crate) fn read(catalog: &Tree, packs: &Packs, state: StateId) -> Result<Option<Stored>, ReadError> {
    let key = key(state);
    catalog.get(packs, &key)?.map(|value| read_one(&key, &value)).transpose()
}

fn read_one(key: &Bytes, value: &Bytes) -> Result<Stored, ReadError> {
    decode(key, value).ok_or_else(|| ReadError::Damaged {
        path: "catalog".to_owned(),
        offset: 0,
        what: format!("the header under the key {key:?} does not decode"),
    })
}

/// Every header that can be read, given what of the catalog's tree cannot.
pub(crate) fn read_lost(catalog: &Tree, packs: &Arc<Packs>, lost: &[Lost]) -> impl Iterator<Item = Stored> {
    let entries = catalog.readable(packs.clone(), lost).map_while(Result::ok);
    entries.take_while(|(key, _)| key.first() == Some(&0)).filter_map(|(key, value)| decode(&key, &value))
}

/// The stored form of what a header and its entries decode to.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn again(key: &Bytes, value: &Bytes) -> Option<Bytes> {
    let Stored { header, entries, snapshot, .. } = decode(key, value)?;
    Some(encode(header, &entries, snapshot.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{CommitNumber, WriterEpoch};

    const HEADER: Header =
        Header { tree: Tree::EMPTY, epoch: WriterEpoch(2), commits: 3, last: CommitNumber(4), held: CommitNumber(500) };
    /// What version 1 wrote for the header and one entry; version 2 goes on after it.
    const PLAIN: &str = "00000000020304f40301036b6579010576616c7565";

    fn entries() -> Table {
        [(Key::new(b"gone"), None), (Key::new(b"key"), Some(Bytes::from_static(b"value")))].into_iter().collect()
    }

    fn from_hex(hex: &str) -> Bytes {
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
        (0..hex.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn a_header_is_byte_for_byte() {
        assert_eq!(&key(StateId(258))[..], [0, 0, 0, 0, 0, 0, 0, 1, 2]);
        let of = SnapshotOf { state: StateId(300), name: "noon".to_owned() };
        for (snapshot, end) in [(None, "00"), (Some(of), "01ac02046e6f6f6e")] {
            let value = encode(HEADER, &entries(), snapshot.as_ref());
            assert_eq!(value, from_hex(&format!("02{PLAIN}{end}")));
            let read = decode(&key(StateId(258)), &value).expect("valid");
            assert_eq!((read.id, read.header, read.entries.iter().count()), (StateId(258), HEADER, 1));
            assert_eq!(read.snapshot.as_deref(), snapshot.as_ref());
        }
    }

    #[test]
    fn a_header_of_version_1_is_read_and_one_of_no_known_form_is_refused() {
        let plain = from_hex(&format!("01{PLAIN}"));
        let read = decode(&key(StateId(258)), &plain).expect("valid");
        assert_eq!((read.id, read.header, read.entries.iter().count()), (StateId(258), HEADER, 1));
        assert_eq!(read.snapshot, None);
        for (version, end) in [("01", "00"), ("02", ""), ("02", "0000"), ("03", "00"), ("02", "01ac02056e6f6f6e")] {
            let value = from_hex(&format!("{version}{PLAIN}{end}"));
            assert!(decode(&key(StateId(258)), &value).is_none(), "{version}…{end}");
        }
    }
}
