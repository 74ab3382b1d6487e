//! Entries that the successor reads through a conversion: proven to keep everything, or rewritten where a part is
//! dropped by name.

use bytes::Bytes;
use stead_schema::{Admitted, Conversion, Identity, Kind, Owned, Type, Value, codec, layout};
use stead_store::{Transaction, View};

use super::Stop;
use super::carry::entries;
use super::plan::Plan;
use super::receipt::Refusal;
use crate::error::HostError;

/// An entry and how the successor reads it.
struct Converted<'a> {
    key: Bytes,
    /// As it is stored.
    value: Value,
    conversion: &'a Conversion,
    /// The schema under which the successor writes, and its type.
    schema: u32,
    ty: &'a Type,
}

/// Rewrites the entries of collections that lose a part, so that what was dropped cannot come back.
pub(super) fn rewrite_lossy(plan: &Plan, live: &View, transaction: &mut Transaction) -> Result<(), Stop> {
    for identity in plan.lossy() {
        for_each_converted::<Stop>(&plan.admitted, identity, live, |entry| {
            let refused = |error: String| Stop::Abort(format!("{identity}: {error}"));
            let value = entry.conversion.apply(entry.value).map_err(|error| refused(error.to_string()))?;
            let mut bytes = Vec::new();
            codec::encode_schema(entry.schema, &mut bytes);
            codec::encode::<Owned>(entry.ty, &value, &mut bytes).map_err(|error| refused(error.to_string()))?;
            transaction.put(entry.key, bytes.into());
            Ok(())
        })?;
    }
    Ok(())
}

/// Entries of a collection that a version could not read whole.
#[derive(Default)]
pub(super) struct Losing {
    pub(super) entries: u64,
    /// What becomes of the first one.
    first: Option<String>,
}

impl Losing {
    /// Why the version may not take over the collection, if there is such an entry.
    pub(super) fn refusal(&self, admitted: &Admitted, identity: &Identity) -> Option<Refusal> {
        let (entries, first) = (self.entries, self.first.as_ref()?);
        let noun = if entries == 1 { "entry" } else { "entries" };
        let differences = differences(admitted, identity);
        let reason =
            format!("{entries} {noun} that this version cannot hold whole (the first: {first}); {differences}");
        Some(Refusal { subject: identity.to_string(), reason })
    }
}

/// Looks, entry by entry, for what the successor could not read whole, in a collection where that is a question of the
/// values. No entry means that it can take over all of it.
pub(super) fn losing(admitted: &Admitted, identity: &Identity, live: &View) -> Result<Losing, HostError> {
    let mut losing = Losing::default();
    for_each_converted::<HostError>(admitted, identity, live, |entry| {
        if entry.conversion.loses(&entry.value) {
            losing.entries += 1;
            losing.first.get_or_insert_with(|| match entry.conversion.apply(entry.value) {
                Ok(_) => "a part of it would be dropped".to_owned(),
                Err(error) => error.to_string(),
            });
        }
        Ok(())
    })?;
    Ok(losing)
}

/// How the version's types differ from those of the state.
fn differences(admitted: &Admitted, identity: &Identity) -> String {
    let found = admitted.verdicts.iter().find(|(compared, _)| compared == identity);
    let sentences =
        found.into_iter().flat_map(|(_, comparison)| comparison.differences.iter().map(ToString::to_string));
    sentences.collect::<Vec<_>>().join("; ")
}

/// Every entry of a collection that is read through a conversion.
fn for_each_converted<E: From<HostError>>(
    admitted: &Admitted,
    identity: &Identity,
    live: &View,
    mut each: impl FnMut(Converted<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let Some(binding) = admitted.bindings.iter().find(|binding| &binding.identity == identity) else { return Ok(()) };
    let (Some(ty), Kind::Cell | Kind::Map | Kind::Log) = (&binding.value, binding.kind) else { return Ok(()) };
    if binding.conversions.iter().all(Option::is_none) {
        return Ok(());
    }
    let damaged = |what: String| E::from(HostError::Catalog { what: format!("{identity}: {what}") });
    for entry in entries(live, binding.number) {
        let (key, bytes) = entry.map_err(HostError::from)?;
        if binding.kind == Kind::Log && layout::log_index(&key).is_none() {
            continue;
        }
        let mut body = bytes.as_ref();
        let number = codec::decode_schema(&mut body).map_err(|error| damaged(error.to_string()))?;
        let Some(Some(conversion)) = binding.conversions.get(number as usize) else { continue };
        let value = codec::decode_whole::<Owned>(conversion.old(), body).map_err(|error| damaged(error.to_string()))?;
        each(Converted { key, value, conversion, schema: binding.schema, ty })?;
    }
    Ok(())
}
