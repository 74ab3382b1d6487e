//! The keys of a plugin's state.
//!
//! ```text
//! 00 <number u32 BE>                       ledger entry of a collection
//! 01 <number u32 BE>                       cell
//! 01 <number u32 BE> <encoded key>         map entry
//! 01 <number u32 BE> 00                    log: first index, end index, u64 LE each
//! 01 <number u32 BE> 01 <index u64 BE>     log entry
//! 01 <number u32 BE> <node u64 BE>         counter: sums added and subtracted by a node, u64 LE each
//! ```

/// The number of a collection that has no place in the state; nothing is ever stored under it.
pub const NOWHERE: u32 = u32::MAX;

const LEDGER: u8 = 0;
const COLLECTIONS: u8 = 1;

/// Key of a collection's ledger entry.
pub fn ledger_key(number: u32) -> Vec<u8> {
    prefixed(LEDGER, number, &[])
}

/// Half-open range of all ledger entries.
pub fn ledger_range() -> (Vec<u8>, Vec<u8>) {
    (vec![LEDGER], vec![LEDGER + 1])
}

/// The collection number in the key of a ledger entry.
pub fn ledger_number(key: &[u8]) -> Option<u32> {
    let (&LEDGER, number) = key.split_first()? else {
        return None;
    };
    Some(u32::from_be_bytes(number.try_into().ok()?))
}

/// What the keys of all entries of a collection start with.
pub fn prefix(number: u32) -> Vec<u8> {
    prefixed(COLLECTIONS, number, &[])
}

/// Half-open range of all entries of a collection.
pub fn range(number: u32) -> (Vec<u8>, Vec<u8>) {
    let end = match number.checked_add(1) {
        Some(next) => prefix(next),
        None => vec![COLLECTIONS + 1],
    };
    (prefix(number), end)
}

/// The collection number in the key of an entry, and what follows it.
pub fn entry_number(key: &[u8]) -> Option<(u32, &[u8])> {
    let (&COLLECTIONS, rest) = key.split_first()? else {
        return None;
    };
    let (number, rest) = rest.split_first_chunk()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// Key of a cell.
pub fn cell_key(number: u32) -> Vec<u8> {
    prefix(number)
}

/// What the keys of a map's entries start with.
pub fn map_prefix(number: u32) -> Vec<u8> {
    prefix(number)
}

/// Key of a map's entry.
pub fn map_key(number: u32, encoded: &[u8]) -> Vec<u8> {
    prefixed(COLLECTIONS, number, encoded)
}

/// Key of a log's first and end index.
pub fn log_meta(number: u32) -> Vec<u8> {
    prefixed(COLLECTIONS, number, &[0])
}

/// Key of a log's entry.
pub fn log_entry(number: u32, index: u64) -> Vec<u8> {
    let mut key = prefixed(COLLECTIONS, number, &[1]);
    key.extend(index.to_be_bytes());
    key
}

/// The index in the key of a log's entry.
pub fn log_index(key: &[u8]) -> Option<u64> {
    match key.get(5..)?.split_first()? {
        (1, index) => Some(u64::from_be_bytes(index.try_into().ok()?)),
        _ => None,
    }
}

/// The value stored under [`log_meta`].
pub fn encode_log_meta(first: u64, end: u64) -> [u8; 16] {
    pair(first, end)
}

/// Reads the value stored under [`log_meta`]: first and end index.
pub fn decode_log_meta(bytes: &[u8]) -> Option<(u64, u64)> {
    unpair(bytes).filter(|(first, end)| first <= end)
}

/// Key of a node's part of a counter.
pub fn counter_key(number: u32, node: u64) -> Vec<u8> {
    prefixed(COLLECTIONS, number, &node.to_be_bytes())
}

/// The value stored under [`counter_key`].
pub fn encode_counter(added: u64, subtracted: u64) -> [u8; 16] {
    pair(added, subtracted)
}

/// Reads the value stored under [`counter_key`]: sums added and subtracted.
pub fn decode_counter(bytes: &[u8]) -> Option<(u64, u64)> {
    unpair(bytes)
}

fn prefixed(area: u8, number: u32, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(5 + rest.len());
    key.push(area);
    key.extend(number.to_be_bytes());
    key.extend(rest);
    key
}

fn pair(a: u64, b: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&a.to_le_bytes());
    bytes[8..].copy_from_slice(&b.to_le_bytes());
    bytes
}

fn unpair(bytes: &[u8]) -> Option<(u64, u64)> {
    let bytes: &[u8; 16] = bytes.try_into().ok()?;
    let (a, b) = bytes.split_at(8);
    Some((u64::from_le_bytes(a.try_into().ok()?), u64::from_le_bytes(b.try_into().ok()?)))
}
