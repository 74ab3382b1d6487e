use crate::api::{LedgerAnswer, LedgerInfo, shape};
use crate::console::{BOLD, Console, DIM, count, plural, styled};
use crate::failure::Failure;

/// The ledger for people.
pub(super) fn print(console: &Console, answer: &LedgerAnswer) -> Result<(), Failure> {
    if answer.collections.is_empty() {
        console.note("keeps no state yet");
    }
    for collection in &answer.collections {
        print_collection(console, collection)?;
    }
    Ok(())
}

fn print_collection(console: &Console, collection: &LedgerInfo) -> Result<(), Failure> {
    let writer = &collection.writer;
    let what = match collection {
        LedgerInfo { dropped: true, .. } => {
            format!("dropped or migrated away with version {writer}; only a migration takes the name again")
        }
        LedgerInfo { dormant: true, .. } => format!(
            "{}, kept although the active version does not import it; written by version {writer}",
            plural(collection.entries, "entry", "entries")
        ),
        _ => format!("{}; written by version {writer}", plural(collection.entries, "entry", "entries")),
    };
    console.line(format_args!("{}  {}", styled(BOLD, &collection.identity), collection.kind))?;
    console.line(format_args!("  {what}"))?;
    for schema in &collection.schemas {
        let shape = match collection.kind.as_str() {
            "counter" => format!("counter of {}", schema.value.as_deref().unwrap_or("_")),
            kind => shape(Some(kind), schema.key.as_deref(), schema.value.as_deref()),
        };
        console.line(format_args!("  {} {shape}", styled(DIM, format_args!("schema {:>2}", count(schema.number)))))?;
    }
    Ok(())
}
