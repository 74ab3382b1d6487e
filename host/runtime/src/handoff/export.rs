//! Later writes as lines of JSON with their types, for a rollback that gives them up.

use std::io::Write;

use serde_json::{Value as Json, json};
use stead_schema::{Ledger, Type, Value, text};
use stead_store::View;

use super::later::for_each_later;
use crate::error::HostError;
use crate::host::Typed;

/// Writes every entry that was written since an earlier fork, and says how many. Each line is an object with
/// `collection`, `key` and `value` (absent where there is none), their types, and `removed`.
pub(super) fn export_later(
    before: &View,
    after: &View,
    ledger: &Ledger,
    sink: &mut (dyn Write + Send),
) -> Result<u64, String> {
    let mut exported = 0;
    let mut failed = None;
    for_each_later(before, after, |later| {
        let line = line(ledger, &later.key, later.after.as_deref())?;
        if failed.is_none() {
            match writeln!(sink, "{line}") {
                Ok(()) => exported += 1,
                Err(error) => failed = Some(error),
            }
        }
        Ok(())
    })
    .map_err(|error| error.to_string())?;
    match failed.map_or_else(|| sink.flush(), Err) {
        Ok(()) => Ok(exported),
        Err(error) => Err(format!("later writes could not be exported: {error}")),
    }
}

fn line(ledger: &Ledger, key: &[u8], value: Option<&[u8]>) -> Result<Json, HostError> {
    let Some(typed) = Typed::of(ledger, key)? else {
        return Ok(json!({ "bytes": key.escape_ascii().to_string() }));
    };
    let mut line = json!({ "collection": typed.identity().to_string() });
    if let (Some(key), Some(ty)) = (typed.key(key)?, typed.key_type()) {
        add(&mut line, "key", "key-type", &key, &ty);
    }
    match (value, typed.value_type()) {
        (None, _) => line["removed"] = json!(true),
        // A log's bounds are no entry of it.
        (Some(bytes), Some(ty)) if !typed.is_meta(key) => {
            add(&mut line, "value", "value-type", &typed.value(bytes)?, &ty)
        }
        (Some(bytes), _) => line["bytes"] = json!(bytes.escape_ascii().to_string()),
    }
    Ok(line)
}

fn add(line: &mut Json, name: &str, type_name: &str, value: &Value, ty: &Type) {
    line[name] = text::json::to_json(value, ty);
    line[type_name] = json!(ty.to_string());
}
