//! A counter: sums added and subtracted, by node, so that the counters of several nodes could be added up.

use bytes::Bytes;
use stead_schema::layout;

use super::Entries;
use crate::engine::fault::Fault;

/// The node that this host is.
const NODE: u64 = 0;

/// The sum; a signed counter's fits an `s64`, an unsigned one's a `u64`, by [`add`].
pub(in crate::engine) fn value(counter: &mut Entries<'_>) -> Result<i128, Fault> {
    let (added, subtracted) = sums(counter)?;
    Ok(i128::from(added) - i128::from(subtracted))
}

/// Adds to the sum.
pub(in crate::engine) fn add(counter: &mut Entries<'_>, delta: i128) -> Result<(), Fault> {
    if delta == 0 {
        return Ok(());
    }
    let (mut added, mut subtracted) = sums(counter)?;
    let side = if delta > 0 { &mut added } else { &mut subtracted };
    let sum = u64::try_from(delta.unsigned_abs()).ok().and_then(|delta| side.checked_add(delta));
    let overflow = || {
        let ty = if counter.collection.signed { "s64" } else { "u64" };
        Fault::Limit(format!("counter {} overflows {ty} when {delta} is added", counter.collection.name))
    };
    *side = sum.ok_or_else(overflow)?;
    let value = i128::from(added) - i128::from(subtracted);
    let fits = match counter.collection.signed {
        true => i64::try_from(value).is_ok(),
        false => u64::try_from(value).is_ok(),
    };
    if !fits {
        return Err(overflow());
    }
    let key = layout::counter_key(counter.collection.number, NODE);
    counter.put(key, layout::encode_counter(added, subtracted).to_vec())
}

fn sums(counter: &mut Entries<'_>) -> Result<(u64, u64), Fault> {
    let stored: Option<Bytes> = counter.get(&layout::counter_key(counter.collection.number, NODE))?;
    match stored {
        None => Ok((0, 0)),
        Some(stored) => layout::decode_counter(&stored)
            .ok_or_else(|| Fault::value(&counter.collection.name, "these are no sums of a counter")),
    }
}
