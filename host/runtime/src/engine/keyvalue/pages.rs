//! Pages of a bucket's keys.
//!
//! A key that is there from the first page to the last is listed exactly once, whatever is set or deleted between two
//! pages, within one call or over many: a cursor says where in an order of keys to go on, not how many keys there were.
//!
//! A cursor that is a text is the last key of its page, and the order is that of the keys. Eight bytes hold no key, so a
//! cursor that is a number is the hash of a key, and pages come in the order of hashes: each page looks at every key of
//! the bucket, which a full page of [`KEYS_PAGE_MAX`] makes rare.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::time::Instant;

use bytes::Bytes;
use stead_schema::key;
use stead_store::Order;
use wasmtime::Trap;
use wasmtime::component::{ComponentType, Lift, Lower};

use super::Failure;
use crate::engine::collection::Entries;
use crate::engine::fault::Fault;
use crate::limits::{KEYS_PAGE_BYTES_MAX, KEYS_PAGE_MAX};

/// How many keys are looked at between two looks at the clock.
const KEYS_BETWEEN_LOOKS: usize = 1024;

/// `key-response` of `wasi:keyvalue/store`.
#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct KeyResponse<C> {
    pub(super) keys: Vec<String>,
    cursor: Option<C>,
}

/// Where a page ended.
pub(super) trait Cursor: ComponentType + Lift + Lower + Send + Sync + 'static {
    /// The page after a cursor, or the first.
    fn page(
        entries: &mut Entries<'_>,
        prefix: &[u8],
        after: Option<Self>,
        deadline: Instant,
    ) -> Result<KeyResponse<Self>, Failure>
    where
        Self: Sized;
}

impl Cursor for String {
    fn page(
        entries: &mut Entries<'_>,
        prefix: &[u8],
        after: Option<String>,
        deadline: Instant,
    ) -> Result<KeyResponse<String>, Failure> {
        let mut page = KeyResponse { keys: Vec::new(), cursor: None };
        let lower = match after {
            None => Bound::Included(prefix.to_vec()),
            Some(after) => {
                let mut start = prefix.to_vec();
                if key::encode_str(&after, &mut start).is_err() {
                    return Err(Failure::other("no page ended at this cursor: it is longer than any key"));
                }
                Bound::Excluded(start)
            }
        };
        let mut bytes = 0;
        for name in keys(entries, prefix, lower, deadline) {
            let name = name?;
            bytes += name.len();
            if page.keys.len() == KEYS_PAGE_MAX || (bytes > KEYS_PAGE_BYTES_MAX && !page.keys.is_empty()) {
                page.cursor = page.keys.last().cloned();
                break;
            }
            page.keys.push(name);
        }
        Ok(page)
    }
}

impl Cursor for u64 {
    fn page(
        entries: &mut Entries<'_>,
        prefix: &[u8],
        after: Option<u64>,
        deadline: Instant,
    ) -> Result<KeyResponse<u64>, Failure> {
        // The least hashes after the cursor, as many as a page holds. Keys of one hash never part.
        let mut least: BTreeMap<u64, Vec<String>> = BTreeMap::new();
        let (mut count, mut bytes, mut has_more) = (0, 0, false);
        for name in keys(entries, prefix, Bound::Included(prefix.to_vec()), deadline) {
            let name = name?;
            let hash = hash(&name);
            if after.is_some_and(|after| hash <= after) {
                continue;
            }
            (count, bytes) = (count + 1, bytes + name.len());
            least.entry(hash).or_default().push(name);
            while (count > KEYS_PAGE_MAX || bytes > KEYS_PAGE_BYTES_MAX) && least.len() > 1 {
                let Some((_, beyond)) = least.pop_last() else { break };
                (count, bytes) = (count - beyond.len(), bytes - beyond.iter().map(String::len).sum::<usize>());
                has_more = true;
            }
        }
        let cursor = least.last_key_value().map(|(hash, _)| *hash).filter(|_| has_more);
        let mut keys: Vec<String> = least.into_values().flatten().collect();
        keys.sort_unstable();
        Ok(KeyResponse { keys, cursor })
    }
}

fn hash(name: &str) -> u64 {
    let mut first = [0; 8];
    first.copy_from_slice(&blake3::hash(name.as_bytes()).as_bytes()[..8]);
    u64::from_be_bytes(first)
}

/// The keys of a bucket in their order. Looking at many ends with the call's deadline, as the guest's own work does.
fn keys<'a>(
    entries: &'a Entries<'_>,
    prefix: &'a [u8],
    lower: Bound<Vec<u8>>,
    deadline: Instant,
) -> impl Iterator<Item = Result<String, Failure>> + 'a {
    // A name ends in 00 00, and what follows begins after that.
    let mut upper = prefix.to_vec();
    upper.pop();
    upper.push(1);
    let name = &entries.collection.name;
    let keys = entries.transaction.keys(lower.map(Bytes::from), Bound::Excluded(upper.into()), Order::Ascending);
    keys.enumerate().map(move |(looked_at, whole)| {
        if looked_at % KEYS_BETWEEN_LOOKS == KEYS_BETWEEN_LOOKS - 1 && Instant::now() >= deadline {
            return Err(Failure::Host(Trap::Interrupt.into()));
        }
        let whole = whole.map_err(|error| Fault::store(name, error))?;
        let mut own = whole.strip_prefix(prefix).ok_or_else(|| Fault::value(name, "a key of another bucket"))?;
        Ok(key::decode_str(&mut own).map_err(|error| Fault::value(name, error))?)
    })
}
