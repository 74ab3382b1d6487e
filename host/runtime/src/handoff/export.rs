//! Later writes as an exported file, for a rollback that gives them up.

use std::io::Write;

use stead_schema::Ledger;
use stead_store::View;

use super::later::for_each_later;
use crate::catalog::VersionRecord;
use crate::door::Changes;

/// Writes every entry that was written since an earlier fork, and says how many.
pub(super) fn export_later(
    plugin: &str,
    version: &VersionRecord,
    (before, after): (&View, &View),
    ledger: &Ledger,
    sink: &mut (dyn Write + Send),
) -> Result<u64, String> {
    let failed = |error: &dyn std::fmt::Display| format!("later writes could not be exported: {error}");
    let mut changes = Changes::begin(sink, plugin, version, after, ledger).map_err(|error| failed(&error))?;
    let mut stopped = None;
    for_each_later(before, after, |later| {
        if stopped.is_none() {
            stopped = changes.change(&later.key, later.before.as_deref(), later.after.as_deref()).err();
        }
        Ok(())
    })
    .map_err(|error| failed(&error))?;
    match stopped {
        Some(error) => Err(failed(&error)),
        None => changes.end().map_err(|error| failed(&error)),
    }
}
