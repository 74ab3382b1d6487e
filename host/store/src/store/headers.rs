//! What the catalog keeps about the other states: entries of state 0 under keys that start with a zero byte.
//!
//! ```text
//! key    00 | state id, u64 big-endian
//! value  version, 1 | postcard of (header, entries)      entries: all of them, if the state is small and has no tree
//! ```

use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::ReadError;
use crate::journal::record::{Header, Ops};
use crate::pack::Packs;
use crate::store::StateId;
use crate::store::state::Table;
use crate::tree::{Order, Tree};

/// A state up to this size lies in its header and has no tree.
pub(crate) const INLINE_BYTES_MAX: u64 = 4096;

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Stored<'a> {
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
pub(crate) fn encode(header: Header, entries: &Table) -> Bytes {
    let live = entries.iter().filter_map(|(key, value)| Some((&key[..], Some(value.as_deref()?))));
    let stored = Stored { header, entries: Ops(live.collect()) };
    let out = postcard::to_extend(&stored, vec![VERSION]).expect("postcard writes every header to memory");
    out.into()
}

fn decode(key: &Bytes, value: &Bytes) -> Option<(StateId, Header, Table)> {
    let id = u64::from_be_bytes(key.get(1..)?.try_into().ok()?);
    let (VERSION, body) = value.split_first().map(|(version, body)| (*version, body))? else { return None };
    let stored: Stored<'_> = postcard::from_bytes(body).ok()?;
    let entries = stored.entries.0.iter();
    let table = entries.map(|(key, value)| (Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice)));
    Some((StateId(id), stored.header, table.collect()))
}

/// Every header in the catalog's tree, with the entries of a state that has no tree.
pub(crate) fn read_all(
    catalog: &Tree,
    packs: &Arc<Packs>,
) -> impl Iterator<Item = Result<(StateId, Header, Table), ReadError>> {
    let from = Bound::Included(Bytes::from_static(&[0]));
    let to = Bound::Excluded(Bytes::from_static(&[1]));
    catalog.scan(packs.clone(), from, to, Order::Ascending).map(|entry| {
        let (key, value) = entry?;
        decode(&key, &value).ok_or_else(|| ReadError::Damaged {
            path: "catalog".to_owned(),
            offset: 0,
            what: format!("the header under the key {key:?} does not decode"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{CommitNumber, WriterEpoch};

    #[test]
    fn a_header_is_byte_for_byte() {
        let header = Header {
            tree: Tree::EMPTY,
            epoch: WriterEpoch(2),
            commits: 3,
            last: CommitNumber(4),
            held: CommitNumber(500),
        };
        let entries: Table =
            [(Bytes::from_static(b"gone"), None), (Bytes::from_static(b"key"), Some(Bytes::from_static(b"value")))]
                .into_iter()
                .collect();
        let (key, value) = (key(StateId(258)), encode(header.clone(), &entries));
        assert_eq!(&key[..], [0, 0, 0, 0, 0, 0, 0, 1, 2]);
        let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "0100000000020304f40301036b6579010576616c7565");
        let (id, read, table) = decode(&key, &value).expect("valid");
        assert_eq!((id, read, table.len()), (StateId(258), header, 1));
    }
}
